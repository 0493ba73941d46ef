# Certificates of a test's own, in a folder that everybody may read.
#
#     my $certificates = OAuth::Certificates->new;
#     $certificates->make('root', ca => 1);
#     $certificates->make('server', by => 'root', host => 'localhost');
#     $certificates->dir . '/server.pem';     # NAME.key, and NAME.pem with the whole chain up to, but
#                                             # without, the root; NAME.one is the certificate alone
package OAuth::Certificates;

use strict;
use warnings;
use File::Temp ();

sub new {
    my ($class) = @_;
    my $self = bless { folder => File::Temp->newdir('oauth-tls-XXXXXX', TMPDIR => 1) }, $class;
    chmod 0755, $self->dir;
    return $self;
}

sub dir { return $_[0]{folder}->dirname }

sub openssl {
    my ($self, @words) = @_;
    my $log = $self->dir . '/log';
    system "openssl @words >$log 2>&1" and die "openssl @words\n" . OAuth::Test::slurp($log);
    return;
}

# make(NAME, by => SIGNER or itself, host => NAME or address =>, ca => 1, days => a negative number:
# expired)
sub make {
    my ($self, $name, %args) = @_;
    my $file = $self->dir . "/$name";
    my $days = '-days ' . ($args{days} || 2);
    # OpenSSL 3.4 and later refuse an end before the start, and take both.
    $days = '-not_before 20200101000000Z -not_after 20200102000000Z'
        if ($args{days} || 0) < 0 && `openssl x509 -help 2>&1` =~ /-not_after/;
    my @names = ($args{host} ? "DNS:$args{host}" : (), $args{address} ? "IP:$args{address}" : ());
    OAuth::Test::spew("$file.ext", join "\n",
        $args{ca} ? 'basicConstraints=critical,CA:TRUE' : 'basicConstraints=CA:FALSE',
        @names ? 'subjectAltName=' . join ',', @names : ());
    $self->openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $file.key -out $file.csr");
    my $by = $args{by} && $self->dir . "/$args{by}";
    my $signer = $by ? "-CA $by.one -CAkey $by.key -CAcreateserial" : "-signkey $file.key";
    $self->openssl("x509 -req -in $file.csr $signer $days -extfile $file.ext -out $file.one");
    my $above = $by && $args{by} !~ /root/ ? OAuth::Test::slurp("$by.pem") : '';
    OAuth::Test::spew("$file.pem", OAuth::Test::slurp("$file.one") . $above);
    return $self;
}

1;
