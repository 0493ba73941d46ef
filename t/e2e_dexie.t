# The acceptance run: the real dexie-cloud-addon in Chromium, with shared memory.
use lib 't/lib';
use OAuth::Test;
use OAuth::App;

my $missing = OAuth::Chromium->missing;
plan skip_all => $missing if $missing;

OAuth::App->new->accept;
done_testing;
