# The acceptance run: the real dexie-cloud-addon in Chromium, with Redis.
use lib 't/lib';
use OAuth::Test;
use OAuth::App;

my $missing = OAuth::Chromium->missing;
plan skip_all => $missing if $missing;
plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $redis = OAuth::Redis->new;
OAuth::App->new(redis => $redis)->accept;
done_testing;
