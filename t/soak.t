# The short form of ./build.sh soak: two nodes, a Redis cluster, a killed primary, a reload, pauses.
use lib 't/lib';
use OAuth::Test;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $output = `$^X t/load/soak.pl 20 2>&1`;
is $?, 0, 'it ends well' or diag($output);
my ($attempted, $succeeded, $refused, $wrong) = $output =~ /^attempted (\d+) succeeded (\d+) refused (\d+) wrong (\d+)$/m;
is $wrong, 0, 'nothing goes wrong';
ok $succeeded > $refused, 'most sign-ins succeed' or diag($output);
is $attempted, $succeeded + $refused, 'and the others are told so';

done_testing;
