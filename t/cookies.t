# The broker's one cookie: its name and attributes, that it is kept while it is sound, that it binds
# a login to its browser and is nobody's but the broker's (DESIGN 3, req 128, 130-132, 058).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use Digest::SHA qw(sha256_hex);

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP');
large_client_header_buffers 8 64k;
oauth_provider demo { type demo; user alice@demo.local Alice; }
oauth_allow_origin https://app.example.com;
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT3%% http2;
    oauth_use demo;
    oauth_broker http://localhost:%%PORT%%;
    location /echo { proxy_pass http://127.0.0.1:%%PORT2%%; }
    location /own/ { oauth_protect bearer optional; return 200 "$cookie_other|$http_cookie"; }
    location /strict/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT2%%; }
}
server {
    listen 127.0.0.1:%%PORT1%% ssl;
    ssl_certificate %%DIR%%/cert.pem;
    ssl_certificate_key %%DIR%%/key.pem;
    oauth_use demo;
    oauth_broker https://localhost:%%PORT1%%;
    oauth_state_lifetime 10m;
    location /echo { proxy_pass http://127.0.0.1:%%PORT2%%; }
}
server { listen 127.0.0.1:%%PORT2%%; location / { return 200 "[$http_cookie]"; } }
HTTP
my $folder = $nginx->dir;
is system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout $folder/key.pem -out $folder/cert.pem 2>/dev/null"), 0, 'there is a certificate';
$nginx->start;
my $plain  = OAuth::Demo->new($nginx);
my $secure = OAuth::Demo->new($nginx, port => 1, tls => 1);
my $name   = 'oauth-' . substr sha256_hex('http://localhost:' . $nginx->port), 0, 8;
my $secure_name = '__Host-oauth-' . substr sha256_hex('https://localhost:' . $nginx->port(1)), 0, 8;
my $value  = qr/[A-Za-z0-9_-]{43}/;

# req 128
subtest 'name and attributes' => sub {
    my $line = header($plain->login->{response}, 'Set-Cookie');
    like $line, qr/^\Q$name\E=$value; /, 'over http on loopback: no prefix';
    is_deeply [sort split /; /, $line =~ s/^[^;]*; //r], ['HttpOnly', 'Max-Age=1800', 'Path=/', 'SameSite=Lax'], '  and no Secure';
    $line = header($secure->login->{response}, 'Set-Cookie');
    like $line, qr/^\Q$secure_name\E=$value; /, 'over https: __Host-, and the broker\'s own name';
    is_deeply [sort split /; /, $line =~ s/^[^;]*; //r], ['HttpOnly', 'Max-Age=600', 'Path=/', 'SameSite=Lax', 'Secure'], '  Secure, for as long as states live, no Domain';
    my %seen = map { $plain->login->{cookie} => 1 } 1 .. 50;
    is keys %seen, 50, 'every browser has its own';
    is scalar(my @all = headers($plain->login->{response}, 'Set-Cookie')), 1, 'one login sets one cookie';
    my $all = $secure->sign_in;
    ok $all->{access_token}, 'a sign-in over https works with it';
};

subtest 'who sets it' => sub {
    my $login = $plain->login;
    my $back = $plain->callback($login);
    my @others = (
        $back->{response}, $plain->redeem($back->{code})->{response},
        map { $nginx->get($_) } '/auth-providers', '/.well-known/jwks.json', '/oauth/login/demo', '/oauth/login/none', '/echo', "/oauth/demo/demo?state=$login->{state}",
    );
    is_deeply [map { headers($_, 'Set-Cookie') } @others], [], 'only a login that goes to a provider';
};

subtest 'what it brings is kept, if it is sound' => sub {
    my $login = $plain->login;
    is $plain->login(cookie => $login->{cookie})->{cookie}, $login->{cookie}, 'the same cookie is sent again';
    my ($old) = $login->{cookie} =~ /=(.*)/;
    my %garbage = (
        'empty' => '', 'short' => 'x', 'long' => 'A' x 44, 'very long' => 'A' x 16_000, 'padded' => "$old=", 'of another alphabet' => '+' x 43, 'with a space' => substr($old, 0, 42) . ' ',
        'quoted' => qq("$old"), 'of 31 bytes' => 'A' x 42, 'with unused bits' => substr($old, 0, 42) . 'B', 'of UTF-8' => "\xc3\xa4" x 22,
        'markup' => '<script>', 'a format' => '%n%s', 'with a line' => 'a%0d%0ab',
    );
    for my $kind (sort keys %garbage) {
        my $fresh = $plain->login(cookie => "$name=$garbage{$kind}")->{cookie};
        like $fresh, qr/^\Q$name\E=$value$/, "one that is $kind is replaced";
        isnt $fresh, "$name=$garbage{$kind}", '  by another';
        isnt $fresh, $login->{cookie}, '  a new one';
    }
    my $other = $plain->login->{cookie};
    my $fresh = $plain->login(cookie => "$login->{cookie}; $other")->{cookie};
    ok $fresh ne $login->{cookie} && $fresh ne $other, 'two of the name count as none (req 131)';
    is $plain->login(cookie => "a=b; $login->{cookie}; c=d")->{cookie}, $login->{cookie}, 'others beside it do no harm';
};

# req 058, 059, 130
subtest 'it binds a login to its browser' => sub {
    my ($login, $other) = ($plain->login, $plain->login);
    my ($cookie) = $login->{cookie};
    my $changed = substr($cookie, 0, -2) . (substr($cookie, -2, 1) eq 'A' ? 'B' : 'A') . substr($cookie, -1);
    my ($key, $content) = split /=/, $cookie;
    my %wrong = (
        'no cookie' => '', 'another browser\'s' => $other->{cookie}, 'a changed one' => $changed, 'a truncated one' => substr($cookie, 0, -1), 'an empty one' => "$key=",
        'two' => "$cookie; $other->{cookie}", 'the same twice' => "$cookie; $cookie", 'one of another name' => "x$cookie", 'the name in upper case' => uc($key) . "=$content",
        'the prefixed name' => "__Host-$cookie", 'a quoted one' => qq($key="$content"), 'one after a comma' => "a=b, $cookie",
    );
    for my $kind (sort keys %wrong) {
        my $response = $nginx->get('/oauth/callback/demo?' . form(code => 'alice@demo.local', state => $login->{state}), headers => [$wrong{$kind} eq '' ? () : (Cookie => $wrong{$kind})]);
        is $response->{status}, 400, "with $kind the callback is refused";
        is header($response, 'Location'), undef, '  and goes nowhere';
    }
    ok $plain->callback($login)->{code}, 'and none of it has spent the state';
    my $first  = $plain->login;
    my $second = $plain->login(cookie => $first->{cookie});
    ok $plain->callback($second)->{code} && $plain->callback($first)->{code}, 'two tabs of a browser finish, in any order';
    is $nginx->get('/strict/', headers => [Cookie => $first->{cookie}])->{status}, 401, 'it is nobody\'s identity';
};

# DESIGN 3: removed from what upstreams see.
subtest 'no upstream sees it' => sub {
    my $own = $plain->login->{cookie};
    my @cases = (
        ["a=1; $own; b=2", 'a=1; b=2'], [$own, ''], ["$own; a=1", 'a=1'], ["a=1; $own", 'a=1'], ["a=1;$own;b=2", 'a=1; b=2'], ["$own; $own", ''], [";; $own ;;", ''], ["$name=", ''],
        ["$name =x; a=1", 'a=1'], [qq($name="q"; a=1), 'a=1'], ["\t$own\t; a=1", 'a=1'], ["x$own; a=1", "x$own; a=1"], ["${name}x=1; a=1", "${name}x=1; a=1"], ["a=$name", "a=$name"],
        ["A=1; " . uc($name) . '=2', 'A=1; ' . uc($name) . '=2'], ["a=1; b; =c; d==; $own; e=\"x y\"", 'a=1; b; =c; d==; e="x y"'], ['a=1; a=2', 'a=1; a=2'], ['=', '='], [';', ';'], ['', ''],
        ["$own; big=" . 'x' x 16_000, 'big=' . 'x' x 16_000], [join('; ', map({ "c$_=$_" } 1 .. 50), $own, map { "c$_=$_" } 51 .. 100), join('; ', map { "c$_=$_" } 1 .. 100)],
    );
    for my $case (@cases) {
        my ($sent, $seen) = @$case;
        my $shown = length $sent > 60 ? substr($sent, 0, 60) . '...' : $sent;
        is $nginx->get('/echo', headers => [Cookie => $sent])->{body}, "[$seen]", "of \"$shown\" the rest is left";
    }
    is $nginx->get('/echo', headers => [Cookie => 'a=1', Cookie => "$own; b=2", Cookie => 'c=3'])->{body} =~ s/, /; /gr, '[a=1; b=2; c=3]', 'of several Cookie headers too';
    is $nginx->get('/echo', headers => [Cookie => $own, Cookie => $own])->{body}, '[]', 'or nothing';
    is $nginx->get('/own/x', headers => [Cookie => "other=1; $own"])->{body}, '1|other=1', 'nor does a variable of nginx show it';
    is $nginx->get('/echo', port => 1, tls => 1, headers => [Cookie => "$secure_name=x; a=1"])->{body}, '[a=1]', 'https alike';
    is $nginx->get('/echo', headers => [Cookie => "a=1; $own", Connection => 'close, Cookie'])->{body}, '[a=1]', 'whatever Connection says';
    is $nginx->get('/echo', headers => [Cookie => "a=1; $own\0"])->{status}, 400, 'NUL is a bad request';
};

subtest 'HTTP/2 sends cookies in crumbs' => sub {
    plan skip_all => 'no curl with HTTP/2' if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
    my $own = $plain->login->{cookie};
    my $seen = `curl -s --http2-prior-knowledge -H 'cookie: a=1' -H 'cookie: $own' -H 'cookie: b=2' http://127.0.0.1:@{[$nginx->port(3)]}/echo`;
    is $seen, '[a=1; b=2]', 'ours is missing from what they make';
};

$nginx->stop;
done_testing;
