# POST /oauth/revoke (RFC 7009): what is revoked is refused from then on, everywhere, with either
# store; what cannot be revoked is said.
use lib 't/lib';
use OAuth::Test;
use OAuth::Redis;
use OAuth::Story;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

my $app = $OAuth::Story::APP;
my $basic = 'Basic ' . encode_base64('api:a-secret-of-the-api', '');
my $clients = <<'CONF';
    oauth_client api   { secret a-secret-of-the-api;   grants client_credentials; scope read; }
    oauth_client other { secret a-secret-of-the-other; grants client_credentials; scope read; }
CONF

sub revoke {
    my ($story, $pairs, %args) = @_;
    my $body = ref $pairs ? form(@$pairs) : $pairs;
    return $story->nginx->post($args{target} || '/oauth/revoke', $body,
        headers => ['Content-Type' => $args{type} || 'application/x-www-form-urlencoded', @{ $args{headers} || [] }]);
}

sub is_done {
    my ($response, $what) = @_;
    is_deeply [$response->{status}, $response->{body}, header($response, 'content-length'),
        scalar header($response, 'content-type'), header($response, 'cache-control')],
        [200, '', 0, undef, 'no-store'], $what;
    return;
}

sub is_error {
    my ($response, $status, $error, $what) = @_;
    my $json = eval { decode_json($response->{body}) } || {};
    is_deeply [$response->{status}, $json->{error}, header($response, 'content-type'), header($response, 'cache-control')],
        [$status, $error, 'application/json', 'no-store'], $what;
    return;
}

sub entered {
    my ($story, $access) = @_;
    my $response = $story->nginx->get('/api/', headers => [Authorization => "Bearer $access"]);
    my ($error) = (header($response, 'www-authenticate') || '') =~ /error="(\w+)"/;
    return $response->{status} . ($error ? " $error" : '');
}

sub refresh {
    my ($story, $tokens) = @_;
    my $stamp = int(time * 1000);
    return $story->redeem(undef, members => {
        grant_type => 'refresh_token', refresh_token => $tokens->{refreshToken}, code => undef, public_key => undef,
        signature => OAuth::Client::sign($tokens->{refreshToken} . $stamp), time_stamp => $stamp,
        signing_algorithm => 'RSASSA-PKCS1-v1_5',
    });
}

sub client_token {
    my ($story) = @_;
    my $response = $story->nginx->post('/token', form(grant_type => 'client_credentials'),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded', Authorization => $basic]);
    return decode_json($response->{body})->{access_token};
}

sub revocations {
    my ($story) = @_;
    my $sign_in = sub { $story->redeem($story->code)->{json} };

    # req 047, 050
    subtest 'a refresh token takes its whole sign-in with it' => sub {
        my $tokens = $sign_in->();
        my $flow = $story->flow_of('token');
        my $second = refresh($story, $tokens)->{json};
        my $others = $sign_in->();
        is entered($story, $_->{accessToken}), 200, 'a token lets in' for $tokens, $second, $others;
        is_done revoke($story, [token => $tokens->{refreshToken}], headers => [Origin => $app]), 'it is revoked';
        is $story->told('revoke'), 'revoke done', 'which the log says';
        is $story->flow_of('revoke'), $flow, 'with the flow that began at the login';
        is entered($story, $_->{accessToken}), '401 invalid_token', 'its access tokens are refused' for $tokens, $second;
        like $story->nginx->error_log, qr/request refused: token_revoked/, 'for that reason';
        $story->is_refusal(refresh($story, $tokens), 401, 'refresh_revoked', 'it gives no new ones');
        my $unknown = refresh($story, { refreshToken => 'x' });
        is $unknown->{body}, refresh($story, $tokens)->{body}, 'by the answer that an unknown one gets';
        is entered($story, $others->{accessToken}), 200, 'another sign-in of the same user goes on';
        is refresh($story, $others)->{status}, 200, 'and is refreshed';
        is_done revoke($story, [token => $tokens->{refreshToken}]), 'once more is as good';
    };

    subtest 'an access token is revoked alone' => sub {
        my $tokens = $sign_in->();
        is_done revoke($story, encode_json({ token => $tokens->{accessToken}, token_type_hint => 'refresh_token' }),
            type => 'application/json', headers => [Origin => $app]), 'also as JSON, with a hint that is wrong';
        is entered($story, $tokens->{accessToken}), '401 invalid_token', 'it is refused';
        my $next = refresh($story, $tokens);
        is $next->{status}, 200, 'the sign-in goes on';
        is entered($story, $next->{json}{accessToken}), 200, 'with new ones';
    };

    # req 049
    subtest 'a client ends its own tokens and no others' => sub {
        my $token = client_token($story);
        is_error revoke($story, [token => $token]), 401, 'invalid_client', 'not without authentication';
        is_error revoke($story, [token => $token], headers => [Authorization => $basic . 'x']), 401, 'invalid_client',
            'not with a wrong one';
        is_done revoke($story, [token => $token, client_id => 'other', client_secret => 'a-secret-of-the-other']),
            'for another client it is as good as unknown';
        is entered($story, $token), 200, 'and lives on';
        is_done revoke($story, [token => $token], headers => [Authorization => $basic]), 'its own client ends it';
        is entered($story, $token), '401 invalid_token', 'and then it is refused';
    };

    # req 049
    subtest 'what is no token is as good as revoked' => sub {
        my $tokens = $sign_in->();
        my $token = $tokens->{accessToken};
        for my $no ('x', 'a.b.c', '..', '*' x 5000, substr($token, 0, -8), "$token.x", substr($tokens->{refreshToken}, 1)) {
            is_done revoke($story, [token => $no]), substr $no, 0, 20;
        }
        is entered($story, $token), 200, 'nobody is revoked by it';
    };
    return;
}

subtest 'with shared memory' => sub {
    my $story = OAuth::Story->new(workers => 2, server => $clients)->start;
    revocations($story);

    # RFC 7009 2.1, req 053
    subtest 'a request that makes no sense is refused' => sub {
        is_error revoke($story, $_), 400, 'invalid_request', "'$_'"
            for '', 'token=', 'token=%zz', 'token=a&token=b', 'token=a&token_type_hint=x&token_type_hint=x', 'tokens=a',
            "token=\xff", 'a=b&' x 10_000;
        is_error revoke($story, $_, type => 'application/json'), 400, 'invalid_request', $_
            for '{}', '[]', '{"token":["a"]}', '{"token":"a","token":"a"}', '{"token":"a"';
        is_error revoke($story, 'token=a', type => 'text/plain'), 400, 'invalid_request', 'neither form nor JSON';
        is_error revoke($story, 'token=' . 'a' x 70_000), 413, 'invalid_request', 'a body that is too large';
        my $get = $story->nginx->get('/oauth/revoke');
        is "$get->{status} " . header($get, 'allow'), '405 POST, OPTIONS', 'GET is not answered';
    };

    # req 055
    subtest 'browsers are answered where they may ask' => sub {
        my @evil = (Origin => 'https://evil.test');
        my $refresh = $story->redeem($story->code)->{json};
        my $refused = revoke($story, [token => $refresh->{refreshToken}], headers => [@evil]);
        is_error $refused, 403, 'invalid_request', 'another site may not';
        ok !defined header($refused, 'access-control-allow-origin'), 'and does not learn why';
        is refresh($story, $refresh)->{status}, 200, 'and has revoked nothing';
        my $done = revoke($story, [token => 'x'], headers => [Origin => $app]);
        is_deeply [map { scalar header($done, $_) } qw(access-control-allow-origin vary access-control-allow-credentials)],
            [$app, 'Origin', undef], 'an application reads its answer';
        my $preflight = $story->nginx->options('/oauth/revoke',
            headers => [Origin => $app, 'Access-Control-Request-Method' => 'POST']);
        is_deeply [$preflight->{status}, map { scalar header($preflight, "access-control-allow-$_") } qw(origin methods headers)],
            [204, $app, 'POST', 'content-type'], 'and its preflight is answered';
    };

    subtest 'no token is in a log' => sub {
        my $logs = $story->nginx->error_log . $story->nginx->access_log;
        unlike $logs, qr/eyJ|token=/, 'none is';
    };
    $story->stop;
};

subtest 'who fails too often is not heard' => sub {
    my $story = OAuth::Story->new(server => "$clients oauth_limit token=1r/m burst=2;")->start;
    my $tokens = $story->redeem($story->code)->{json};
    is_done revoke($story, [token => 'x']), 'what is unknown is no failure' for 1 .. 5;
    is_error revoke($story, 'no=token'), 400, 'invalid_request', 'a failure' for 1 .. 3;
    my $response = revoke($story, [token => $tokens->{refreshToken}]);
    is_error $response, 429, 'temporarily_unavailable', 'then no more';
    ok header($response, 'retry-after'), 'for a while';
    is entered($story, $tokens->{accessToken}), 200, 'nothing was revoked meanwhile';
    $story->stop;
};

SKIP: {
    skip 'no redis-server', 1 if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    subtest 'with Redis' => sub {
        my $redis = OAuth::Redis->new->start;
        # All the rights that docs/redis.md asks for.
        $redis->command(ACL => SETUSER => 'least', 'on', '>word', '~oauth:*', '-@all', qw(+set +get +getdel +del +evalsha
            +script|load +ping +select +zadd +zrem +zrange +zscore +zcard +expire +time));
        my $story = OAuth::Story->new(workers => 2, server => $clients,
            http => 'oauth_store redis://least:word@127.0.0.1:' . $redis->port . ';')->start;
        my $tokens = $story->redeem($story->code)->{json};
        ok wait_until { entered($story, $tokens->{accessToken}) eq '200' }, 'the list is there';
        revocations($story);
        my @keys = sort grep { /revoked/ } @{ $redis->command(KEYS => '*') };
        is_deeply \@keys, ['oauth:{revoked}:order', 'oauth:{revoked}:until'], 'it is two keys of one slot';
        cmp_ok $redis->command(TTL => $_), '>', 0, "$_ ends" for @keys;

        # req 052
        $redis->stop;
        my $response = revoke($story, [token => $tokens->{refreshToken}]);
        is_error $response, 503, 'temporarily_unavailable', 'without the store nothing is revoked';
        ok header($response, 'retry-after'), 'and it is said when to come again';
        $story->stop;
    };
}

done_testing;
