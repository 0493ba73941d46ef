# An HTTP/1.1 client on a raw socket, so that a test can send what no library would.
#
#     my $connection = OAuth::Http->new(port => 8080);        # tls => 1: through openssl s_client;
#                                                             # from => '127.0.0.2': as that address;
#                                                             # path => a unix socket
#     $connection->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
#     my $response = $connection->read_response;              # status, headers, body; status 0: none came
#     $response = $connection->request(POST => '/token', body => 'a=1', headers => [Origin => 'https://x']);
package OAuth::Http;

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

sub new {
    my ($class, %args) = @_;
    my $self = bless {
        host    => $args{host} || '127.0.0.1',
        port    => $args{port},
        timeout => $args{timeout} || 30,
        from    => $args{from},
        path    => $args{path},
        buffer  => '',
    }, $class;
    $args{tls} ? $self->_connect_tls($args{tls}) : $self->_connect;
    return $self;
}

sub _connect {
    my ($self) = @_;
    if (defined $self->{path}) {
        my $socket = IO::Socket::UNIX->new(Peer => $self->{path}) or die "no connection to $self->{path}: $!\n";
        @$self{qw(in out)} = ($socket, $socket);
        return;
    }
    my @from = defined $self->{from} ? (LocalHost => $self->{from}) : ();
    my $socket = IO::Socket::IP->new(PeerHost => $self->{host}, PeerPort => $self->{port}, Timeout => 10, @from)
        or die "no connection to $self->{host}:$self->{port}: $@\n";
    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    $socket->autoflush(1);
    @$self{qw(in out)} = ($socket, $socket);
    return;
}

# Perl's core has no TLS; `tls` is 1 or the server name to send.
sub _connect_tls {
    my ($self, $name) = @_;
    $name = 'localhost' if $name eq '1';
    $self->{child} = open2(my $in, my $out, 'sh', '-c',
        'exec openssl s_client -quiet -connect "$0" -servername "$1" 2>/dev/null',
        "$self->{host}:$self->{port}", $name);
    $out->autoflush(1);
    @$self{qw(in out)} = ($in, $out);
    return;
}

sub socket { return $_[0]{in} }

sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ($sent < length $bytes) {
        my $count = syswrite $self->{out}, $bytes, length($bytes) - $sent, $sent;
        last if !defined $count;    # the peer closed: what it said can still be read
        $sent += $count;
    }
    return $self;
}

# The text of a request. A `body` that is a reference is sent as JSON. `headers` are sent as given
# and replace the defaults of the same name; a default is left out when its value is undef.
sub format_request {
    my ($method, $target, %args) = @_;
    my $body  = $args{body};
    my @given = @{ $args{headers} || [] };
    my $type  = 'application/x-www-form-urlencoded';
    if (ref $body) {
        $body = JSON::PP->new->utf8->canonical->encode($body);
        $type = 'application/json';
    }
    my @fields = (Host => $args{host});
    push @fields, Connection => 'close' if !$args{keepalive};
    push @fields, 'Content-Type' => $type, 'Content-Length' => length $body if defined $body;

    my %replaced;
    for (my $i = 0; $i < @given; $i += 2) { $replaced{ lc $given[$i] } = 1 }
    my $text = "$method $target HTTP/1.1\r\n";
    for (my $i = 0; $i < @fields; $i += 2) {
        $text .= "$fields[$i]: $fields[$i + 1]\r\n" if !$replaced{ lc $fields[$i] };
    }
    for (my $i = 0; $i < @given; $i += 2) {
        $text .= "$given[$i]: $given[$i + 1]\r\n" if defined $given[$i + 1];
    }
    return "$text\r\n" . (defined $body ? $body : '');
}

# Keeps the connection open unless `close => 1`.
sub request {
    my ($self, $method, $target, %args) = @_;
    $args{host}      = "localhost:$self->{port}" if !defined $args{host};
    $args{keepalive} = !$args{close};
    $self->send(format_request($method, $target, %args));
    return $self->read_response(head => $method eq 'HEAD');
}

sub read_response {
    my ($self, %args) = @_;
    my $deadline = time + $self->{timeout};
    my $response = { status => 0, reason => '', headers => [], body => '', error => '' };
    my $head;
    do {
        $head = $self->_read_until("\r\n\r\n", $deadline);
        if (!defined $head) {
            $response->{error} = length $self->{buffer} ? 'cut off in the head' : 'closed without a response';
            return $response;
        }
    } while $head =~ m{^HTTP/1\.[01] 1(?!01)\d\d};

    my ($line, @lines) = split /\r\n/, $head;
    @$response{qw(version status reason)} = $line =~ m{^(HTTP/\S+) (\d{3}) ?(.*)}
        or die "not a response: $line\n";
    $response->{head}    = $head;
    $response->{headers} = [map { [/^([^:]*):[ \t]*(.*?)[ \t]*$/s] } @lines];
    return $response if $args{head} || $response->{status} =~ /^(?:101|204|304)$/;
    $self->_read_body($response, $deadline);
    return $response;
}

sub _read_body {
    my ($self, $response, $deadline) = @_;
    my %field = map { lc $_->[0] => $_->[1] } @{ $response->{headers} };
    if (lc($field{'transfer-encoding'} || '') eq 'chunked') {
        while (1) {
            my $line = $self->_read_until("\r\n", $deadline);
            my $size = defined $line && $line =~ /^([0-9a-f]+)/i ? hex $1 : undef;
            my $data = defined $size ? $self->_read_bytes($size + 2, $deadline) : undef;
            return $response->{error} = 'cut off in a chunk' if !defined $data;
            return if $size == 0;
            $response->{body} .= substr $data, 0, $size;
        }
    }
    if (defined $field{'content-length'}) {
        my $data = $self->_read_bytes($field{'content-length'}, $deadline);
        $response->{error} = 'cut off in the body' if !defined $data;
        $response->{body}  = defined $data ? $data : $self->{buffer};
        return;
    }
    $response->{body} = $self->read_all;
    return;
}

# Everything until the peer closes.
sub read_all {
    my ($self) = @_;
    my $deadline = time + $self->{timeout};
    1 while $self->_fill($deadline);
    my $bytes = $self->{buffer};
    $self->{buffer} = '';
    return $bytes;
}

# Waits for the peer's end of file; false if it sent bytes or nothing happened in time.
sub wait_closed {
    my ($self) = @_;
    return !$self->_fill(time + $self->{timeout}) && $self->{eof};
}

sub close {
    my ($self) = @_;
    CORE::close $_ for grep { defined } delete @$self{qw(out in)};
    if (my $child = delete $self->{child}) {
        kill 'TERM', $child;
        waitpid $child, 0;
    }
    return;
}

sub _read_until {
    my ($self, $mark, $deadline) = @_;
    my $at;
    while (($at = index $self->{buffer}, $mark) < 0) {
        return if !$self->_fill($deadline);
    }
    my $found = substr $self->{buffer}, 0, $at + length $mark, '';
    return substr $found, 0, $at;
}

sub _read_bytes {
    my ($self, $count, $deadline) = @_;
    while (length $self->{buffer} < $count) {
        return if !$self->_fill($deadline);
    }
    return substr $self->{buffer}, 0, $count, '';
}

sub _fill {
    my ($self, $deadline) = @_;
    my $left = $deadline - time;
    return 0 if $left <= 0 || !IO::Select->new($self->{in})->can_read($left);
    my $count = sysread $self->{in}, $self->{buffer}, 65536, length $self->{buffer};
    $self->{eof} = 1 if !$count;
    return $count;
}

sub url_encode {
    my ($text) = @_;
    $text = '' if !defined $text;
    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9\-._~])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub url_decode {
    my ($text) = @_;
    return '' if !defined $text;
    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return $text;
}

1;
