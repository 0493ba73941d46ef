# oauth_limit: who fails too often at /token, or comes too often to the callback, waits; and nobody else.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake check);
use OAuth::Demo;
use OAuth::Story;
use IO::Socket::UNIX;

my $app = $OAuth::Story::APP;

# How many wrong codes of `count` are refused as such, and how many unheard; each must be one or the other.
sub guess {
    my ($nginx, $count, %args) = @_;
    my %heard = (401 => 0, 429 => 0);
    my @headers = ('Content-Type' => 'application/json', Origin => $app, @{ delete $args{headers} || [] });
    my $connection = delete $args{connection} || $nginx->connect(%args);
    my $body = encode_json({ grant_type => 'authorization_code', code => 'A' x 64, public_key => OAuth::Demo::public_key() });
    $heard{ $connection->request(POST => '/token', body => $body, headers => \@headers)->{status} }++ for 1 .. $count;
    $connection->close;
    return join ' ', map { "$_: $heard{$_}" } sort keys %heard;
}

sub from { my ($address) = @_; return (headers => ['X-Address' => $address]) }

# req 028
subtest 'who fails too often is not listened to any more' => sub {
    my $story = OAuth::Story->new(workers => 2, server => 'oauth_limit token=1r/m burst=9 callback=600r/m;')->start;
    my $nginx = $story->nginx;
    my $code = $story->code;
    is guess($nginx, 30), '401: 10 429: 20', 'of 30 wrong codes the first 10 are tried';
    my $refusal = $story->redeem($code);
    $story->is_refusal($refusal, 429, 'too_many_requests', 'then even a right one is not');
    like header($refusal, 'retry-after'), qr/^[1-9]\d*$/, 'when to come again is said';
    my $standard = $story->redeem(undef, type => 'application/x-www-form-urlencoded', body => form(grant_type => 'authorization_code'));
    is_deeply [$standard->{status}, $standard->{json}{error}, header($standard, 'retry-after')],
        [429, 'temporarily_unavailable', header($refusal, 'retry-after')], 'in the shape of RFC 6749 too';

    my @connections = $story->connections(4);
    my @answers = map { $story->redeem($code, connection => $_) } @connections;
    is_deeply [map { $_->{status} } @answers], [(429) x 4], 'no worker listens';
    is scalar(keys %{ { map { header($_, 'x-worker') => 1 } @answers } }), 2, '  of both';
    $_->close for @connections;

    is $nginx->options('/token', headers => [Origin => $app])->{status}, 204, 'a preflight is answered';
    ok $story->code, 'and so is a callback';
    my $other = $nginx->connect(from => '127.0.0.2');
    is $story->redeem($code, connection => $other)->{status}, 200, 'another address is free, and the code unspent';
    $other->close;
    is guess($nginx, 3, from => '127.0.0.3'), '401: 3 429: 0', 'one more has tries of its own';

    my @lines = $nginx->error_log =~ /\[warn\] \N*(one address has used up "oauth_limit token=…" and gets 429 for a while: \N*)/g;
    is scalar(@lines), 1, 'the log says so once, whichever worker it was';
    like $lines[0], qr/set_real_ip_from; where many share it, raise the limit/, '  and what to do';
    is scalar(my @told = $nginx->error_log =~ /\[notice\] \N*oauth: token refused: too_many_requests/g), 26, 'each refusal has its own line too';

    ok $nginx->reload, '(reload)';
    is guess($nginx, 2), '401: 0 429: 2', 'a reload forgets nothing';
    my %old = map { $_ => 1 } $nginx->worker_pids;
    kill 'KILL', keys %old;
    ok wait_until { my @now = $nginx->worker_pids; @now == 2 && !grep { $old{$_} } @now }, '(workers are killed)';
    is guess($nginx, 2), '401: 0 429: 2', 'nor does the end of all workers';
    $nginx->{expect} = [qr/exited on signal 9/];
    $story->stop;
};

subtest 'what succeeds is not counted' => sub {
    my $story = OAuth::Story->new(server => 'oauth_limit token=1r/m burst=0 callback=600r/m;')->start;
    is $story->redeem($story->code)->{status}, 200, 'a code is redeemed' for 1 .. 10;
    is guess($story->nginx, 2), '401: 1 429: 1', 'then one may fail';
    $story->stop;
};

subtest 'whatever fails is counted' => sub {
    my %failing = (
        'JSON that is none'    => [undef, body => '{'], 'another media type' => [undef, type => 'text/plain'],
        'a grant that is none' => [undef, members => { grant_type => 'password' }],
        'a key that is weak'   => [undef, members => { public_key => OAuth::Story::key('RSA', 'rsa_keygen_bits:1024') }],
    );
    my $story = OAuth::Story->new(server => 'oauth_limit token=1r/m burst=0;', http => 'set_real_ip_from 127.0.0.1; real_ip_header X-Address;')->start;
    my $host = 0;
    for my $what (sort keys %failing) {
        my @from = from('10.0.0.' . ++$host);
        my @statuses = map { $story->redeem(@{ $failing{$what} }, @from)->{status} } 1, 2;
        is "@statuses", '400 429', $what;
    }
    $story->stop;
};

subtest 'every callback is counted' => sub {
    my $story = OAuth::Story->new(server => 'oauth_limit callback=1r/m burst=3;')->start;
    my @logins = map { $story->reach } 1 .. 3;
    is $story->finish($logins[0])->{status}, 302, 'one that is right';
    is $story->finish($logins[0])->{status}, 400, 'a second time';
    is $story->get($story->base . '/oauth/callback/demo?state=forged&code=x')->{status}, 400, 'one that is forged';
    is $story->finish($logins[1])->{status}, 302, 'the last that is free';
    my $refusal = $story->finish($logins[2]);
    is "$refusal->{status} " . $story->told('callback'), '429 callback refused: too_many_requests', 'the next is refused';
    is header($refusal, 'content-type'), 'text/html; charset=utf-8', '  with a page';
    like header($refusal, 'retry-after'), qr/^[1-9]\d*$/, '  that says when to come again';
    is header($refusal, $_), undef, "  without $_" for 'location', 'cross-origin-opener-policy';
    like $refusal->{body}, qr/Too many requests\. Please wait a moment\./, '  and what to do';
    is guess($story->nginx, 20), '401: 20 429: 0', 'the token endpoint counts by itself';
    like $story->nginx->error_log, qr/used up "oauth_limit callback=…"/, 'the log says which limit it was';

    $story->{nginx}->configure(http => $story->nginx->{http} =~ s/oauth_limit [^;]*;/oauth_limit off;/r);
    ok $story->nginx->reload, '(without a limit)';
    ok $story->answer($story->finish($logins[2]))->{code}, 'the login that was refused goes on: nothing of it was spent';
    $story->stop;
};

my $islands = <<'HTTP';
oauth_limit token=1r/m burst=0;
oauth_allow_origin https://app.example.com;
oauth_provider demo { type demo; user alice@demo.local Alice; }
server { listen 127.0.0.1:%%PORT%%;  oauth_broker http://localhost:%%PORT%%;  oauth_use demo; }
server { listen 127.0.0.1:%%PORT1%%; oauth_broker http://localhost:%%PORT1%%; oauth_use demo; oauth_limit token=1r/m burst=4; }
server { listen 127.0.0.1:%%PORT2%%; oauth_broker http://localhost:%%PORT2%%; oauth_use demo; oauth_limit off; }
HTTP

subtest 'each broker counts by itself, with a limit of its own' => sub {
    my $nginx = OAuth::Nginx->new(http => $islands)->start;
    is guess($nginx, 3), '401: 1 429: 2', 'the limit of http';
    is guess($nginx, 7, port => 1), '401: 5 429: 2', 'that of the server';
    is guess($nginx, 20, port => 2), '401: 20 429: 0', 'and none at all';
    $nginx->stop;
};

subtest 'by whom it counts' => sub {
    my $nginx = OAuth::Nginx->new(http => <<'HTTP')->start;
set_real_ip_from 127.0.0.1;
real_ip_header X-Address;
oauth_limit token=1r/m burst=1;
oauth_provider demo { type demo; user alice@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    listen unix:%%DIR%%/socket;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
}
HTTP
    my $guess = sub { return guess($nginx, $_[1], from($_[0])) };
    is $guess->('2001:db8:1:2::1', 1), '401: 1 429: 0', 'an IPv6 address';
    is $guess->('2001:db8:1:2:ffff::9', 2), '401: 1 429: 1', 'shares its tries with its /64';
    is $guess->('2001:db8:1:3::1', 2), '401: 2 429: 0', 'and with no other';
    is $guess->('192.0.2.7', 1), '401: 1 429: 0', 'an IPv4 address';
    is $guess->('::ffff:192.0.2.7', 2), '401: 1 429: 1', 'is the same where it is written as IPv6';
    is $guess->('::ffff:192.0.2.8', 2), '401: 2 429: 0', 'and no other so written is';
    is guess($nginx, 3), '401: 2 429: 1', 'who says nothing is who he is';

    my @answers;
    for (1 .. 6) {
        my $client = IO::Socket::UNIX->new(Peer => $nginx->dir . '/socket') or die "no connection: $!\n";
        print {$client} OAuth::Http::format_request(POST => '/token', host => 'localhost', body => '{', headers => ['Content-Type' => 'application/json']);
        push @answers, join('', <$client>) =~ m{^HTTP/1\.1 (\d+)};
        close $client;
    }
    is "@answers", '400 400 400 400 400 400', 'a unix socket is nobody\'s: it is not limited';
    $nginx->stop;
};

# req 154
subtest 'addresses without end take no more memory and no room from each other' => sub {
    my $nginx = OAuth::Nginx->new(workers => 2, http => "access_log off;\noauth_cache_zone 256k;\n" . <<'HTTP')->start;
set_real_ip_from 127.0.0.1;
real_ip_header X-Address;
oauth_limit token=1r/m burst=2;
oauth_provider demo { type demo; user alice@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    keepalive_requests 1000000;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
}
HTTP
    is guess($nginx, 4, from => '127.0.0.2'), '401: 3 429: 1', 'one is refused';
    # One try of each, in one go; the answers counted.
    my $each = sub {
        my (@addresses) = @_;
        my $connection = $nginx->connect;
        my %told;
        while (my @batch = splice @addresses, 0, 50) {
            $connection->send(join '', map { OAuth::Http::format_request(POST => '/token', host => 'localhost', keepalive => 1, body => '{',
                headers => ['Content-Type' => 'application/json', 'X-Address' => $_]) } @batch);
            $told{ $connection->read_response->{status} }++ for @batch;
        }
        $connection->close;
        return \%told;
    };
    my @others = map { my $net = $_; map { "10.1.$net.$_" } 1 .. 50 } 1 .. 100;
    is_deeply $each->(@others), { 400 => 5000 }, 'of 5,000 others, more than there is room for, none is';
    my @last = map { "10.2.0.$_" } 1 .. 60;
    is_deeply [map { $each->(@last) } 1 .. 4], [({ 400 => 60 }) x 3, { 429 => 60 }], 'who came last are all remembered';
    is guess($nginx, 4, from => '127.0.0.3'), '401: 3 429: 1', 'one more is, as ever';
    unlike $nginx->error_log, qr/no memory|\[error\]/, 'and the log has no complaint';
    $nginx->stop;
};

subtest 'without a word it is on' => sub {
    my $nginx = OAuth::Nginx->new(limit => 1, http => $islands =~ s/oauth_limit [^;]*;//gr)->start;
    my ($tried, $unheard) = guess($nginx, 400) =~ /401: (\d+) 429: (\d+)/;
    cmp_ok $tried, '>=', 201, 'a burst of failures is borne';
    cmp_ok $unheard, '>', 0, 'and then no more';
    my %told;
    my $connection = $nginx->connect;
    $told{ $connection->request(GET => '/oauth/callback/demo?state=x&code=y')->{status} }++ for 1 .. 200;
    $connection->close;
    is_deeply [sort keys %told], [400, 429], 'the same with callbacks';
    cmp_ok $told{400}, '>=', 121, '  after their own burst';
    $nginx->stop;
};

subtest 'mistakes' => sub {
    my $acme = "oauth_provider acme { type oidc; client_id app; client_secret s; issuer https://id.example.com; }\n";
    my %wrong = (
        'token=fast'           => qr{"oauth_limit" "token=fast" is no rate: write Nr/s \(1 to 10000\) or Nr/m .*e\.g\. token=120r/m},
        'token=0r/m'           => qr/is no rate/,
        'callback=10001r/s'    => qr/is no rate/,
        'burst=5 token=1r/m'   => qr/"burst=5" stands before any rate: put it behind/,
        'token=1r/m burst=lots' => qr/"burst=lots" is no burst: write a number of tries/,
        'token=1r/m burst=1 burst=2' => qr/second burst of one rate: remove one/,
        'token=1r/m token=2r/m' => qr/comes after another "token="/,
        'login=1r/m'           => qr/is unknown here: write e\.g\. token=600r\/m burst=200 callback=120r\/m, or "off"/,
        'on'                   => qr/is unknown here/,
        'off token=1r/m'       => qr/is unknown here/,
    );
    mistake("oauth_limit $_", "oauth_limit $_; #!\n$acme", $wrong{$_}) for sort keys %wrong;
    mistake('oauth_limit twice', "oauth_limit off;\noauth_limit off; #!\n$acme", qr/"oauth_limit" is given twice/);
    mistake('oauth_limit in a location', $acme . "server {\nlisten 127.0.0.1:%%PORT%%;\nlocation / {\noauth_limit off; #!\n}\n}\n",
        qr/"oauth_limit" directive is not allowed here/);
    my ($ok, $output) = check("oauth_limit callback=5r/s burst=0 token=1r/m;\n${acme}server { listen 127.0.0.1:%%PORT%%; oauth_broker https://auth.example.com; oauth_allow_origin myapp://; }");
    ok $ok && $output !~ /\[(?:warn|emerg)\]/, 'any order is right' or diag $output;
};

done_testing;
