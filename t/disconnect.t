# Clients that leave at any moment: while their body is read, a provider is asked, a store is waited
# for, a timer runs. Whatever they leave behind is taken apart, at once, and nothing afterwards finds
# a trace of it. (t/sanitized.t runs this under AddressSanitizer.)  OAUTH_FLOWS=n, OAUTH_SEED=n
use lib 't/lib';
use OAuth::Test;
use OAuth::Upstream;
use IO::Select;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time sleep);

my $flows = $ENV{OAUTH_FLOWS} || 1500;
my $seed = $ENV{OAUTH_SEED} || time ^ $$;
srand $seed;

my $up = OAuth::Upstream->new(
    '/fast' => [OAuth::Upstream::reply(200, 'fast')],
    '/slow' => [{ wait => 0.02 }, OAuth::Upstream::reply(200, 's' x 20000)],
    '/drip' => [OAuth::Upstream::head(200, 'Content-Length' => 20), { each => 0.01 }, 'd' x 20],
    '/cut'  => [OAuth::Upstream::head(200, 'Content-Length' => 20), 'cut'],
    '/big'  => [OAuth::Upstream::head(200), 'b' x 1_100_000],
    '/hang' => [{ hang => 1 }],
);
my $url = $up->url;
my $redis = OAuth::Redis->new->start;

my $story = "claim:c\$arg_n pause:\$arg_p get:$url/\$arg_u put:k\$arg_n nested:1 post:$url/\$arg_v take:k\$arg_n";
my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => <<"CONF")->start;
    oauth_flow_probe_store redis://127.0.0.1:@{[ $redis->port ]};
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT1%% http2;
        oauth_flow_probe_broker /b limit=10000;
        client_max_body_size 0;
        lingering_timeout 1s;
        location = /story  { oauth_flow_probe_content body=10000 $story; }
        location = /guard  { oauth_flow_probe $story; default_type text/plain; alias %%DIR%%/page; }
        location = /page   { ssi on; ssi_types text/plain; default_type text/plain; alias %%DIR%%/page; }
        location = /both   { oauth_flow_probe $story; oauth_flow_probe_content echo:x; auth_request /inner; }
        location = /inner  { oauth_flow_probe_content $story; }

        location = /body   { oauth_flow_probe_content body=10000 echo:x; }
        location = /fetch  { oauth_flow_probe_content get:$url/hang; }
        location = /drip   { oauth_flow_probe_content get:$url/drip get:$url/hang; }
        location = /store  { oauth_flow_probe_content put:\$arg_n claim:\$arg_n; }
        location = /pause  { oauth_flow_probe_content pause:100000; }
        location = /access { oauth_flow_probe get:$url/hang; alias %%DIR%%/page; }
        location = /status { oauth_flow_probe_status; }
    }
CONF
spew($nginx->dir . '/page', 'one <!--# include virtual="/inner?n=i&p=1&u=slow&v=fast" --> two');

sub status { return { $nginx->get('/status')->{body} =~ /^(\w+) (\d+)$/mg } }
sub nothing_left { return wait_until { status()->{frames} == 0 } }

# ---- one moment at a time -----------------------------------------------------------------------

sub leave_while {
    my ($what, $request, $is_there) = @_;
    for my $how (qw(politely rudely)) {
        my $before = status();
        my $connection = $nginx->connect;
        $connection->send($request);
        ok wait_until { $is_there->($before) }, "a client waits while $what";
        setsockopt $connection->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $how eq 'rudely';
        $connection->close;
        ok nothing_left(), "... and leaves $how: its flow is gone at once";                 # req 158
        is status()->{ended}, $before->{ended}, '... without having run on';               # req 158
        $up->forget;
    }
    return;
}

sub get { return "GET $_[0] HTTP/1.1\r\nHost: x\r\n\r\n" }
my $is_running = sub { status()->{frames} > 0 };

leave_while('a provider is asked', get('/fetch'), sub { $up->requests('/hang') });
leave_while('a provider is asked in the access phase', get('/access'), sub { $up->requests('/hang') });
leave_while('the second of two replies is awaited', get('/drip'), sub { $up->requests('/hang') });
leave_while('a timer runs', get('/pause'), $is_running);
ok wait_until { defined $up->sent('/hang') || !$up->requests('/hang') }, 'the provider sees its connection closed';

$redis->pause;
leave_while('a store is awaited', get('/store?n=late'), $is_running);
$redis->resume;
ok wait_until { $nginx->get('/store?n=again')->{body} =~ /put done/ }, 'late answers of the store meet nobody, and it works on';
ok nothing_left(), 'and nothing is left';

my $half = $nginx->connect;
$half->send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
sleep 0.1;
$half->close;
is_deeply [@{ status() }{qw(frames)}], [0], 'a body that ends too soon starts nothing';

# ---- all moments at once --------------------------------------------------------------------------

sub some { return $_[int rand @_] }

# A request, and whether its body is only a part of what it says.
sub random_request {
    my $query = sprintf 'n=%d&p=%d&u=%s&v=%s', rand 50, rand 20, some(qw(fast slow drip cut big)), some(qw(fast slow cut));
    my $path = some(qw(/story /story /guard /guard /page /both));
    return get("$path?$query"), 0 if $path ne '/story' || rand() < 0.5;
    my $size = int rand 10000;
    my $is_partial = rand() < 0.3;
    my $body = 'b' x ($is_partial ? rand $size : $size);
    return "POST $path?$query HTTP/1.1\r\nHost: x\r\nContent-Length: $size\r\n\r\n$body", $is_partial;
}

# Keeps `width` clients busy; each leaves after its time, if it was not answered before.
sub storm {
    my ($count, $width, $meanwhile) = @_;
    my (%clients, %seen);
    my $number = 0;
    while ($number < $count || %clients) {
        while ($number < $count && keys %clients < $width) {
            my $connection = eval { $nginx->connect } or last;
            my ($request, $is_partial) = random_request();
            $connection->send($request);
            $number++;
            my $leaves = time + ($is_partial || rand() < 0.6 ? rand 0.15 : 30);
            $clients{ fileno $connection->socket } = { connection => $connection, leaves => $leaves };
            $meanwhile->($number) if $meanwhile;
        }
        for my $socket (IO::Select->new(map { $_->{connection}->socket } values %clients)->can_read(0.01)) {
            my $client = delete $clients{ fileno $socket };
            my $response = eval { $client->{connection}->read_response } || { status => 0 };
            $seen{ $response->{status} }++;
            $client->{connection}->close;
        }
        for my $fd (keys %clients) {
            next if time < $clients{$fd}{leaves};
            my $client = delete $clients{$fd};
            setsockopt $client->{connection}->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if rand() < 0.5;
            $client->{connection}->close;
            $seen{left}++;
        }
    }
    return \%seen;
}

my %at = (
    int($flows * 0.3) => sub { $redis->pause },
    int($flows * 0.4) => sub { $redis->resume },
    int($flows * 0.5) => sub { $redis->kill },
    int($flows * 0.6) => sub { $redis->start },
);
my $before = status();
my $seen = storm($flows, 50, sub { my $act = delete $at{ $_[0] }; $act->() if $act });
my $after = status();
diag "seed $seed: ", join ', ', map { "$_ $seen->{$_}" } sort keys %$seen;
cmp_ok $seen->{left}, '>', $flows / 10, 'of many clients at once a good part leaves';
cmp_ok $seen->{200}, '>', $flows / 10, 'and a good part is answered';
cmp_ok $after->{started} - $before->{started}, '>', $flows / 2, 'most had begun a flow';
cmp_ok $after->{started} - $before->{started}, '>', $after->{ended} - $before->{ended}, 'and some of these never ended';
ok nothing_left(), 'yet nothing is left of any, though Redis was silent and died in between';    # req 158

SKIP: {
    skip 'no node', 2 if !grep { -x "$_/node" } split /:/, $ENV{PATH};
    my $script = spew($nginx->dir . '/leave.js', <<'JS');
const http2 = require('http2');
let [port, count, random] = process.argv.slice(2).map(Number);
const rand = (n) => { random = (random * 1103515245 + 12345) % 2147483648; return random % n; };
const some = (list) => list[rand(list.length)];
const path = () => some(['/story', '/guard', '/page', '/both']) + `?n=${rand(50)}&p=${rand(20)}&u=${some(['fast', 'slow', 'drip', 'cut', 'big'])}&v=fast`;
const session = () => { const s = http2.connect('http://127.0.0.1:' + port); s.on('error', () => {}); return s; };
let current = session(), open = 0, begun = 0, left = 0, answered = 0;
const step = () => {
  while (open < 30 && begun < count) {
    if (++begun % 100 === 0) { const old = current; current = session(); setTimeout(() => old.destroy(), rand(50)); }
    const stream = current.request({ ':path': path() });
    let timer = rand(10) < 6 && setTimeout(() => { left++; stream.close(http2.constants.NGHTTP2_CANCEL); }, rand(150));
    open++;
    stream.on('data', () => {});
    stream.on('error', () => {});
    stream.on('response', () => { answered++; });
    stream.on('close', () => { clearTimeout(timer); open--; setImmediate(step); });
  }
  if (begun >= count && open === 0) { console.log(`${left} ${answered}`); process.exit(0); }
};
step();
JS
    my $count = int $flows / 4;
    my ($left, $answered) = map { /(\d+)/g } scalar qx(timeout 300 node $script @{[ $nginx->port(1) ]} $count @{[ $seed % 100000 ]});
    cmp_ok $left, '>', $count / 10, "over HTTP/2 clients reset their streams ($left of $count, $answered answered)";
    ok nothing_left(), 'and nothing is left of these either';    # req 158
}

$nginx->get('/fetch', port => 0, timeout => 0.1);
ok nothing_left(), 'a client that loses patience is one that leaves';
my $n = 1000;
my $whole = qr/^body 0\nclaim done\npause slept\nget 200 .*\npost 200 .*\ntake value k\d+\n\z/s;
ok wait_until { $nginx->get('/story?p=1&u=fast&v=slow&n=' . $n++)->{body} =~ $whole },
    'after all of this a flow runs from its first step to its last';
ok $nginx->error_log !~ /ended by an exception/, 'and no flow ever met an exception';

$nginx->stop;
$redis->stop;
done_testing;
