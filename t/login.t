# The login: what the provider is asked, what the client may say, and who may not interfere.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing;
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';    # RFC 7636 B
my $idp = OAuth::Idp->new;
my $second = OAuth::Story::block('second', type => 'oidc', issuer => $idp->issuer, client_id => 'second',
    scope => 'openid', token_auth => 'none');
my $story = OAuth::Story->new(
    idp   => $idp,
    knobs => { auto => 1 },
    http  => <<"CONF",
$second
oauth_provider off { type oidc; issuer https://id.example.com; client_id x; token_auth none; enabled off; }
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%/db1;
    oauth_use acme;
    oauth_allow_origin $app;
    oauth_require_pkce on;
    location / { return 404; }
}
server {
    listen 127.0.0.1:%%PORT3%%;
    oauth_broker https://auth.example.com;
    oauth_use acme;
    oauth_allow_origin $app;
    location / { return 404; }
}
CONF
    server => 'oauth_use acme second off;',
)->start;
my $good = 'redirect_uri=' . url_encode("$app/");

# req 083
subtest 'an unknown provider is a page and nothing else' => sub {
    my $long = 'a' x 4000;
    for my $name ('nosuch', '', 'ACME', 'acme/', 'acme/x', 'acme%00', 'acme%20', 'acme%0d%0aX-A:b',
        'acme%0aSet-Cookie:a=b', 'acme;x', 'acme.', 'ac%C3%A9me',
        '../x', '%2e%2e', '%2e%2e/', '%2e%2e%2facme', '..%5cacme', '..%2f..%2fetc%2fpasswd', 'off', 'demo', "x\x01",
        $long, "acme$long") {
        my $response = $story->nginx->get("/oauth/login/$name?$good");
        my $shown = length $name > 60 ? 'a very long name' : $name =~ s/[^\x20-\x7e]/?/gr;
        like $response->{status}, qr/^40[04]$/, "'$shown' is refused";
        ok !defined header($response, $_), "without $_" for qw(location set-cookie x-a);
    }
    my $chooser = $story->nginx->get("/oauth/login?provider=acme&$good");
    is_deeply [$chooser->{status}, scalar header($chooser, 'location')], [200, undef], 'a provider in the query is none: the user chooses';
    is $idp->requests('discovery'), 0, 'nobody was asked anything';
};

# req 056
subtest 'the provider is asked for one sign-in' => sub {
    my %seen;
    for my $round (1, 2) {
        my $sent = $story->login->{sent};
        is_deeply [sort keys %$sent],
            [qw(client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state)],
            'with these parameters, each once';
        is_deeply [@$sent{qw(response_type client_id redirect_uri scope code_challenge_method)}],
            ['code', 'app', $story->base . '/oauth/callback/acme', 'openid email profile', 'S256'],
            'code flow, our own address, openid, S256';
        like $sent->{$_}, qr/^[\w-]{43}$/, "$_ has 256 bits" for qw(nonce code_challenge);
        like $sent->{state}, qr/^[\w-]{100,4096}$/, 'state is sealed';
        ok !$seen{ $sent->{$_} }++, "$_ is new each time" for qw(nonce code_challenge state);
    }
    my $state = $story->login(redirect_uri => "$app/secret-place", state => 'client-state')->{sent}{state};
    unlike decode_base64url($state), qr/secret-place|client-state|acme|app\.example/, 'nothing can be read in state';
    is $story->login(name => 'second')->{sent}{scope}, 'openid', 'the scope is that of the provider';
};

# req 084
subtest 'nothing else of the client is sent on' => sub {
    my $login = $story->login(scope => 'admin', client_id => 'evil', response_type => 'token', nonce => 'n',
        prompt => 'none', acr_values => 'x', response_mode => 'form_post',
        request => 'r', request_uri => 'https://evil.test/', claims => '{}', iss => 'https://evil.test',
        target_link_uri => 'https://evil.test', code => 'c');
    is_deeply [sort keys %{ $login->{sent} }],
        [qw(client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state)],
        'the parameters are ours';
    is $login->{sent}{client_id}, 'app', 'and their values';
    unlike $login->{url}, qr/evil|admin/, 'no byte of it';
};

# req 099
subtest 'the broker is where its configuration says' => sub {
    my $expected = $story->base . '/oauth/callback/acme';
    for my $spoof (['X-Forwarded-Host' => 'evil.test'], ['X-Forwarded-Proto' => 'https'],
        [Forwarded => 'host=evil.test;proto=https'], ['X-Forwarded-Port' => '444'],
        ['X-Original-URL' => '/oauth/login/nosuch'], ['X-Forwarded-Prefix' => '/evil'],
        [Referer => 'https://evil.test/'], [Origin => 'https://evil.test']) {
        my $login = $story->login(headers => $spoof);
        is $login->{sent}{redirect_uri}, $expected, "$spoof->[0] changes nothing";
        is_deeply [grep { /^access-control-/i } map { $_->[0] } @{ $login->{response}{headers} }], [],
            'and opens nothing';
    }
    for my $host ('evil.test', 'localhost.evil.test', 'localhost:1', '127.0.0.1:' . $story->nginx->port, '[::1]',
        'user@localhost') {
        my $response = $story->nginx->get("/oauth/login/acme?$good&state=a%26b%2B", host => $host);
        next if $response->{status} == 400 && $response->{body} =~ /<center>nginx/;    # nginx itself refuses the name
        is $response->{status}, 302, "the Host $host is sent home";
        is header($response, 'location'), $story->base . "/oauth/login/acme?$good&state=a%26b%2B&at=home",
            'by its name in the configuration, with the same query';
        ok !defined header($response, 'set-cookie'), 'without a cookie';
    }
    my $home = $story->nginx->get("/oauth/login/acme?$good&at=home", host => 'elsewhere.test');
    like header($home, 'location'), qr/^\Q${\$idp->issuer}\E/, 'once: then the login goes on';
    is query_of(header($home, 'location'))->{redirect_uri}, $expected, 'with our own address';
};

subtest 'the browser gets one cookie for all its logins' => sub {
    my $name = qr/oauth-[0-9a-f]{8}/;
    my $login = $story->login;
    my ($line) = headers($login->{response}, 'set-cookie');
    like $line, qr/^$name=[\w-]{43}; Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax$/,
        'HttpOnly, Lax, as long as a state lives';
    my ($cookie) = $line =~ /^([^;]+)/;
    is header($story->login(browser => $login->{browser})->{response}, 'set-cookie'), $line,
        'which comes again unchanged';
    isnt header($story->login->{response}, 'set-cookie'), $line, 'another browser has another';
    my ($own) = $cookie =~ /^($name)/;
    for my $planted ("$own=short", "$own=" . 'A' x 44, "$own=", "$own=" . '!' x 43, "$cookie; $cookie",
        "$cookie; $own=" . 'A' x 43) {
        my ($set) = headers($story->login(headers => [Cookie => $planted])->{response}, 'set-cookie');
        ok $set =~ /^$own=[\w-]{43};/ && index($set, $cookie) != 0 && $set !~ /=A{43};/,
            'a planted one is replaced: ' . substr $planted, 0, 40;
    }
    my $https = $story->nginx->get("/oauth/login/acme?$good&at=home", port => 3, host => 'auth.example.com');
    like header($https, 'set-cookie'),
        qr/^__Host-oauth-[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax; Secure$/,
        'a broker at https has one that no other host can plant';
};

# req 012 089
subtest "the client's state comes back byte for byte" => sub {
    my $all = join '', map { chr } 0x20 .. 0x7e;
    for my $state ('x', $all, '%&+<>"\'', 'a=b&c=d', '</script><script>alert(1)</script>', '%0d%0aX: y', ' ', '+',
        "\\u0041\\", ('~"' x 256)) {
        my $answer = $story->answer($story->finish($story->reach(redirect_uri => "$app/x", state => $state)));
        is $answer->{state}, $state, length $state > 60 ? length($state) . ' bytes' : $state;
    }
    for my $refused (['513 bytes', 'x' x 513], ['a line feed', "a\nb"], ['CR LF', "a\r\nX-A: b"], ['a tab', "a\tb"],
        ['DEL', "a\x7f"], ['ESC', "a\e[31m"], ['what is not ASCII', "a\x{e9}"],
        ['U+560A U+560D', "\xe5\x98\x8a\xe5\x98\x8d"]) {
        my ($what, $state) = @$refused;
        my $response = $story->login(state => $state)->{response};
        is $response->{status}, 400, "$what is refused";
        ok !defined header($response, 'location'), 'without Location';
    }
    is $story->nginx->get("/oauth/login/acme?$good&state=a%00b")->{status}, 400, 'NUL is refused';
};

# req 009
subtest 'nothing may be said twice' => sub {
    for my $name (qw(state delivery code_challenge code_challenge_method)) {
        my $response = $story->nginx->get("/oauth/login/acme?$good&code_challenge=$challenge&code_challenge_method=S256&$name=a&$name=a");
        is $response->{status}, 400, "not $name";
        ok !defined header($response, 'location'), 'without Location';
    }
    is $story->login(x => ['a', 'a'])->{response}{status}, 302, 'but what nobody reads';
};

subtest 'the longest of everything works together' => sub {
    my $target = "$app/?q=" . '%41' x 670;
    $target .= 'x' x (2048 - length $target);
    my $login = $story->reach(redirect_uri => $target, state => '"' x 512, code_challenge => $challenge,
        code_challenge_method => 'S256');
    cmp_ok length $login->{sent}{state}, '<=', 4096, 'state has room for it';
    my $answer = $story->answer($story->finish($login));
    is $answer->{state}, '"' x 512, 'the state comes back';
    like $answer->{code}, qr/^[\w-]{64}$/, 'with a code';

    my $exact = "$app/" . 'x' x (2048 - length "$app/");
    is $story->login(redirect_uri => $exact)->{response}{status}, 302, '2048 bytes are a redirect_uri';
    my $over = $story->login(redirect_uri => "${exact}x")->{response};
    is $over->{status}, 400, '2049 are not';
    ok !defined header($over, 'location'), 'and lead nowhere';
    my $stale = '?dxc-auth=' . 'A' x 700;
    is $story->login(redirect_uri => substr($exact, 0, 2040) . $stale)->{response}{status}, 302,
        'a stale dxc-auth is taken away before it is measured';
};

# RFC 7636 4.3, OAuth 2.1 4.1.1
subtest 'a code challenge is S256 or refused' => sub {
    is $story->login(code_challenge => $challenge, code_challenge_method => 'S256')->{response}{status}, 302,
        'S256 is taken';
    isnt $story->login(code_challenge => $challenge, code_challenge_method => 'S256')->{sent}{code_challenge},
        $challenge, "which is not the provider's business";
    for my $bad (
        ['without a method',      code_challenge => $challenge],
        ['plain',                 code_challenge => $challenge, code_challenge_method => 'plain'],
        ['s256',                  code_challenge => $challenge, code_challenge_method => 's256'],
        ['42 characters',         code_challenge => substr($challenge, 1), code_challenge_method => 'S256'],
        ['44 characters',         code_challenge => "${challenge}A", code_challenge_method => 'S256'],
        ['padding',               code_challenge => substr($challenge, 1) . '=', code_challenge_method => 'S256'],
        ['the standard alphabet', code_challenge => '+' . substr($challenge, 1), code_challenge_method => 'S256'],
        ['only a method',         code_challenge_method => 'S256'],
    ) {
        my ($what, %query) = @$bad;
        my $response = $story->login(%query)->{response};
        is $response->{status}, 400, "$what is refused";
        ok !defined header($response, 'location'), 'without Location';
    }
    my $strict = 'http://localhost:' . $story->nginx->port(2) . '/db1';
    is $story->login(base => $strict)->{response}{status}, 400,
        'where PKCE is required, a login without a challenge is refused';
    my $login = $story->login(base => $strict, code_challenge => $challenge, code_challenge_method => 'S256');
    is $login->{sent}{redirect_uri}, "$strict/oauth/callback/acme", 'with one it goes on, below the path of the broker';
};

subtest 'a login is a GET' => sub {
    for my $method (qw(POST PUT DELETE OPTIONS)) {
        my $response = $story->nginx->request($method => "/oauth/login/acme?$good");
        is $response->{status}, 405, "$method is not";
        is header($response, 'allow'), 'GET, HEAD', 'which the answer says';
        ok !defined header($response, 'location'), 'without Location';
    }
};

$story->stop;
done_testing;
