# A provider or backend that answers byte for byte as a test says, and remembers what it was asked.
#
#     my $up = OAuth::Upstream->new(
#         '/ok'    => [OAuth::Upstream::reply(200, 'hello')],
#         '/slow'  => [OAuth::Upstream::head(200, 'Content-Length' => 3), { each => 0.2 }, 'abc'],
#         '/hang'  => [{ hang => 1 }],
#     );
#     $up->port;  $up->requests;   # each: { line, headers => [[name, value], ...], body, raw }
#     $up->sent('/big');           # bytes that the kernel took of the last answer to that path
#
# An answer is a list of pieces: text is sent; {wait => s} waits; {each => s} sends one byte at a
# time from here on; {hang => 1} does nothing until the peer leaves; {reset => 1} ends by RST. At the
# end of the list the connection is closed. A path that has no answer gets 404. {until => FILE} holds
# an answer back until that file exists.
package OAuth::Upstream;

use strict;
use warnings;
use Fcntl qw(O_NONBLOCK F_GETFL F_SETFL);
use File::Temp ();
use IO::Select;
use IO::Socket::IP;
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

use OAuth::Port;

my @live;

sub new {
    my ($class, %answers) = @_;
    my $self = bless {
        port   => OAuth::Port::take(),
        folder => File::Temp->newdir('oauth-upstream-XXXXXX', TMPDIR => 1, CLEANUP => 1),
        owner  => $$,
    }, $class;
    my $listener = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $self->{port}, Listen => 1024, ReuseAddr => 1)
        or die "upstream: $@\n";
    my $parent = $$;
    $self->{pid} = fork;
    die "fork: $!\n" if !defined $self->{pid};
    if (!$self->{pid}) {
        $SIG{PIPE} = 'IGNORE';
        eval { _serve($listener, $self->_log, $parent, \%answers) };
        print STDERR "upstream: $@" if $@;
        POSIX::_exit(1);
    }
    push @live, $self;
    return $self;
}

sub head {
    my ($status, @headers) = @_;
    my $text = "HTTP/1.1 $status Said\r\n";
    my %fields = @headers;
    $text .= "$_: $fields{$_}\r\n" for sort keys %fields;
    return "$text\r\n";
}

sub reply {
    my ($status, $body, %headers) = @_;
    return head($status, 'Content-Type' => 'text/plain', 'Content-Length' => length $body, %headers) . $body;
}

sub chunked {
    my (@chunks) = @_;
    return join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks;
}

sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}" }

sub requests {
    my ($self, $path) = @_;
    my @all = map { $_->{raw} ? $_ : () } $self->_events;
    return grep { !defined $path || $_->{path} eq $path } @all;
}

sub sent {
    my ($self, $path) = @_;
    my ($last) = grep { defined $_->{sent} && $_->{path} eq $path } reverse $self->_events;
    return $last && $last->{sent};
}

sub forget {
    my ($self) = @_;
    $self->{seen} = -s $self->_log;
    return;
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub _log { return $_[0]{folder}->dirname . '/log' }

sub _events {
    my ($self) = @_;
    open my $file, '<:raw', $self->_log or return;
    seek $file, $self->{seen} || 0, 0;
    return map { JSON::PP::decode_json($_) } grep { /\n\z/ } <$file>;
}

# ---- the child --------------------------------------------------------------------------------

sub _serve {
    my ($listener, $log, $parent, $answers) = @_;
    open my $out, '>>:raw', $log or die "$log: $!\n";
    $out->autoflush(1);
    $listener->blocking(0);
    my %peers;
    while (getppid == $parent) {
        my $read  = IO::Select->new($listener, map { $_->{socket} } values %peers);
        my $write = IO::Select->new(map { $_->{socket} } grep { length $_->{out} && !$_->{wake} } values %peers);
        my ($readable, $writable) = IO::Select->select($read, $write, undef, _patience(values %peers));
        for my $socket (@{ $readable || [] }) {
            if ($socket == $listener) {
                while (my $new = $listener->accept) {
                    $new->blocking(0);
                    $peers{ fileno $new } = { socket => $new, in => '', out => '', sent => 0 };
                }
                next;
            }
            my $peer = $peers{ fileno $socket } or next;
            my $count = sysread $socket, $peer->{in}, 65536, length $peer->{in};
            $peer->{gone} = 1 if defined $count ? !$count : !$!{EAGAIN};
        }
        for my $fd (keys %peers) {
            my $peer = $peers{$fd};
            _step($peer, $out, $answers);
            next if !$peer->{gone} && !$peer->{over};
            print {$out} JSON::PP::encode_json({ path => $peer->{path}, sent => $peer->{sent} }), "\n"
                if defined $peer->{path};
            close $peer->{socket};
            delete $peers{$fd};
        }
    }
    POSIX::_exit(0);
}

sub _patience {
    my (@peers) = @_;
    my $wait = 0.5;
    for my $peer (@peers) {
        next if !$peer->{wake};
        my $left = $peer->{wake} - time;
        $wait = $left < 0 ? 0 : $left if $left < $wait;
        $wait = 0.02 if $peer->{until} && $wait > 0.02;
    }
    return $wait;
}

sub _step {
    my ($peer, $out, $answers) = @_;
    if (!$peer->{answer}) {
        my ($request) = _parse($peer->{in}) or return;
        print {$out} JSON::PP::encode_json($request), "\n";
        $peer->{path} = $request->{path};
        $peer->{answer} = [@{ $answers->{ $request->{path} } || [reply(404, 'no such path')] }];
    }
    while (!$peer->{over}) {
        return if $peer->{wake} && time < $peer->{wake};
        delete $peer->{wake};
        if ($peer->{until}) {
            if (!-e $peer->{until}) { $peer->{wake} = time + 0.02; return }
            delete $peer->{until};
        }
        if (length $peer->{out}) {
            my $size = $peer->{each} ? 1 : 65536;
            my $count = syswrite $peer->{socket}, $peer->{out}, $size;
            if (!defined $count) {
                $peer->{gone} = 1 if !$!{EAGAIN};
                return;
            }
            $peer->{sent} += $count;
            substr $peer->{out}, 0, $count, '';
            $peer->{wake} = time + $peer->{each} if $peer->{each};
            next;
        }
        my $piece = shift @{ $peer->{answer} };
        if    (!defined $piece)  { $peer->{over} = 1 }
        elsif (!ref $piece)      { $peer->{out} = $piece }
        elsif ($piece->{wait})   { $peer->{wake} = time + $piece->{wait} }
        elsif ($piece->{until})  { $peer->{until} = $piece->{until} }
        elsif ($piece->{each})   { $peer->{each} = $piece->{each} }
        elsif ($piece->{reset})  {
            setsockopt $peer->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
            $peer->{over} = 1;
        }
        else { $peer->{wake} = time + 3600 }
    }
    return;
}

sub _parse {
    my ($text) = @_;
    my ($head, $body) = $text =~ /\A(.*?)\r\n\r\n(.*)\z/s or return;
    my ($line, @lines) = split /\r\n/, $head;
    my @headers = map { [/^([^:]*): ?(.*)$/s] } @lines;
    my ($length) = map { $_->[1] } grep { lc $_->[0] eq 'content-length' } @headers;
    return if length $body < ($length || 0);
    my ($path) = $line =~ /^\S+ ([^ ?]*)/;
    return { line => $line, path => $path, headers => \@headers, body => $body, raw => $text };
}

sub DESTROY { $_[0]->stop }
END { local $?; $_->stop for grep { defined } @live }

1;
