# Variables of claims, wherever nginx takes variables: `oauth_claim`, and when they are known.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP')->start;
large_client_header_buffers 8 64k;
oauth_provider demo { type demo; user alice@demo.local Alice; }
oauth_claim $role   role;
oauth_claim $nested /realm/roles/0;
oauth_claim $tenant https://example.com/tenant;
oauth_claim $Whole  /realm;
map $role $is_admin { default no; admin yes; }
map $oauth_sub $early_sub { default $oauth_sub; }
map $oauth_sub $late_sub { volatile; default $oauth_sub; }
limit_req_zone $oauth_sub zone=early:1m rate=1r/m;
limit_req_zone $oauth_sub zone=late:1m rate=1r/m;
log_format who '$request_uri [$role] [$is_admin] [$oauth_sub]';
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    access_log %%DIR%%/who.log who;
    location /claims/ {
        oauth_protect bearer optional;
        proxy_set_header X-Said "$role|$nested|$tenant|$whole|$is_admin|$oauth_scope|$oauth_sub";
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
    location /open/  { proxy_set_header X-Said "$role|$nested"; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /early/ { oauth_protect bearer; limit_req zone=early; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /late/  { oauth_protect bearer; try_files /none @late; }
    location @late   { limit_req zone=late; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /map/   { if ($early_sub = x) { } if ($late_sub = x) { }
                       oauth_protect bearer; proxy_set_header X-Said "$early_sub|$late_sub"; proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server { listen 127.0.0.1:%%PORT1%%; access_log off; large_client_header_buffers 8 64k; location / { return 200 $http_x_said; } }
HTTP
my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });

subtest 'oauth_claim' => sub {
    is said('/claims/', role => 'admin', realm => { roles => ['x', 'y'] }, 'https://example.com/tenant' => 't'),
        'admin|x|t|{"roles":["x","y"]}|yes||demo:alice', 'names and pointers, strings, objects, and a map of one';
    is said('/claims/', role => ['a', 1]), '["a",1]||||no||demo:alice', 'a list is JSON';
    is said('/claims/', role => \'true'), 'true||||no||demo:alice', 'a boolean';
    is said('/claims/', role => \'1.5'), '1.5||||no||demo:alice', 'a number';
    is said('/claims/', role => \'null'), '||||no||demo:alice', 'null is empty';
    is said('/claims/', role => "a\r\nb%\x{4e2d}"), 'a%0D%0Ab%25%E4%B8%AD||||no||demo:alice', 'percent-encoded where not printable ASCII';
    is length(said('/claims/', role => 'a' x 8192)), 8192 + length('||||no||demo:alice'), '8 KB of it';
    is $nginx->get('/claims/')->{body}, '||||no||', 'empty for the anonymous';
    is $nginx->get('/open/', headers => [auth(role => 'admin')])->{body}, '|', 'and where nothing is protected';
};

subtest '$oauth_scope' => sub {
    my $scope = sub { return (split /\|/, said('/claims/', scope => $_[0]), -1)[5] };
    is $scope->('b a'), 'b a', 'is that of the token';
    is $scope->(['b', 'a']), 'b a', 'a list as a string would say it';
    is $scope->(['b c', 'a', 7, '']), 'a', '  without what is no scope';
    is $scope->("b\x{e4} a"), 'a', '  in a string alike';
    is $scope->({ a => 1 }), '', 'anything else is none';
};

subtest 'in the log' => sub {
    said('/claims/log', role => 'admin');
    my $line = qr{^/claims/log \[admin\] \[yes\] \[demo:alice\]$}m;
    wait_until { slurp($nginx->dir . '/who.log') =~ $line };
    like slurp($nginx->dir . '/who.log'), $line, 'they are known';
};

# limit_req and limit_conn run before access is decided: a key that is empty counts nothing.
subtest 'before access is decided' => sub {
    is_deeply [map { $nginx->get('/early/', headers => [auth()])->{status} } 1 .. 3], [200, 200, 200], 'limit_req in the protected location itself limits nobody';
    is_deeply [map { $nginx->get('/late/', headers => [auth(sub => $_)])->{status} } qw(demo:a demo:b demo:a)], [200, 200, 503], 'behind an internal redirect it limits each user';
    is $nginx->get('/late/')->{status}, 401, '  and who has no token comes not so far';
    is said('/map/'), '|demo:alice', 'a map that was asked before stays as it was, but for a volatile one';
};

$nginx->stop;
done_testing;

sub auth { my %claims = @_; return (Authorization => 'Bearer ' . $own->token(claims => \%claims)) }
sub said { my ($target, %claims) = @_; return $nginx->get($target, headers => [auth(%claims)])->{body} }
