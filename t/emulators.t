# The emulators of real providers refuse what the real ones refuse, in the words of the real ones:
# what a sign-in against them proves is worth no more than this.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use Digest::SHA qw(sha256);

my $missing = OAuth::Idp->missing('google');
plan skip_all => $missing if $missing;

my $back = 'https://broker.example.com/oauth/callback/x';
my $verifier = 'v' x 43;
my $assertions = 0;
my $agent = 'ngx_http_oauth_module';
my %scope = (github => 'read:user user:email', apple => 'openid name email');
my %idp;
for my $kind (qw(google github microsoft apple cognito)) {
    $idp{$kind} = OAuth::Idp->new(kind => $kind)->start(redirect_uris => [$back]);
}
$idp{oidc} = OAuth::Idp->new(kind => 'faulty-op')
    ->start(redirect_uris => [$back], token_auth => ['client_secret_basic', 'client_secret_post']);

subtest 'what is right is answered, without a complaint' => sub {
    for my $kind (sort keys %idp) {
        my $reply = exchange($kind, code($kind));
        is $reply->{status}, 200, "$kind: the code is exchanged" or diag $reply->{body};
        my $tokens = decode_json($reply->{body});
        ok $tokens->{access_token}, 'for an access token';
        is claims($tokens->{id_token})->{nonce}, 'the-nonce', 'with our nonce in its ID token' if $kind ne 'github';
        my $user = userinfo($kind, $tokens->{access_token});
        is $user->{status}, 200, 'and userinfo answers' if $user;
        is_deeply [$idp{$kind}->complaints], [], 'and it has no complaint';
    }
};

subtest 'an authorization request that is wrong brings no code' => sub {
    for my $kind (sort keys %idp) {
        refuses_to_start($kind, 'another client', qr/client_id/, client_id => 'other');
        refuses_to_start($kind, 'another redirect_uri', qr/redirect_uri/, redirect_uri => 'https://evil.example/');
        refuses_to_start($kind, 'a longer redirect_uri', qr/redirect_uri/, redirect_uri => "${back}y");
        refuses_to_start($kind, 'another response_type', qr/response_type/, response_type => 'token');
        refuses_to_start($kind, 'no state', qr/state/, state => undef);
        refuses_to_start($kind, 'no nonce', qr/nonce/, nonce => undef) if $kind ne 'github';
        refuses_to_start($kind, 'no openid', qr/openid/, scope => 'email') if $kind !~ /github|apple/;
        refuses_to_start($kind, 'no challenge', qr/S256/, code_challenge => undef) if $kind ne 'apple';
        refuses_to_start($kind, 'a plain challenge', qr/S256/, code_challenge_method => 'plain');
        refuses_to_start($kind, 'two scopes', qr/twice/, scope => ['openid', 'openid']);
    }
    refuses_to_start('apple', 'no form_post', qr/form_post/, response_mode => undef);
    refuses_to_start('apple', 'a query', qr/form_post/, response_mode => 'query');
};

subtest 'a token request that is wrong is refused in the words of the real one' => sub {
    # what is wrong => status and error of Google, GitHub, Microsoft, Apple, Cognito, any other
    my %wrong = (
        client => ['401 invalid_client', '200 incorrect_client_credentials', '401 invalid_client',
            '400 invalid_client', '400 invalid_client', '401 invalid_client'],
        code => ['400 invalid_grant', '200 bad_verification_code', '400 invalid_grant', '400 invalid_grant',
            '400 invalid_grant', '400 invalid_grant'],
        redirect => ['400 redirect_uri_mismatch', '200 redirect_uri_mismatch', '400 invalid_client',
            '400 invalid_grant', '400 invalid_grant', '400 invalid_grant'],
        verifier => ['400 invalid_grant', '200 bad_verification_code', '400 invalid_grant', undef,
            '400 invalid_grant', '400 invalid_grant'],
        grant => ['400 unsupported_grant_type', '200 unsupported_grant_type', '400 unsupported_grant_type',
            '400 unsupported_grant_type', '400 unsupported_grant_type', '400 unsupported_grant_type'],
    );
    my @kinds = qw(google github microsoft apple cognito oidc);
    my %request = (
        client => [['a wrong secret', client_secret => 'wrong'], ['no secret', client_secret => undef],
            ['another client_id', client_id => 'other'],
            ['an assertion besides', client_assertion => 'a.b.c']],
        code => [['an unknown code', code => 'unknown'], ['no code', code => undef]],
        redirect => [['another redirect_uri', redirect_uri => "$back/"], ['no redirect_uri', redirect_uri => undef]],
        verifier => [['another verifier', code_verifier => 'w' x 43], ['no verifier', code_verifier => undef]],
        grant => [['another grant', grant_type => 'client_credentials']],
    );
    for my $what (sort keys %wrong) {
        for my $at (grep { defined $wrong{$what}[$_] } 0 .. $#kinds) {
            for my $case (@{ $request{$what} }) {
                my ($name, %change) = @$case;
                refuses($kinds[$at], $name, $wrong{$what}[$at], \%change);
            }
        }
    }
    for my $kind (@kinds) {
        my $code = code($kind);
        is exchange($kind, $code)->{status}, 200, "$kind: a code works";
        my $again = exchange($kind, $code);
        is outcome($again), $wrong{code}[(grep { $kinds[$_] eq $kind } 0 .. $#kinds)[0]], 'once';
        $idp{$kind}->pardon;
        refuses($kind, 'a repeated parameter', qr/^\d+ \w+/, { code => ['a', 'a'] });
        refuses($kind, 'something unknown in the form', qr/^\d+ \w+/, { resource => 'x' });
        refuses($kind, 'JSON', qr/^\d+ \w+/, {}, 'Content-Type' => 'application/json');
        refuses($kind, 'credentials twice', qr/client/, {}, Authorization => 'Basic YXBwOng=');
    }
};

subtest "Apple wants the client's secret as a JWT of its making" => sub {
    my $apple = $idp{apple};
    my $month = 86400 * 30;
    accepts_secret('five minutes', {}, {});
    accepts_secret('six months, almost', { exp => time + 6 * $month }, {});
    refuses_secret($_->[0], $_->[1], $_->[2] || {}) for
        ['seven months', { exp => time + 7 * $month }], ['an expired one', { exp => time - 1 }],
        ['without exp', { exp => undef }], ['without iat', { iat => undef }],
        ['of another team', { iss => 'OTHER12345' }],
        ['of another client', { sub => 'other' }], ['for somebody else', { aud => 'https://appleid.apple.com/' }],
        ['for a list', { aud => ['https://appleid.apple.com'] }], ['without kid', {}, { kid => undef }],
        ['of another key id', {}, { kid => 'OTHER12345' }], ['of another alg', {}, { alg => 'RS256' }];
    refuses('apple', 'signed by another key', '400 invalid_client',
        { client_secret => apple_secret(OAuth::Forge->new(generate => 'ES256')) });
    refuses('apple', 'in the header', '400 invalid_client', { client_secret => undef },
        Authorization => 'Basic ' . MIME::Base64::encode_base64('app:' . apple_secret($apple->forge), ''));
};

subtest 'Apple tells the name once, by a page that posts' => sub {
    my $apple = $idp{apple};
    $apple->set(met => []);
    my ($first, $second) = map { +{ @{ OAuth::Browser::form_of(start('apple'))->{fields} } } } 1 .. 2;
    is_deeply decode_json($first->{user}), { name => { firstName => 'Alice', lastName => 'Example' },
        email => 'alice@example.com' }, 'at first';
    is_deeply [sort keys %$second], [qw(code state)], 'and never again';
    $apple->set(authorize => { error => 'user_cancelled_authorize' });
    is_deeply { @{ OAuth::Browser::form_of(start('apple'))->{fields} } },
        { error => 'user_cancelled_authorize', state => 'the-state' }, 'who cancels sends an error';
    $apple->set(authorize => {});
    my $claims = claims(decode_json(exchange('apple', code('apple'))->{body})->{id_token});
    is_deeply [@$claims{qw(email_verified is_private_email)}], ['true', 'false'], 'flags are texts';
    is scalar(@{ $apple->command('keys')->{keys} }), 3, 'and there are three keys';
};

subtest 'GitHub' => sub {
    my $github = $idp{github};
    my $form = exchange('github', code('github'), {}, Accept => '*/*');
    is header($form, 'content-type'), 'application/x-www-form-urlencoded; charset=utf-8', 'answers a form';
    like $form->{body}, qr/^access_token=gho_\w+&token_type=bearer&scope=/, 'to who does not ask for JSON';
    like exchange('github', 'x', {}, Accept => '*/*')->{body}, qr/^error=bad_verification_code&/, 'errors too';
    $github->pardon;
    my $longer = start('github', redirect_uri => "$back/deep");
    like header($longer, 'location'), qr{^\Q$back\E/deep\?code=}, 'takes a longer redirect_uri';
    like header(start('github', redirect_uri => 'https://evil.example/'), 'location'),
        qr{^\Q$back\E\?error=redirect_uri_mismatch}, 'and says to the registered one that another is wrong';
    $github->pardon;

    my $token = decode_json(exchange('github', code('github'))->{body})->{access_token};
    my $user = decode_json(userinfo('github', $token)->{body});
    like $user->{id}, qr/^\d+$/, 'a user has a number';
    is $user->{email}, undef, 'and no address to show';
    my @headers = ('User-Agent' => $agent, Accept => 'application/vnd.github+json',
        'X-GitHub-Api-Version' => '2022-11-28');
    my $emails = ask(github => GET => '/user/emails', undef, @headers, Authorization => "Bearer $token");
    is scalar(grep { $_->{primary} && $_->{verified} } @{ decode_json($emails->{body}) }), 1,
        'but a primary one in the list';
    is ask(github => GET => '/user', undef, Authorization => "Bearer $token")->{status}, 403, 'without User-Agent: 403';
    is ask(github => GET => '/user', undef, @headers)->{status}, 401, 'without a token: 401';
    is ask(github => GET => '/user', undef, @headers[0 .. 3], 'X-GitHub-Api-Version' => '1999-01-01',
        Authorization => "Bearer $token")->{status}, 400, 'another version of the API: 400';
    my $poor = decode_json(exchange('github', code('github', scope => 'read:user'))->{body})->{access_token};
    is ask(github => GET => '/user/emails', undef, @headers, Authorization => "Bearer $poor")->{status}, 404,
        'without the scope there is no list';
    $github->set(unverified => JSON::PP::true);
    is outcome(exchange('github', code('github'))), '200 unverified_user_email', 'no address is verified';
    $github->set(unverified => JSON::PP::false);
};

subtest 'Microsoft' => sub {
    my $tid = '11111111-2222-4333-8444-555555555555';
    my %issuer = (common => '{tenantid}', organizations => '{tenantid}', $tid => $tid, 'contoso.example' => $tid,
        consumers => '9188040d-6c67-4c5b-b112-36a304b66dad');
    for my $tenant (sort keys %issuer) {
        my $metadata = decode_json(ask(microsoft => GET => "/$tenant/v2.0/.well-known/openid-configuration")->{body});
        is $metadata->{issuer}, "https://login.microsoftonline.com/$issuer{$tenant}/v2.0", "the issuer at $tenant";
    }
    is ask(microsoft => GET => '/nosuch/v2.0/.well-known/openid-configuration')->{status}, 400, 'no such tenant';
    my ($key) = @{ decode_json(ask(microsoft => GET => '/common/discovery/v2.0/keys')->{body})->{keys} };
    is $key->{issuer}, 'https://login.microsoftonline.com/{tenantid}/v2.0', 'a key says whose it is';
    my $claims = claims(decode_json(exchange('microsoft', code('microsoft'))->{body})->{id_token});
    is_deeply [@$claims{qw(iss tid ver)}], ["https://login.microsoftonline.com/$tid/v2.0", $tid, '2.0'], 'a token too';
    my $error = decode_json(exchange('microsoft', 'x')->{body});
    like $error->{error_description}, qr/^AADSTS54005: /, 'errors have their codes';
    is_deeply $error->{error_codes}, [54005], 'as numbers too';
    my $cross_origin = exchange('microsoft', code('microsoft'), {}, Origin => 'https://app.example.com');
    is outcome($cross_origin), '400 invalid_request', 'a web application sends no Origin';
};

subtest 'Google and Cognito' => sub {
    $idp{google}->set(iss => 'accounts.google.com', hd => 'example.com');
    my $claims = claims(decode_json(exchange('google', code('google'))->{body})->{id_token});
    is_deeply [@$claims{qw(iss azp aud hd)}], [qw(accounts.google.com app app example.com)], "Google's claims";
    my $reply = decode_json(exchange('cognito', code('cognito'))->{body});
    my ($id, $access) = map { claims($reply->{$_}) } qw(id_token access_token);
    is_deeply [@$id{qw(token_use aud cognito:username)}], [qw(id app alice)], "Cognito's ID token says what it is";
    is_deeply [@$access{qw(token_use client_id aud)}], ['access', 'app', undef], 'its access token too, and has no aud';
    my $user = decode_json(userinfo('cognito', $reply->{access_token})->{body});
    is $user->{email_verified}, 'true', 'flags of userinfo are texts';
};

subtest 'a client with a key of its own' => sub {
    my $idp = $idp{oidc};
    for my $alg (qw(ES256 RS256 EdDSA)) {
        my $forge = OAuth::Forge->new(generate => $alg);
        $idp->set(token_auth => 'private_key_jwt', client_key => $forge->public_pem, client_alg => $alg);
        my $good = assertion($forge, $alg);
        is asserted($good)->{status}, 200, "$alg: an assertion works";
        is outcome(asserted($good)), '401 invalid_client', 'once';
        is outcome(asserted(assertion($forge, $alg, @{ $_->[1] }))), '401 invalid_client', $_->[0] for
            ['for the issuer', [aud => $idp->issuer]], ['for a list', [aud => [$idp->issuer . '/token']]],
            ['of another', [iss => 'other']], ['about another', [sub => 'other']], ['without jti', [jti => undef]],
            ['that has expired', [exp => time - 1]], ['that lives for hours', [exp => time + 7200]];
        my $stranger = assertion(OAuth::Forge->new(generate => $alg), $alg);
        is outcome(asserted($stranger)), '401 invalid_client', 'of another key';
        is outcome(asserted($good, client_assertion_type => 'x')), '401 invalid_client', 'of another type';
        is outcome(exchange('oidc', code('oidc'))), '401 invalid_client', 'and a secret does not';
    }
    $idp->set(client_key => OAuth::Forge->new(generate => 'ES256')->jwk, client_alg => 'ES256');
    is outcome(asserted('a.b.c')), '401 invalid_client', 'what is no JWT does not either';
    $idp->set(token_auth => ['client_secret_basic', 'client_secret_post']);
};

subtest "a browser's headers are noticed" => sub {
    for my $kind (sort keys %idp) {
        $idp{$kind}->pardon;
        my @headers = (Cookie => 'a=b', 'X-Forwarded-For' => '192.0.2.1', 'User-Agent' => 'Mozilla/5.0');
        exchange($kind, code($kind), {}, @headers);
        is_deeply [$idp{$kind}->complaints], ["token: a header of somebody else's: cookie,x-forwarded-for",
            'token: User-Agent Mozilla/5.0'], $kind;
    }
};

subtest 'new keys sign, and old ones may stay' => sub {
    my $google = $idp{google};
    my $kid = sub { map { $_->{kid} } @{ $google->command('keys')->{keys} } };
    is_deeply [$kid->()], [qw(rsa-1 rsa-b-1)], 'at first';
    $google->rotate(keep_old => JSON::PP::true);
    is_deeply [$kid->()], [qw(rsa-2 rsa-b-2 rsa-1 rsa-b-1)], 'both';
    $google->rotate;
    is_deeply [$kid->()], [qw(rsa-3 rsa-b-3)], 'the new ones alone';
};

$_->stop for values %idp;
done_testing;

# ---- a client that does everything right, with changes (undef: without) -----------------------

sub ask {
    my ($kind, $method, $path, $body, @headers) = @_;
    my $connection = OAuth::Http->new(port => $idp{$kind}->port);
    my $response = $connection->request($method, $path, body => $body, headers => \@headers, close => 1);
    $connection->close;
    return $response;
}

sub path_of {
    my ($kind, $member) = @_;
    return '/' . $member =~ s/_endpoint//r =~ s/authorization/authorize/r if $kind eq 'oidc';
    my %members = $idp{$kind}->members;
    return $members{$member} && $members{$member} =~ s{^http://[^/]+}{}r;
}

sub start {
    my ($kind, %changes) = @_;
    my %query = (
        response_type => 'code', client_id => 'app', redirect_uri => $back, state => 'the-state',
        scope => $scope{$kind} || 'openid email profile', code_challenge => encode_base64url(sha256($verifier)),
        code_challenge_method => 'S256', $kind eq 'github' ? () : (nonce => 'the-nonce'),
        $kind eq 'apple' ? (response_mode => 'form_post') : (), %changes,
    );
    return ask($kind, GET => path_of($kind, 'authorization_endpoint') . '?' . many(%query));
}

sub many {
    my (%members) = @_;
    return form(map { my $name = $_; map { $name => $_ } ref $members{$name} ? @{ $members{$name} } : $members{$name} }
        grep { defined $members{$_} } sort keys %members);
}

sub code {
    my ($kind, %changes) = @_;
    my $response = start($kind, %changes);
    my $form = OAuth::Browser::form_of($response);
    my %answer = $form ? @{ $form->{fields} } : %{ query_of(header($response, 'location') || '') };
    return $answer{code};
}

sub exchange {
    my ($kind, $code, $changes, @headers) = @_;
    my $secret = $kind eq 'apple' ? apple_secret($idp{apple}->forge) : $idp{$kind}->client_secret;
    my %form = (
        grant_type => 'authorization_code', code => $code, redirect_uri => $back, code_verifier => $verifier,
        client_id => 'app', client_secret => $secret, %{ $changes || {} },
    );
    my %header = (Accept => 'application/json', 'User-Agent' => $agent, @headers);
    return ask($kind, POST => path_of($kind, 'token_endpoint'), many(%form), %header);
}

sub userinfo {
    my ($kind, $token) = @_;
    my $path = path_of($kind, 'userinfo_endpoint') || return;
    return ask($kind, GET => $path, undef, 'User-Agent' => $agent, Authorization => "Bearer $token",
        $kind eq 'github' ? (Accept => 'application/vnd.github+json', 'X-GitHub-Api-Version' => '2022-11-28') : ());
}

sub claims { my ($jwt) = @_; return decode_json(decode_base64url((split /\./, $jwt)[1])) }

# Status and error of an answer.
sub outcome {
    my ($response) = @_;
    my $reply = eval { decode_json($response->{body}) } || {};
    return "$response->{status} " . ($reply->{error} || '');
}

sub refuses_to_start {
    my ($kind, $what, $complaint, %changes) = @_;
    $idp{$kind}->pardon;
    is code($kind, %changes), undef, "$kind: $what: no code";
    like +($idp{$kind}->complaints)[0], $complaint, 'and a complaint';
    $idp{$kind}->pardon;
    return;
}

sub refuses {
    my ($kind, $what, $outcome, $changes, @headers) = @_;
    $idp{$kind}->pardon;
    my $response = exchange($kind, code($kind), $changes, @headers);
    like outcome($response), ref $outcome ? $outcome : qr/^\Q$outcome\E$/, "$kind: $what";
    unlike $response->{body}, qr/access_token/, 'no token';
    isnt scalar($idp{$kind}->complaints), 0, 'and a complaint';
    $idp{$kind}->pardon;
    return;
}

sub apple_secret {
    my ($forge, $claims, $header) = @_;
    return $forge->token(
        header => { typ => undef, kid => 'KEY1234567', %{ $header || {} } },
        claims => { iss => 'TEAM123456', sub => 'app', aud => 'https://appleid.apple.com', iat => time,
            exp => time + 300, %{ $claims || {} } },
    );
}

sub accepts_secret {
    my ($what, @changes) = @_;
    my $secret = apple_secret($idp{apple}->forge, @changes);
    my $response = exchange('apple', code('apple'), { client_secret => $secret });
    is $response->{status}, 200, $what or diag join "\n", $idp{apple}->complaints;
    return;
}

sub refuses_secret {
    my ($what, @changes) = @_;
    refuses('apple', $what, '400 invalid_client', { client_secret => apple_secret($idp{apple}->forge, @changes) });
    return;
}

sub assertion {
    my ($forge, $alg, %claims) = @_;
    return $forge->token(alg => $alg, header => { typ => 'JWT' }, claims => {
        iss => 'app', sub => 'app', aud => $idp{oidc}->issuer . '/token', jti => 'assertion-number-' . ++$assertions,
        iat => time, exp => time + 60, %claims,
    });
}

sub asserted {
    my ($assertion, %changes) = @_;
    return exchange('oidc', code('oidc'), {
        client_secret => undef, client_assertion => $assertion,
        client_assertion_type => 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', %changes,
    });
}
