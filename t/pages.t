# The broker's pages: their headers, and that nothing a request brings is ever more than text in
# them (req 094-097, 054, 089, 150).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Port;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);

my $redis = OAuth::Redis->new->start;
my $nginx = OAuth::Nginx->new(workers => 1, http => <<"HTTP")->start;
large_client_header_buffers 8 32k;
oauth_store redis://127.0.0.1:@{[$redis->port]} timeout=2s;
oauth_provider demo { type demo; user alice\@demo.local Alice; user eve\@demo.local "</script><script>evil()</script>"; }
oauth_provider gone { client_id app; client_secret s; issuer http://127.0.0.1:@{[OAuth::Port::take()]}; }
add_header X-Server yes always;
error_page 400 401 403 404 405 500 502 503 /mine.html;
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com http://localhost:%%PORT%% myapp://;
    location = /mine.html { return 200 mine; }
}
HTTP
my $demo  = OAuth::Demo->new($nginx, query => [delivery => 'redirect']);
my $popup = OAuth::Demo->new($nginx, query => [delivery => 'popup']);
my $query = OAuth::Demo->new($nginx, query => [delivery => 'query']);

# ---- req 096, 097: headers -------------------------------------------------------------------------

my $pending = $demo->login;
my $window  = $popup->login;
my %page = (
    'an unknown provider' => [404, 'same-origin', $nginx->get('/oauth/login/none')],
    'no redirect_uri' => [400, 'same-origin', $nginx->get('/oauth/login/demo')],
    'a foreign redirect_uri' => [400, 'same-origin', $nginx->get('/oauth/login/demo?redirect_uri=https://evil.example/')],
    'a method that is not answered' => [405, 'same-origin', $nginx->post('/oauth/login/demo', '')],
    'a provider that is down' => [502, 'same-origin', $nginx->get('/oauth/login/gone?redirect_uri=https://app.example.com/')],
    'a callback without state' => [400, 'same-origin', $nginx->get('/oauth/callback/demo?code=x')],
    'a callback without a cookie' => [400, 'same-origin', $demo->callback({ %$pending, cookie => 'a=b' })->{response}],
    'a demo page without state' => [400, 'same-origin', $nginx->get('/oauth/demo/demo')],
    'an unknown demo' => [404, 'same-origin', $nginx->get('/oauth/demo/none')],
    'a demo behind a proxy' => [403, 'same-origin', $nginx->get('/oauth/login/demo?redirect_uri=https://app.example.com/', headers => [Via => 'x'])],
    'the demo page' => [200, undef, $nginx->get("/oauth/demo/demo?state=$pending->{state}")],
    'the popup\'s page' => [200, undef, $popup->callback($window)->{response}],
    'the popup\'s page of a refusal' => [403, undef, $nginx->get('/oauth/callback/demo?' . form(error => 'access_denied', state => ($window = $popup->login)->{state}), headers => [Cookie => $window->{cookie}])],
    'a popup whose browser is another, like any state that is not believed,' => [400, 'same-origin', $popup->callback({ %{ $popup->login }, cookie => 'a=b' })->{response}],
);
$window = $popup->login;
$redis->stop;
$page{'a popup while the store is down'} = [503, undef, $popup->callback($window)->{response}];
$page{'a login while the store is down'} = [503, 'same-origin', $demo->login->{response}];
$redis->start;
ok wait_until { $demo->login->{response}{status} == 302 }, 'the store is back';

for my $name (sort keys %page) {
    my ($status, $coop, $response) = @{ $page{$name} };
    subtest $name => sub {
        is $response->{status}, $status, 'status';
        my %expected = (
            'Content-Type' => 'text/html; charset=utf-8', 'Cache-Control' => 'no-store', 'Referrer-Policy' => 'no-referrer', 'X-Content-Type-Options' => 'nosniff',
            'X-Frame-Options' => 'DENY', 'Cross-Origin-Opener-Policy' => $coop, 'Access-Control-Allow-Origin' => undef, 'Location' => undef, 'Set-Cookie' => undef, 'ETag' => undef,
        );
        is_deeply [headers($response, $_)], [grep { defined } $expected{$_}], $_ for sort keys %expected;
        is header($response, 'Retry-After'), $status == 503 ? 5 : undef, 'Retry-After';
        check_policy($response);
        check_document($response);
        is header($response, 'X-Server'), 'yes', 'what the server adds to all answers stays';
        unlike $response->{body}, qr/mine\.html|nginx/, 'no error_page of the server\'s takes its place';
    };
}

# What nginx itself refuses at an endpoint does not wander off to a page of the server's either.
subtest 'a body that cannot be read' => sub {
    for my $target ('GET /oauth/login/demo?redirect_uri=https://app.example.com/', 'GET /oauth/callback/demo?code=x&state=x', 'POST /token', 'GET /.well-known/jwks.json') {
        my $connection = $nginx->connect;
        $connection->send("$target HTTP/1.1\r\nHost: localhost:@{[$nginx->port]}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nno chunk\r\n\r\n");
        my $response = $connection->read_response;
        $connection->close;
        is $response->{status}, 400, "$target is a bad request";
        unlike $response->{body}, qr/mine/, '  answered by nginx or by us';
    }
};

subtest 'redirects and JSON' => sub {
    my $login = $demo->login;
    my $back = $demo->callback($login);
    my $reply = $demo->redeem($back->{code});
    for my $pair (['the redirect to the provider', $login->{response}], ['the redirect back', $back->{response}], ['the tokens', $reply->{response}],
        ['a refusal of tokens', $demo->redeem('x' x 64)->{response}], ['the list of providers', $nginx->get('/auth-providers')]) {
        my ($name, $response) = @$pair;
        is_deeply [map { header($response, $_) } 'Cache-Control', 'Referrer-Policy', 'X-Content-Type-Options'], ['no-store', 'no-referrer', 'nosniff'], $name;
        is header($response, 'Content-Type'), 'application/json', '  is JSON' if $response->{status} != 302;
        is $response->{body}, '', '  has no body (req 032)' if $response->{status} == 302;
        is header($response, 'Cross-Origin-Opener-Policy'), undef, '  and no COOP';
        is header($response, 'Access-Control-Allow-Credentials'), undef, '  nor credentials';
    }
    is header($nginx->get('/.well-known/jwks.json'), 'X-Content-Type-Options'), 'nosniff', 'the key set';
};

# ---- req 094: what is reflected --------------------------------------------------------------------

my %payload = (
    'a closing script' => '</script><script>alert(1)</script>', 'quotes' => q{"'><img src=x onerror=alert(1)>}, 'a line separator' => "a\x{2028}alert(1)\x{2029}b", 'a backslash' => '\\"-alert(1)//',
    'a template' => '{{constructor.constructor("alert(1)")()}}${alert(1)}', 'lines' => "a\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(1)</script>", 'lines in another guise' => "\x{560a}\x{560d}Set-Cookie: evil=1",
    'a NUL' => "a\0<b>", 'a comment' => '--><svg/onload=alert(1)><!--', 'an entity' => '&lt;script&gt;&#x3c;b&#62;', 'no UTF-8' => "\xff\xfe<b>", 'UTF-7' => '+ADw-script+AD4-', 'a scheme' => 'javascript:alert(1)',
);

subtest 'nothing that a request brings is markup' => sub {
    my $login = $demo->login;
    my $app = 'redirect_uri=' . url_encode('https://app.example.com/');
    for my $kind (sort keys %payload) {
        my $text = url_encode($payload{$kind});
        my @targets = (
            "/oauth/login/$text?$app", "/oauth/login/demo?redirect_uri=$text", "/oauth/login/demo?redirect_uri=https://evil.example/$text", "/oauth/login/demo?redirect_uri=https://app.example.com/$text",
            "/oauth/login/demo?$app&state=$text", "/oauth/login/demo?$app&delivery=$text", "/oauth/login/demo?$app&code_challenge=$text&code_challenge_method=$text", "/oauth/login/demo?$app&$text=$text",
            "/oauth/callback/$text?code=x&state=x", "/oauth/callback/demo?code=$text&state=$login->{state}", "/oauth/callback/demo?code=x&state=$text", "/oauth/callback/demo?error=$text&error_description=$text&state=$login->{state}",
            "/oauth/callback/demo?error=$text&state=$text", "/oauth/callback/demo?code=x&iss=$text&state=$login->{state}", "/oauth/demo/$text?state=$login->{state}", "/oauth/demo/demo?state=$text", "/oauth/demo/demo?$text&state=$login->{state}",
        );
        my @bad;
        for my $target (@targets) {
            for my $headers ([], [Cookie => $login->{cookie}], [Cookie => 'a=b', Referer => 'https://x.example/<script>', 'User-Agent' => '<script>']) {
                my $response = $nginx->get($target, headers => $headers);
                push @bad, "$target: $response->{status}" if $response->{status} == 0 || $response->{status} >= 500 || !is_harmless($response, $payload{$kind});
                $login = $demo->login if $response->{status} == 302;
            }
        }
        is_deeply \@bad, [], "$kind stays text";
    }
};

# req 012: what the application sends as state comes back as it was.
subtest 'the application\'s state' => sub {
    my $printable = join '', map { chr } 0x21 .. 0x7e;
    for my $state ('</script><script>alert(1)</script>', q{"'><img src=x>}, '\\u003c\\"', '%0d%0a', '&#60;b&#62;', $printable, "$printable$printable$printable$printable$printable" . 'x' x 42, '__proto__', '{{x}}') {
        for my $how ($demo, $popup, $query) {
            # Without a word about delivery, a state of one's own is how the old popup client asks.
            my $login = $how->login(query => [state => $state]);
            my $response = $how->callback($login)->{response};
            my ($told) = $response->{body} =~ m{<script type="application/json" id="data">(.*?)</script>}s;
            my $got = $how == $popup ? decode_json($told)->{message}{state}
                : $how == $query ? query_of(header($response, 'Location'))->{state} : OAuth::Demo::message($response)->{state};
            is $got, $state, 'comes back as it was' . ($how == $popup ? ' in a popup' : $how == $query ? ' in the query' : '');
            next if $how != $popup;
            unlike $told, qr/[<>&\x{2028}\x{2029}]/, '  without a character that HTML knows';
            unlike $told, qr/[^\x20-\x7e]/, '  in ASCII';
        }
    }
    is $demo->login(query => [state => $_])->{response}{status}, 400, 'one that is not printable, or too long, is refused' for "a\r\nb", "a\0b", "\x{2028}", "\x{e4}", 'x' x 513, "a\tb";
};

# ---- req 095: whom the popup tells -----------------------------------------------------------------

subtest 'the popup tells the one origin that was asked for' => sub {
    my $own = 'http://localhost:' . $nginx->port;
    for my $case (['https://app.example.com/', 'https://app.example.com'], ['https://APP.example.com:443/a/b?c=d#e', 'https://app.example.com'], ["$own/x", $own]) {
        my ($target, $origin) = @$case;
        my $response = $nginx->get('/oauth/login/demo?' . form(redirect_uri => $target, delivery => 'popup'));
        my $login = { state => query_of(header($response, 'Location'))->{state}, cookie => header($response, 'Set-Cookie') =~ s/;.*//r };
        my $page = $nginx->get('/oauth/callback/demo?' . form(code => 'eve@demo.local', state => $login->{state}),
            headers => [Cookie => $login->{cookie}, Origin => 'https://evil.example', Referer => 'https://evil.example/', 'X-Forwarded-Host' => undef]);
        my $data = decode_json(($page->{body} =~ m{id="data">(.*?)</script>}s)[0]);
        is $data->{origin}, $origin, "a popup for $target tells $origin";
        is_deeply [sort keys %{ $data->{message} }], [qw(code provider state type)], '  a code, and no token';
        like $page->{body}, qr/postMessage\(data\.message,\s*data\.origin\)/, '  by its name';
        unlike $page->{body}, qr/['"]\*['"]|evil/, '  and nobody else';
    }
    for my $target ('myapp://x', 'https://evil.example/', 'https://app.example.com.evil.example/', 'null', '*', 'https://evil.example#https://app.example.com', "https://app.example.com\@evil.example/") {
        is $nginx->get('/oauth/login/demo?' . form(redirect_uri => $target, delivery => 'popup'))->{status}, 400, "no popup for $target";
    }
};

$nginx->stop;
$redis->stop;
done_testing;

# Nothing but our own style, and at most our own script.
sub check_policy {
    my ($response) = @_;
    my ($policy, @more) = headers($response, 'Content-Security-Policy');
    my %rule = map { my ($name, $rest) = split / /, $_, 2; ($name => $rest) } split /; */, $policy;
    is scalar(@more), 0, 'one policy';
    is_deeply [@rule{qw(default-src base-uri form-action frame-ancestors)}], [("'none'") x 4], 'which allows nothing';
    unlike $policy, qr/unsafe|\*|https?:|data:|'self'|strict-dynamic/, '  by no back door';
    my ($style) = $response->{body} =~ m{<style>(.*?)</style>}s;
    is $rule{'style-src'}, "'sha256-" . encode_base64(sha256($style), '') . "'", '  but its own style, by hash';
    my @scripts = grep { !/type="application\/json"/ } $response->{body} =~ /<script([^>]*)>/g;
    my ($nonce) = ($rule{'script-src'} || '') =~ /^'nonce-([A-Za-z0-9+\/_=-]{22,})'$/;
    is_deeply \@scripts, $nonce ? [qq( nonce="$nonce")] : [], '  and its own script, by nonce';
    is $rule{'script-src'}, undef, '  (it has none)' if !@scripts;
    return;
}

sub check_document {
    my ($response) = @_;
    my $body = $response->{body};
    like $body, qr{^<!doctype html>\n<html lang="en">.*</html>\n$}s, 'a document';
    my @external = grep { !m{^http://localhost:\d+/oauth/callback/} } $body =~ /(?:href|src|action)\s*=\s*["']?([^"'\s>]*)/gi;
    is_deeply \@external, [], 'without a link that leads away, or a resource';
    unlike $body, qr/\son\w+\s*=|javascript:|<(?:iframe|object|embed|link|base|form|img)\b/i, 'without other ways to run something';
    is length $body, header($response, 'Content-Length'), 'and of the length that it says';
    return;
}

# No header of the payload's making, and no byte of it that could be markup.
sub is_harmless {
    my ($response, $text) = @_;
    my $bytes = $text;
    utf8::encode($bytes) if utf8::is_utf8($bytes);
    my $head = $response->{head};
    my $body = $response->{body};
    return 0 if $head =~ /evil=1|alert|[^\x20-\x7e\r\n]/ && $head !~ /^Location: https:\/\/app\.example\.com\/|^Location: http:\/\/localhost:\d+\/oauth\/demo/m;
    return 0 if $head =~ /^Set-Cookie: evil/mi || $head =~ /\n[^:\r\n]*\n/;
    return 0 if $bytes =~ /[<>"'\\&]/ && index($body, $bytes) >= 0;
    return 0 if $body =~ /alert\(1\)|onerror|onload|\x{e2}\x{80}[\x{a8}\x{a9}]|\0/;
    my ($title) = $body =~ m{<title>(.*?)</title>};
    return $body eq '' || $body eq 'mine' || defined $title;    # "mine": what nginx refuses before any location
}
