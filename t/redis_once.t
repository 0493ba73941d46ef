# What is spent stays spent when a primary dies and its replica takes over, whatever the replica has
# of it; and what a sign-in costs. OAUTH_ONCE_ROUNDS is how often each kind of death is tried: a round of
# the first kind is 20 codes and 20 claims.
use lib 't/lib';
use OAuth::Test;
use OAuth::FakeRedis;
use OAuth::Story;
use OAuth::StoreProbe;
use OAuth::Redis::Cluster;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $ROUNDS = $ENV{OAUTH_ONCE_ROUNDS} || 3;

sub value { return OAuth::StoreProbe::value(@_) }

# What a step made the server do: the commands, and how many times it was sent something.
sub cost(&$) {
    my ($step, $redis) = @_;
    $redis->command(CONFIG => 'RESETSTAT');
    my $value = $step->();
    my $stats = $redis->command(INFO => 'all');
    my %calls = $stats =~ /^cmdstat_([\w|]+):calls=(\d+)/mg;
    delete @calls{ grep { /^(?:info|config)/ } keys %calls };
    my ($reads) = $stats =~ /^total_reads_processed:(\d+)/m;
    return ($value, { %calls, trips => $reads - 1 });    # our own question is one
}

subtest 'what a sign-in asks of Redis' => sub {
    my $redis = OAuth::Redis->new->start;
    # The list of the revoked is asked for by a timer, minutes apart here.
    my $story = OAuth::Story->new(
        http => 'oauth_store redis://127.0.0.1:' . $redis->port . '; oauth_revocation_lag 10m stale=allow;')->start;
    $story->redeem($story->code);    # all is connected
    my ($login, $calls) = cost { $story->login } $redis;
    is_deeply $calls, { trips => 0 }, 'a login nothing';
    my $back = $story->visit($login);
    my $answer;
    ($answer, $calls) = cost { $story->answer($story->get($back, browser => $login->{browser})) } $redis;
    is_deeply $calls, { set => 2, trips => 2 }, 'a callback two commands';
    my $tokens;
    ($tokens, $calls) = cost { $story->redeem($answer->{code}) } $redis;
    is_deeply $calls, { getdel => 2, trips => 1 }, 'a code one round trip, for both names that it may have';
    $story->stop;
    $redis->stop;
};

my $cluster = OAuth::Redis::Cluster->new->start;
my @stores = map { OAuth::StoreProbe->new(store => $cluster->url . ' timeout=2s', workers => 2)->start } 1 .. 2;

my $fresh = 0;

sub name_at {
    my ($node) = @_;
    while (1) {
        my $name = '{o' . $fresh++ . '}';
        return $name if $cluster->primary_of("oauth:code:$name") == $node;
    }
}

# Answers that say more than `not now`, from all stores in turn.
sub told {
    my (@ask) = @_;
    my ($verb, @more) = @ask;
    my @told;
    for my $store (@stores) {
        wait_until { push @told, $store->$verb(@more); $told[-1] ne 'store_down' };
    }
    return grep { $_ ne 'store_down' } @told;
}

# The replica takes over in the place of a primary that has died, which then becomes its replica.
sub succeed {
    my ($primary, $replica) = @_;
    $primary->kill;
    $replica->resume;
    $replica->command(CLUSTER => FAILOVER => 'TAKEOVER');
    OAuth::Redis::Cluster::until_true('the replica is primary', sub { $replica->is_primary });
    return;
}

# The replica hears nothing more of its primary.
sub cut_off {
    my ($primary, $replica) = @_;
    $replica->pause;
    $primary->command(CLIENT => KILL => TYPE => 'replica');
    return;
}

sub next_pair {
    my $primary = ($cluster->primaries)[$fresh % 3];
    return ($primary, $cluster->replica_of($primary));
}

sub recover {
    my ($primary) = @_;
    $primary->start;
    $cluster->settle;
    return;
}

# Sent to both stores at once, while `meanwhile` happens: what each was told.
sub at_once {
    my ($verb, $asks, $meanwhile) = @_;
    my @connections = map { $stores[$_ % @stores]->nginx->connect } 1 .. @$asks;
    for my $i (0 .. $#$asks) {
        $connections[$i]->send(OAuth::Http::format_request('GET', OAuth::StoreProbe::target($verb, $asks->[$i]), host => 'localhost'));
    }
    $meanwhile->() if $meanwhile;
    my @told = map { $_->read_response->{body} } @connections;
    $_->close for @connections;
    return @told;
}

# Each asked of both stores, and what was not `not now`.
sub told_at_once {
    my ($verb, @asks) = @_;
    my (@told, @left);
    @left = map { ($_) x @stores } @asks;
    wait_until {
        my @now = at_once($verb, \@left);
        push @told, grep { $_ ne 'store_down' } @now;
        @left = @left[grep { $now[$_] eq 'store_down' } 0 .. $#now];
        !@left;
    };
    return @told;
}

# How often something else than `done` was said when codes were put.
sub at_once_done {
    my %told;
    $told{$_}++ for at_once(put => [map { { share => 'codes', name => $_, value => 'v', expires => 60 } } @_]);
    delete $told{done};
    return \%told;
}

# req 160
subtest 'a replica that has not heard of it' => sub {
    for my $round (1 .. $ROUNDS) {
        my ($primary, $replica) = next_pair();
        my @names = map { name_at($primary) } 1 .. 20;
        my $other = name_at($primary);
        is_deeply at_once_done(@names, $other), {}, 'codes are kept';
        $primary->command('PING');    # WAIT is for all that was there at the connection's last command
        OAuth::Redis::Cluster::until_true('the replica has them', sub { $primary->command(WAIT => 1, 1000) >= 1 });
        cut_off($primary, $replica);
        my @took = at_once(take => [map { { share => 'codes', name => $_ } } @names]);
        my @claimed = at_once(claim => [map { { name => $_, issued => 0, expires => 60 } } @names]);
        is_deeply [grep { !/^store_(?:lost|down)$/ } @took, @claimed], [], 'what only one server knows to be spent is no success';
        is $took[0], 'store_lost', 'nor can it be tried again';
        like $stores[0]->nginx->error_log, qr/oauth: redis .*: no replica has confirmed in time what was spent/, 'the log says so';
        is $primary->command(GET => "oauth:code:$names[0]"), undef, 'though it is spent there';
        succeed($primary, $replica);
        my @again = told_at_once(take => map { { share => 'codes', name => $_ } } @names);
        push @again, told_at_once(claim => map { { name => $_, issued => 0, expires => 60 } } @names);
        is_deeply [grep { !/^store_(?:lost|absent|taken)$/ } @again], [], 'nor is it where the replica took over, which now has none itself';
        ok wait_until { $stores[1]->get(codes => $other) eq value('v') }, 'though it has all that was kept';
        recover($primary);
        ok wait_until { $stores[1]->claim("$names[0]-" . $fresh++, 0, 60) eq 'done' }, 'and spends again when it has one';
        is $stores[1]->take(codes => $other), value('v'), 'what was kept, too';
    }
};

# req 160
subtest 'a primary that dies right after' => sub {
    my $succeeded = 0;
    for my $round (1 .. $ROUNDS) {
        my ($primary, $replica) = next_pair();
        my $name = name_at($primary);
        $stores[0]->put(codes => $name, 'v', 60);
        my ($took, $claimed) = ($stores[0]->take(codes => $name), $stores[1]->claim($name, 0, 60));
        succeed($primary, $replica);
        my @told = ($took, told('take', codes => $name));
        cmp_ok scalar(grep { $_ eq value('v') } @told), '<=', 1, "what was given out is not given out again (@told)";
        @told = ($claimed, told('claim', $name, 0, 60));
        cmp_ok scalar(grep { $_ eq 'done' } @told), '<=', 1, "or claimed again (@told)";
        $succeeded += grep { $_ eq value('v') || $_ eq 'done' } $took, $claimed;
        recover($primary);
    }
    cmp_ok $succeeded, '>=', $ROUNDS, 'as a rule it was given out';
};

# req 160
subtest 'a primary that dies meanwhile' => sub {
    for my $round (1 .. $ROUNDS) {
        my ($primary, $replica) = next_pair();
        my $name = name_at($primary);
        $stores[0]->put(codes => $name, 'v', 60);
        my $pause = sub { Time::HiRes::sleep(rand 0.01) };
        my @told = (at_once(take => [({ share => 'codes', name => $name }) x 20], sub { $pause->(); succeed($primary, $replica) }),
            told('take', codes => $name));
        cmp_ok scalar(grep { $_ eq value('v') } @told), '<=', 1, 'of many that ask at once one at most gets it';
        is_deeply [grep { !/^(?:value|store_(?:absent|lost|down)$)/ } @told], [], 'the others are told so';
        recover($primary);

        ($primary, $replica) = next_pair();
        $name = name_at($primary);
        @told = (at_once(claim => [({ name => $name, issued => 0, expires => 60 }) x 20], sub { $pause->(); succeed($primary, $replica) }),
            told('claim', $name, 0, 60));
        cmp_ok scalar(grep { $_ eq 'done' } @told), '<=', 1, 'of many that claim at once one at most is the first';
        recover($primary);
    }
};

$_->stop for @stores;
$cluster->stop;

subtest 'how many replicas have to confirm' => sub {
    my $redis = OAuth::Redis->new->start;
    my $ask = sub {
        my ($replicas) = @_;
        my $store = OAuth::StoreProbe->new(store => 'redis://127.0.0.1:' . $redis->port . " timeout=2s $replicas", workers => 1)->start;
        my @told = (map { $store->claim("$replicas-$fresh-$_", 0, 60) } 1 .. 2);
        $store->stop;
        $fresh++;
        return \@told;
    };
    is_deeply $ask->(''), ['done', 'done'], 'none of a single server';
    is_deeply $ask->('replicas=1'), ['store_lost', 'store_lost'], 'one, if it says so: there is none';
    my @replicas = map { OAuth::Redis->new(args => ['--replicaof', '127.0.0.1 ' . $redis->port, '--repl-diskless-sync-delay', 0])->start } 1 .. 2;
    OAuth::Redis::Cluster::until_true('both follow', sub { $redis->command(WAIT => 2, 100) == 2 });
    is_deeply $ask->('replicas=2'), ['done', 'done'], 'two confirm';
    $replicas[0]->stop;
    is_deeply $ask->('replicas=2'), ['store_lost', 'store_lost'], 'one of two is not enough';
    is_deeply $ask->('replicas=1'), ['done', 'done'], 'but of one';
    $_->stop for $replicas[1], $redis;
};

# Whatever waits behind a WAIT that is in vain has to wait as long.
subtest 'how long they are waited for' => sub {
    my $log = File::Temp->new;
    my @confirmed = (0, 0, 1, 0);
    my $fake = OAuth::FakeRedis->new(answer => sub {
        my ($bytes) = $_[1];
        return $bytes =~ /SET/ ? "+OK\r\n" : ":1\r\n" if $bytes !~ /WAIT/;
        print {$log} "$1\n" if $bytes =~ /WAIT\r\n\$1\r\n1\r\n\$\d+\r\n(\d+)\r\n/;
        $log->flush;
        return "+OK\r\n:" . shift(@confirmed) . "\r\n";
    });
    my $store = OAuth::StoreProbe->new(
        store => 'redis://127.0.0.1:' . $fake->port . ' timeout=4s connections=1 replicas=1', workers => 1)->start;
    is_deeply [map { $store->claim($_, 0, 60) } 1 .. 4], ['store_lost', 'store_lost', 'done', 'store_lost'], 'what none confirms is no success';
    is_deeply [split /\n/, slurp($log->filename)], [2000, 400, 400, 2000], 'half of the time of a command, and a tenth while none confirms';
    $store->stop;
};

done_testing;
