# The token endpoint's doors: what is no request of the contract is refused in the contract's own
# shape, with CORS, and burns no code.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $app = $OAuth::Story::APP;
my $story = OAuth::Story->new->start;    # type demo, one worker
my $code = $story->code;                 # outlives everything in here

# dexie-contract 4, req 033
subtest 'what tokens come with' => sub {
    my $response = $story->redeem($story->code);
    is $response->{status}, 200, 'a code is redeemed';
    is header($response, 'content-type'), 'application/json', 'as JSON';
    is header($response, 'cache-control'), 'no-store', 'never stored';
    is header($response, 'pragma'), 'no-cache', 'not even by the oldest cache';
    is header($response, 'access-control-allow-origin'), $app, 'for the application';
    is header($response, 'vary'), 'Origin', 'and no other';
    ok !defined header($response, $_), "without $_" for qw(access-control-allow-credentials set-cookie location);
    is_deeply [sort keys %{ $response->{json} }],
        [qw(accessToken accessTokenExpiration claims refreshToken refreshTokenExpiration type userType)],
        'with all members of the contract';
    my $nobody = $story->redeem($story->code(redirect_uri => 'myapp://x'), origin => undef);
    is $nobody->{status}, 200, 'without Origin too';
    ok !defined header($nobody, 'access-control-allow-origin'), 'then for no web site';
};

subtest 'a preflight' => sub {
    my $ask = sub {
        my (@headers) = @_;
        return $story->nginx->options('/token',
            headers => ['Access-Control-Request-Method' => 'POST', 'Access-Control-Request-Headers' => 'content-type',
                @headers]);
    };
    my $response = $ask->(Origin => $app);
    is $response->{status}, 204, 'is answered';
    is header($response, 'access-control-allow-origin'), $app, 'for the application';
    is header($response, 'access-control-allow-methods'), 'POST', 'POST';
    is header($response, 'access-control-allow-headers'), 'content-type', 'with a content type';
    is header($response, 'vary'), 'Origin', 'and told apart by caches';
    ok !defined header($response, 'access-control-allow-credentials'), 'without cookies';
    for my $headers ([Origin => 'https://evil.test'], [Origin => 'null'], [Origin => "$app.evil.test"],
        [Origin => $app, Origin => $app], []) {
        my $refused = $ask->(@$headers);
        is_deeply [grep { /^access-control-/i } map { $_->[0] } @{ $refused->{headers} }], [],
            "opens nothing for '@$headers'";
    }
};

# req 034
subtest 'only POST, and only its body' => sub {
    my $query = form(grant_type => 'authorization_code', code => $code, public_key => OAuth::Story::client_key());
    for my $method (qw(GET HEAD PUT DELETE PATCH)) {
        my $response = $story->nginx->request($method => "/token?$query", headers => [Origin => $app]);
        is $response->{status}, 405, "$method is refused";
        is header($response, 'allow'), 'POST, OPTIONS', 'which the answer says';
        is header($response, 'access-control-allow-origin'), $app, 'to the application';
    }
    $story->is_refusal(request('{}', target => "/token?$query"), 400, 'request_malformed',
        'parameters in the URL are not read');
    $story->is_refusal(request('{"grant_type":"authorization_code"}', target => "/token?$query"), 400,
        'public_key_refused',
        'nor added to the body');
    unlike $story->nginx->access_log . $story->nginx->error_log, qr/eyJ/, 'and no token is in a log';
};

subtest 'only JSON' => sub {
    my $json = $story->token_request($code);
    my $form = form(grant_type => 'authorization_code', code => $code, public_key => OAuth::Story::client_key());
    $story->is_refusal(request($json, type => $_), 400, 'content_type_refused', defined $_ ? "'$_'" : 'no content type')
        for undef, '', 'text/plain', 'multipart/form-data; boundary=x', 'application/jsonp', 'application/json+x',
        'text/plain; application/json', 'x application/json', 'application/ json', '*/*',
        'application/json, text/plain';
    is request($_, type => 'application/x-www-form-urlencoded')->{json}{error}, $_ eq $form ? 'invalid_client' : 'invalid_request',
        'a form is what registered clients send' for $form, $json;
    $story->is_refusal(request($form), 400, 'json_invalid', 'a form called JSON');
    for my $type ('application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8',
        ' application/json ') {
        is request($story->token_request($story->code), type => $type)->{status}, 200, "'$type' is JSON";
    }
};

# req 053 155 156
subtest 'a body that is no JSON' => sub {
    my $json = $story->token_request($code);
    my $deep = '[' x 1000 . ']' x 1000;
    my %bad = (
        'nothing' => '', 'white space' => "  \n", 'text' => 'hello', 'truncated' => substr($json, 0, -1),
        'with something behind' => "$json x", 'two in a row' => "$json$json",
        'NUL' => "\0", 'a byte order mark' => "\xef\xbb\xbf$json", 'UTF-16' => join('', map { "$_\0" } split //, $json),
        'what is not UTF-8' => $json =~ s/ACCESS/\xff/r,
        'a lone surrogate' => $json =~ s/ACCESS/\\ud800/r, 'an overlong form' => $json =~ s/ACCESS/\xc0\xaf/r,
        'single quotes' => "{'a':'b'}", 'a comment' => "/**/$json",
        'a trailing comma' => $json =~ s/\}$/,}/r, 'NaN' => $json =~ s/\}$/,"x":NaN}/r,
            'a huge number' => $json =~ s/\}$/,"x":1e999}/r, 'a raw line feed in a string' => $json =~ s/ACCESS/\n/r,
        '1000 levels' => $json =~ s/\}$/,"x":$deep}/r, '1000 levels and nothing else' => $deep,
            '20000 levels, open' => '[' x 20_000, 'a list' => "[$json]", 'null' => 'null', 'a string' => '"x"',
            'a number' => '1',
        'a member twice' => $json =~ s/\}$/,"code":"$code"}/r,
            'a member twice, another spelling' => $json =~ s/\}$/,"co\\u0064e":"x"}/r,
                'twice deep inside' => $json =~ s/\}$/,"x":[{"a":1,"a":2}]}/r,
    );
    $story->is_refusal(request($bad{$_}), 400, 'json_invalid', $_) for sort keys %bad;
};

subtest 'members of the wrong kind' => sub {
    my %bad = (
        'no grant_type' => [grant_type => undef], 'an empty grant_type' => [grant_type => ''],
        'grant_type as a list' => [grant_type => ['authorization_code']], 'code as a number' => [code => 1],
        'code as a list' => [code => [$code]], 'code as an object' => [code => {}],
        'public_key as a list' => [public_key => []], 'code_verifier as a number' => [code_verifier => 1],
        'code_verifier as a list' => [code_verifier => []], 'scopes as text' => [scopes => 'ACCESS_DB'],
        'scopes as an object' => [scopes => {}], 'a number as a scope' => [scopes => ['ACCESS_DB', 1]],
        'a list as a scope' => [scopes => [['ACCESS_DB']]], 'null as a scope' => [scopes => [undef]],
    );
    $story->is_refusal($story->redeem($code, members => { @{ $bad{$_} } }), 400, 'request_malformed',
        $_) for sort keys %bad;
    $story->is_refusal($story->redeem($code, members => { grant_type => $_ }), 400, 'grant_unsupported',
        "grant_type $_")
        for qw(password otp Authorization_Code), 'urn:ietf:params:oauth:grant-type:device_code',
            "authorization_code\n", ' authorization_code';
    is $story->redeem($story->code, members => { intent => 'login', unknown => { a => [1] } })->{status}, 200,
        'what nobody knows is ignored';
};

subtest 'a key that proves nothing' => sub {
    my $pem = OAuth::Story::client_key();
    my %bad = (
        'none' => undef, 'an empty one' => '', 'text' => 'hello', 'not even base64' => $pem =~ s/MII/!!!/r,
        'a private key' => "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        'a certificate' => $pem =~ s/PUBLIC KEY/CERTIFICATE/gr,
        'a truncated one' => $pem =~ s/\n.{64}\n/\n/r, 'two' => "$pem\n$pem",
        'one of 60 KB' => 'A' x 60_000,
        'RSA with 1024 bit' => OAuth::Story::key('RSA', 'rsa_keygen_bits:1024'),
        'RSA with e = 3' => OAuth::Story::key('RSA', 'rsa_keygen_bits:2048', 'rsa_keygen_pubexp:3'),
        'EC' => OAuth::Story::key('EC', 'ec_paramgen_curve:P-256'), 'Ed25519' => OAuth::Story::key('ED25519'),
        'RSA-PSS' => OAuth::Story::key('RSA-PSS', 'rsa_keygen_bits:2048'),
    );
    $story->is_refusal($story->redeem($code, members => { public_key => $bad{$_} }), 400, 'public_key_refused',
        $_) for sort keys %bad;
    is $story->redeem($story->code, members => { public_key => "$pem\n" })->{status}, 200, 'a final newline is no harm';
};

# req 155
subtest 'what is too large' => sub {
    my $limit = 64 * 1024;
    my $json = $story->token_request($code);
    my $padded = sub { my ($size) = @_; return $json . ' ' x ($size - length $json) };
    $story->is_refusal(request($padded->($limit + 1)), 413, 'request_too_large', '64 KiB and a byte');
    $story->is_refusal(request(chunks($padded->($limit + 1), 1000),
        headers => ['Transfer-Encoding' => 'chunked', 'Content-Length' => undef]), 413, 'request_too_large',
            'in chunks too');
    $story->is_refusal(request('x' x 1_000_000), 413, 'request_too_large', '1 MB');
    $story->is_refusal($story->redeem('A' x 1_000_000), 413, 'request_too_large', 'a code of 1 MB');
    my $promised = $story->nginx->connect;
    $promised->send("POST /token HTTP/1.1\r\nHost: x\r\nOrigin: $app\r\nContent-Type: application/json\r\n"
        . "Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n");
    $story->is_refusal($promised->read_response, 413, 'request_too_large',
        'and what is only promised is not waited for');
    $promised->close;
    my $huge = $story->nginx->post('/token', '{}', headers => ['X-Huge' => 'x' x 65536]);
    is $huge->{status}, 400, 'a header of 64 KiB is refused by nginx';
    my $bearer = $story->nginx->get('/api/', headers => [Authorization => 'Bearer ' . 'A' x 1_000_000]);
    like $bearer->{status}, qr/^(?:0|400|401|413|431|494)$/, 'and so is a bearer token of 1 MB';

    my $connection = $story->nginx->connect;
    is $story->redeem($story->code, connection => $connection,
        body => $story->token_request($story->code) . ' ' x 60_000)->{status}, 200, 'what is large but fits is read';
    is $story->redeem($story->code, connection => $connection)->{status}, 200, 'and the connection goes on';
    my $body = chunks($story->token_request($story->code), 7);
    is $story->redeem(undef, connection => $connection, body => $body,
        headers => ['Transfer-Encoding' => 'chunked', 'Content-Length' => undef])->{status}, 200,
        'in small chunks too';
    $connection->close;
};

# req 156
subtest 'a request of almost nothing' => sub {
    my $connection = $story->nginx->connect;
    $connection->send("POST /token HTTP/1.1\r\nHost: x\r\nOrigin: $app\r\n\r\n");
    $story->is_refusal($connection->read_response, 400, 'content_type_refused', 'a POST without type and body');
    $connection->send("POST /token?&&& HTTP/1.0\r\nOrigin: $app\r\nContent-Type: application/json\r\n\r\n");
    $story->is_refusal($connection->read_response, 400, 'json_invalid', 'a POST of HTTP/1.0 without length');
    $connection->close;
    for my $value ('', 'Bearer', 'Bearer ', 'Bearer  ', 'bearer', 'Basic', 'Bearer =', '&&&') {
        is $story->nginx->get('/api/?&&&', headers => [Authorization => $value])->{status}, 401,
            "Authorization: '$value' opens nothing";
    }
};

# req 156
subtest 'a client that leaves' => sub {
    for my $part ("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{",
        "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n") {
        my $connection = $story->nginx->connect;
        $connection->send($part);
        $connection->close;
    }
    is $story->nginx->get('/worker')->{status}, 204, 'harms nobody';
};

is $story->redeem($code)->{status}, 200, 'the code has survived all of it';
is scalar($story->nginx->worker_pids), 1, 'and so has the worker';

$story->stop;
done_testing;

sub request {
    my ($body, %args) = @_;
    return $story->redeem(undef, body => $body, %args);
}

sub chunks {
    my ($text, $size) = @_;
    return join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack "(a$size)*", $text) . "0\r\n\r\n";
}
