# What the real client does not forgive: every row of the contract's tables that says "if wrong", from our side of it.
# The titles name the section and the row; what is tested at length elsewhere is tested here in one line.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $app = $OAuth::Story::APP;
my $story = OAuth::Story->new(workers => 2, provider => {}, http => <<'CONF')->start;    # type demo
oauth_provider other { type oidc; client_id a; client_secret s; issuer https://id.example.com; icon https://cdn.example.com/i.png; }
oauth_provider gone { type oidc; client_id a; client_secret s; issuer https://id.example.com; enabled off; }
oauth_provider github { client_id a; client_secret s; }
oauth_provider google { client_id a; client_secret s; }
oauth_provider microsoft { client_id a; client_secret s; }
CONF

# ---- 1. GET /auth-providers -------------------------------------------------------------------------

subtest '1: the list of providers' => sub {
    my $response = list(Origin => $app);
    is $response->{status}, 200, 'not 2xx, and the client asks for an e-mail address: 200';
    is header($response, 'content-type'), 'application/json', 'not JSON, and it does the same: JSON';
    is header($response, 'access-control-allow-origin'), $app, 'not readable, and it does the same: the Origin is named';
    my $json = decode_json($response->{body});
    is ref $json->{providers}, 'ARRAY', 'providers: an array, without which it cannot connect';
    my %known = map { $_ => 1 } qw(google github microsoft apple custom-oauth2);
    my @all = @{ $json->{providers} };
    is_deeply [sort map { $_->{name} } @all], [qw(demo github google microsoft other)], 'the providers of this broker';
    is_deeply [grep { !$known{ $_->{type} } } @all], [], 'type: one that it has a face for';
    is_deeply [grep { $_->{name} !~ /^[A-Za-z0-9_-]+$/ } @all], [], 'name: put into a path as it is, so it needs no escape';
    is_deeply [grep { !length $_->{displayName} || ref $_->{displayName} } @all], [], 'displayName: a text for the button';
    is_deeply [grep { $_->{iconUrl} !~ m{^(?:https?://[^/]|data:image/)} } @all], [], 'iconUrl: absolute, since a relative one is of the application';
    is_deeply [grep { ref $_->{scopes} ne 'ARRAY' } @all], [], 'scopes: an array';
    ok JSON::PP::is_bool($json->{otpEnabled}), 'otpEnabled: true or false';
};

subtest '1: an icon can be loaded from where it is said to be' => sub {
    my ($demo) = grep { $_->{name} eq 'demo' } @{ decode_json(list(Origin => $app)->{body})->{providers} };
    my $icon = $story->get($demo->{iconUrl});
    is "$icon->{status} " . header($icon, 'content-type'), '200 image/svg+xml', 'without a cookie';
};

# ---- 2, 3. Login and deliveries ---------------------------------------------------------------------

subtest '3: the answer in dxc-auth' => sub {
    my $stale = encode_base64url('{"code":"old","provider":"demo","state":"old"}');
    my %came_back = (
        "$app/deep/page?foo=bar#frag"                        => "$app/deep/page?foo=bar&dxc-auth=*#frag",
        "$app/?dxc-auth=$stale&a=1"                          => "$app/?a=1&dxc-auth=*",
        "$app/?a=1&dxc-auth=$stale&b=2&dxc-auth=$stale#/x?y" => "$app/?a=1&b=2&dxc-auth=*#/x?y",
        "$app/?dxc%2Dauth=$stale"                            => "$app/?dxc-auth=*",
        "$app/#dxc-auth=$stale"                              => "$app/?dxc-auth=*#dxc-auth=$stale",
        "$app/?b=%7e+%20&&c=%C3%A9"                          => "$app/?b=%7e+%20&&c=%C3%A9&dxc-auth=*",
        'myapp://'                                           => 'myapp://?dxc-auth=*',
        'myapp://oauth-callback?x=1'                         => 'myapp://oauth-callback?x=1&dxc-auth=*',
    );
    for my $target (sort keys %came_back) {
        my $response = $story->finish($story->reach(redirect_uri => $target));
        my $location = header($response, 'location');
        # A second one is never read, one in the fragment neither, and whatever else changes is the application's loss.
        is $location =~ s/dxc-auth=eyJ[\w-]+(?=#|$)/dxc-auth=*/r, $came_back{$target}, $target =~ s/\Q$stale\E/STALE/gr;
    }
    my $response = $story->finish($story->reach(redirect_uri => "$app/x", state => '{"a":"b"}'));
    my ($value) = header($response, 'location') =~ /[?&]dxc-auth=([^&#]*)/;
    like $value, qr/^[\w-]+$/, 'base64url, without padding';
    my $text = decode_base64url($value);
    like $text, qr/^[\x20-\x7e]+$/, 'of ASCII, which is all that atob() can give';
    my $answer = decode_json($text);
    is_deeply [sort keys %$answer], [qw(code provider state)], 'with the three members without which it is silently ignored';
    is_deeply [grep { !length || ref } values %$answer], [], 'none of them empty';
};

subtest '3: an error in dxc-auth' => sub {
    my $login = $story->login;
    $login->{back} = $story->base . '/oauth/callback/demo?' . form(error => 'access_denied', error_description => '{word}',
        state => $login->{sent}{state});
    my $answer = $story->answer($story->finish($login));
    is_deeply [sort keys %$answer], [qw(error provider state)], 'error, provider, state: error_description is not read';
    like lc $answer->{error}, qr/access_denied/, 'in words that it takes for a cancelled sign-in';
    unlike $answer->{error}, qr/[{}]/, 'without braces, which it replaces by "undefined"';
};

# ---- 4.1 Tokens -------------------------------------------------------------------------------------

my $tokens;

subtest '4.1: tokens for a code' => sub {
    my $before = int(1000 * Time::HiRes::time());
    my $response = $story->redeem($story->code);
    is $response->{status}, 200, 'one login';
    $tokens = $response->{json};
    my $claims = $tokens->{claims};
    is $tokens->{type}, 'tokens', 'type: else a silent error';
    is ref $claims, 'HASH', 'claims: else "origin not whitelisted"';
    like $claims->{sub}, qr/^demo:./, 'claims.sub: else the database never opens';
    ok !ref $claims->{sub} && !is_number($response, 'sub'), '  and a string';
    is_deeply [@$claims{qw(email name)}], ['alice@example.com', 'Alice Example'], 'claims.email, claims.name: who it is';
    is $claims->{license}, 'ok', 'claims.license: else it is offline and refreshes before every request';
    ok length $tokens->{accessToken} && !ref $tokens->{accessToken}, 'accessToken: a string';
    ok length $tokens->{refreshToken} && !ref $tokens->{refreshToken}, 'refreshToken: else "Refresh token missing" after an hour';
    for my $case (['accessTokenExpiration', 3600], ['refreshTokenExpiration', 30 * 86400]) {
        my ($name, $lifetime) = @$case;
        ok is_number($response, $name), "$name: a number";
        my $left = $tokens->{$name} - $before;
        ok $left > ($lifetime - 10) * 1000 && $left < ($lifetime + 60) * 1000,
            '  in milliseconds: in seconds it would refresh without end, or be expired at once';
    }
    ok $tokens->{accessTokenExpiration} - $before > 5 * 60_000, '  more than 5 minutes: with less it refreshes at every request';
    like $tokens->{userType}, qr/^(?:demo|eval|prod|client)$/, 'userType: one that it knows';
    ok !exists $tokens->{$_}, "$_: not there" for qw(alerts evalDaysLeft userValidUntil access_token expires_in);
};

subtest '4.1: requests as the client writes them' => sub {
    my $key = OAuth::Story::client_key();
    like $key, qr/\A-----BEGIN PUBLIC KEY-----\n(?:[\w+\/=]{1,64}\n)+-----END PUBLIC KEY-----\z/, 'a key in its spelling';
    is $story->redeem($story->code, members => { intent => $_ })->{status}, 200, "with the intent $_" for qw(login register);
    is $story->redeem($story->code, members => { future => { x => [1] } })->{status}, 200, 'a member that we do not know is no mistake';
};

# ---- 4.5 Errors ---------------------------------------------------------------------------------------

subtest '4.5: errors that the user should see' => sub {
    my $code = $story->code;
    is $story->redeem($code)->{status}, 200, 'a code is redeemed';
    my %seen = (
        'an unknown code' => [401, 'A' x 64], 'a code again' => [401, $code],
        'no scope of ours' => [400, $story->code, scopes => ['admin']], 'a weak key' => [400, $story->code, public_key => 'x'],
        'a grant that is not offered' => [400, undef, grant_type => 'password'],
    );
    for my $what (sort keys %seen) {
        my ($status, $given, %members) = @{ $seen{$what} };
        my $response = $story->redeem($given, members => \%members);
        is $response->{status}, $status, "$what: 400 or 401, since any other status is shown to nobody";
        is_deeply [@{ $response->{json} }{qw(type messageCode)}], ['error', 'GENERIC_ERROR'], '  GENERIC_ERROR, since INVALID_OTP is silent';
        ok !grep({ !length $response->{json}{$_} || $response->{json}{$_} =~ /[{}]/ } qw(title message)), '  a title and a message to show';
        is ref $response->{json}{messageParams}, 'HASH', '  and what is put into it';
        ok !exists $response->{json}{error}, '  not as RFC 6749 has it';
        is header($response, 'access-control-allow-origin'), $app, '  readable: an unreadable answer is shown to nobody';
    }
    $story->redeem($code);
    my $there = $story->nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"]);
    is $there->{status}, 200, 'replaying a code, as an honest client does, costs nobody his tokens';
};

# ---- 5 CORS -------------------------------------------------------------------------------------------

subtest '5: who may read' => sub {
    for my $case (['GET', '/auth-providers'], ['POST', '/token'], ['OPTIONS', '/token']) {
        my ($method, $path) = @$case;
        my $ask = sub { return $story->nginx->request($method, $path, headers => [map { (Origin => $_) } @_]) };
        my $own = $ask->($app);
        is_deeply [headers($own, 'access-control-allow-origin')], [$app], "$method $path: exactly one, the asking one";
        like header($own, 'vary'), qr/\bOrigin\b/, '  told apart by caches';
        for my $other ('https://evil.test', "$app.evil.test", "https://evil-app.example.com", 'null', "$app/", "$app:443", 'http://app.example.com', '*') {
            is header($ask->($other), 'access-control-allow-origin'), undef, "  not $other";
        }
        is header($ask->($app, 'https://evil.test'), 'access-control-allow-origin'), undef, '  nor two';
    }
    my $simple = $story->redeem($story->code, type => 'text/plain');
    is $simple->{status}, 400, 'a request without a preflight is refused';
};

$story->stop;

# dexie-contract 1: what cannot be read makes the client ask for an e-mail address.
subtest '1: the list does not need the store' => sub {
    my $redis = OAuth::Redis->new->start;
    my $other = OAuth::Story->new(http => 'oauth_store redis://127.0.0.1:' . $redis->port . ' timeout=100ms;')->start;
    ok $other->code, 'a login works';
    $redis->stop;
    is $other->redeem('A' x 64)->{status}, 503, 'the store is away';
    is $other->nginx->get('/auth-providers')->{status}, 200, 'and the list is there';
    $other->stop;
} if grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

done_testing;

sub list { return $story->nginx->get('/auth-providers', headers => [Accept => 'application/json', @_]) }

# Whether a member is a number in the very text of an answer.
sub is_number { my ($response, $name) = @_; return $response->{body} =~ /"\Q$name\E":\d+[,}]/ }
