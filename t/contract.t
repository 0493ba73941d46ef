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
    my $before = now_ms();
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

# ---- 4.2 Refreshing -------------------------------------------------------------------------------

subtest '4.2: tokens for a refresh token' => sub {
    my $old = $tokens->{refreshToken};
    my $before = now_ms();
    my $response = refresh($old);
    is $response->{status}, 200, 'one refresh: any other status, and the user is out of date until he signs in again';
    my $new = $response->{json};
    is $new->{type}, 'tokens', 'type: as at the login';
    is_deeply $new->{claims}, $tokens->{claims}, 'claims: complete, and of the same user, since they replace what is stored';
    isnt $new->{accessToken}, $tokens->{accessToken}, 'accessToken: a new one';
    ok is_number($response, 'accessTokenExpiration') && $new->{accessTokenExpiration} > $before + 5 * 60_000,
        'accessTokenExpiration: milliseconds, and more than 5 minutes';
    ok !defined $new->{refreshToken} || $new->{refreshToken} eq $old, 'refreshToken: not another one, which the client would never use';
    my $stamp = now_ms();
    is refresh($old, time_stamp => $stamp, signature => OAuth::Client::sign("$old$stamp"))->{status}, 200, $_
        for 'the same token again: it never rotates', 'the same time stamp again: another tab';
    is refresh($old, public_key => OAuth::Story::key('RSA', 'rsa_keygen_bits:2048'))->{status}, 200, 'public_key: no mistake';
    is refresh($old)->{status}, 200, '  and it has not replaced the key of the login';
    is $story->redeem($story->code)->{status}, 200, 'another login';
    is refresh($old)->{status}, 200, '  does not end the first';
};

subtest '4.2: the proof' => sub {
    my $login = $story->redeem($story->code)->{json};
    my $token = $login->{refreshToken};
    my $stamp = now_ms();
    my $good = OAuth::Client::sign("$token$stamp");
    my $url = $good =~ tr{+/}{-_}r;
    my %wrong = (
        'base64url' => [signature => $url], 'no padding' => [signature => $good =~ s/=+$//r],
        'none' => [signature => undef], 'of the stamp before the token' => [signature => OAuth::Client::sign("$stamp$token")],
        'of another stamp' => [time_stamp => $stamp + 1], 'truncated' => [signature => substr $good, 4],
        'by another name' => [signing_algorithm => 'RSA256'],
        'a stamp that is text' => [time_stamp => "$stamp"], 'a stamp in seconds' => [time_stamp => int($stamp / 1000)],
    );
    delete $wrong{base64url} if $url eq $good;
    for my $what (sort keys %wrong) {
        my $response = refresh($token, time_stamp => $stamp, signature => $good, @{ $wrong{$what} });
        ok $response->{status} == 400 || $response->{status} == 401, "a signature: $what" or diag $response->{body};
        is header($response, 'access-control-allow-origin'), $app, '  readable';
    }
    is refresh($token, time_stamp => $stamp, signature => $good)->{status}, 200, 'the right one still works';
};

subtest '4.2: a clock that is wrong' => sub {
    my $token = $tokens->{refreshToken};
    for my $minutes (-11, 11) {
        my $response = refresh($token, at => now_ms() + $minutes * 60_000);
        is $response->{status}, 400, "by $minutes minutes: 400, since the client dies of it with 200";
        is $response->{json}{type}, 'invalid-timestamp', '  invalid-timestamp';
        ok is_number($response, 'server_time') && abs($response->{json}{server_time} - now_ms()) < 60_000, '  with our time, in milliseconds';
        ok length $response->{json}{message}, '  and a message';
    }
    is refresh($token, at => now_ms() + $_ * 60_000)->{status}, 200, "by $_ minutes: accepted" for -9, 9;

    # Else a client that is ahead would find every new token expired, and ask for the next.
    my $short = OAuth::Story->new(http => 'oauth_access_token_lifetime 8m;')->start;
    my $brief = $short->redeem($short->code)->{json}{refreshToken};
    is refresh($brief, on => $short, at => now_ms() + 4 * 60_000)->{status}, 400, 'the window is smaller than the lifetime less 5 minutes';
    is refresh($brief, on => $short, at => now_ms() + 2 * 60_000)->{status}, 200, '  and no smaller than that';
    $short->stop;
};

# ---- 4.4 Other grants -------------------------------------------------------------------------------

subtest '4.4: a demo user' => sub {
    my $ask = sub { return token_post({ grant_type => 'demo', demo_user => $_[0], scopes => ['ACCESS_DB'], public_key => OAuth::Story::client_key() }) };
    my $response = $ask->('alice@example.com');
    is $response->{status}, 200, 'gets tokens';
    is $response->{json}{claims}{sub}, 'demo:alice@example.com', 'as at the provider';
    my $nobody = $ask->('mallory@demo.local');
    ok $nobody->{status} >= 400 && $nobody->{status} < 500, 'nobody else does';
    is $nobody->{json}{type}, 'error', '  which is an error';
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

subtest '4.5: a user who may not come in' => sub {
    my $strict = OAuth::Story->new(server => 'oauth_allow email=bob@example.com;')->start;
    my $response = token_post({ grant_type => 'demo', demo_user => 'alice@example.com', public_key => OAuth::Story::client_key() },
        on => $strict);
    is $response->{status}, 403, '403, which begins the dialog anew';
    is_deeply [sort keys %{ $response->{json} }], [qw(code message)], '  if its body is code and message';
    like $response->{json}{code}, qr/^(?:USER_NOT_REGISTERED|USER_NOT_ACCEPTED|NO_SEATS_AVAILABLE|USER_DEACTIVATED|WEBHOOK_ERROR)$/,
        '  and the code is one that it knows';
    unlike $response->{json}{message}, qr/[{}]/, '  without braces';
    $strict->stop;
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

sub now_ms { return int(1000 * Time::HiRes::time()) }

# POST /token as the client does; { json } of the answer. on => another story.
sub token_post {
    my ($members, %args) = @_;
    my %given = (%$members, %args);
    my $where = delete $given{on} || $story;
    delete $given{$_} for grep { !defined $given{$_} } keys %given;
    return $where->redeem(undef, body => encode_json(\%given));
}

# A refresh, proven for now (or `at`), with changes.
sub refresh {
    my ($token, %changes) = @_;
    my $stamp = delete $changes{at} || now_ms();
    my $signature = exists $changes{signature} ? undef : OAuth::Client::sign("$token$stamp");
    return token_post({ grant_type => 'refresh_token', refresh_token => $token, scopes => ['ACCESS_DB'], time_stamp => $stamp,
        signature => $signature, signing_algorithm => 'RSASSA-PKCS1-v1_5' }, %changes);
}

sub list { return $story->nginx->get('/auth-providers', headers => [Accept => 'application/json', @_]) }

# Whether a member is a number in the very text of an answer.
sub is_number { my ($response, $name) = @_; return $response->{body} =~ /"\Q$name\E":\d+[,}]/ }
