# Nodes of a cluster that serve nothing any more: their connections are kept for a while, for a slot may come
# back, and not for ever.
use lib 't/lib';
use OAuth::Test;
use OAuth::Clock;
use OAuth::Redis::Cluster;
use OAuth::StoreProbe;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
plan skip_all => 'no clock of our own under a sanitizer' if !OAuth::Clock::is_possible();

my $cluster = OAuth::Redis::Cluster->new(primaries => 1, patience => 20_000)->start;
my ($first, $second) = $cluster->nodes;
my $clock = OAuth::Clock->new;
my $store = OAuth::StoreProbe->new(store => $cluster->url . ' timeout=5s', workers => 1, env => $clock->env)->start;
my $fresh = 0;

# Connections, but for those of the other node and of the test itself.
sub guests {
    my ($node) = @_;
    return scalar grep { !/ flags=[SM]| cmd=client/ } split /\n/, $node->command(CLIENT => 'LIST');
}

sub maps { my ($node) = @_; return $node->command(INFO => 'commandstats') =~ /cmdstat_cluster\|slots:calls=(\d+)/ ? $1 : 0 }

sub serves { return wait_until { $store->claim('n' . $fresh++, 0, 600) eq 'done' } }

# Until the map that was asked for then has been taken.
sub forward {
    my ($seconds) = @_;
    my $asked = sub { maps($first) + maps($second) };
    my $before = $asked->();
    $clock->forward($seconds);
    return wait_until { serves() && $asked->() > $before } && serves();
}

ok serves(), 'the one that serves is used';
ok wait_until { guests($second) == 2 }, 'and the other one is known, for it is configured';
ok forward(40), 'the map is asked for again';
is guests($second), 2, 'for a while it is kept';
ok forward(40), 'and again';
ok wait_until { serves() && !guests($second) }, 'then it is left';
is guests($first), 2, 'and nobody else is';

$second->command(CLUSTER => 'FAILOVER');
ok wait_until { $second->is_primary && !$first->is_primary }, 'it becomes the one that serves';
$cluster->settle;
ok serves(), 'and is found again';
ok guests($second), 'and used';
ok forward(40), 'the map is asked for';
ok forward(40), 'and again';
ok wait_until { serves() && !guests($first) }, 'and the one that serves no more is left in its turn';
is guests($second), 2, 'and nobody else is';

$first->command(CLUSTER => 'FAILOVER');
ok wait_until { $first->is_primary && !$second->is_primary }, 'though it had served before';
$cluster->settle;
ok serves(), 'it is found again';
$store->stop;
$cluster->stop;

done_testing;
