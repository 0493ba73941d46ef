# What a provider is asked, and what of its answer counts.
use lib 't/lib';
use OAuth::Test;
use OAuth::Upstream;

use constant MIB => 1024 * 1024;

sub reply   { return OAuth::Upstream::reply(@_) }
sub head    { return OAuth::Upstream::head(@_) }
sub chunked { return OAuth::Upstream::chunked(@_) }

my $lengthy = head(200, 'Content-Length' => 10);
my $chunky  = head(200, 'Transfer-Encoding' => 'chunked');
my $up      = OAuth::Upstream->new(
    '/json'         => [reply(200, '{"a":1}', 'Content-Type' => 'application/json; charset=utf-8')],
    '/moved'        => [reply(301, 'gone', Location => '/json')],
    '/found'        => [reply(302, 'gone', Location => 'http://127.0.0.1:1/')],
    '/empty'        => [head(204)],
    '/broken'       => [reply(500, 'broken')],
    '/chunked'      => [$chunky . chunked('hel', 'lo') . "0\r\n\r\n"],
    '/until-close'  => [head(200), 'all there is'],
    '/cookies'      => [reply(200, 'ok', 'Set-Cookie' => 'a=b', 'X-Accel-Limit-Rate' => 1, 'X-Accel-Buffering' => 'yes')],
    '/mib'          => [head(200, 'Content-Length' => MIB), 'm' x MIB],
    '/mib-more'     => [head(200, 'Content-Length' => MIB + 1), 'm' x (MIB + 1)],
    '/mib-chunked'  => [$chunky, chunked(('m' x 65536) x 16), "0\r\n\r\n"],
    '/more-chunked' => [$chunky, chunked(('m' x 65536) x 16, 'm'), "0\r\n\r\n"],
    '/flood'        => [head(200), ('m' x MIB) x 64],
    '/big-header'   => [head(200, 'Content-Length' => 2, 'X-Big' => 'h' x 9000), 'ok'],
    '/short'        => [$lengthy, 'short'],
    '/short-chunk'  => [$chunky, "a\r\nshort"],
    '/no-end'       => [$chunky, chunked('whole')],
    '/reset'        => [$lengthy, 'short', { wait => 0.2 }, { reset => 1 }],
    '/half-head'    => ["HTTP/1.1 200 OK\r\nContent-"],
    '/nothing'      => [],
    '/garbage'      => ["this is not HTTP\r\n\r\n"],
    '/hang'         => [{ hang => 1 }],
    '/drip-head'    => [{ each => 0.3 }, head(200, 'X-Drip' => 'd' x 200)],
    '/drip-body'    => [head(200, 'Content-Length' => 1000), { each => 0.3 }, 'd' x 1000],
);
my $url = $up->url;

my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, log_level => 'info', http => <<"CONF")->start;
    server {
        listen 127.0.0.1:%%PORT%%;
        oauth_flow_probe_broker /b limit=12;
        # What must not reach a provider, however it is set.
        proxy_set_header X-Operator secret;
        proxy_set_body operators;
        proxy_method PUT;
        gzip on;
        gzip_types *;
        gzip_min_length 0;

        location /get/ {
            client_max_body_size 0;
            rewrite ^/get(/.*)\$ \$1 break;
            oauth_flow_probe_content get:$url\$uri;
        }
        location /post/ {
            client_max_body_size 0;
            rewrite ^/post(/.*)\$ \$1 break;
            oauth_flow_probe_content post:$url\$uri;
        }
        location = /two       { oauth_flow_probe_content get:$url/json pause:1 post:$url/json nested:1; }
        location = /odd       { oauth_flow_probe_content odd:$url/json; }
        location = /own       { oauth_flow_probe_content own:$url/json; }
        location = /twice     { oauth_flow_probe_content twice:$url/json; }
        location = /break     { oauth_flow_probe_content break:$url/json; }
        location = /scheme    { oauth_flow_probe_content get:ftp://127.0.0.1/json; }
        location = /relative  { oauth_flow_probe_content get:/json; }
        location = /query     { oauth_flow_probe_content get:$url/json?a=%20b&c=d\#fragment; }
        location = /bare      { oauth_flow_probe_content get:$url?a=b; }
        location = /localhost { oauth_flow_probe_content get:http://LOCALHOST:@{[ $up->port ]}/json; }
        location = /refused   { oauth_flow_probe_content get:http://127.0.0.1:%%PORT9%%/; }
        location = /status    { oauth_flow_probe_status; }
        location = /here      { return 200 here; }
        location = /access    { oauth_flow_probe get:$url/json; return 200 unused; alias %%DIR%%/page; }
        location = /page      { ssi on; ssi_types text/plain; default_type text/plain; alias %%DIR%%/page; }
        location = /mapped    { add_header X-Leak "\$oauth_fetch_url\$oauth_fetch_body."; return 200 ok; }
        location = /access-page { oauth_flow_probe get:$url/json; default_type text/plain; alias %%DIR%%/page; }
    }
CONF
spew($nginx->dir . '/page', 'before <!--# include virtual="/two" --> after');

sub fetch { my ($path, %args) = @_; return ($nginx->get($path, %args)->{body} =~ /\n\w+ (.*)\n/s)[0] }

# ---- what is sent -----------------------------------------------------------------------------

sub lines_of { return [sort map { "$_->[0]: $_->[1]" } @{ $_[0]{headers} }] }

my @clients = (
    Cookie => 'session=client', Authorization => 'Bearer client', 'X-Client' => 'client', Range => 'bytes=0-1',
    'If-None-Match' => '"client"', 'Accept-Encoding' => 'gzip', 'X-Forwarded-For' => '1.2.3.4', Accept => 'text/client',
    Expect => '100-continue', 'Accept-Language' => 'xx', Referer => 'http://client/', Upgrade => 'client',
);
my $host = '127.0.0.1:' . $up->port;

$nginx->post('/get/json', 'client=body', headers => [@clients]);
my ($seen) = $up->requests('/json');
is $seen->{line}, 'GET /json HTTP/1.1', 'a GET stays a GET, whatever the client sent';    # req 103
is_deeply lines_of($seen), ['Accept: application/json', 'Connection: close', "Host: $host", 'User-Agent: probe'],
    'a provider sees the headers that the flow asked for and no other';                    # req 103
is $seen->{body}, '', 'and nothing of the body that the client sent';                      # req 103

$up->forget;
$nginx->post('/post/json', 'client=body', headers => [@clients]);
($seen) = $up->requests('/json');
is $seen->{line}, 'POST /json HTTP/1.1', 'a POST is sent as one';
is_deeply lines_of($seen), [
    'Accept: application/json', 'Authorization: Basic c2VjcmV0', 'Connection: close', 'Content-Length: 39',
    'Content-Type: application/x-www-form-urlencoded', "Host: $host", 'User-Agent: probe',
], 'with its own headers and the length of its own body';                                  # req 103
is $seen->{body}, 'grant_type=authorization_code&code=c0de', 'and with its own body';      # req 103

$up->forget;
is $nginx->get('/access-page', headers => [@clients[0 .. 5]])->{status}, 200, 'a fetch in the access phase lets the request go on';
is_deeply lines_of($up->requests('/json')), ['Accept: application/json', 'Connection: close', "Host: $host", 'User-Agent: probe'],
    'and shows the provider nothing of it either';                                         # req 103

$up->forget;
fetch('/query');
is(($up->requests)[0]{line}, 'GET /json?a=%20b&c=d HTTP/1.1', 'a query is sent byte for byte, a fragment never');
$up->forget;
fetch('/bare');
is(($up->requests)[0]{line}, 'GET /?a=b HTTP/1.1', 'a URL without a path asks for /');
$up->forget;
is fetch('/odd'), 'internal', 'a header that could not be sent is an error, not left out';
is fetch('/own'),    'internal', 'so is a location that is not ours';
is fetch('/twice'),  'internal', 'so is a header twice';
is fetch('/break'),  'internal', 'and a header that would begin another line';
is fetch('/scheme'),   'internal', 'only http and https are fetched';
is fetch('/relative'), 'internal', 'only absolute URLs are fetched';
is scalar $up->requests, 0, 'and of these the provider sees nothing';

like $nginx->head('/get/json')->{head}, qr/200 OK/, 'a HEAD request can fetch too';
is(($up->requests)[-1]{line}, 'GET /json HTTP/1.1', 'and fetches by GET');

# ---- what comes back --------------------------------------------------------------------------

my $json = '200 application/json; charset=utf-8 7 {"a":1}';
is fetch('/get/json'), $json, 'status, content type and body come as the provider sent them';
is fetch('/localhost'), $json, 'localhost is known without a resolver, in any spelling';
is fetch('/get/empty'), '204  0 ', 'a reply may have no body';
is fetch('/get/broken'), '500 text/plain 6 broken', 'an error of the provider is its reply';
is fetch('/get/chunked'), '200  5 hello', 'chunks are put together';
is fetch('/get/until-close'), '200  12 all there is', 'a reply may end with its connection';
is fetch('/get/cookies'), '200 text/plain 2 ok', 'headers that steer nginx steer nothing';
is fetch('/get/moved'), '301 text/plain 4 gone', 'a 301 is a reply';
is fetch('/get/found'), '302 text/plain 4 gone', 'and so is a 302';
is scalar(grep { $_->{path} eq '/json' } ($up->requests)[-2 .. -1]), 0, 'neither is followed';
like fetch('/get/big-header'), qr/^200 /, 'a header of 9 kB is read';

my $two = $nginx->get('/two')->{body};
is $two, "body 0\nget $json\npause slept\npost $json\nnested slept deeply\n", 'a flow fetches more than once';
my $page = $nginx->get('/page')->{body};
is $page, "before $two after", 'a flow in a subrequest fetches, and only its answer is in the page';
my $leak = $nginx->get('/mapped');
is header($leak, 'X-Leak'), '.', 'the variables of a fetch are empty everywhere else';

# ---- sizes ------------------------------------------------------------------------------------

like fetch('/get/mib'), qr/^200  1048576 m/, 'a reply of 1 MiB is read';
like fetch('/get/mib-chunked'), qr/^200  1048576 m/, 'in chunks too';
is fetch('/get/mib-more'), 'fetch_too_large', 'one byte more is too large';                # req 071
is fetch('/get/more-chunked'), 'fetch_too_large', 'in chunks too';                         # req 071
is fetch('/get/flood'), 'fetch_too_large', 'a flood is too large, and the client is answered';    # req 071
ok wait_until { defined $up->sent('/flood') }, 'the connection to a provider that floods is closed';
cmp_ok $up->sent('/flood'), '<', 32 * MIB, 'long before it has sent everything';

# ---- replies that end too soon ----------------------------------------------------------------

is fetch("/get/$_->[0]"), 'fetch_failed', $_->[1] for    # req 071, 157
    ['short',       'a body shorter than it said is no reply'],
    ['short-chunk', 'nor is half a chunk'],
    ['no-end',      'nor are chunks without the last one'],
    ['reset',       'nor is a body that ends in a reset'],
    ['half-head',   'nor is half a header'],
    ['nothing',     'nor is a connection that is closed at once'],
    ['garbage',     'nor is something that is not HTTP'];
is fetch('/refused'), 'fetch_failed', 'a port where nobody listens is a failure';
is fetch('/get/json'), $json, 'after which providers can be reached as before';

# ---- providers that are slow ------------------------------------------------------------------

my @slow = map { [$_, $nginx->connect] } qw(hang drip-head drip-body);
$_->[1]->send("GET /get/$_->[0] HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for @slow;
ok wait_until { $up->requests('/drip-body') && $up->requests('/drip-head') && $up->requests('/hang') },
    'three providers are slow';
is $nginx->get('/here')->{body}, 'here', 'the worker answers others in the meantime';      # req 157
is fetch('/get/json'), $json, 'and fetches for others';                                    # req 157
ok !IO::Select->new(map { $_->[1]->socket } @slow)->can_read(0), 'while the slow ones are waited for';
like $_->[1]->read_response->{body}, qr/ fetch_timeout\n/, "a provider that answers by $_->[0] is given up" for @slow;    # req 157

# ---- the limit --------------------------------------------------------------------------------

$up->forget;
my @waiting = map { $nginx->connect } 1 .. 12;
$_->send("GET /get/hang HTTP/1.1\r\nHost: x\r\n\r\n") for @waiting;
ok wait_until { $up->requests('/hang') == 12 }, 'as many fetches as the limit says are in flight';
is fetch('/get/json'), 'fetch_busy', 'one more is refused at once';
$_->close for @waiting;
ok wait_until { fetch('/get/json') eq $json }, 'when their clients have left there is room again';
ok wait_until { $nginx->get('/status')->{body} =~ /^frames 0$/m }, 'and no frame is left';    # req 158

my $log = $nginx->error_log;
like $log, qr/oauth: fetch for provider "probe" from 127\.0\.0\.1:\d+: fetch_too_large/, 'the log says what failed, and where';
unlike $log, qr/c0de|c2VjcmV0/, 'and not what was sent';

$nginx->stop;
done_testing;
