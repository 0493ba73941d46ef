# A sign-in by Microsoft, where every tenant is an issuer, and an address proves nothing by itself.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('microsoft');
plan skip_all => $missing if $missing;

my $tid = '11111111-2222-4333-8444-555555555555';
my $foreign = '99999999-2222-4333-8444-555555555555';
my $personal = '9188040d-6c67-4c5b-b112-36a304b66dad';
my $oid = '00000000-0000-0000-66f3-3332eca7ea81';
my $idp = OAuth::Idp->new(kind => 'microsoft');
my %members = $idp->members;
my $at = $idp->issuer;

# Other blocks for the same Microsoft: with all endpoints given but the keys elsewhere (they are
# fetched once an address), and with nothing given, so that they are discovered.
my %found = map { $_ => undef } grep { /endpoint|jwks/ } keys %members;
my $keys = sub { (jwks_uri => "$at/00000000-0000-4000-8000-00000000000$_[0]/discovery/v2.0/keys") };
my $story = OAuth::Story->new(idp => $idp, also => {
    allowed  => { tenant_allow => "\U$foreign\E $personal" },
    single   => { tenant => $tid },
    work     => { tenant => 'organizations' },
    personal => { tenant => 'consumers' },
    keys1    => { $keys->(1) }, keys2 => { $keys->(2) }, keys3 => { $keys->(3) }, keys4 => { $keys->(4) },
    found    => { %found, tenant => 'organizations', issuer => "$at/organizations/v2.0" },
    foundone => { %found, tenant => $tid, issuer => "$at/$tid/v2.0" },
    founddom => { %found, tenant => 'contoso.example', issuer => "$at/contoso.example/v2.0" },
    nowhere  => { %found, tenant => 'nosuch', issuer => "$at/nosuch/v2.0" },
})->start;

my %account = (sub => 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', oid => $oid, name => 'Alice Example',
    preferred_username => 'alice@contoso.example', email => 'alice@example.com', xms_edov => JSON::PP::true);
my $sign_in = OAuth::SignIn->new($story, $idp, account => \%account, home => $tid, key_issuer => JSON::PP::true,
    base => 'https://login.microsoftonline.com');
my %claims = (email => 'alice@example.com', email_verified => JSON::PP::true, name => 'Alice Example');
my %who = (id => "$tid.$oid", claims => \%claims);

$sign_in->works('the first sign-in', %who, requests => { jwks => 1 });
$sign_in->works('the next one', %who);
$sign_in->works('an account of another tenant', %who, with => { home => $foreign }, id => "$foreign.$oid");
$sign_in->works('a personal account', %who, with => { home => $personal }, id => "$personal.$oid");
$sign_in->works('an account without oid', %who, with => { account => { %account, oid => undef } },
    id => "$tid.$account{sub}");
$sign_in->works("xms_edov $_->[0]", %who, with => { account => { %account, xms_edov => $_->[1] } })
    for ['1', 1], ['"1"', '1'], ['"true"', 'true'];

# req 073: the issuer is that of the tenant which the token names, and nothing else
subtest 'whose token it is' => sub {
    my $base = 'https://login.microsoftonline.com';
    my $wrong = 'id_token_refused (token_issuer_wrong)';
    $sign_in->fails($_->[0], { id_token => { claims => $_->[1] } }, $_->[2] || $wrong) for
        ['the issuer of another tenant', { iss => "$base/$foreign/v2.0" }],
        ['another tid than the issuer\'s', { tid => $foreign }],
        ['the template itself', { iss => "$base/{tenantid}/v2.0" }],
        ['a template as tid too', { iss => "$base/{tenantid}/v2.0", tid => '{tenantid}' }, 'tenant_refused'],
        ['an issuer of v1', { iss => "https://sts.windows.net/$tid/" }],
        ['an issuer with a slash', { iss => "$base/$tid/v2.0/" }],
        ['an issuer in capitals', { iss => "$base/$tid/V2.0" }],
        ['common', { iss => "$base/common/v2.0", tid => 'common' }, 'tenant_refused'],
        ['no tid', { tid => undef }, 'tenant_refused'], ['a tid that is no GUID', { tid => "$tid/../x" }, 'tenant_refused'],
        ['a tid in capitals', { tid => 'ABCDEFAB-2222-4333-8444-555555555555' }, 'tenant_refused'],
        ['a tid that is a list', { tid => [$tid] }, 'tenant_refused'],
        ['another host', { iss => "https://login.microsoftonline.com.evil.test/$tid/v2.0" }];
};

# The keys of all tenants are published together: each says whose tokens it may sign.
subtest 'whose key it is' => sub {
    my $base = 'https://login.microsoftonline.com';
    my %refused = (keys1 => "$base/$foreign/v2.0", keys2 => 'https://login.microsoftonline.us/{tenantid}/v2.0');
    for my $name (sort keys %refused) {
        is works_at($name, key_issuer => $refused{$name}), undef, "a key of $refused{$name} does not sign";
        is $story->told('callback'), "callback refused: id_token_refused (token_key_unknown), provider $name",
            'for the right reason';
    }
    ok works_at('keys3', key_issuer => "$base/$tid/v2.0"), 'a key of this tenant signs';
    ok works_at('keys4', key_issuer => JSON::PP::false), 'and one that does not say';
};

subtest 'which tenants may sign in' => sub {
    for my $case (['allowed', $foreign, $personal], ['single', $tid], ['work', $tid, $foreign], ['personal', $personal]) {
        my ($name, @may) = @$case;
        for my $tenant ($tid, $foreign, $personal) {
            my $code = works_at($name, home => $tenant);
            if (grep { $_ eq $tenant } @may) {
                ok $code, "$name: $tenant may";
                next;
            }
            is $code, undef, "$name: $tenant may not";
            like $story->told('callback'), qr/^callback refused: tenant_refused, provider $name$/, 'which the log says';
        }
    }
    is works_at('single', id_token => { claims => { tid => $foreign } }), undef,
        'single: a token that names another tenant than its issuer may not';
    is $story->told('callback'), 'callback refused: tenant_refused, provider single', 'which the log says';
    $idp->set(home => $foreign);
    my $login = $story->reach(name => 'single', redirect_uri => "$OAuth::Story::APP/x", state => 'mine');
    is_deeply $story->answer($story->finish($login)), {
        error => 'access_denied: accounts of this organization may not sign in here.', provider => 'single', state => 'mine',
    }, 'the application learns it';
    $idp->set(home => $tid);
};

# req 079 080
subtest 'an address that nobody vouches for' => sub {
    $sign_in->fails($_->[0], { account => { %account, %{ $_->[1] } } }, 'email_unverified') for
        ['xms_edov is not there', { xms_edov => undef }], ['xms_edov is false', { xms_edov => JSON::PP::false }],
        ['xms_edov is 0', { xms_edov => 0 }], ['xms_edov is "0"', { xms_edov => '0' }],
        ['xms_edov is "false"', { xms_edov => 'false' }], ['xms_edov is 2', { xms_edov => 2 }],
        ['xms_edov is a list', { xms_edov => [1] }],
        ['there is no address', { email => undef }], ['email_verified is nothing here', { xms_edov => undef,
            email_verified => JSON::PP::true }];
};

subtest 'errors in its own words' => sub {
    my %reply = (
        exchange_client_refused => [401, 'invalid_client', 'AADSTS7000215: Invalid client secret provided.'],
        exchange_refused => [400, 'invalid_grant', 'AADSTS54005: OAuth2 Authorization code was already redeemed.'],
    );
    for my $cause (sort keys %reply) {
        my ($status, $error, $text) = @{ $reply{$cause} };
        $idp->fault(token => { status => $status, times => 1, body => { error => $error, error_description => $text,
            error_codes => [7000215], trace_id => 'x' } });
        is $sign_in->fails($text, {}, $cause)->{response}{status}, 502, 'with 502';
    }
    $sign_in->fails('the user says no', { authorize => { error => 'access_denied' } }, 'access_denied');
};

subtest 'what discovery says' => sub {
    $idp->set(base => $at);
    $idp->forget;
    ok works_at('found'), 'a template that stands for all tenants' or diag $story->told('callback');
    is $idp->requests('discovery'), 1, 'it was asked for';
    ok works_at('found', home => $foreign), 'and for another one';
    is $idp->requests('discovery'), 1, 'once';
    ok works_at('foundone'), 'the metadata of one tenant';
    tenant_refused('foundone', 'is not for another', home => $foreign);
    ok works_at('founddom'), 'a tenant that is named by its domain';
    tenant_refused('founddom', 'is not another', home => $foreign);
    is $story->login(name => 'nowhere')->{response}{status}, 502, 'a tenant that does not exist';
    is $story->told('login'), 'login refused: discovery_refused', 'which the log says';
    like +($idp->log_of('discovery'))[-1]{url}, qr{^/nosuch/v2\.0/\.well-known/}, 'it was asked';
    $idp->set(base => 'https://login.microsoftonline.com');
};

is_deeply [$idp->complaints], [], 'Microsoft has no complaint in the end';
$story->stop;
done_testing;

# A login at one of the others, with these knobs; true if a code came out.
sub works_at {
    my ($name, %knobs) = @_;
    $idp->set(%knobs);
    my $code = $story->code(name => $name);
    $idp->set(home => $tid, key_issuer => JSON::PP::true, id_token => {});
    return $code;
}

sub tenant_refused {
    my ($name, $what, %knobs) = @_;
    is works_at($name, %knobs), undef, "$what: no code";
    is $story->told('callback'), "callback refused: tenant_refused, provider $name", 'for the right reason';
    return;
}
