# From lenient locations into stricter ones, by every way that nginx has: who is let in there is decided
# there, by what that location and that server say, though the token is known from where the request
# has been (DESIGN 2, req 098, 116, 119, 168). t/guard.t has each way once; here they are crossed.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

my $admin = 'oauth_protect bearer; oauth_require scope=admin;';
my %kind = (    # what the lenient location says
    open => '', guest => 'oauth_protect bearer optional;', user => 'oauth_protect bearer;', other => 'oauth_protect bearer; oauth_require scope=other;',
    address => 'satisfy any; allow 127.0.0.1; deny all; oauth_protect bearer;',
);
my %way = (     # how it goes on to the admins' location
    'try_files' => 'try_files /none /admin/x;', 'try_files to a name' => 'try_files /none @admin;', 'rewrite' => 'rewrite ^ /admin/x last;', 'index' => 'index none.html /admin/x;',
    'error_page' => 'error_page 404 = /admin/x;', 'error_page to a name' => 'error_page 404 = @admin;', 'X-Accel-Redirect' => 'proxy_pass http://127.0.0.1:%%PORT1%%/accel/;',
    'X-Accel-Redirect to a name' => 'proxy_pass http://127.0.0.1:%%PORT1%%/accel-name/;', 'error_page of an upstream' => 'proxy_intercept_errors on; error_page 502 = /admin/x; proxy_pass http://127.0.0.1:%%PORT1%%/fail/;',
    'two hops' => 'try_files /none /hop/x;', 'gRPC' => 'try_files /none @grpc;',
);
my %path;
for my $kind (keys %kind) { $path{$kind}{$_} = "/$kind/" . tr/A-Za-z/-/csr . '/' for keys %way }
my $crossed = join "\n", map { my $kind = $_; map { "location $path{$kind}{$_} { $kind{$kind} $way{$_} }" } sort keys %way } sort keys %kind;

# With the cache of verified tokens and without: what is known of a token decides nothing.
for my $cache ('16m', 'off') {
    my $nginx = front($cache);
    my $forge = OAuth::Forge->new(alg => 'HS256', kid => 'mac', claims => { iss => 'https://mac.example', aud => 'one', sub => 'u' });
    my $made = 0;
    my $token = sub { my ($scope, %claims) = @_; return (Authorization => 'Bearer ' . $forge->token(secret => 'k' x 48, claims => { scope => $scope, jti => 'n' . ++$made, %claims })) };
    my $get = sub { my ($target, @headers) = @_; my $response = $nginx->get($target, headers => \@headers); return "$response->{status} $response->{body}" };
    my $told = sub { my @told = headers($nginx->get(@_[0 .. 0], headers => [@_[1 .. $#_]]), 'WWW-Authenticate'); return "@told" };
    my $heard = sub { return scalar(() = slurp($nginx->dir . '/upstream.log') =~ /$_[0]/g) };
    my $refused = sub { return scalar(() = $nginx->error_log =~ /request refused/g) };
    my @bad = $token->('admin other', iss => 'https://evil.example');
    my $realm = 'Bearer realm="https://mac.example"';

    for my $kind (sort keys %kind) {
        subtest "cache $cache, from $kind: no way leads into the admins' location but its own judgement" => sub {    # req 168
            for my $way (sort keys %way) {
                my $target = $path{$kind}{$way};
                my $before = $heard->('/admin|grpc');
                for my $case (['no token', 401], ['a bad one', 401, @bad], ['an expired one', 401, $token->('admin other', exp => time - 1000)], ['one for another audience', 401, $token->('admin other', aud => 'two')],
                    ['one without the scope', 403, $token->('ACCESS_DB')], ['one with half of it', 403, $token->('adm in administrator')], ['one of others', 403, $token->('other')]) {
                    my ($name, $status, @headers) = @$case;
                    $nginx->get('/user/plain/', headers => [@headers]);    # here it may be known from
                    my @got = map { $nginx->get($target, headers => [@headers]) } 1, 2;
                    my $wrong = grep { $_->{status} != $status || $_->{body} =~ /upstream|ADMIN/ || length $_->{body} != header($_, 'Content-Length') || 1 != headers($_, 'WWW-Authenticate') } @got;
                    ok !$wrong, "$way, $name: $status, once and again" or diag explain [map { [@$_{qw(status body headers)}] } @got];
                }
                is $heard->('/admin|grpc'), $before, "$way: of those its upstream hears nothing";
                my @headers = $token->('admin other');
                like $get->($target, @headers), qr/^200 .*sub=mac:u auth=\[\Q$headers[1]\E\]/, "$way: who may, comes in with a token that nobody knows yet" for 1, 2;
            }
        };
    }

    subtest "cache $cache: the challenge is that of the location that refused" => sub {    # req 116
        my @plain = $token->('ACCESS_DB');
        my $scope = qq($realm, error="insufficient_scope", error_description="The token does not carry the scope that is needed here.", scope=);
        for my $way (sort keys %way) {
            is $told->($path{user}{$way}, @plain), qq($scope"admin"), $way;
            is $told->($path{open}{$way}), $realm, '  without a token';
        }
        is $told->('/other/try-files/', @plain), qq($scope"other"), 'not that of one which it did not reach';
    };

    subtest "cache $cache: a refusal may end in a laxer location, which judges too" => sub {    # req 098, 119
        my @plain = $token->('ACCESS_DB');
        is $get->('/down/open/', @plain), '200 upstream /open/x sub= auth=[]', 'an open one: nobody, and without the token';
        is $get->('/down/open/'), '200 upstream /open/x sub= auth=[]', '  as without one';
        is $get->('/down/user/', @plain), "200 upstream /user/plain/x sub=mac:u auth=[$plain[1]]", 'one that asks for no scope: somebody, with the token';
        is $get->('/down/guest/', @plain), "200 upstream /guest/plain/x sub=mac:u auth=[$plain[1]]", 'one for guests: somebody';
        is $get->('/down/guest/'), '200 upstream /guest/plain/x sub= auth=[]', '  or nobody';
        like $get->('/down/guest/', @bad), qr/^401 (?!.*upstream)/s, '  but not with a bad token';
        like $get->('/down/other/', @plain), qr/^403 (?!.*upstream)/s, 'one that asks for another scope: refused again';
        like $get->('/down/other/', $token->('other')), qr/^200 upstream \/other/, '  let in with that scope';
        like $get->('/down/up/', @plain), qr/^403 (?!.*upstream)/s, 'down to an open one and up again: refused';
        is $get->('/down/named/', @plain), '200 upstream /down/named/ sub= auth=[]', 'a named open one';
        my $before = $refused->();
        like $get->('/again/', @bad), qr/^401/, 'one that leads to itself';
        is $refused->() - $before, 1, '  has judged once a request';
    };

    subtest "cache $cache: auth_request and a guard of the location's own both count" => sub {
        my ($plain, $other, $both) = map { [$token->($_)] } 'ACCESS_DB', 'admin', 'admin other';
        like $get->('/gate/lax/', @$plain), qr/^403/, 'what a laxer judge lets in is not let in here';
        like $get->('/gate/lax/', @$other), qr/^200 .*sub=mac:u/, '  who meets both, is';
        like $get->('/gate/judge/', @$plain), qr/^403 (?!.*upstream)/s, 'a stricter judge than the location';
        is $told->('/gate/judge/', $token->('admin', exp => 1)), qq($realm, error="invalid_token", error_description="The token has expired."), '  whose challenge of a bad token is heard';
        like $get->('/gate/judge/', @$other), qr/^200 .*sub=mac:u/, '  and who may enter is somebody to the location';
        like $get->('/gate/yes/'), qr/^401/, 'a judge who lets everybody in does not stand for the token';
        like $get->('/gate/no/', @$both), qr/^403 (?!.*upstream)/s, 'a token does not stand for a judge who lets nobody in';
        like $get->('/gate/cross/', @$other), qr/^403/, 'two scopes: the judge\'s alone is not enough';
        like $get->('/gate/cross/', $token->('other')), qr/^403/, '  nor the location\'s';
        like $get->('/gate/cross/', @$both), qr/^200/, '  both are';
        like $get->('/gate/any/', @$plain), qr/^200/, 'satisfy any: the location\'s guard is enough';
        like $get->('/gate/any/', @bad), qr/^401/, '  a bad token is not';
        like $get->('/gate/any-no/', @$both), qr/^200/, '  nor hinders the judge';
        like $get->('/gate/hop/', @$plain), qr/^403/, 'a judge behind try_files judges as strictly';
        like $get->('/gate/hop/', @$both), qr/^200/, '  and lets in';
        like $get->('/gate/satisfy/'), qr/^401/, 'a judge\'s address does not count in place of its token';
    };

    subtest "cache $cache: satisfy any stands for one location" => sub {
        like $get->('/address/plain/'), qr/^200 upstream .*sub= auth=\[\]/, 'the address is enough';
        like $get->('/address/plain/', @bad), qr/^200 upstream .*sub= auth=\[\]/, '  with a bad token too, which goes no further';
        like $get->('/all/', $token->('ACCESS_DB')), qr/^403/, 'all: the address and a token without the scope are not';
        like $get->('/all/', $token->('admin')), qr/^200/, '  with it they are';
        like $get->('/all/deny/', $token->('admin')), qr/^403/, '  and a token is not, where the address is denied';
        like $get->('/any/deny/', $token->('ACCESS_DB')), qr/^403/, 'any: a token without the scope does not satisfy';
    };

    subtest "cache $cache: SSI includes what the token may see, and no more" => sub {
        my $page = sub { my $body = $get->('/user/page.html', @_); return join ' ', $body =~ /(\w+: *(?:\w+ PART)?)/g };
        my @names = qw(direct tried named opened moved failed);
        is $page->($token->('admin')), join(' ', map({ "$_: ADMIN PART" } @names), 'user: USER PART'), 'an admin sees all';
        is $page->($token->('ACCESS_DB')), join(' ', map({ "$_: " } @names), 'user: USER PART'), 'a user his part alone, by whatever way';
        like $get->('/open/page.html'), qr/^200 (?!.*PART)/s, 'a page that is open shows the anonymous none';
        like $get->('/open/page.html', @bad), qr/^200 (?!.*PART)/s, '  nor who has a bad token';
        my $before = $refused->();
        $get->('/open/thrice.html', @bad);
        is $refused->() - $before, 1, 'a location that is included three times has judged once';
    };

    subtest "cache $cache: a mirrored copy is judged where it arrives" => sub {
        my $before = $heard->('mirrored');
        for my $target ('/user/mirror/', '/user/mirror-hop/') {
            like $get->($target, $token->('ACCESS_DB')), qr/^200 upstream/, "$target: the request itself goes on";
            like $get->($target, $token->('admin')), qr/^200 upstream/, '  that of an admin too';
        }
        ok wait_until { $heard->('mirrored') == $before + 2 }, '  the copies of the admins arrive';
        $nginx->get('/open/x') for 1 .. 3;
        is $heard->('mirrored'), $before + 2, '  and no other';
    };

    subtest "cache $cache: return answers before anybody is judged, as the documentation warns" => sub {
        is $get->('/return/'), '200 said', 'in a protected location';
        my $response = $nginx->get('/return/elsewhere/', headers => [$token->('ACCESS_DB')]);
        is "$response->{status} " . header($response, 'Location'), '302 http://localhost:' . $nginx->port . '/admin/x', 'a redirect shows nothing';
        like $get->('/admin/x', $token->('ACCESS_DB')), qr/^403/, '  and where it leads, it is judged';
        like $get->('/return/late/'), qr/^401/, 'a return that is reached by error_page has come past the guard before';
        is $get->('/return/late/', $token->('ACCESS_DB')), '200 late', '  with a token';
    };

    subtest "cache $cache: what stands within a location keeps its guard" => sub {
        my @plain = $token->('ACCESS_DB');
        my $by = sub { my ($method, $target, @headers) = @_; return $nginx->request($method => $target, headers => \@headers)->{status} };
        for my $case (['if', 'GET', '/within/if/?x=1'], ['if, with an upstream of its own', 'GET', '/within/if/?y=1'], ['limit_except', 'POST', '/within/except/'], ['limit_except, the method it lets be', 'GET', '/within/except/']) {
            my ($name, @what) = @$case;
            is join(' ', map { $by->(@what, @$_) } [], [@bad], \@plain, [$token->('admin')]), '401 401 403 200', $name;
        }
        is $by->('DELETE', '/within/deny/', $token->('admin')), 403, 'limit_except that denies';
        is $by->('GET', '/within/deny/', $token->('admin')), 200, '  and what it does not deny';
    };

    subtest "cache $cache: answers that nginx keeps are for those who may see them" => sub {
        for my $case (['/kept/', qr{^200 upstream /kept/}], ['/slice/long', qr/^200 x{5000}$/]) {
            my ($target, $all) = @$case;
            like $get->($target, $token->('admin')), $all, "$target for an admin";
            my $before = $heard->('kept|long');
            is join(' ', map { $nginx->get($target, headers => [@$_])->{status} } [], [@bad], [$token->('ACCESS_DB')]), '401 401 403', '  for nobody else';
            like $get->($target, $token->('admin')), $all, '  and for another admin';
            is $heard->('kept|long'), $before, '    as nginx has kept it';
        }
    };

    subtest "cache $cache: what follows a request is judged too" => sub {
        my $before = $heard->('/after');
        like $get->('/user/post/', $token->($_)), qr/^200 upstream/, "post_action behind an answer to $_" for 'ACCESS_DB', 'admin';
        ok wait_until { $heard->('/after') > $before }, '  is done for an admin';
        is $heard->('/after'), $before + 1, '  and for him alone';
        my $connection = $nginx->connect;
        my @ask = map { OAuth::Http::format_request(GET => '/admin/x', host => 'localhost', keepalive => 1, headers => [@$_]) } [$token->('admin')], [], [$token->('ACCESS_DB')], [@bad], [$token->('admin')];
        $connection->send(join '', @ask);
        is join(' ', map { $connection->read_response->{status} } @ask), '200 401 403 401 200', 'pipelined requests are judged each by its own token';
    };

    subtest "cache $cache: a gRPC upstream hears of nobody else" => sub {
        my $before = $heard->('grpc');
        like $get->('/grpc/x', @$_), qr/^40[13]/, 'refused' for [], [@bad], [$token->('ACCESS_DB')];
        is $heard->('grpc'), $before, '  before it is reached';
        like $get->('/grpc/x', $token->('admin')), qr/^200 grpc .*sub=mac:u auth=\[Bearer/, 'and who may is named to it';
    };

    subtest "cache $cache: HTTP/2 has no other ways" => sub {
        plan skip_all => 'no curl with HTTP/2' if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
        my @who = ([$token->('ACCESS_DB')], [], [$token->('admin other')], [@bad], [$token->('ACCESS_DB')]);
        for my $way (sort keys %way) {
            is_deeply [curl($nginx, $path{user}{$way}, @who)], ['403 1', '401 0', '200 0', '401 0', '403 0'], "$way, five requests on one connection";
        }
    };

    subtest "cache $cache: each server has its own trust, though all know the token" => sub {    # req 114, 124
        my $connection = $nginx->connect(port => 3);
        my $ask = sub { my ($server, @headers) = @_; my $response = $connection->request(GET => '/x', host => $server, headers => \@headers); return "$response->{status} " . $response->{body} =~ s/ auth=.*//sr };
        my @one = $token->('ACCESS_DB');
        my @both = $token->('ACCESS_DB', aud => ['one', 'two']);
        for my $round ('first', 'again') {
            is $ask->('a.example', @one), '200 upstream /x sub=a:u', "$round: a, whose audience it is";
            like $ask->('b.example', @one), qr/^401/, '  b, whose it is not';
            like $ask->('c.example', @one), qr/^401/, '  c, which believes somebody else';
            like $ask->('d.example', @one), qr/^401/, '  d, which has other keys for that issuer';
            like $ask->('e.example', @one), qr/^401/, '  e, which takes another algorithm';
            like $ask->('f.example', @one), qr/^403/, '  f, which asks for a scope';
            like $ask->('g.example', @one), qr/^401/, '  g, which a hands it on to, and has another audience';
            is $ask->('b.example', @both), '200 upstream /x sub=b:u', 'who is meant by two is one man here';
            is $ask->('a.example', @both), '200 upstream /x sub=a:u', '  and another there';
        }
        my @typed = (Authorization => 'Bearer ' . $forge->token(secret => 'k' x 48, header => { typ => 'JWT' }, claims => { scope => 'x', aud => ['one', 'two'] }));
        like $ask->('a.example', @typed), qr/^200/, 'a kind of token that a takes';
        like $ask->('b.example', @typed), qr/^401/, '  and b does not';
    };
    $nginx->stop;
}
done_testing;

sub front {
    my ($cache) = @_;
    my $nginx = OAuth::Nginx->new(workers => 1, http => config($cache));
    my $set = sub { return OAuth::Forge::json({ keys => [{ kty => 'oct', kid => 'mac', k => encode_base64url($_[0]) }] }) };
    spew($nginx->dir . '/mac.json', $set->('k' x 48), 0600);
    spew($nginx->dir . '/else.json', $set->('e' x 64), 0600);
    my $www = $nginx->dir . '/www';
    my $part = sub { my ($name, $path) = @_; return qq($name: <!--# include virtual="$path" -->;\n) };
    my $all = join '', map { $part->(@$_) } [direct => '/part-admin/p'], [tried => '/part-try/p'], [named => '/part-name/p'], [opened => '/part-accel/p'], [moved => '/part-move/p'], [failed => '/part-fail/p'], [user => '/part-user/p'];
    mkdir for $www, map { "$www/$_" } qw(part-admin part-user again), map { ($_, "$_/index") } keys %kind;
    spew("$www/part-admin/p", 'ADMIN PART');
    spew("$www/long", 'x' x 5000);
    spew("$www/part-user/p", 'USER PART');
    spew("$www/$_/page.html", $all) for qw(user open);
    spew("$www/open/thrice.html", $part->(direct => '/part-admin/p') x 3);
    return $nginx->start;
}

sub config {
    my ($cache) = @_;
    my $up = 'proxy_pass http://127.0.0.1:%%PORT1%%';
    my $server = sub { my ($name, $lines) = @_; return "server { listen 127.0.0.1:%%PORT3%%; server_name $name.example; $lines }\n" };
    my $trust = sub { my ($rest, $file) = @_; return 'oauth_trust https://mac.example { jwks_file ' . ($file || 'mac.json') . "; $rest }" };
    my $x = "location / { oauth_protect bearer; $up; }";
    return <<"HTTP" . join '', map { $server->(@$_) } [a => $trust->('algorithms HS256; audience one; subject_prefix a;') . $x], [b => $trust->('algorithms HS256; audience two; subject_prefix b; require_typ at+jwt;') . $x],
oauth_token_cache $cache;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
proxy_cache_path %%DIR%%/kept keys_zone=kept:1m;
log_format seen '\$server_port \$request_uri';
proxy_set_header X-Sub \$oauth_sub;
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT2%% http2;
    oauth_trust https://mac.example { jwks_file mac.json; algorithms HS256; audience one; subject_prefix mac; }
    root %%DIR%%/www;
    location /admin/ { $admin $up; }
    location \@admin { $admin $up; }
    location \@grpc  { $admin grpc_set_header X-Sub \$oauth_sub; grpc_pass grpc://127.0.0.1:%%PORT4%%; }
    location /grpc/ { $admin grpc_set_header X-Sub \$oauth_sub; grpc_pass grpc://127.0.0.1:%%PORT4%%; }
    location /hop/  { internal; oauth_protect bearer optional; try_files /none /admin/x; }
    location = /judge { internal; $admin $up/judge; }
    location /open/  { location /open/x { $up; } ssi on; }
    location /user/  { oauth_protect bearer; ssi on; }
    location /user/plain/    { $kind{user} $up; }
    location /guest/plain/   { $kind{guest} $up; }
    location /address/plain/ { $kind{address} $up; }
    location /other/plain/   { $kind{other} $up; }
    $crossed

    location /down/open/  { $admin error_page 401 403 = /open/x; $up; }
    location /down/user/  { $admin error_page 401 403 = /user/plain/x; $up; }
    location /down/guest/ { $admin error_page 401 403 = /guest/plain/x; $up; }
    location /down/other/ { $admin error_page 401 403 = /other/plain/x; $up; }
    location /down/up/    { $admin error_page 403 = /part-accel/x; $up; }
    location /down/named/ { $admin error_page 403 = \@down; $up; }
    location \@down       { $up; }
    location /again/      { oauth_protect bearer; error_page 401 = /again/x; }

    location /gate/lax/   { auth_request /judge-user; $admin $up; }
    location /gate/judge/ { auth_request /judge; oauth_protect bearer; $up; }
    location /gate/yes/   { auth_request /judge-all; oauth_protect bearer; $up; }
    location /gate/no/    { auth_request /judge-none; oauth_protect bearer; $up; }
    location /gate/cross/ { auth_request /judge; $kind{other} $up; }
    location /gate/any/   { satisfy any; auth_request /judge; oauth_protect bearer; $up; }
    location /gate/any-no/ { satisfy any; auth_request /judge-none; oauth_protect bearer; $up; }
    location /gate/hop/   { auth_request /judge-hop; $up; }
    location /gate/satisfy/ { auth_request /judge-address; $up; }
    location = /judge-user { internal; oauth_protect bearer; $up/judge; }
    location = /judge-all  { internal; $up/judge; }
    location = /judge-none { internal; $up/none; }
    location = /judge-hop  { internal; oauth_protect bearer; try_files /none \@judge; }
    location \@judge       { $admin $up; }
    location = /judge-address { internal; $kind{address} $up/judge; }

    location /within/if/  { $admin if (\$arg_x) { set \$y 1; } if (\$arg_y) { $up; } $up; }
    location /within/except/ { $admin limit_except GET { allow all; } $up; }
    location /within/deny/ { $admin limit_except GET { deny all; } $up; }
    location /kept/       { $admin proxy_cache kept; proxy_cache_key \$uri; proxy_cache_valid 1h; $up; }
    location /slice/      { $admin slice 1k; proxy_cache kept; proxy_cache_key \$uri\$slice_range; proxy_cache_valid 206 1h; proxy_http_version 1.1; proxy_set_header Range \$slice_range; $up/; }
    location /user/post/  { oauth_protect bearer; post_action /after; $up; }
    location = /after     { $admin $up; }

    location /all/        { satisfy all; allow 127.0.0.1; deny all; $admin $up; }
    location /all/deny/   { satisfy all; deny all; $admin $up; }
    location /any/deny/   { satisfy any; deny all; $admin $up; }

    location /part-admin/ { $admin }
    location /part-user/  { oauth_protect bearer; }
    location /part-try/   { oauth_protect bearer; try_files /none \@part; }
    location /part-name/  { error_page 404 = \@part; }
    location \@part       { $admin rewrite ^ /part-admin/p break; }
    location /part-accel/ { $up/accel-part/; }
    location /part-move/  { rewrite ^ /part-admin/p last; }
    location /part-fail/  { oauth_protect bearer; error_page 404 = /part-admin/p; }

    location /user/mirror/     { oauth_protect bearer; mirror /copy; $up; }
    location /user/mirror-hop/ { oauth_protect bearer; mirror /copy-hop; $up; }
    location = /copy      { internal; $admin $up/mirrored; }
    location = /copy-hop  { internal; try_files /none \@copy; }
    location \@copy       { $admin rewrite ^ /mirrored break; $up; }

    location /return/     { oauth_protect bearer; return 200 said; }
    location /return/elsewhere/ { $admin return 302 /admin/x; }
    location /return/late/ { oauth_protect bearer; error_page 404 = \@late; }
    location \@late       { return 200 late; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "upstream \$request_uri sub=\$http_x_sub auth=[\$http_authorization]"; }
    location /accel/ { add_header X-Accel-Redirect /admin/x; return 200 "upstream, not to be seen"; }
    location /accel-name/ { add_header X-Accel-Redirect \@admin; return 200 "upstream, not to be seen"; }
    location /accel-part/ { add_header X-Accel-Redirect /part-admin/p; return 200 "upstream, not to be seen"; }
    location /fail/ { return 502; }
    location = /long { root %%DIR%%/www; }
    location /judge { return 204; }
    location /none { return 403; }
}
server {
    listen 127.0.0.1:%%PORT4%% http2;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "grpc \$request_uri sub=\$http_x_sub auth=[\$http_authorization]"; }
}
HTTP
        [c => 'oauth_broker http://localhost:%%PORT3%%; oauth_allow_origin https://app.example.com;' . $x], [d => $trust->('algorithms HS256; audience one; subject_prefix a;', 'else.json') . $x],
        [e => $trust->('algorithms HS512; audience one; subject_prefix a;', 'else.json') . $x], [f => $trust->('algorithms HS256; audience one; subject_prefix a;') . "location / { $admin $up; }"],
        [g => $trust->('algorithms HS256; audience one; subject_prefix a;') . 'location / { oauth_protect bearer; proxy_set_header Host b.example; proxy_pass http://127.0.0.1:%%PORT3%%; }'];
}

# "status connections-opened" of each request, in turn on one connection.
sub curl {
    my ($nginx, $target, @who) = @_;
    my @version = qw(--http2-prior-knowledge);    # a connection that is there is used again by --http2 alone
    my @words = map {
        my @headers = @$_;
        ('--next', '-s', shift @version || '--http2', '-o', '/dev/null', '-w', "%{http_version} %{http_code} %{num_connects}\n", @headers ? ('-H', "$headers[0]: $headers[1]") : (), 'http://127.0.0.1:' . $nginx->port(2) . $target);
    } @who;
    open my $curl, '-|', 'curl', @words[1 .. $#words] or die "curl: $!\n";
    return map { /^2 (.*)$/ ? $1 : "not by HTTP/2: $_" } <$curl>;
}
