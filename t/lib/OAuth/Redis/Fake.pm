# A server that speaks as a test says, on a free loopback port, as long as the object lives.
#
#     my $fake = OAuth::Redis::Fake->new(answer => sub { my ($connection, $bytes) = @_; "+OK\r\n" });
# `answer` gets the number of the connection and the bytes that came; undef closes it, '' says nothing.
# PING is answered by PONG.
package OAuth::Redis::Fake;

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use POSIX ();

use OAuth::Port;

sub new {
    my ($class, %args) = @_;
    my $self = bless { port => OAuth::Port::take() }, $class;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $self->{port}, Listen => 16, ReuseAddr => 1)
        or die "listen: $@";
    $self->{pid} = fork;
    die "fork: $!\n" if !defined $self->{pid};
    return $self if $self->{pid};
    eval { _serve($listener, $args{answer}) };
    POSIX::_exit(0);
}

sub port { return $_[0]{port} }

sub DESTROY {
    my ($self) = @_;
    local $?;
    return if !$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub _serve {
    my ($listener, $answer) = @_;
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
            my $text = $count ? _answer($answer, $number{$ready}, $bytes) : undef;
            if (defined $text) { syswrite $ready, $text; next }
            $select->remove($ready);
            close $ready;
        }
    }
    return;
}

# What came in one piece may be a PING and a question behind it.
sub _answer {
    my ($answer, $number, $bytes) = @_;
    my $pong = $bytes =~ s/\*1\r\n\$4\r\nPING\r\n// ? "+PONG\r\n" : '';
    return $pong if $bytes eq '';
    my $text = $answer->($number, $bytes);
    return defined $text ? $pong . $text : undef;
}

1;
