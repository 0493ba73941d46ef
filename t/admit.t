# oauth_admit: the operator's own service is asked about everybody before a code exists. It gets our
# question and nothing of the client's; its refusals reach the application; whatever else it does,
# nobody is let in (issue 3, part 3).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Upstream;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

sub json { return OAuth::Upstream::reply($_[0], $_[1], 'Content-Type' => 'application/json; charset=utf-8') }

my %answer = (
    yes     => [OAuth::Upstream::head(204)],
    include => [json(200, '{"claims":{"tenant":"<!--# include virtual=\'/included\' -->"}}')],
    more    => [json(200, '{"claims":{"tenant":"t1","level":3,"staff":true,"roles":["a","b"]}}')],
    none    => [json(200, '{}')],
    steal   => [json(200, '{"claims":{"sub":"demo:root"}}')],
    scope   => [json(200, '{"claims":{"scope":"ADMIN"}}')],
    nested  => [json(200, '{"claims":{"x":{"y":1}}}')],
    large   => [json(200, '{"claims":{"x":"' . 'x' x 3000 . '"}}')],
    huge    => [json(200, '{"x":"' . 'x' x 200_000 . '"}')],
    flood   => [OAuth::Upstream::head(200, 'Content-Type' => 'application/json'), '{"x":"' . 'x' x 2_000_000 . '"}'],
    text    => [OAuth::Upstream::reply(200, '{}')],
    broken  => [json(200, '{"claims":')],
    empty   => [json(200, '')],
    cut     => [OAuth::Upstream::head(200, 'Content-Type' => 'application/json', 'Content-Length' => 30), '{"claims":{}}'],
    created => [json(201, '{}')],
    moved   => [OAuth::Upstream::reply(302, '', Location => '/yes')],
    asks    => [OAuth::Upstream::reply(401, '', 'WWW-Authenticate' => 'Basic realm=x')],
    bad     => [json(400, '{"code":"USER_NOT_REGISTERED"}')],
    error   => [json(500, '{}')],
    reset   => [{ reset => 1 }],
    hang    => [{ hang => 1 }],
    drip    => [OAuth::Upstream::head(200, 'Content-Type' => 'application/json', 'Content-Length' => 500), { each => 0.5 }, '{' . ' ' x 498 . '}'],
    slow    => [{ wait => 0.03 }, json(200, '{"claims":{"tenant":"t1"}}')],
    nobody  => [OAuth::Upstream::reply(403, 'no')],
    unknown => [json(403, '{"code":"<script>","message":"<b>"}')],
    map { ($_ => [json(403, qq({"code":"\U$_\E","message":"from the service"}))]) } qw(user_not_registered user_not_accepted no_seats_available user_deactivated webhook_error),
);
my $up = OAuth::Upstream->new(map { ("/$_" => $answer{$_}) } keys %answer);
my $url = $up->url;

my %location = (
    (map { ($_ => "proxy_pass $url/$_;") } keys %answer),
    'rest'     => "proxy_pass $url;",    # no URI of its own: the location's
    'returned' => 'return 204;',
    'said'     => q(default_type application/json; return 200 '{"claims":{"tenant":"returned"}}';),
    'denied'   => q(default_type application/json; return 403 '{"code":"USER_DEACTIVATED"}';),
    'closed'   => 'return 403;',
    'file'     => 'default_type application/json; alias %%DIR%%/answer;',
    'absent'   => 'alias %%DIR%%/nowhere;',
    'down'     => 'proxy_pass http://127.0.0.1:%%PORT99%%;',
    'rewrites' => "rewrite ^ /elsewhere last;",
    'pages'    => "proxy_pass $url/error; proxy_intercept_errors on; error_page 500 =204 /elsewhere;",
    'headers'  => "proxy_set_header Host \$host; proxy_set_header X-Args \$args; proxy_set_header X-Cookie \$http_cookie; proxy_set_header X-Mine \$http_x_mine; proxy_set_header X-Length \$content_length; proxy_pass $url/yes;",
    'ssi'      => "ssi on; ssi_types application/json; proxy_pass $url/include;",
    'cached'   => "proxy_cache answers; proxy_cache_methods POST; proxy_cache_valid 200 1h; proxy_cache_key same; proxy_pass $url/more;",
    'guarded'  => "oauth_protect bearer; proxy_pass $url/yes;",
);
my %server = (
    headers  => "if (\$http_x_mine = nothing) { return 400; }    # a value that nginx remembers\n",
    diverted => "rewrite ^/admit\$ /elsewhere last;\n",
    stopped  => "if (\$uri = /admit) { return 204; }\n",
    inherits => "add_header X-Server yes always; proxy_set_header X-Server yes; error_page 401 403 404 500 502 /elsewhere; gzip on; gzip_types *;\n",
);
my @names = sort keys %{ { %location, %server } };
my %port = map { $names[$_] => $_ + 1 } 0 .. $#names;
my $servers = join '', map {
    my $in = $location{$_} || "proxy_pass $url/more;";
    my $more = $server{$_} || '';
    <<"CONF"
server {
    listen 127.0.0.1:%%PORT$port{$_}%%;
    oauth_broker http://localhost:%%PORT$port{$_}%%;
    oauth_allow_origin https://app.example.com;
    oauth_use demo;
    oauth_allow domain=demo.local;
    oauth_admit /admit;
    $more
    location = /admit { internal; $in }
    location = /elsewhere { return 204; }
    location = /included { return 200 included; }
}
CONF
} @names;
my $nginx = OAuth::Nginx->new(http => "sendfile on;\nproxy_cache_path %%DIR%%/cache keys_zone=answers:1m use_temp_path=off;\noauth_provider demo { type demo; user alice\@demo.local \"Alice \x{c3}\x{84}\"; user eve\@evil.example Eve; }\n$servers");
spew($nginx->dir . '/answer', '{"claims":{"tenant":"file"}}');
$nginx->start;

sub demo { return OAuth::Demo->new($nginx, port => $port{ $_[0] }) }
sub sign_in { my $demo = demo($_[0]); return $demo->callback($demo->login) }
sub claims_of { return decode_json(decode_base64url((split /\./, $_[0])[1])) }

# The address of a callback that has yet to be asked, as a request.
sub request_of {
    my ($how) = @_;
    my $login = demo($how)->login;
    return 'GET /oauth/callback/demo?' . form(code => 'alice@demo.local', state => $login->{state})
        . " HTTP/1.1\r\nHost: localhost:@{[ $nginx->port($port{$how}) ]}\r\nCookie: $login->{cookie}\r\n\r\n";
}

# These wait for their service while all else goes on; they are read at the end.
my %late = map { my $connection = $nginx->connect(port => $port{$_}); $connection->send(request_of($_)); ($_ => $connection) } qw(hang drip);

ok wait_until { 2 == grep { scalar(my @asked = $up->requests("/$_")) } keys %late }, 'two services that do not answer are asked';

subtest 'what the service is asked' => sub {
    my $demo = demo('headers');
    my $login = $demo->login;
    $up->forget;
    my $back = $nginx->get('/oauth/callback/demo?' . form(code => 'alice@demo.local', state => $login->{state}), port => $port{headers},
        headers => [Cookie => "$login->{cookie}; other=1", Authorization => 'Basic x', 'X-Mine' => 'x', 'User-Agent' => 'me', 'Accept-Language' => 'de']);
    my ($request, @more) = $up->requests;
    is scalar(@more), 0, 'it is asked once';
    is $request->{line}, 'POST /yes HTTP/1.0', 'by POST';
    my %got = map { lc $_->[0] => $_->[1] } @{ $request->{headers} };
    my $body = $request->{body};
    is_deeply \%got, { host => 'localhost', 'x-length' => length $body, 'content-length' => length $body, 'content-type' => 'application/json',
        accept => 'application/json', connection => 'close' }, 'with headers of ours, and none of the client\'s'
        or diag explain \%got;
    is_deeply decode_json($body), { provider => 'demo', sub => 'demo:alice@demo.local', email => 'alice@demo.local', email_verified => JSON::PP::true, name => "Alice \x{c4}",
        claims => { sub => 'alice@demo.local', email => 'alice@demo.local', email_verified => JSON::PP::true, name => "Alice \x{c4}" } }, 'about the person';
    is $back->{status}, 302, 'and the person is let in';
    sign_in('rest');
    is +($up->requests('/admit'))[0]{line}, 'POST /admit HTTP/1.0', 'a proxy_pass without URI asks for the location\'s';
};

subtest 'whom it lets in' => sub {
    for my $how (qw(yes none returned headers rewrites)) {
        my $back = sign_in($how);
        ok $back->{code}, "$how: somebody" or diag $back->{response}{body};
        is_deeply [sort keys %{ demo($how)->redeem($back->{code})->{tokens}{claims} }], [qw(email email_verified license name sub)], '  with the claims of the provider';
    }
    for my $case ([more => { tenant => 't1', level => 3, staff => JSON::PP::true, roles => ['a', 'b'] }], [said => { tenant => 'returned' }], [cached => { tenant => 't1' }], [cached => { tenant => 't1' }], [inherits => { tenant => 't1', level => 3, staff => JSON::PP::true, roles => ['a', 'b'] }]) {
        my ($how, $added) = @$case;
        my $back = sign_in($how);
        my $tokens = demo($how)->redeem($back->{code})->{tokens};
        ok $tokens->{accessToken}, "$how: somebody" or diag("$back->{response}{status} $back->{response}{body}"), next;
        my $token = claims_of($tokens->{accessToken});
        for my $name (sort keys %$added) {
            is_deeply [$tokens->{claims}{$name}, $token->{$name}], [$added->{$name}, $added->{$name}], "$how: $name is added to claims and access token";
        }
        is $token->{sub}, 'demo:alice@demo.local', '  of the same person';
        is header($back->{response}, 'X-Tenant'), undef, '  and nothing of the reply is the client\'s';
        is $back->{response}{body}, '', '  not even its body';
    }
};

subtest 'whom it refuses' => sub {
    for my $how (qw(user_not_registered user_not_accepted no_seats_available user_deactivated webhook_error)) {
        my $back = sign_in($how);
        is_deeply [sort keys %{ $back->{message} }], [qw(error provider state)], "$how reaches the application, without a code";
        like $back->{message}{error}, qr/^access_denied: [a-zA-Z ,.]+$/, '  in words of ours that the client knows';
        like last_line(), qr/callback refused: $how, provider demo, flow/, '  and the log';
    }
    for my $how (qw(nobody unknown closed)) {
        is sign_in($how)->{message}{error}, 'access_denied: this account may not sign in here.', "$how is a refusal";
        like last_line(), qr/callback refused: email_not_allowed/, '  that the log knows';
    }
    is sign_in('denied')->{message}{error}, 'access_denied: this account is deactivated here.', 'a return refuses too';
    unlike $nginx->error_log, qr/from the service|<script>/, 'the service\'s words are not in the log';
};

subtest 'who fails lets nobody in' => sub {
    for my $how (qw(huge flood text broken empty cut created moved asks bad error reset absent file down diverted stopped pages guarded)) {
        my $back = sign_in($how);
        is $back->{response}{status}, 502, "$how is an error page";
        ok !$back->{code}, '  without a code';
        like $back->{response}{body}, qr/could not be checked.*admit_failed<br>[0-9a-f]{32}/s, '  with what to tell the operator';
        unlike $back->{response}{body}, qr/claims|included|xxxx/, '  and nothing of the reply';
        like last_line(), qr/callback refused: admit_failed, provider demo, flow/, '  that the log knows';
    }
    for my $how (qw(steal scope nested large)) {
        my $back = sign_in($how);
        is $back->{response}{status}, 502, "$how is an error page";
        like last_line(), qr/callback refused: admit_claims_refused/, '  that says whose mistake it is';
    }
    my $log = $nginx->error_log;
    like $log, qr{oauth: the question to "/admit" was answered with status 401}, 'a status that is no answer is logged';
    like $log, qr{oauth: the question to "/admit": fetch_diverted}, 'so is a rewrite that leads away';
    like $log, qr{oauth: the question to "/admit": fetch_too_large}, 'and a reply that is too large';
};

subtest 'whom the rules refuse is not asked about' => sub {
    my $demo = demo('yes');
    my $login = $demo->login;
    $up->forget;
    is $demo->callback($login, user => 'eve@evil.example')->{code}, undef, 'no code';
    is scalar(my @asked = $up->requests), 0, 'and no question';
};

subtest 'a spent state asks nothing' => sub {
    my $demo = demo('yes');
    my $login = $demo->login;
    ok $demo->callback($login)->{code}, 'once';
    $up->forget;
    is $demo->callback($login)->{response}{status}, 400, 'but not twice';
    is scalar(my @asked = $up->requests), 0, 'and nobody is asked again';
};

subtest 'an include in the reply is not followed' => sub {
    my $back = sign_in('ssi');
    is demo('ssi')->redeem($back->{code})->{tokens}{claims}{tenant}, q(<!--# include virtual='/included' -->), 'it stays text';
    like $back->{response}{head}, qr{^HTTP/1\.1 302 }, 'the client gets our answer';
    unlike "$back->{response}{head}$back->{response}{body}", qr/included/, 'with nothing of it before, in or behind it';
};

subtest 'a client that leaves' => sub {
    for my $how (qw(politely rudely)) {
        $up->forget;
        my $connection = $nginx->connect(port => $port{hang});
        $connection->send(request_of('hang'));
        ok wait_until { scalar(my @asked = $up->requests('/hang')) }, 'while the service is asked';
        setsockopt $connection->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $how eq 'rudely';
        $connection->close;
        ok wait_until { defined $up->sent('/hang') }, "  takes the question with it when it goes $how";
    }
    for my $number (1 .. 60) {
        my $how = qw(slow drip more flood)[$number % 4];
        my $connection = $nginx->connect(port => $port{$how});
        $connection->send(request_of($how));
        sleep rand 0.06;
        setsockopt $connection->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if rand() < 0.5;
        $connection->close;
    }
    ok sign_in('slow')->{code}, 'at any moment, and others go on';
};

subtest 'a service that does not answer in time' => sub {
    for my $how (qw(hang drip)) {
        my $response = $late{$how}->read_response;
        $late{$how}->close;
        is $response->{status}, 502, "$how: nobody is let in";
        like $response->{body}, qr/admit_failed/, '  and who waited is told';
    }
    is scalar(my @late = $nginx->error_log =~ m{oauth: the question to "/admit": fetch_timeout}g), 2, 'the log says why';
};

subtest 'nobody comes to the location from outside' => sub {
    is $nginx->get('/admit', port => $port{yes})->{status}, 404, 'it is internal';
};

$nginx->stop;
done_testing;

sub last_line { return +(grep { /oauth: callback/ } split /\n/, $nginx->error_log)[-1] }
