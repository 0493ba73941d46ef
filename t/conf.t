# Mistakes in a configuration die at `nginx -t`, at the line where they stand, and say what to
# write instead (req 169, DESIGN 4); what only may be wrong is a warning; `nginx -t` makes nothing.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake check line_with);
use OAuth::Demo;
use OAuth::Forge;
use Cwd qw(getcwd);

my $demo   = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
my $acme   = "oauth_provider acme { type oidc; client_id app; client_secret s; issuer https://id.example.com; }\n";
my $listen = 'listen 127.0.0.1:%%PORT%%;';
my $broker = "oauth_broker https://auth.example.com;\noauth_allow_origin https://app.example.com;";
my $server = "server {\n$listen\n$broker\n}\n";

# ---- req 169: every mistake, at the line with the mark #! ------------------------------------------

subtest 'what is wrong in oauth_provider' => sub {
    my %members = (type => 'oidc', client_id => 'app', client_secret => 's', issuer => 'https://id.example.com');
    my $with = sub {
        my ($name, $here, %changed) = @_;
        my %now = (%members, %changed);
        my $lines = join '', map { "$_ $now{$_};\n" } grep { defined $now{$_} } sort keys %now;
        return $here eq '' ? "oauth_provider $name { #!\n$lines}\n" : "oauth_provider $name {\n$lines$here #!\n}\n";
    };
    mistake('a missing client_id', $with->('acme', '', client_id => undef), qr/needs "client_id", as registered/);
    mistake('a missing issuer', $with->('acme', '', issuer => undef), qr{needs "issuer", e\.g\. issuer https://});
    mistake("the issuer \"$_\"", $with->('acme', "issuer $_;", issuer => undef), qr/plain http only on loopback.*use https/)
        for 'http://id.example.com', 'http://localhost.evil.com', 'http://127.0.0.1.evil.com', 'http://[::2]';
    mistake("the issuer \"$_\"", $with->('acme', "issuer $_;", issuer => undef), qr{must be an absolute URL, https://host})
        for 'id.example.com', 'https://id.example.com/?a=b', 'https://id.example.com/#f', 'https://u@id.example.com', 'ftp://id.example.com';
    mistake('a public client without PKCE', $with->('acme', '', client_secret => undef, pkce => 'off'),
        qr/public client .*"pkce off" is not possible/);
    mistake('a secret that is never sent', $with->('acme', '', token_auth => 'none'), qr/"token_auth" would not send: remove one/);
    mistake('token_auth without a secret', $with->('acme', '', client_secret => undef, token_auth => 'basic'), qr/write "token_auth none;"/);
    mistake('an unknown token_auth', $with->('acme', 'token_auth digest;'), qr/must be one of: basic, post, private_key_jwt, none/);
    mistake('an unknown type', $with->('acme', 'type saml;', type => undef), qr/must be one of: google, .*, oidc, oauth2, demo/);
    mistake('an unknown member', $with->('acme', 'client_secrett x;'), qr/"client_secrett" in oauth_provider "acme" is unknown; possible are: type, client_id/);
    mistake('a member twice', $with->('acme', 'client_id again;'), qr/"client_id" in oauth_provider "acme" is given twice/);
    mistake('a member without a value', $with->('acme', 'scope;'), qr/"scope" in oauth_provider "acme" has the wrong number of values/);
    mistake('a flag that is none', $with->('acme', 'pkce yes;'), qr/must be "on" or "off"/);
    mistake('a scope without openid', $with->('acme', '', scope => 'email profile'), qr/needs the scope "openid"/);
    mistake('an empty scope', $with->('acme', '', scope => '""'), qr/needs the scope "openid"/);
    mistake('an empty client_id', $with->('acme', '', client_id => '""'), qr/needs "client_id"/);
    mistake('an empty client_secret', $with->('acme', 'client_secret "";', client_secret => undef), qr/leave it out for a public client/);
    mistake('a relative icon', $with->('acme', 'icon /icon.svg;'), qr/must be an absolute URL/);
    mistake("the name \"$_\"", $with->($_, ''), qr/must be named \[a-z0-9\]\[a-z0-9_-\]\{0,31\}/)
        for 'Acme', '-acme', 'a.b', '../x', '""', 'a' x 33;
    mistake("the reserved name \"$_\"", $with->($_, ''), qr/has a reserved name: choose another/) for qw(otp email client);
    mistake('the name demo for another type', $with->('demo', ''), qr/has a reserved name: choose another/);
    mistake('a name twice', $acme . $with->('acme', ''), qr/oauth_provider "acme" is defined twice/);
    mistake('demo without accounts', "oauth_provider demo { #!\ntype demo;\n}\n", qr/needs at least one account: user alice\@demo/);
    mistake('a demo account without an address', "oauth_provider demo {\nuser alice; #!\n}\n", qr/must be an e-mail address/);
    mistake('an account elsewhere', $with->('acme', '', user => 'a@b.example'), qr/is of type oidc, which has no "user"/);
};

subtest 'what is wrong in a server' => sub {
    my $in_server = sub { return $acme . "server {\n$listen\n" . join("\n", @_) . "\n}\n" };
    my %url = (
        'https://auth.example.com/?a=b'  => qr{write the public base URL, https://host},
        'https://auth.example.com/#f'    => qr{write the public base URL, https://host},
        'https://me@auth.example.com'    => qr{write the public base URL, https://host},
        'auth.example.com'               => qr{write the public base URL, https://host},
        'ftp://auth.example.com'         => qr{write the public base URL, https://host},
        '/auth'                          => qr{write the public base URL, https://host},
        'http://auth.example.com'        => qr/plain http is possible only on loopback/,
        'http://localhost.evil.com'      => qr/plain http is possible only on loopback/,
        'http://128.0.0.1'               => qr/plain http is possible only on loopback/,
        'https://auth.example.com/a/../b' => qr/base URL.* without .*dot segments/,
        'https://auth.example.com/./b'   => qr/base URL.* without .*dot segments/,
        'https://auth.example.com/a//b'  => qr/must be plain/,
        'https://auth.example.com/a%2fb' => qr/must be plain/,
    );
    mistake("the broker URL $_", $in_server->("oauth_broker $_; #!"), $url{$_}) for sort keys %url;
    mistake('oauth_broker twice', $in_server->($broker, 'oauth_broker https://b.example.com; #!'), qr/"oauth_broker" may stand once in a server/);
    mistake('one URL in two servers', $server . $in_server->('oauth_broker HTTPS://auth.EXAMPLE.com:443/; #!'),
        qr/is another server's broker already: each needs its own URL/);
    mistake('a broker without a provider', "server {\n$listen\noauth_broker https://auth.example.com; #!\n}\n",
        qr/has no provider: add "oauth_provider NAME/);
    mistake('two brokers without oauth_use', $acme . "server {\n$listen\noauth_broker https://a.example.com;\noauth_use acme;\n}\n"
        . "server {\n$listen\nserver_name b;\noauth_broker https://b.example.com; #!\n}\n", qr/several brokers: each needs "oauth_use PROVIDER/);
    mistake('an unknown provider in oauth_use', $in_server->($broker, 'oauth_use acme gone; #!'), qr/"oauth_use gone".*names a provider that no oauth_provider/);
    mistake('oauth_use twice', $in_server->($broker, 'oauth_use acme;', 'oauth_use acme; #!'), qr/"oauth_use" is given twice/);
    mistake('a provider twice in oauth_use', $in_server->($broker, 'oauth_use acme acme; #!'), qr/"oauth_use" names "acme" twice/);

    my %origin = (
        '*'                              => qr{wildcards are not possible: name each origin, e\.g\. https://app},
        'https://*.example.com'          => qr{wildcards are not possible: name each origin},
        'javascript://'                  => qr{scheme cannot be a redirect target; an app's own looks like myapp://},
        'javascript://alert'             => qr{scheme cannot be a redirect target},
        'JavaScript:alert(1)'            => qr{scheme cannot be a redirect target},
        'data://'                        => qr{scheme cannot be a redirect target},
        'http://app.example.com'         => qr/plain http is possible only on loopback.*use https/,
        'http://localhost.evil.com'      => qr/plain http is possible only on loopback.*use https/,
        'https://'                       => qr{name the host too, e\.g\. https://app},
        'https://app.example.com/a/../b' => qr{without .*dot segments},
        'https://app.example.com/%2e%2e/' => qr{without .*dot segments},
        'https://app.example.com?x=1'    => qr{a query or fragment cannot be part of it: write scheme://host},
        'https://app.example.com/x?y'    => qr{a query or fragment cannot be part of it: write scheme://host},
        'https://app.example.com/#'      => qr{a query or fragment cannot be part of it: write scheme://host},
        'https://u:p@app.example.com'    => qr{a user name cannot be part of it: write scheme://host},
        'app.example.com'                => qr{the scheme is missing: write scheme://host.*e\.g\. https://app\.example\.com or myapp://},
        'localhost:3000'                 => qr{the scheme is missing},
        '//app.example.com'              => qr{the scheme is missing},
        'null'                           => qr{the scheme is missing},
        'https://app.example.com,'       => qr{no plain host and port: write scheme://host},
        'https://app.example.com:port'   => qr{no plain host and port},
        '"https://app.example.com x"'    => qr{no plain host and port},
        'http://10.0.0.7:3000'           => qr/plain http is possible only on loopback.*use https/,
        'myapp://host/path'              => qr{a path is possible only after https://host},
    );
    mistake("the origin $_", $in_server->('oauth_broker https://auth.example.com;', "oauth_allow_origin $_; #!"), $origin{$_})
        for sort keys %origin;
    mistake('oauth_protect without a broker', "server {\n$listen\nlocation / {\noauth_protect bearer; #!\n}\n}\n",
        qr/has nobody to trust: put "oauth_broker URL;" into this server/);
    mistake('oauth_protect in http, and a server without a broker', "oauth_protect bearer; #!\n$acme${server}server {\n$listen\nserver_name other;\n}\n",
        qr/has nobody to trust/);
    mistake('an unknown kind of protection', $in_server->($broker, 'oauth_protect basic; #!'), qr/must be "bearer" or "off"/);
    mistake('protection with odd words', $in_server->($broker, "oauth_protect $_; #!"), qr/possible is: bearer \[query=NAME\[:any\]\] \[optional\]|must be "bearer" or "off"/)
        for 'bearer sometimes', 'bearer optional optional', 'off optional';
    mistake('oauth_protect twice', $in_server->($broker, 'oauth_protect bearer;', 'oauth_protect off; #!'), qr/"oauth_protect" is given twice/);
    mistake('an empty oauth_scope', $in_server->($broker, 'oauth_scope ""; #!'), qr/a scope is printable ASCII/);
    mistake('two scopes in one word', $in_server->($broker, 'oauth_scope "a b"; #!'), qr/a scope is printable ASCII without space/);
    mistake('an empty oauth_audience', $in_server->($broker, 'oauth_audience ""; #!'), qr/one or more non-empty strings/);
    mistake("the algorithm $_", $in_server->($broker, "oauth_access_token_alg $_; #!"), qr/must be one of: ES256, .*EdDSA/)
        for qw(none HS256 es256);
    mistake('oauth_require_pkce maybe', $in_server->($broker, 'oauth_require_pkce maybe; #!'), qr/must be "on" or "off"/);
};

subtest 'a location of the user\'s that the broker needs' => sub {
    for my $location ('= /token', '= /auth-providers', '/oauth/login/', '^~ /oauth/callback/', '/oauth/demo/', '= /.well-known/jwks.json') {
        my ($path) = $location =~ /(\S+)$/;
        for my $order (0, 1) {
            my $mine = "location $location { #!\nreturn 204;\n}";
            my @lines = $order ? ($mine, $broker) : ($broker, $mine);
            my ($ok, $output, $conf) = check($acme . "server {\n$listen\n" . join("\n", @lines) . "\n}\n");
            my $first = line_with($conf, qr/^location/);
            my $second = line_with($conf, qr/^oauth_broker/);
            ok !$ok, "location $location, " . ($order ? 'before' : 'behind') . ' oauth_broker';
            like $output, qr/\[emerg\] .*location "\Q$path\E" .*check\.conf:$first\b.*$second/, '  names both places' ;
            like $output, qr/give the broker's URL a path of its own/, '  and the remedy';
        }
    }
    my ($ok, $output) = check($acme . "server {\n$listen\noauth_broker https://auth.example.com/auth;\nlocation = /token { return 204; }\n}\n");
    ok $ok, 'a broker with a path leaves /token to others' or diag $output;
};

subtest 'demo beyond this machine' => sub {
    my $open = "server {\nlisten %%PORT%%;\noauth_broker http://localhost:%%PORT%%; #!\n}\n";
    mistake('a listen on every address', $demo . $open, qr/everybody may be anybody: its URL and every "listen" .* must be loopback/);
    mistake('one listen of two', $demo . "server {\n$listen\nlisten 0.0.0.0:%%PORT1%%;\noauth_broker http://localhost:%%PORT%%; #!\n}\n", qr/every "listen"/);
    mistake('a URL that others know', $demo . "server {\n$listen\noauth_broker https://auth.example.com; #!\n}\n", qr/its URL and every "listen"/);
    mistake('a demo among others', $demo . $acme . $open, qr/offers a demo provider/);
    my ($ok, $output) = check($demo . "server {\n$listen\nlisten unix:%%DIR%%/s;\noauth_broker http://localhost:%%PORT%%;\n}\n");
    ok $ok, 'loopback and a unix socket are fine' or diag $output;
};

subtest 'times, sizes, stores' => sub {
    my $in_http = sub { return join("\n", @_) . "\n$acme$server" };
    mistake("oauth_code_lifetime $_", $in_http->("oauth_code_lifetime $_; #!"), qr/must lie between 1s and 5m/) for qw(10m 301s 0);
    mistake("oauth_state_lifetime $_", $in_http->("oauth_state_lifetime $_; #!"), qr/must lie between 1m and 24h/) for qw(59s 25h);
    mistake("oauth_access_token_lifetime $_", $in_http->("oauth_access_token_lifetime $_; #!"), qr/must lie between 1m and 24h/) for qw(59s 25h);
    mistake('a refresh token that dies first', "oauth_refresh_token_lifetime 5m;\n${acme}server {\n$listen\noauth_broker https://auth.example.com; #!\n}\n", qr/"oauth_refresh_token_lifetime" must be no shorter than "oauth_access_token_lifetime"/);
    mistake("oauth_clock_skew $_", $in_http->("oauth_clock_skew $_; #!"), qr/must lie between 0s and 10m/) for qw(11m 1d);
    mistake("oauth_state_lifetime $_", $in_http->("oauth_state_lifetime $_; #!"), qr/must be a time, e\.g\. 30s/) for qw(soon -1 5x);
    mistake('a lifetime twice', $in_http->('oauth_state_lifetime 5m;', 'oauth_state_lifetime 5m; #!'), qr/"oauth_state_lifetime" is given twice/);
    mistake("oauth_store $_", $in_http->("oauth_store $_; #!"), qr/write|shm:NAME:SIZE/) for 'memcached://x', 'shm:', 'shm:oauth', 'oauth', 'file:/tmp/x';
    mistake('a store that is too small', $in_http->('oauth_store shm:oauth:64k; #!'), qr/is too small: at least 256k/);
    mistake('oauth_store twice', $in_http->('oauth_store shm:a:1m;', 'oauth_store shm:b:1m; #!'), qr/"oauth_store" is given twice/);
    mistake('oauth_cache_zone 1', $in_http->('oauth_cache_zone 1; #!'), qr/must be a size of at least/);
    mistake("oauth_token_cache $_", $in_http->("oauth_token_cache $_; #!"), qr/"oauth_token_cache" must be a size of at least 256k, e\.g\. 16m, or "off"/) for qw(255k 0 on -1 soon);
    mistake('oauth_token_cache twice', $in_http->('oauth_token_cache off;', 'oauth_token_cache 1m; #!'), qr/"oauth_token_cache" is given twice/);
    mistake('oauth_fetch_limit 0', $in_http->('oauth_fetch_limit 0; #!'), qr/number of requests, at least 1/);
};

subtest 'secrets and keys' => sub {
    my %file = (
        weak     => 'correct horse battery staple',
        short    => "\xFF" x 31,
        empty    => '',
        newline  => "\n",
        random   => "\xFF" x 31 . "\n",
        text     => 'this is no PEM at all',
        rsa1024  => slurp(OAuth::Forge::generate('RS1024', scratch('key'))),
        rsa      => slurp(OAuth::Forge::generate('RS256', scratch('key'))),
        p256     => slurp(OAuth::Forge::generate('ES256', scratch('key'))),
        secret   => 'ab' x 32,
        huge     => 'x' x 20_000,
    );
    my $with = sub {
        my ($line) = @_;
        return "$line #!\n$acme$server";
    };
    my @files = (files => \%file);
    mistake("oauth_secret with a $_ file", $with->("oauth_secret $_;"), qr/at least 32 random bytes.*openssl rand -hex 32/, @files) for qw(weak short newline);
    mistake("oauth_secret with an $_ file", $with->("oauth_secret $_;"), qr/is empty/, @files) for qw(empty);
    mistake('oauth_secret with no file', $with->('oauth_secret absent;'), qr/must exist and be readable/, @files);
    mistake('oauth_secret with a folder', $with->('oauth_secret tmp;'), qr/must exist and be readable/, @files);
    mistake('oauth_secret with a huge file', $with->('oauth_secret huge;'), qr/is larger than/, @files);
    # req 112
    mistake("oauth_signing_key with $_", $with->("oauth_signing_key $_;"), qr/unencrypted PEM private key: RSA of 2048/, @files) for qw(rsa1024 text);
    mistake('no key for the algorithm', "oauth_signing_key rsa;\noauth_access_token_alg ES256; #!\n$acme$server",
        qr/no "oauth_signing_key" can carry the algorithm ES256/, @files);
    mistake('no key for the usual algorithm', "oauth_signing_key rsa;\n${acme}server {\n$listen\noauth_broker https://auth.example.com; #!\n}\n",
        qr/no "oauth_signing_key" can carry the algorithm ES256/, @files);
    mistake("client_secret with $_", "oauth_provider acme {\nclient_id a;\nissuer https://id.example.com;\nclient_secret file:$_; #!\n}\n$server",
        qr/\Q$_\E.*(?:must exist and be readable|is empty|larger than 4096)/, @files) for qw(absent empty huge);

    my ($ok, $output, undef, $nginx) = check($with->('oauth_secret random;'), @files);
    ok $ok, 'random bytes may end with a newline' or diag $output;
    ($ok, $output, undef, $nginx) = check($with->('oauth_secret secret; oauth_signing_key p256;'), @files);
    ok $ok, 'a secret and a key are accepted' or diag $output;
    unlike $output, qr/chmod/, 'and nothing is said about their mode';
    chmod 0644, $nginx->dir . '/secret';
    ($ok, $output) = $nginx->check;
    ok $ok, 'a file that everybody may read is accepted';
    like $output, qr/\[warn\] .*everybody .* may read ".*secret": chmod 600/, 'with a warning';
};

subtest 'the state folder' => sub {
    my $in = sub {
        my ($prepare) = @_;
        my $nginx = OAuth::Nginx->new(http => "oauth_state_dir %%DIR%%/state; #!\n$acme$server");
        $prepare->($nginx->dir . '/state');
        return $nginx;
    };
    my %bad = (
        'one that others may write' => sub { chmod 0777, $_[0] },
        'one that the group may write' => sub { chmod 0770, $_[0] },
        'a file' => sub { rmdir $_[0]; spew($_[0], 'x') },
        'a link to a folder' => sub { rename $_[0], "$_[0].real"; symlink "$_[0].real", $_[0] },
        $> == 0 ? ('another user\'s' => sub { chown 65534, 65534, $_[0] }) : (),
    );
    for my $name (sort keys %bad) {
        my $nginx = $in->($bad{$name});
        my ($ok, $output) = $nginx->check;
        my $line = line_with(slurp($nginx->dir . '/check.conf'), qr/#!/);
        ok !$ok, "$name is refused";
        like $output, qr/\[emerg\] .*must be a folder that belongs to the user who starts nginx.*chmod 700.* in \S+check\.conf:$line$/m, '  with the remedy';
    }
};

subtest 'a mistake in an included file' => sub {
    my ($ok, $output) = check("${acme}include part.conf;\n# more\n", files => { 'part.conf' => "server {\n    listen 127.0.0.1:1;\n    oauth_broker https://a.example.com;\n    oauth_use gone;\n}\n" });
    ok !$ok, 'is one';
    like $output, qr{\[emerg\] .*"oauth_use gone".* in \S+/part\.conf:4$}m, 'and points into that file';
};

# ---- what nginx -t and a start make ----------------------------------------------------------------

subtest 'nginx -t makes nothing, the first start makes the keys, later ones keep them' => sub {
    my $nginx = OAuth::Nginx->new(http => "oauth_state_dir %%DIR%%/made;\n$demo" . <<'HTTP');
server { listen 127.0.0.1:%%PORT%%; oauth_broker http://localhost:%%PORT%%; oauth_allow_origin https://app.example.com; }
HTTP
    my $folder = $nginx->dir . '/made';
    my ($ok, $output) = $nginx->check;
    ok $ok, 'the configuration is right' or diag $output;
    ok !-e $folder, 'nginx -t makes no folder';
    mkdir $folder, 0700;
    ($ok) = $nginx->check;
    ok $ok, 'an empty one is right as well';
    is_deeply [glob "$folder/*"], [], 'and stays empty';
    rmdir $folder;

    $nginx->start;
    my %made = map { m{([^/]+)$} => slurp($_) } glob "$folder/*";
    is_deeply [sort keys %made], [qw(revoked secret signing-es256.pem signing-rs256.pem)], 'a start makes secret, keys and journal';
    is sprintf('%o', (stat "$folder/$_")[2] & 07777), '600', "$_ is the owner's alone" for sort keys %made;
    is sprintf('%o', (stat $folder)[2] & 07777), '700', 'so is the folder';
    my $token = OAuth::Demo->new($nginx)->sign_in->{access_token};
    $nginx->stop;

    chmod 0600, "$folder/secret";
    $nginx->start;
    is_deeply { map { m{([^/]+)$} => slurp($_) } glob "$folder/*" }, \%made, 'the second start keeps them';
    my $kids = join ' ', map { $_->{kid} } @{ decode_json($nginx->get('/.well-known/jwks.json')->{body})->{keys} };
    my $kid = decode_json(decode_base64url((split /\./, $token)[0]))->{kid};
    like $kids, qr/(?:^| )\Q$kid\E(?: |$)/, 'and knows the key of a token from before';
    $nginx->stop;

    my $other = OAuth::Nginx->new(http => "oauth_state_dir %%DIR%%/none;\nserver { $listen }\n");
    $other->start;
    ok !-e $other->dir . '/none', 'without a broker a start makes nothing';
    $other->stop;
};

# ---- warnings --------------------------------------------------------------------------------------

subtest 'what only may be wrong is a warning' => sub {
    my %warning = (
        'a broker that no application may use' => ["${acme}server { $listen oauth_broker https://auth.example.com; }", qr/has no "oauth_allow_origin": no application may receive a code/],
        'an access token of 5 minutes' => ["oauth_access_token_lifetime 5m;\n$acme$server", qr/"oauth_access_token_lifetime" of 5m or less/],
        'error_log debug in http' => ["error_log %%DIR%%/debug.log debug;\n$acme$server", qr/"error_log … debug" writes requests with codes and tokens/],
        'error_log debug in the server' => ["${acme}server { error_log %%DIR%%/debug.log debug; $listen oauth_broker https://auth.example.com; oauth_allow_origin myapp://; }", qr/never beside a broker/],
        'error_log debug_http' => ["error_log %%DIR%%/debug.log debug_http;\n$acme$server", qr/never beside a broker/],
    );
    for my $name (sort keys %warning) {
        my ($ok, $output) = check($warning{$name}[0]);
        ok $ok, $name or diag $output;
        like $output, qr/\[warn\] .*$warning{$name}[1]/, '  is warned of';
    }
    my ($ok, $output) = check($acme . $server, log_level => 'debug');
    like $output, qr/\[warn\] .*never beside a broker/, 'error_log debug in the main context too';
    ($ok, $output) = check($acme . $server);
    ok $ok, 'an ordinary configuration passes';
    unlike $output, qr/\[(?:warn|emerg)\]/, 'without a word';
};

# ---- inheritance -----------------------------------------------------------------------------------

subtest 'scalars inherit, lists replace' => sub {
    my $nginx = OAuth::Nginx->new(http => <<'HTTP')->start;
oauth_access_token_lifetime 20m;
oauth_scope ACCESS_DB OUTER;
oauth_audience https://outer.example.com;
oauth_allow_origin https://app.example.com;
oauth_provider demo { type demo; user alice@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_use demo;
}
server {
    listen 127.0.0.1:%%PORT1%%;
    oauth_broker http://localhost:%%PORT1%%;
    oauth_use demo;
    oauth_access_token_lifetime 40m;
    oauth_scope INNER;
    oauth_audience https://one.example.com https://two.example.com;
    oauth_allow_origin https://inner.example.com;
}
HTTP
    my $outer = OAuth::Demo->new($nginx);
    my $inner = OAuth::Demo->new($nginx, port => 1, origin => 'https://inner.example.com');
    my ($first, $second) = map { claims_of($_->sign_in->{access_token}) } $outer, $inner;
    is $first->{exp} - $first->{iat}, 20 * 60, 'a lifetime comes from http';
    is $second->{exp} - $second->{iat}, 40 * 60, 'or from the server';
    is $first->{scope}, 'ACCESS_DB OUTER', 'so do scopes';
    is $second->{scope}, 'INNER', 'which replace those of http';
    is_deeply [$first->{aud}, $second->{aud}], ['https://outer.example.com', ['https://one.example.com', 'https://two.example.com']], 'audiences alike';
    $outer->{origin} = 'https://inner.example.com';
    $inner->{origin} = 'https://app.example.com';
    is $outer->login->{response}{status}, 400, 'an origin of the server is not one of http';
    is $inner->login->{response}{status}, 400, 'nor is one of http kept beside the server\'s';
    $nginx->stop;
};

done_testing;

sub claims_of { return decode_json(decode_base64url((split /\./, $_[0])[1])) }

my $scratch;
sub scratch {
    my ($name) = @_;
    $scratch ||= OAuth::Forge->new(generate => 'ES256');
    return $scratch->{folder}->dirname . "/$name";
}
