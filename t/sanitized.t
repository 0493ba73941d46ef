# The unit tests, and the tests in which clients leave at any moment, once more under
# AddressSanitizer and UndefinedBehaviorSanitizer (`./build.sh asan` runs all of them so).
use lib 't/lib';
use OAuth::Test;
use OAuth::Unit;

my $build = 'build/asan';
my @files = grep { -f } qw(t/harness.t t/disconnect.t);

plan skip_all => 'this is the sanitized run' if ($ENV{OAUTH_BUILD} || '') =~ m{\basan/*$};
ok -x "$build/nginx", 'there is a sanitized nginx (./build.sh asan builds it)' or done_testing, exit;

for my $file (@files) {
    local @ENV{qw(OAUTH_NGINX OAUTH_BUILD)} = ("$build/nginx", $build);
    my $output = `$^X $file 2>&1`;
    is $?, 0, "$file finds nothing" or diag($output);
}

subtest 'the unit tests find nothing' => sub {
    OAuth::Unit::run(build => $build, sanitize => 1);
};

done_testing;
