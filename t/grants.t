# Each grant has one shape, and each client its own grants (DESIGN 2): what was issued to the Dexie
# client is redeemed in Dexie's JSON alone, what an oauth_client may ask is said in its block.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use MIME::Base64 qw(encode_base64);
use Time::HiRes ();

my $app = $OAuth::Story::APP;
my $secret = 'a-secret-of-sixteen-or-more';
my $story = OAuth::Story->new(workers => 2, server => <<"CONF")->start;
oauth_scope ACCESS_DB read;
oauth_client api     { secret $secret; grants client_credentials; scope read write; }
oauth_client backend { secret $secret; grants client_credentials; scope ACCESS_DB; act_for_users on; }
CONF

sub form_post {
    my ($fields, %args) = @_;
    my $response = $story->redeem(undef, origin => undef, type => 'application/x-www-form-urlencoded',
        body => ref $fields ? OAuth::Story::query(%$fields) : $fields, %args);
    return $response;
}

sub json_post {
    my (%members) = @_;
    return $story->redeem(undef, origin => undef, body => encode_json({ map { $_ => $members{$_} }
        grep { defined $members{$_} } keys %members }));
}

sub claims { return decode_json(decode_base64url((split /\./, $_[0])[1])) }
sub basic { return (Authorization => 'Basic ' . encode_base64("$_[0]:$_[1]", '')) }

subtest 'every grant, in either shape, by every kind of client' => sub {
    my %dexie = (
        authorization_code => sub { return (code => $story->code, public_key => OAuth::Story::client_key()) },
        refresh_token      => sub {
            my $tokens = $story->redeem($story->code, origin => undef)->{json};
            $tokens = $story->redeem($story->code(redirect_uri => 'myapp://x'), origin => undef)->{json};
            my $stamp = int(Time::HiRes::time() * 1000);
            return (refresh_token => $tokens->{refreshToken}, time_stamp => $stamp,
                signing_algorithm => 'RSASSA-PKCS1-v1_5',
                signature => OAuth::Client::sign("$tokens->{refreshToken}$stamp"));
        },
        demo => sub { return (demo_user => 'alice@example.com', public_key => OAuth::Story::client_key()) },
        otp  => sub { return (email => 'alice@example.com') },
        client_credentials => sub { return () },
    );
    my %clients = (
        'the Dexie client' => [], 'an unknown client' => [client_id => 'nobody', client_secret => $secret],
        'a client' => [client_id => 'api', client_secret => $secret],
        'one that acts for users' => [client_id => 'backend', client_secret => $secret],
    );
    # What each comes to: Dexie's own grants never ask who the client is, client_credentials always
    # does; a form is for registered clients, and none is registered for anything else.
    my $cases = 0;
    for my $grant (sort keys %dexie) {
        for my $who (sort keys %clients) {
            my %client = @{ $clients{$who} };
            my $known = ($client{client_id} || 'nobody') ne 'nobody';
            my %asked = (grant_type => $grant, $dexie{$grant}->(), %client);
            $asked{origin} = $app if $grant eq 'authorization_code';
            my $origin = delete $asked{origin};

            my $in_json = $story->redeem(undef, origin => $origin, body => encode_json(\%asked));
            my $wanted = $grant eq 'otp' ? '400 error' : $grant eq 'client_credentials' && !$known ? '401 error' : '200 tokens';
            is "$in_json->{status} $in_json->{json}{type}", $wanted, "$grant in JSON by $who: $wanted";

            my %again = (grant_type => $grant, $dexie{$grant}->(), %client);
            my $in_form = form_post(\%again, origin => $origin);
            my $error = $in_form->{json}{error} || 'tokens';
            $wanted = $grant eq 'otp' || $grant eq 'demo' ? '400 unsupported_grant_type'
                : !$known ? '401 invalid_client'
                : $grant eq 'client_credentials' ? '200 tokens' : '400 unauthorized_client';
            is "$in_form->{status} $error", $wanted, "  as a form: $wanted";
            if ($grant eq 'authorization_code') {
                is $story->redeem($again{code})->{status}, 200, '  which has not burnt the code';
            }
            $cases += 2;
        }
    }
    is $cases, 5 * 2 * 4, 'grants x shapes x clients';
};

subtest 'a client gets tokens for itself' => sub {
    my $reply = form_post({ grant_type => 'client_credentials', client_id => 'api', client_secret => $secret });
    is $reply->{status}, 200, 'with its secret in the body';
    is header($reply, $_->[0]), $_->[1], "$_->[0]: $_->[1]"
        for ['content-type', 'application/json'], ['cache-control', 'no-store'], ['pragma', 'no-cache'];
    my $claims = claims($reply->{json}{access_token});
    is_deeply [@$claims{qw(sub client_id scope)}], ['client:api', 'api', 'read write'], 'they name the client';
    ok !exists $reply->{json}{refresh_token}, 'there is no refresh token (RFC 6749 4.4.3)';
    is $reply->{json}{expires_in}, 3600, 'seconds, not milliseconds';
    my $again = form_post({ grant_type => 'client_credentials', scope => 'write admin' }, headers => [basic(api => $secret)]);
    is claims($again->{json}{access_token})->{scope}, 'write', 'with the secret in a header, and narrower';
    my $entry = $story->nginx->get('/api/', headers => [Authorization => "Bearer $reply->{json}{access_token}"]);
    is "$entry->{status} $entry->{body}", '200 client:api', 'the backend hears who calls';
};

# req 034, 035, 036, 037, 053
subtest 'what is wrong with a form is said as RFC 6749 says it' => sub {
    my $good = "grant_type=client_credentials&client_id=api&client_secret=$secret";
    my @cases = (
        ['a wrong secret', "grant_type=client_credentials&client_id=api&client_secret=x", [], 401, 'invalid_client'],
        ['no secret', 'grant_type=client_credentials&client_id=api', [], 401, 'invalid_client'],
        ['a wrong secret in the header', 'grant_type=client_credentials', [basic(api => 'x')], 401, 'invalid_client'],
        ['two ways at once', $good, [basic(api => $secret)], 400, 'invalid_request'],
        ['a parameter twice', "$good&client_id=api", [], 400, 'invalid_request'],
        ['no grant', "client_id=api&client_secret=$secret", [], 400, 'invalid_request'],
        ['an unknown grant', "$good&x=1" =~ s/client_credentials/password/r, [], 400, 'unsupported_grant_type'],
        ['a scope of others', "$good&scope=ACCESS_DB", [], 400, 'invalid_scope'],
        ['a bad percent sequence', 'grant_type=%zz', [], 400, 'invalid_request'],
        ['NUL', "$good&scope=%00", [], 400, 'invalid_request'],
        ['nothing at all', '', [], 400, 'invalid_request'],
        ['separators', '&&&=&', [], 400, 'invalid_request'],
        ['ten thousand parameters', join('&', map { "p$_=1" } 1 .. 8000), [], 400, 'invalid_request'],
    );
    for my $case (@cases) {
        my ($what, $body, $headers, $status, $error) = @$case;
        my $reply = form_post($body, headers => $headers);
        is "$reply->{status} $reply->{json}{error}", "$status $error", $what;
        like $reply->{json}{error_description}, qr/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, '  in plain words';
    }
    my $basic = form_post('grant_type=client_credentials', headers => [basic(api => 'x')]);
    is header($basic, 'www-authenticate'), 'Basic realm="' . $story->base . '"', 'who used the header is told so';
    my $query = $story->redeem(undef, origin => undef, target => "/token?$good", type => 'application/x-www-form-urlencoded', body => '');
    is $query->{status}, 400, 'nothing is read from the URL';
};

subtest 'a backend gets tokens for its users' => sub {
    my %ask = (grant_type => 'client_credentials', client_id => 'backend', client_secret => $secret, scopes => ['ACCESS_DB']);
    my $reply = json_post(%ask, public_key => OAuth::Story::client_key(),
        claims => { sub => 'user-17', email => 'u@example.com', name => 'U' });
    is $reply->{status}, 200, 'in Dexie\'s shape';
    is_deeply [@{ $reply->{json}{claims} }{qw(sub email name license)}], ['user-17', 'u@example.com', 'U', 'ok'], 'they name the user';
    ok $reply->{json}{refreshToken}, 'the user\'s own key refreshes them';
    is claims($reply->{json}{accessToken})->{client_id}, 'backend', 'and say which client got them';
    my $refused = json_post(%ask, client_id => 'api', scopes => ['read'], claims => { sub => 'user-17' });
    $story->is_refusal($refused, 400, 'client_subject_refused', 'a client that may not act for users is refused', origin => undef);
    $refused = json_post(%ask, claims => { sub => 'client:api' });
    $story->is_refusal($refused, 400, 'client_subject_refused', 'nobody is named as a client', origin => undef);
};

$story->stop;
done_testing;
