# A sign-in by GitHub: OAuth 2.0 without OpenID, whose errors have status 200.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('github');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'github');
my $story = OAuth::Story->new(idp => $idp, also => { unchecked => { require_verified_email => 'off' } })->start;
my %account = (login => 'octoalice', id => 583231, name => 'Alice Example', email => undef,
    avatar_url => 'https://avatars.githubusercontent.com/u/583231?v=4');
my @emails = ({ email => 'old@example.com', primary => JSON::PP::false, verified => JSON::PP::true, visibility => undef },
    { email => 'alice@example.com', primary => JSON::PP::true, verified => JSON::PP::true, visibility => 'private' });
my $sign_in = OAuth::SignIn->new($story, $idp, account => \%account, emails => \@emails, unverified => JSON::PP::false);
my %asks = (requests => { userinfo => 1, emails => 1 });
my %claims = (email => 'alice@example.com', email_verified => JSON::PP::true, name => 'Alice Example',
    picture => $account{avatar_url});
my %who = (id => '583231', claims => \%claims, %asks);

subtest 'where the browser is sent' => sub {
    my $sent = $story->login->{sent};
    is_deeply [sort keys %$sent], [qw(client_id code_challenge code_challenge_method redirect_uri response_type scope
        state)], 'with these parameters, and no nonce that nobody would return';
    is $sent->{scope}, 'read:user user:email', 'for the user and the addresses';
};

$sign_in->works('the first sign-in', %who);
$sign_in->works('the next one', %who);
$sign_in->works('no name but the login', %who, with => { account => { %account, name => undef } },
    claims => { %claims, name => 'octoalice' });
$sign_in->works('a number beyond 32 bits', %who, with => { account => { %account, id => 4294967297 } },
    id => '4294967297');
$sign_in->works('an address on show is not what counts', %who,
    with => { account => { %account, email => 'mallory@evil.test' } });

subtest 'what it was asked, and how' => sub {
    my ($exchange) = $idp->log_of('token');
    my $form = query_of("?$exchange->{body}");
    is_deeply [sort keys %$form], [qw(client_id client_secret code code_verifier grant_type redirect_uri)],
        'the credentials are in the body';
    is $exchange->{headers}{accept}, 'application/json', 'JSON is asked for';
    for my $route (qw(userinfo emails)) {
        my ($request) = $idp->log_of($route);
        is $request->{headers}{'user-agent'}, 'ngx_http_oauth_module', "$route: who asks";
        is $request->{headers}{'x-github-api-version'}, '2022-11-28', 'in which version';
    }
};

# req 078
subtest 'without a verified primary address' => sub {
    my ($other, $primary) = @emails;
    $sign_in->fails($_->[0], { emails => $_->[1] }, 'email_unverified') for
        ['none is listed', []], ['none is primary', [$other]],
        ['the primary is not verified', [$other, { %$primary, verified => JSON::PP::false }]],
        ['verified is a text', [{ %$primary, verified => 'true' }]],
        ['primary is a text', [{ %$primary, primary => 'true' }]],
        ['it is no address', [{ %$primary, email => 'alice' }]],
        ['it is two', [{ %$primary, email => 'a@evil.test@example.com' }]];
    my $refused = $sign_in->fails('GitHub says so itself', { unverified => JSON::PP::true }, 'email_unverified');
    is $refused->{answer}{error}, 'Your email address is not verified at the sign-in provider.', 'which the user learns';
    $idp->set(emails => [$other]);
    my $tokens = $story->redeem($story->code(name => 'unchecked'))->{json};
    is $tokens->{claims}{email}, undef, 'where none is needed, none is taken';
    is $tokens->{claims}{sub}, 'unchecked:583231', 'and the user signs in';
    $idp->set(emails => \@emails);
};

subtest 'errors that call themselves a success' => sub {
    my %cause = (bad_verification_code => 'exchange_refused', incorrect_client_credentials => 'exchange_client_refused',
        redirect_uri_mismatch => 'exchange_redirect_refused', something_new => 'exchange_refused');
    for my $error (sort keys %cause) {
        $idp->fault(token => { status => 200, body => { error => $error, error_description => 'no' }, times => 1 });
        $idp->forget;
        my $refused = $sign_in->fails($error, {}, $cause{$error});
        is $refused->{response}{status}, 502, 'with 502';
        is $idp->requests('userinfo'), 1, 'and nobody is asked who it is, but for the honest one';
    }
    $idp->fault(token => { body => { error => 'bad_verification_code', access_token => 'a', token_type => 'bearer' }, times => 1 });
    $sign_in->fails('an error with a token', {}, 'exchange_refused');
    $idp->fault(token => { body => 'access_token=a&token_type=bearer', times => 1,
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded' } });
    $sign_in->fails('a form', {}, 'exchange_malformed');
};

subtest 'an API that misbehaves' => sub {
    for my $route (qw(userinfo emails)) {
        for my $case (['401', { status => 401, body => { message => 'Bad credentials' } }],
            ['403', { status => 403, body => 'rate limit', headers => { 'Content-Type' => 'text/html' } }],
            ['404', { status => 404, body => { message => 'Not Found' } }], ['truncated JSON', { body => '[{"id":1' }],
            ['HTML', { body => '<html>', headers => { 'Content-Type' => 'text/html' } }]) {
            $idp->fault($route => { %{ $case->[1] }, times => 1 });
            $sign_in->fails("$route: $case->[0]", {}, 'userinfo_refused');
        }
    }
    $sign_in->fails("an id of $_->[0]", { account => { %account, id => $_->[1] } }, 'id_token_refused (token_subject_wrong)')
        for ['nothing', undef], ['an empty text', ''], ['a list', [1]], ['a boolean', JSON::PP::true], ['1.5', 1.5];
    $idp->fault(emails => { body => { email => 'alice@example.com', primary => JSON::PP::true,
        verified => JSON::PP::true }, times => 1 });
    $sign_in->fails('an object for a list', {}, 'email_unverified');
};

subtest 'GitHub answers with an error' => sub {
    my $refused = $sign_in->fails('the user says no', { authorize => { error => 'access_denied' } }, 'access_denied');
    is $refused->{answer}{error}, 'access_denied: the sign-in was cancelled or refused.', 'which the application learns';
    $sign_in->fails('the address is not registered', { authorize => { error => 'redirect_uri_mismatch' } },
        'provider_refused');
};

is_deeply [$idp->complaints], [], 'GitHub has no complaint in the end';
$story->stop;
done_testing;
