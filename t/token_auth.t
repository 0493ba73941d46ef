# How the broker proves at a token endpoint that it is the client: in the one way that is configured,
# and in no other.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my %forge = map { $_ => OAuth::Forge->new(generate => $_) } qw(ES256 ES384 RS256 EdDSA);
my %keyed = (client_secret => undef, token_auth => 'private_key_jwt');
my $odd = 'p%40ss:w+rd&=?"\\/';
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp, also => {
    basic  => { token_auth => 'basic' },
    odd    => { client_secret => q{'} . $odd =~ s/\\/\\\\/r . q{'} },
    post   => { token_auth => 'post' },
    none   => { token_auth => 'none', client_secret => undef },
    silent => { client_secret => undef },
    (map { lc $_ => { %keyed, private_key => $forge{$_}{key} } } keys %forge),
    named  => { %keyed, private_key => "$forge{ES256}{key} kid=my-key" },
    ps256  => { %keyed, private_key => "$forge{RS256}{key} alg=PS256" },
    short  => { client_secret => undef, private_key => $forge{ES256}{key} },
})->start;

my %exchange = (qw(grant_type 1 code 1 redirect_uri 1 code_verifier 1));

subtest 'a secret by Basic' => sub {
    $idp->set(token_auth => 'client_secret_basic');
    for my $name (qw(acme basic)) {
        my ($headers, $form) = request($name);
        is $headers->{authorization}, 'Basic ' . MIME::Base64::encode_base64('app:' . $idp->client_secret, ''), $name;
        is_deeply [sort keys %$form], [sort keys %exchange], 'and nothing of it in the body';
    }
    $idp->set(client_secret => $odd);
    my ($headers) = request('odd');
    is MIME::Base64::decode_base64($headers->{authorization} =~ s/^Basic //r), 'app:' . url_encode($odd),
        'RFC 6749 2.3.1: encoded as in a form';
    $idp->set(client_secret => $idp->client_secret);
};

subtest 'a secret in the body' => sub {
    $idp->set(token_auth => 'client_secret_post');
    my ($headers, $form) = request('post');
    is $headers->{authorization}, undef, 'there is no header';
    is_deeply [sort keys %$form], [sort keys %exchange, qw(client_id client_secret)], 'it is in the body';
};

subtest 'no secret at all' => sub {
    $idp->set(token_auth => 'none');
    for my $name (qw(none silent)) {
        my ($headers, $form) = request($name);
        is $headers->{authorization}, undef, "$name: there is no header";
        is_deeply [sort keys %$form], [sort keys %exchange, 'client_id'], 'and only the name in the body';
    }
};

# req 070, RFC 7523 3
subtest 'a key' => sub {
    my %case = (es256 => 'ES256', es384 => 'ES384', rs256 => 'RS256', eddsa => 'EdDSA', named => 'ES256',
        ps256 => 'PS256', short => 'ES256');
    for my $name (sort keys %case) {
        my $alg = $case{$name};
        my $forge = $forge{ $alg eq 'PS256' ? 'RS256' : $alg };
        $idp->set(token_auth => 'private_key_jwt', client_alg => $alg, client_key => $forge->public_pem);
        my ($headers, $form) = request($name);
        is $headers->{authorization}, undef, "$name: there is no header";
        is_deeply [sort keys %$form], [sort keys %exchange, qw(client_assertion client_assertion_type client_id)],
            'an assertion is in the body, and no secret';
        my ($header, $claims) = map { decode_json(decode_base64url($_)) } (split /\./, $form->{client_assertion})[0, 1];
        is $header->{alg}, $alg, 'signed as configured';
        is $header->{kid}, $name eq 'named' ? 'my-key' : $forge->kid, 'the key is named' if $alg !~ /EdDSA|ES384/;
        is_deeply [@$claims{qw(iss sub aud)}], ['app', 'app', $idp->issuer . '/token'], 'by us, of us, for this endpoint';
        cmp_ok $claims->{exp} - $claims->{iat}, '<=', 300, 'for minutes';
        my (undef, $next) = request($name);
        isnt $next->{client_assertion}, $form->{client_assertion}, 'and never again';
    }
    $idp->set(client_key => OAuth::Forge->new(generate => 'ES256')->public_pem);
    is $story->code(name => 'es256'), undef, 'a key that is not registered';
    is $story->told('callback'), 'callback refused: exchange_client_refused, provider es256', 'is for the operator to mend';
    $idp->pardon;
};

subtest 'a way that the provider does not take' => sub {
    my %way = (acme => 'client_secret_post', post => 'client_secret_basic', none => 'client_secret_basic', es256 => 'none');
    for my $name (sort keys %way) {
        $idp->set(token_auth => $way{$name});
        $idp->forget;
        is $story->code(name => $name), undef, "$name at one that wants $way{$name}";
        is $story->told('callback'), "callback refused: exchange_client_refused, provider $name", 'which the log says';
        is $idp->requests('token'), 1, 'no other is tried';
    }
    $idp->pardon;
};

$story->stop;

subtest 'a certified provider takes them all' => sub {
    my $absent = OAuth::Idp->missing;
    plan skip_all => $absent if $absent;
    my $certified = OAuth::Idp->new;
    my %way = (basic => ['app'], post => ['app-post', token_auth => 'post'],
        public => ['app-public', token_auth => 'none', client_secret => undef],
        map { lc $_ => ['app-key', %keyed, private_key => $forge{$_}{key}] } qw(ES256 RS256));
    my %also = map { my ($id, @members) = @{ $way{$_} }; ($_ => { client_id => $id, @members }) } keys %way;
    my $all = OAuth::Story->new(idp => $certified, also => \%also, knobs => { auto => 1 })->start;
    for my $name (sort keys %way) {
        my $forge = $forge{ uc $name };
        $certified->set(client_keys => [$forge ? { %{ $forge->jwk }, kid => $forge->kid, use => 'sig' } : ()]);
        ok $all->code(name => $name), $name or diag $all->told('callback'), $certified->log;
    }
    $all->stop;
};

done_testing;

# What the token endpoint got in a login that works: headers and form.
sub request {
    my ($name) = @_;
    $idp->forget;
    $idp->pardon;
    ok $story->code(name => $name), "$name: a login works" or diag $story->told('callback'), $idp->complaints;
    is_deeply [$idp->complaints], [], 'without a complaint';
    my ($request) = $idp->log_of('token');
    return ($request->{headers}, query_of("?$request->{body}"));
}
