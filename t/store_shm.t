# The store in shared memory: what a full share, a reload and a dying worker do to it.
use lib 't/lib';
use OAuth::Test;
use OAuth::StoreProbe;

sub value { return OAuth::StoreProbe::value(@_) }

my $small = 'shm:probe:256k';
my $large = 'x' x 8192;

# How many values of 8 KiB a share takes before it refuses; they stay in it as `name`1, `name`2, ...
sub fill {
    my ($store, $share, $name) = @_;
    for my $count (0 .. 100) {
        my $told = $store->put($share => $name . ($count + 1), $large, 600);
        next if $told eq 'done';
        is $told, 'store_full', "the share of $share is full";
        return $count;
    }
    return fail "the share of $share is never full";
}

# req 154
subtest 'a full share refuses only its own kind' => sub {
    my $store = OAuth::StoreProbe->new(store => $small)->start;
    my %count = map { $_ => fill($store, $_, 'n') } qw(codes grants);
    cmp_ok $count{codes}, '>=', 4, 'it held several values';
    is $store->put(counters => 'n', 'x' x 5000, 60), 'done', 'counters have room';
    is $store->claim('n', 0, 60), 'done', 'and claims';
    is $store->get(codes => 'n1'), value($large), 'what was there is still there';
    is $store->put(codes => 'n1', $large, 600), 'done', 'and is replaced in its own room';
    is $store->swap(codes => 'n1', $large, 'y' x 8192, 600), 'done', 'or swapped';
    is $store->put(codes => 'more', 'x' x 4000, 60), 'store_full', 'a new value is still refused';
    is $store->get(codes => 'more'), 'store_absent', 'and not there';
    $store->drop(codes => 'n2');
    is $store->put(codes => 'more', $large, 60), 'done', 'what is dropped makes room';
    $store->take(codes => 'n3');
    is $store->put(codes => 'more2', $large, 60), 'done', 'and what is taken';

    $store->parallel(20, put => { share => 'codes', name => 'full', value => $large, expires => 60 });
    my @lines = $store->nginx->error_log =~ /(no room for more codes.*)/g;
    is scalar @lines, 1, 'the log says so once, whichever worker it was';
    like $lines[0], qr/in zone "probe", \d+ are alive: give oauth_store a larger zone/, 'and what to do';
    $store->stop;
};

subtest 'expired entries make room before anything is refused' => sub {
    my $store = OAuth::StoreProbe->new(store => $small)->start;
    my $count = fill($store, codes => 'n');
    $store->drop(codes => "n$_") for 1 .. $count;
    $store->put(codes => "n$_", $large, $_ % 2 ? 1 : 600) for 1 .. $count;
    ok wait_until { $store->get(codes => 'n1') eq 'store_absent' }, 'half of them expire';
    my $again = grep { $_ % 2 } 1 .. $count;
    is_deeply [map { $store->put(codes => "m$_", $large, 600) } 1 .. $again], [('done') x $again],
        'as many fit in';
    is $store->put(codes => 'one too many', $large, 600), 'store_full', 'and no more';
    is $store->get(codes => 'n2'), value($large), 'those alive were left alone';

    my $small = $store->each(map { [put => { share => 'counters', name => "s$_", value => 'x', expires => 1 }] } 1 .. 500);
    is $small->[-1], 'store_full', 'another share is full of small values';
    ok wait_until { $store->get(counters => 's1') eq 'store_absent' }, 'which expire';
    is $store->put(counters => 'large', $large, 600), 'done', 'as many of them go as a large one needs';
    $store->stop;
};

# req 154 160
subtest 'a flood of claims displaces the oldest, which nobody can claim again' => sub {
    my $store = OAuth::StoreProbe->new(store => $small)->start;
    is $store->claim('victim', 1000, 9000), 'done', 'a claim';
    my $told = $store->each(map { [claim => { name => "flood $_", issued => 2000 + $_, expires => 9000 }] } 1 .. 8000);
    is_deeply [grep { $_ ne 'done' } @$told], [], 'later ones, more than the share holds, are all made';
    is $store->claim('victim', 1000, 9000), 'store_too_old', 'the displaced claim is not made again';
    is $store->claim('another', 1000, 9000), 'store_too_old', 'nor is any other that is as old';
    is $store->claim('flood 8000', 20_000, 9000), 'store_taken', 'the newest claims are remembered';
    is $store->claim('new', 20_000, 9000), 'done', 'what is newer can be claimed';
    is $store->claim('new', 20_000, 9000), 'store_taken', 'once';
    $store->stop;
};

subtest 'a reload keeps everything' => sub {
    my $store = OAuth::StoreProbe->new(store => $small)->start;
    $store->put(codes => 'a', 'v', 600);
    $store->put(grants => 'b', $large, 600);
    $store->claim('c', 0, 600);
    ok $store->nginx->reload, 'nginx reloads';
    is $store->get(codes => 'a'), value('v'), 'a code is there';
    is $store->take(grants => 'b'), value($large), 'a grant too';
    is $store->claim('c', 0, 600), 'store_taken', 'a claim is remembered';

    $store->nginx->configure(http => OAuth::StoreProbe::config('shm:probe:512k'));
    ok $store->nginx->reload, 'nginx reloads with another size';
    is $store->get(codes => 'a'), 'store_absent', 'which empties the store';
    like $store->nginx->error_log,
        qr/\[warn\].*zone "probe" begins anew with 524288 instead of 262144 bytes: what it held is dropped/, 'and is logged';
    is $store->claim('c', -10, 600), 'store_too_old', 'what may have been claimed before is refused';
    is $store->claim('d', 1, 600), 'done', 'what is new is not';
    $store->stop;
};

subtest 'a restart accepts nothing from before' => sub {
    my $store = OAuth::StoreProbe->new(store => $small)->start;
    is $store->claim('a', 0, 600), 'done', 'a claim';
    $store->stop;
    $store->start;
    is $store->claim('a', -10, 600), 'store_too_old', 'is not made again after a restart';
    is $store->claim('b', 1, 600), 'done', 'a new one is';
    $store->stop;
};

# req 160
subtest 'a worker that dies does no harm' => sub {
    my $store = OAuth::StoreProbe->new(store => $small, expect => [qr/exited on signal 9/, qr/was locked by/])->start;
    my $dead = sub { scalar(() = $store->nginx->error_log =~ /exited on signal 9/g) };
    $store->put(codes => 'a', 'v', 600);
    kill 'KILL', $store->nginx->worker_pids;
    ok wait_until { $dead->() == 2 }, 'the workers are killed';
    is $store->get(codes => 'a'), value('v'), 'the next ones know what was stored';

    my $count = fill($store, grants => 'g');
    $store->put(grants => 'g1', "short\0", 600);
    $store->claim('c', 0, 600);
    is $store->ask('die'), 'status 0', 'a worker dies while it writes';
    ok wait_until { $dead->() == 3 }, 'holding the lock';
    is $store->get(codes => 'a'), value('v'), 'a code is still there';
    is $store->get(grants => 'g1'), value("short\0"), 'and every grant';
    is $store->get(grants => "g$_"), value($large), "number $_ too" for 2 .. $count;
    is $store->claim('c', 0, 600), 'store_taken', 'the claim is remembered';
    is $store->claim('d', 0, 600), 'done', 'a new one is made';
    is $store->put(grants => 'g1', $large, 600), 'done', 'free room is free';
    is $store->put(grants => 'x', $large, 600), 'store_full', 'and used room used';
    is $store->drop(grants => 'g2'), 'done', 'entries are dropped';
    is $store->put(grants => 'x', $large, 600), 'done', 'and make room';
    like $store->nginx->error_log, qr/\[warn\].*a worker died while it wrote shared memory in zone "probe"/,
        'the log tells of it';
    $store->stop;
};

subtest 'a mistake is found by nginx -t' => sub {
    my %mistakes = (
        'shm:'            => qr/"shm:" is not shm:NAME:SIZE, for example shm:oauth:16m/,
        'shm:probe'       => qr/"shm:probe" is not shm:NAME:SIZE/,
        'shm::1m'         => qr/"shm::1m" is not shm:NAME:SIZE/,
        'shm:a/b:1m'      => qr/is not shm:NAME:SIZE/,
        'shm:probe:'      => qr/has no size: write one such as 16m/,
        'shm:probe:lots'  => qr/has no size/,
        'shm:probe:64k'   => qr/is too small: at least 256k, 16m is usual/,
        'shm:probe:1m x=' => qr/takes no parameters/,
    );
    for my $url (sort keys %mistakes) {
        my $nginx = OAuth::StoreProbe->new(store => $url)->nginx;
        my ($ok, $output) = $nginx->check;
        ok !$ok, "$url is refused";
        like $output, qr/\[emerg\].*oauth_store: .*$mistakes{$url}.* in .*:\d+/, 'and the line says what to write';
    }
};

done_testing;
