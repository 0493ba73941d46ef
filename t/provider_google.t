# A sign-in by Google, and what is Google's own about it.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('google');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'google');
my $story = OAuth::Story->new(idp => $idp, also => { workspace => { allow_email_domain => 'example.org' } })->start;
my %account = (sub => '110169484474386276334', email => 'alice@example.com', email_verified => JSON::PP::true,
    name => 'Alice Example', picture => 'https://lh3.googleusercontent.com/a/photo=s96-c');
my $sign_in = OAuth::SignIn->new($story, $idp, iss => 'https://accounts.google.com', hd => undef, account => \%account,
    id_token_account_claims => [qw(email email_verified name picture)]);
my %who = (id => $account{sub}, claims => { map { $_ => $account{$_} } qw(email email_verified name picture) });

subtest 'where the browser is sent' => sub {
    my $sent = $story->login->{sent};
    is_deeply [sort keys %$sent], [qw(client_id code_challenge code_challenge_method nonce redirect_uri response_type
        scope state)], 'with these parameters';
    is $sent->{scope}, 'openid email profile', 'for name and address';
};

$sign_in->works('the first sign-in', %who, requests => { jwks => 1 });
$sign_in->works('the next one', %who);
$sign_in->works('an issuer without https://', %who, with => { iss => 'accounts.google.com' });
$sign_in->works('a Workspace account', %who, with => { hd => 'example.com' });
$sign_in->works('an ID token that says little', %who, with => { id_token_account_claims => [] },
    requests => { userinfo => 1 });

# req 060 073
subtest 'what is not Google\'s is refused' => sub {
    $sign_in->fails("iss $_", { iss => $_ }, 'id_token_refused (token_issuer_wrong)')
        for 'http://accounts.google.com', 'https://accounts.google.com/', 'accounts.google.com.evil.test',
        'ACCOUNTS.GOOGLE.COM', 'https://accounts.google.com:443', 'google.com', '';
    $sign_in->fails('a token for another', { id_token => { claims => { azp => 'other' } } },
        'id_token_refused (token_azp_wrong)');
    $sign_in->fails('a token for two', { id_token => { claims => { aud => ['app', 'other'] } } },
        'id_token_refused (token_audience_wrong)');
    $sign_in->fails('a token for us twice, by nobody', { id_token => { claims => { aud => ['app', 'app'], azp => undef } } },
        'id_token_refused (token_azp_wrong)');
    $sign_in->fails('an at_hash of another token', { id_token => { claims => { at_hash => 'x' x 22 } } },
        'id_token_refused (token_hash_wrong)');
    $sign_in->fails('a userinfo about another',
        { id_token_account_claims => [], userinfo => { sub => '42' } }, 'userinfo_other_subject');
};

# req 079
subtest 'an address that is not verified' => sub {
    my $refused = $sign_in->fails('says so', { account => { %account, email_verified => JSON::PP::false } },
        'email_unverified');
    is $refused->{answer}{error}, 'Your email address is not verified at the sign-in provider.', 'which the user learns';
    $sign_in->fails('says it as text', { account => { %account, email_verified => 'true' } }, 'email_unverified');
    $sign_in->fails('does not say', { id_token => { claims => { email_verified => undef } },
        userinfo => { email_verified => undef } }, 'email_unverified');
};

subtest 'who may sign in by the address' => sub {
    my $login = $story->reach(name => 'workspace', redirect_uri => "$OAuth::Story::APP/x", state => 'mine');
    is_deeply $story->answer($story->finish($login)), { error => 'access_denied: this account may not sign in here.',
        provider => 'workspace', state => 'mine' }, 'nobody of another domain';
    is $story->told('callback'), 'callback refused: email_not_allowed, provider workspace', 'which the log says';
    $idp->set(account => { %account, email => 'bob@Example.ORG' });
    ok $story->code(name => 'workspace'), 'those of this one';
    $idp->set(account => { %account, email => 'bob@evil.test', hd => 'example.org' }, hd => 'example.org');
    is $story->code(name => 'workspace'), undef, 'whatever the Workspace is called';
    $idp->set(account => \%account, hd => undef);
};

subtest 'errors in its own words' => sub {
    my %reply = (
        exchange_client_refused   => [401, { error => 'invalid_client', error_description => 'Unauthorized' }],
        exchange_redirect_refused => [400, { error => 'redirect_uri_mismatch', error_description => 'Bad Request' }],
        exchange_refused          => [400, { error => 'invalid_grant', error_description => 'Bad Request' }],
    );
    for my $cause (sort keys %reply) {
        $idp->fault(token => { status => $reply{$cause}[0], body => $reply{$cause}[1], times => 1 });
        my $refused = $sign_in->fails($reply{$cause}[1]{error}, {}, $cause);
        is $refused->{response}{status}, 502, 'with 502';
    }
    my $refused = $sign_in->fails('the user says no', { authorize => { error => 'access_denied' } }, 'access_denied');
    is $refused->{answer}{error}, 'access_denied: the sign-in was cancelled or refused.', 'which the application learns';
};

is_deeply [$idp->complaints], [], 'Google has no complaint in the end';
$story->stop;
done_testing;
