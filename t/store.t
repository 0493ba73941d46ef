# One suite for every store: what a flow relies on, whatever keeps the entries.
use lib 't/lib';
use OAuth::Test;
use OAuth::StoreProbe;
use OAuth::Redis::Cluster;

sub value { return OAuth::StoreProbe::value(@_) }

sub count_of {
    my ($wanted, $told) = @_;
    return scalar grep { $_ eq $wanted } @$told;
}

sub values_come_back {
    my ($store) = @_;
    is $store->get(codes => 'none'), 'store_absent', 'what was never put is absent';
    is $store->put(codes => 'a', 'one', 60), 'done', 'a value is put';
    is $store->get(codes => 'a'), value('one'), 'and read';
    is $store->get(codes => 'a'), value('one'), 'reading does not consume it';
    is $store->get(grants => 'a'), 'store_absent', 'another share knows nothing of it';
    is $store->put(codes => 'a', 'two', 60), 'done', 'it is replaced';
    is $store->get(codes => 'a'), value('two'), 'by the newer value';
    is $store->drop(codes => 'a'), 'done', 'it is dropped';
    is $store->get(codes => 'a'), 'store_absent', 'and gone';
    is $store->drop(codes => 'a'), 'done', 'dropping what is absent is no failure';
    return;
}

# req 162
sub bytes_are_only_bytes {
    my ($store) = @_;
    my %values = (
        'a line break'           => "a\r\nDEL x\r\n",
        'printf formats'         => '%n%s%d%%',
        'NUL'                    => "a\0b\0",
        'every byte'             => join('', map { chr } 0 .. 255),
        'nothing'                => '',
        'the largest value'      => join('', map { chr($_ % 251) } 1 .. 8192),
    );
    for my $what (sort keys %values) {
        is $store->put(codes => "v $what", $values{$what}, 60), 'done', "$what is put as a value";
        is $store->get(codes => "v $what"), value($values{$what}), "$what comes back";
        my $name = substr "n$values{$what}", 0, 300;
        is $store->put(grants => $name, 'x', 60), 'done', "$what is put as a name";
        is $store->take(grants => $name), value('x'), "$what is found as a name";
    }
    is $store->put(codes => 'large', 'x' x 8193, 60), 'internal', 'a larger value is refused';
    is $store->get(codes => 'large'), 'store_absent', 'and leaves nothing';
    is $store->put(codes => 'long', 'x' x 1000, 60), 'done', 'a long value';
    is $store->put(codes => 'long', 'y', 60), 'done', 'gives way to a short one';
    is $store->get(codes => 'long'), value('y'), 'of which nothing is left';
    return;
}

sub what_is_taken_is_gone {
    my ($store) = @_;
    is $store->take(codes => 'none'), 'store_absent', 'nothing is there to take';
    $store->put(codes => 'a', 'one', 60);
    is $store->take(codes => 'a'), value('one'), 'a value is taken';
    is $store->take(codes => 'a'), 'store_absent', 'once';
    $store->put(codes => 'b', 'two', 60);
    is $store->take(codes => 'a', 'b'), value('two'), 'the second of two names may hold it';
    $store->put(codes => 'a', 'one', 60);
    $store->put(codes => 'b', 'two', 60);
    is $store->take(codes => 'a', 'b'), value('one'), 'of two values the first is taken';
    is $store->get(codes => 'b'), 'store_absent', 'and the other is gone too';
    return;
}

sub claims_are_made_once {
    my ($store) = @_;
    is $store->claim('c', 0, 60), 'done', 'a name is claimed';
    is $store->claim('c', 0, 60), 'store_taken', 'once';
    is $store->claim('d', 0, 60), 'done', 'another name is free';
    is $store->get(codes => 'c'), 'store_absent', 'a claim is not a value';
    $store->put(codes => 'e', 'x', 60);
    is $store->claim('e', 0, 60), 'done', 'and a value is not a claim';
    is $store->claim('f', 0, -1), 'store_too_old', 'what has expired cannot be claimed';
    is $store->claim('f', 0, 0), 'store_too_old', 'nor what expires now';
    return;
}

sub swap_compares {
    my ($store) = @_;
    is $store->swap(grants => 's', 'old', 'new', 60), 'store_absent', 'nothing is there to swap';
    is $store->get(grants => 's'), 'store_absent', 'and nothing comes of it';
    $store->put(grants => 's', "old\r\n\0", 60);
    is $store->swap(grants => 's', 'other', 'new', 60), 'store_taken', 'another value is left alone';
    is $store->get(grants => 's'), value("old\r\n\0"), 'as it was';
    is $store->swap(grants => 's', "old\r\n\0", 'new', 60), 'done', 'the expected value is swapped';
    is $store->get(grants => 's'), value('new'), 'for the new one';
    is $store->swap(grants => 's', "old\r\n\0", 'newer', 60), 'store_taken', 'once';
    is $store->swap(grants => 's', 'new', 'x' x 8193, 60), 'internal', 'a value that is too large is refused';
    is $store->swap(grants => 's', 'new', 'gone', -1), 'done', 'a swap that has expired';
    is $store->get(grants => 's'), 'store_absent', 'leaves nothing';
    return;
}

sub counters_count {
    my ($store) = @_;
    is $store->count(60, 'n'), 'counts 1', 'a counter begins at one';
    is $store->count(60, 'n', 'm'), 'counts 2 1', 'several count at once, each for itself';
    is $store->count(60, 'm', 'm'), 'counts 2 3', 'the same twice counts twice';
    is $store->get(codes => 'n'), 'store_absent', 'a counter is not a value of another share';
    is $store->count(2, 'brief'), 'counts 1', 'a short one';
    is $store->count(600, 'brief'), 'counts 2', 'is not prolonged by what is counted later';
    ok wait_until { $store->count(1, 'brief') eq 'counts 1' }, 'and begins anew once it has ended';
    is $store->count(0, 'past'), 'counts 1', 'what has ended already';
    is $store->count(60, 'past'), 'counts 1', 'counts nothing';
    for my $round (1 .. 3) {
        my $told = $store->parallel(100, count => { name => "p$round", expires => 60 });
        is_deeply [sort { $a <=> $b } map { /^counts (\d+)$/ ? $1 : () } @$told], [1 .. 100],
            'of 100 counts at once each gets a number of its own';
    }
    return;
}

sub entries_expire {
    my ($store) = @_;
    is $store->put(codes => 'x', 'v', -1), 'done', 'a value that has expired is put';
    is $store->get(codes => 'x'), 'store_absent', 'and is absent';
    $store->put(codes => 'y', 'v', 60);
    is $store->put(codes => 'y', 'v', 0), 'done', 'it takes an older value of the name with it';
    is $store->get(codes => 'y'), 'store_absent', 'which is absent';

    $store->put(codes => 'p', 'v', 2);
    $store->put(grants => 'q', 'v', 2);
    $store->put(grants => 'stays', 'v', 60);
    $store->claim('r', 0, 2);
    ok wait_until { $store->get(codes => 'p') eq 'store_absent' }, 'a value is absent once it has expired';
    ok wait_until { $store->take(grants => 'q') eq 'store_absent' }, 'and cannot be taken';
    ok wait_until { $store->claim('r', 0, 60) eq 'done' }, 'an expired claim is forgotten';
    is $store->get(grants => 'stays'), value('v'), 'others stay';
    return;
}

sub what_is_revoked_stays_so {
    my ($store, $fill) = @_;
    my ($alive, $revoked, $until) = ('done done', 'token_revoked token_revoked', time + 600);
    is $store->judge('a'), $alive, 'what nobody revoked is alive';
    is $store->revoke('a', $until), 'done', 'it is revoked';
    is $store->judge('a'), $revoked, 'and every worker knows it when that has ended';
    is $store->judge('b'), $alive, 'others are alive';
    is $store->revoke('a', $until), 'done', 'once more is as good';
    is_deeply [grep { $_ ne 'done' } @{ $store->parallel(100, revoke => { name => 'p', until => $until }) }], [], 'so are 100 at once';
    is $store->judge('p'), $revoked, 'of which one would have been enough';
    is $store->revoke('past', time - $_), 'done', 'what has ended already needs nothing' for 60, 1;
    is $store->judge('past'), $alive, 'and is not on the list';

    # DESIGN 3, req 052: rather refuse one than forget one. There are two, and room for one more.
    $fill->($store, 100_000 - 3);
    is $store->revoke('brief', time + 3), 'done', 'the last that fits';
    is $store->revoke('c', $until), 'revocations_full', 'a list that is full refuses';
    is $store->judge('c'), $alive, 'and has not revoked it';
    is $store->revoke('a', $until), 'done', 'what is on it needs no room';
    ok wait_until { $store->revoke('c', $until) eq 'done' }, 'what has expired makes room';
    is $store->judge('c'), $revoked, 'for another';
    is $store->revoke('d', $until), 'revocations_full', 'and for no more';
    is $store->judge($_), $revoked, "$_ is not forgotten" for 'a', 'p';
    return;
}

# req 160
sub one_of_many_wins {
    my ($store) = @_;
    my $workers = 0;
    for my $round (1 .. 5) {
        $store->put(codes => "t$round", 'v', 60);
        my ($told, $seen) = $store->parallel(100, take => { share => 'codes', name => "t$round" });
        $workers = $seen if $seen > $workers;
        is count_of(value('v'), $told), 1, 'one of 100 takes gets the value';
        is count_of('store_absent', $told), 99, 'and all others find nothing';
    }
    is $workers, 2, 'both workers took part';
    for my $round (1 .. 3) {
        my $told = $store->parallel(100, claim => { name => "c$round", issued => 0, expires => 60 });
        is count_of('done', $told), 1, 'one of 100 claims is the first';
        is count_of('store_taken', $told), 99, 'and all others come too late';
    }
    for my $round (1 .. 3) {
        $store->put(grants => "s$round", 'old', 60);
        my $told = $store->parallel(100,
            swap => { share => 'grants', name => "s$round", expected => 'old', value => 'new', expires => 60 });
        is count_of('done', $told), 1, 'one of 100 swaps is made';
        is count_of('store_taken', $told), 99, 'and all others see that it was';
    }
    for my $round (1 .. 3) {
        $store->put(codes => "m$round", 'v', 60);
        my $told = $store->parallel(100, take => { share => 'codes', name => ["none$round", "m$round"] });
        is count_of(value('v'), $told), 1, 'one of 100 takes of two names gets the value';
    }
    return;
}

my @suite = (
    'values come back'         => \&values_come_back,
    'bytes are only bytes'     => \&bytes_are_only_bytes,
    'what is taken is gone'    => \&what_is_taken_is_gone,
    'claims are made once'     => \&claims_are_made_once,
    'swap compares'            => \&swap_compares,
    'counters count'           => \&counters_count,
    'entries expire'           => \&entries_expire,
    'one of many wins'         => \&one_of_many_wins,
    'what is revoked stays so' => \&what_is_revoked_stays_so,
);

# `fill` puts so many on the list of the revoked.
sub conforms {
    my ($what, $url, $fill) = @_;
    subtest $what => sub {
        my $store = OAuth::StoreProbe->new(store => $url, revocations => 1)->start;
        my @tests = @suite;
        while (my ($name, $test) = splice @tests, 0, 2) {
            subtest $name => sub { $test->($store, $fill) };
        }
        is $store->known, 'up', 'it is not known to be down';
        $store->stop;
    };
    return;
}

# As another node would, by the keys and entries of src/ngx/redis_revocations.cpp; in pieces, because
# Redis serves nobody else while a script runs.
sub fill_redis {
    my ($redis, $database, $prefix, $count) = @_;
    for (my $from = 0; $from < $count; $from += 2000) {
        my $to = $from + 2000 < $count ? $from + 2000 : $count;
        $redis->command(EVAL => <<'LUA', 2, "${prefix}{revoked}:order", "${prefix}{revoked}:until", $database, $from, $to, (time + 600) . '000000');
redis.call('SELECT', ARGV[1])
for i = ARGV[2] + 1, ARGV[3] do
    local entry = string.format('%024d', i)
    redis.call('ZADD', KEYS[1], i, entry) redis.call('ZADD', KEYS[2], ARGV[4], entry)
end
LUA
    }
    return;
}

conforms('shared memory' => 'shm:probe:1m', sub {
    my ($store, $count) = @_;
    is $store->ask('fill', fill => $count, expires => 600), $count, 'others are revoked';
});

SKIP: {
    skip 'no redis-server', 6 if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    conforms('redis over TCP' => 'redis://127.0.0.1:' . $redis->port . '/3 prefix=probe:',
        sub { fill_redis($redis, 3, 'probe:', $_[1]) });
    is_deeply [grep { !/^probe:(?:(?:claim|code|grant|count):|\{revoked\}:(?:order|until)$)/ } @{ $redis->command(EVAL => <<'LUA', 0) }], [],
redis.call('SELECT', 3) return redis.call('KEYS', '*')
LUA
        'every key begins with the prefix, in the chosen database';
    is $redis->command('DBSIZE'), 0, 'and no other database holds one';
    conforms('redis over a unix socket' => 'redis+unix:' . $redis->socket_path . '?db=4 connections=1',
        sub { fill_redis($redis, 4, 'oauth:', $_[1]) });
    $redis->stop;

    my $cluster = OAuth::Redis::Cluster->new->start;
    conforms('a redis cluster' => $cluster->url . ' prefix=probe: timeout=5s',
        sub { fill_redis($cluster->primary_of('probe:{revoked}:order'), 0, 'probe:', $_[1]) });
    is scalar(grep { $_->command('DBSIZE') > 0 } $cluster->primaries), 3, 'each of its nodes has a part';
    $cluster->stop;
}

done_testing;
