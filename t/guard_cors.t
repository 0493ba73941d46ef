# Browsers at protected locations: whose pages may call (cross-site WebSockets, RFC 6455 10.2), and
# what CORS says where oauth_cors is on (Fetch 3.2, dexie-contract 5): exactly one voice, on every answer.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Upstream;

my %own = ('Access-Control-Allow-Origin' => '*', 'access-control-allow-credentials' => 'false', 'Access-Control-Expose-Headers' => 'X-Own',
    'Access-Control-Allow-Methods' => 'BREW', 'Ratelimit-Remaining' => 7, Vary => 'Accept-Encoding', 'X-Own' => 'kept');
my $up = OAuth::Upstream->new(map { $_ => [OAuth::Upstream::reply(200, 'up', %own)] } qw(/sync /off/x /changes /plain /any));
my $nginx = OAuth::Nginx->new(http => <<"HTTP" =~ s/UP/$up->url/ger)->start;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com https://two.example.com:8443 capacitor://localhost myapp://;
    oauth_cors on;
    root %%DIR%%;
    location = /sync    { oauth_protect bearer query=token optional; proxy_pass UP; }
    location = /strict  { oauth_protect bearer; proxy_pass UP/sync; }
    location /off/      { oauth_protect bearer optional; oauth_cors off; proxy_pass UP; }
    location = /changes { oauth_protect bearer query=token optional; oauth_cors off; proxy_pass UP; }
    location = /any     { satisfy any; allow 127.0.0.1; deny all; oauth_protect bearer query=token; proxy_pass UP; }
    location = /open    { proxy_pass UP/plain; }
    location = /down    { oauth_protect bearer optional; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /limited { oauth_protect bearer optional; return 429; }
    location = /try     { oauth_protect bearer optional; try_files /none =404; }
}
HTTP

my $issuer = 'http://localhost:' . $nginx->port;
my $forge = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });
my @good = (Authorization => 'Bearer ' . $forge->token);
my @bad = (Authorization => 'Bearer ' . $forge->token(claims => { exp => time - 1000 }));
my $app = 'https://app.example.com';
my @ask = ('Access-Control-Request-Method' => 'POST', 'Access-Control-Request-Headers' => 'authorization,content-type');
my %allowed = ('access-control-allow-origin' => $app, 'access-control-allow-credentials' => 'true',
    'access-control-expose-headers' => 'Ratelimit-Limit, Ratelimit-Remaining, Ratelimit-Reset');

subtest 'an answer to an allowed origin' => sub {
    for my $origin ($app, 'https://two.example.com:8443', 'capacitor://localhost') {
        my $response = $nginx->post('/sync', 'x', headers => [Origin => $origin, @good]);
        is $response->{status}, 200, "$origin is served";
        is_deeply cors($response), { %allowed, 'access-control-allow-origin' => $origin }, '  with exactly one of each header, and none of the upstream\'s';
        is header($response, 'X-Own'), 'kept', '  whose other headers stay';
        is_deeply [sort(headers($response, 'Vary'))], ['Accept-Encoding', 'Origin'], '  with Vary: Origin beside its own';
    }
    is_deeply cors($nginx->get('/sync', headers => [Origin => $app])), \%allowed, 'so it is for the anonymous';
};

subtest 'whatever the answer is' => sub {
    my %answer = (
        '401 without a token' => $nginx->get('/strict', headers => [Origin => $app]), '401 for a bad token' => $nginx->get('/sync', headers => [Origin => $app, @bad]),
        '400 for two' => $nginx->get('/sync?token=x', headers => [Origin => $app, @good, Upgrade => 'websocket']), '502 for a dead upstream' => $nginx->get('/down', headers => [Origin => $app, @good]),
        '429 by return' => $nginx->get('/limited', headers => [Origin => $app]), '404 by try_files' => $nginx->get('/try', headers => [Origin => $app]),
    );
    for my $name (sort keys %answer) {
        is $answer{$name}{status}, substr($name, 0, 3), $name;
        is_deeply cors($answer{$name}), \%allowed, '  can be read by the page';
        is_deeply [headers($answer{$name}, 'Vary')], ['Origin'], '  and varies';
    }
};

subtest 'a foreign origin' => sub {
    for my $origin ('https://evil.example', 'null', '', 'https://app.example.com.evil.example', 'http://app.example.com', 'https://app.example.com:444', 'HTTPS://APP.EXAMPLE.COM', 'myapp://', $issuer, '*') {
        for my $path ('/sync', '/strict') {
            $up->forget;
            my $response = $nginx->post($path, 'x', headers => [Origin => $origin, @good]);
            is $response->{status}, 403, "\"$origin\" is refused at $path, with the best of tokens";
            is_deeply [cors($response), headers($response, 'Vary'), headers($response, 'WWW-Authenticate')], [{}, 'Origin'], '  without a word of CORS or of tokens';
            is scalar(my @asked = $up->requests), 0, '  and the upstream hears nothing';
        }
    }
    is $nginx->get('/sync', headers => [Origin => $app, Origin => $app, @good])->{status}, 403, 'two Origins are none';
    like $nginx->error_log, qr/\[notice\] .*oauth: request refused: origin_not_allowed/, 'the log says it';
    my $response = $nginx->get('/sync', headers => [@good]);
    is $response->{status}, 200, 'without Origin it is no page';
    is_deeply [cors($response), sort(headers($response, 'Vary'))], [{}, 'Accept-Encoding', 'Origin'], '  and only varies';
};

subtest 'origins count before tokens, where a location takes them from the query' => sub {
    my @ws = (Upgrade => 'websocket', Connection => 'Upgrade');
    for my $token ($good[1] =~ s/^Bearer //r, 'x', '') {
        is $nginx->get("/changes?token=$token", headers => [@ws, Origin => 'https://evil.example'])->{status}, 403, 'a WebSocket of another site is refused' . ($token eq '' ? ' with an empty token' : '');
    }
    is $nginx->get('/changes', headers => [@ws, Origin => 'https://evil.example'])->{status}, 403, 'also an anonymous one';
    my $response = $nginx->get('/changes', headers => [@ws, Origin => $app]);
    is $response->{status}, 200, 'one of an allowed site enters';
    is header($response, 'Access-Control-Allow-Origin'), '*', 'where oauth_cors is off the upstream speaks for itself';
    $response = $nginx->get('/off/x', headers => [Origin => 'https://evil.example']);
    is $response->{status}, 200, 'and where nothing is said of origins, none is refused';
    is_deeply cors($response)->{'access-control-allow-methods'}, 'BREW', '  and nothing is changed';
    is_deeply cors($nginx->get('/open', headers => [Origin => $app]))->{'access-control-allow-origin'}, '*', 'nor where nothing is protected';
    $up->forget;
    is $nginx->get('/any', headers => [Origin => 'https://evil.example', @good])->{status}, 200, 'satisfy any: an allowed address is enough';
    is_deeply [grep { lc $_->[0] eq 'authorization' } map { @{ $_->{headers} } } $up->requests], [], '  but the token goes no further';
};

subtest 'a preflight' => sub {
    my %told = ('access-control-allow-origin' => $app, 'access-control-allow-credentials' => 'true', 'access-control-allow-headers' => 'authorization, content-type',
        'access-control-allow-methods' => 'GET, HEAD, POST, PUT, PATCH, DELETE', 'access-control-max-age' => '600');
    $up->forget;
    for my $path ('/sync', '/strict', '/down') {
        my $response = $nginx->options($path, headers => [Origin => $app, @ask]);
        is_deeply [$response->{status}, $response->{body}, headers($response, 'Vary')], [204, '', 'Origin'], "$path answers it";
        is_deeply cors($response), \%told, '  and says what may be sent';
    }
    my $response = $nginx->options('/sync', headers => [Origin => 'https://evil.example', @ask]);
    is_deeply [$response->{status}, cors($response)], [403, {}], 'a foreign one is refused';
    is $nginx->options('/strict', headers => [Origin => $app])->{status}, 401, 'without a method asked for it is an ordinary OPTIONS: a token is needed';
    is $nginx->options('/strict', headers => [@ask])->{status}, 401, 'without Origin too';
    is $nginx->get('/strict', headers => [Origin => $app, @ask])->{status}, 401, 'and another method is no preflight';
    is scalar(my @asked = $up->requests), 0, 'none of them came to the upstream';
    is $nginx->options('/strict', headers => [Origin => $app, @good])->{status}, 200, 'an ordinary OPTIONS does, with a token';
    is $nginx->options('/off/x', headers => [Origin => $app, @ask])->{status}, 200, 'and a preflight where oauth_cors is off';
    is(($up->requests)[-1]{line}, 'OPTIONS /off/x HTTP/1.0', '  is the upstream\'s');
};

$nginx->stop;
done_testing;

# All of CORS that an answer says: one value for each name, a list where there are several.
sub cors {
    my ($response) = @_;
    my %said;
    for my $header (@{ $response->{headers} }) {
        my ($name, $value) = (lc $header->[0], $header->[1]);
        next if $name !~ /^access-control-/;
        $said{$name} = exists $said{$name} ? [$said{$name}, $value] : $value;
    }
    return \%said;
}
