# The documents that providers publish, kept in shared memory for all workers.
use lib 't/lib';
use OAuth::Test;
use OAuth::StoreProbe;

my $a = 'https://a.example/jwks';
my $b = 'https://b.example/jwks';

sub probe { return OAuth::StoreProbe->new(store => 'shm:probe:256k', documents => '2m', @_)->start }

subtest 'a document is found until it is replaced' => sub {
    my $store = probe();
    is $store->ask('find', url => $a), 'none', 'nothing is there at first';
    is $store->ask('keep', url => $a, value => '{"keys":[]}', issued => -5), 'kept', 'a document is kept';
    like $store->ask('find', url => $a), qr/^11 \{"keys":\[\]\} -[5-9]$/, 'and found, with its time';
    is $store->ask('find', url => $b), 'none', 'by its own URL only';
    $store->ask('keep', url => $a, value => '{}');
    like $store->ask('find', url => $a), qr/^2 \{\} /, 'the newer one is found';
    $store->ask('keep', url => $a, fill => 1048576);
    like $store->ask('find', url => $a), qr/^1048576 x{40} /, 'it may have 1 MiB';
    $store->ask('keep', url => $a, fill => 1048577);
    like $store->ask('find', url => $a), qr/^1048576 /, 'and no more';
    like $store->nginx->error_log, qr/a document of 1048577 bytes finds no room/, 'which is logged';
    my ($told, $workers) = $store->parallel(50, find => { url => $a });
    is_deeply [grep { !/^1048576 x{40} / } @$told], [], 'every worker finds it';
    is $workers, 2, 'both were asked';
    $store->stop;
};

subtest 'one at a time may fetch' => sub {
    my $store = probe();
    my $told = $store->parallel(100, lease => { url => $a, expires => 60 });
    is scalar(grep { $_ eq 'granted' } @$told), 1, 'one of 100 gets the lease';
    is scalar(grep { $_ eq 'held' } @$told), 99, 'the others learn that it is held';
    is $store->ask('lease', url => $b, expires => 60), 'granted', 'another document has its own';
    is $store->ask('lease', url => $a, issued => 59, expires => 60), 'held', 'it is held to its end';
    is $store->ask('lease', url => $a, issued => 70, expires => 60), 'granted', 'and not longer';

    $store->ask('keep', url => $a, value => '{}');
    is $store->ask('lease', url => $a, expires => 60), 'granted', 'a kept document ends the lease';
    $store->ask('fail', url => $a, expires => 30);
    is $store->ask('lease', url => $a, expires => 60), 'cooling', 'after a failure nobody may fetch';
    like $store->ask('find', url => $a), qr/^2 /, 'the older document stays';
    is $store->ask('lease', url => $a, issued => 40, expires => 60), 'granted', 'until it has cooled down';
    $store->ask('keep', url => $b, fill => 1048577);
    is $store->ask('lease', url => $b, expires => 60), 'granted', 'a document that finds no room ends it as well';
    $store->stop;
};

subtest 'a full zone forgets the oldest' => sub {
    my $store = probe();
    $store->ask('keep', url => "https://$_.example/", fill => 500_000, issued => $_) for 1 .. 5;
    is $store->ask('find', url => 'https://1.example/'), 'none', 'the oldest document is gone';
    like $store->ask('find', url => 'https://5.example/'), qr/^500000 /, 'the newest is there';
    like $store->ask('find', url => 'https://4.example/'), qr/^500000 /, 'and the one before';
    $store->ask('lease', url => "https://$_.example/l", expires => 60 + $_) for 1 .. 2000;
    is $store->ask('lease', url => 'https://2000.example/l', expires => 60), 'held', 'leases too';
    $store->stop;
};

subtest 'a reload keeps them' => sub {
    my $store = probe();
    $store->ask('keep', url => $a, value => '{}');
    $store->ask('lease', url => $b, expires => 60);
    ok $store->nginx->reload, 'nginx reloads';
    like $store->ask('find', url => $a), qr/^2 \{\} /, 'the document is there';
    is $store->ask('lease', url => $b, expires => 60), 'held', 'and the lease';
    $store->stop;
};

subtest 'a zone that is too small is refused' => sub {
    my ($ok, $output) = OAuth::StoreProbe->new(store => 'shm:probe:1m', documents => '64k')->nginx->check;
    ok !$ok, 'by nginx -t';
    like $output, qr/\[emerg\] .*oauth_cache_zone is too small with 65536 bytes: give it at least 256k/, 'with the remedy';
};

done_testing;
