# A sign-in by cognito-local, which nobody here wrote: people who signed up there come in by its own
# page, and its own tokens are judged as Amazon's are.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('cognito-local');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'cognito-local');
my $at = $idp->issuer;
my $story = OAuth::Story->new(idp => $idp, also => {
    stale => { client_id => 'stale' },
    other => { issuer => "$at/eu-west-1_Other5678", user_pool_id => 'eu-west-1_Other5678' },
})->start;
my %alice = (username => 'alice@example.com', password => 'Passw0rd!x');
my $sign_in = OAuth::SignIn->new($story, $idp, nonce => JSON::PP::true);

# ---- who signs up there ------------------------------------------------------------------------

my $id;
subtest 'who signs up' => sub {
    my $reply = api(SignUp => { ClientId => 'app', Username => $alice{username}, Password => $alice{password},
        UserAttributes => [{ Name => 'email', Value => $alice{username} }, { Name => 'name', Value => 'Alice Example' }] });
    $id = $reply->{UserSub};
    like $id, qr/^[0-9a-f-]{36}$/, 'gets a number';
    is password_auth('app')->{__type}, 'UserNotConfirmedException', 'and no tokens';
    is by_its_page(), undef, 'nor a code';
    is confirm('000000')->{__type}, 'CodeMismatchException', 'a guess confirms nothing';
    is confirm('123456')->{__type}, undef, 'the code that came by mail does';
};

# req 079
subtest 'whose address is not verified' => sub {
    my $answer = $story->answer(by_its_page());
    is $answer->{error}, 'Your email address is not verified at the sign-in provider.', 'learns it';
    is $story->told('callback'), 'callback refused: email_unverified, provider cognito-local', 'the log has it';
    # (Amazon would have called it verified when the code came back.)
    api(AdminUpdateUserAttributes => { UserPoolId => 'eu-west-1_Local1234', Username => $alice{username},
        UserAttributes => [{ Name => 'email', Value => $alice{username} }, { Name => 'email_verified', Value => 'true' }] });
};

subtest 'whose address is verified' => sub {
    my $answer = $story->answer(by_its_page());
    ok $answer->{code}, 'comes in by its page' or diag $story->told('callback'), $idp->complaints;
    is by_its_page(password => 'wrong'), undef, 'but with the right password only';
    is_deeply [$idp->complaints], [], 'and cognito-local has refused nothing that we asked';
};

my %who = (id => $id, claims => { email => $alice{username}, email_verified => JSON::PP::true, name => 'Alice Example' },
    requests => { userinfo => 1 });
$idp->set(auto => \%alice);
$sign_in->works('from the login to a protected location', %who);
$sign_in->works('and again', %who);

# ---- what it makes by itself ---------------------------------------------------------------------

# req 060: its ID tokens have no nonce, and nothing else is wrong with them
$sign_in->fails('an ID token as it makes it', { nonce => JSON::PP::false }, 'id_token_refused (token_nonce_wrong)');

# req 073
subtest 'tokens of a sign-in elsewhere' => sub {
    my %tokens = map { $_ => password_auth($_)->{AuthenticationResult} } qw(app other);
    ok $tokens{$_}{IdToken}, "$_ gets some by password" for sort keys %tokens;
    answered_by('an ID token for us, of no login of ours', 'token_nonce_wrong', $tokens{app}{IdToken});
    answered_by('an ID token for another client', 'token_audience_wrong', $tokens{other}{IdToken});
    answered_by('an access token in its place', 'token_audience_wrong', $tokens{app}{AccessToken});
    answered_by('a refresh token in its place', 'token_audience_wrong', $tokens{app}{RefreshToken});
    answered_by('one that was touched', 'token_signature_wrong', touched($tokens{app}{IdToken}));
    answered_by('one of this pool at a client of another', 'token_issuer_wrong', $tokens{app}{IdToken}, 'other');
    answered_by('one that has expired', 'token_expired', password_auth('stale')->{AuthenticationResult}{IdToken}, 'stale');
};

subtest 'a code' => sub {
    my $login = $story->reach;
    ok $story->answer($story->finish($login))->{code}, 'is exchanged';
    my $next = $story->reach;
    $next->{back} =~ s/\bcode=[^&]+/'code=' . query_of($login->{back})->{code}/e;
    is $story->answer($story->finish($next)), undef, 'and not again';
    is $story->told('callback'), 'callback refused: exchange_refused, provider cognito-local', 'because cognito-local says so';
    is_deeply [map { /^(\w+: \d+)/ } $idp->complaints], ['token: 400'], 'to us';
};

$story->stop;
done_testing;

# Cognito's API; of a refusal __type says which.
sub api {
    my ($target, $value) = @_;
    my $connection = OAuth::Http->new(port => $idp->port);
    my $response = $connection->request(POST => '/', body => encode_json($value), close => 1, headers => [
        'Content-Type' => 'application/x-amz-json-1.1', 'X-Amz-Target' => "AWSCognitoIdentityProviderService.$target"]);
    $connection->close;
    return decode_json($response->{body});
}

sub password_auth {
    my ($client) = @_;
    return api(InitiateAuth => { ClientId => $client, AuthFlow => 'USER_PASSWORD_AUTH',
        AuthParameters => { USERNAME => $alice{username}, PASSWORD => $alice{password} } });
}

sub confirm {
    my ($code) = @_;
    return api(ConfirmSignUp => { ClientId => 'app', Username => $alice{username}, ConfirmationCode => $code });
}

# A login by the page that cognito-local shows: the answer of the callback; undef if it led to none.
sub by_its_page {
    my (%change) = @_;
    my $login = $story->login(redirect_uri => "$OAuth::Story::APP/x", state => 'mine');
    my $page = $login->{browser}->request(GET => $login->{url});
    my %field = $page->{body} =~ /<input type="hidden" name="(\w+)" value="([^"]*)"/g;
    my $response = $login->{browser}->request(POST => "$at/oauth2/authorize", body => form(%field, %alice, %change));
    my $back = header($response, 'location');
    return $back ? $story->get($back, browser => $login->{browser}) : undef;
}

# The token endpoint says this ID token.
sub answered_by {
    my ($what, $cause, $id_token, $name) = @_;
    $name ||= 'cognito-local';
    $idp->fault(token => { times => 1, body => { access_token => 'a', token_type => 'Bearer', id_token => $id_token } });
    is $story->answer($story->finish($story->reach(name => $name))), undef, "$what: no code";
    is $story->told('callback'), "callback refused: id_token_refused ($cause), provider $name", 'for the right reason';
    return;
}

sub touched {
    my ($header, $payload, $mark) = split /\./, $_[0];
    my $claims = decode_json(decode_base64url($payload));
    return join '.', $header, encode_base64url(encode_json({ %$claims, email => 'mallory@evil.test' })), $mark;
}
