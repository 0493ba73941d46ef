# Builds the GoogleTest binary of t/unit and reports each of its tests as one of ours.
package OAuth::Unit;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use Test::More;

# run(build => FOLDER, sanitize => 0|1)
sub run {
    my (%args) = @_;
    make_path($args{build});
    my $build = abs_path($args{build});
    chomp(my $jobs = `nproc` || 2);
    my $status = system 'make', '-s', "-j$jobs", '-C', 't/unit', "BUILD=$build",
        $args{sanitize} ? 'SANITIZE=address,undefined' : ();
    is $status, 0, 'the unit tests compile without a warning' or return;

    local $ENV{UBSAN_OPTIONS} = 'halt_on_error=1:print_stacktrace=1';
    open my $output, '-|', "$build/unit/test --gtest_color=no 2>&1" or die "$build/unit/test: $!\n";
    my ($seen, @lines) = (0);
    while (my $line = <$output>) {
        if ($line =~ /^\[ RUN      \]/) {
            @lines = ();
        } elsif ($line =~ /^\[(       OK|  FAILED|  SKIPPED) \] (\S+?),? .*\(\d+ ms\)$/) {
            $seen++;
            $1 eq '  SKIPPED' ? pass("$2 # SKIP @lines") : ok($1 eq '       OK', $2) || diag(@lines);
            @lines = ();
        } else {
            push @lines, $line;
        }
    }
    close $output;
    ok $seen > 0, 'there are unit tests';
    is $?, 0, 'the unit tests end well' or diag(@lines);
    return;
}

1;
