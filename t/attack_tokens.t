# Attack tokens of every class, at a location that trusts its own broker and others: each is sent twice
# to the one worker with good tokens between and behind, and must die of the very check that it is
# aimed at. What a good token is does not depend on what came before it (req 104-119).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Port;
use IO::Select;
use IO::Socket::IP;
use List::Util qw(shuffle);

my ($theirs, $shared) = ('https://partner.example/', 'https://mac.example');
my $secret = 's3cret-of-the-mac-issuer' x 3;
my @theirs = (claims => { iss => $theirs, aud => 'api', sub => 'u1' });
my %key = (
    rsa  => OAuth::Forge->new(generate => 'RS256', kid => 'rsa', @theirs),
    pinned => OAuth::Forge->new(generate => 'RS256', kid => 'pinned', @theirs),
    es   => OAuth::Forge->new(generate => 'ES256', kid => 'es', @theirs),
    es384 => OAuth::Forge->new(generate => 'ES384', kid => 'es384', @theirs),
    ed   => OAuth::Forge->new(generate => 'EdDSA', kid => 'ed', @theirs),
    weak => OAuth::Forge->new(generate => 'RS1024', alg => 'RS256', kid => 'weak', @theirs),
    enc  => OAuth::Forge->new(generate => 'ES256', kid => 'enc', @theirs),
    ops  => OAuth::Forge->new(generate => 'ES256', kid => 'ops', @theirs),
);
my %more = (pinned => { alg => 'RS256' }, enc => { use => 'enc' }, ops => { key_ops => ['sign'] });

my $nginx = OAuth::Nginx->new(workers => 1, http => <<"HTTP");
large_client_header_buffers 8 64k;
keepalive_requests 1000000;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
log_format seen '\$request_uri';
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    oauth_trust $theirs { jwks_file partner.json; audience api; subject_prefix partner; }
    oauth_trust $shared { jwks_file mac.json; audience api; subject_prefix mac; algorithms HS256; }
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-Sub \$oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
    location /query/ { oauth_protect bearer query=token:any; proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "sub=\$http_x_sub"; }
}
HTTP
spew($nginx->dir . '/partner.json', OAuth::Forge::json({ keys => [map { { %{ $key{$_}->jwk }, kid => $_, %{ $more{$_} || {} } } } sort keys %key] }));
spew($nginx->dir . '/mac.json', OAuth::Forge::json({ keys => [{ kty => 'oct', kid => 'mac', k => encode_base64url($secret) }] }), 0600);
$nginx->start;

my $issuer = 'http://localhost:' . $nginx->port;
my @ours = (claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });
my $own  = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', @ours);
my $own_rsa = OAuth::Forge->new(key => $nginx->dir . '/state/signing-rs256.pem', alg => 'RS256', @ours);
my $evil = OAuth::Forge->new(generate => 'ES256', @ours);
my $mac  = OAuth::Forge->new(key => $key{es}{key}, alg => 'HS256', kid => 'mac', claims => { iss => $shared, aud => 'api', sub => 'u1' });

# Those who are believed: what stands before the name of a token, who makes it, whom its bearer is.
my @both = (['ours: ', $own, 'demo:alice'], ['theirs: ', $key{rsa}, 'partner:u1']);
my @good = map { [$_->[1]->token, $_->[2]] } @both;
my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => OAuth::Port::take(), Listen => 5) or die $!;
my $url = 'http://127.0.0.1:' . $silent->sockport . '/jwks';
my $connection = $nginx->connect;
my $now = time;
my ($sent, $accepted, @all) = (0, 0);

# ---- the classes: [reason, name => token, …], for each of both where a sub makes them ---------------

attacks('alg none, and what is no algorithm', each_of(sub {    # req 104, 107
    my ($forge) = @_;
    return alg_refused(
        map({ ("$_ without a signature" => $forge->token(header => { alg => $_ }, signature => ''), "$_ with a good signature" => $forge->token(header => { alg => $_ }),
            "$_ without a kid" => $forge->token(header => { alg => $_, kid => undef }, signature => '')) } qw(none None NONE nOnE), 'none '),
        map { ("$_->[0] for alg" => $forge->token(header => { alg => $_->[1] })) } ['nothing', undef], ['an empty text', ''], ['null', \'null'], ['false', \'false'],
            ['a list', [$forge->{alg}]], ['lower case', lc $forge->{alg}], ['RSA-OAEP', 'RSA-OAEP'], ['ES256K', 'ES256K'], ['a hash', 'SHA256'],
    );
}));

attacks('what everybody knows as an HMAC secret', map {    # req 107
    my ($forge, $name, $reason) = @$_;
    (my $bare = $forge->public_pem) =~ s/\n\z//;
    my %known = ('the PEM' => $forge->public_pem, 'the PEM without its end' => $bare, 'the DER' => $forge->public_der, 'the JWK' => OAuth::Forge::json($forge->jwk),
        'the kid' => $forge->kid, 'no key' => '', 'a zero' => "\0", 'the set' => slurp($nginx->dir . '/partner.json'));
    [$reason => map { my $alg = $_; map { ("$alg by $_ of $name" => $forge->token(alg => $alg, secret => $known{$_})) } sort keys %known } $reason eq 'token_alg_refused' ? qw(HS256 HS384 HS512) : 'HS256'];
} [$own, 'our ES256', 'token_alg_refused'], [$own_rsa, 'our RS256', 'token_alg_refused'], [$key{rsa}, 'their RS256', 'token_alg_refused'], [$key{ed}, 'their EdDSA', 'token_alg_refused'],
    [$mac, 'the issuer that takes HS256', 'token_signature_wrong']);

attacks('an algorithm that is not the key\'s',    # req 107, 112
    [token_key_unknown =>
        'RS256 by our key of ES256' => $own_rsa->token(header => { kid => $own->kid }), 'ES256 by our key of RS256' => $own->token(header => { kid => $own_rsa->kid }),
        'ES384 by our key of P-256' => $own->token(header => { alg => 'ES384' }), 'EdDSA by our key of P-256' => $own->token(header => { alg => 'EdDSA' }),
        'ES256 by their key of P-384' => $key{es384}->token(header => { alg => 'ES256' }), 'ES384 by their key of P-256' => $key{es}->token(header => { alg => 'ES384' }),
        'RS256 by their Ed25519' => $key{rsa}->token(header => { kid => 'ed' }), 'EdDSA by their RSA' => $key{ed}->token(header => { kid => 'rsa' }),
        'PS256 by a key that says RS256' => $key{pinned}->token(alg => 'PS256'), 'RS512 by a key that says RS256' => $key{pinned}->token(alg => 'RS512'),
        'a key of 1024 bits' => $key{weak}->token, 'a key for encryption' => $key{enc}->token, 'a key that only signs' => $key{ops}->token,
        'our kid at theirs' => $key{es}->token(header => { kid => $own->kid }), 'their kid at ours' => $own->token(header => { kid => 'es' }),
    ],
    [token_signature_wrong =>
        map({ my ($name, $rsa) = @$_; ("PS256 that $name RS256" => $rsa->token(alg => 'PS256', header => { alg => 'RS256' }), "RS256 that $name PS256" => $rsa->token(alg => 'RS256', header => { alg => 'PS256' }),
            "RS512 that $name RS256" => $rsa->token(alg => 'RS512', header => { alg => 'RS256' })) } ['calls itself', $own_rsa], ['they call', $key{rsa}]),
        'a weak key without its kid' => $key{weak}->token(header => { kid => undef }), 'a key for encryption without its kid' => $key{enc}->token(header => { kid => undef }),
    ],
    [token_alg_refused => 'ES256 where HS256 alone is named' => $key{es}->token(claims => { iss => $shared }), 'none where HS256 alone is named' => $mac->token(header => { alg => 'none' }, signature => ''),
        'HS512 where HS256 alone is named' => $mac->token(alg => 'HS512', secret => $secret)],
);

attacks('keys that the token brings or points to', each_of(sub {    # req 110
    my ($forge) = @_;
    my $x = encode_base64url($evil->public_der);
    my %header = (jku => $url, x5u => $url, jwk => { %{ $evil->jwk }, kid => 'mine' }, x5c => [$x], x5t => $x, 'x5t#S256' => $x);
    my @claims = (claims => { $forge->claims });
    return (
        [token_key_unknown => map({ ("$_ with a kid of its own" => $evil->token(@claims, header => { $_ => $header{$_}, kid => 'mine' })) } sort keys %header), 'all of them' => $evil->token(@claims, header => { %header, kid => 'mine' })],
        # The good key's kid names a key of another kind only with RSA.
        [($forge == $own ? 'token_signature_wrong' : 'token_key_unknown') => map { ("$_ with our kid" => $evil->token(@claims, header => { $_ => $header{$_}, kid => $forge->kid })) } sort keys %header],
        [token_signature_wrong => map({ ("$_ without a kid" => $evil->token(@claims, header => { $_ => $header{$_}, kid => undef })) } sort keys %header), 'no more than its own claim' => $evil->token(@claims, header => { kid => undef })],
    );
}), [token_issuer_wrong => 'an issuer where keys could be' => $evil->token(claims => { iss => $url }), 'an issuer in a jku' => $evil->token(claims => { iss => $url }, header => { jku => $url })]);

my %kid = (traversal => '../../../../../../dev/null', 'of a file' => '/dev/null', 'with a line break' => "x\r\nX-Evil: 1", 'with a format' => '%n%n%s%s', 'with a command' => "x\r\nFLUSHALL\r\n",
    'with SQL' => "' OR 1=1 --", 'with a NUL' => "es\0", 'that is unknown' => 'nobody', 'with a space' => 'rsa ', 'with a shell' => '$(id)|`id`', 'of 512 bytes' => 'k' x 512);
attacks('a kid', each_of(sub {    # req 111
    my ($forge) = @_;
    return (
        [token_key_unknown => map { ("a kid $_" => $forge->token(header => { kid => $kid{$_} })) } grep { !/NUL/ } sort keys %kid],
        [token_malformed => 'a kid with a NUL' => $forge->token(header => { kid => $kid{'with a NUL'} })],
        alg_refused(map { ("a kid $_ and an empty HMAC key" => $forge->token(alg => 'HS256', secret => '', header => { kid => $kid{$_} })) } 'traversal', 'of a file'),
        [token_header_refused => map { ("a kid that is $_->[0]" => $forge->token(header => { kid => $_->[1] })) } ['of 513 bytes', 'k' x 513], ['of 11 KB', 'k' x 11_000], ['a number', 1], ['null', \'null'], ['a list', ['rsa']], ['an object', { a => 1 }], ['true', \'true']],
    );
}));

attacks('members that change what a token is', each_of(sub {    # req 109
    my ($forge) = @_;
    my $unencoded = do {
        my $head = encode_base64url(OAuth::Forge::json({ alg => $forge->{alg}, typ => 'at+jwt', kid => $forge->kid, b64 => \'false', crit => ['b64'] }));
        my $claims = OAuth::Forge::json({ $forge->claims });
        join '.', $head, encode_base64url($claims), encode_base64url($forge->sign($forge->{alg}, "$head.$claims"));
    };
    return [token_header_refused => 'b64 false over the bare payload' => $unencoded,
        map { ($_->[0] => $forge->token(header => $_->[1])) } ['crit of exp', { crit => ['exp'], exp => 1 }], ['crit of nothing', { crit => [] }], ['crit that is a text', { crit => 'exp' }], ['crit null', { crit => \'null' }],
            ['crit of the unknown', { crit => ['x'], x => 1 }], ['b64 true', { b64 => \'true' }], ['b64 false', { b64 => \'false' }], ['zip', { zip => 'DEF' }], ['zip null', { zip => \'null' }], ['enc', { enc => 'A256GCM' }]];
}));

attacks('what is no compact JWS of three parts', each_of(sub {    # req 109
    my ($forge) = @_;
    my ($head, $payload, $signature) = split /\./, my $token = $forge->token;
    my $jwe = encode_base64url('{"alg":"dir","enc":"A256GCM"}');
    return [token_malformed =>
        'a JWE' => "$jwe..aaaa.aaaa.aaaa", 'a JWE of three parts' => "$jwe.aaaa", 'a JWE around a good token' => "$head.$payload.$signature.aaaa.aaaa", 'four parts' => "$token.$signature", 'two parts' => "$head.$payload", 'one part' => $head,
        'flattened JSON' => qq({"protected":"$head","payload":"$payload","signature":"$signature"}), 'general JSON' => qq({"payload":"$payload","signatures":[{"protected":"$head","signature":"$signature"}]}),
        'detached' => "$head..$signature", 'no header' => ".$payload.$signature", 'a dot in front' => ".$token", 'a dot behind' => "$token.", 'dots' => '.' x 4000, 'two with a comma' => "$token,$token", 'two with a space' => "$token $token",
        'quoted' => qq("$token"), 'percent-encoded dots' => $token =~ s/\./%2E/gr, 'an SD-JWT' => "$token~e30~", 'a NUL, encoded' => "$token%00", 'nothing but letters' => 'x' x 300];
}));

attacks('base64url that is not strict, signed as it stands', each_of(sub {
    my ($forge) = @_;
    my $head = encode_base64url(OAuth::Forge::json({ alg => $forge->{alg}, typ => 'at+jwt', kid => $forge->kid, x => '?>?>?>' }));
    my $payload = encode_base64url(OAuth::Forge::json({ $forge->claims, x => '?>?>?>~~~' }));
    my $make = sub { my ($first, $second) = @_; return "$first.$second." . encode_base64url($forge->sign($forge->{alg}, "$first.$second")) };
    my $token = $make->($head, $payload);
    return [token_malformed =>
        'padding in the header' => $make->("$head=", $payload), 'padding in the payload' => $make->($head, "$payload=="), 'padding behind' => "$token==", 'one = behind' => "$token=",
        '+ and / in the header' => $make->($head =~ tr{-_}{+/}r, $payload), '+ and / in the payload' => $make->($head, $payload =~ tr{-_}{+/}r), 'a + in the signature' => $token =~ s/.\z/+/r,
        'white space in the header' => $make->("$head ", $payload), 'white space in the payload' => $make->($head, substr($payload, 0, 8) . ' ' . substr $payload, 8), 'a tab in the payload' => $make->($head, "$payload\t"),
        'unused bits in the header' => $make->(loose('{"alg":"' . $forge->{alg} . '","typ":"at+jwt"'), $payload), 'unused bits in the payload' => $make->($head, loose(OAuth::Forge::json({ $forge->claims }) =~ s/\}\z//r)),
        'unused bits in the signature' => with_last_bits($token), 'one character too many' => $make->($head, $payload . 'A' x (5 - length($payload) % 4)), 'a byte beyond ASCII' => $make->($head, "$payload\xE9"), 'a percent sign' => $make->("$head%3D", $payload)];
}));

attacks('JSON that readers differ about', each_of(sub {
    my ($forge) = @_;
    my $claims = OAuth::Forge::json({ $forge->claims });
    my $head = OAuth::Forge::json({ alg => $forge->{alg}, typ => 'at+jwt', kid => $forge->kid });
    my $with = sub { return $claims =~ s/\}\z/,"$_[0]}/r };
    my %claims = (
        'sub twice' => $with->('sub":"root"'), 'sub twice, escaped' => $with->('\u0073ub":"root"'), 'exp twice' => $with->('exp":9999999999'), 'a nested member twice' => $with->('x":{"a":1,"a":2}'), 'a name with a NUL' => $with->('sub\u0000":"root"'),
        'a NUL in a text' => $with->("x\":\"a\0b\""), 'an escaped NUL' => $with->('x":"a\u0000b"'), 'a NUL behind' => "$claims\0", 'a line break in a text' => $with->("x\":\"a\nb\""),
        (map { ("UTF-8 of $_->[0]" => $with->("x\":\"$_->[1]\"")) } ['one bad byte', "\xFF"], ['an overlong slash', "\xC0\xAF"], ['a surrogate', "\xED\xA0\x80"], ['half a character', "\xE2\x82"], ['beyond Unicode', "\xF4\x90\x80\x80"], ['an overlong NUL', "\xC0\x80"]),
        'half a surrogate pair' => $with->('x":"\ud800"'), 'a BOM' => "\xEF\xBB\xBF$claims", 'garbage behind' => "${claims}x", 'two objects' => $claims x 2, 'a comment' => "/**/$claims", 'single quotes' => $claims =~ tr/"/'/r, 'a trailing comma' => $claims =~ s/\}\z/,}/r,
        'a list' => '[]', 'a text' => '"x"', 'null' => 'null', 'nothing' => '', 'UTF-16' => join('', map { "$_\0" } split //, $claims), 'NaN' => $with->('x":NaN'), 'a leading zero' => $with->('x":01'), 'a leading point' => $with->('x":.5'),
        'lists 1000 deep' => $with->('x":' . '[' x 1000 . ']' x 1000), 'objects 1000 deep' => $with->('x":' . '{"a":' x 1000 . '1' . '}' x 1000), 'lists 17 deep' => $with->('x":' . '[' x 17 . ']' x 17), 'lists without end' => '{"x":' . '[' x 4000,
    );
    my %head = (
        'alg twice' => $head =~ s/\}\z/,"alg":"none"}/r, 'alg twice, escaped' => $head =~ s/\}\z/,"\\u0061lg":"none"}/r, 'kid twice' => $head =~ s/\}\z/,"kid":"x"}/r, 'crit twice' => $head =~ s/\}\z/,"crit":[],"crit":[]}/r, 'a NUL' => $head =~ s/at/a\0t/r, 'bad UTF-8' => $head =~ s/\}\z/,"x":"\xFF"}/r,
        'a list' => '[]', 'null' => 'null', 'nothing' => '', 'garbage behind' => "$head ,", 'lists 1000 deep' => $head =~ s/\}\z/',"x":' . '[' x 1000 . ']' x 1000 . '}'/er,
    );
    return [token_malformed => map({ ("claims of $_" => $forge->token(payload => $claims{$_})) } sort keys %claims), map { ("a header of $_" => $forge->token(head => $head{$_})) } sort keys %head];
}), [token_too_large => 'a token of 17 KB' => $own->token(claims => { x => 'x' x 12_500 }), '60 KB' => 'a' x 60_000]);

my @not_it = (['nothing', undef], ['an empty text', ''], ['null', \'null'], ['a number', 1], ['true', \'true'], ['an object', { a => 1 }], ['a list in a list', sub { [[$_[0]]] }], ['upper case', sub { uc "$_[0]a" }], ['a part', sub { substr $_[0], 0, -1 }],
    ['more', sub { "$_[0]/x" }], ['a space behind', sub { "$_[0] " }], ['a list with a number', sub { [1, 2] }]);
attacks('issuer, audience and subject', each_of(sub {    # req 113, 114
    my ($forge) = @_;
    my %is = $forge->claims;
    my $make = sub { my ($name, $what) = @_; return $forge->token(claims => { $name => ref $what eq 'CODE' ? $what->($is{$name}) : $what }) };
    return (
        [token_issuer_wrong => map({ ("iss: $_->[0]" => $make->('iss', $_->[1])) } @not_it, ['a list of it', sub { [$_[0]] }], ['a slash more or less', sub { $_[0] =~ s{/\z}{} ? $_[0] : "$_[0]/" }], ['of nobody', 'https://evil.example'])],
        [token_audience_wrong => map({ ("aud: $_->[0]" => $make->('aud', $_->[1])) } @not_it, ['no list', []], ['a list of others', ['https://x.example', 'apis']], ['words', sub { "x $_[0]" }], ['it and a number', sub { [$_[0], 1] }])],
        [token_subject_wrong => map { ("sub: $_->[0]" => $make->('sub', $_->[1])) } (grep { ref $_->[1] ne 'CODE' } @not_it), ['a list', ['u1']], ['256 letters', 'a' x 256], ['two lines', "a\r\nX-Sub: root"], ['not ASCII', "\x{e4}"]],
        [token_malformed => 'sub: a NUL' => $make->('sub', "a\0b"), 'iss: a NUL' => $make->('iss', sub { "$_[0]\0" })],
    );
}));

attacks('times', each_of(sub {    # req 113
    my ($forge) = @_;
    my @never = (['null', \'null'], ['a text', "$now"], ['the text NaN', 'NaN'], ['true', \'true'], ['a list', [$now + 600]], ['an object', {}], ['negative', -1], ['just below zero', \'-0.5'], ['beyond 2^53', \'1e17']);
    my @torn = (['with a plus', \('+' . ($now + 600))], ['hexadecimal', \'0x7fffffff'], ['a bare NaN', \'NaN'], ['Infinity', \'Infinity'], ['half a fraction', \'2000000000.'], ['half an exponent', \'2e']);
    return (
        [token_time_malformed => 'exp: absent' => $forge->token(claims => { exp => undef }), map { my $name = $_; map { ("$name: $_->[0]" => $forge->token(claims => { $name => $_->[1] })) } @never } qw(exp nbf iat)],
        [token_malformed => map { my $name = $_; map { ("$name: $_->[0]" => $forge->token(claims => { $name => $_->[1] })) } @torn } qw(exp nbf iat)],
        ['token_malformed|token_time_malformed' => map { my $name = $_; map { ("$name: $_->[0]" => $forge->token(claims => { $name => $_->[1] })) } ['1e400', \'1e400'], ['-1e400', \'-1e400'], ['of 30 digits', \('9' x 30)] } qw(exp nbf iat)],
        [token_expired => map { ("exp: $_->[0]" => $forge->token(claims => { exp => $_->[1] })) } ['0', 0], ['an hour ago', $now - 3600], ['a minute ago', $now - 60], ['1e-400', \'1e-400'], ['half a second', \'0.5']],
        [token_not_yet_valid => map { my $name = $_; map { ("$name: $_->[0]" => $forge->token(claims => { $name => $_->[1] })) } ['in two minutes', $now + 120], ['2^53', \'9007199254740992'], ['in a year, exponent', \'4.5e9'] } qw(nbf iat)],
    );
}));

attacks('tokens of another kind', each_of(sub {    # req 115, 126
    my ($forge) = @_;
    my @typ = (['empty', ''], ['id_token', 'id_token'], ['logout+jwt', 'logout+jwt'], ['dpop+jwt', 'dpop+jwt'], ['secevent+jwt', 'secevent+jwt'], ['at+jwtx', 'at+jwtx'], ['with a space', 'at+jwt '], ['of another tree', 'x/at+jwt'],
        ['twice application', 'application/application/at+jwt'], ['of a client', 'client-authentication+jwt'], ['jose', 'JOSE']);
    return (
        [token_typ_refused => map({ ("typ: $_->[0]" => $forge->token(header => { typ => $_->[1] })) } grep { $forge == $own || length $_->[1] } @typ, $forge == $own ? (['absent', undef], ['JWT', 'JWT']) : ())],
        [token_header_refused => map { ("typ: $_->[0]" => $forge->token(header => { typ => $_->[1] })) } ['a number', 1], ['a list', ['at+jwt']], ['null', \'null']],
        [token_kind_refused => map { ("$_->[0] $_->[1]" => $forge->token(claims => { $_->[0] => $_->[2] })) } map({ my $name = $_; (["$name", 'a text', 'n'], [$name, 'null', \'null'], [$name, 'an object', {}]) } qw(nonce events cnf)), ['cnf', 'jkt', { jkt => 'x' }],
            ['events', 'of a logout', { 'http://schemas.openid.net/event/backchannel-logout' => {} }]],
    );
}));

attacks('the right key of the wrong issuer',    # req 124
    [token_key_unknown => 'ours, signed by theirs' => $key{rsa}->token(@ours), 'theirs, signed by ours' => $own->token(@theirs), 'ours by their kid, signed by theirs' => $key{es}->token(@ours)],
    [token_signature_wrong => 'ours without a kid, signed by theirs' => $key{es}->token(@ours, header => { kid => undef }), 'ours by our kid, signed by theirs' => $key{es}->token(@ours, header => { kid => $own->kid }),
        'theirs without a kid, signed by ours' => $own->token(@theirs, header => { kid => undef }), 'theirs by their kid, signed by ours' => $own->token(@theirs, header => { kid => 'es' }),
        'of the secret, signed by another' => $mac->token(secret => 'x' x 72), 'of the secret, one letter less' => $mac->token(secret => substr $secret, 1)],
    [token_alg_refused => 'ours, signed by the secret' => $mac->token(@ours, secret => $secret), 'theirs, signed by the secret' => $mac->token(@theirs, secret => $secret), 'of the secret, signed by us' => $own->token(claims => { iss => $shared, aud => 'api' })],
    [token_audience_wrong => 'ours for their audience' => $own->token(claims => { aud => 'api' }), 'theirs for ours' => $key{rsa}->token(claims => { aud => $issuer }), 'of the secret for ours' => $mac->token(secret => $secret, claims => { aud => $issuer })],
);

attacks('signatures',
    (map {
        my ($name, $forge, $size) = @$_;
        my ($text, $raw) = $forge->token =~ /^(.*)\.(.*)$/ ? ($1, decode_base64url($2)) : ();
        my ($r, $s) = (substr($raw, 0, $size), substr $raw, $size);
        my ($zero, $one) = ("\0" x $size, "\0" x ($size - 1) . "\1");
        [token_signature_wrong => map { ("$name: $_->[0]" => "$text." . encode_base64url($_->[1])) } ['all zero', $zero x 2], ['r is 0', $zero . $s], ['s is 0', $r . $zero], ['1 and 1', $one x 2], ['all ones', "\xFF" x 2 x $size], ['empty', ''],
            ['DER', der($r, $s)], ['a byte long', "$raw\0"], ['a byte in front', "\0$raw"], ['a byte short', substr $raw, 0, -1], ['r alone', $r], ['swapped', $s . $r], ['twice', $raw x 2], ['of the other curve\'s size', $size == 32 ? "\0" x 16 . $r . "\0" x 16 . $s : substr($r, 16) . substr $s, 16],
            ['one bit', $raw ^ ("\0" x $size . "\1")]];
    } ['ours', $own, 32], ['theirs of P-256', $key{es}, 32], ['of P-384', $key{es384}, 48]),
    (map {
        my ($name, $forge) = @$_;
        my ($text, $raw) = $forge->token =~ /^(.*)\.(.*)$/ ? ($1, decode_base64url($2)) : ();
        [token_signature_wrong => map { ("$name: $_->[0]" => "$text." . encode_base64url($_->[1])) } ['cut by one byte', substr $raw, 0, -1], ['cut in half', substr $raw, 0, length($raw) / 2], ['all zero', "\0" x length $raw], ['1', "\0" x (length($raw) - 1) . "\1"],
            ['all ones', "\xFF" x length $raw], ['a byte long', "$raw\0"], ['a byte in front', "\0$raw"], ['empty', ''], ['one bit', $raw ^ ("\0" x 20 . "\1")]];
    } ['our RS256', $own_rsa], ['their RS256', $key{rsa}], ['their EdDSA', $key{ed}], ['HS256', OAuth::Forge->new(key => $key{es}{key}, alg => 'HS256', kid => 'mac', claims => { iss => $shared, aud => 'api', sub => 'u1' })]),
    each_of(sub {
        my ($forge) = @_;
        my ($head, $payload, $signature) = split /\./, $forge->token;
        my (undef, $other, $mark) = split /\./, $forge->token(claims => { sub => 'root', jti => 'x' });
        return [token_signature_wrong => 'other claims' => "$head.$other.$signature", 'another\'s signature' => "$head.$payload.$mark", 'another header' => join('.', encode_base64url(qq({"alg":"$forge->{alg}","typ":"at+jwt"})), $payload, $signature)];
    }),
);

# ---- what they must not have changed -----------------------------------------------------------------

subtest 'two tokens at once are a bad request, whichever is good' => sub {    # req 116, 118
    my $bad = $own->token(claims => { aud => 'x' });
    for my $pair ([$good[0][0], $good[1][0]], [$good[0][0], $good[0][0]], [$good[0][0], $bad], [$bad, $good[0][0]], [$bad, $bad], ['', $good[0][0]]) {
        judged('token_repeated', 'one in the header and one in the query', [Authorization => "Bearer $pair->[0]"], "/query/attack?token=$pair->[1]");
        judged('token_repeated', 'two in the query', [], "/query/attack?token=$pair->[0]&token=$pair->[1]");
        # Two headers are refused by nginx, without a challenge.
        my @got = map { ask('/api/attack/two', map { (Authorization => "Bearer $_") } @$pair)->{status} . (($connection = $nginx->connect) && enters(@{ $good[0] })) } 1, 2;
        is "@got", '4001 4001', 'two headers are refused';
    }
};

subtest 'in any other order, all of them are refused again' => sub {    # req 108
    srand 4711;
    my %wrong;
    for my $attack (shuffle @all) {
        my ($class, $name, $headers) = @$attack;
        $sent++;
        my $status = ask('/api/attack/again', @$headers)->{status};
        $accepted++ if $status == 200;
        $wrong{"$class: $name: $status"}++ if $status != 401;
        my $good = $good[$sent % @good];
        $wrong{"a good token behind $class: $name"}++ if !enters(@$good);
    }
    is_deeply \%wrong, {}, 'and the good ones between them enter';
};

subtest 'what must pass has passed, and passes' => sub {    # req 105
    for my $row (@both) {
        my ($name, $forge, $sub) = @$row;
        my %pass = (
            'a plain one' => $forge->token, 'no kid' => $forge->token(header => { kid => undef }), 'an unknown header' => $forge->token(header => { x => { a => [1] }, cty => 'x' }), 'pointers elsewhere' => $forge->token(header => { jku => $url, x5u => $url, jwk => $evil->jwk }),
            'a list of audiences' => $forge->token(claims => { aud => ['https://x.example', { $forge->claims }->{aud}] }), 'a fraction' => $forge->token(claims => { exp => \(($now + 600) . '.75'), iat => \(($now - 5) . '.5') }), 'an exponent' => $forge->token(claims => { exp => \'2.5e9', nbf => \'1E9' }),
            'a date of 2^53' => $forge->token(claims => { exp => \'9007199254740992' }), 'nbf of 0' => $forge->token(claims => { nbf => 0 }), 'an exp within the tolerance' => $forge->token(claims => { exp => time - 5 }), 'an iat within it' => $forge->token(claims => { iat => time + 20 }), 'no iat' => $forge->token(claims => { iat => undef }),
            'a long typ' => $forge->token(header => { typ => 'application/at+jwt' }), 'a loud typ' => $forge->token(header => { typ => 'AT+JWT' }), 'white space' => $forge->token(payload => " \r\n\t" . OAuth::Forge::json({ $forge->claims }) . ' '),
            'escapes' => $forge->token(payload => OAuth::Forge::json({ $forge->claims }) =~ s/"sub"/"\\u0073ub"/r), 'lists 14 deep' => $forge->token(claims => { x => \('[' x 14 . ']' x 14) }), '10 KB' => $forge->token(claims => { x => 'x' x 10_000 }), 'all of Unicode' => $forge->token(claims => { x => "\x{e4}\x{4e2d}\x{1f600}" }),
        );
        ok enters($pass{$_}, $sub), "$name$_" for sort keys %pass;
    }
    my $alice = 'demo:alice';
    ok enters(@$_[1, 2]), $_->[0] for ['RS256 of ours' => $own_rsa->token, $alice], ['PS256 of ours' => $own_rsa->token(alg => 'PS256'), $alice], ['PS256 of theirs' => $key{rsa}->token(alg => 'PS256'), 'partner:u1'], ['RS512 of theirs' => $key{rsa}->token(alg => 'RS512'), 'partner:u1'],
        (map { ["$_ of theirs" => $key{$_}->token, 'partner:u1'] } qw(es es384 ed pinned)), ['HS256 by the secret' => $mac->token(secret => $secret), 'mac:u1'], ['no typ at theirs' => $key{es}->token(header => { typ => undef }), 'partner:u1'],
        ['JWT at theirs' => $key{es}->token(header => { typ => 'JWT' }), 'partner:u1'], ['a name of ours at theirs' => $key{es}->token(claims => { sub => 'demo:alice' }), 'partner:demo:alice'];
};

subtest 'nobody went anywhere, and nobody came in' => sub {    # req 104, 110, 111
    ok !IO::Select->new($silent)->can_read(0.2), 'nobody asked where a token pointed to';
    my $seen = slurp($nginx->dir . '/upstream.log');
    unlike $seen, qr{/attack/}, 'the upstream heard of no attack';
    like $seen, qr{/api/good}, '  but of the good ones';
    my $log = $nginx->error_log;
    unlike $log, qr/\Q$kid{$_}\E/, "  a kid $_ is not in the log" for grep { length $kid{$_} > 8 } sort keys %kid;
    is $accepted, 0, 'no attack was accepted';
    cmp_ok scalar(@all), '>', 700, 'and there were many';
};

$nginx->stop;
diag sprintf '[ attack ] %d tokens, each twice and once more: %d accepted', scalar @all, $accepted;
done_testing;

# ---- making --------------------------------------------------------------------------------------------

# One class is one subtest; groups are [reason, name => token, …].
sub attacks {
    my ($class, @groups) = @_;
    my $before = @all;
    subtest "nobody gets in by $class" => sub {
        for my $group (@groups) {
            my ($reason, @tokens) = @$group;
            while (my ($name, $token) = splice @tokens, 0, 2) {
                my $headers = [Authorization => "Bearer $token"];
                push @all, [$class, $name, $headers];
                judged($reason, $name, $headers);
            }
        }
        ok enters($_->[1]->token(claims => { jti => $class }), $_->[2]), "$_->[0]a new good token enters" for @both;
    };
    diag sprintf '[ attack ] %-52s %4d tokens', $class, @all - $before;
    return;
}

# The same attack on tokens of ours and on those of the other issuer, the names told apart.
sub each_of {
    my ($make) = @_;
    return map {
        my ($prefix, $forge) = @$_;
        map { my ($reason, @tokens) = @$_; [$reason, map { $_ % 2 ? $tokens[$_] : $prefix . $tokens[$_] } 0 .. $#tokens] } $make->($forge);
    } @both;
}

sub alg_refused { return [token_alg_refused => @_] }

# Base64url of `text` and white space, as long as it needs unused bits, which are set.
sub loose {
    my ($text) = @_;
    $text .= ' ' while (length($text) + 1) % 3 == 0;
    return with_last_bits(encode_base64url("$text}"));
}

# Another text of the same bytes: the last character has bits that decode to nothing.
sub with_last_bits {
    my ($text) = @_;
    my $alphabet = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';
    return substr($text, 0, -1) . substr $alphabet, 1 + index($alphabet, substr $text, -1), 1;
}

sub der {
    my $integers = join '', map { my $n = $_; $n =~ s/^\0+(?=.)//s; $n = "\0$n" if ord($n) > 127; pack 'C C/a', 2, $n } @_;
    return pack 'C C/a', 0x30, $integers;
}

# ---- judging -------------------------------------------------------------------------------------------

sub ask { my ($target, @headers) = @_; return $connection->request(GET => $target, headers => \@headers) }

sub enters {
    my ($token, $sub) = @_;
    my $response = ask('/api/good', Authorization => "Bearer $token");
    return $response->{status} == 200 && $response->{body} eq "sub=$sub";
}

# Sent, a good token that is known, sent again, a good token that is new: the same answer, reason in
# the log and silence both times.
sub judged {
    my ($reason, $name, $headers, $target) = @_;
    my %text = (token_expired => 'The token has expired.', token_repeated => 'More than one token was sent.');
    my ($status, $error) = $reason eq 'token_repeated' ? (400, 'invalid_request') : (401, 'invalid_token');
    my $challenge = qq(Bearer realm="$issuer", error="$error", error_description=") . ($text{$reason} || 'The token is not valid.') . '"';
    my $seen = qr{refused: (?:$reason), };
    my @wrong;
    for my $round (0, 1) {
        my $before = -s $nginx->dir . '/error.log';
        $sent++;
        my $response = ask($target || "/api/attack/$sent", @$headers);
        $connection = $nginx->connect if $response->{status} == 400;    # nginx ends it
        $accepted++ if $response->{status} == 200;
        my $said = join '|', headers($response, 'WWW-Authenticate');
        my $logged = news($before);
        push @wrong, "round $round: $response->{status} $said" if $response->{status} != $status || $said ne $challenge;
        push @wrong, "round $round: not for $reason: $logged" if $logged !~ $seen;
        push @wrong, "round $round: " . length($response->{body}) . " bytes that say $1" if $response->{body} =~ /(sub=)/;
        push @wrong, "round $round: the next good token" if !enters($round ? ($mac->token(secret => $secret, claims => { jti => "n$sent" }), 'mac:u1') : @{ $good[$sent % @good] });
    }
    return ok(!@wrong, "$name is refused") || diag join "\n", @wrong;
}

sub news {
    my ($offset) = @_;
    open my $file, '<:raw', $nginx->dir . '/error.log' or return '';
    seek $file, $offset, 0;
    local $/;
    return scalar <$file>;
}
