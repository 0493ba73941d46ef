# What is spent stays spent when a primary dies and its replica takes over, whatever the replica has
# of it; and what a sign-in costs. OAUTH_ONCE_ROUNDS is how often each kind of death is tried.
use lib 't/lib';
use OAuth::Test;
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

# Nobody is given up within a round: a replica that was, and is then promoted by hand, is nobody's fault
# but the operator's (docs/redis.md).
my $cluster = OAuth::Redis::Cluster->new(patience => 8000)->start;
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

# Sent to both stores at once, while `meanwhile` happens.
sub at_once {
    my ($count, $verb, $ask, $meanwhile) = @_;
    my $text = OAuth::Http::format_request('GET', OAuth::StoreProbe::target($verb, $ask), host => 'localhost');
    my @connections = map { $stores[$_ % @stores]->nginx->connect } 1 .. $count;
    $_->send($text) for @connections;
    $meanwhile->();
    my @told = map { $_->read_response->{body} } @connections;
    $_->close for @connections;
    return @told;
}

# req 160
subtest 'a replica that has not heard of it' => sub {
    for my $round (1 .. $ROUNDS) {
        my ($primary, $replica) = next_pair();
        my ($name, $other) = (name_at($primary), name_at($primary));
        is $stores[0]->put(codes => $_, 'v', 60), 'done', 'a code is kept' for $name, $other;
        $primary->command('PING');    # WAIT is for all that was there at the connection's last command
        OAuth::Redis::Cluster::until_true('the replica has it', sub { $primary->command(WAIT => 1, 1000) >= 1 });
        cut_off($primary, $replica);
        my ($took, $claimed) = ($stores[0]->take(codes => $name), $stores[1]->claim($name, 0, 60));
        is $took, 'store_lost', 'what only one server knows to be spent is no success';
        is $claimed, 'store_lost', 'nor is a claim';
        like $stores[0]->nginx->error_log, qr/oauth: redis .*: no replica has confirmed in time what was spent/, 'the log says so';
        is $primary->command(GET => "oauth:code:$name"), undef, 'though it is spent there';
        succeed($primary, $replica);
        my @told = ($took, told('take', codes => $name));
        cmp_ok scalar(grep { $_ eq value('v') } @told), '<=', 1, "it is given out at most once (@told)";
        @told = ($claimed, told('claim', $name, 0, 60));
        cmp_ok scalar(grep { $_ eq 'done' } @told), '<=', 1, "and claimed (@told)";
        ok wait_until { $stores[1]->claim("$name-" . $fresh++, 0, 60) eq 'done' }, 'the new primary serves, though it has no replica yet';
        is $stores[1]->get(codes => $other), value('v'), 'with all that was kept';
        recover($primary);
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
        my @told = (at_once(20, take => { share => 'codes', name => $name }, sub { $pause->(); succeed($primary, $replica) }),
            told('take', codes => $name));
        cmp_ok scalar(grep { $_ eq value('v') } @told), '<=', 1, 'of many that ask at once one at most gets it';
        is_deeply [grep { !/^(?:value|store_(?:absent|lost|down)$)/ } @told], [], 'the others are told so';
        recover($primary);

        ($primary, $replica) = next_pair();
        $name = name_at($primary);
        @told = (at_once(20, claim => { name => $name, issued => 0, expires => 60 }, sub { $pause->(); succeed($primary, $replica) }),
            told('claim', $name, 0, 60));
        cmp_ok scalar(grep { $_ eq 'done' } @told), '<=', 1, 'of many that claim at once one at most is the first';
        recover($primary);
    }
};

$_->stop for @stores;
$cluster->stop;
done_testing;
