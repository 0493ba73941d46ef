# Whatever in a configuration leads a fetch elsewhere, or leads something else to the location of
# fetches, ends without anything being sent.
use lib 't/lib';
use OAuth::Test;
use OAuth::Upstream;

my $provider = OAuth::Upstream->new(
    '/json'       => [OAuth::Upstream::reply(200, 'reply')],
    '/broken'     => [OAuth::Upstream::reply(500, 'broken')],
    '/accel'      => [OAuth::Upstream::reply(200, 'own', 'X-Accel-Redirect' => '/elsewhere')],
    '/accel-home' => [OAuth::Upstream::reply(200, 'own', 'X-Accel-Redirect' => '/b/oauth/fetch')],
    '/slow'       => [{ wait => 0.5 }, OAuth::Upstream::reply(200, 'reply')],
    '/truncated'  => ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
);
my $backend = OAuth::Upstream->new(
    map { ($_ => [OAuth::Upstream::reply(200, 'backend', 'X-Accel-Redirect' => '/b/oauth/fetch')]) } qw(/ /sent-here),
);
my $other = OAuth::Upstream->new('/elsewhere' => [OAuth::Upstream::reply(200, 'elsewhere')]);
my ($to_provider, $to_backend, $to_other) = map { $_->url } $provider, $backend, $other;

sub server {
    my ($port, $directives) = @_;
    return <<"CONF";
    server {
        listen 127.0.0.1:%%PORT$port%%;
        oauth_flow_probe_broker /b;
        $directives
        location = /post       { oauth_flow_probe_content post:$to_provider/json; }
        location = /get        { oauth_flow_probe_content get:$to_provider/json; }
        location = /broken     { oauth_flow_probe_content get:$to_provider/broken; }
        location = /accel      { oauth_flow_probe_content get:$to_provider/accel; }
        location = /accel-home { oauth_flow_probe_content get:$to_provider/accel-home; }
        location = /refused    { oauth_flow_probe_content get:http://127.0.0.1:%%PORT99%%/; }
        location = /truncated  { oauth_flow_probe_content get:$to_provider/truncated; }
        location = /slow       { oauth_flow_probe_content get:$to_provider/slow; }
        location = /elsewhere  { proxy_pass $to_other; }
        location \@elsewhere   { rewrite ^ /elsewhere break; proxy_pass $to_other; }
    }
CONF
}

my @diversions = (
    ['a rewrite to a proxied location', 'rewrite ^/b/oauth/fetch$ /elsewhere last;'],
    ['a rewrite to a location that does not exist', 'rewrite ^/b/oauth/fetch$ /nowhere last;'],
    ['a redirect', 'rewrite ^/b/oauth/fetch$ http://127.0.0.1/ redirect;'],
    ['a return with text', 'if ($uri = /b/oauth/fetch) { return 200 "{\"access_token\":\"forged\"}"; }'],
    ['a return with a redirect', 'if ($uri = /b/oauth/fetch) { return 302 /elsewhere; }'],
    ['a return with an error', 'if ($uri = /b/oauth/fetch) { return 403; }'],
    ['a return with an error that has a page', 'error_page 403 /elsewhere; if ($uri = /b/oauth/fetch) { return 403; }'],
    ['a return that closes', 'if ($uri = /b/oauth/fetch) { return 444; }'],
    ['a rewrite round in circles', 'rewrite ^/b/oauth/fetch$ /b/oauth/other last; rewrite ^/b/oauth/other$ /b/oauth/fetch2 last;'],
);
my @inherited = (
    ['error pages', 'error_page 400 401 403 404 500 502 504 /elsewhere; error_page 301 302 = @elsewhere;'],
    ['intercepted errors', 'proxy_intercept_errors on; error_page 500 502 =200 /elsewhere;'],
    ['a next upstream', 'proxy_next_upstream error timeout http_500 non_idempotent;'],
    ['another body, method and headers', 'proxy_set_body forged; proxy_method DELETE; proxy_set_header Host forged;'],
    ['a cache', 'proxy_cache cache; proxy_cache_valid any 1h; proxy_cache_methods GET POST; proxy_cache_key same;'],
    ['a file to store in', 'proxy_store %%DIR%%/tmp/stored;'],
    ['small buffers', 'proxy_buffers 2 1k; proxy_buffer_size 1k; proxy_busy_buffers_size 1k; proxy_max_temp_file_size 1k; proxy_temp_file_write_size 1k;'],
    ['passwords', 'auth_basic closed; auth_basic_user_file /dev/null;'],
    ['a judge of requests', 'auth_request /elsewhere; location = /elsewhere2 { return 403; }'],
    ['a mirror', 'mirror /elsewhere;'],
    ['a client certificate', 'proxy_ssl_certificate %%DIR%%/client.pem; proxy_ssl_certificate_key %%DIR%%/client.key;'],
    ['an address to connect from', 'proxy_bind 127.0.0.77;'],
    ['a slow rate', 'proxy_limit_rate 1; limit_rate 1000000;'],
    ['short times', 'proxy_read_timeout 50ms; proxy_send_timeout 50ms; proxy_connect_timeout 50ms; resolver_timeout 50ms; send_timeout 50ms;'],
    ['satisfied by any', 'satisfy any; deny all;'],
    ['filters', 'gzip on; gzip_min_length 0; gzip_types *; ssi on; ssi_types *; add_header X-Added 1 always;'],
);
# The judge, the passwords and the deny would also stop the request itself: let those through.
my %opened = ('passwords' => 1, 'satisfied by any' => 1);

my $servers = '';
my $port = 0;
$servers .= server($port++, $_->[1]) for @diversions;
for my $case (@inherited) {
    my $text = server($port++, $case->[1]);
    $text =~ s/(location = \/\w[\w-]* +\{)/$1 auth_basic off; allow all;/g if $opened{ $case->[0] };
    $servers .= $text;
}
my $ways_in = $port++;
my $http = <<"CONF" . $servers . <<"CONF";
    proxy_cache_path %%DIR%%/tmp/cache keys_zone=cache:1m;
    log_format leak "[\$oauth_fetch_url|\$oauth_fetch_header_authorization|\$oauth_fetch_body] \$stolen";
CONF
    server {
        listen 127.0.0.1:%%PORT$ways_in%%;
        oauth_flow_probe_broker /b;
        set \$stolen "[\$oauth_fetch_url|\$oauth_fetch_body]";    # evaluated in the fetch's subrequest too
        location = /rewritten  { rewrite ^ /b/oauth/fetch last; }
        location = /tried      { try_files /nothing /b/oauth/fetch; }
        location = /missing    { error_page 404 /b/oauth/fetch; return 404; }
        location = /missing-ok { error_page 404 =200 /b/oauth/fetch; return 404; }
        location = /included   { ssi on; ssi_types text/plain; default_type text/plain; alias %%DIR%%/page; }
        location = /judged     { auth_request /b/oauth/fetch; alias %%DIR%%/page; }
        location = /mirrored   { mirror /b/oauth/fetch; alias %%DIR%%/page; }
        location = /accel      { rewrite ^ /sent-here break; proxy_pass $to_backend; }
        location = /action     { post_action /b/oauth/fetch; alias %%DIR%%/page; }
        location = /set        { set \$leak "[\$oauth_fetch_url|\$oauth_fetch_header_authorization|\$oauth_fetch_body]"; return 200 \$leak; }
        location = /logged     { access_log %%DIR%%/leak.log leak; oauth_flow_probe_content post:$to_provider/json peek:oauth_fetch_body; }
        location = /get        { oauth_flow_probe_content get:$to_provider/json; }
    }
CONF

my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => $http);
my $pem = $nginx->dir . '/client';
system "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=client -days 2"
    . " -keyout $pem.key -out $pem.pem 2>$pem.log" and die slurp("$pem.log");
spew($nginx->dir . '/page', 'page <!--# include virtual="/b/oauth/fetch" -->');
$nginx->start;

sub answer_of {
    my ($at, $path) = @_;
    my $response = $nginx->get($path, port => $at);
    return $response->{body} =~ /^body 0\n\w+ (.*)\n\z/s ? $1 : "$response->{status} $response->{body}";
}

$port = 0;
for my $case (@diversions) {
    my $at = $port++;
    is answer_of($at, '/post'), 'fetch_diverted', "$case->[0] diverts a fetch, and its reply does not count";
    is answer_of($at, '/get'), 'fetch_diverted', '... of a GET either';
    is scalar $other->requests, 0, '... and nothing is sent there';
    is scalar $provider->requests, 0, '... nor to the provider';
    $_->forget for $other, $provider;
}
my @told = $nginx->error_log =~ /led away from "\/b\/oauth\/fetch": a rewrite or return of the server block/g;
is scalar @told, 2 * @diversions, 'the log says what to look for';

for my $case (@inherited) {
    my $at = $port++;
    my @got = map { answer_of($at, $_) } qw(/post /get /broken /accel /accel-home /refused /truncated);
    is_deeply \@got, [
        '200 text/plain 5 reply', '200 text/plain 5 reply', '500 text/plain 6 broken', '200 text/plain 3 own',
        '200 text/plain 3 own', 'fetch_failed', 'fetch_failed',
    ], "$case->[0] of the server block change nothing about a fetch";
    my @posts = grep { $_->{line} =~ /^POST/ } $provider->requests;
    is_deeply [map { $_->{body} } @posts], ['grant_type=authorization_code&code=c0de'], '... which is sent once, as it is';
    my @hosts = map { map { $_->[1] } grep { $_->[0] eq 'Host' } @{ $_->{headers} } } $provider->requests;
    is_deeply [grep { $_ ne '127.0.0.1:' . $provider->port } @hosts], [], '... to its own host';
    my @elsewhere = map { $_->{raw} } $other->requests;
    is_deeply [grep { /c0de|c2VjcmV0/ } @elsewhere], [], '... and to nobody else';
    is answer_of($at, '/slow'), '200 text/plain 5 reply', '... and a provider has its time' if $case->[0] eq 'short times';
    $_->forget for $other, $provider;
}

my %expected = (
    '/b/oauth/fetch' => [404, qr/404 Not Found/], '/rewritten' => [404, qr/404 Not Found/],
    '/tried' => [404, qr/404 Not Found/], '/missing' => [404, qr/404 Not Found/], '/missing-ok' => [404, qr/404 Not Found/],
    '/included' => [200, qr/^page .*404 Not Found/s], '/judged' => [500, qr/500/], '/mirrored' => [200, qr/^page/],
    '/accel' => [404, qr/404 Not Found/], '/action' => [200, qr/^page/], '/set' => [200, qr/^\[\|\|\]$/],
);
my $before = length $nginx->error_log;
for my $path (sort keys %expected) {
    my ($status, $text) = @{ $expected{$path} };
    my $response = $nginx->get($path, port => $ways_in);
    is $response->{status}, $status, "$path has no way into the location of fetches";
    like $response->{body}, $text, '... and shows nothing of it';
}
is scalar $provider->requests, 0, 'none of them reached the provider';
ok substr($nginx->error_log, $before) !~ /invalid URL|upstream:/, 'or tried to reach anything';
is answer_of($ways_in, '/get'), '200 text/plain 5 reply', 'where fetches still work';
like $nginx->get('/logged', port => $ways_in)->{body}, qr/\npeek \[\]\n/, 'what nginx keeps of variables holds nothing of what was sent';
ok wait_until { -s $nginx->dir . '/leak.log' }, 'a log line of the same request';
is slurp($nginx->dir . '/leak.log'), "[-|-|-] [|]\n", '... holds nothing of what was sent';

$nginx->stop;
done_testing;
