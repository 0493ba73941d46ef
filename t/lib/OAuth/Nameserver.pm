# A nameserver that knows the names of a test, by IPv4 address, and notes what it is asked.
#
#     my $dns = OAuth::Nameserver->new('redis.test' => ['127.0.0.1']);     # { ttl => seconds }: 60
#     "resolver 127.0.0.1:" . $dns->port . " ipv6=off;"
#     $dns->know('redis.test' => ['127.0.0.2', '127.0.0.3']);   # from now on; [] is no such name
#     $dns->asked('redis.test');                                # how often, for an IPv4 address
package OAuth::Nameserver;

use strict;
use warnings;
use File::Temp ();
use IO::Socket::IP;
use POSIX ();

my @live;

sub new {
    my ($class, @names) = @_;
    my $options = ref $names[0] ? shift @names : {};
    my $socket = IO::Socket::IP->new(Proto => 'udp', LocalHost => '127.0.0.1', LocalPort => 0) or die "nameserver: $@\n";
    my $self = bless {
        port => $socket->sockport, ttl => defined $options->{ttl} ? $options->{ttl} : 60, owner => $$,
        folder => File::Temp->newdir('oauth-dns-XXXXXX', TMPDIR => 1, CLEANUP => 1),
    }, $class;
    OAuth::Test::spew($self->_log, '');
    $self->know(@names);
    my $parent = $$;
    $self->{pid} = fork;
    die "fork: $!\n" if !defined $self->{pid};
    if (!$self->{pid}) {
        eval { $self->_serve($socket, $parent) };
        print STDERR "nameserver: $@" if $@;
        POSIX::_exit(1);
    }
    push @live, $self;
    return $self;
}

sub port { return $_[0]{port} }
sub _log   { return $_[0]{folder}->dirname . '/asked' }
sub _names { return $_[0]{folder}->dirname . '/names' }

sub know {
    my ($self, %names) = @_;
    $self->{names} = { %{ $self->{names} || {} }, %names };
    my $new = $self->_names . '.new';
    OAuth::Test::spew($new, join '', map { "$_ @{ $self->{names}{$_} }\n" } sort keys %{ $self->{names} });
    rename $new, $self->_names or die "nameserver: $!\n";
    return $self;
}

sub asked {
    my ($self, $name) = @_;
    return scalar grep { $_ eq "1 $name." } split /\n/, OAuth::Test::slurp($self->_log);
}

sub questions { return OAuth::Test::slurp($_[0]->_log) }

sub stop {
    my ($self) = @_;
    return if $$ != $self->{owner} || !$self->{pid};
    local $?;
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub _serve {
    my ($self, $socket, $parent) = @_;
    open my $log, '>>', $self->_log or die $!;
    local $SIG{ALRM} = sub { getppid == $parent ? alarm 5 : POSIX::_exit(0) };
    alarm 5;
    while (1) {
        my $from = recv $socket, my $query, 512, 0;
        next if !$from;
        my ($name, $at) = ('', 12);
        while (my $length = ord substr $query, $at, 1) {
            $name .= substr($query, $at + 1, $length) . '.';
            $at += $length + 1;
        }
        my $type = unpack 'n', substr $query, $at + 1, 2;
        syswrite $log, "$type $name\n";
        my %known = map { my ($known, @addresses) = split / /; ("$known." => \@addresses) } split /\n/, OAuth::Test::slurp($self->_names);
        my @addresses = $type == 1 ? @{ $known{$name} || [] } : ();
        my $code = @{ $known{$name} || [] } ? 0 : 3;
        send $socket, substr($query, 0, 2) . pack('n5', 0x8180 | $code, 1, scalar @addresses, 0, 0)
            . substr($query, 12, $at + 5 - 12)
            . join('', map { pack 'n n n N n C4', 0xC00C, 1, 1, $self->{ttl}, 4, split /\./ } @addresses), 0, $from;
    }
}

sub DESTROY { $_[0]->stop; return }
END { $_->stop for @live }

1;
