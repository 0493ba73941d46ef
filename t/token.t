# The code at /token: redeemed once, where it belongs, by whom it belongs to.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use Digest::SHA qw(sha256);

my $app = $OAuth::Story::APP;
my $story = OAuth::Story->new(workers => 2, server => 'oauth_scope ACCESS_DB READ_LOGS;')->start;    # type demo
my $verifier  = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';                                      # RFC 7636 B
my $challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

# req 023
subtest 'a code is redeemed once' => sub {
    my $code = $story->code;
    is $story->redeem($code)->{status}, 200, 'the first time';
    my $tokens = $story->redeem($code);
    $story->is_refusal($tokens, 401, 'code_invalid', 'the second time');
    unlike $tokens->{body}, qr/eyJ/, 'no token comes with the refusal';
};

# req 023
subtest 'of 50 who redeem a code at once one gets tokens' => sub {
    for my $round (1 .. 3) {
        my $code = $story->code;
        my @connections = $story->connections(50);
        my $body = $story->token_request($code);
        my $text = OAuth::Http::format_request('POST', '/token', body => $body, host => 'localhost', keepalive => 1,
            headers => ['Content-Type' => 'application/json', Origin => $app]);
        my @answers = OAuth::Story::race($text, @connections);
        is_deeply [map { $_->{status} } sort { $a->{status} <=> $b->{status} } @answers], [200, (401) x 49],
            'one of 50';
        is scalar(keys %{ { map { header($_, 'x-worker') => 1 } @answers } }), 2, 'over both workers';
        $_->close for @connections;
    }
};

subtest 'what is no code of ours is refused' => sub {
    my $code = $story->code;
    my %wrong = (
        'an unknown one' => 'A' x 64, 'a shorter one' => substr($code, 1), 'a longer one' => "${code}A",
        'one with a space' => "$code ", 'in another case' => $code =~ tr/A-Za-z/a-zA-Z/r,
        'an empty one' => '', 'one with CR LF' => substr($code, 2) . "\r\n", 'a very long one' => 'A' x 60_000,
        'one with a star' => '*' . substr($code, 1), 'one that is not ASCII' => "\x{e9}" . substr($code, 1),
        'none' => undef,
    );
    # dexie-contract 4.5; one answer for every wrong guess.
    my %bodies;
    for my $what (sort keys %wrong) {
        my $response = $story->redeem($wrong{$what});
        $story->is_refusal($response, 401, 'code_invalid', $what);
        $bodies{ $response->{body} }++;
    }
    is scalar(keys %bodies), 1, 'all of them by the same answer';
    $story->is_refusal($story->redeem(substr($code, 1) . "\0"), 400, 'json_invalid', 'one with NUL');
    is $story->redeem($code)->{status}, 200, 'and the right one still works';
};

# dexie-contract 3: the code is for the origin that it was sent to
subtest 'a code is for its own origin' => sub {
    my $code = $story->code;
    my @wrong = (
        [undef, 401, 'code_invalid'], ['https://other.example.com:8443', 401, 'code_invalid'],
        ['http://localhost:3000', 401, 'code_invalid'],
        ['capacitor://localhost', 401, 'code_invalid'], ['null', 403, 'origin_not_allowed'],
        ['https://evil.test', 403, 'origin_not_allowed'], ['', 403, 'origin_not_allowed'],
        ["$app/", 403, 'origin_not_allowed'], ["$app:443", 403, 'origin_not_allowed'],
        ["$app.evil.test", 403, 'origin_not_allowed'], [uc $app, 403, 'origin_not_allowed'],
        ['http://app.example.com', 403, 'origin_not_allowed'], ["$app $app", 403, 'origin_not_allowed'],
        ["$app, $app", 403, 'origin_not_allowed'], ['*', 403, 'origin_not_allowed'],
        ['myapp://', 403, 'origin_not_allowed'],
    );
    for my $case (@wrong) {
        my ($origin, $status, $problem) = @$case;
        my $response = $story->redeem($code, origin => $origin);
        $story->is_refusal($response, $status, $problem, defined $origin ? "from '$origin'" : 'from nowhere',
            origin => $status == 401 ? $origin : undef);
    }
    $story->is_refusal($story->redeem($code, headers => [Origin => $app]), 403, 'origin_not_allowed',
        'from two of the same',
        origin => undef);
    $story->is_refusal($story->redeem($code, headers => [Origin => 'https://evil.test']), 403, 'origin_not_allowed',
        'from two',
        origin => undef);
    is $story->redeem($code)->{status}, 200, 'none of which has burnt it: the right one still works';

    is $story->redeem($story->code(redirect_uri => "$app:443/x"))->{status}, 200,
        'a default port that was spelled out is none';
    is $story->redeem($story->code(redirect_uri => 'http://localhost:3000/x'),
        origin => 'http://localhost:3000')->{status}, 200, 'another port is another origin';
};

subtest 'a code for an app has no origin' => sub {
    my $code = $story->code(redirect_uri => 'myapp://done');
    $story->is_refusal($story->redeem($code, origin => 'https://evil.test'), 403, 'origin_not_allowed',
        'a web site that is not ours gets nothing', origin => undef);
    is $story->redeem($code, origin => undef)->{status}, 200, 'it is redeemed without Origin';
    is $story->redeem($story->code(redirect_uri => 'myapp://done'), origin => 'capacitor://localhost')->{status}, 200,
        'and from its web view';
};

subtest 'a code bound by PKCE' => sub {
    my %bound = (code_challenge => $challenge, code_challenge_method => 'S256');
    # req 022
    my $tokens = $story->redeem($story->code(%bound), members => { code_verifier => $verifier });
    is $tokens->{status}, 200, 'is redeemed by its verifier';
    is $story->redeem($story->code(%bound), origin => undef, members => { code_verifier => $verifier })->{status}, 200,
        'even without Origin';
    for my $wrong (['another verifier', 'x' x 43], ['no verifier', undef], ['an empty one', ''],
        ['one that is too short', substr $verifier, 1], ['one that is too long', 'x' x 129],
        ['one that is not unreserved', substr($verifier, 1) . '+'], ['the challenge', $challenge],
        ['one with a line feed', "$verifier\n"]) {
        my ($what, $given) = @$wrong;
        my $code = $story->code(%bound);
        $story->is_refusal($story->redeem($code, members => { code_verifier => $given }), 401, 'verifier_refused',
            $what);
        # req 029
        $story->is_refusal($story->redeem($code, members => { code_verifier => $verifier }), 401, 'code_invalid',
            'and one try is all');
    }
    # req 020
    my $code = $story->code;
    $story->is_refusal($story->redeem($code, members => { code_verifier => $verifier }), 401, 'verifier_refused',
        'a verifier without a challenge is a downgrade');
    my ($short, $long) = map { encode_base64url(sha256('v' x $_)) } 43, 128;
    is $story->redeem($story->code(%bound, code_challenge => $long),
        members => { code_verifier => 'v' x 128 })->{status}, 200, '128 characters are a verifier';
};

subtest 'scopes are granted, not asserted' => sub {
    my %asked = (
        'nothing asked'      => [undef, 'ACCESS_DB READ_LOGS'], 'one asked' => [['READ_LOGS'], 'READ_LOGS'],
        'both asked' => [['READ_LOGS', 'ACCESS_DB'], 'ACCESS_DB READ_LOGS'],
        'more than there is' => [['ACCESS_DB', 'admin', 'GLOBAL_WRITE'], 'ACCESS_DB'],
        'the same twice' => [['ACCESS_DB', 'ACCESS_DB'], 'ACCESS_DB'],
        'with a space'       => [['ACCESS_DB', 'READ_LOGS ADMIN'], 'ACCESS_DB'],
    );
    for my $what (sort keys %asked) {
        my ($scopes, $granted) = @{ $asked{$what} };
        my $tokens = $story->redeem($story->code, members => { scopes => $scopes })->{json};
        my $claims = decode_json(decode_base64url((split /\./, $tokens->{accessToken})[1]));
        is $claims->{scope}, $granted, "$what: $granted";
    }
    my $code = $story->code;
    $story->is_refusal($story->redeem($code, members => { scopes => $_ }), 400, 'scope_refused',
        'nothing of ' . encode_json($_) . ' can be granted')
        for ['admin'], [], [''], ['access_db'], ['ACCESS_DB READ_LOGS'];
    is $story->redeem($code)->{status}, 200, 'which does not burn the code';
};

subtest 'every login is a family of its own' => sub {
    my @claims = map { decode_json(decode_base64url((split /\./,
        $story->redeem($story->code)->{json}{accessToken})[1])) } 1, 2;
    isnt $claims[0]{$_}, $claims[1]{$_}, "$_ is new" for qw(jti sid);
    is $claims[0]{iss}, $story->base, 'the issuer is the broker';
    is $claims[0]{sub}, 'demo:alice@example.com', 'the subject has its provider before it';
    is $claims[0]{client_id}, 'dexie', 'the client is the one client';
    ok !exists $claims[0]{$_}, "there is no $_" for qw(nonce nbf license);
    my $header = decode_json(decode_base64url((split /\./, $story->redeem($story->code)->{json}{accessToken})[0]));
    is "$header->{typ} $header->{alg}", 'at+jwt ES256', 'and the kind of token is said';
};

$story->stop;
done_testing;
