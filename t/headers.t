# `oauth_set_header` and `oauth_clear_header`: an upstream hears what the location says, whoever let
# the request through, and nothing that the client made up.
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Forge;
use OAuth::Upstream;
use OAuth::Port;
use POSIX ();
use IO::Select;
use IO::Socket::IP;

my $up = OAuth::Upstream->new(
    '/u' => [OAuth::Upstream::reply(200, 'hello')],
    '/admit' => [OAuth::Upstream::head(204)],
    '/bare/' => [OAuth::Upstream::reply(200, 'hello')],
    '/go' => [OAuth::Upstream::reply(200, '', 'X-Accel-Redirect' => '/second/x')],
);
my $scgi = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => OAuth::Port::take(), Listen => 5, ReuseAddr => 1) or die $!;
my $parent = $$;
my $echo = fork // die $!;
serve_scgi() if !$echo;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP' =~ s/%%UP%%/$up->url/ger =~ s/%%SCGI%%/'127.0.0.1:' . $scgi->sockport/er);
large_client_header_buffers 8 64k;
oauth_provider demo { type demo; user alice@demo.local Alice; }
oauth_set_header X-Http http;
underscores_in_headers on;
ignore_invalid_headers off;
map $http_x_user $early { default $http_x_user; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    oauth_set_header X-User  $oauth_sub;
    oauth_set_header X-Outer outer;
    oauth_clear_header X-Role Content-Type;
    oauth_admit /admit;
    location = /admit   { internal; proxy_pass %%UP%%/admit; }
    proxy_set_header X-Plain plain;
    root %%DIR%%/www;

    location /strict/   { oauth_protect bearer; oauth_set_header X-Inner inner; proxy_set_header X-Own own; proxy_pass %%UP%%/u;
                          location /strict/deep/ { oauth_set_header X-Deep deep; oauth_set_header x_outer replaced; proxy_pass %%UP%%/u; } }
    location /optional/ { oauth_protect bearer optional; proxy_pass %%UP%%/u; }
    location /open/     { proxy_pass %%UP%%/u; }
    location /any/      { satisfy any; allow 127.0.0.1; deny all; oauth_protect bearer; proxy_pass %%UP%%/u; }
    location /any-late/ { satisfy any; deny all; oauth_protect bearer; proxy_pass %%UP%%/u; }
    location /empty/    { oauth_protect bearer; oauth_set_header X-User ""; proxy_pass %%UP%%/u; }
    location /cleared/  { oauth_protect bearer; oauth_clear_header X-User; proxy_pass %%UP%%/u; }
    location /connection/ { proxy_http_version 1.1; proxy_set_header Connection $http_connection; proxy_pass %%UP%%/u; }
    location /uri/      { oauth_set_header X-Uri $uri; proxy_pass %%UP%%/u; }
    location /name/     { oauth_protect bearer; oauth_set_header X-Name $oauth_name; oauth_set_header X-Claim $oauth_claim_evil; proxy_pass %%UP%%/u; }

    # What nginx itself knows of a header follows.
    location /known/    { oauth_set_header X-Forwarded-For 10.0.0.1; oauth_clear_header Cookie Range; oauth_set_header User-Agent agent;
                          proxy_set_header X-Seen "$proxy_add_x_forwarded_for|$http_cookie|$cookie_a|$http_user_agent"; proxy_pass %%UP%%/u; }
    location /early/    { if ($early = root) { set $noticed 1; } if ($http_x_user = root) { set $noticed 1; }
                          oauth_protect bearer; proxy_set_header X-Seen "[$http_x_user]"; proxy_pass %%UP%%/u; }
    location = /range.txt { oauth_clear_header Range; }

    # From one location to another.
    location /first/    { oauth_protect bearer; oauth_set_header X-First first; oauth_set_header User-Agent first; try_files /none /second/x; }
    location /accel/    { oauth_set_header X-First first; oauth_set_header X-User first; proxy_pass %%UP%%/go; }
    location /error/    { oauth_protect bearer; error_page 401 = /second/x; oauth_set_header X-First first; proxy_pass %%UP%%/u; }
    location /second/   { oauth_set_header X-Second second; proxy_set_header X-Seen "[$http_x_first][$http_user_agent]"; proxy_pass %%UP%%/u; }
    location /bare/     { oauth_protect bearer; oauth_set_header X-First first; try_files /none$http_x_first @bare; }
    location @bare      { proxy_set_header X-Seen "[$http_x_first]"; proxy_pass %%UP%%; }

    # Subrequests.
    location = /page.html { ssi on; oauth_set_header X-Parent parent; oauth_set_header X-User parent; }
    location /part/     { oauth_protect bearer optional; proxy_pass %%UP%%/u; }
    location /mirror/   { oauth_protect bearer; mirror /mirrored; oauth_set_header X-User main; proxy_pass %%UP%%/u; }
    location = /mirrored { internal; oauth_set_header X-User mirrored; proxy_pass %%UP%%/u; }

    location /scgi/     { oauth_protect bearer; scgi_pass %%SCGI%%; scgi_param REQUEST_METHOD GET; scgi_param SCGI 1; }
    location /grpc/     { oauth_protect bearer; grpc_pass grpc://127.0.0.1:%%PORT1%%; }
}
server { listen 127.0.0.1:%%PORT1%% http2; oauth_clear_header X-Http; location / { return 200 "[$http_x_user][$http_x_role][$http_x_outer]"; } }
HTTP
mkdir $nginx->dir . '/www';
spew($nginx->dir . '/www/page.html', '<!--# include virtual="/part/x" -->');
spew($nginx->dir . '/www/range.txt', 'abcdef');
$nginx->start;
my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });
my @good = (Authorization => 'Bearer ' . $own->token);
my @lies = ('X-User' => 'root', 'x-user' => 'root', 'X_User' => 'root', 'x_USER' => 'root', 'X.User' => 'root', 'X-User' => 'admin');

subtest 'what a location says' => sub {
    is_deeply said('/strict/', @good), { 'X-Http' => 'http', 'X-User' => 'demo:alice', 'X-Outer' => 'outer', 'X-Inner' => 'inner', 'X-Own' => 'own' },
        'all levels, where proxy_set_header drops the outer';
    is_deeply said('/strict/deep/', @good), { 'X-Http' => 'http', 'X-User' => 'demo:alice', 'x_outer' => 'replaced', 'X-Inner' => 'inner', 'X-Deep' => 'deep', 'X-Own' => 'own' },
        'the inner of two that are the same header to an upstream';
    is_deeply said('/open/'), { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain' }, 'an empty value is no header';
    is_deeply said('/empty/', @good, @lies), { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain' }, '  also where it is written so';
    is_deeply said('/cleared/', @good, @lies), { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain' }, 'what is cleared is gone';
};

subtest 'no spelling of the client\'s comes through' => sub {
    my %anonymous = ('X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain');
    my %known = (%anonymous, 'X-User' => 'demo:alice');
    my @all = (@lies, 'X-Role' => 'root', 'x_role' => 'root', 'X-HTTP' => 'x', 'X-Outer' => 'x');
    is_deeply said('/optional/', @all, @good), \%known, 'a verified token';
    is_deeply said('/optional/', @all), \%anonymous, 'anonymous, where that is allowed';
    is_deeply said('/open/', @all), \%anonymous, 'a location that is not protected';
    is_deeply said('/open/', @all, @good), \%anonymous, '  though somebody has a token';
    is_deeply said('/any/', @all), \%anonymous, 'let through by address';
    is_deeply said('/any-late/', @all, @good), \%known, '  or else by token';
    is_deeply said('/optional/', @all, OPTIONS => 1), \%anonymous, 'OPTIONS';
    is_deeply said('/optional/', map { $_ % 2 ? 'root' : "X-Use\x{72}" } 0 .. 99), \%anonymous, 'fifty of them';
    is_deeply said('/open/', 'X-Us' => 1, 'X-Users' => 1, 'XX-User' => 1, 'XUser' => 1),
        { %anonymous, 'X-Us' => 1, 'X-Users' => 1, 'XX-User' => 1, 'XUser' => 1 }, 'other headers do';
};

# RFC 9110 7.6.1
subtest 'Connection cannot have ours dropped' => sub {
    my $connection = sub { return join '+', map { $_->[1] } grep { lc $_->[0] eq 'connection' } raw('/connection/', @_) };
    is $connection->(Connection => 'keep-alive, X-Outer, x_role ,X-Own'), 'keep-alive, X-Own', 'our names are taken out of it';
    is $connection->(Connection => "\tX-Outer\t, keep-alive"), 'keep-alive', '  whatever is around them';
    is $connection->(Connection => 'X-Outer'), '', '  and one that names nobody else is none';
    is $connection->(Connection => 'keep-alive, Upgrade'), 'keep-alive, Upgrade', 'others stay';
};

subtest 'what no header can carry' => sub {
    for my $bytes ('%0a', '%0d', '%0d%0aX-Evil:%201', '%01', '%7f') {
        my $headers = said("/uri/a${bytes}b", 'X-Uri' => 'client');
        is_deeply $headers, { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain' }, "a value with $bytes is left out, and the client's with it";
    }
    like $nginx->error_log, qr/\[error\] .*oauth: the value for header "X-Uri" has a control character: it is left out/, '  the log says so';
    unlike $nginx->error_log, qr/left out.*\n?.*X-Evil: 1/, '  without the value';
    is said('/uri/%C3%A4')->{'X-Uri'}, "/uri/\xC3\xA4", 'other bytes are as they are';
    is said('/uri/a%09b')->{'X-Uri'}, "/uri/a\tb", 'and so is a tab';
    for my $text ("x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\ry", "\x{4e2d}", 'a' x 8192, "\x{2028}", '%0d%0a') {
        my $token = $own->token(claims => { name => $text, evil => [substr $text, 0, 9] });
        my $headers = said('/name/', Authorization => "Bearer $token");
        my $bytes = $text;
        utf8::encode($bytes);
        is url_decode($headers->{'X-Name'} =~ s/\+/%2B/gr), $bytes, 'a claim comes encoded, and whole';
        is join(' ', sort keys %$headers), 'X-Claim X-Http X-Name X-Outer X-Plain X-User', '  and makes no header of its own';
    }
};

subtest 'what nginx knows of a header follows' => sub {
    my $headers = said('/known/', 'X-Forwarded-For' => '6.6.6.6', 'X_Forwarded_For' => '7.7.7.7', Cookie => 'a=1', 'User-Agent' => 'evil');
    is $headers->{'X-Seen'}, '10.0.0.1, 127.0.0.1|||agent', 'its variables are those of what we set';
    is join('|', map { "@$_" } grep { $_->[0] =~ /^(?:X.Forwarded.For|Cookie|User-Agent)$/i } raw('/known/', 'X-Forwarded-For' => '6.6.6.6', Cookie => 'a=1', 'User-Agent' => 'evil')),
        'X-Forwarded-For 10.0.0.1|User-Agent agent', '  and the headers themselves';
    is said('/early/', @good, 'X-User' => 'root')->{'X-Seen'}, '[demo:alice]', 'a variable that was read before is read anew';
    is $nginx->get('/range.txt', headers => [Range => 'bytes=0-1'])->{status}, 200, 'a header that is cleared has no effect';
};

subtest 'from one location to another' => sub {
    my %second = ('X-Http' => 'http', 'X-Outer' => 'outer', 'X-Second' => 'second', 'X-Seen' => '[][]');
    my @all = (@lies, 'X-First' => 'client', 'X-Second' => 'client', 'User-Agent' => 'client');
    is_deeply said('/first/', @all, @good), { %second, 'X-User' => 'demo:alice' }, 'try_files: what the first has set is gone, and the client\'s with it';
    is_deeply said('/accel/', @all), { %second, 'X-Seen' => '[][client]' }, 'X-Accel-Redirect';
    is_deeply said('/error/', 'X-Second' => 'client', 'X-User' => 'root'), \%second, 'error_page, of one that was refused';
    is_deeply said('/bare/', @lies, 'X-First' => 'client', @good), { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-User' => 'demo:alice', 'X-Seen' => '[]' }, 'a named location';
};

subtest 'subrequests' => sub {
    is_deeply said('/page.html', @lies, @good, 'X-Parent' => 'client'), { 'X-Http' => 'http', 'X-Outer' => 'outer', 'X-Plain' => 'plain', 'X-User' => 'demo:alice' },
        'SSI: those of the location that is included';
    my $before = $up->requests;
    $nginx->get('/mirror/', headers => [@good, @lies]);
    my @seen;
    ok wait_until { @seen = ($up->requests)[$before .. $before + 1]; defined $seen[1] }, 'a mirror';
    is join(' ', sort(map { OAuth::Test::headers($_, 'X-User') } @seen)), 'main mirrored', '  and what it copies hear each its own';
};

subtest 'other upstreams' => sub {
    my $body = $nginx->get('/scgi/', headers => [@good, @lies, 'X-Role' => 'root'])->{body};
    is $body, 'HTTP_X_HTTP=http HTTP_X_OUTER=outer HTTP_X_USER=demo:alice', 'CGI, where spellings fold';
    is $nginx->get('/grpc/', headers => [@good, @lies, 'X-Role' => 'root'])->{body}, '[demo:alice][][outer]', 'gRPC';
};

subtest 'the broker\'s own endpoints' => sub {
    my $response = $nginx->post('/token', '{"grant_type":"x"}', headers => ['Content-Type' => 'application/json']);
    unlike $response->{body}, qr/application\/json/, 'hear what the client says, though Content-Type is cleared';
    is $response->{status}, 400, '  and answer';
    my $demo = OAuth::Demo->new($nginx);
    ok $demo->callback($demo->login)->{code}, 'a sign-in';
    my ($asked) = $up->requests('/admit');
    is_deeply [map { [headers($asked, $_)] } qw(Content-Type X-Outer X-Http)], [['application/json'], [], []], '  asks the operator\'s own service with the headers of ours';
};

kill 'TERM', $echo;
waitpid $echo, 0;
$nginx->stop;
$up->stop;
done_testing;

sub raw {
    my ($target, @headers) = @_;
    my $before = $up->requests;
    my %by = (@headers % 2 == 0 && $headers[-2] // '') eq 'OPTIONS' ? (splice(@headers, -2), method => 'OPTIONS') : ();
    my $response = $nginx->request(delete $by{method} || 'GET', $target, headers => \@headers);
    my @seen;
    wait_until { @seen = $up->requests; @seen > $before } 5;
    diag "$target: $response->{status}" if @seen == $before;
    return @{ ($seen[-1] || {})->{headers} || [] };
}

# The headers that are not nginx's own, or those of the test's client.
sub said {
    my %headers;
    for my $header (raw(@_)) {
        my ($name, $value) = @$header;
        next if $name =~ /^(?:Host|Connection|Authorization|User-Agent|Accept.*|Content-Length)$/i;
        $headers{$name} = defined $headers{$name} ? "$headers{$name}|$value" : $value;
    }
    return \%headers;
}

# An SCGI server that says back what it got of HTTP_X_*.
sub serve_scgi {
    while (getppid == $parent) {
        IO::Select->new($scgi)->can_read(0.2) or next;
        my $peer = $scgi->accept;
        my $in = '';
        my $length;
        while (sysread $peer, $in, 65536, length $in) {
            ($length) = $in =~ /^(\d+):/ or next;
            last if length $in >= length($length) + 2 + $length;
        }
        $in =~ s/^\d+://;
        my %of = split /\0/, substr($in, 0, $length - 1), -1;
        my @said = map { "$_=$of{$_}" } grep { /^HTTP_X/ } sort keys %of;
        my $count = () = $in =~ /HTTP_X_USER\0/g;
        push @said, 'and twice' if $count != 1;
        print {$peer} "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n@said";
        close $peer;
    }
    POSIX::_exit(0);
}
