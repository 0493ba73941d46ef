# Builds and runs the unit tests of the rings that know no nginx: one line here a GoogleTest test.
use lib 't/lib';
use OAuth::Test;
use OAuth::Unit;

my $build = $ENV{OAUTH_BUILD} || 'build';
OAuth::Unit::run(build => $build, sanitize => scalar($build =~ m{\basan/*$}));

done_testing;
