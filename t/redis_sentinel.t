# The store behind Redis Sentinel: the primary changes, dies, or is not the one that a sentinel says.
use lib 't/lib';
use OAuth::Test;
use OAuth::FakeRedis;
use OAuth::StoreProbe;
use OAuth::Port;
use OAuth::Redis::Sentinel;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

sub value { return OAuth::StoreProbe::value(@_) }

sub probe {
    my ($sentinels, $parameters, %args) = @_;
    return OAuth::StoreProbe->new(
        store => "redis+sentinel://$sentinels/main " . ($parameters || ''), workers => 1, %args)->start;
}

sub is_up   { my ($store) = @_; return wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' } }
sub is_down { my ($store) = @_; return wait_until { $store->known eq 'down' } }
sub lines   { my ($store, $pattern) = @_; return scalar grep { /$pattern/ } split /\n/, $store->nginx->error_log }

sub bulk  { return map { '$' . length($_) . "\r\n$_\r\n" } @_ }
sub named { my ($port, $host) = @_; return join '', "*2\r\n", bulk($host || '127.0.0.1', $port) }

# A sentinel that always says the same, or what a sub says; "HOST:PORT" of it, and what keeps it alive.
sub fake {
    my ($answer) = @_;
    my $fake = OAuth::FakeRedis->new(answer => ref $answer ? $answer : sub { $answer });
    return ('127.0.0.1:' . $fake->port, $fake);
}

# Whoever is connected to a server, but for the sentinels, replicas and the test itself.
sub guests {
    my ($redis) = @_;
    return grep { !/ name=sentinel| cmd=client| flags=[SM]/ } split /\n/, $redis->command(CLIENT => 'LIST');
}

# req 159
subtest 'a primary that dies, and one that is replaced' => sub {
    my $group = OAuth::Redis::Sentinel->new->start;
    my @stores = map { probe($group->authority, 'timeout=4s', workers => 2) } 1 .. 2;
    my ($store) = @stores;
    ok is_up($_), 'it is found, by both nginx' for @stores;
    my $first = $group->primary;
    is $store->put(codes => 'kept', 'v', 60), 'done', 'a value is stored';
    is $first->command(EXISTS => 'oauth:code:kept'), 1, 'there';
    is $store->claim('kept', 0, 60), 'done', 'a claim is made';
    is lines($store, qr/the primary is now/), 0, 'and nothing has changed';

    $first->kill;
    my ($name, @done) = (0);
    my $claim = sub {
        my $told = $stores[++$name % 2]->claim($name, 0, 60);
        push @done, $name if $told eq 'done';
        return $told;
    };
    like $claim->(), qr/^store_(?:down|lost)$/, 'nothing is claimed when it has died';
    ok +(wait_until { $claim->() eq 'done' } 30), 'until there is another, without a reload';
    my $second = $group->successor($first);
    my $now = '\[notice\].*oauth: redis 127\.0\.0\.1:\d+: the primary is now 127\.0\.0\.1:';
    for my $each (@stores) {
        ok wait_until { lines($each, qr/$now${\ $second->port}\b/) == 2 }, 'each worker says once where it is';
    }
    $claim->() for 1 .. 20;
    is_deeply [map { $stores[0]->claim($_, 0, 60) } 'kept', @done], [map { 'store_taken' } 'kept', @done],
        'what was acknowledged is still there';
    is $stores[1]->take(codes => 'kept'), value('v'), 'for the other nginx, too';
    my $told = OAuth::StoreProbe::parallel_over(\@stores, 100, claim => { name => 'one', issued => 0, expires => 60 });
    is scalar(grep { $_ eq 'done' } @$told), 1, 'and one of 100 wins, over all workers';

    # One sentinel of three is silent, and the second primary lives on.
    ($group->sentinels)[0]->pause;
    ok scalar guests($second), 'all are connected to the second';
    my $third = $group->failover;
    ok wait_until { lines($store, qr/$now@{[$third->port]}\b/) == 2 && lines($stores[1], qr/$now@{[$third->port]}\b/) == 2 },
        'where a sentinel is silent, the others are asked';
    is_deeply [map { $stores[$_]->put(codes => "late$_", 'v', 60) } 0, 1], ['done', 'done'], 'the store works';
    is_deeply [map { $third->command(EXISTS => "oauth:code:late$_") } 0, 1], [1, 1], 'at the new primary';
    is $second->command('ROLE')->[0], 'master', 'the old one still thinks that it is it';
    is_deeply [map { $second->command(EXISTS => "oauth:code:late$_") } 0, 1], [0, 0], 'but nothing is written to it';
    ok wait_until { !guests($second) }, 'and nobody stays';
    is lines($_, qr/the primary is now/), 4, 'there is no line more' for @stores;
    ok $store->nginx->reload, 'after a reload';
    is_deeply [map { $store->put(codes => "r$_", 'v', 60) } 1 .. 10], [('done') x 10], 'it is found again before anything is answered';
    $_->stop for @stores;
    $group->stop;
};

# req 159
subtest 'a sentinel that is of no use' => sub {
    my $redis = OAuth::Redis->new->start;
    my $plain = OAuth::Redis->new->start;
    my ($honest, $keep) = fake(named($redis->port));
    my %useless = (
        'one that is silent'          => ['', qr/no answer within 500 ms/],
        'one that hangs up'           => [undef, qr/the server closed the connection/],
        'one that talks nonsense'     => ["HTTP/1.1 400\r\n\r\n", qr/protocol error: byte 72/],
        'one without the name'        => ["*-1\r\n", qr/no master of that name: "main"/],
        'one with no right to tell'   => ["-NOPERM s3cret\r\n", qr/SENTINEL is refused: NOPERM/],
        'one that says OK'            => ["+OK\r\n", qr/SENTINEL has an unexpected answer/],
        'one that says a name only'   => [join('', "*1\r\n", bulk('127.0.0.1')), qr/SENTINEL has an unexpected answer/],
        'one that says too much'      => [join('', "*3\r\n", bulk('127.0.0.1', 1, 2)), qr/SENTINEL has an unexpected answer/],
        'one that says numbers'       => ["*2\r\n:1\r\n:2\r\n", qr/SENTINEL has an unexpected answer/],
        'one that names port 0'       => [named(0), qr/SENTINEL has an unexpected answer/],
        'one that names port 65536'   => [named(65536), qr/SENTINEL has an unexpected answer/],
        'one that names port 6379x'   => [named('6379x'), qr/SENTINEL has an unexpected answer/],
        'one that names no port'      => [named(''), qr/SENTINEL has an unexpected answer/],
        'one that names nobody'       => [named(6379, '?'), qr/SENTINEL has an unexpected answer/],
        'one that names a path'       => [named(6379, '/x'), qr/SENTINEL has an unexpected answer/],
        'one that names what is long' => [named(6379, 'x' x 256), qr/SENTINEL has an unexpected answer/],
    );
    for my $what (sort keys %useless) {
        my ($answer, $line) = @{ $useless{$what} };
        my ($address, $fake) = fake($answer);
        my $store = probe("$address,$honest", 'timeout=500ms');
        ok is_up($store), "$what gives way to the next";
        ok wait_until { lines($store, qr/\[error\].*oauth: redis \Q$address\E: $line/) }, 'and the log says why';
        unlike $store->nginx->error_log, qr/s3cret/, 'in our words';
        $store->stop;
    }
    my $away = '127.0.0.1:' . OAuth::Port::take();
    my $store = probe("$away,127.0.0.1:" . $plain->port . ",$honest");
    ok is_up($store), 'so does one that is away, and a server that is no sentinel';
    is lines($store, qr/oauth: redis \Q$away\E: cannot connect: Connection refused/), 1, 'the log says which is away';
    is lines($store, qr/SENTINEL is refused: this is no sentinel/), 1, 'and which is none';
    $store->stop;

    my ($nobody, $fake) = fake("*-1\r\n");
    $store = probe("$away,$nobody");
    ok is_down($store), 'where all are of no use, the store is known to be down';
    is $store->put(codes => 'a', 'v', 60), 'store_down', 'and nothing is stored';
    $store->stop;
    $_->stop for $redis, $plain;
};

# req 159
subtest 'a replica that is called the primary' => sub {
    my $redis = OAuth::Redis->new->start;
    my $replica = OAuth::Redis->new(args => ['--replicaof', '127.0.0.1 ' . $redis->port])->start;
    my ($liar, $fake) = fake(named($replica->port));
    my $store = probe($liar);
    ok is_down($store), 'is not used';
    is $store->put(codes => 'a', 'v', 60), 'store_down', 'nothing is stored';
    is $store->get(codes => 'a'), 'store_down', 'or read';
    ok lines($store, qr/\[error\].*oauth: redis 127\.0\.0\.1:@{[$replica->port]}: /), 'the log says so';
    $replica->command(REPLICAOF => 'NO', 'ONE');
    ok is_up($store), 'it is used once it is a primary';
    $store->stop;

    $replica->command(REPLICAOF => '127.0.0.1', $redis->port);
    my ($honest, $keep) = fake(named($redis->port, 'localhost'));
    $store = probe("$liar,$honest");
    ok is_up($store), 'another sentinel knows better';
    is $store->put(codes => 'a', 'v', 60), 'done', 'what is stored';
    is $redis->command(EXISTS => 'oauth:code:a'), 1, 'is stored at the primary, which may have a name';

    # Not the primary that is watched, but nginx learns of it by what it writes.
    $redis->command(REPLICAOF => '127.0.0.1', $replica->port);
    is $store->put(codes => 'b', 'v', 60), 'store_down', 'where a primary becomes a replica, nothing is stored';
    $replica->command(REPLICAOF => 'NO', 'ONE');
    ok wait_until { $store->put(codes => 'b', 'v', 60) eq 'done' }, 'and the sentinels are asked anew';
    is $replica->command(EXISTS => 'oauth:code:b'), 1, 'where the new one is';
    $store->stop;
    $_->stop for $replica, $redis;
};

# req 159
subtest 'sentinels that disagree' => sub {
    my @redis = map { OAuth::Redis->new->start } 1 .. 2;
    my (@named, @fakes);
    for my $redis (@redis) {
        for (1 .. 2) { my ($address, $fake) = fake(named($redis->port)); push @named, $address; push @fakes, $fake }
    }
    my $store = probe("$named[0],$named[2],$named[3]");
    ok wait_until { $store->put(codes => 'a', 'v', 60) eq 'done' && $redis[1]->command(EXISTS => 'oauth:code:a') },
        'where two of three name another primary, the first is left, though it serves';
    $redis[0]->command('FLUSHALL');
    is_deeply [map { $store->get(codes => 'a') } 1 .. 50], [(value('v')) x 50], 'for good';
    $store->stop;

    $store = probe("$named[0],$named[1],$named[2]");
    ok is_up($store), 'where one of three does';
    my $asked = sub { $store->put(codes => $_[0], 'v', 60) eq 'done' && $redis[0]->command(EXISTS => "oauth:code:$_[0]") };
    is scalar(grep { !$asked->($_) } 1 .. 50), 0, 'it is not left';
    $redis[0]->command(CLIENT => KILL => TYPE => 'normal', SKIPME => 'yes');
    ok is_up($store), 'nor when its connections are cut';
    is scalar(grep { !$asked->($_) } 1 .. 50), 0, 'but used again';
    is lines($store, qr/the primary is now/), 0, 'and no line tells of the other';
    $store->stop;

    $store = probe("$named[0],$named[2]");
    ok is_up($store), 'where one says this and one that';
    is scalar(grep { !$asked->($_) } 1 .. 50), 0, 'the first stays';
    undef $fakes[0];
    ok wait_until { lines($store, qr/the primary is now/) }, 'until its sentinel is gone';
    is $store->put(codes => 'b', 'v', 60), 'done', 'and what is stored';
    is $redis[1]->command(EXISTS => 'oauth:code:b'), 1, 'is stored at the other';
    $store->stop;
    $_->stop for @redis;
};

# req 159
subtest 'a request that meets a primary that has just become a replica' => sub {
    my @redis = map { OAuth::Redis->new->start } 1 .. 2;
    my $files = OAuth::Nginx->new;
    my $answer = $files->dir . '/answer';
    my $say = sub { rename spew("$answer.new", named($_[0]->port)), $answer };
    $say->($redis[0]);
    my ($sentinel, $fake) = fake(sub { slurp($answer) });
    my $store = probe($sentinel, 'timeout=4s');
    ok is_up($store), 'the first is used';
    for my $round (1 .. 4) {
        @redis = reverse @redis;
        $redis[0]->command(REPLICAOF => 'NO', 'ONE');
        $redis[1]->command(REPLICAOF => '127.0.0.1', $redis[0]->port);
        $say->($redis[0]);
        is $store->put(codes => $round, 'v', 60), 'done', 'waits until the next is known';
        is $redis[0]->command(EXISTS => "oauth:code:$round"), 1, 'and is served there';
    }
    $store->stop;
    $_->stop for @redis;
};

subtest 'passwords and rights' => sub {
    my ($data, $watch) = ('p@ss/w:rd', 's3nt%nel');
    my $rights = 'on ~oauth:* -@all +set +get +getdel +del +evalsha +script|load +ping +select +zadd +zrem +zrange +zscore '
        . '+zcard +expire +time +role +wait';
    my $group = OAuth::Redis::Sentinel->new(replicas => 1, sentinels => 1, login => { password => $watch },
        args   => ['--user', split / /, "oauth >$data $rights"],
        config => "requirepass $watch\nuser watcher on >$watch -\@all +ping +sentinel|get-master-addr-by-name")->start;
    my $files = OAuth::Nginx->new;
    my %file = map { $_->[0] => spew($files->dir . "/$_->[0]", "$_->[1]\n", 0600) } ['data', $data], ['watch', $watch];
    my $url = 'redis+sentinel://oauth@' . $group->authority . "/main password_file=$file{data}";
    my $start = sub { OAuth::StoreProbe->new(store => "$url timeout=4s $_[0]", workers => 1, log_level => 'debug')->start };

    for my $with ("sentinel_user=watcher sentinel_password_file=$file{watch}", "sentinel_password_file=$file{watch}") {
        my $store = $start->($with);
        ok is_up($store), 'with both passwords it is found';
        is $store->claim('a', 0, 60), 'done', 'the rights suffice to claim';
        is $store->put(grants => 'g', 'one', 60), 'done', 'to put';
        is $store->swap(grants => 'g', 'one', 'two', 60), 'done', 'to swap';
        is $store->take(grants => 'g'), value('two'), 'and to take';
        unlike $store->nginx->error_log, qr/\[(?:warn|error)\]/, 'without a complaint';
        unlike $store->nginx->error_log, qr/\Q$data\E|\Q$watch\E/, 'and no log shows a password, not even debug';
        $store->stop;
        $group->primary->command('FLUSHALL');
    }
    my $store = $start->('');
    ok is_down($store), 'without that of the sentinels it is not';
    ok lines($store, qr/oauth: redis @{[$group->authority]}: .*NOAUTH/), 'and the log says why';
    $store->stop;
    $store = $start->("sentinel_user=watcher sentinel_password_file=$file{data}");
    ok is_down($store), 'nor with another';
    ok lines($store, qr/oauth: redis @{[$group->authority]}: AUTH is refused: WRONGPASS/), 'and the log says why';
    $store->stop;
    $group->stop;
};

subtest 'a worker that ends' => sub {
    my ($silent, $fake) = fake('');
    my $store = probe($silent, 'timeout=5s');
    is $store->known, 'up', 'while the first question is open, nobody knows';
    ok $store->nginx->reload, 'and nginx reloads';
    $store->stop;
};

done_testing;
