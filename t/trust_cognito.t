# Tokens of an Amazon Cognito user pool: its access tokens have no audience but a client, and its ID
# tokens, signed by the same keys, let nobody in.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Idp;

my $missing = OAuth::Idp->missing('cognito-local');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'cognito-local');
my $pool = $idp->issuer . '/eu-west-1_Local1234';
my $amazon = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E';
my $forge = OAuth::Forge->new(generate => 'RS256', header => { typ => undef },
    claims => { iss => $amazon, sub => 'u1', token_use => 'access', client_id => 'app-1' });
my $nginx = OAuth::Nginx->new(http => <<"HTTP");
oauth_provider pool { type cognito; client_id app; client_secret x; user_pool_id eu-west-1_Local1234; issuer $pool; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_trust $pool { jwks_uri $pool/.well-known/jwks.json; audience app; subject_prefix people; }
    oauth_trust $amazon { jwks_file amazon.json; audience app-1 app-2; subject_prefix amazon; }
    location / { oauth_protect bearer; empty_gif; add_header X-Sub \$oauth_sub; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    oauth_trust $amazon { jwks_file amazon.json; audience any; subject_prefix amazon; }
    location / { oauth_protect bearer; empty_gif; add_header X-Sub \$oauth_sub; }
}
HTTP
spew($nginx->dir . '/amazon.json', OAuth::Forge::json({ keys => [{ %{ $forge->jwk }, kid => $forge->kid, alg => 'RS256', use => 'sig' }] }));
$idp->start(redirect_uris => ['http://localhost/']);
$nginx->start;

subtest 'tokens as Amazon makes them' => sub {
    is told($forge->token), 'amazon:u1', 'an access token';
    is told($forge->token(claims => { client_id => 'app-2' })), 'amazon:u1', 'of another client that is named';
    is told($forge->token(claims => { client_id => 'app-3' })), '401 token_audience_wrong', 'of a client that is not';
    is told($forge->token(claims => { client_id => undef })), '401 token_audience_wrong', 'of none';
    is told($forge->token(claims => { client_id => ['app-1'] })), '401 token_audience_wrong', 'of a list';
    is told($forge->token(claims => { client_id => undef, aud => 'app-1' })), '401 token_audience_wrong', 'an audience is no client';
    is told($forge->token(claims => { token_use => 'id', client_id => undef, aud => 'app-1' })), '401 token_kind_refused', 'an ID token';
    is told($forge->token(claims => { token_use => 'id' })), '401 token_kind_refused', 'an ID token with a client';
    is told($forge->token(claims => { token_use => $_ })), '401 token_kind_refused', 'token_use ' . ($_ // 'absent') for undef, '', 'ACCESS';
    is told($forge->token(claims => { client_id => 'whoever' }), 1), 'amazon:u1', 'any client where that was said aloud';
    is told($forge->token(claims => { token_use => 'id', client_id => 'app-1' }), 1), '401 token_kind_refused', 'but no ID token';
};

subtest 'tokens of cognito-local, which nobody here wrote' => sub {
    my %alice = (Username => 'alice@example.com', Password => 'Passw0rd!x');
    my $id = api(SignUp => { ClientId => 'app', %alice, UserAttributes => [{ Name => 'email', Value => $alice{Username} }] })->{UserSub};
    api(ConfirmSignUp => { ClientId => 'app', Username => $alice{Username}, ConfirmationCode => '123456' });
    my %tokens = map { $_ => api(InitiateAuth => { ClientId => $_, AuthFlow => 'USER_PASSWORD_AUTH',
        AuthParameters => { USERNAME => $alice{Username}, PASSWORD => $alice{Password} } })->{AuthenticationResult} } qw(app other);
    is told($tokens{app}{AccessToken}), "people:$id", 'an access token';
    is told($tokens{app}{IdToken}), '401 token_kind_refused', 'an ID token';
    is told($tokens{other}{AccessToken}), '401 token_audience_wrong', 'an access token of another client';
    like told($tokens{app}{RefreshToken}), qr/^401 token_/, 'a refresh token';
};

$nginx->stop;
$idp->stop;
done_testing;

# $oauth_sub, or the status and the reason in the log.
sub told {
    my ($token, $port) = @_;
    my $response = $nginx->get('/nothing', port => $port || 0, headers => [Authorization => "Bearer $token"]);
    my ($reason) = $nginx->error_log =~ /.*oauth: request refused: ([a-z_]+)/s;
    return $response->{status} == 401 ? "401 $reason" : header($response, 'X-Sub');
}

# Cognito's API.
sub api {
    my ($target, $value) = @_;
    my $connection = OAuth::Http->new(port => $idp->port);
    my $response = $connection->request(POST => '/', body => encode_json($value), close => 1, headers => [
        'Content-Type' => 'application/x-amz-json-1.1', 'X-Amz-Target' => "AWSCognitoIdentityProviderService.$target"]);
    $connection->close;
    return decode_json($response->{body});
}
