# A revocation counts once a replica has it, also for who asks a second time. (Redis 8 and Valkey: WAIT is only
# for what its own connection wrote last, so a script that finds all done and writes nothing waits for nobody.)
use lib 't/lib';
use OAuth::Test;
use OAuth::Redis::Cluster;
use OAuth::StoreProbe;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $cluster = OAuth::Redis::Cluster->new(primaries => 1, patience => 20_000)->start;
my ($primary, $replica) = $cluster->nodes;
my @stores = map { OAuth::StoreProbe->new(store => $cluster->url . ' timeout=2s', workers => 1, revocations => 1)->start } 1 .. 2;
my $until = time + 600;
ok wait_until { $_->revoke("warm$_", $until) eq 'done' }, 'one is revoked' for @stores;

$replica->pause;
is $stores[0]->revoke('mark', $until), 'store_lost', 'what no replica has is not revoked for certain';
is $stores[1]->revoke('mark', $until), 'store_lost', 'nor when another asks again';
is $stores[0]->revoke('mark', $until), 'store_lost', 'or the same';
$replica->resume;
ok wait_until { $stores[1]->revoke('mark', $until) eq 'done' }, 'until a replica has it';
$_->stop for @stores;
$cluster->stop;
done_testing;
