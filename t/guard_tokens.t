# Tokens as attackers make them, at a location that trusts its own broker. Each is sent twice to the
# same worker with a good one between, so that no token changes how the next is judged (req 108).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Forge;
use OAuth::Port;
use IO::Select;
use IO::Socket::IP;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP')->start;
large_client_header_buffers 8 64k;
keepalive_requests 1000000;
oauth_provider demo { type demo; user alice@demo.local Alice; }
log_format seen '$request_uri $http_authorization';
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-Sub $oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "sub=$http_x_sub"; }
}
HTTP
my $issuer = 'http://localhost:' . $nginx->port;
my @claims = (claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice', scope => 'ACCESS_DB' });
my $own  = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', @claims);
my $rsa  = OAuth::Forge->new(key => $nginx->dir . '/state/signing-rs256.pem', alg => 'RS256', @claims);
my $evil = OAuth::Forge->new(generate => 'ES256', @claims);
my $evil_rsa = OAuth::Forge->new(generate => 'RS256', @claims);
my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => OAuth::Port::take(), Listen => 5) or die $!;
my $url = 'http://127.0.0.1:' . $silent->sockport . '/jwks';

my $good = $own->token;
my ($head, $payload, $signature) = split /\./, $good;
my $connection = $nginx->connect;
my $now = time;
my $reason;    # $oauth_error of the last refusal is in error.log; the answer must not tell it

# ---- req 104, 107: algorithms ----------------------------------------------------------------------

subtest 'no algorithm but those of our keys' => sub {
    for my $alg (qw(none None nOnE NONE)) {
        refused("alg $alg without a signature", $own->token(header => { alg => $alg }, signature => ''));
        refused("alg $alg with a good signature", $own->token(header => { alg => $alg }));
        refused("alg $alg without kid", $own->token(header => { alg => $alg, kid => undef }, signature => ''));
    }
    refused("alg $_->[0]", $own->token(header => { alg => $_->[1] }))
        for ['absent', undef], ['empty', ''], ['null', \'null'], ['a number', 1], ['a list', ['ES256']], ['an object', { a => 1 }],
            ['in lower case', 'es256'], ['with a space', 'ES256 '], ['with a NUL', "ES256\0"], ['unknown', 'XX256'],
            ['of another curve', 'ES384'], ['ES256K', 'ES256K'], ['Ed25519', 'EdDSA'], ['of RSA', 'RS256'], ['of encryption', 'RSA-OAEP'], ['dir', 'dir'];
    refused('two algorithms', $own->token(head => '{"alg":"ES256","alg":"none","typ":"at+jwt"}'));
    refused('two algorithms, one escaped', $own->token(head => '{"alg":"none","\u0061lg":"ES256","typ":"at+jwt"}', signature => ''));
    refused('an RSA signature under the key of ES256', $rsa->token(header => { kid => $own->kid }));
    refused('RS256 signed as PS256', $rsa->token(alg => 'PS256', header => { alg => 'RS256' }));
    refused('PS256 signed as RS256', $rsa->token(alg => 'RS256', header => { alg => 'PS256' }));
    refused('RS256 with the hash of RS512', $rsa->token(alg => 'RS512', header => { alg => 'RS256' }));
};

# req 107: what everybody may know is no HMAC key.
subtest 'public keys are no secrets' => sub {
    for my $key ([ES256 => $own], [RS256 => $rsa]) {
        my ($name, $forge) = @$key;
        my $jwk = $forge->jwk;
        my $bytes = join '', map { decode_base64url($jwk->{$_}) } grep { exists $jwk->{$_} } qw(n x y);
        (my $bare = $forge->public_pem) =~ s/\n\z//;
        my %secret = (
            'the PEM' => $forge->public_pem, 'the PEM without its last newline' => $bare, 'the DER' => $forge->public_der,
            'the coordinates' => $bytes, 'the JWK' => OAuth::Forge::json($jwk), 'the kid' => $forge->kid,
            'nothing' => '', 'a zero' => "\0", 'the modulus or x as text' => $jwk->{n} || $jwk->{x},
            'the JWKS' => $nginx->get('/.well-known/jwks.json')->{body},
        );
        for my $alg (qw(HS256 HS384 HS512)) {
            refused("$alg by $_ of the $name key", $forge->token(alg => $alg, secret => $secret{$_})) for sort keys %secret;
        }
    }
};

# ---- req 110, 111: where keys come from ------------------------------------------------------------

subtest 'keys that the token brings or points to' => sub {
    my $certificate = encode_base64url($evil->public_der);
    my %header = (
        jku => $url, x5u => $url, jwk => { %{ $evil->jwk }, alg => 'ES256', kid => 'mine' },
        x5c => [$certificate], x5t => $certificate, 'x5t#S256' => $certificate,
    );
    for my $name (sort keys %header) {
        for my $kid ($own->kid, 'mine', undef) {
            refused("$name with " . (defined $kid ? $kid eq 'mine' ? 'its own kid' : 'our kid' : 'no kid'),
                $evil->token(header => { $name => $header{$name}, kid => $kid }));
        }
    }
    refused('all of them', $evil->token(header => { %header, kid => $own->kid }));
    refused('an issuer elsewhere', $evil->token(claims => { iss => $url }));
    accepted('our own signature beside foreign pointers', $own->token(header => { %header, kid => $own->kid }));
};

subtest 'kid' => sub {
    refused("the kid $_", $evil->token(header => { kid => $_ })) for $own->kid, $rsa->kid, 'unknown', '';
    refused('no kid, and a foreign key', $evil->token(header => { kid => undef }));
    refused('a kid of our other key', $own->token(header => { kid => $rsa->kid }));
    my %odd = (
        traversal => '../../../../../../dev/null', absolute => '/dev/null', crlf => "x\r\nX-Evil: 1", format => '%n%n%n%s%s',
        resp => "x\r\nFLUSHALL\r\n", sql => "' OR 1=1 --", nul => "a\0b", large => 'k' x 12_000, command => '$(touch /tmp/x)|`id`',
    );
    for my $name (sort keys %odd) {
        refused("a kid of $name", $own->token(header => { kid => $odd{$name} }));
        refused("a kid of $name and an empty HMAC key", $own->token(alg => 'HS256', secret => '', header => { kid => $odd{$name} }));
        my ($start) = $odd{$name} =~ /^([\w.\/%'\$]{4,20})/ or next;
        unlike $nginx->error_log, qr/\Q$start\E/, '  leaves no trace in the log';
    }
    refused("a kid that is $_->[0]", $own->token(header => { kid => $_->[1] }))
        for ['a number', 1], ['null', \'null'], ['a list', [$own->kid]], ['an object', { a => 1 }], ['true', \'true'];
    accepted('no kid, and our key', $own->token(header => { kid => undef }));
};

# ---- req 109: forms --------------------------------------------------------------------------------

subtest 'header members that change the meaning' => sub {
    refused("crit $_->[0]", $own->token(header => { crit => $_->[1], %{ $_->[2] || {} } }))
        for ['of a known name', ['exp'], { exp => 1 }], ['of alg', ['alg']], ['empty', []], ['that is no list', 'exp'],
            ['b64', ['b64'], { b64 => \'false' }], ['of an unknown name', ['x'], { x => 1 }], ['null', \'null'];
    refused('b64 false', $own->token(header => { b64 => \'false' }));
    refused('b64 true', $own->token(header => { b64 => \'true' }));
    refused('b64 false over the raw payload', do {
        my $text = encode_base64url(OAuth::Forge::json({ alg => 'ES256', typ => 'at+jwt', kid => $own->kid, b64 => \'false', crit => ['b64'] }));
        my $claims = OAuth::Forge::json({ $own->claims });
        "$text." . encode_base64url($claims) . '.' . encode_base64url($own->sign('ES256', "$text.$claims"));
    });
    refused("zip $_", $own->token(header => { zip => $_ })) for qw(DEF GZIP);
    refused('enc', $own->token(header => { enc => 'A256GCM' }));
};

subtest 'what is no compact JWS of three parts' => sub {
    my %token = (
        'a JWE' => join('.', encode_base64url('{"alg":"dir","enc":"A256GCM"}'), '', 'aaaa', 'aaaa', 'aaaa'),
        'a JWE around ours' => "$head.$payload.$signature.aaaa.aaaa", 'flattened JSON' => qq({"protected":"$head","payload":"$payload","signature":"$signature"}),
        'general JSON' => qq({"payload":"$payload","signatures":[{"protected":"$head","signature":"$signature"}]}),
        'one part' => $head, 'two parts' => "$head.$payload", 'no signature' => "$head.$payload.", 'four parts' => "$good.$signature",
        'a dot in front' => ".$good", 'a dot behind' => "$good.", 'only dots' => '..', 'three dots' => '...', 'many dots' => '.' x 5000,
        'no header' => ".$payload.$signature", 'detached' => "$head..$signature", 'two tokens' => "$good,$good", 'two words' => "$good $good",
        'quoted' => qq("$good"), 'percent-encoded' => "$head%2E$payload%2E$signature", 'padding in the header' => "$head=.$payload.$signature",
        'padding in the payload' => "$head.$payload==.$signature", 'padding behind the signature' => "$good==", 'a tilde' => "$good~", 'a tilde and more' => "$good~e30~",
        'plus for minus' => "$head.$payload." . (($signature =~ tr{-_}{+/}r) eq $signature ? "+$signature" : $signature =~ tr{-_}{+/}r),
        'an empty object each' => 'e30.e30.e30', 'a payload of another token' => join('.', $head, (split /\./, $own->token(claims => { sub => 'demo:root' }))[1], $signature),
        'garbage' => 'x' x 100,
    );
    refused($_, $token{$_}) for sort keys %token;
    refused('a kid in the header of another token', join '.', encode_base64url('{"alg":"ES256","typ":"at+jwt"}'), $payload, $signature);
    refused('unused bits in the last character', with_last_bits($good));
    my $at = length($head) + 5;
    for my $place (3, $at, length($good) - 5) {
        my $changed = $good;
        substr($changed, $place, 1) = substr($changed, $place, 1) eq 'A' ? 'B' : 'A';
        refused("one character changed at $place", $changed);
    }
    refused("without the last $_ characters", substr $good, 0, -$_) for 1, 2, 4, 43;
    refused('without the first character', substr $good, 1);
    my %body = (
        'a list' => '[]', 'a string' => '"x"', 'a number' => '1', 'nothing' => '', 'null' => 'null', 'a BOM in front' => "\xEF\xBB\xBF" . decode_base64url($payload),
        'garbage behind' => decode_base64url($payload) . 'x', 'two objects' => decode_base64url($payload) x 2, 'UTF-16' => join('', map { "$_\0" } split //, decode_base64url($payload)),
        'a comment' => '/**/' . decode_base64url($payload), 'single quotes' => decode_base64url($payload) =~ tr/"/'/r, 'a NUL behind' => decode_base64url($payload) . "\0",
        'bytes that are no UTF-8' => decode_base64url($payload) =~ s/alice/al\xFFce/r, 'a trailing comma' => decode_base64url($payload) =~ s/\}$/,}/r,
        'a member twice' => decode_base64url($payload) =~ s/\}$/,"sub":"demo:root"}/r, 'a member twice, escaped' => decode_base64url($payload) =~ s/\}$/,"\\u0073ub":"demo:root"}/r,
        'a nested member twice' => decode_base64url($payload) =~ s/\}$/,"x":{"a":1,"a":2}}/r,
        'lists 1000 deep' => decode_base64url($payload) =~ s/\}$/',"x":' . '[' x 1000 . ']' x 1000 . '}'/er,
        'objects 1000 deep' => decode_base64url($payload) =~ s/\}$/',"x":' . '{"a":' x 1000 . '1' . '}' x 1000 . '}'/er,
        'lists without end' => '{"x":' . '[' x 3000,
    );
    refused("a payload of $_", $own->token(payload => $body{$_})) for sort keys %body;
    refused("a header of $_", $own->token(head => $body{$_})) for 'a list', 'a string', 'nothing', 'null', 'lists without end';
    refused('a header 1000 deep', $own->token(header => { x => \('[' x 1000 . ']' x 1000) }));
};

# ---- signatures ------------------------------------------------------------------------------------

subtest 'signatures' => sub {
    my $n = pack 'H*', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    my $raw = decode_base64url($signature);
    my ($r, $s) = (substr($raw, 0, 32), substr($raw, 32));
    my $one = "\0" x 31 . "\1";
    my %bad = (
        'r and s are 0' => "\0" x 64, 'r is 0' => "\0" x 32 . $s, 's is 0' => $r . "\0" x 32, 'both are 1' => $one x 2, 'r is 0, s is 1' => "\0" x 32 . $one,
        'both are the order' => $n x 2, 'r is the order' => $n . $s, 's is the order' => $r . $n, 'all ones' => "\xFF" x 64,
        'empty' => '', 'one byte' => 'x', 'r alone' => $r, 'a byte short' => substr($raw, 0, 63), 'a byte long' => "$raw\0", 'a byte in front' => "\0$raw",
        'swapped' => $s . $r, 'DER' => $own->{der} = der($r, $s), 'of P-384 size' => "\0" x 16 . $r . "\0" x 16 . $s, 'twice' => $raw x 2,
    );
    refused("a signature that is $_", "$head.$payload." . encode_base64url($bad{$_})) for sort keys %bad;
    refused('a signature of other claims', join '.', $head, $payload, (split /\./, $own->token(claims => { jti => 'x' }))[2]);
    my ($rsa_head, $rsa_payload, $rsa_signature) = split /\./, $rsa->token;
    my $size = length decode_base64url($rsa_signature);
    refused("an RSA signature $_->[0]", "$rsa_head.$rsa_payload." . encode_base64url($_->[1]))
        for ['of zeros', "\0" x $size], ['that is 1', "\0" x ($size - 1) . "\1"], ['that is empty', ''], ['of ones', "\xFF" x $size],
            ['a byte long', decode_base64url($rsa_signature) . "\0"], ['a byte short', substr(decode_base64url($rsa_signature), 0, -1)];
    refused('of a foreign RSA key', $evil_rsa->token(header => { kid => $rsa->kid }));
};

# ---- req 115: kinds of tokens ----------------------------------------------------------------------

subtest 'tokens of other kinds' => sub {
    refused("typ $_->[0]", $own->token(header => { typ => $_->[1] }))
        for ['JWT', 'JWT'], ['absent', undef], ['empty', ''], ['id_token', 'id_token'], ['logout+jwt', 'logout+jwt'], ['dpop+jwt', 'dpop+jwt'],
            ['secevent+jwt', 'secevent+jwt'], ['application/jwt', 'application/jwt'], ['at+jwtx', 'at+jwtx'], ['with a space', 'at+jwt '], ['a number', 1],
            ['a list', ['at+jwt']], ['null', \'null'], ['client-authentication+jwt', 'client-authentication+jwt'], ['x/at+jwt', 'x/at+jwt'];
    refused("$_->[0]", $own->token(claims => { $_->[0] => $_->[1] }))
        for ['nonce', 'n'], ['events', { 'http://schemas.openid.net/event/backchannel-logout' => {} }], ['cnf', { jkt => 'x' }],
            ['cnf', { 'x5t#S256' => 'x' }], ['cnf', {}], ['cnf', \'null'], ['events', {}];
    my $all = OAuth::Demo->new($nginx)->sign_in;
    refused("our own $_", $all->{$_}) for qw(state code refresh_token);
};

# ---- req 113, 114: claims --------------------------------------------------------------------------

subtest 'issuer and audience' => sub {
    my @other = (
        ['absent', undef], ['empty', ''], ['null', \'null'], ['a number', 1], ['with a slash behind', "$issuer/"], ['in upper case', uc $issuer], ['a prefix', substr $issuer, 0, -1],
        ['longer', "${issuer}0"], ['with a space', "$issuer "], ['another name of this host', $issuer =~ s/localhost/127.0.0.1/r], ['https', $issuer =~ s/http/https/r],
        ['without a scheme', $issuer =~ s{http://}{}r], ['with a NUL', "$issuer\0"], ['an object', { $issuer => 1 }], ['true', \'true'],
    );
    refused("an iss that is $_->[0]", $own->token(claims => { iss => $_->[1] })) for @other, ['a list', [$issuer]];
    refused("an aud that is $_->[0]", $own->token(claims => { aud => $_->[1] })) for @other, ['an empty list', []], ['a list of others', ['https://a.example']],
        ['a list with a number', [$issuer, 1]], ['a list in a list', [[$issuer]]], ['words', "https://a.example $issuer"];
    accepted('an aud of ours and others', $own->token(claims => { aud => ['https://a.example', $issuer] }));
};

subtest 'times' => sub {
    my @never = (
        ['absent', undef], ['null', \'null'], ['a string', "$now"], ['true', \'true'], ['a list', [$now + 600]], ['an object', {}], ['negative', -1],
        ['overflowing', \'1e400'], ['of 30 digits', \('9' x 30)], ['beyond 2^53', \'1e17'], ['with a plus', \('+' . ($now + 600))], ['hexadecimal', \'0x7fffffff'], ['NaN', \'NaN'], ['Infinity', \'Infinity'],
    );
    refused("an exp that is $_->[0]", $own->token(claims => { exp => $_->[1] })) for @never;
    refused("an exp of $_->[0]", $own->token(claims => { exp => $_->[1] }), 'The token has expired.') for [0, 0], ['an hour ago', $now - 3600], ['a minute ago', $now - 60], ['half a second', \'0.5'];
    for my $name (qw(nbf iat)) {
        refused("an $name that is $_->[0]", $own->token(claims => { $name => $_->[1] })) for grep { $_->[0] ne 'absent' } @never;
        refused("an $name in a minute", $own->token(claims => { $name => $now + 90 }));
        accepted("an $name within the tolerance", $own->token(claims => { $name => time + 20 }));
    }
    accepted('an exp within the tolerance', $own->token(claims => { exp => time - 5 }));
    accepted('an exp with a fraction', $own->token(claims => { exp => \(($now + 600) . '.75') }));
    accepted('an exp with an exponent', $own->token(claims => { exp => \'2.5e9' }));
    accepted('no iat', $own->token(claims => { iat => undef }));
};

subtest 'sub' => sub {
    refused("a sub that is $_->[0]", $own->token(claims => { sub => $_->[1] }))
        for ['absent', undef], ['empty', ''], ['null', \'null'], ['a number', 1], ['a list', ['demo:alice']], ['256 long', 'a' x 256], ['two lines', "a\r\nX-Sub: root"],
            ['with a NUL', "a\0b"], ['no ASCII', "\x{e4}"], ['a tab', "a\tb"];
    accepted('a sub of 255', $own->token(claims => { sub => 'a' x 255 }), 'a' x 255);
};

# ---- sizes (req 155) -------------------------------------------------------------------------------

subtest 'sizes' => sub {
    refused('a token of 20 KB', $own->token(claims => { x => 'x' x 15_000 }));
    refused('a token of 60 KB', 'a' x 60_000);
    my ($worker) = $nginx->worker_pids;
    my $before = memory_of($worker);
    for my $size (70_000, 1_000_000) {
        my $statuses = join ' ', map {
            $nginx->get('/api/x', headers => [Authorization => 'Bearer ' . 'a' x $size])->{status}
        } 1 .. 20;
        is $statuses, join(' ', (400) x 20), "a token of $size bytes is not read";
    }
    is $nginx->get('/api/x', headers => [map { ("X-$_" => 'a' x 8000) } 1 .. 80])->{status}, 400, 'nor are 640 KB of headers';
    cmp_ok memory_of($worker) - $before, '<', 8 * 1024, 'and the worker grows by less than 8 MB' if !sanitized();
    is_deeply [$nginx->worker_pids], [$worker], 'it is still the same worker';
    $connection = $nginx->connect;
    accepted('a good token goes on', $good);
};

# ---- req 105: controls -----------------------------------------------------------------------------

subtest 'what must pass' => sub {
    accepted('a token of the broker itself', OAuth::Demo->new($nginx)->sign_in->{access_token}, 'demo:alice@demo.local');
    accepted('one signed by the other key', $rsa->token);
    accepted('the other key by PSS', $rsa->token(alg => 'PS256'));
    accepted("the typ $_", $own->token(header => { typ => $_ })) for 'AT+JWT', 'application/at+jwt';
    accepted('unknown claims and headers', $own->token(header => { cty => 'x', x => { a => [1] } }, claims => { x => { y => [1, 2, { z => \'null' }] }, azp => 'q', acr => 1 }));
    accepted('white space in the JSON', $own->token(payload => " \n" . OAuth::Forge::json({ $own->claims }) . "\r\n\t"));
    accepted('escapes in the JSON', $own->token(payload => decode_base64url($payload) =~ s/"sub"/"\\u0073ub"/r));
    accepted('lists 10 deep', $own->token(claims => { x => \('[' x 10 . ']' x 10) }));
    accepted('10 KB of claims', $own->token(claims => { x => 'x' x 10_000 }));
    for my $scheme ('bearer', 'BEARER', 'Bearer  ', 'bEARER') {
        is ask(Authorization => "$scheme $good")->{status}, 200, "the scheme \"$scheme\"";
    }
};

# ---- nothing went out, nothing came in -------------------------------------------------------------

ok !IO::Select->new($silent)->can_read(0.2), 'nobody asked where a token pointed to (req 110)';
my @lines = grep { /oauth: request refused/ } split /\n/, $nginx->error_log;
cmp_ok scalar(@lines), '>', 400, 'every refusal has its line';
is_deeply [grep { !/oauth: request refused: [a-z_]+, client: 127\.0\.0\.1, server: , request: "GET \/api\/x HTTP\/1\.1", host: "localhost:\d+"$/ } @lines], [], 'of one form';
$nginx->stop;
done_testing;

sub ask { return $connection->request(GET => '/api/x', headers => [@_]) }

# 401, the same words for all, and the upstream hears nothing: before and after a good one.
sub refused {
    my ($name, $token, $text) = @_;
    my $expected = qq(Bearer realm="$issuer", error="invalid_token", error_description=")
        . ($text || 'The token is not valid.') . '"';
    my @got;
    for my $round (1, 2) {
        my $before = upstream();
        my $response = ask(Authorization => "Bearer $token");
        my @challenges = headers($response, 'WWW-Authenticate');
        push @got, $response->{status}, $response->{status} == 401 ? "@challenges" : $response->{body},
            upstream() == $before ? 'not seen' : 'seen';
        push @got, ask(Authorization => "Bearer $good")->{status} if $round == 1;
    }
    return is_deeply \@got, [401, $expected, 'not seen', 200, 401, $expected, 'not seen'], "$name is refused";
}

sub accepted {
    my ($name, $token, $sub) = @_;
    my $response = ask(Authorization => "Bearer $token");
    return is_deeply [$response->{status}, $response->{body}], [200, 'sub=' . ($sub || 'demo:alice')], "$name is accepted"
        || diag($nginx->error_log =~ /.*\n(.*\n)\z/);
}

sub upstream { return -s $nginx->dir . '/upstream.log' || 0 }

sub der {
    my $integers = join '', map { my $n = $_; $n =~ s/^\0+(?=.)//s; $n = "\0$n" if ord($n) > 127; pack 'C C/a', 2, $n } @_;
    return pack 'C C/a', 0x30, $integers;
}

# Another text of the same bytes: the last character has bits that decode to nothing.
sub with_last_bits {
    my ($text) = @_;
    my $alphabet = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';
    my $at = index $alphabet, substr $text, -1;
    return substr($text, 0, -1) . substr $alphabet, $at + 1, 1;
}

sub memory_of { return slurp("/proc/$_[0]/status") =~ /VmRSS:\s+(\d+) kB/ ? $1 : 0 }
sub sanitized { return ($ENV{OAUTH_BUILD} || '') =~ /asan/ }
