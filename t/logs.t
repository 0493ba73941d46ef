# No log holds a secret: not nginx's own lines at info and below in any log_format, not ours at any
# level; and no request writes a line of its own making (DESIGN 3 "Logs", req 149-151, 153).
# $http_referer and $http_cookie are the operator's own choice, but for what the default format has.
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Forge;
use OAuth::Story;
use OAuth::Port;

my $formats = <<'HTTP';
log_format every '$request|$request_uri|$args|$query_string|$is_args|$uri|$document_uri|$arg_code|$arg_state|$arg_id_token|$arg_user|$status|$oauth_error|$oauth_flow_id';
access_log %%DIR%%/every.log every;
access_log %%DIR%%/combined.log combined;
HTTP
my $http = $formats . <<'HTTP';
large_client_header_buffers 4 16k;
oauth_provider demo { type demo; user alice@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com http://localhost:%%PORT%%;
    if ($arg_stop) { return 400; }
    if ($arg_away) { rewrite ^ /elsewhere redirect; }
    location /api/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /down/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT2%%; }
    location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server { listen 127.0.0.1:%%PORT1%%; access_log off; location / { return 200 "$request_uri"; } }
HTTP

subtest 'a sign-in by demo, and all that can go wrong' => sub {
    my $nginx = OAuth::Nginx->new(http => $http)->start;
    my $demo = OAuth::Demo->new($nginx);
    my %secret = everything_once($nginx, $demo);
    nothing_in($nginx, %secret);
    unlike $nginx->error_log, qr/\balice\@demo/, 'nor the account that was chosen';
    unlike $nginx->error_log . all_of($nginx), qr/eyJ[\w-]{10}/, 'nor anything like a JWT';
    like slurp($nginx->dir . '/every.log'), qr{GET /oauth/callback/demo\?code=\*+&state=\*+ HTTP/1\.1\|/oauth/callback/demo\?code=\*+&state=\*+\|code=\*+&state=\*+\|}, 'what is masked is masked in its length';
    my $flow = ($nginx->error_log =~ /oauth: login done, provider demo, flow ([0-9a-f]{32}),/)[0];
    like $nginx->error_log, qr/oauth: $_ done, provider demo, flow $flow,/, "the line of the $_ has the flow" for qw(login callback token);
    $nginx->stop;
};

# Browsers before 2020 said all of the address that they came from.
subtest 'the page that the browser comes from' => sub {
    my $nginx = OAuth::Nginx->new(http => $http)->start;
    my $state = 'S' x 40;
    $nginx->get("/oauth/callback/demo?code=c&state=s", headers => [Referer => "https://id.example.com/auth?client_id=a&state=$state&x=1"]);
    my $logs = all_of($nginx) . $nginx->error_log;
    like $logs, qr{https://id\.example\.com/auth\?client_id=a&state=\*{40}&x=1}, 'keeps what is no secret';
    unlike $logs, qr/$state/, 'and loses the state';
    $nginx->stop;
};

subtest 'our own lines at debug' => sub {
    my $nginx = OAuth::Nginx->new(http => $http, log_level => 'debug')->start;
    my %secret = everything_once($nginx, OAuth::Demo->new($nginx));
    my @ours = grep { /oauth: / } split /\n/, $nginx->error_log;
    cmp_ok scalar(@ours), '>', 20, 'are there';
    for my $name (sort keys %secret) {
        ok !(grep { s/, client: .*//r =~ /\Q$secret{$name}\E/ } @ours), "hold no $name";
    }
    is_deeply [grep { !/\] \d+#\d+: \*\d+ oauth: [a-z]+ (?:done|refused: [a-z_]+)(?: \([a-z_]+\))?(?:, provider [a-z0-9_-]+)?(?:, flow [0-9a-f]{32})?, client: / } @ours], [], 'and are of one form';
    $nginx->stop;
};

subtest 'a sign-in at an OpenID Provider' => sub {
    my $missing = OAuth::Idp->missing;
    plan skip_all => $missing if $missing;
    my $idp = OAuth::Idp->new;
    my $story = OAuth::Story->new(idp => $idp, knobs => { auto => 1 }, http => $formats)->start;
    my $nginx = $story->nginx;
    my %secret = ('client secret' => $idp->client_secret);
    my $run = sub {
        my ($name) = @_;
        my $login = eval { $story->reach } or return;
        my $response = $story->finish($login);
        my $answer = $story->answer($response);
        my $back = query_of($login->{back});
        @secret{"state $name", "nonce $name", "challenge $name", "provider's code $name"} = (@{ $login->{sent} }{qw(state nonce)}, $login->{sent}{code_challenge}, $back->{code});
        $secret{"code $name"} = $answer->{code} if $answer && $answer->{code};
        $secret{"cookie $name"} = $_->{value} for values %{ $login->{browser}->cookies('localhost') };
        return if !$answer || !$answer->{code};
        my $tokens = $story->redeem($answer->{code})->{json};
        @secret{"access token $name", "refresh token $name"} = @$tokens{qw(accessToken refreshToken)};
        return 1;
    };
    ok $run->('of a login'), 'a user signs in';
    my $broken = 0;
    for my $fault ([token => { status => 500 }], [token => { status => 400, body => '{"error":"invalid_grant","error_description":"no"}' }], [token => { body => '<html>' }], [token => { reset => 1 }],
        [userinfo => { status => 401 }], [userinfo => { body => '{"sub":"other"}' }], [userinfo => { reset => 1 }]) {
        my ($route, $how) = @$fault;
        $idp->fault($route => $how);
        $run->('with ' . join ' ', $route, %$how) or $broken++;
        $idp->clear;
    }
    is $broken, 7, 'and does not when the provider fails';
    for my $request ($idp->log_of('token')) {
        my %form = %{ query_of("?$request->{body}") };
        $secret{'verifier ' . keys %secret} = $form{code_verifier};
        my ($basic) = ($request->{headers}{authorization} || '') =~ /^Basic (.*)/;
        $secret{'basic'} = $basic if $basic;
    }
    for my $request ($idp->log_of('userinfo')) {
        my ($bearer) = ($request->{headers}{authorization} || '') =~ /^Bearer (.*)/;
        $secret{'provider\'s access token ' . keys %secret} = $bearer if $bearer;
    }
    cmp_ok scalar(grep { /verifier|provider's access/ } keys %secret), '>=', 8, 'the provider has seen verifiers and given tokens';
    $idp->stop;
    $run->('while the provider is down');
    nothing_in($nginx, %secret);
    unlike $nginx->error_log . all_of($nginx), qr/eyJ[\w-]{10}/, 'nor anything like an id_token';
    $nginx->stop;
};

# nginx answers these by itself, some before any phase runs.
subtest 'requests that nginx refuses by itself' => sub {
    my $nginx = OAuth::Nginx->new(http => $http . "client_header_timeout 1s;\n")->start;
    my $secrets = 'code=S3CRET-provider-code-0123&state=S3CRET-state-0123&id_token=S3CRET.id.token&user=S3CRET-user';
    my $line = "GET /oauth/callback/demo?$secrets HTTP/1.1\r\n";
    my $host = 'Host: localhost:' . $nginx->port . "\r\n";
    my %text = (
        'a server-level return' => "GET /oauth/callback/demo?stop=1&$secrets HTTP/1.1\r\n$host\r\n",
        'a server-level redirect' => "GET /oauth/callback/demo?away=1&$secrets HTTP/1.1\r\n$host\r\n",
        'no Host' => "$line\r\n", 'two Hosts' => "$line$host$host\r\n", 'a Host that is none' => "${line}Host: a/b\r\n\r\n",
        'a length that is none' => "$line${host}Content-Length: x\r\n\r\n", 'an unknown coding' => "$line${host}Transfer-Encoding: x\r\n\r\n", 'two lengths' => "$line${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        'a header with NUL' => "$line${host}X: a\0b\r\n\r\n", 'headers that are too large' => "$line$host" . 'X: ' . 'x' x 20_000 . "\r\n\r\n", 'a cookie that is too large' => "$line${host}Cookie: " . 'x' x 70_000 . "\r\n\r\n",
        'TRACE' => $line =~ s/GET/TRACE/r . "$host\r\n", 'an unknown method' => $line =~ s/GET/XYZ/r . "$host\r\n", 'no end' => "$line$host", 'an address that is too long' => "GET /oauth/callback/demo?x=" . 'y' x 20_000 . "&$secrets HTTP/1.1\r\n$host\r\n",
        'HTTP/1.0 without Host' => $line =~ s/1\.1\r/1.0\r/r . "\r\n", 'an encoded path' => $line =~ s{/oauth/}{/%6fauth/}r . "$host\r\n", 'two slashes' => $line =~ s{/oauth/}{//oauth//}r . "$host\r\n",
        'a path with dots' => $line =~ s{/oauth/}{/x/../oauth/}r . "$host\r\n", 'an absolute target' => $line =~ s{ /oauth}{ http://localhost/oauth}r . "$host\r\n",
    );
    for my $name (sort keys %text) {
        my %before = map { $_ => -s $nginx->dir . "/$_.log" || 0 } qw(every combined);
        my $connection = $nginx->connect(timeout => 20);
        $connection->send($text{$name});
        shutdown $connection->socket, 1 if $name eq 'no end';
        $connection->read_response;
        $connection->close;
        my $logged = '';
        wait_until { $logged = join '', map { substr slurp($nginx->dir . "/$_.log"), $before{$_} } qw(every combined) };
        unlike $logged, qr/S3CRET/, "$name: masked in every access log";
        like $logged, qr/oauth/i, '  and logged';
    }
    my @lines = grep { /S3CRET/ } split /\n/, $nginx->error_log;
    # nginx says at info why it cannot read a request, before any module has seen it.
    is_deeply [grep { !/\[info\] .* (?:client (?:sent|prematurely|timed out)|request header)/ } @lines], [], 'error.log above info has nothing';
    $nginx->stop;
};

# The application may live on the broker's own server: then our code comes back in its address.
subtest 'our code in the address of an application' => sub {
    my $nginx = OAuth::Nginx->new(http => $http)->start;
    my $base = 'http://localhost:' . $nginx->port;
    my $demo = OAuth::Demo->new($nginx, origin => $base);
    my $back = $demo->callback($demo->login);
    my ($path, $auth) = header($back->{response}, 'Location') =~ m{^\Q$base\E(/.*dxc-auth=(.*))$};
    is $nginx->get($path)->{body}, $path, 'the application\'s upstream gets it as it is';
    $nginx->get('/style.css', headers => [Referer => "$base$path"]);
    $nginx->get('/oauth/login/demo?' . form(redirect_uri => "$base$path"));
    nothing_in($nginx, 'dxc-auth' => $auth, code => $back->{code});
    like slurp($nginx->dir . '/every.log'), qr{GET /\?dxc-auth=\*+ HTTP}, 'it is masked';
    like slurp($nginx->dir . '/combined.log'), qr{"\Q$base\E/\?dxc-auth=\*+"}, 'in the default format\'s Referer too';
    my $handed_back = qr{redirect_uri=http%3A%2F%2Flocalhost%3A\d+%2F%3Fdxc-auth%3D\*+ HTTP};
    wait_until { slurp($nginx->dir . '/combined.log') =~ $handed_back };    # the line comes behind the answer
    like slurp($nginx->dir . '/combined.log'), $handed_back, 'and where the client hands it back in redirect_uri';
    is $nginx->get($_)->{body}, $_, "$_ is the user's" for '/oauth/mine?code=visible&state=visible', '/oauth/authorize?state=visible&user=u', '/mine/oauth/login/x?state=visible';
    is $nginx->get('/other?code=visible&state=visible')->{body}, '/other?code=visible&state=visible', 'others\' parameters are theirs';
    ok wait_until { slurp($nginx->dir . '/every.log') =~ m{GET /other\?code=visible&state=visible} }, 'in the log too';
    $nginx->stop;
};

# req 151
subtest 'what is logged stays one bounded line' => sub {
    my $nginx = OAuth::Nginx->new(http => $http)->start;
    my $demo = OAuth::Demo->new($nginx);
    my %evil = ('lines' => "x\r\n2026/01/01 00:00:00 [alert] 1#1: FORGED", 'ANSI' => "\e[31mred\e[0m\e]0;title\a", 'eight KB' => 'A' x 8192, 'a NUL' => "a\0FORGED", 'C1' => "\x{9b}31m", 'formats' => '%s%n%V%p', 'UTF-8' => "\x{202e}\x{2028}");
    for my $kind (sort keys %evil) {
        my $text = url_encode($evil{$kind});
        $nginx->get($_) for "/oauth/login/$text?redirect_uri=$text&state=$text&delivery=$text", "/oauth/callback/$text?code=$text&state=$text&error=$text&error_description=$text&iss=$text", "/oauth/demo/demo?state=$text";
        $nginx->post('/token', { grant_type => $evil{$kind}, code => $evil{$kind}, public_key => $evil{$kind}, scopes => [$evil{$kind}] });
        my $forge = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $evil{$kind}, sub => $evil{$kind} }, header => { kid => $evil{$kind}, typ => $evil{$kind} });
        $nginx->get('/api/x', headers => [Authorization => 'Bearer ' . $forge->token]);
        (my $header = $evil{$kind}) =~ tr/\r\n\0//d;
        utf8::encode($header) if utf8::is_utf8($header);
        $nginx->get('/oauth/callback/demo?code=x&state=x', headers => [Cookie => "oauth-00000000=$header", Origin => $header, 'X-Forwarded-For' => $header, 'User-Agent' => $header]);
    }
    my @lines = split /\n/, $nginx->error_log, -1;
    is pop @lines, '', 'the last line ends';
    is_deeply [grep { !m{^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?:info|notice|warn|error)\] \d+#\d+: } } @lines], [], 'every line is one of nginx\'s';
    is_deeply [grep { /[^\x20-\x7e]/ } @lines], [], 'in printable ASCII';
    is_deeply [grep { length > 2048 } @lines], [], 'of at most 2 KB';
    is_deeply [grep { /FORGED/ && !/request: "[^"]*FORGED/ } @lines], [], 'and none is forged';
    my @accesses = split /\n/, slurp($nginx->dir . '/every.log');
    is_deeply [grep { /[^\x20-\x7e]/ || !/^(?:GET|POST) / } @accesses], [], 'access logs alike';
    $nginx->stop;
};

# req 150
subtest 'no error repeats what it was sent' => sub {
    my $nginx = OAuth::Nginx->new(http => $http)->start;
    my $mark = 'S3CRETs3cretS3CRETs3cretS3CRETs3cretS3CRETs3cretS3CRETs3cretABCD';
    my $forge = OAuth::Forge->new(generate => 'ES256');
    my %answer = (
        'a wrong code' => $nginx->post('/token', { grant_type => 'authorization_code', code => $mark, public_key => OAuth::Demo::public_key(), code_verifier => $mark }, headers => [Origin => 'https://app.example.com']),
        'a wrong key' => $nginx->post('/token', { grant_type => 'authorization_code', code => 'x', public_key => $mark }),
        'a wrong grant' => $nginx->post('/token', { grant_type => $mark }), 'a wrong scope' => $nginx->post('/token', { grant_type => 'authorization_code', scopes => [$mark], code => $mark, public_key => OAuth::Demo::public_key() }),
        'no JSON' => $nginx->post('/token', "{$mark", headers => ['Content-Type' => 'application/json']), 'a form' => $nginx->post('/token', "grant_type=authorization_code&code=$mark"),
        'a wrong origin' => $nginx->post('/token', { code => $mark }, headers => [Origin => "https://$mark.example"]), 'a type' => $nginx->post('/token', '{}', headers => ['Content-Type' => $mark]),
        'a wrong state' => $nginx->get("/oauth/callback/demo?code=$mark&state=$mark"), 'an error' => $nginx->get("/oauth/callback/demo?error=$mark&error_description=$mark&state=$mark"),
        'a wrong target' => $nginx->get("/oauth/login/demo?redirect_uri=https://$mark.example/"), 'a wrong provider' => $nginx->get("/oauth/login/$mark?redirect_uri=https://app.example.com/"),
        'a wrong token' => $nginx->get('/api/x', headers => [Authorization => 'Bearer ' . $forge->token(claims => { iss => $mark, sub => $mark }, header => { kid => $mark })]), 'no token' => $nginx->get('/api/x', headers => [Authorization => "Bearer $mark"]),
        'a method' => $nginx->request("${\uc substr $mark, 0, 8}" => '/token'), 'a cookie' => $nginx->get('/oauth/callback/demo?code=x&state=x', headers => [Cookie => "a=$mark"]),
    );
    for my $name (sort keys %answer) {
        my $response = $answer{$name};
        like $response->{status}, qr/^4\d\d$/, "$name is refused";
        unlike $response->{head} . $response->{body}, qr/S3CRETs|127\.0\.0\.1|\.cpp|openssl|error:[0-9A-F]{8}/i, '  without a word of it, or of how';
    }
    $nginx->stop;
};

# req 153
subtest 'nginx -T shows no file\'s content' => sub {
    my $nginx = OAuth::Nginx->new(http => $http . "oauth_provider acme { client_id a; client_secret file:secret; issuer https://id.example.com; }\n");
    spew($nginx->dir . '/secret', 'S3CRET-of-the-client', 0600);
    my ($ok, $output) = $nginx->check;
    ok $ok, 'the configuration is right' or diag $output;
    my $binary = $ENV{OAUTH_NGINX} || '/usr/sbin/nginx';
    local $ENV{ASAN_OPTIONS} = 'detect_odr_violation=0:detect_leaks=0';
    my $dump = `$binary -T -p @{[$nginx->dir]} -c @{[$nginx->dir]}/check.conf 2>&1`;
    like $dump, qr/client_secret file:secret/, 'it shows the configuration';
    unlike $dump, qr/S3CRET-of/, 'and not the secret';
};

done_testing;

# A run through every stage, well and badly; returns what must be in no log.
sub everything_once {
    my ($nginx, $demo) = @_;
    my $all = $demo->sign_in;
    my $second = $demo->login(cookie => $all->{cookie});
    my $third = OAuth::Demo->new($nginx, query => [delivery => 'popup', state => 'the-application-s-own-state-0123456789'])->login;
    my $code = $demo->callback($second)->{code};
    my ($cookie) = $all->{cookie} =~ /=(.*)/;
    my $bad = OAuth::Forge->new(generate => 'ES256')->token(claims => { iss => 'https://evil.example' });
    my %secret = (
        state => $all->{state}, 'second state' => $second->{state}, 'third state' => $third->{state}, code => $all->{code}, 'second code' => $code, cookie => $cookie,
        'access token' => $all->{access_token}, 'refresh token' => $all->{refresh_token}, 'refused token' => $bad, 'signature' => (split /\./, $bad)[2],
    );
    $demo->callback($second);                                                             # spent
    $demo->callback($third);                                                              # a popup
    $demo->callback({ %$third, cookie => 'a=b' });                                        # another browser
    $demo->callback({ %$second, state => "$second->{state}x" });                          # changed
    $nginx->get('/oauth/callback/demo?' . form(error => 'x', state => $second->{state}), headers => [Cookie => $second->{cookie}]);
    $nginx->get('/oauth/callback/none?' . form(code => 'x', state => $second->{state}), headers => [Cookie => $second->{cookie}]);
    $nginx->get("/oauth/demo/demo?state=$second->{state}");
    $nginx->post("/oauth/callback/demo?code=$code&state=$second->{state}", "code=$code&state=$second->{state}");
    $nginx->get("/oauth/callback/demo?stop=1&code=$code&state=$second->{state}&id_token=$bad&user=$bad", headers => [Cookie => $all->{cookie}]);
    $nginx->get("/oauth/callback/demo?away=1&code=$code&state=$second->{state}");
    $nginx->get("/oauth/callback/demo?code=$code&iss=https://id.example/?x=y&state=$second->{state}", headers => [Cookie => $all->{cookie}]);
    $demo->redeem($code, origin => 'https://evil.example');
    $demo->redeem($all->{code});
    $demo->redeem($code, body => { code_verifier => 'v' x 43 });
    $nginx->post('/token', "code=$code", headers => [Origin => 'https://app.example.com']);
    for my $token ($all->{access_token}, $all->{refresh_token}, $bad, "$all->{access_token}x", 'x') {
        $nginx->get($_, headers => [Authorization => "Bearer $token", Cookie => $all->{cookie}]) for '/api/x', '/down/x', '/oauth/login/demo', '/none';
    }
    return %secret;
}

sub all_of { my ($nginx) = @_; return join '', map { slurp($nginx->dir . "/$_.log") } qw(every combined) }

sub nothing_in {
    my ($nginx, %secret) = @_;
    my %log = ('error.log' => $nginx->error_log, 'the access logs' => all_of($nginx));
    for my $name (sort keys %secret) {
        next if !defined $secret{$name};
        my @forms = ($secret{$name}, url_encode($secret{$name}));
        for my $log (sort keys %log) {
            my @lines = grep { my $line = $_; grep { index($line, $_) >= 0 } @forms } split /\n/, $log{$log};
            is_deeply \@lines, [], "the $name is not in $log";
        }
    }
    return;
}
