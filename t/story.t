# The whole sign-in at a certified OpenID Provider, as the real client does it.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing;
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new;
my $story = OAuth::Story->new(
    idp      => $idp,
    workers  => 2,
    provider => { display_name => '"Acme ID"', icon => 'https://cdn.example.com/acme.svg' },
    knobs    => { auto => 1,
        accounts => { zoe => { email => 'zoe@example.com', email_verified => JSON::PP::true,
            name => "Zo\x{eb} \x{1d11e} <b>" } } },
)->start;

subtest 'the providers are listed for the application' => sub {
    my $list = $story->nginx->get('/auth-providers', headers => [Origin => $OAuth::Story::APP]);
    is $list->{status}, 200, 'with status 200';
    is_deeply decode_json($list->{body}), { otpEnabled => JSON::PP::false, providers => [{
        type => 'custom-oauth2', name => 'acme', displayName => 'Acme ID',
        iconUrl => 'https://cdn.example.com/acme.svg',
        scopes => ['openid', 'email', 'profile'],
    }] }, 'as the client wants them';
    is header($list, 'access-control-allow-origin'), $OAuth::Story::APP, 'the application may read it';
    is header($list, 'vary'), 'Origin', 'caches keep origins apart';
};

# req 032
subtest 'a user signs in' => sub {
    $idp->set(account => 'zoe');
    my $target = 'https://app.example.com/deep/page?foo=b%61r&dxc-auth=old&x=%C3%A9+y&dxc%2Dauth=older#frag?dxc-auth=kept';
    my $login = $story->reach(redirect_uri => $target);
    is $login->{response}{status}, 302, 'the login sends the browser to the provider';
    is header($login->{response}, 'cache-control'), 'no-store', 'which is not stored';

    my $response = $story->finish($login);
    is $response->{status}, 302, 'the callback sends it to the application, with 302';
    is header($response, 'cache-control'), 'no-store', 'which is not stored';
    is header($response, 'referrer-policy'), 'no-referrer', 'and not told to others';
    is $response->{body}, '', 'no body repeats the link';
    is scalar(headers($response, 'location')), 1, 'there is one Location';
    my $location = header($response, 'location');
    like $location, qr{^https://app\.example\.com/deep/page\?foo=b%61r&x=%C3%A9\+y&dxc-auth=[\w-]+#frag\?dxc-auth=kept$},
        'a stale dxc-auth is replaced in the query, before the fragment, and everything else is untouched';

    my $json = decode_base64url(($location =~ /[?&]dxc-auth=([\w-]+)/)[0]);
    like $json, qr/^[\x20-\x7e]+$/, 'its JSON is pure ASCII';
    my $answer = decode_json($json);
    is_deeply [sort keys %$answer], [qw(code provider state)], 'with the three members of the contract';
    is $answer->{provider}, 'acme', 'the provider';
    like $answer->{state}, qr/^[0-9a-f]{32}$/, 'a state, though the client brought none';
    like $answer->{code}, qr/^[\w-]{64}$/, 'and a code';

    my $before = int time;
    my $tokens = $story->redeem($answer->{code});
    is $tokens->{status}, 200, 'the code buys tokens';
    like $tokens->{body}, qr/^[\x20-\x7e]+$/, 'in pure ASCII';
    my $json_tokens = $tokens->{json};
    is $json_tokens->{type}, 'tokens', 'of the type that the client knows';
    is_deeply $json_tokens->{claims}, {
        sub => 'acme:zoe', email => 'zoe@example.com', email_verified => JSON::PP::true,
        name => "Zo\x{eb} \x{1d11e} <b>", license => 'ok',
    }, 'the claims are those of the provider, non-ASCII name included';
    for my $lifetime (['accessTokenExpiration', 3600], ['refreshTokenExpiration', 30 * 86400]) {
        my ($name, $seconds) = @$lifetime;
        my $at = $json_tokens->{$name} / 1000 - $seconds;
        ok $at >= $before && $at <= time, "$name is in milliseconds";
    }

    my $seen = $story->nginx->get('/api/', headers => [Authorization => "Bearer $json_tokens->{accessToken}"]);
    is "$seen->{status} $seen->{body}", '200 acme:zoe', 'the backend sees who it is';

    my %flow = map { $_ => $story->flow_of($_) } qw(login callback token);
    like $flow{login}, qr/^[0-9a-f]{32}$/, 'the login has a flow id';
    is_deeply [@flow{qw(callback token)}], [@flow{qw(login login)}], 'which callback and token have too';
};

subtest 'nobody passes without a token' => sub {
    is $story->nginx->get('/api/')->{status}, 401, 'without any';
    is $story->nginx->get('/api/', headers => [Authorization => 'Bearer x.y.z'])->{status}, 401, 'with a bad one';
};

subtest 'the provider is asked no more than needed' => sub {
    $idp->set(account => 'alice');
    my @workers;
    for my $connection ($story->connections(4)) {
        my $login = $story->reach;
        my ($target) = $login->{back} =~ m{^http://[^/]+(.*)};
        my $response = $connection->request(GET => $target,
            headers => [Cookie => OAuth::Story::cookie_header($login->{browser})]);
        ok $story->answer($response)->{code}, 'a user signs in';
        push @workers, header($response, 'x-worker');
        $connection->close;
    }
    is scalar(keys %{ { map { $_ => 1 } @workers } }), 2, 'over both workers';
    is $idp->requests('token'), 5, 'each login exchanges its code once';
    is $idp->requests('userinfo'), 5, 'and reads userinfo once';
    is $idp->requests('discovery'), 1, 'the metadata is fetched once for all of them';
    is $idp->requests('jwks'), 1, 'and so are the keys';
    my ($exchange) = $idp->log_of('token');
    is $exchange->{headers}{'user-agent'}, 'ngx_http_oauth_module', 'the module says who asks';
    is_deeply [grep { /^(?:cookie|origin|referer|x-.*|forwarded)$/ } map { lc } keys %{ $exchange->{headers} }], [],
        'no header of the browser reaches the provider';
};

# req 149
subtest 'the logs hold no secret' => sub {
    my $login = $story->reach(redirect_uri => "$OAuth::Story::APP/x", state => 'client-state-0123456789');
    my $answer = $story->answer($story->finish($login));
    my $tokens = $story->redeem($answer->{code})->{json};
    my $logs = $story->nginx->error_log . $story->nginx->access_log;
    my %secret = (
        'the attempt'         => $login->{sent}{state},
        "the client's state"  => 'client-state-0123456789',
        "the provider's code" => query_of($login->{back})->{code},
        'our code'            => $answer->{code},
        'the access token'    => $tokens->{accessToken},
        'the refresh token'   => $tokens->{refreshToken},
        'the cookie'          => (split /=/, OAuth::Story::cookie_header($login->{browser}))[1],
        "the client's secret" => $idp->client_secret,
    );
    for my $name (sort keys %secret) {
        ok length $secret{$name} > 12 && index($logs, $secret{$name}) < 0, "not $name";
    }
};

# dexie-contract 3: custom schemes
subtest 'an app is reached by its own scheme' => sub {
    my $login = $story->reach(redirect_uri => 'myapp://oauth-callback?x=1#top');
    my $response = $story->finish($login);
    like header($response, 'location'), qr{^myapp://oauth-callback\?x=1&dxc-auth=[\w-]+#top$},
        'with the answer in the query';
    is $story->redeem($story->answer($response)->{code}, origin => undef)->{status}, 200,
        'its code is redeemed without an Origin';
};

$story->stop;
done_testing;
