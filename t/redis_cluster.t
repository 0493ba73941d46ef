# The store in a Redis cluster: its slots, slots that move while they are used, nodes that die, and
# nodes that tell nonsense.
use lib 't/lib';
use OAuth::Test;
use OAuth::StoreProbe;
use OAuth::FakeRedis;
use OAuth::Story;
use OAuth::Redis::Cluster;
use OAuth::Port;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $cluster = OAuth::Redis::Cluster->new->start;

sub value { return OAuth::StoreProbe::value(@_) }

sub probe {
    my ($url, %args) = @_;
    return OAuth::StoreProbe->new(store => $url, workers => 1, %args)->start;
}

sub lines { my ($store, $pattern) = @_; return scalar grep { /$pattern/ } split /\n/, $store->nginx->error_log }

my $fresh = 0;

# A name whose claim and whose code belong to `node`.
sub name_at {
    my ($node) = @_;
    while (1) {
        my $name = '{n' . $fresh++ . '}';
        return $name if $cluster->primary_of("oauth:claim:$name") == $node;
    }
}

subtest 'a key has the slot that the server gives it' => sub {
    my $store = probe('shm:slots:1m');
    my @names = ('foo', '123456789', '', '{}', '{}a', 'a{}b', '{a}b', 'b{a}', 'x{a}{b}', '{{a}}', '{a', 'a}', '}{', 'a{b{c}d}e',
        "\0", "{\0}x", join('', map { chr } 0 .. 255), 'oauth:{revoked}:order', 'oauth:{revoked}:until', 'a' x 300,
        map { join '', map { ('a' .. 'd', '{', '}', chr 200)[rand 7] } 0 .. rand 12 } 1 .. 200);
    for my $name (@names) {
        my $slot = $cluster->slot($name);
        next if $store->ask('slot', name => $name) eq $slot;
        fail 'of ' . unpack 'H*', $name;
    }
    is $store->ask('slot', name => 'foo'), 12182, 'of all names that were tried';
    $store->stop;
};

subtest 'one node is enough to find the others' => sub {
    my ($replica) = grep { !$_->is_primary } $cluster->nodes;
    my $store = probe('redis+cluster://127.0.0.1:' . OAuth::Port::take() . ',127.0.0.1:' . $replica->port . ' timeout=5s');
    for my $node ($cluster->primaries) {
        my $name = name_at($node);
        is $store->claim($name, 0, 60), 'done', 'a claim is made';
        is $node->command(GET => "oauth:claim:$name"), 1, 'at the node of its slot';
        is $store->put(grants => $name, 'a', 60), 'done', 'a value is put';
        is $store->swap(grants => $name, 'a', 'b', 60), 'done', 'each node learns the scripts';
        $node->command(SCRIPT => 'FLUSH');
        is $store->swap(grants => $name, 'b', 'c', 60), 'done', 'again when it forgot them';
    }
    my @names = map { name_at($_) } $cluster->primaries;
    is $store->count(60, @names, @names), 'counts 1 1 1 2 2 2', 'what is counted together is spread over all';
    $_->command(SCRIPT => 'FLUSH') for ($cluster->primaries)[0, 2];
    is $store->count(60, @names), 'counts 3 3 3', 'and counted once where some forgot the script';
    $store->put(codes => $names[1], 'v', 60);
    is $store->take(codes => @names), value('v'), 'what is taken is sought in all nodes at once';
    unlike $store->nginx->error_log, qr/oauth: redis .*(?:refused:|unexpected)/, 'nobody refused anything';
    $store->stop;
};

# In a process of its own: puts, takes and claims as fast as it can until told to end; tells what did
# not go as it should, and how often all did.
sub use_it {
    my ($store, $tag) = @_;
    pipe my $told, my $tell or die "pipe: $!";
    my $stop = $store->nginx->dir . '/stop';
    my $pid = fork;
    if (!$pid) {
        my $connection = $store->nginx->connect;
        my $ask = sub { my ($verb, %ask) = @_; return $connection->request(GET => OAuth::StoreProbe::target($verb, \%ask))->{body} };
        my $round = 0;
        while (!-e $stop && getppid() != 1) {
            my $name = "{$tag}$$-" . $round++;
            my @got = ($ask->('put', share => 'codes', name => $name, value => 'v', expires => 60),
                (map { $ask->('take', share => 'codes', name => $name) } 1, 2),
                (map { $ask->('claim', name => $name, issued => 0, expires => 60) } 1, 2),
                $ask->('count', name => $name, expires => 60));
            my $got = join ' ', @got;
            syswrite $tell, "$name: $got\n" if $got ne 'done ' . value('v') . ' store_absent done store_taken counts 1';
        }
        syswrite $tell, "rounds $round\n";
        POSIX::_exit(0);
    }
    close $tell;
    return sub {
        spew($stop, '');
        my @told = <$told>;
        waitpid $pid, 0;
        return @told;
    };
}

sub calls { my ($node, $verb) = @_; return $node->command(INFO => 'commandstats') =~ /cmdstat_$verb:calls=(\d+)/ ? $1 : 0 }

# req 160
subtest 'a slot that moves while it is used' => sub {
    my $store = probe($cluster->url . ' timeout=5s', workers => 2);
    my ($from, $to) = ($cluster->primary_of('{moving}'), grep { $_ != $cluster->primary_of('{moving}') } $cluster->primaries);
    my $slot = $cluster->slot('{moving}');
    my @end = map { use_it($store, 'moving') } 1 .. 2;
    my $asked = calls($to, 'asking');
    for (1 .. 3) {
        $cluster->move($slot, $from, $to, sub { Time::HiRes::sleep(0.05) });
        ($from, $to) = ($to, $from);
    }
    my @told = map { $_->() } @end;
    my @rounds = map { /^rounds (\d+)/ ? $1 : () } @told;
    is_deeply [grep { !/^rounds/ } @told], [], 'nothing of it is lost, or given out twice';
    is scalar(grep { $_ > 20 } @rounds), 2, "while it is used (@rounds rounds)";
    cmp_ok calls($from, 'asking') + calls($to, 'asking'), '>', $asked, 'in the middle of a move too';
    $store->stop;
};

subtest 'a script meets a slot that is half moved' => sub {
    my $store = probe($cluster->url . ' timeout=5s');
    my $name = name_at(($cluster->primaries)[0]);
    my ($from, $to) = ($cluster->primaries)[0, 1];
    my $slot = $cluster->slot("oauth:grant:$name");
    is $store->count(60, $name), 'counts 1', 'the script is known to the one';
    $to->command(SCRIPT => 'FLUSH');
    my @seen;
    $cluster->move($slot, $from, $to, sub {
        push @seen, $store->put(grants => "$name-", 'a', 60), $store->swap(grants => "$name-", 'a', 'b', 60), $store->count(60, $name),
            $store->count(60, "$name-") if !@seen;
    });
    is_deeply \@seen, ['done', 'done', 'counts 2', 'counts 1'], 'it runs where the key is, once';
    is $store->get(grants => "$name-"), value('b'), 'and has run';
    $cluster->move($slot, $to, $from);
    $store->stop;
};

# req 159
subtest 'a slot that nobody serves' => sub {
    my $store = probe($cluster->url . ' timeout=500ms');
    my $owner = ($cluster->primaries)[0];
    my ($name, $other) = (name_at($owner), name_at($owner));
    my $slot = $cluster->slot("oauth:claim:$name");
    is $store->claim("$name-0", 0, 60), 'done', 'it is served';
    for my $node ($cluster->nodes) {
        eval { $node->command(CLUSTER => DELSLOTS => $slot) };
    }
    ok wait_until { !grep { $_->state ne 'fail' } $cluster->primaries }, 'then no more, and the cluster is down';
    is $store->claim($other, 0, 60), 'store_down', 'with all that it holds';
    like $store->nginx->error_log, qr/oauth: redis 127\.0\.0\.1:\d+: SET is refused: CLUSTERDOWN: /, 'the log says so';
    $_->command(CONFIG => SET => 'cluster-require-full-coverage', 'no') for $cluster->nodes;
    ok wait_until { $store->claim($other, 0, 60) eq 'done' }, 'unless it may serve a part';
    is $store->claim("$name-1", 0, 60), 'store_down', 'though not what belongs to the slot';
    is $store->take(codes => "$name-1", $other), 'store_down', 'nor anything together with it';
    like $store->nginx->error_log, qr/oauth: redis 127\.0\.0\.1:\d+: 1 of 16384 slots are served by no node, $slot is the first: /, 'the log says which';
    is $store->known, 'up', 'yet the store is up';
    $owner->command(CLUSTER => ADDSLOTS => $slot);
    ok wait_until { $store->claim("$name-2", 0, 60) eq 'done' }, 'it is used once somebody serves it, without a reload';
    $_->command(CONFIG => SET => 'cluster-require-full-coverage', 'yes') for $cluster->nodes;
    $cluster->settle;
    $store->stop;
};

# req 159
subtest 'a primary that dies' => sub {
    my $store = probe($cluster->url . ' timeout=5s', workers => 2);
    my $primary = ($cluster->primaries)[1];
    my $replica = $cluster->replica_of($primary);
    my ($name, $other) = (name_at($primary), name_at(($cluster->primaries)[0]));
    $store->put(grants => $name, 'v', 60);
    is $store->claim($name, 0, 60), 'done', 'a claim is made there';
    $primary->kill;
    my %told;
    my $round = 0;
    ok wait_until { my $told = $store->put(codes => "$name-" . $round++, 'v', 60); $told{$told}++; $told eq 'done' },
        'its replica takes its place, without a reload';
    is_deeply [grep { !/^(?:done|store_down|store_lost)$/ } keys %told], [], 'nothing but that was said meanwhile';
    ok $replica->is_primary, 'the replica';
    ok wait_until { !grep { $_ ne 'store_absent' } @{ $store->parallel(20, get => { share => 'codes', name => $name }) } },
        'for each worker';
    is $store->claim($name, 0, 60), 'store_taken', 'it has what was claimed';
    is $store->claim("$name-alone", 0, 60), 'store_lost', 'but nothing is spent where no replica hears of it';
    is $store->claim($other, 0, 60), 'done', 'others serve on';
    $primary->start;
    $cluster->settle;
    ok wait_until { $store->claim("$name-" . $round++, 0, 60) eq 'done' }, 'until it has one, again without a reload';
    is $store->swap(grants => $name, 'v', 'w', 60), 'done', 'what was kept is there, and the script is learnt';
    $replica->stop;
    ok wait_until { $store->put(codes => "$name-" . $round++, 'v', 60) eq 'done' }, 'and back again';
    $replica->start;
    $cluster->settle;
    $store->stop;
};

# All rights that docs/redis.md asks for.
subtest 'the least rights' => sub {
    my @rights = qw(+set +get +getdel +del +evalsha +script|load +ping +cluster|slots +asking +wait);
    my $may = sub { $_->command(ACL => SETUSER => 'least', 'reset', 'on', '>word', '~oauth:*', '-@all', @_) for $cluster->nodes };
    $may->(@rights);
    my $store = probe($cluster->url('least:word@') . ' timeout=5s');
    my ($from, $to) = ($cluster->primaries)[0, 1];
    my $name = name_at($from);
    my $slot = $cluster->slot("oauth:claim:$name");
    is $store->claim($name, 0, 60), 'done', 'suffice';
    my @seen;
    $cluster->move($slot, $from, $to, sub { push @seen, $store->claim("$name-", 0, 60) if !@seen });
    is $seen[0], 'done', 'also while a slot moves';
    $cluster->move($slot, $to, $from);
    is lines($store, qr/oauth: redis/), 0, 'not a word in the log';
    $may->(grep { !/wait/ } @rights);
    is $store->claim("$name-a", 0, 60), 'done', 'without WAIT it goes on';
    is lines($store, qr/\[warn\].*oauth: redis .*WAIT is refused: NOPERM: .*after a failover/), 1, 'with a warning';
    $store->stop;
    $may->(grep { !/slots/ } @rights);
    $store = probe($cluster->url('least:word@') . ' timeout=5s');
    ok wait_until { $store->known eq 'down' }, 'without CLUSTER SLOTS it is as good as down';
    like $store->nginx->error_log, qr/CLUSTER is refused: NOPERM: /, 'and the log says why';
    $store->stop;
    $_->command(ACL => DELUSER => 'least') for $cluster->nodes;
};

sub entered {
    my ($story, $tokens) = @_;
    return $story->nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"])->{status};
}

sub revoke {
    my ($story, $tokens) = @_;
    return $story->nginx->post('/oauth/revoke', form(token => $tokens->{refreshToken}),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded'])->{status};
}

subtest 'who signs in and is revoked' => sub {
    my $story = OAuth::Story->new(workers => 2, http => 'oauth_store ' . $cluster->url . " timeout=5s;\n",
        server => 'oauth_revocation_lag 2s;')->start;
    my ($one, $two, $left) = map { $story->redeem($story->code)->{json} } 1 .. 3;
    ok wait_until { entered($story, $one) == 200 }, 'the list of the revoked is read';
    is revoke($story, $one), 200, 'one is revoked';
    is entered($story, $one), 401, 'and refused';
    my $from = $cluster->primary_of('oauth:{revoked}:order');
    my ($to) = grep { $_ != $from } $cluster->primaries;
    $_->command(SCRIPT => 'FLUSH') for $cluster->primaries;
    my $slot = $cluster->slot('{revoked}');
    # One of its two keys here and one there: the script may run nowhere (TRYAGAIN).
    $to->command(CLUSTER => SETSLOT => $slot, IMPORTING => $from->id);
    $from->command(CLUSTER => SETSLOT => $slot, MIGRATING => $to->id);
    $from->command(MIGRATE => '127.0.0.1', $to->port, 'oauth:{revoked}:until', 0, 5000);
    is revoke($story, $two), 503, 'another is not, while the list is here and there';
    is entered($story, $two), 200, 'and lives on';
    like $story->nginx->error_log, qr/EVALSHA is refused: TRYAGAIN/, 'the log says why';
    $cluster->move($slot, $from, $to);
    is revoke($story, $two), 200, 'it is once the list has moved';
    is entered($story, $two), 401, 'and refused';
    $to->command(CONFIG => 'RESETSTAT');
    ok wait_until { calls($to, 'evalsha') > 4 }, 'the list is read where it is now, again and again';
    is entered($story, $left), 200, 'and others are let in all the time';
    $cluster->move($slot, $to, $from);
    $story->stop;
};

# A node that answers CLUSTER SLOTS and everything else as `slots` and `answer` say; that gets how many
# others came before.
sub fake_node {
    my (%args) = @_;
    my $count = 0;
    return OAuth::FakeRedis->new(port => $args{port},
        answer => sub { my (undef, $bytes) = @_; return $bytes =~ /SLOTS/ ? $args{slots} : $args{answer}->($count++) });
}

sub range {
    my ($first, $last, $host, $port) = @_;
    return "*3\r\n:$first\r\n:$last\r\n*2\r\n" . (defined $host ? '$' . length($host) . "\r\n$host\r\n" : "\$-1\r\n") . ":$port\r\n";
}

# req 159
subtest 'a map that is none' => sub {
    my $port = OAuth::Port::take();
    my %maps = (
        'no array'                => ["+OK\r\n", qr/no array/],
        'no primary'              => ["*1\r\n*2\r\n:0\r\n:1\r\n", qr/a range without a primary/],
        'a primary that is none'  => ["*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n", qr/a node without an address/],
        'a slot too many'         => ["*1\r\n" . range(0, 16384, '', $port), qr/a range that is none/],
        'a negative slot'         => ["*1\r\n" . range(-1, 16383, '', $port), qr/a range that is none/],
        'a range in reverse'      => ["*1\r\n" . range(2, 1, '', $port), qr/a range that is none/],
        'a slot of two'           => ["*2\r\n" . range(0, 9000, '', $port) . range(9000, 16383, '', $port), qr/a slot that is served twice/],
        'port 0'                  => ["*1\r\n" . range(0, 16383, '', 0), qr/a node's port that is none/],
        'port 65536'              => ["*1\r\n" . range(0, 16383, '', 65536), qr/a node's port that is none/],
        'a path'                  => ["*1\r\n" . range(0, 16383, '/run/redis.sock', $port), qr/a node's address that is none/],
        'a name unknown'          => ["*1\r\n" . range(0, 16383, '?', $port), qr/a node that announces no name/],
        'arrays without end'      => ["*1\r\n" x 9, qr/arrays nested deeper than 4/],
        'a billion ranges'        => ["*1000000000\r\n", qr/an array of 1000000000 elements/],
        'an error'                => ["-ERR This instance has cluster support disabled\r\n", qr/CLUSTER is refused: ERR: is it a node of a cluster\?/],
    );
    for my $what (sort keys %maps) {
        my ($slots, $line) = @{ $maps{$what} };
        my $fake = fake_node(port => $port, slots => $slots, answer => sub { "+OK\r\n" });
        my $store = probe("redis+cluster://127.0.0.1:$port timeout=200ms");
        is $store->claim('a', 0, 60), 'store_down', "$what: nothing is sent anywhere";
        ok wait_until { $store->nginx->error_log =~ /\[error\].*oauth: redis 127\.0\.0\.1:\d+: .*$line/ }, 'the log says why';
        ok wait_until { $store->known eq 'down' }, 'and soon the store counts as down';
        $store->stop;
    }
    for my $host (undef, '', '127.0.0.1', 'localhost') {
        my $fake = fake_node(port => $port, slots => "*1\r\n" . range(0, 16383, $host, $port), answer => sub { "+OK\r\n" });
        my $store = probe("redis+cluster://127.0.0.1:$port replicas=0");
        ok wait_until { $store->claim('a', 0, 60) eq 'done' }, (defined $host ? "host `$host`" : 'no host') . ' is one';
        $store->stop;
    }
};

# req 159
subtest 'a redirection that is none' => sub {
    my ($port, $elsewhere) = map { OAuth::Port::take() } 1 .. 2;
    my $slot = $cluster->slot('oauth:claim:a');
    my $slots = "*1\r\n" . range(0, 16383, '', $port);
    my %answers = (
        'to another slot'    => '-MOVED ' . (($slot + 1) % 16384) . " 127.0.0.1:$elsewhere",
        'to no slot'         => "-MOVED 16384 127.0.0.1:$elsewhere",
        'to a path'          => "-MOVED $slot /run/redis.sock:1",
        'to no port'         => "-MOVED $slot 127.0.0.1",
        'to port 0'          => "-MOVED $slot 127.0.0.1:0",
        'to nowhere'         => '-MOVED',
        'by ASK to no port'  => "-ASK $slot 127.0.0.1:x",
    );
    for my $what (sort keys %answers) {
        my $fake = fake_node(port => $port, slots => $slots, answer => sub { $_[0] == 0 ? "$answers{$what}\r\n" : "+OK\r\n" });
        my $store = probe("redis+cluster://127.0.0.1:$port replicas=0");
        is $store->claim('a', 0, 60), 'store_down', "$what: is not followed";
        is $store->claim('a', 0, 60), 'done', 'and changes nothing';
        $store->stop;
    }
    my $fake = fake_node(port => $port, slots => $slots, answer => sub { $_[0] < 6 ? "-MOVED $slot :$port\r\n" : "+OK\r\n" });
    my $store = probe("redis+cluster://127.0.0.1:$port replicas=0");
    is $store->claim('a', 0, 60), 'store_down', 'one in a circle is followed five times';
    is $store->claim('a', 0, 60), 'done', 'and no more';
    $store->stop;
};

$cluster->stop;
done_testing;
