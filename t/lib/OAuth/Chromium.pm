# Stories that a real browser plays: node scripts of t/e2e over playwright-core, whose lines are tests.
#
#     plan skip_all => OAuth::Chromium->missing if OAuth::Chromium->missing;
#     OAuth::Chromium::browse('t/e2e/pages.mjs', $base);
package OAuth::Chromium;

use strict;
use warnings;
use Cwd qw(abs_path);
use Test::More ();

use OAuth::Idp;

# Why none can be played here; empty if they can.
sub missing {
    return OAuth::Idp->missing if OAuth::Idp->missing;
    return -x ($ENV{E2E_CHROMIUM} || '/usr/bin/chromium') ? '' : 'no chromium';
}

# Runs a story and takes its lines for ours.
sub browse {
    my (@command) = @_;
    local $ENV{E2E_ARTIFACTS} = _artifacts();
    open my $output, '-|', 'node', @command or die "node: $!\n";
    while (my $line = <$output>) {
        chomp $line;
        $line =~ /^(not )?ok (?:\d+ )?- (.*)/ ? Test::More::ok(!$1, $2) : Test::More::note($line);
    }
    Test::More::ok(close($output), 'the story comes to its end');
    return;
}

# Bundles the page of the real client into a folder; false if that fails.
sub bundle {
    my ($folder) = @_;
    return Test::More::is(system('node', 't/e2e/bundle.mjs', $folder), 0, 'the page is bundled');
}

sub _artifacts {
    my $folder = $ENV{OAUTH_BUILD} || 'build';
    mkdir $_ for $folder, "$folder/artifacts";
    return abs_path("$folder/artifacts");
}

1;
