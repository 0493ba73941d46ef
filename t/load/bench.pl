# bench.pl [SECONDS [ROUNDS [PART...]]]: what the module costs, as markdown tables for
# docs/performance.md, which says what is measured. SECONDS a side and round (2), ROUNDS (5); the
# parts are locations, instructions, memory, endpoints.
use lib 't/lib';
use OAuth::Test;
use OAuth::Bench;
use OAuth::Bench::Endpoints;
use OAuth::Bench::Instructions;
use OAuth::Bench::Locations;
use OAuth::Bench::Memory;

# What nginx's end says is no part of the tables.
Test::More->builder->output(\*STDERR);
$| = 1;

my ($seconds, $rounds, @parts) = @ARGV;
my $bench = OAuth::Bench->new(seconds => $seconds || 2, rounds => $rounds || 5);
my %words = (
    locations    => \&OAuth::Bench::Locations::report,
    instructions => \&OAuth::Bench::Instructions::report,
    memory       => \&OAuth::Bench::Memory::report,
    endpoints    => \&OAuth::Bench::Endpoints::report,
);

print $bench->about;
$words{$_} ? $words{$_}->($bench) : die "no such part: $_\n"
    for @parts ? @parts : qw(locations instructions memory endpoints);
done_testing;
