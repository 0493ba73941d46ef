# Brokers are islands: several on one NGINX, with one store, one secret and one signing key. What
# one made is unknown at another, and not consumed by being shown there (DESIGN 2). Also what a
# store holds (req 048) and what a broker says of itself (req 099).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use MIME::Base64 qw(encode_base64);

# A and B share address and port, B and C the cookies of a host; all three have one provider.
my $servers = <<'HTTP';
oauth_provider demo { type demo; user alice@demo.local "Alice Wonderland"; }
oauth_provider acme { client_id app; client_secret s3cr3t-of-acme; issuer http://127.0.0.1:%%PORT2%%; }
oauth_allow_origin https://app.example.com myapp://;
oauth_audience https://api.example.com;
server {
    listen 127.0.0.1:%%PORT%%;
    server_name localhost;
    oauth_broker http://localhost:%%PORT%%;
    oauth_use demo acme;
    location /guarded/ { oauth_protect bearer; try_files /none @issuer; }
    location @issuer { return 200 "$oauth_issuer"; }
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name 127.0.0.1;
    oauth_broker http://127.0.0.1:%%PORT%%;
    oauth_use demo;
    location /guarded/ { oauth_protect bearer; try_files /none @issuer; }
    location @issuer { return 200 "$oauth_issuer"; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    oauth_broker http://127.0.0.1:%%PORT1%%/c;
    oauth_use demo;
    location /guarded/ { oauth_protect bearer; try_files /none @issuer; }
    location @issuer { return 200 "$oauth_issuer"; }
}
server {
    listen 127.0.0.1:%%PORT2%%;
    location = /.well-known/openid-configuration {
        default_type application/json;
        return 200 '{"issuer":"http://127.0.0.1:%%PORT2%%","authorization_endpoint":"http://127.0.0.1:%%PORT2%%/authorize","token_endpoint":"http://127.0.0.1:%%PORT2%%/token","jwks_uri":"http://127.0.0.1:%%PORT2%%/jwks","userinfo_endpoint":"http://127.0.0.1:%%PORT2%%/userinfo","response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}';
    }
}
HTTP

for my $store ('shared memory', 'Redis') {
    subtest "three brokers in $store" => sub {
        my $redis = $store eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $nginx = OAuth::Nginx->new(workers => 2, http => ($redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ";\n" : '') . $servers)->start;
        my %broker = (
            A => OAuth::Demo->new($nginx, headers => [Host => 'localhost:' . $nginx->port]),
            B => OAuth::Demo->new($nginx, headers => [Host => '127.0.0.1:' . $nginx->port]),
            C => OAuth::Demo->new($nginx, port => 1, base => '/c', headers => [Host => '127.0.0.1:' . $nginx->port(1)]),
        );
        for my $from (sort keys %broker) {
            matrix($from, $_, $broker{$from}, $broker{$_}) for grep { $_ ne $from } sort keys %broker;
        }
        what_redis_holds($redis, $nginx, $broker{A}) if $redis;
        $nginx->stop;
        $redis->stop if $redis;
    };
}

subtest 'what a broker says of itself comes from its URL' => sub {
    my $nginx = OAuth::Nginx->new(http => $servers)->start;
    my $base = 'http://localhost:' . $nginx->port;
    my @home = (Host => 'localhost:' . $nginx->port);
    my $login = '/oauth/login/acme?' . form(redirect_uri => 'https://app.example.com/');
    my $plain = $nginx->get($login, headers => [@home]);
    is query_of(header($plain, 'Location'))->{redirect_uri}, "$base/oauth/callback/acme", 'the callback';
    my %spoof = (
        'X-Forwarded-Host' => 'evil.example', 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Port' => '443', 'X-Forwarded-Prefix' => '/evil', 'X-Forwarded-Server' => 'evil.example',
        'Forwarded' => 'host=evil.example;proto=https', 'X-Host' => 'evil.example', 'X-Original-Host' => 'evil.example', 'X-Original-URL' => '/evil', 'X-Real-IP' => '203.0.113.1', 'Front-End-Https' => 'on',
    );
    my $jwks = $nginx->get('/.well-known/jwks.json', headers => [@home])->{body};
    my $list = $nginx->get('/auth-providers', headers => [@home])->{body};
    for my $name (sort keys %spoof) {
        my $response = $nginx->get($login, headers => [@home, $name => $spoof{$name}]);
        my ($got, $expected) = map { my %query = %{ query_of(header($_, 'Location')) }; delete @query{qw(state nonce code_challenge)}; \%query } $response, $plain;
        is_deeply $got, $expected, "$name changes no redirect";
        my @attributes = map { header($_, 'Set-Cookie') =~ s/=[^;]*//r } $response, $plain;
        is $attributes[0], $attributes[1], '  no cookie';
        is $nginx->get('/.well-known/jwks.json', headers => [@home, $name => $spoof{$name}])->{body}, $jwks, '  no key set';
        is $nginx->get('/auth-providers', headers => [@home, $name => $spoof{$name}])->{body}, $list, '  no list of providers';
    }
    for my $host ('evil.example', "localhost:1", "localhost.evil.example", "LOCALHOST.evil.example:" . $nginx->port, "evil.example\@localhost:" . $nginx->port) {
        my $response = $nginx->get($login, headers => [Host => $host]);
        next if $response->{status} == 400 && $host =~ /\@/;
        like header($response, 'Location'), qr{^\Q$base\E/oauth/login/acme\?}, "the Host \"$host\" is sent to the broker's own";
        is header($response, 'Set-Cookie'), undef, '  and gets no cookie';
        unlike $response->{head}, qr/evil/i, '  nor is it told its own name';
    }
    my $response = $nginx->get("http://evil.example$login", headers => [@home]);
    unlike $response->{head}, qr/evil/i, 'nor does an absolute-form target name the broker';
    $nginx->stop;
};

done_testing;

# Everything that `from` made, shown to `to`: refused, and then good where it belongs.
sub matrix {
    my ($here, $there, $from, $to) = @_;
    my $login = $from->login;
    my $foreign = $to->login;
    my ($value) = $login->{cookie} =~ /=(.*)/;
    my ($name)  = $foreign->{cookie} =~ /^([^=]+)/;
    my %cookie = ('its own cookie' => $login->{cookie}, "${there}'s cookie" => $foreign->{cookie}, "its cookie under ${there}'s name" => "$name=$value", 'both' => "$login->{cookie}; $name=$value");
    for my $kind (sort keys %cookie) {
        my $back = $to->callback({ %$login, cookie => $cookie{$kind} });
        is $back->{response}{status}, 400, "a state of $here with $kind is nothing to $there";
        is $back->{code}, undef, '  no code';
        is header($back->{response}, 'Location'), undef, '  no redirect';
        is $to->get("$to->{base}/oauth/demo/demo?state=$login->{state}")->{status}, 400, '  no page';
    }
    my $code = $from->callback($login)->{code};
    ok $code, "  and it ends its login at $here";

    my $reply = $to->redeem($code);
    is $reply->{response}{status}, 401, "a code of $here buys nothing from $there";
    is $reply->{tokens}{message}, 'The code is invalid or expired', '  as if there were none';
    my $tokens = $from->redeem($code)->{tokens};
    ok $tokens->{accessToken}, "  and buys tokens from $here";
    is $from->redeem($code)->{response}{status}, 401, '  once';

    my @token = (Authorization => "Bearer $tokens->{accessToken}");
    my $refused = $to->get('/guarded/x', @token);
    is $refused->{status}, 401, "an access token of $here does not open $there, though key and audience are the same";
    like header($refused, 'WWW-Authenticate'), qr/error="invalid_token"/, '  and is called invalid';
    my $entered = $from->get('/guarded/x', @token);
    is $entered->{status}, 200, "  but it opens $here";
    is $to->get('/guarded/x', Authorization => "Bearer $tokens->{refreshToken}")->{status}, 401, 'a refresh token opens nothing';
    return;
}

# req 048, 149: a dump of the store is of no use.
sub what_redis_holds {
    my ($redis, $nginx, $demo) = @_;
    subtest 'a dump of Redis' => sub {
        $redis->command('FLUSHALL');
        my %secret;
        my $login = $demo->login;
        my $back = $demo->callback($login);
        my ($cookie) = $login->{cookie} =~ /=(.*)/;
        @secret{'the state', 'the code', 'the cookie', 'the address', 'the name', 'the account', 'the origin', 'the client secret', 'a member name'}
            = ($login->{state}, $back->{code}, $cookie, 'alice@demo.local', 'Wonderland', 'demo:alice', 'app.example.com', 's3cr3t-of-acme', 'email_verified');
        my @keys = sort @{ $redis->command(KEYS => '*') };
        cmp_ok scalar(@keys), '>=', 2, 'there is a claim and a code';
        nothing_of(\%secret, dump_of($redis), 'before the code is redeemed');
        my $tokens = $demo->redeem($back->{code})->{tokens};
        @secret{'the access token', 'the refresh token', 'its signature'} = ($tokens->{accessToken}, $tokens->{refreshToken}, (split /\./, $tokens->{accessToken})[2]);
        nothing_of(\%secret, dump_of($redis), 'and after');
        is_deeply [grep { !/^oauth:/ } @{ $redis->command(KEYS => '*') }], [], 'every key has the prefix';
        is_deeply [grep { $redis->command(TTL => $_) <= 0 } @{ $redis->command(KEYS => '*') }], [], 'and an end';
        my $files = join '', map { slurp($_) } glob $nginx->dir . '/state/*';
        my ($secret_key) = $files =~ /^([0-9a-f]{64})/m;
        unlike dump_of($redis), qr/\Q$secret_key\E/, 'nor is the secret there' if $secret_key;
    };
    return;
}

sub dump_of {
    my ($redis) = @_;
    my $text = '';
    for my $key (@{ $redis->command(KEYS => '*') }) {
        my $type = $redis->command(TYPE => $key);
        my $value = $type eq 'string' ? $redis->command(GET => $key)
            : $type eq 'hash' ? $redis->command(HGETALL => $key)
            : $type eq 'set'  ? $redis->command(SMEMBERS => $key)
            : $type eq 'zset' ? $redis->command(ZRANGE => $key, 0, -1) : $redis->command(LRANGE => $key, 0, -1);
        $text .= "$key " . (ref $value ? "@$value" : $value) . "\n";
    }
    return $text;
}

# As it is, and in the encodings in which it could hide.
sub nothing_of {
    my ($secrets, $dump, $when) = @_;
    my $decoded = join "\n", map { decode_base64url($_) } $dump =~ /([A-Za-z0-9_-]{16,})/g;
    for my $name (sort keys %$secrets) {
        my $text = $secrets->{$name};
        my @forms = ($text, encode_base64($text, ''), encode_base64url($text), unpack('H*', $text), $text =~ /^[A-Za-z0-9_-]{20,}$/ ? decode_base64url($text) : ());
        ok !(grep { index($dump, $_) >= 0 || index($decoded, $_) >= 0 } @forms), "$name is not in it $when";
    }
    return;
}
