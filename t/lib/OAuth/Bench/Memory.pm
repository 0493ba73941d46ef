# How many tokens a cache of a known size holds: the largest number of them that are nearly all still
# hits when they come a second time. A hit and a verification differ by so much CPU time that a pass
# over the list says how many of each there were.
package OAuth::Bench::Memory;

use strict;
use warnings;

use OAuth::Bench::Front;

my $MIB = 4;
my $HITS = 0.95;
my $CLEAR = 0.7;    # a hit costs no more than this part of a verification, else nothing can be told

sub report {
    my ($bench) = @_;
    my $front = OAuth::Bench::Front->new(bench => $bench, cache => "${MIB}m")->start;
    if (!$front->cached) {
        $front->stop;
        return print $bench->skipped($front->missing);
    }
    my $size = $MIB * 1024 * 1024;
    $front->add_tokens('fill', $size / 500, 'ES256');
    $front->tokens->mint;
    my $side = { name => 'fill', $front->guard('ES256'), lines => $front->tokens->file('fill') };
    my $cold = $bench->pass($side, 500);
    my $warm = $bench->pass($side, 500);
    if ($warm > $cold * $CLEAR) {
        $front->stop;
        return print $bench->skipped(sprintf 'memory of the token cache: a token costs %.0f us the second time, %.0f the first', $warm, $cold);
    }
    my ($held, $too_many) = (500, $size / 500);
    while ($too_many - $held > $held / 50) {
        my $count = int(($held + $too_many) / 2);
        _holds($bench, $front, $side, $count, $warm + (1 - $HITS) * ($cold - $warm)) ? ($held = $count) : ($too_many = $count);
    }
    $front->stop;
    my ($token) = $front->tokens->list('fill');
    my $each = $size / $held;
    print $bench->row('memory of the token cache', ''), $bench->row('---', '--:'),
        $bench->row("oauth_token_cache ${MIB}m holds, of tokens of " . length($token) . ' bytes', $held),
        $bench->row('bytes for each token', sprintf '%.0f', $each),
        $bench->row('beyond the token itself (goal: <= 1024)', sprintf '%.0f', $each - length $token), "\n";
    return;
}

sub _holds {
    my ($bench, $front, $side, $count, $limit) = @_;
    $front->stop;
    $front->start;
    $bench->pass($side, $count);
    return $bench->pass($side, $count) <= $limit;
}

1;
