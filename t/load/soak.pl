# soak.pl SECONDS: sign-ins, refreshes and protected calls by several clients at once, over two NGINX
# nodes that share a Redis cluster of three primaries with a replica each. Meanwhile primaries are
# killed and come back as replicas, nodes reload, servers and workers are paused (t/lib/OAuth/Soak.pm).
#
# The last line counts stories: succeeded; refused (an honest no: 403, 429, 503, or a code that was
# lost and means "sign in again"); wrong: a code redeemed twice, a user taken for another, an error for
# what needs no store, and all else.
use lib 't/lib';
use OAuth::Test;
use OAuth::Soak;

my $soak = OAuth::Soak->new->start;
my $end = time + ($ARGV[0] || 60);
my @pipes = map { $soak->client($_, $end) } 1 .. 4;
while (time < $end) {
    sleep 1;
    $soak->disturb if time < $end - 5;
}
$soak->rest;
my %sum = map { $_ => 0 } qw(attempted succeeded refused wrong);
for my $pipe (@pipes) {
    while (my $line = <$pipe>) {
        $line =~ /^COUNT (\w+) (\d+)/ ? $sum{$1} += $2 : print "# $line";
    }
    close $pipe or $sum{wrong}++;
}
my %told;
$told{$_}++ for $soak->told;
print "# $told{$_} times: $_\n" for sort keys %told;
my $clean = $soak->stop;
done_testing;
print "attempted $sum{attempted} succeeded $sum{succeeded} refused $sum{refused} wrong $sum{wrong}\n";
exit !($clean && $sum{succeeded} && !$sum{wrong});
