# A connection that a token upgraded ends with the token (oauth_stream_lifetime), cleanly, whatever
# both sides are doing; anonymous ones, and those of a location that says so, live on.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Upstream;
use IO::Select;

my @upgraded = (OAuth::Upstream::head(101, Upgrade => 'websocket', Connection => 'Upgrade'));
my $up = OAuth::Upstream->new(
    (map { $_ => [@upgraded, { each => 0.02 }, 'x' x 100_000] } qw(/ends /later /never /optional /grace /any /try /auth)),
    '/quiet' => [@upgraded, { hang => 1 }],
    '/flood' => [@upgraded, 'x' x 50_000_000, { hang => 1 }],
    '/short' => [@upgraded, 'bye'],
    '/plain' => [OAuth::Upstream::head(200, 'Content-Length' => 200), { each => 0.02 }, 'x' x 200],
);
my $nginx = OAuth::Nginx->new(http => <<"HTTP" =~ s/UP/$up->url/ger)->start;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
oauth_clock_skew 0;
proxy_http_version 1.1;
proxy_set_header Upgrade \$http_upgrade;
proxy_set_header Connection \$http_connection;
lingering_timeout 1s;
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    oauth_protect bearer query=token;
    location /         { proxy_pass UP; }
    location /later    { oauth_stream_lifetime 2s; proxy_pass UP; }
    location /never    { oauth_stream_lifetime off; location /never { oauth_pass_token on; proxy_pass UP; } }
    location /optional { oauth_protect bearer query=token optional; proxy_pass UP; }
    location /grace    { oauth_expired_grace 2s; proxy_pass UP; }
    location /any      { satisfy any; allow 127.0.0.1; deny all; proxy_pass UP; }
    location /try      { try_files /none \@ends; }
    location \@ends     { oauth_protect off; proxy_pass UP; }
    location /auth     { oauth_protect off; auth_request /judge; proxy_pass UP; }
    location = /judge  { internal; try_files /none \@fine; }
    location \@fine     { oauth_protect off; return 204; }
}
HTTP

my $issuer = 'http://localhost:' . $nginx->port;
my $forge = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });

subtest 'who is cut, and in which order' => sub {
    my $token = token(3);
    my %stream = map { $_ => stream("/$_", $token) } qw(ends later never grace try auth);
    $stream{optional} = stream('/optional', $token);
    $stream{anonymous} = stream('/optional');
    $stream{address} = stream('/any');
    my %end = map { $_ => ends($stream{$_}) } qw(ends try auth optional);
    ok $end{$_}, $_ eq 'ends' ? 'a connection ends with its token' : "also in the location /$_" for qw(ends optional try auth);
    ok still_there($stream{$_}), "  when /$_ has not ended" for qw(later grace);
    ok ends($stream{$_}), "  which ends later" for qw(later grace);
    ok still_there($stream{never}), 'off: it is never cut';
    ok still_there($stream{anonymous}), 'an anonymous one neither';
    ok still_there($stream{address}), 'nor one that was let in by address';
    like $nginx->error_log, qr/\[info\] .*oauth: stream refused: token_expired while proxying upgraded connection, client/, 'the log says why';
    is scalar(() = $nginx->error_log =~ /oauth: stream refused/g), 6, '  once for each';
    unlike $nginx->error_log, qr/\[error\].*(?:ends|upstream)/, '  and nothing of an error';
    $_->close for values %stream;
};

subtest 'whatever both sides are doing' => sub {
    my $token = token(2);
    my $quiet = stream('/quiet', $token);
    my $busy = stream('/quiet', $token);
    my $deaf = stream('/flood', $token);
    $busy->send('y' x 100) for 1 .. 50;
    ok ends($quiet), 'a silent one ends';
    ok ends($busy), 'so does one whose client is sending';
    ok wait_until { () = $nginx->error_log =~ m{oauth: stream refused: token_expired.* "GET /flood}g }, 'and one whose client does not read';
    ok wait_until { defined $up->sent('/flood') }, '  whose upstream is let go';
    cmp_ok $up->sent('/flood'), '<', 50_000_000, '  with what it had to say';
    $_->close for $quiet, $busy, $deaf;
};

subtest 'one that ended before' => sub {
    my $token = token(2);
    my $left = stream('/quiet', $token);
    $left->close;
    my $short = stream('/short', $token);
    is $short->read_all, 'bye', 'all that the upstream said arrives';
    my $witness = stream('/quiet', $token);
    ok ends($witness), '(a later one of the same token ends)';
    is scalar(() = $nginx->error_log =~ m{stream refused.*"GET /short}g), 0, '  nothing is left that would end the others again';
};

subtest 'what is no upgrade is not cut' => sub {
    my $connection = $nginx->connect;
    my $response = $connection->request(GET => '/plain', headers => [Authorization => 'Bearer ' . token(1)]);
    is length $response->{body}, 200, 'a long answer arrives whole';
    $connection->close;
};

subtest 'a reload' => sub {
    my $stream = stream('/ends', token(4));
    ok $nginx->reload, 'leaves the connection to the old worker';
    ok still_there($stream), '  where it goes on';
    ok ends($stream), '  until its token ends';
    is $nginx->get('/ends')->{status}, 401, '(the new one answers)';
    ok wait_until { $nginx->worker_pids == 1 }, '  and with it the old worker';
    my $long = stream('/quiet', token(3600));
    ok $nginx->reload, 'a token that lives long';
    $long->close;
    ok wait_until { $nginx->worker_pids == 1 }, '  holds no worker whose client has left';
};

my $last = stream('/quiet', token(3600));
$nginx->stop;
done_testing;

sub token { my ($seconds) = @_; return $forge->token(claims => { exp => time + $seconds }) }

# An upgraded connection.
sub stream {
    my ($path, $token) = @_;
    my $connection = $nginx->connect;
    my $query = defined $token ? "?token=$token" : '';
    my $response = $connection->request(GET => "$path$query", headers => [Upgrade => 'websocket', Connection => 'Upgrade']);
    $response->{status} == 101 or die "$path: $response->{status}\n";
    return $connection;
}

# The peer closes in the end, and not by a reset.
sub ends {
    my ($connection) = @_;
    my $count;
    do {
        IO::Select->new($connection->socket)->can_read(30) or return 0;
        $count = sysread $connection->socket, my $bytes, 65536;
    } while $count;
    return defined $count;
}

# Bytes that were not there yet still come.
sub still_there {
    my ($connection) = @_;
    while (IO::Select->new($connection->socket)->can_read(0)) {
        $connection->_fill(time + 10) or return 0;
    }
    return $connection->_fill(time + 10);
}
