# Bodies of endpoints: read into memory up to a bound, in any framing; what is too much is refused
# before it is read, and never leaves a connection out of step.
use lib 't/lib';
use OAuth::Test;
use Time::HiRes qw(sleep);

use constant LIMIT => 60000;

my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => <<'CONF')->start;
    client_body_buffer_size 1k;
    client_body_timeout 2s;
    lingering_timeout 1s;
    log_format line '$request $status';
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT1%% http2;
        access_log %%DIR%%/lines.log line;
        oauth_flow_probe_broker /b;
        client_max_body_size 0;
        location = /echo   { oauth_flow_probe_content body=60000 echo:body; }
        location = /small  { oauth_flow_probe_content body=10 echo:body; }
        location = /linger { lingering_timeout 10s; oauth_flow_probe_content body=10 echo:body; }
        location = /curt   { lingering_close off; oauth_flow_probe_content body=10 echo:body; }
        location = /status { oauth_flow_probe_status; }
    }
CONF

my $long = join '', map { sprintf '%07d.', $_ } 1 .. LIMIT / 8;
sub echoed { return $_[0]{status} == 200 && $_[0]{body} =~ /\necho (.*)\n/s ? $1 : "$_[0]{status} $_[0]{body}" }

sub chunked {
    my ($size, $text) = @_;
    my $out = '';
    $out .= sprintf "%x\r\n%s\r\n", length, $_ for unpack "(a$size)*", $text;
    return $out . "0\r\n\r\n";
}

# A head, then pieces, each sent when nginx has had time to take the one before.
sub begin {
    my ($path, @headers) = @_;
    my $connection = $nginx->connect(timeout => 20);
    $connection->send("POST $path HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_\r\n" } @headers) . "\r\n");
    return $connection;
}

# ---- bodies that fit --------------------------------------------------------------------------

is echoed($nginx->get('/echo')), '', 'no body is an empty one';
is echoed($nginx->post('/echo', '')), '', 'an empty body is one too';
is echoed($nginx->post('/echo', 'hello')), 'hello', 'a short body is read';
ok echoed($nginx->post('/echo', $long)) eq $long, 'a body of the limit is read, whatever the size of buffers';
ok echoed(begin('/echo', 'Transfer-Encoding: chunked')->send(chunked(1000, $long))->read_response) eq $long, 'in chunks too';
is echoed(begin('/echo', 'Transfer-Encoding: chunked')->send("0\r\n\r\n")->read_response), '', 'also when there is no chunk';
ok echoed(begin('/echo', 'Transfer-Encoding: chunked')->send(chunked(3, $long))->read_response) eq $long, 'also in tiny ones';

my $slow = begin('/echo', 'Content-Length: 30');
for my $piece ('one.......', 'two.......', 'three.....') { sleep 0.05; $slow->send($piece) }
is echoed($slow->read_response), 'one.......two.......three.....', 'a body may come in pieces';
$slow->send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
for my $piece ("5\r", "\nhel", "lo\r\n6;x=y\r\n wor", "ld\r\n0\r", "\n\r\n") { sleep 0.05; $slow->send($piece) }
is echoed($slow->read_response), 'hello world', 'chunks may be cut anywhere; the connection serves more requests';

my $pipelined = $nginx->connect;
$pipelined->send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
    . "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
    . "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthree");
is_deeply [map { echoed($pipelined->read_response) } 1 .. 3], [qw(one two three)], 'requests that came at once are told apart';

my $polite = begin('/echo', 'Content-Length: 5', 'Expect: 100-continue');
is $polite->_read_until("\r\n\r\n", time + 20), 'HTTP/1.1 100 Continue', 'a client that asks first is told to go on';
is echoed($polite->send('hello')->read_response), 'hello', 'and then read';

# ---- bodies that do not -----------------------------------------------------------------------

my $refused = '413 request_too_large';
is echoed($nginx->post('/echo', $long . 'x')), $refused, 'one byte over the limit is too large';
is echoed(begin('/echo', 'Transfer-Encoding: chunked')->send(chunked(1000, $long . 'x'))->read_response), $refused, 'in chunks too';
is echoed(begin('/echo', 'Content-Length: 99999999999')->read_response), $refused, 'it is refused before it comes';
is echoed(begin('/small', 'Transfer-Encoding: chunked')->send("b\r\nhello world")->read_response), $refused, 'chunks as soon as they are too much';
is echoed(begin('/echo', 'Content-Length: 60001', 'Expect: 100-continue')->read_response), $refused, 'nobody is told to send what is not read';
like echoed(begin('/echo', 'Transfer-Encoding: chunked')->send("zz\r\n")->read_response), qr/^400 request_malformed/, 'broken chunks are a bad request';
like echoed(begin('/echo', 'Transfer-Encoding: chunked')->send("5\r\nhello\r\nzz\r\n")->read_response), qr/^400 request_malformed/, 'also after good ones';

is echoed(begin('/curt', 'Content-Length: 11')->read_response), $refused, 'also where nginx closes at once';
is echoed(begin("/curt", "Transfer-Encoding: chunked")->send("b\r\nhello world")->read_response), $refused, 'and in chunks';
like echoed(begin('/curt', 'Transfer-Encoding: chunked')->send("zz\r\n")->read_response), qr/^400/, 'and in broken ones';
my $eager = begin('/linger', 'Content-Length: 1000');
is echoed($eager->read_response), $refused, 'a client that has not sent anything is refused';
ok syswrite($eager->socket, 'x' x 500), '... and what it goes on to send';
sleep 0.2;
ok syswrite($eager->socket, 'x'), '... is thrown away, not answered by a reset that could overtake the answer';
$eager->close;

sub smuggled { return scalar grep { /smuggled/ } split /\n/, slurp($nginx->dir . '/lines.log') }
my $next = "GET /echo?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
for my $case (
    ['by its length', begin('/small', 'Content-Length: ' . (11 + length $next))->send("hello world$next")],
    ['in chunks', begin('/small', 'Transfer-Encoding: chunked')->send(sprintf "b\r\nhello world\r\n%x\r\n%s\r\n0\r\n\r\n", length $next, $next)],
    ['before it was asked for', begin('/small', 'Content-Length: ' . (11 + length $next), 'Expect: 100-continue')->send("hello world$next")],
    ['in broken chunks', begin('/small', 'Transfer-Encoding: chunked')->send("zz\r\n\r\n$next")],
) {
    my ($how, $connection) = @$case;
    like echoed($connection->read_response), qr/^4/, "a body is refused $how";
    is $connection->read_response->{status}, 0, '... and its connection closed, whatever follows';
}
is smuggled(), 0, 'nothing of a refused body was taken for a request';

# ---- clients that are slow, or leave ----------------------------------------------------------

my $late = begin('/echo', 'Content-Length: 5')->send('he');
ok $late->wait_closed, 'a client that stops sending is given up';
$_->send('he')->close for begin('/echo', 'Content-Length: 5'), begin('/echo', 'Transfer-Encoding: chunked');
ok wait_until { $nginx->get('/status')->{body} =~ /^frames 0$/m }, 'of clients that leave nothing stays';
ok wait_until { slurp($nginx->dir . '/lines.log') =~ m{^POST /echo HTTP/1.1 408$}m }, 'the slow one is logged as 408';

# ---- HTTP/2 -----------------------------------------------------------------------------------

SKIP: {
    skip 'no node', 6 if !grep { -x "$_/node" } split /:/, $ENV{PATH};
    my $script = spew($nginx->dir . '/h2.js', <<'JS');
const http2 = require('http2');
const session = http2.connect('http://127.0.0.1:' + process.argv[2]);
const ask = (path, pieces, headers) => new Promise((resolve) => {
  const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
  let status = 0, body = '';
  stream.setEncoding('latin1');
  stream.on('response', (h) => { status = h[':status']; });
  stream.on('data', (d) => { body += d; });
  stream.on('error', () => {});
  stream.on('close', () => resolve(status + ' ' + body));
  const next = () => { if (pieces.length) { stream.write(pieces.shift()); setTimeout(next, 20); } else { stream.end(); } };
  next();
});
(async () => {
  const long = 'h'.repeat(60000);
  const out = [];
  out.push(await ask('/echo', ['hello'], {}));
  out.push(await ask('/echo', ['one.', 'two.', 'three'], { 'content-length': 13 }));
  out.push((await ask('/echo', [long], {})).includes('echo ' + long));
  out.push(await ask('/echo', [long, 'x'], {}));
  out.push(await ask('/small', ['hello', ' world'], {}));
  out.push(await ask('/echo', [], {}));
  console.log(JSON.stringify(out));
  session.close();
})();
JS
    my $out = decode_json(scalar qx(timeout 60 node $script @{[ $nginx->port(1) ]}));
    is $out->[0], "200 body 5\necho hello\n", 'over HTTP/2 a body is read';
    is $out->[1], "200 body 13\necho one.two.three\n", 'in frames of any size';
    ok $out->[2], 'up to the limit';
    is $out->[3], $refused, 'and refused beyond it';
    is $out->[4], $refused, 'also where that is less than one frame';
    is $out->[5], "200 body 0\necho \n", 'none is an empty one';
}

is_deeply [glob $nginx->dir . '/tmp/body/*'], [], 'no body was ever written to a file';
ok $nginx->error_log !~ /temporary file/, 'and nginx never thought of it';
$nginx->stop;
done_testing;
