# bench.pl SECONDS: what the module costs, as ratios in one run. Every pair is measured in turns,
# and the median of the rounds counts. Beside requests per second stands the worker's own CPU time
# a request, which the load generator cannot blur.
use lib 't/lib';
use OAuth::Test;

my $seconds = $ARGV[0] || 2;
my $rounds = 3;
my $codes = 3000;
my $logins = 100_000;

my $nginx = OAuth::Nginx->new(workers => 1, log_level => 'error', http => <<'CONF')->start;
access_log off;
oauth_provider demo { type demo; user alice@example.com Alice; }
upstream backend { server 127.0.0.1:%%PORT1%%; keepalive 64; }
server {
    listen 127.0.0.1:%%PORT%%;
    keepalive_requests 10000000;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT%%;
    proxy_http_version 1.1;
    proxy_set_header   Connection "";
    location = /redirect { return 302 https://id.example.com/authorize?response_type=code; }
    location = /answer   { return 200 "an answer"; }
    location /plain      { proxy_pass http://backend; }
    location /guarded    { oauth_protect bearer; proxy_pass http://backend; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log off;
    keepalive_requests 10000000;
    location / { return 200 "hello\n"; }
}
CONF

my $base = 'http://localhost:' . $nginx->port;
my $client = OAuth::Client->new(base => $base);
my $bearer = 'Authorization: Bearer ' . $client->sign_in('alice@example.com')->{accessToken};
my $login = '/oauth/login/demo?' . form(redirect_uri => "$base/app?page=1");

# A browser that is sent to sign in has just come: it opens a connection. Kept-alive ones show the
# module alone.
my @new = ('-H', 'Connection: close');
printf "%-42s %12s %14s\n", 'one worker, 32 clients', 'requests/s', 'CPU us/request';
compare('login / return 302', ['return 302, a connection each', '/redirect', @new],
    ['login, a connection each', $login, @new]);
compare('login / return 302', ['return 302, kept alive', '/redirect'], ['login, kept alive', $login]);
compare('protected / plain proxy', ['plain proxy', '/plain'],
    ['protected (ES256, verified each time)', '/guarded', '-H', $bearer]);
token();
memory();
$nginx->stop;
done_testing;

# Medians of the rounds, taken in turns; the ratio of the second to the first.
sub compare {
    my ($title, @sides) = @_;
    my @rates;
    my @costs;
    for (1 .. $rounds) {
        for my $i (0 .. 1) {
            my ($rate, $cost) = load(@{ $sides[$i] }[1 .. $#{ $sides[$i] }]);
            push @{ $rates[$i] }, $rate;
            push @{ $costs[$i] }, $cost;
        }
    }
    my @rate = map { median(@$_) } @rates;
    my @cost = map { median(@$_) } @costs;
    printf "%-42s %12.0f %14.1f\n", $sides[$_][0], $rate[$_], $cost[$_] for 0 .. 1;
    printf "%-42s %12.2f %14.2f\n\n", $title, $rate[1] / $rate[0], $cost[0] / $cost[1];
}

# A code can be redeemed once, so that a round is as long as the codes last: each is taken from the
# list by wrk's own script. What one could not do without: an answer, and the signature.
sub token {
    my $list = $nginx->dir . '/codes.lua';
    my $key = $client->public_key =~ s/\n/\\\\n/gr;
    my @rates;
    my @costs;
    my ($answer, $answer_cost);
    for (1 .. $rounds) {
        my @codes = map { $client->answer('alice@example.com')->{code} } 1 .. $codes;
        spew($list, 'local codes = {' . join(',', map { "\"$_\"" } @codes) . "}\n" . <<"LUA");
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Origin"] = "$base"
request = function()
  at = at + 1
  if at > #codes then wrk.thread:stop() end
  return wrk.format(nil, "/token", nil, '{"grant_type":"authorization_code","code":"' ..
    (codes[at] or codes[1]) .. '","public_key":"$key","scopes":["ACCESS_DB"]}')
end
LUA
        my ($rate, $cost) = load('/token', '-s', $list);
        push @rates, $rate;
        push @costs, $cost;
        ($answer, $answer_cost) = load('/answer');
    }
    my ($signatures) =
        `openssl speed -seconds 1 ecdsap256 2>/dev/null` =~ /ecdsa.*s\s+([\d.]+)\s+[\d.]+$/m
        or die "openssl speed has changed its words\n";
    my $floor = $answer_cost + 1e6 / $signatures;
    printf "%-42s %12s %14.1f\n", 'return 200 + one ES256 signature', '', $floor;
    printf "%-42s %12.0f %14.1f\n", 'token', median(@rates), median(@costs);
    printf "%-42s %12s %14.2f\n\n", 'token / what it cannot do without', '', $floor / median(@costs);
}

sub memory {
    load_requests($logins / 10, $login);
    my $before = resident();
    load_requests($logins, $login);
    my $after = resident();
    printf "%-42s %12d kB before, %d kB after\n", "worker memory over $logins logins", $before, $after;
}

sub load {
    my ($target, @options) = @_;
    return run_wrk("-d${seconds}s", @options, $target);
}

# wrk counts by time only.
sub load_requests {
    my ($count, $target) = @_;
    my $done = 0;
    while ($done < $count) {
        my ($rate) = load($target);
        die "no logins\n" if !$rate;
        $done += $rate * $seconds;
    }
}

# Requests per second, and microseconds of the worker's CPU time for each.
sub run_wrk {
    my $target = pop;
    my ($worker) = $nginx->worker_pids;
    my $before = cpu_time($worker);
    open my $output, '-|', 'wrk', '-t1', '-c32', @_, '-H', 'Host: localhost:' . $nginx->port,
        'http://127.0.0.1:' . $nginx->port . $target or die "wrk: $!\n";
    my $text = join '', <$output>;
    close $output;
    my ($count, $rate) = ($text =~ /(\d+) requests in/, $text =~ m{Requests/sec:\s+([\d.]+)});
    die "wrk: $text\n" if !$count;
    return ($rate, (cpu_time($worker) - $before) / 1000 / $count);
}

sub cpu_time {
    my ($nanoseconds) = split ' ', slurp("/proc/$_[0]/schedstat");
    return $nanoseconds;
}

sub resident {
    my ($worker) = $nginx->worker_pids;
    return (slurp("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/)[0];
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2];
}
