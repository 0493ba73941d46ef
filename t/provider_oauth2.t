# Providers that nobody knows: OAuth 2.0 whose members are named otherwise (`claim FROM=TO`), and two
# OpenID Providers at once.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'faulty-op', name => 'custom', openid => 0);
my @oidc = map { OAuth::Idp->new(kind => 'faulty-op', name => $_) } qw(first second);
my %oauth2 = (scope => 'profile:read');
my $story = OAuth::Story->new(
    idp      => $idp,
    idps     => \@oidc,
    provider => { %oauth2, claim => ['id=sub', '/contact/mails/0/address=email /contact/mails/0/ok=email_verified',
        '/profile/full~1name=name', 'avatar=picture'] },
    also     => {
        plain      => { %oauth2 },
        unverified => { %oauth2, claim => ['id=sub', 'mail=email'], require_verified_email => 'off' },
        halfway    => { %oauth2, claim => ['id=sub', 'mail=email'] },
    },
)->start;
my %account = (id => 42, contact => { mails => [{ address => 'alice@example.com', ok => JSON::PP::true },
    { address => 'old@example.com', ok => JSON::PP::false }] }, profile => { 'full/name' => 'Alice Example' },
    avatar => 'https://cdn.example.com/a.png', email => 'mallory@evil.test', email_verified => JSON::PP::true,
    mail => 'bob@example.com');
$idp->set(account => \%account);
my $sign_in = OAuth::SignIn->new($story, $idp, account => \%account);
my %claims = (email => 'alice@example.com', email_verified => JSON::PP::true, name => 'Alice Example',
    picture => $account{avatar});
my %who = (id => '42', claims => \%claims, requests => { userinfo => 1 });

subtest 'where the browser is sent' => sub {
    my $sent = $story->login->{sent};
    is_deeply [sort keys %$sent], [qw(client_id code_challenge code_challenge_method redirect_uri response_type scope
        state)], 'with these parameters, and no nonce that nobody would return';
    is $sent->{scope}, 'profile:read', 'for what the configuration asks';
};

$sign_in->works('the first sign-in', %who);
$sign_in->works('the next one', %who);
$sign_in->works('an id that is a text', %who, with => { account => { %account, id => 'u-7' } }, id => 'u-7');
$sign_in->works('an id of 53 bits', %who, with => { account => { %account, id => 9007199254740991 } },
    id => '9007199254740991');
$idp->fault(userinfo => { times => 1, body => encode_json(\%account) =~ s/"id":42\b/"id":9223372036854775807/r });
$sign_in->works('an id of 63 bits', %who, id => '9223372036854775807');
$sign_in->works('no picture', %who, with => { account => { %account, avatar => undef } }, claims => { %claims, picture => undef });
$sign_in->works('a name that is none', %who, with => { account => { %account, profile => ['x'] } },
    claims => { %claims, name => undef });

subtest 'who it is must be said' => sub {
    $sign_in->fails("an id of $_->[0]", { account => { %account, id => $_->[1] } },
        'id_token_refused (token_subject_wrong)') for
        ['nothing', undef], ['an empty text', ''], ['a list', [42]], ['an object', {}], ['a boolean', JSON::PP::true],
        ['1.5', 1.5], ['two lines', "a\nb"], ['256 characters', 'x' x 256];
};

# req 078 079
subtest 'an address that is not verified' => sub {
    $sign_in->fails($_->[0], { account => { %account, contact => $_->[1] } }, 'email_unverified') for
        ['says so', { mails => [{ address => 'a@b.example', ok => JSON::PP::false }] }],
        ['does not say', { mails => [{ address => 'a@b.example' }] }],
        ['says it as text', { mails => [{ address => 'a@b.example', ok => 'true' }] }],
        ['is not there', { mails => [{ ok => JSON::PP::true }] }], ['has no list', {}],
        ['has an empty list', { mails => [] }], ['is elsewhere', { mails => { 0 => 1 } }];
    is $story->code(name => 'halfway'), undef, 'another address is not verified by what is said of the usual one';
    is $story->told('callback'), 'callback refused: email_unverified, provider halfway', 'which the log says';
    my $claims = $story->redeem($story->code(name => 'unverified'))->{json}{claims};
    is_deeply [@$claims{qw(email email_verified)}], ['bob@example.com', JSON::PP::false],
        'where none is needed, it is there and called unverified';
};

subtest 'a userinfo in the words of OpenID needs no mapping' => sub {
    $idp->set(account => { sub => 'alice', email => 'alice@example.com', email_verified => JSON::PP::true, name => 'A' });
    my $claims = $story->redeem($story->code(name => 'plain'))->{json}{claims};
    is_deeply $claims, { sub => 'plain:alice', email => 'alice@example.com', email_verified => JSON::PP::true,
        name => 'A', license => 'ok' }, 'all of it';
    $idp->set(account => \%account);
};

subtest 'an API that misbehaves' => sub {
    for my $case (['401', { status => 401, body => { error => 'invalid_token' } }], ['500', { status => 500 }],
        ['truncated JSON', { body => '{"id":1' }], ['a redirect', { status => 302, headers => { Location => '/x' } }],
        ['HTML', { body => '<html>', headers => { 'Content-Type' => 'text/html' } }],
        ['duplicate members', { body => '{"id":1,"id":2}' }], ['a text', { body => '"alice"' }]) {
        $idp->fault(userinfo => { %{ $case->[1] }, times => 1 });
        $sign_in->fails($case->[0], {}, 'userinfo_refused');
    }
    $idp->fault(userinfo => { body => [\%account], times => 1 });
    $sign_in->fails('a list', {}, 'id_token_refused (token_subject_wrong)');
};

# The same person at both is two users; a state, a code, a callback of one is nothing at the other.
subtest 'two OpenID Providers at once' => sub {
    for my $oidc (@oidc) {
        my $name = $oidc->name;
        OAuth::SignIn->new($story, $oidc)->works($name, id => 'alice', requests => { discovery => 1, jwks => 1,
            userinfo => 1 }, claims => { email => 'alice@example.com', email_verified => JSON::PP::true,
            name => 'Alice Example' });
    }
    my $login = $story->reach(name => 'first');
    my $mixed = { %$login, back => $login->{back} =~ s{callback/first}{callback/second}r };
    is $story->finish($mixed)->{status}, 400, 'an answer of the first is none of the second';
    is $story->told('callback'), 'callback refused: state_other_provider', 'which the log says';
    ok $story->answer($story->finish($login))->{code}, 'and the login goes on';
    $oidc[0]->set(id_token => { claims => { iss => $oidc[1]->issuer } });
    is $story->code(name => 'first'), undef, 'a token of the second is none of the first';
    is $story->told('callback'), 'callback refused: id_token_refused (token_issuer_wrong), provider first', 'which the log says';
    $oidc[0]->set(id_token => {});
};

is_deeply [map { $_->complaints } $idp, @oidc], [], 'nobody has a complaint in the end';
$story->stop;
done_testing;
