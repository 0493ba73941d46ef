# ID tokens of a provider that lies: each lie is refused for its own reason, no code comes out, and
# the next honest login works on the same worker.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use Digest::SHA qw(sha256);

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp)->start;    # one worker
my $now = time;

# req 073 074
subtest 'a token that another signed, or nobody' => sub {
    refused('with a signature that was touched', { tamper => 'signature' }, 'token_signature_wrong');
    refused('with claims that were touched', { tamper => 'payload' }, 'token_signature_wrong');
    refused('signed by an unpublished key', { key => 'other' }, 'token_signature_wrong');
    refused('signed by nobody (alg none)', { alg => 'none' }, 'token_alg_refused');
    refused("with alg $_", { alg => 'none', header => { alg => $_ } }, 'token_alg_refused') for 'None', 'NONE', 'nOnE',
        '';
    refused('an HMAC by the public key', { hs256_with_public_key => JSON::PP::true }, 'token_alg_refused');
    refused('with a kid that nobody has', { header => { kid => 'nosuch' } }, 'token_key_unknown');
    refused("with another key's kid", { header => { kid => 'p256-1' } }, 'token_key_unknown');
    refused('that brings its own key',
        { key => 'other', header => { kid => undef, jwk => { kty => 'RSA' }, jku => $idp->issuer . '/x' } },
        'token_signature_wrong');
    refused('with an alg that its key cannot', { header => { alg => 'PS256' } }, 'token_signature_wrong');
    is $idp->requests('jwks'), 1, 'and the keys are not fetched again for any of it';
};

# req 073
subtest 'a token of another form' => sub {
    refused('none at all', { raw => '' }, 'token_malformed');
    refused("'$_'", { raw => $_ }, 'token_malformed') for 'a', 'a.b', 'a.b.c', '...', 'a.b.c.d', 'e30.e30.AA=',
        'bnVsbA.e30.AA';
    refused('with empty members', { raw => 'e30.e30.' }, 'token_alg_refused');
    refused('of 1 MB', { raw => join '.', 'A' x 500_000, 'B' x 500_000, 'C' }, 'exchange_malformed');
    refused('of 100 KB', { raw => join '.', 'A' x 50_000, 'B' x 50_000, 'C' }, 'token_too_large');
    refused('with 1000 levels',
        { raw => join '.', encode_base64url('{"alg":"RS256"}'), encode_base64url('[' x 1000 . ']' x 1000), 'AA' },
        'token_malformed');
    refused("with $_->[0]", { header => $_->[1] }, 'token_header_refused') for
        ['an extension that must be understood', { crit => ['x'], x => 1 }],
        ['an unencoded payload', { b64 => JSON::PP::false }],
        ['a compression', { zip => 'DEF' }], ['a kid that is a number', { kid => 1 }],
        ['a typ that is a list', { typ => ['JWT'] }];
    refused("of typ $_", { header => { typ => $_ } }, 'token_typ_refused') for 'at+jwt', 'logout+jwt', 'secevent+jwt',
        'dpop+jwt';
};

# req 060 073
subtest 'a token that says something else' => sub {
    my $issuer = $idp->issuer;
    my %lies = (
        token_issuer_wrong => [
            ['of another issuer', { iss => 'https://evil.test' }],
            ['of the issuer with a slash', { iss => "$issuer/" }],
            ['of the issuer in capitals', { iss => uc $issuer }], ['of a list of issuers', { iss => [$issuer] }],
            ['of no issuer', { iss => undef }],
        ],
        token_audience_wrong => [
            ['for another', { aud => 'other' }], ['for another in a list', { aud => ['other'] }],
            ['for us and another', { aud => ['app', 'other'], azp => 'app' }],
            ['for another and us', { aud => ['other', 'app'], azp => 'app' }], ['for nobody', { aud => undef }],
            ['for an empty list', { aud => [] }],
            ['for a list with a number', { aud => ['app', 1] }], ['for App', { aud => 'App' }],
            ['for "app "', { aud => 'app ' }],
        ],
        token_azp_wrong => [
            ['made for another party', { azp => 'other' }], ['made for a list of parties', { azp => ['app'] }],
            ['for two without a party', { aud => ['app', 'app'] }],
            ['for two, made for another', { aud => ['app', 'app'], azp => 'other' }],
        ],
        token_nonce_wrong => [
            ['without nonce', { nonce => undef }], ['with another nonce', { nonce => 'x' x 43 }],
            ['with an empty nonce', { nonce => '' }],
            ['with a nonce that is a list', { nonce => ['x'] }],
        ],
        token_expired => [['that has expired', { exp => $now - 31 }], ['that expired in 1970', { exp => 1 }]],
        token_time_malformed => [
            ['without exp', { exp => undef }], ['with exp as text', { exp => '' . ($now + 300) }],
            ['with a negative exp', { exp => -1 }], ['with exp 1e300', { exp => 1e300 }],
            ['without iat', { iat => undef }], ['with iat as text', { iat => "$now" }],
            ['with nbf as text', { nbf => "$now" }],
        ],
        token_not_yet_valid => [['that is not valid yet', { nbf => $now + 600 }],
            ['that is from the future', { iat => $now + 600 }]],
        token_subject_wrong => [
            ['without sub', { sub => undef }], ['with an empty sub', { sub => '' }],
            ['with a sub of 256 characters', { sub => 'x' x 256 }],
            ['with a number as sub', { sub => 1 }], ['with a sub that is not ASCII', { sub => "\x{e9}" }],
            ['with CR LF in sub', { sub => "a\r\nX: b" }],
        ],
        token_hash_wrong => [
            ['with an at_hash of another token', { at_hash => encode_base64url(substr sha256('x'), 0, 16) }],
            ['with an empty at_hash', { at_hash => '' }],
            ['with a number as at_hash', { at_hash => 1 }],
        ],
    );
    for my $cause (sort keys %lies) {
        refused($_->[0], { claims => $_->[1] }, $cause) for @{ $lies{$cause} };
    }
};

# The control: refusing everything would have passed all of the above.
subtest 'what is right is accepted' => sub {
    accepted("signed by $_", alg => $_) for qw(RS256 RS384 RS512 PS256 ES256 ES384 EdDSA);
    accepted($_->[0], id_token => $_->[1]) for
        ['without typ', { header => { typ => undef } }], ['of typ jwt', { header => { typ => 'jwt' } }],
        ['with what nobody knows', { header => { x => 1 }, claims => { x => {} } }],
        ['for a list of us', { claims => { aud => ['app'] } }], ['with our azp', { claims => { azp => 'app' } }],
        ['for us twice, made for us', { claims => { aud => ['app', 'app'], azp => 'app' } }],
        ['that expired a moment ago', { claims => { exp => $now - 5 } }],
        ['from a clock a bit ahead', { claims => { iat => $now + 20, nbf => $now + 20 } }],
        ['with a sub of 255 characters', { claims => { sub => 'x' x 255 } }];
    # req 075
    my $hash = encode_base64url(substr sha256('the-access-token'), 0, 16);
    accepted('with the at_hash of the access token', id_token => { claims => { at_hash => $hash } },
        token => { access_token => 'the-access-token' });
};

$story->stop;
done_testing;

# A login at the lying provider; then an honest one on the same worker.
sub refused {
    my ($what, $lie, $cause) = @_;
    $idp->set(id_token => $lie);
    my $response = $story->finish($story->reach);
    is $response->{status}, 502, "$what: refused";
    ok !defined header($response, 'location'), 'no code comes out';
    my $shown = $cause =~ /^token_/ ? "id_token_refused ($cause)" : $cause;
    is $story->told('callback'), "callback refused: $shown, provider acme", 'for the right reason';
    $idp->set(id_token => {});
    ok $story->code, 'then an honest login works';
    return;
}

# Claims in the ID token itself, so that userinfo, which knows only alice, need not agree.
sub accepted {
    my ($what, %knobs) = @_;
    my %before = (alg => 'RS256', id_token => {}, token => {}, id_token_account_claims => []);
    $idp->set(%before, id_token_account_claims => ['email', 'email_verified', 'name'], %knobs);
    ok $story->code, $what or diag $story->told('callback');
    $idp->set(%before);
    return;
}
