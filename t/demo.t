# `type demo`, where everybody may be anybody, answers on this machine only: the peer is loopback,
# the Host is the broker's, and nobody stands in between (DESIGN 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP')->start;
oauth_provider demo { type demo; user alice@demo.local Alice; user bob@demo.local "Bob <b>&\"'</b>"; user carol@demo.local; }
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT1%% proxy_protocol;
    listen unix:%%DIR%%/socket;
    set_real_ip_from 127.0.0.1;
    real_ip_header proxy_protocol;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    location /api/ { oauth_protect bearer; proxy_set_header X-User $oauth_sub; proxy_pass http://127.0.0.1:%%PORT2%%; }
}
server { listen 127.0.0.1:%%PORT2%%; location / { return 200 $http_x_user; } }
HTTP
my $demo = OAuth::Demo->new($nginx);
my $host = 'localhost:' . $nginx->port;

subtest 'the page' => sub {
    my $login = $demo->login;
    my $page = $nginx->get("/oauth/demo/demo?state=$login->{state}");
    is $page->{status}, 200, 'is there';
    my @links = $page->{body} =~ /href="([^"]*)"/g;
    my @queries = map { query_of(s/&amp;/&/gr) } @links;
    is_deeply [map { $_->{code} } @queries], ['alice@demo.local', 'bob@demo.local', 'carol@demo.local', undef], 'lists the accounts and a way out';
    is_deeply [map { $_->{state} } @queries], [($login->{state}) x 4], 'each goes on with this state';
    is_deeply [grep { !m{^http://\Q$host\E/oauth/callback/demo\?} } @links], [], 'to the broker\'s own callback';
    is $queries[3]{error}, 'access_denied', 'the way out is a refusal';
    like $page->{body}, qr/Bob &lt;b&gt;&amp;&quot;&#(?:39|x27);&lt;\/b&gt;/, 'a name is text';
    unlike $page->{body}, qr/<b>/, 'and no markup';
    is $nginx->head("/oauth/demo/demo?state=$login->{state}")->{status}, 200, 'HEAD works';
};

subtest 'an account' => sub {
    for my $user (qw(alice bob carol)) {
        my $all = $demo->sign_in(user => "$user\@demo.local");
        is $all->{tokens}{claims}{sub}, "demo:$user\@demo.local", "$user signs in";
        is $all->{tokens}{claims}{email}, "$user\@demo.local", '  with the address';
        my $there = $nginx->get('/api/', headers => [Authorization => "Bearer $all->{access_token}"]);
        is "$there->{status} $there->{body}", "200 demo:$user\@demo.local", '  whom a protected location knows';
    }
    for my $user ('mallory@demo.local', 'ALICE@demo.local', 'alice@demo.local ', 'Alice', '*', "alice\@demo.local\0", 'alice@demo.localx') {
        my $back = $demo->callback($demo->login, user => $user);
        is $back->{code}, undef, 'another is nobody';
    }
    my $login = $demo->login;
    my $response = $nginx->get('/oauth/callback/demo?' . form(error => 'access_denied', state => $login->{state}), headers => [Cookie => $login->{cookie}]);
    like OAuth::Demo::message($response)->{error}, qr/access_denied/, 'cancelling is told to the application';
};

subtest 'only for who is here' => sub {
    my $login = $demo->login;
    my @callback = ('/oauth/callback/demo?' . form(code => 'alice@demo.local', state => $login->{state}), Cookie => $login->{cookie});
    my @stages = (['/oauth/login/demo?' . form(redirect_uri => 'https://app.example.com/')], ["/oauth/demo/demo?state=$login->{state}"], \@callback);
    my $refused = sub {
        my ($what, $ask) = @_;
        for my $stage (@stages) {
            my $response = $ask->(@$stage);
            my ($name) = $stage->[0] =~ m{^/oauth/(\w+)};
            ok $response->{status} =~ /^40[03]$/, "$what: no $name" or diag $response->{status};
            is header($response, 'Location'), undef, '  and no way on';
        }
    };
    for my $header (qw(X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port Forwarded Via X-Real-IP)) {
        $refused->("with $header", sub { my ($target, @more) = @_; $nginx->get($target, headers => [@more, $header => '127.0.0.1']) });
    }
    for my $name ('evil.example', "evil.example:" . $nginx->port, 'localhost', 'localhost:1', '127.0.0.1:' . $nginx->port, "$host.evil.example", "x$host", "evil.example\@$host", '') {
        $refused->("with the Host \"$name\"", sub { my ($target, @more) = @_; $nginx->get($target, headers => [@more, Host => $name]) });
    }
    $refused->('without Host', sub { my ($target, @more) = @_; raw($nginx->port, "GET $target HTTP/1.0\r\n" . lines(@more) . "\r\n") });
    for my $peer ('203.0.113.7', '10.0.0.1', '128.0.0.1') {
        $refused->("from $peer", sub { my ($target, @more) = @_; raw($nginx->port(1), "PROXY TCP4 $peer 127.0.0.1 1 1\r\nGET $target HTTP/1.1\r\nConnection: close\r\n" . lines(Host => $host, @more) . "\r\n") });
    }
    for my $peer ('::ffff:203.0.113.7', '2001:db8::1', '::') {
        $refused->("from $peer", sub { my ($target, @more) = @_; raw($nginx->port(1), "PROXY TCP6 $peer ::1 1 1\r\nGET $target HTTP/1.1\r\nConnection: close\r\n" . lines(Host => $host, @more) . "\r\n") });
    }
    for my $peer ('TCP4 127.0.0.1 127.0.0.1', 'TCP4 127.1.2.3 127.0.0.1', 'TCP6 ::1 ::1', 'TCP6 ::ffff:127.0.0.1 ::1') {
        is raw($nginx->port(1), "PROXY $peer 1 1\r\nGET $stages[0][0] HTTP/1.1\r\nConnection: close\r\n" . lines(Host => $host) . "\r\n")->{status}, 302, "from $peer it works";
    }
    is $nginx->get($stages[0][0], headers => [Host => uc $host])->{status}, 302, 'in upper case the Host is the same';
    ok $demo->callback($login)->{code}, 'and the login that was refused elsewhere ends here';
};

subtest 'what is not there' => sub {
    is $nginx->get('/oauth/demo/none?state=x')->{status}, 404, 'no such provider';
    is $nginx->get('/oauth/demo/?state=x')->{status}, 404, 'no name';
    my $login = $demo->login;
    is $nginx->get("/oauth/demo/demo$_")->{status}, 400, "the page with \"$_\"" for '', '?', '?state=', '?state=x', "?state=$login->{state}x";
    is $nginx->post("/oauth/demo/demo?state=$login->{state}", '')->{status}, 405, 'POST';
};

$nginx->stop;
done_testing;

sub lines { my $text = ''; while (my ($name, $value) = splice @_, 0, 2) { $text .= "$name: $value\r\n" } return $text }

sub raw {
    my ($port, $text) = @_;
    my $connection = OAuth::Http->new(port => $port);
    my $response = $connection->send($text)->read_response;
    $connection->close;
    return $response;
}
