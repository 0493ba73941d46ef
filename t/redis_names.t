# Where the name of a Redis leads: an address or a name of /etc/hosts at once, any other by nginx's
# resolver each time a connection is made, and nobody waits for it.
use lib 't/lib';
use OAuth::Test;
use OAuth::Nameserver;
use OAuth::StoreProbe;
use IO::Select;
use IO::Socket::IP;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $redis = OAuth::Redis->new->start;
my $port = $redis->port;

# The resolver stands behind the store: the order of the directives does not count.
sub probe {
    my ($store, $dns, %args) = @_;
    my $resolver = $dns ? "resolver 127.0.0.1:$dns ipv6=off;" : '';
    return OAuth::StoreProbe->new(store => $store, workers => 1, %args, http => OAuth::StoreProbe::config($store) . $resolver)->start;
}

sub is_up { my ($store) = @_; return wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' } }

sub says {
    my ($store, $line, $name) = @_;
    ok wait_until { $store->nginx->error_log =~ /\[error\].*oauth: redis $line/ }, $name or diag $store->nginx->error_log;
    return;
}

subtest 'a name that the nameserver knows' => sub {
    my $dns = OAuth::Nameserver->new('redis.test' => ['127.0.0.1']);
    my $store = probe("redis://Redis.test:$port", $dns->port);
    ok is_up($store), 'leads to the server';
    is $store->claim('a', 0, 60), 'done', 'which serves';
    my $asked = $dns->asked('redis.test');
    ok $asked, 'the nameserver was asked';
    $redis->command(CLIENT => KILL => TYPE => 'normal', SKIPME => 'yes');
    ok is_up($store), 'connections are made anew';
    is $dns->asked('redis.test'), $asked, 'and it was not asked again within the time that its answer is good for';
    unlike $store->nginx->error_log, qr/resolve/, 'nothing is complained of';
    $store->stop;
};

subtest 'a name that nobody knows' => sub {
    my $dns = OAuth::Nameserver->new('other.test' => ['127.0.0.1']);
    my $store = probe("redis://redis.test:$port", $dns->port);
    says($store, qr/redis\.test:$port: its name is not resolved: Host not found/, 'does not keep nginx from starting, and the log says so');
    is $store->known, 'down', 'the server is known to be down';
    is $store->claim('b', 0, 60), 'store_down', 'and nothing is claimed';
    $dns->know('redis.test' => ['127.0.0.1']);
    ok is_up($store), 'it is used once the name is known, without a reload';
    is $store->claim('b', 0, 60), 'done', 'and the claim is free';
    $store->stop;
    my ($ok, $output) = OAuth::StoreProbe->new(store => 'redis://no-such-host.invalid')->nginx->check;
    ok $ok, 'nginx -t asks nobody' or diag $output;
};

subtest 'a name with several addresses' => sub {
    my $dns = OAuth::Nameserver->new('redis.test' => ['127.0.0.3', '127.0.0.1', '127.0.0.2']);
    my $store = probe("redis://redis.test:$port connections=1", $dns->port);
    ok is_up($store), 'leads to the one that answers';
    $redis->stop;
    for my $address ('127.0.0.1', '127.0.0.2', '127.0.0.3') {
        says($store, qr/redis\.test:$port: cannot connect to $address: Connection refused/, "$address has its turn when none answers");
    }
    $redis->start;
    ok is_up($store), 'and the one that answers again is found';
    $store->stop;
};

subtest 'a name that moves' => sub {
    my $dns = OAuth::Nameserver->new({ ttl => 1 }, 'redis.test' => ['127.0.0.2']);
    my $store = probe("redis://redis.test:$port", $dns->port);
    says($store, qr/redis\.test:$port: cannot connect to 127\.0\.0\.2: Connection refused/, 'leads to where it is said to be');
    $dns->know('redis.test' => ['127.0.0.1']);
    ok is_up($store), 'and to where it is later, without a reload';
    $store->stop;
};

subtest 'a nameserver that is silent' => sub {
    my $socket = IO::Socket::IP->new(Proto => 'udp', LocalHost => '127.0.0.1', LocalPort => 0) or die $@;
    my $store = probe("redis://redis.test:$port timeout=3s connections=1", $socket->sockport);
    my $client = $store->nginx->connect;
    $client->send(OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('claim', { name => 'c', issued => 0, expires => 60 }), host => 'x'));
    is $store->nginx->get('/')->{status}, 404, 'keeps no worker from its work';
    ok !IO::Select->new($client->socket)->can_read(0), 'while somebody waits';
    is $client->read_response->{body}, 'store_down', 'who is told that nothing was done';
    $client->close;
    says($store, qr/redis\.test:$port: no answer from the nameserver within 3000 ms/, 'and the log says why');
    ok $store->nginx->reload, 'nginx reloads meanwhile';
    $store->stop;
};

subtest 'a name of this machine' => sub {
    my $dns = OAuth::Nameserver->new('localhost' => ['127.0.0.9']);
    for my $host ('localhost', 'LOCALHOST', '127.0.0.1') {
        my $store = probe("redis://$host:$port", $dns->port);
        ok is_up($store), "$host needs no nameserver";
        $store->stop;
    }
    is $dns->questions, '', 'and none is asked';
    my $store = probe("redis://localhost:$port");
    ok is_up($store), 'nor is a resolver needed in the configuration';
    $store->stop;
    $store = probe("redis://no-such-host.invalid:$port timeout=500ms");
    says($store, qr/no-such-host\.invalid:$port: (?:its name is not resolved: |no answer from the nameserver within 500 ms)/,
        'without one those of resolv.conf are asked');
    $store->stop;
};

$redis->stop;
done_testing;
