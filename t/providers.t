# The providers that other tests lean on: strict with their client, and faulty only when told.
use lib 't/lib';
use OAuth::Test;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);

my $redirect = 'http://localhost:9/oauth/callback/acme';
my $verifier = 'v' x 43;

for my $kind ('idp', 'faulty-op') {
    subtest $kind => sub {
        my $missing = OAuth::Idp->missing($kind);
        plan skip_all => $missing if $missing;
        my $idp = OAuth::Idp->new(kind => $kind)->start(
            redirect_uris => [$redirect], $kind eq 'idp' ? (auto => 1) : ());
        my $browser = OAuth::Browser->new;
        my $metadata = decode_json($browser->request(GET => $idp->issuer . '/.well-known/openid-configuration')->{body});
        is $metadata->{issuer}, $idp->issuer, 'it is discovered';

        my $code = sub {
            my (%changes) = @_;
            my %query = (client_id => 'app', response_type => 'code', redirect_uri => $redirect, state => 's', nonce => 'n',
                scope => 'openid email profile', code_challenge => encode_base64url(sha256($verifier)),
                code_challenge_method => 'S256', %changes);
            my $end = $browser->follow("$metadata->{authorization_endpoint}?" . form(%query), until => qr/^\Q$redirect\E/);
            return $end->{location} ? query_of($end->{location})->{code} : undef;
        };
        my $redeem = sub {
            my ($spent, %changes) = @_;
            my $secret = delete $changes{secret} || $idp->client_secret;
            return $browser->request(POST => $metadata->{token_endpoint},
                headers => [Authorization => 'Basic ' . encode_base64("app:$secret", '')],
                body => form(grant_type => 'authorization_code', code => $spent, redirect_uri => $redirect,
                    exists $changes{code_verifier} ? () : (code_verifier => $verifier), %changes));
        };

        is $code->(redirect_uri => 'http://localhost:9/else'), undef, 'another redirect_uri is refused';
        is $code->(code_challenge => '', code_challenge_method => ''), undef, 'no challenge is refused';
        isnt $redeem->($code->(), code_verifier => 'w' x 43)->{status}, 200, 'another verifier is refused';
        isnt $redeem->($code->(), secret => 'wrong')->{status}, 200, 'another secret is refused';
        my $spent = $code->();
        my $tokens = decode_json($redeem->($spent)->{body});

        my $account = decode_json($browser->request(GET => $metadata->{userinfo_endpoint},
            headers => [Authorization => "Bearer $tokens->{access_token}"])->{body});
        is_deeply [@$account{qw(sub email)}], ['alice', 'alice@example.com'], 'userinfo tells who it is';
        isnt $redeem->($spent)->{status}, 200, 'a code is redeemed once';
        isnt $redeem->($code->(), redirect_uri => 'http://localhost:9/else')->{status}, 200, 'a parameter sent twice is refused';

        $idp->forget;
        $idp->fault(jwks => { status => 503, times => 1 });
        is $browser->request(GET => $metadata->{jwks_uri})->{status}, 503, 'a fault is shown';
        my $before = $browser->request(GET => $metadata->{jwks_uri})->{body};
        like $before, qr/"kid"/, 'as often as was asked for';
        $idp->rotate;
        isnt $browser->request(GET => $metadata->{jwks_uri})->{body}, $before, 'keys rotate';
        is $idp->requests('jwks'), 3, 'requests are counted';
        $idp->stop;
    };
}

done_testing;
