# Every fuzz target survives its corpus and some seconds more (OAUTH_FUZZ_SECONDS each, 3).
# What it finds is kept in build/artifacts, what it learns in build/fuzz/corpus.
use lib 't/lib';
use OAuth::Test;
use Cwd qw(abs_path);
use File::Path qw(make_path);

my $seconds = $ENV{OAUTH_FUZZ_SECONDS} || 3;
make_path('build/fuzz', 'build/artifacts');
my $build = abs_path('build');
chomp(my $jobs = `nproc` || 2);

plan skip_all => 'a fuzz target has sanitizers of its own' if ($ENV{OAUTH_BUILD} || '') =~ m{\basan/*$};
plan skip_all => 'no clang++' if !grep { -x "$_/clang++" } split /:/, $ENV{PATH};
is system('make', '-s', "-j$jobs", '-C', 't/fuzz', "BUILD=$build"), 0, 'the targets compile without a warning'
    or done_testing, exit;

for my $name (map { m{([^/]+)\.cpp$} } sort glob 't/fuzz/*.cpp') {
    make_path("$build/fuzz/corpus/$name");
    my @dictionary = map { "-dict=$_" } grep { -f } "t/fuzz/$name.dict";
    my @command = ("$build/fuzz/$name", "-max_total_time=$seconds", '-timeout=10', '-rss_limit_mb=2048',
        '-print_final_stats=1', "-artifact_prefix=$build/artifacts/fuzz-$name-", @dictionary,
        "$build/fuzz/corpus/$name", grep { -d } "t/fuzz/corpus/$name");
    my $output = `@command 2>&1`;
    my ($runs) = $output =~ /number_of_executed_units: (\d+)/;
    is $?, 0, "$name survives" . ($runs ? " $runs inputs" : '') or diag($output);
}

done_testing;
