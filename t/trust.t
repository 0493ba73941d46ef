# Locations that believe tokens of others: several issuers at once, each with its own keys, audience,
# algorithms and kinds of token, and users that cannot be taken for each other.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Demo;

my %url = (a => 'https://a.example/', b => 'https://b.example', c => 'https://c.example', d => 'https://d.example', e => 'https://e.example');
my %forge = (
    a => OAuth::Forge->new(generate => 'ES256', kid => 'shared', claims => { iss => $url{a}, aud => 'api', sub => 'u1' }),
    b => OAuth::Forge->new(generate => 'ES256', kid => 'shared', claims => { iss => $url{b}, aud => 'api', sub => 'u1' }),
    c => OAuth::Forge->new(generate => 'RS256', claims => { iss => $url{c}, sub => 'demo:alice' }),
    d => OAuth::Forge->new(generate => 'EdDSA', kid => 'd', claims => { iss => $url{d}, aud => ['x', 'api-2'], sub => 'u1' }),
    e => OAuth::Forge->new(generate => 'ES256', kid => 'mac', alg => 'HS256', claims => { iss => $url{e}, aud => 'api', sub => 'u1' }),
);
my $secret = 's3cret' x 8;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<"HTTP");
oauth_provider demo { type demo; user alice\@demo.local Alice; }
oauth_clock_skew 5s;
log_format seen '\$request_uri';
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_trust $url{a} { jwks_file a.json; audience api other; subject_prefix a; }
    oauth_trust $url{b} { jwks_file b.json; audience api; subject_prefix b; algorithms ES256; require_typ at+jwt; }
    oauth_trust $url{c} { jwks_file c.json; audience any; subject_prefix off; }
    oauth_trust $url{d} { jwks_file d.json; audience api-1 api-2; subject_prefix d; algorithms RS256 EdDSA; }
    oauth_trust $url{e} { jwks_file e.json; audience api; subject_prefix e; algorithms HS256; }
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-Sub \$oauth_sub;
        proxy_set_header X-Rest "\$oauth_issuer \$oauth_provider";
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "\$http_x_sub \$http_x_rest"; }
}
server {    # a broker beside another issuer
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%;
    oauth_allow_origin https://app.example.com;
    oauth_audience one;
    oauth_trust $url{a} { jwks_file a.json; audience api; subject_prefix a; }
    location /api/ {
        oauth_protect bearer;
        oauth_expired_grace 10m;
        proxy_set_header X-Sub \$oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {    # one that names that broker
    listen 127.0.0.1:%%PORT3%%;
    oauth_trust http://localhost:%%PORT2%% {}
    location /api/ {
        oauth_protect bearer;
        oauth_expired_grace 10m;
        proxy_set_header X-Sub \$oauth_sub;
        proxy_set_header X-Rest "\$oauth_issuer \$oauth_provider";
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
HTTP
for my $name (qw(a b c d)) {
    spew($nginx->dir . "/$name.json", OAuth::Forge::json({ keys => [{ %{ $forge{$name}->jwk }, kid => $forge{$name}->kid }] }));
}
spew($nginx->dir . '/e.json', OAuth::Forge::json({ keys => [{ kty => 'oct', kid => 'mac', alg => 'HS256', k => encode_base64url($secret) }] }), 0600);
$nginx->start;

subtest 'each issuer is believed by its own rules' => sub {
    accepted('a', $forge{a}->token, "a:u1 $url{a} a");
    accepted('b', $forge{b}->token, "b:u1 $url{b} b");
    accepted('c, without a prefix: no provider', $forge{c}->token, "demo:alice $url{c}");
    accepted('d', $forge{d}->token, "d:u1 $url{d} d");
    accepted('e, by a shared secret', $forge{e}->token(secret => $secret), "e:u1 $url{e} e");
    refused('an issuer that nobody named', $forge{a}->token(claims => { iss => 'https://x.example' }), 'token_issuer_wrong');
    # req 114
    refused("iss $_->[0]", $forge{a}->token(claims => { iss => $_->[1] }), 'token_issuer_wrong')
        for ['without its slash', 'https://a.example'], ['in capitals', 'https://A.example/'], ['as a list', [$url{a}]], ['absent', undef], ['with more', "$url{a}x"];
};

# req 124
subtest 'keys are never looked up across issuers' => sub {
    for my $case (['a', 'b', 'signature_wrong'], ['b', 'a', 'signature_wrong'], ['a', 'c', 'key_unknown'], ['c', 'a', 'key_unknown'], ['d', 'a', 'alg_refused'], ['a', 'd', 'key_unknown']) {
        my ($name, $other, $reason) = @$case;
        refused("a token of $name signed by the key of $other", $forge{$other}->token(claims => { iss => $url{$name}, aud => 'api' }, header => { kid => $forge{$name}->kid, typ => 'at+jwt' }), "token_$reason");
    }
    refused('a token of a with the kid of the same name, signed by b', $forge{b}->token(claims => { iss => $url{a} }), 'token_signature_wrong');
    refused('and the other way round', $forge{a}->token(claims => { iss => $url{b} }), 'token_signature_wrong');
    accepted('which harms nobody', $forge{a}->token, "a:u1 $url{a} a");
};

# req 114
subtest 'the audience is one of those named' => sub {
    accepted('the second name', $forge{a}->token(claims => { aud => 'other' }), "a:u1 $url{a} a");
    accepted('one of a list', $forge{a}->token(claims => { aud => ['x', 'api'] }), "a:u1 $url{a} a");
    refused("aud $_->[0]", $forge{a}->token(claims => { aud => $_->[1] }), 'token_audience_wrong')
        for ['absent', undef], ['another', 'api-1'], ['in capitals', 'API'], ['empty', ''], ['an empty list', []], ['nested', [['api']]], ['the word any', 'any'];
    accepted('whatever it is where the operator said so', $forge{c}->token(claims => { aud => 'anything' }), "demo:alice $url{c}");
};

# req 115
subtest 'the kind of token' => sub {
    accepted("typ " . ($_ // 'absent'), $forge{a}->token(header => { typ => $_ }), "a:u1 $url{a} a") for undef, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt';
    refused("typ $_", $forge{a}->token(header => { typ => $_ }), 'token_typ_refused') for qw(id+jwt logout+jwt dpop+jwt secevent+jwt at jose);
    refused("typ " . ($_ // 'absent') . ' where at+jwt is required', $forge{b}->token(header => { typ => $_ }), 'token_typ_refused') for undef, 'JWT';
    refused("a token with $_", $forge{a}->token(claims => { $_ => 'x' }), 'token_kind_refused') for qw(nonce events cnf);
};

# req 107
subtest 'the algorithm is one of those named, and its key carries it' => sub {
    refused('ES256 by a key of RSA', $forge{c}->token(header => { alg => 'ES256' }), 'token_key_unknown');
    refused('PS256 where RS256 and EdDSA are named', $forge{c}->token(alg => 'PS256', claims => { iss => $url{d}, aud => 'api-1' }), 'token_alg_refused');
    refused('HS256 by the public key', $forge{a}->token(alg => 'HS256', secret => $forge{a}->public_pem), 'token_alg_refused');
    refused('HS256 with another secret', $forge{e}->token(secret => 'x' x 48), 'token_signature_wrong');
    refused('HS256 with an empty secret', $forge{e}->token(secret => ''), 'token_signature_wrong');
    refused('HS384 by the same secret', $forge{e}->token(alg => 'HS384', secret => $secret), 'token_alg_refused');
    refused('ES256 where HS256 is named', $forge{a}->token(claims => { iss => $url{e} }), 'token_alg_refused');
};

subtest 'time' => sub {
    my $now = time;
    accepted('a moment past exp, within oauth_clock_skew', $forge{a}->token(claims => { exp => $now - 1 }), "a:u1 $url{a} a");
    refused('longer past it', $forge{a}->token(claims => { exp => $now - 6 }), 'token_expired');
    refused('exp absent', $forge{a}->token(claims => { exp => undef }), 'token_time_malformed');
    is ask($forge{a}->token(claims => { exp => $now - 60 }), 2)->{status}, 401, 'oauth_expired_grace is not for others';
    is ask(own(exp => $now - 60), 2)->{status}, 200, 'but for the broker of the server';
    is ask(own(exp => $now - 60), 3)->{status}, 401, 'and no other';
};

subtest 'a broker of the same NGINX is named by an empty block' => sub {
    my $token = OAuth::Demo->new($nginx, port => 2)->sign_in->{access_token};
    is ask($token, 2)->{status}, 200, 'its token is good at home';
    my $response = ask($token, 3);
    is "$response->{status} $response->{body}", '200 demo:alice@demo.local http://localhost:' . $nginx->port(2) . ' demo', 'and where it is named';
    is ask($token)->{status}, 401, 'but nowhere else';
    is ask(own(aud => 'two'), 3)->{status}, 401, 'its audience counts there too';
    is ask(own(), 3)->{status}, 200, 'which is checked by one that fits';
    is ask($forge{a}->token, 3)->{status}, 401, 'it brings nobody along';
    is ask($forge{a}->token, 2)->{status}, 200, 'who stands beside a broker is believed there';
};

subtest 'the challenge names the first issuer' => sub {
    my $response = $nginx->get('/api/x');
    is "$response->{status} " . header($response, 'WWW-Authenticate'), qq(401 Bearer realm="$url{a}"), 'of a server without a broker';
    $response = $nginx->get('/api/x', port => 2);
    is header($response, 'WWW-Authenticate'), 'Bearer realm="http://localhost:' . $nginx->port(2) . '"', 'a broker comes first';
};

$nginx->stop;
done_testing;

sub own {
    my (%claims) = @_;
    my $issuer = 'http://localhost:' . $nginx->port(2);
    return OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => 'one', sub => 'demo:alice', %claims })->token;
}

sub ask {
    my ($token, $port) = @_;
    return $nginx->get('/api/x', port => $port || 0, headers => [Authorization => "Bearer $token"]);
}

sub accepted {
    my ($name, $token, $told) = @_;
    my $response = ask($token);
    return is "$response->{status} $response->{body}", "200 $told", "$name is accepted";
}

# The answer tells nothing, the log the reason, the upstream hears nothing.
sub refused {
    my ($name, $token, $reason) = @_;
    my $before = -s $nginx->dir . '/upstream.log' || 0;
    my $response = ask($token);
    my ($told) = (grep { /oauth: request refused/ } split /\n/, $nginx->error_log)[-1] =~ /refused: ([a-z_]+)/;
    my $seen = (-s $nginx->dir . '/upstream.log' || 0) - $before;
    return is "$response->{status} $told $seen", "401 $reason 0", "$name is refused";
}
