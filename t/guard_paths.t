# The location that decides and the upstream that answers see the same path: whatever spelling a
# client finds, what the upstream takes for protected was decided as protected (req 100, 101).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

# Two fronts: one hands on the path as it came, one as nginx understood it. The upstream's own idea
# of /api/ is the judge.
my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP')->start;
oauth_provider demo { type demo; user alice@demo.local Alice; }
proxy_http_version 1.1;
proxy_set_header Host $host;
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT3%% http2;
    oauth_broker http://localhost:%%PORT%%;
    oauth_use demo;
    oauth_allow_origin https://app.example.com;
    location /     { proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /api/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /api { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /oauth/mine { proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%/auth;
    oauth_use demo;
    oauth_allow_origin https://app.example.com;
    location /     { proxy_pass http://127.0.0.1:%%PORT1%%/; }
    location /api/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%/api/; }
    location = /api { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%/api; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    location /     { return 200 "open $request_uri"; }
    location /api/ { return 200 "secret $request_uri"; }
    location = /api { return 200 "secret $request_uri"; }
}
HTTP
my @fronts = (0, 2);
my %forge = map {
    my $issuer = 'http://localhost:' . $nginx->port($_) . ($_ ? '/auth' : '');
    $_ => OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });
} @fronts;
my $authority = 'localhost:' . $nginx->port;

my @protected = (
    '/api/x', '/api/', '/api', '/api?x', '/api/?', '/api/x?y=/../..', '//api/x', '///api///x', '/./api/x', '/api/./x', '/open/../api/x', '/open/..%2fapi/x',
    '/open%2f..%2fapi%2fx', '/open%2F..%2Fapi/x', '/%61pi/x', '/%61%70%69/x', '/api%2fx', '/api%2Fx', '/open/%2e%2e/api/x', '/open/%2E%2E/api/x', '/open/.%2e/api/x',
    '/open/%2e./api/x', '/open//../api/x', '/api/x/../y', '/api/a/%2e%2e/x', '/a/b/../../api/x', '/api/%2e/x', '//open/..//api/x', '/%2fapi/x', '/api/x%23', '/api/x;y', '/api/..;/x',
    '/api/%2561', '/api/x%00y', "http://$authority/api/x", "HTTP://LOCALHOST/api/x", 'http://evil.example/api/x', 'http://evil.example//api/x', 'http://evil.example/open/../api/x',
    'http://u@evil.example/api/x',
);
my @open = (
    '/', '/open', '/API/x', '/Api/x', '/aPI', '/api./x', '/api;x/x', '/api;/x', '/;/api/x', '/open/..;/api/x', '/api%23/x', '/api%3f/x', '/api%3F', '/api%20/x', '/api%09/x', '/apix',
    '/api/../open', '/api/%2e%2e/open', '/api/..', '/api/../', '/?/api/x', '/open?/../api/x', '/open?x=/api/', '/%2561pi/x', '/%252e%252e/api/x', '/open/%252e%252e/api/x', '/open%5c..%5capi/x',
    '/open\\..\\api\\x', '/%5capi/x', '/\\api/x', '/open/%c0%ae%c0%ae/api/x', '/%c0%afapi/x', '/%ef%bc%8fapi/x', '/x%23/../open', '/api%0a/x', '/ap%69%2e', "http://$authority/open", "http://$authority?/api/x",
);

for my $front (@fronts) {
    my $kind = $front ? 'as nginx understood it' : 'as it came';
    my @good = (Authorization => 'Bearer ' . $forge{$front}->token);
    subtest "the path goes on $kind" => sub {
        for my $target (@protected, @open) {
            my $without = $nginx->get($target, port => $front);
            my $with    = $nginx->get($target, port => $front, headers => [@good]);
            my $secret  = $with->{body} =~ /^secret /;
            is $without->{status}, $secret ? 401 : $with->{status}, "$target is " . ($secret ? 'protected' : 'open') . ', here and there';
            unlike $without->{body}, qr/^secret /, '  and shows nothing without a token' if $secret || $without->{body} =~ /secret/;
        }
    };
}

subtest 'the spellings mean what this test thinks' => sub {
    my @good = (Authorization => 'Bearer ' . $forge{0}->token);
    is_deeply [grep { my $r = $nginx->get($_); $r->{status} != 401 && $r->{status} != 400 } @protected], [], 'protected without a token';
    is_deeply [grep { $nginx->get($_, headers => [@good])->{body} !~ /^secret / && !/%00|u\@/ } @protected], [], 'and read with one';
    is_deeply [grep { my $r = $nginx->get($_); $r->{status} == 401 || $r->{body} =~ /^secret/ } @open], [], 'open to all';
};

# req 101
subtest 'headers that name another path change nothing' => sub {
    for my $name (qw(X-Original-URL X-Original-URI X-Rewrite-URL X-Forwarded-Uri X-Forwarded-Path X-Forwarded-Prefix X-HTTP-Method-Override Forwarded)) {
        is $nginx->get('/api/x', headers => [$name => '/open'])->{status}, 401, "$name opens nothing";
        like $nginx->get('/open', headers => [$name => '/api/x'])->{body}, qr/^open /, '  and closes nothing';
    }
    is $nginx->get('/api/x', headers => ['User-Agent' => $_])->{status}, 401, "nor does the agent $_" for 'kube-probe/1.0', 'ELB-HealthChecker/2.0', 'Googlebot';
};

subtest 'old and broken request lines' => sub {
    for my $text ("GET /api/x\r\n\r\n", "GET /api/x HTTP/1.0\r\n\r\n", "GET /api/x HTTP/1.0\n\n", "GET /api/x HTTP/2.0\r\nHost: x\r\n\r\n", "GET  /api/x HTTP/1.0\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /open/../api/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "get /api/x HTTP/1.0\r\n\r\n", "GET /api/x HTTP/1.1\r\n\r\n",
        "GET /open\t/api/x HTTP/1.0\r\n\r\n", "GET /api/x\tHTTP/1.0\r\n\r\n", "GET /open HTTP/1.0 /api/x HTTP/1.0\r\n\r\n", "GET api/x HTTP/1.0\r\n\r\n", "GET \\api\\x HTTP/1.0\r\n\r\n") {
        my $connection = $nginx->connect;
        my $answer = $connection->send($text)->read_all;
        (my $shown = $text) =~ s/([\r\n\t])/sprintf '\\x%02x', ord $1/ge;
        unlike $answer, qr/secret/, "$shown shows nothing";
        $connection->close;
    }
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'no curl with HTTP/2' if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
    for my $target (grep { m{^/} && !/[\\\s]/ } @protected) {
        my ($without, $with) = map { curl($target, @$_) } [], [Authorization => 'Bearer ' . $forge{0}->token];
        ok $without !~ /^secret/ && $without =~ /40[01]$/, "$target shows nothing without a token" or diag $without;
        like $with, qr/^secret|400$/, '  and opens with one';
    }
};

# The broker's own locations take no more than their paths.
subtest 'beside the endpoints' => sub {
    like $nginx->get('/oauth/mine')->{body}, qr{^open /oauth/mine}, 'a location of the user\'s under /oauth/ stays his';
    like $nginx->get($_)->{body}, qr/^open /, "$_ is not ours" for '/oauth/', '/oauth', '/tokens', '/token/', '/auth-providers/', '/oauth/loginx', '/.well-known/jwks.jsonx';
    is $nginx->get($_)->{status}, 405, "$_ is the token endpoint" for '/token', '//token', '/oauth/../token', '/%74oken';
    like $nginx->get('/token', port => 2)->{body}, qr/^open /, 'with a path in the broker\'s URL /token is the user\'s';
    is $nginx->get('/auth/token', port => 2)->{status}, 405, 'and /auth/token is ours';
};

$nginx->stop;
done_testing;

sub curl {
    my ($target, @headers) = @_;
    open my $curl, '-|', 'curl', '-s', '--http2-prior-knowledge', '--path-as-is', '-w', "\n%{http_code}",
        (map { $_ % 2 ? () : ('-H', "$headers[$_]: $headers[$_ + 1]") } 0 .. $#headers), 'http://127.0.0.1:' . $nginx->port(3) . $target;
    local $/;
    return scalar <$curl>;
}
