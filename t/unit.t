# Builds and runs the unit tests of the rings that know no nginx: one line here a GoogleTest test.
use lib 't/lib';
use OAuth::Test;
use OAuth::Unit;

OAuth::Unit::run(build => $ENV{OAUTH_BUILD} || 'build');

done_testing;
