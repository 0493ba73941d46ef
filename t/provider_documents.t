# What a provider says of itself: metadata and keys that are wrong are refused, not asked for again
# and again, and a provider that mends its ways is believed after a while, on the same worker.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use File::Path qw(make_path);

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

# A good provider's metadata, changed: a value (undef: without it), or the text in its place.
my %bad_metadata = (
    'html'            => '<html>',
    'empty'           => '',
    'list'            => '[]',
    'truncated'       => '{"issuer":',
    'twice'           => '{"issuer":"x","issuer":"x"}',
    'huge'            => '{"x":"' . 'x' x 300_000 . '"}',
    'huger'           => ' ' x 1_100_000,
    # req 067
    'issuer-other'    => { issuer => 'https://evil.test' },
    'issuer-slash'    => { issuer => sub { "$_[0]/" } },
    'issuer-case'     => { issuer => sub { uc $_[0] } },
    'issuer-list'     => { issuer => sub { [$_[0]] } },
    'issuer-none'     => { issuer => undef },
    'no-authorize'    => { authorization_endpoint => undef },
    'no-token'        => { token_endpoint => undef },
    'no-jwks'         => { jwks_uri => undef },
    # req 068
    'http-authorize'  => { authorization_endpoint => 'http://id.example.com/authorize' },
    'http-token'      => { token_endpoint => 'http://id.example.com/token' },
    'http-jwks'       => { jwks_uri => 'http://id.example.com/jwks' },
    'http-userinfo'   => { userinfo_endpoint => 'http://id.example.com/userinfo' },
    'link-local'      => { token_endpoint => 'https://169.254.169.254/latest/meta-data' },
    'link-local-keys' => { jwks_uri => 'https://169.254.169.254/' },
    'link-local-user' => { userinfo_endpoint => 'https://169.254.169.254/' },
    'link-local-6'    => { token_endpoint => 'https://[fe80::1]/token' },
    'private-ip'      => { token_endpoint => 'https://10.0.0.1/token' },
    'mapped-ip'       => { token_endpoint => 'https://[::ffff:10.0.0.1]/token' },
    'odd-ip'          => { token_endpoint => 'https://2130706433/token' },
    'other-loopback'  => { token_endpoint => 'https://localhost/token' },
    'file'            => { jwks_uri => 'file:///etc/passwd' },
    'script'          => { authorization_endpoint => 'javascript:alert(1)' },
    'custom'          => { authorization_endpoint => 'myapp://authorize' },
    'userinfo-in-url' => { token_endpoint => 'https://a:b@id.example.com/token' },
    'fragment'        => { token_endpoint => 'https://id.example.com/token#x' },
    'relative'        => { token_endpoint => '/token' },
    'number'          => { token_endpoint => 1 },
    'crlf'            => { token_endpoint => "https://id.example.com/\r\nX: y" },
    'alg-none'        => { id_token_signing_alg_values_supported => ['none'] },
    'alg-hmac'        => { id_token_signing_alg_values_supported => ['HS256', 'HS512'] },
);
# A good provider's keys, changed: by a function, or the text in their place.
my %bad_keys = (
    'keys-gone'       => undef,
    'keys-html'       => '<html>',
    'keys-none'       => '{"keys":[]}',
    'keys-object'     => '{"keys":{}}',
    'keys-nothing'    => '{}',
    'keys-huge'       => '{"keys":[],"x":"' . 'x' x 1_100_000 . '"}',
    'keys-unknown'    => sub { $_->{kty} = 'XYZ' for @_; @_ },
    'keys-other-kind' => sub { $_->{kty} = $_->{kty} eq 'RSA' ? 'EC' : 'RSA' for @_; @_ },
    'keys-encrypting' => sub { $_->{use} = 'enc' for @_; @_ },
    'keys-secret'     => sub { map { +{ kty => 'oct', kid => $_->{kid}, k => 'A' x 43 } } @_ },
);

my $refusals = 'discovery_refused|fetch_too_large';
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my @bad_places = qw(cut redirected redirected-for-good);
my @names = (sort(keys %bad_metadata), sort(keys %bad_keys), @bad_places, 'plain');
my $story = OAuth::Story->new(
    idp  => $idp,
    knobs => { redirect_uris => undef },
    http => join('', map { provider($_) } @names) . <<'CONF',
server {
    listen 127.0.0.1:%%PORT2%%;
    root %%DIR%%/documents;
    default_type application/json;
    types { }
    access_log %%DIR%%/documents.log;
    # Where something better is to be had: nobody must go there.
    location = /redirected/.well-known/openid-configuration { return 302 /plain/.well-known/openid-configuration; }
    location = /redirected-for-good/.well-known/openid-configuration { return 301 http://169.254.169.254/; }
    location = /cut/.well-known/openid-configuration { return 444; }
}
CONF
);
publish($_, metadata($_, $bad_metadata{$_})) for grep { $_ ne 'plain' } @names;
publish('plain', metadata('plain', { authorization_response_iss_parameter_supported => JSON::PP::false }));
$story->start;
publish_keys($_, $bad_keys{$_}) for keys %bad_keys;
publish_keys('plain', sub { @_ });

subtest 'metadata that is wrong is refused' => sub {
    for my $name (sort keys %bad_metadata) {
        my $response = $story->login(name => $name)->{response};
        is $response->{status}, 502, $name;
        ok !defined header($response, $_), "without $_" for qw(location set-cookie);
        like $story->told('login'), qr/^login refused: (?:$refusals)$/, 'which the log says';
        my $again = $story->login(name => $name)->{response};
        is $again->{status}, 503, 'a moment later it is not tried again';
        like header($again, 'retry-after'), qr/^\d+$/, 'but said when to try';
        is asked("$name/.well-known/openid-configuration"), 1, 'the provider was asked once';
    }
    is scalar(() = documents_log() =~ m{ /[^/]+/jwks }g), 0, 'and nobody for keys';
};

# req 068
subtest 'metadata that is elsewhere is not looked for there' => sub {
    for my $name (@bad_places) {
        is $story->login(name => $name)->{response}{status}, 502, $name;
        like $story->told('login'), qr/^login refused: (?:discovery_refused|fetch_failed)$/, 'which the log says';
        is asked("$name/.well-known/openid-configuration"), 1, 'the provider was asked once';
    }
    is asked('plain/.well-known/openid-configuration'), 0, 'and nobody else';
};

subtest 'keys that are wrong are refused' => sub {
    for my $name (sort keys %bad_keys) {
        my $response = $story->finish(reach($name));
        is $response->{status}, 502, $name;
        ok !defined header($response, 'location'), 'no code comes out';
        like $story->told('callback'), qr/^callback refused: (?:$refusals), provider \Q$name\E$/, 'which the log says';
        is $story->finish(reach($name))->{status}, 502, 'a moment later too';
        is $story->told('callback'), "callback refused: claim_lost (discovery_cooling), provider $name",
            'without another try';
        is asked("$name/jwks"), 1, 'the provider was asked once';
    }
    $idp->set(id_token => {});
};

# req 061: where the provider does not say that it sends `iss`, none is needed
subtest 'a plain provider works' => sub {
    ok signs_in('plain', authorize => { iss => JSON::PP::false }), 'without iss in the callback';
    my $login = reach('plain', authorize => { iss => 'https://evil.test' });
    is $story->finish($login)->{status}, 400, 'but a wrong one is refused';
    $idp->set(id_token => {});
};

# req 121 122
subtest 'keys that change' => sub {
    ok $story->code, 'a login works';
    is $idp->requests('jwks'), 1, 'the keys were fetched';
    $idp->command('rotate');
    my $response = $story->finish($story->reach);
    is "$response->{status} " . $story->told('callback'),
        '502 callback refused: id_token_refused (token_key_unknown), provider acme',
        'so soon after, an unknown key is not looked for';
    is $idp->requests('jwks'), 1, 'nobody is asked';
};

subtest 'who mends his ways is believed' => sub {
    publish($_, metadata($_, {})) for keys %bad_metadata, keys %bad_keys;
    publish_keys($_, sub { @_ }) for keys %bad_metadata, keys %bad_keys;
    my ($last) = reverse sort keys %bad_keys;
    ok wait_until { signs_in($last) }, "after the cool-down $last works";
    ok signs_in($_), $_ for grep { $_ ne $last } sort keys %bad_metadata, keys %bad_keys;
};

subtest 'new keys are found, once' => sub {
    ok wait_until { $story->code }, 'after the cool-down the new key is found';
    is $idp->requests('jwks'), 2, 'by one request';
    $idp->set(id_token => { header => { kid => 'nosuch' } });
    is $story->finish($story->reach)->{status}, 502, 'a key that nobody has is not' for 1 .. 3;
    is $idp->requests('jwks'), 2, 'and not looked for at every login';
    $idp->set(id_token => {});
    ok $story->code, 'which harms nobody else';
    is $idp->requests('discovery'), 1, 'the metadata was fetched once in all this time';
};

$story->stop;
done_testing;

sub provider {
    my ($name) = @_;
    return OAuth::Story::block($name, type => 'oidc', issuer => "http://127.0.0.1:%%PORT2%%/$name",
        client_id => $idp->client_id,
        client_secret => $idp->client_secret);
}

sub issuer { return 'http://127.0.0.1:' . $story->nginx->port(2) . "/$_[0]" }

sub metadata {
    my ($name, $change) = @_;
    return $change if defined $change && !ref $change;
    my $issuer = issuer($name);
    my $at = $idp->issuer;
    my %metadata = (
        issuer => $issuer, authorization_endpoint => "$at/authorize", token_endpoint => "$at/token",
            userinfo_endpoint => "$at/userinfo",
        jwks_uri => "$issuer/jwks", authorization_response_iss_parameter_supported => JSON::PP::true,
    );
    for my $member (keys %{ $change || {} }) {
        my $value = $change->{$member};
        $metadata{$member} = ref $value eq 'CODE' ? $value->($metadata{$member}) : $value;
        delete $metadata{$member} if !defined $value;
    }
    return encode_json(\%metadata);
}

sub publish {
    my ($name, $text) = @_;
    my $folder = $story->nginx->dir . "/documents/$name/.well-known";
    make_path($folder);
    return spew("$folder/openid-configuration", $text);
}

sub publish_keys {
    my ($name, $change) = @_;
    my $file = $story->nginx->dir . "/documents/$name/jwks";
    return unlink $file if !defined $change;
    my $text = ref $change ? encode_json({ keys => [$change->(@{ $idp->command('keys')->{keys} })] }) : $change;
    return spew($file, $text);
}

# The one lying provider speaks for all of these issuers.
sub reach {
    my ($name, %knobs) = @_;
    my $issuer = issuer($name);
    $idp->set(authorize => { iss => $issuer }, id_token => { claims => { iss => $issuer } }, %knobs);
    my $login = $story->login(name => $name);
    $login->{back} = $story->visit($login) if $login->{url};
    $idp->set(authorize => { iss => JSON::PP::true });
    return $login;
}

sub signs_in {
    my ($name, %knobs) = @_;
    my $login = reach($name, %knobs);
    my $answer = $login->{back} ? $story->answer($story->finish($login)) : undef;
    $idp->set(id_token => {});
    return $answer && $answer->{code};
}

sub documents_log { return slurp($story->nginx->dir . '/documents.log') }
sub asked { my ($path) = @_; return scalar(() = documents_log() =~ m{"GET /\Q$path\E }g) }
