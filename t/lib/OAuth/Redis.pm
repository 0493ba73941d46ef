# A redis-server of a test's own: a free loopback port, a unix socket, nothing on disk.
#
#     my $redis = OAuth::Redis->new(args => ['--requirepass', 'x'], password => 'x')->start;
#     is $redis->command(GET => 'oauth:k'), 'v';       # arrays are references, nil is undef, an error dies
# With tls => { ca => FILE, cert => 'PATH' } (of PATH.pem and PATH.key) its port speaks TLS only, to who has a
# certificate, and the test itself comes by the socket. OAUTH_REDIS_SERVER is another program, as valkey-server.
package OAuth::Redis;

use strict;
use warnings;
use File::Temp ();
use IO::Socket::IP;
use List::Util qw(pairmap);
use Time::HiRes qw(time sleep);

use OAuth::Http;
use OAuth::Port;
use OAuth::Process;

sub new {
    my ($class, %args) = @_;
    return bless {
        args     => [],
        port     => OAuth::Port::take(),
        folder   => File::Temp->newdir('oauth-redis-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{OAUTH_KEEP}),
        %args,
    }, $class;
}

sub port        { return $_[0]{port} }
sub pid         { return $_[0]{process}->pid }
sub dir         { return $_[0]{folder}->dirname }
sub socket_path { return $_[0]->dir . '/redis.sock' }
sub log         { return OAuth::Test::slurp($_[0]->dir . '/redis.log') }

sub program { return $ENV{OAUTH_REDIS_SERVER} || 'redis-server' }

sub is_running { my ($self) = @_; return $self->{process} && !defined $self->{process}->status }

sub start {
    my ($self) = @_;
    chmod 0755, $self->dir;
    $self->{process} = OAuth::Process->spawn(
        output  => $self->dir . '/redis.log',
        command => [$self->command_line],
    );
    my $end = time + 20;
    while (1) {
        die program() . " ended:\n" . $self->log if defined $self->{process}->status;
        last if -S $self->socket_path && eval { $self->command('PING') };
        # A server that wants TLS or another user's rights is up as soon as it refuses us.
        last if $@ =~ /^redis: (?:NOAUTH|NOPERM|WRONGPASS|LOADING)/;
        die program() . " does not answer: $@" . $self->log if time > $end;
        sleep 0.02;
    }
    return $self;
}

sub command_line {
    my ($self) = @_;
    return (program(), (pairmap { ("--$a", $b) } $self->listening), '--bind', '127.0.0.1', '--unixsocketperm', '777',
        '--save', '', '--appendonly', 'no', '--dir', $self->dir, @{ $self->{args} });
}

# Names and values of its configuration.
sub listening {
    my ($self) = @_;
    my @socket = (unixsocket => $self->socket_path);
    my $tls = $self->{tls} or return (port => $self->{port}, @socket);
    return (port => 0, 'tls-port' => $self->{port}, 'tls-ca-cert-file' => $tls->{ca}, 'tls-cert-file' => "$tls->{cert}.pem",
        'tls-key-file' => "$tls->{cert}.key", 'tls-replication' => 'yes', 'tls-cluster' => 'yes', @socket);
}

# Another certificate, to whoever connects from now on.
sub shows {
    my ($self, $cert) = @_;
    return $self->command(CONFIG => SET => 'tls-cert-file', "$cert.pem", 'tls-key-file', "$cert.key");
}

sub stop {
    my ($self) = @_;
    $self->_forget;
    return $self->{process}->stop('TERM');
}

# Without a word, as a crash.
sub kill {
    my ($self) = @_;
    $self->_forget;
    return $self->{process}->stop('KILL');
}

# Alive for the kernel, silent for its clients.
sub pause  { return $_[0]{process}->signal('STOP') }
sub resume { return $_[0]{process}->signal('CONT') }

sub command {
    my ($self, @argv) = @_;
    my $connection = $self->{connection} ||= $self->_connect;
    my $reply = eval { $self->_ask($connection, @argv) };
    if (my $error = $@) {
        $self->_forget if $error !~ /^redis: [A-Z]/;
        die $error;
    }
    return $reply;
}

sub _connect {
    my ($self) = @_;
    my $connection = OAuth::Http->new($self->{tls} ? (path => $self->socket_path) : (port => $self->{port}), timeout => 10);
    if (defined $self->{password}) {
        $self->_ask($connection, 'AUTH', defined $self->{user} ? $self->{user} : (), $self->{password});
    }
    return $connection;
}

sub _forget {
    my ($self) = @_;
    my $connection = delete $self->{connection} or return;
    $connection->close;
    return;
}

sub _ask {
    my ($self, $connection, @argv) = @_;
    my $text = '*' . @argv . "\r\n";
    for my $word (@argv) {
        my $bytes = $word;
        utf8::encode($bytes) if utf8::is_utf8($bytes);
        $text .= '$' . length($bytes) . "\r\n$bytes\r\n";
    }
    $connection->send($text);
    return $self->_read($connection, time + 10);
}

sub _read {
    my ($self, $connection, $end) = @_;
    my $line = $connection->_read_until("\r\n", $end);
    die "redis: closed\n" if !defined $line;
    my $kind = substr $line, 0, 1, '';
    return $line             if $kind eq '+' || $kind eq ':';
    die "redis: $line\n"     if $kind eq '-';
    return                   if $line < 0;
    if ($kind eq '*') {
        return [map { scalar $self->_read($connection, $end) } 1 .. $line];
    }
    my $bytes = $connection->_read_bytes($line + 2, $end);
    die "redis: closed\n" if !defined $bytes;
    return substr $bytes, 0, $line;
}

1;
