# The token as an argument (oauth_protect bearer query=NAME): where it counts, where it does not, and
# that nobody behind the module, no log and no upstream, ever finds it in a query (DESIGN 3 "Logs").
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Upstream;

my @paths = qw(/changes //changes /strict /any/seen /silent /plain /open /sync /auth /grace /guess);
my $up = OAuth::Upstream->new(map { $_ => [OAuth::Upstream::reply(200, 'up')] } @paths, '/up/x');
my $nginx = OAuth::Nginx->new(http => <<"HTTP" =~ s/UP/$up->url/ger)->start;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
log_format every '\$request|\$request_uri|\$args|\$query_string|\$arg_token|\$arg_key|\$http_authorization|\$copied|\$oauth_error|\$oauth_sub';
access_log %%DIR%%/every.log every;
access_log %%DIR%%/combined.log combined;
proxy_http_version 1.1;
proxy_set_header Upgrade \$http_upgrade;
proxy_set_header X-Sub \$oauth_sub;
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT1%% http2;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    set \$copied "\$request_uri \$args \$arg_token";
    if (\$arg_stop) { return 410; }
    location = /changes { oauth_protect bearer query=token optional; proxy_pass UP; }
    location = /strict  { oauth_protect bearer query=token; proxy_pass UP; }
    location /any/      { oauth_protect bearer query=key:any; proxy_pass UP/up/; }
    location = /any/seen { oauth_protect bearer query=key:any; proxy_pass UP; }
    location = /silent  { oauth_protect bearer query=token; oauth_pass_token off; proxy_pass UP; }
    location = /plain   { oauth_protect bearer optional; proxy_pass UP; }
    location = /open    { proxy_pass UP; }
    location = /down    { oauth_protect bearer query=token; proxy_pass http://127.0.0.1:%%PORT2%%; }
    location = /auth    { auth_request /judge; auth_request_set \$who \$oauth_sub; proxy_pass UP; }
    location = /judge   { internal; oauth_protect bearer query=token; try_files /none \@fine; }
    location \@fine      { return 204; }
    location = /to-plain { oauth_protect bearer query=token; error_page 418 = /plain; return 418; }
    location = /late-plain { oauth_protect bearer query=token; try_files /none \@late; }
    location \@late      { error_page 418 = /plain; return 418; }
    location = /grace   { oauth_protect bearer query=token; oauth_expired_grace 10m; error_page 418 = /strict; try_files /none \@strict; }
    location \@strict    { oauth_protect bearer query=token; proxy_pass UP; }
}
server { listen 127.0.0.1:%%PORT3%%; access_log off; location / { proxy_pass UP; } }
HTTP

my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem',
    claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice', scope => 'ACCESS_DB' });
my $token = $own->token;
my $old   = $own->token(claims => { exp => time - 100 });
my @ws    = (Upgrade => 'websocket', Connection => 'Upgrade');
# What a client sends in a header may be logged by $http_authorization: that is nginx's own.
my @header = (Authorization => 'Bearer ' . $own->token(claims => { jti => 'in a header' }));
my $realm = qq(Bearer realm="$issuer");

subtest 'a WebSocket brings its token in the query' => sub {
    my $seen = asks("/changes?v=3&rev&token=$token&clientId=c", @ws);
    is $seen->{status}, 200, 'and enters';
    is $seen->{sub}, 'demo:alice', '  as somebody';
    is $seen->{target}, '/changes?v=3&rev&clientId=c', 'its upstream gets the query without it';
    is $seen->{authorization}, "Bearer $token", '  but in the header';
    is asks("//changes?token=$token", @ws)->{target}, '//changes', 'so it is with //changes, which goes on as it came';
    is asks("/changes?token=$token&token2=x", @ws)->{target}, '/changes?token2=x', 'other arguments are others\'';
    is asks("/changes?to%6ben=$token&x=%zz", @ws)->{target}, '/changes?x=%zz', 'a name counts however it is encoded';
    is asks('/changes?v=3', @ws)->{sub}, '', 'without one it is anonymous, where that is allowed';
    is asks('/strict?v=3', @ws)->{status}, 401, '  and refused where it is not';
    is asks('/changes?v=3', @ws, @header)->{sub}, 'demo:alice', 'a header is as good';
};

# req 117
subtest 'elsewhere the argument is no token' => sub {
    for my $case (['/changes', 'a request that is no upgrade'], ['/changes', 'an upgrade to something else', Upgrade => 'h2c'], ['/plain', 'a location without query=', @ws]) {
        my ($path, $name, @headers) = @$case;
        my $seen = asks("$path?token=$token&x=1", @headers);
        is_deeply [@$seen{qw(status sub target authorization)}], [200, '', "$path?x=1", ''], "$name is anonymous, and its upstream hears nothing of it";
    }
    is asks("/strict?token=$token")->{status}, 401, 'and refused where somebody is wanted';
    is $nginx->post("/strict?token=$token", 'x', headers => [@ws])->{status}, 401, 'a POST is no upgrade';
    is asks("/any/seen?token=$token", @ws)->{status}, 401, 'nor does another location\'s name count';
    is asks("/open?token=$token&x=1")->{target}, '/open?x=1', 'an open location hands it on to nobody';
    $nginx->get('/other?token=its-own&x=1', port => 3);
    is(($up->requests)[-1]{line}, 'GET /other?token=its-own&x=1 HTTP/1.1', 'another server\'s argument is its own');
    my $seen = asks("/any/seen?key=$token&x=1");
    is_deeply [@$seen{qw(status sub target authorization)}], [200, 'demo:alice', '/any/seen?x=1', "Bearer $token"], 'with :any it counts on every request';
    is asks("/any/x?key=$token&x=1")->{target}, '/up/x?x=1', '  also where proxy_pass has a path';
    is asks("/any/x?key=$token")->{target}, '/up/x', '  and nothing else is in the query';
};

# req 116, 118, 120
subtest 'bad tokens, and too many' => sub {
    answers("/changes?token=$_", 401, qq($realm, error="invalid_token", error_description="The token is not valid."), "\"$_\" is never anonymous")
        for '', 'x', 'a%20b', '%00', "$token.x", 'x' x 5000;
    answers('/changes?token', 401, qq($realm, error="invalid_token", error_description="The token is not valid."), 'nor is one without a value');
    answers("/changes?token=$old", 401, qq($realm, error="invalid_token", error_description="The token has expired."), 'nor is one that has expired');
    my $twice = qq($realm, error="invalid_request", error_description="More than one token was sent.");
    answers("/changes?token=$token&token=$token", 400, $twice, 'twice is a bad request');
    answers("/changes?token=$token&%74oken=", 400, $twice, '  in any encoding');
    answers("/changes?token=$token", 400, $twice, 'header and argument as well', @header);
    answers("/changes?token=$token", 400, $twice, '  whatever the header is', Authorization => 'Basic YTpi');
    is asks("/changes?token=$token", @header)->{sub}, 'demo:alice', 'but where the argument is none, the header stands';
};

subtest 'oauth_pass_token off' => sub {
    my $seen = asks("/silent?token=$token&x=1", @ws);
    is_deeply [@$seen{qw(status sub target authorization)}], [200, 'demo:alice', '/silent?x=1', ''], 'the upstream gets no token from the query';
    is asks('/silent', @header)->{authorization}, '', 'nor from the header';
    is asks('/silent', @header)->{sub}, 'demo:alice', '  but hears who it is';
};

# req 168
subtest 'the decision is each location\'s own' => sub {
    my $seen = asks("/late-plain?token=$token&x=1", @ws);
    is_deeply [@$seen{qw(status sub authorization)}], [200, '', ''], 'a location without query= takes nobody\'s word for it, and takes the header back';
    is asks("/grace?token=$old", @ws)->{status}, 401, 'what one forgives by oauth_expired_grace the next does not';
    is $nginx->get("/auth?token=$token", headers => [@ws])->{status}, 200, 'auth_request judges by the argument of its main request';
    is asks("/auth?token=$token&x=1", @ws)->{target}, '/auth?x=1', '  whose upstream does not get it';
    is $nginx->get("/auth?token=$old", headers => [@ws])->{status}, 401, '  and refuses a bad one';
    is $nginx->get("/auth?token=$token")->{status}, 401, '  and one that does not count';
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'no curl with HTTP/2' if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
    $up->forget;
    my $url = 'http://127.0.0.1:' . $nginx->port(1) . "/any/seen?key=$token&x=1";
    is `curl -s --http2-prior-knowledge '$url'`, 'up', ':any counts';
    is(($up->requests)[-1]{line}, 'GET /any/seen?x=1 HTTP/1.1', '  and the upstream does not get it');
};

subtest 'no log has it' => sub {
    my @seen = ($token, $old, 'S3CRET');
    for my $target ("/down?token=$token", "/down?token=$token&stop=1", "/none?token=$token", "/open?x&token=$token", "//changes?token=$token", "/oauth/login/demo?token=$token&redirect_uri=x", "/any/seen?key=$token&token=$old") {
        $nginx->get($target, headers => [@ws, Referer => "https://app.example.com/x?token=$token&y=1"]);
    }
    my $host = 'Host: localhost:' . $nginx->port . "\r\n";
    for my $text ("GET /changes?token=S3CRET HTTP/1.1\r\n\r\n", "GET /changes?token=S3CRET HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n", "TRACE /changes?to%6ben=S3CRET HTTP/1.1\r\n$host\r\n", "GET http://localhost/changes?token=S3CRET HTTP/1.1\r\n$host\r\n", "GET /changes?x=1#&token=S3CRET HTTP/1.1\r\n${host}Connection: close\r\n\r\n") {
        my $connection = $nginx->connect;
        $connection->send($text);
        $connection->read_response;
        $connection->close;
    }
    $nginx->get('/changes?last=1');
    ok wait_until { slurp($nginx->dir . '/combined.log') =~ /last=1/ }, '(every request is logged)';
    for my $log (qw(every combined error)) {
        my $text = slurp($nginx->dir . "/$log.log");
        my @lines = grep { my $line = $_; grep { index($line, $_) >= 0 } @seen } split /\n/, $text;
        # nginx says at info why it cannot read a request, before any module has seen it.
        @lines = grep { !/\[info\] .* client sent / } @lines if $log eq 'error';
        is_deeply \@lines, [], "$log.log";
    }
    my $mask = '\*' x length $token;
    like slurp($nginx->dir . '/every.log'), qr{^GET /changes\?v=3&rev&token=$mask&clientId=c HTTP/1\.1\|/changes\?v=3&rev&clientId=c\|v=3&rev&clientId=c\|.*\|\*+\|/changes\?v=3&rev&clientId=c v=3&rev&clientId=c \|}m, 'it is masked in the request line, and absent elsewhere';
    like slurp($nginx->dir . '/combined.log'), qr{https://app\.example\.com/x\?token=$mask&y=1}, 'and masked in the Referer';
    unlike $nginx->error_log, qr/eyJ[\w-]{10}/, 'error.log has nothing like a token';
};

$nginx->stop;
done_testing;

# The answer, and what of it the upstream was asked.
sub asks {
    my ($target, @headers) = @_;
    $up->forget;
    my %seen = (status => $nginx->get($target, headers => \@headers)->{status});
    my ($request) = $up->requests or return \%seen;
    $seen{target} = (split / /, $request->{line})[1];
    for my $name (qw(authorization sub)) {
        my $sought = $name eq 'sub' ? 'x-sub' : $name;
        $seen{$name} = join ',', map { $_->[1] } grep { lc $_->[0] eq $sought } @{ $request->{headers} };
    }
    return \%seen;
}

sub answers {
    my ($target, $status, $challenge, $name, @headers) = @_;
    $up->forget;
    my $response = $nginx->get($target, headers => [@ws, @headers]);
    is_deeply [$response->{status}, headers($response, 'WWW-Authenticate')], [$status, $challenge], $name;
    return is scalar(my @asked = $up->requests), 0, '  and the upstream hears nothing';
}
