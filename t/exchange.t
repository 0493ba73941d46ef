# The provider's token endpoint and userinfo when they misbehave: the login ends with a page, the log
# knows why, no code comes out, nobody follows a redirect, and the next login works.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp)->start;    # one worker
my $good = '{"access_token":"a","token_type":"Bearer","id_token":"x"}';

# req 071
subtest 'a token endpoint that misbehaves' => sub {
    my $elsewhere = $idp->issuer . '/userinfo';
    refused(token => $_->[0], $_->[1], $_->[2]) for
        ['500', { status => 500 }, 'exchange_malformed'],
        ['500 with a good body', { status => 500, body => $good }, 'exchange_malformed'],
        ['an unknown code', { status => 400, body => { error => 'invalid_grant' } }, 'exchange_refused'],
        ['an unknown client', { status => 401, body => { error => 'invalid_client' } }, 'exchange_client_refused'],
        ['400 in HTML', { status => 400, headers => { 'Content-Type' => 'text/html' }, body => '<h1>no</h1>' },
            'exchange_refused'],
        ['201', { status => 201, body => $good }, 'exchange_malformed'],
        ['204', { status => 204 }, 'exchange_malformed'],
        ['a redirect', { status => 302, headers => { Location => $elsewhere }, body => $good }, 'exchange_malformed'],
        ['a redirect of the POST', { status => 307, headers => { Location => $elsewhere } }, 'exchange_malformed'],
        ['HTML', { headers => { 'Content-Type' => 'text/html' }, body => '<html>' }, 'exchange_malformed'],
        ['JSON called text', { headers => { 'Content-Type' => 'text/plain' }, body => $good }, 'exchange_malformed'],
        ['JSON called application/jsonp', { headers => { 'Content-Type' => 'application/jsonp' }, body => $good },
            'exchange_malformed'],
        ['a form, as GitHub sends it',
            { headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
                body => 'access_token=a&token_type=bearer' },
            'exchange_malformed'],
        ['nothing', { body => '' }, 'exchange_malformed'],
        ['truncated JSON', { body => substr $good, 0, 40 }, 'exchange_malformed'],
        ['JSON with something behind', { body => "$good x" }, 'exchange_malformed'],
        ['a list', { body => "[$good]" }, 'exchange_malformed'],
        ['duplicate members', { body => $good =~ s/\}/,"access_token":"b"}/r }, 'exchange_malformed'],
        ['duplicate members deep inside', { body => $good =~ s/\}/,"x":{"a":1,"a":1}}/r }, 'exchange_malformed'],
        ['1000 levels', { body => $good =~ s/\}/',"x":' . '[' x 1000 . ']' x 1000 . '}'/er }, 'exchange_malformed'],
        ['what is not UTF-8', { body => $good =~ s/"a"/"\\ud800"/r }, 'exchange_malformed'],
        ['NUL in a string', { body => $good =~ s/"a"/"a\\u0000"/r }, 'exchange_malformed'],
        ['exactly 1 MiB', { body => '{}' . ' ' x (1048576 - 2) }, 'exchange_malformed'],
        ['1 MiB and a byte, chunked', { body => ' ' x 1048577 }, 'fetch_too_large'],
        ['1 MiB and a byte, with its length', { headers => { 'Content-Length' => 1048577 }, body => ' ' x 1048577 },
            'fetch_too_large'],
        ['a length that is too long', { headers => { 'Content-Length' => 500, Connection => 'close' }, body => $good },
            'fetch_failed'],
        ['a cut connection', { reset => 1 }, 'fetch_failed'];
};

subtest 'members of the token reply' => sub {
    refused(token => $_->[0], { merge => $_->[1] }, 'exchange_malformed') for
        ['without token_type', { token_type => undef }], ['token_type mac', { token_type => 'mac' }],
        ['token_type as a list', { token_type => ['Bearer'] }],
        ['token_type "Bearer "', { token_type => 'Bearer ' }], ['without access_token', { access_token => undef }],
        ['an empty access_token', { access_token => '' }],
        ['a number as access_token', { access_token => 1 }], ['an object as access_token', { access_token => {} }],
        ['an access_token with CR LF', { access_token => "a\r\nX-Evil: b" }],
        ['a number as id_token', { id_token => 1 }], ['a list as id_token', { id_token => ['a'] }];
    refused(token => 'without id_token', { merge => { id_token => undef } }, 'token_malformed');
};

# req 072
subtest 'what is right though unusual' => sub {
    for my $case (['token_type bearer', { token_type => 'bearer' }], ['token_type BEARER', { token_type => 'BEARER' }],
        ['no expires_in', { expires_in => undef }],
        ['a strange expires_in', { expires_in => 'soon' }], ['unknown members', { x => [{}], refresh_token => 'r' }]) {
        $idp->set(token => $case->[1]);
        ok $story->code, $case->[0] or diag $story->told('callback');
    }
    $idp->set(token => {});
};

# req 076 077
subtest 'a userinfo that misbehaves' => sub {
    my $claims = { sub => 'alice', email => 'alice@example.com', email_verified => JSON::PP::true, name => 'Alice' };
    refused(userinfo => $_->[0], $_->[1], $_->[2]) for
        ['401', { status => 401, body => { error => 'invalid_token' } }, 'userinfo_refused'],
        ['500', { status => 500 }, 'userinfo_refused'],
        ['a redirect', { status => 302, headers => { Location => $idp->issuer . '/jwks' } }, 'userinfo_refused'],
        ['a JWT', { headers => { 'Content-Type' => 'application/jwt' }, body => 'a.b.c' }, 'userinfo_refused'],
        ['JSON called a JWT', { headers => { 'Content-Type' => 'application/jwt' }, body => $claims },
            'userinfo_refused'],
        ['HTML', { headers => { 'Content-Type' => 'text/html' }, body => '<html>' }, 'userinfo_refused'],
        ['truncated JSON', { body => '{"sub":"alice"' }, 'userinfo_refused'],
        ['duplicate members', { body => '{"sub":"alice","sub":"alice"}' }, 'userinfo_refused'],
        ['a list', { body => '["alice"]' }, 'userinfo_refused'],
        ['1 MiB and a byte', { body => ' ' x 1048577 }, 'fetch_too_large'],
        ['a cut connection', { reset => 1 }, 'fetch_failed'],
        ['another sub', { merge => { sub => 'bob' } }, 'userinfo_other_subject'],
        ['sub in capitals', { merge => { sub => 'Alice' } }, 'userinfo_other_subject'],
        ['no sub', { merge => { sub => undef } }, 'userinfo_other_subject'],
        ['an empty sub', { merge => { sub => '' } }, 'userinfo_other_subject'],
        ['sub in a list', { merge => { sub => ['alice'] } }, 'userinfo_other_subject'],
        ['a name of 1025 bytes', { merge => { name => 'x' x 1025 } }, 'claims_too_large'];
};

# req 079
subtest 'an address that is not verified' => sub {
    my @cases = (
        ['says so', email_verified => JSON::PP::false], ['does not say', email_verified => undef],
        ['says it as text', email_verified => 'true'],
        ['says it as a number', email_verified => 1], ['no address', email => undef],
        ['two addresses', email => 'a@evil.test@example.com'],
        ['an address with a line feed', email => "alice\@example.com\n"],
        ['an address that is not ASCII', email => "alic\x{435}\@example.com"],
        ['an address with a name', email => 'Alice <alice@example.com>'], ['a list', email => ['alice@example.com']],
    );
    for my $case (@cases) {
        my ($what, %change) = @$case;
        $idp->set(userinfo => \%change);
        my $response = $story->finish($story->reach(redirect_uri => "$app/x", state => 'mine'));
        is_deeply $story->answer($response),
            { error => 'Your email address is not verified at the sign-in provider.', provider => 'acme',
                state => 'mine' }, "$what: the application is told";
        is $story->told('callback'), 'callback refused: email_unverified, provider acme', 'and so is the log';
    }
    # An address in the ID token and its being verified in userinfo are two statements, not one.
    $idp->set(userinfo => { email => 'mallory@evil.test', email_verified => JSON::PP::true },
        id_token => { claims => { email => 'alice@example.com' } });
    my $claims = $story->redeem($story->code)->{json}{claims};
    is $claims->{email}, 'mallory@evil.test', 'an address counts only where it is called verified';
    $idp->set(userinfo => {}, id_token => {});
};

# req 089 090
subtest 'what claims may hold' => sub {
    $idp->set(userinfo => { name => "Zo\x{eb}\r\nX-Evil: \x{1d11e}</script>", picture => "https://x/\r\n" });
    my $tokens = $story->redeem($story->code)->{json};
    is $tokens->{claims}{name}, "Zo\x{eb}\r\nX-Evil: \x{1d11e}</script>", 'any text comes through as JSON';
    my $seen = $story->nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"]);
    is "$seen->{status} $seen->{body}", '200 acme:alice', 'and breaks no header';
    $idp->set(userinfo => {},
        account => { sub => 'x:y/z%&', email => 'a@example.com', email_verified => JSON::PP::true });
    is $story->redeem($story->code)->{json}{claims}{sub}, 'acme:x:y/z%&', 'a sub is text like any other';
    $idp->set(account => { sub => 'alice', email => 'alice@example.com', email_verified => JSON::PP::true,
        name => 'Alice Example' });
};

# dexie-contract 3: an opener would wait for ever
subtest 'what breaks is told to an opener too' => sub {
    $idp->fault(token => { status => 500, times => 1 });
    my $response = $story->finish($story->reach(delivery => 'popup', state => 'mine'));
    is $response->{status}, 502, 'with its status';
    like $response->{body}, qr/"error":"[^"]+","type":"dexie:oauthResult"/, 'as a message';
    ok !defined header($response, 'cross-origin-opener-policy'), 'to an opener that is not cut off';
};

subtest 'the client is authenticated as configured' => sub {
    my ($exchange) = $idp->log_of('token');
    is $exchange->{headers}{authorization},
        'Basic ' . MIME::Base64::encode_base64($idp->client_id . ':' . $idp->client_secret, ''), 'by Basic';
    my $form = query_of("?$exchange->{body}");
    is_deeply [sort keys %$form], [qw(code code_verifier grant_type redirect_uri)],
        'and with nothing but the grant in the body';
    like $form->{code_verifier}, qr/^[\w-]{43}$/, 'PKCE included';
    is $exchange->{headers}{'content-type'}, 'application/x-www-form-urlencoded', 'which is a form';
};

$story->stop;
done_testing;

# A fault for one request of that route; then a login without one.
sub refused {
    my ($route, $what, $fault, $cause) = @_;
    $idp->forget;
    $idp->fault($route => { times => 1, %$fault });
    my $login = $story->reach;
    my $response = $story->finish($login);
    is $response->{status}, 502, "$what: refused";
    ok !defined header($response, 'location'), 'no code comes out';
    my $shown = $cause =~ /^token_/ ? "id_token_refused ($cause)" : $cause;
    is $story->told('callback'), "callback refused: $shown, provider acme", 'for the right reason';
    is $idp->requests($route), 1, 'after one request';
    is_deeply [grep { $idp->requests($_) } $route eq 'token' && $cause !~ /^token_/ ? qw(userinfo jwks) : ()], [],
        'and none elsewhere';
    is $story->finish($login)->{status}, 400, 'the state is spent';
    ok $story->code, 'a new login works';
    return;
}
