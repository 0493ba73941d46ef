# The endpoints: a login beside nginx's own redirect, /token beside what it cannot do without, also with
# the store in Redis, and the worker's memory over many logins.
package OAuth::Bench::Endpoints;

use strict;
use warnings;

use OAuth::Client;
use OAuth::Nginx;
use OAuth::Redis;
use OAuth::Test ();

my $HTTP = <<'CONF';
access_log off;
oauth_provider demo { type demo; user alice@example.com Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    keepalive_requests 10000000;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT%%;
    location = /redirect { return 302 https://id.example.com/authorize?response_type=code; }
    location = /answer   { return 200 "an answer"; }
    %%MORE%%
}
CONF

my $LEAST = 'return 200 + GETDEL + ES256 signature';

sub report {
    my ($bench) = @_;
    my $nginx = _nginx($bench);
    my $base = _base($nginx);
    my $login = '/oauth/login/demo?' . OAuth::Test::form(redirect_uri => "$base/app?page=1");
    my %at = _at($nginx);
    my ($redis, $behind_it) = _redis($bench);

    # A browser that is sent to sign in has just come: it opens a connection. Kept-alive ones show the
    # module alone.
    my @new = (headers => ['Connection: close']);
    my @sides = (
        { name => 'return 302, a connection each', %at, path => '/redirect', @new },
        { name => 'login, a connection each', %at, path => $login, @new, base => 'return 302, a connection each' },
        { name => 'return 302, kept alive', %at, path => '/redirect' },
        { name => 'login, kept alive', %at, path => $login, base => 'return 302, kept alive' },
        { name => 'return 200, kept alive', %at, path => '/answer' },
        _token($bench, $nginx, 'token'),
        _signature($bench),
        $redis ? (_least($bench, $behind_it, $redis), _token($bench, $behind_it, 'token, through Redis', base => $LEAST)) : (),
    );
    my $result = $bench->measure(@sides);
    print $bench->row('endpoints', 'requests/s', 'CPU us a request', 'of the row that it stands beside'),
        $bench->row('---', ('--:') x 3);
    for my $side (@sides) {
        my $of = $result->{ $side->{name} };
        print $bench->row($side->{name}, sprintf('%.0f', $of->{rate}), sprintf('%.2f', $of->{cost}),
            $side->{base} ? sprintf '%.2f', $of->{ratio} : '');
    }
    my $floor = $result->{'return 200, kept alive'}{cost} + $result->{'openssl speed, ES256 sign'}{cost};
    print $bench->row('return 200 + one ES256 signature', '', sprintf('%.2f', $floor), ''),
        $bench->row('token beside that', '', '', sprintf '%.2f', $floor / $result->{token}{cost}), "\n";
    print $bench->skipped('through Redis: no redis-server') if !$redis;

    _memory($bench, $nginx, { name => 'login', %at, path => $login });
    $_->stop for $nginx, $redis ? ($behind_it, $redis) : ();
    return;
}

# The endpoints in an nginx of their own; `more`: what else stands before and in its server.
sub _nginx {
    my ($bench, $store, $more, %args) = @_;
    my $http = ($store || '') . $HTTP =~ s/%%MORE%%/$more || ''/er;
    my $nginx = OAuth::Nginx->new(log_level => 'error', http => $http, %args)->start;
    $bench->pin_front($nginx->worker_pids);
    return $nginx;
}

sub _base { my ($nginx) = @_; return 'http://localhost:' . $nginx->port }
sub _at   { my ($nginx) = @_; return (port => $nginx->port, pids => sub { $nginx->worker_pids }) }

# A server, and an nginx that keeps its codes there; nothing where there is none.
sub _redis {
    my ($bench) = @_;
    return if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    $bench->pin_rest($redis->pid);
    my $store = 'oauth_store redis://127.0.0.1:' . $redis->port . ";\n";
    return ($redis, _nginx($bench, $store, 'location = /least { oauth_redeem_probe; }', probe => 1));
}

# One code taken and one signature (t/probe/redeem_probe.cpp), by the connections that /token uses.
sub _least {
    my ($bench, $nginx, $redis) = @_;
    my $count = _codes($bench);
    my $list = $bench->dir . '/names';
    my $made = 0;
    return { name => $LEAST, _at($nginx), path => '/least', lines => $list, count => $count, once => 1,
        request => "GET /least?%%LINE%% HTTP/1.1\r\nHost: localhost\r\n\r\n",
        before => sub {
            # As long as what /token takes.
            my @names = map { sprintf '%043d', $made++ } 1 .. $count;
            $redis->command(SET => "oauth:code:$_", 'v' x 600, EX => 300) for @names;
            OAuth::Test::spew($list, join '', map { "$_\n" } @names);
        },
    };
}

sub _codes { my ($bench) = @_; return $bench->enough / 4 }

# A code can be redeemed once, and not for long: each round has its own.
sub _token {
    my ($bench, $nginx, $name, @more) = @_;
    my $base = _base($nginx);
    my $client = OAuth::Client->new(base => $base);
    my $count = _codes($bench);
    my $list = $bench->dir . '/codes';
    my $body = OAuth::Test::encode_json({
        grant_type => 'authorization_code', code => '%%LINE%%', public_key => $client->public_key, scopes => ['ACCESS_DB'],
    });
    my $length = length($body) - length('%%LINE%%') + 64;
    return { name => $name, _at($nginx), @more, path => '/token', lines => $list, count => $count, once => 1,
        request => "POST /token HTTP/1.1\r\nHost: localhost:@{[ $nginx->port ]}\r\nOrigin: $base\r\n"
            . "Content-Type: application/json\r\nContent-Length: $length\r\n\r\n$body",
        before => sub {
            my @codes = map { $client->answer('alice@example.com')->{code} } 1 .. $count;
            OAuth::Test::spew($list, join '', map { "$_\n" } @codes);
        },
    };
}

sub _signature {
    my ($bench) = @_;
    my $command = join ' ', $bench->on_front, 'openssl speed -seconds 1 -mr ecdsap256 2>/dev/null';
    return { name => 'openssl speed, ES256 sign', run => sub {
        my ($rate) = `$command` =~ /^\+F4:\d+:256:([\d.]+):/m or die "openssl speed has changed its words\n";
        return ($rate, 1e6 / $rate);
    } };
}

sub _memory {
    my ($bench, $nginx, $login) = @_;
    my $logins = $bench->many * 1000;
    $bench->repeat($login, $logins / 10);
    my $before = _resident($nginx);
    $bench->repeat($login, $logins);
    print $bench->row("worker memory over $logins logins", 'kB'), $bench->row('---', '--:'),
        $bench->row('before', $before), $bench->row('after', _resident($nginx)), "\n";
    return;
}

sub _resident {
    my ($nginx) = @_;
    my ($worker) = $nginx->worker_pids;
    return (OAuth::Test::slurp("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/)[0];
}

1;
