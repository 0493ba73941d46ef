# What `nginx -t` says of a configuration.
#
#     use OAuth::Conf qw(mistake warned);
#     mistake('no client_id', "oauth_provider acme { #!\n...}\n", qr/needs "client_id"/);    # at the marked line
#     warned('a loopback broker', $http, qr/Apple/);    # undef: nothing is said
#
# A text without a server of its own gets one with a broker. files => { name => content } lie beside it.
package OAuth::Conf;

use strict;
use warnings;
use Exporter 'import';
use Test::More;

use OAuth::Nginx;

our @EXPORT_OK = qw(mistake warned check line_with);

my $SERVER = "server {\nlisten 127.0.0.1:%%PORT%%;\noauth_broker https://auth.example.com;\n"
    . "oauth_allow_origin https://app.example.com;\n}\n";

# nginx -t refuses, once, at the marked line, with that text.
sub mistake {
    my ($name, $http, $text, %args) = @_;
    my ($ok, $output, $conf) = check(_whole($http), %args);
    my $line = line_with($conf, qr/#!/);
    my @emerg = grep { /\[emerg\]/ } split /\n/, $output;
    ok !$ok && @emerg == 1 && $emerg[0] =~ $text && $emerg[0] =~ m{ in \S+/check\.conf:$line$}, "$name is a mistake at its line"
        or diag "line $line expected:\n$output";
    return;
}

# nginx -t accepts it, with that warning and no other.
sub warned {
    my ($name, $http, $text, %args) = @_;
    my ($ok, $output) = check(_whole($http), %args);
    my @warnings = grep { /\[warn\]/ } split /\n/, $output;
    my $right = defined $text ? @warnings == 1 && $warnings[0] =~ $text : !@warnings;
    ok $ok && $right, $name or diag $output;
    return;
}

# ($accepted, $output, $conf, $nginx)
sub check {
    my ($http, %args) = @_;
    my $files = delete $args{files} || {};
    my $nginx = OAuth::Nginx->new(http => $http, %args);
    OAuth::Test::spew($nginx->dir . "/$_", $files->{$_}, 0600) for keys %$files;
    my ($ok, $output) = $nginx->check;
    return ($ok, $output, OAuth::Test::slurp($nginx->dir . '/check.conf'), $nginx);
}

sub _whole {
    my ($http) = @_;
    return $http =~ /^\s*server\b/m ? $http : $http . $SERVER;
}

sub line_with {
    my ($conf, $pattern) = @_;
    my $number = 0;
    for my $line (split /\n/, $conf) {
        $number++;
        return $number if $line =~ $pattern;
    }
    return -1;
}

1;
