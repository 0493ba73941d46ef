# A sign-in by Amazon Cognito's hosted UI.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('cognito');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'cognito');
my %found = map { $_ => undef } grep { /endpoint|jwks|region|pool/ } keys %{ { $idp->members } };
my $story = OAuth::Story->new(idp => $idp, also => {
    post  => { token_auth => 'post' },
    found => { %found, issuer => $idp->issuer . '/pool' },
})->start;
my $pool = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123';
my %account = (sub => 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', 'cognito:username' => 'alice', email => 'alice@example.com',
    email_verified => JSON::PP::true, name => 'Alice Example');
my @said = qw(cognito:username email email_verified name);
my $sign_in = OAuth::SignIn->new($story, $idp, account => \%account, id_token_account_claims => \@said, issuer => $pool);
my %who = (id => $account{sub}, claims => { map { $_ => $account{$_} } qw(email email_verified name) });
my %little = (id_token_account_claims => ['cognito:username']);

$sign_in->works('the first sign-in', %who, requests => { jwks => 1 });
$sign_in->works('the next one', %who);
$sign_in->works('flags of userinfo are texts', %who, with => \%little, requests => { userinfo => 1 });

# req 079
subtest 'an address that is not verified' => sub {
    my %unverified = (account => { %account, email_verified => JSON::PP::false });
    $sign_in->fails('says the ID token', \%unverified, 'email_unverified');
    $sign_in->fails('says userinfo, "false"', { %unverified, %little }, 'email_unverified');
    $sign_in->fails("says userinfo, $_->[0]", { %little, userinfo => { email_verified => $_->[1] } }, 'email_unverified')
        for ['"True"', 'True'], ['"1"', '1'], ['1', 1], ['""', ''], ['nothing', undef];
    $sign_in->fails('says nobody of this one', { id_token_account_claims => ['email'], userinfo => { email => undef } },
        'email_unverified');
};

# req 073
subtest 'tokens of another kind' => sub {
    my %access = (aud => undef, client_id => 'app', token_use => 'access', nonce => undef);
    $sign_in->fails('an access token for an ID token', { id_token => { claims => \%access } },
        'id_token_refused (token_audience_wrong)');
    $sign_in->fails('of another pool', { issuer => "${pool}4" }, 'id_token_refused (token_issuer_wrong)');
    $sign_in->fails('of another region', { issuer => $pool =~ s/eu-west/us-east/r }, 'id_token_refused (token_issuer_wrong)');
    $sign_in->fails('for another client', { id_token => { claims => { aud => 'other' } } },
        'id_token_refused (token_audience_wrong)');
    $sign_in->fails('a userinfo about another', { %little, userinfo => { sub => 'bob' } }, 'userinfo_other_subject');
};

subtest 'errors in its own words' => sub {
    my %cause = (invalid_client => 'exchange_client_refused', unauthorized_client => 'exchange_client_refused',
        invalid_grant => 'exchange_refused', invalid_request => 'exchange_refused');
    for my $error (sort keys %cause) {
        $idp->fault(token => { status => 400, body => { error => $error }, times => 1 });
        is $sign_in->fails($error, {}, $cause{$error})->{response}{status}, 502, 'with 502';
    }
};

subtest 'how the client says who it is' => sub {
    is +($idp->log_of('token'))[0]{headers}{authorization},
        'Basic ' . MIME::Base64::encode_base64($idp->client_id . ':' . $idp->client_secret, ''), 'by Basic';
    $idp->forget;
    ok $story->code(name => 'post'), 'or in the body, where the configuration says so';
    my ($request) = $idp->log_of('token');
    is $request->{headers}{authorization}, undef, 'and not twice';
};

subtest 'what discovery says' => sub {
    $idp->set(issuer => $idp->issuer . '/pool');
    $idp->forget;
    ok $story->code(name => 'found') for 1 .. 2;
    is $idp->requests('discovery'), 1, 'is asked for once';
    $idp->set(issuer => $pool);
    is $story->code(name => 'found'), undef, "and then another pool's token is another's";
};

is_deeply [$idp->complaints], [], 'Cognito has no complaint in the end';
$story->stop;
done_testing;
