# A server that answers byte for byte as a test says, in place of Redis.
#
#     my $fake = OAuth::FakeRedis->new(answer => sub { my ($connection, $bytes) = @_; "+OK\r\n" });
#     $fake->port;
# `answer` gets the number of the connection (from 1) and the bytes that came; undef closes. PING is
# answered by PONG unless `ping` says otherwise. It runs as long as the object lives, at `port` if one is
# given.
package OAuth::FakeRedis;

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use POSIX ();

use OAuth::Port;

sub new {
    my ($class, %args) = @_;
    my $port = $args{port} || OAuth::Port::take();
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1)
        or die "listen: $@";
    my $pid = fork;
    die "fork: $!\n" if !defined $pid;
    return bless { pid => $pid, port => $port, owner => $$ }, $class if $pid;
    $SIG{PIPE} = 'IGNORE';
    _serve($listener, %args);
    POSIX::_exit(0);
}

sub port { return $_[0]{port} }

sub _serve {
    my ($listener, %args) = @_;
    my ($select, %number) = IO::Select->new($listener);
    while (getppid() != 1) {
        for my $ready ($select->can_read(10)) {
            if ($ready == $listener) {
                my $socket = $listener->accept or next;
                $number{$socket} = 1 + keys %number;
                $select->add($socket);
                next;
            }
            my $count = sysread $ready, my $bytes, 65536;
            my $answer = !$count ? undef
                : $bytes =~ /PING/ ? ($args{ping} || sub { "+PONG\r\n" })->($number{$ready}, $bytes)
                :                    $args{answer}->($number{$ready}, $bytes);
            if (defined $answer) { syswrite $ready, $answer; next }
            $select->remove($ready);
            close $ready;
        }
    }
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
