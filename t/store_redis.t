# The store in Redis: servers that are away, silent, hostile or unwilling, and what nginx -t says.
use lib 't/lib';
use OAuth::Test;
use OAuth::StoreProbe;
use OAuth::FakeRedis;
use OAuth::Process;
use IO::Select;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

sub value { return OAuth::StoreProbe::value(@_) }

sub probe {
    my ($port, $parameters, %args) = @_;
    my $url = $port =~ /:/ ? $port : "redis://127.0.0.1:$port";
    return OAuth::StoreProbe->new(store => $url . ' ' . ($parameters || ''), workers => 1, %args)->start;
}

sub is_up   { my ($store) = @_; return wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' } }
sub is_down { my ($store) = @_; return wait_until { $store->known eq 'down' } }
sub lines   { my ($store, $pattern) = @_; return scalar grep { /$pattern/ } split /\n/, $store->nginx->error_log }

sub fake_redis {
    my $fake = OAuth::FakeRedis->new(@_);
    return ($fake->port, $fake);
}

# req 159
subtest 'a server that is not there' => sub {
    my $redis = OAuth::Redis->new;
    my $store = probe($redis->port, '', workers => 2);
    my $away = qr/oauth: redis 127\.0\.0\.1:\d+: cannot connect: Connection refused/;
    ok wait_until { lines($store, $away) == 2 }, 'is missed by each worker';
    is $store->known, 'down', 'and known to be down';
    is $store->claim('a', 0, 60), 'store_down', 'nothing is claimed';
    is $store->put(codes => 'a', 'v', 60), 'store_down', 'nothing is stored';
    is $store->take(codes => 'a'), 'store_down', 'nothing is taken';
    $redis->start;
    ok wait_until { $store->claim('a', 0, 60) eq 'done' }, 'it is used once it comes, without a reload, and the claim is free';
    ok wait_until { lines($store, qr/\[notice\].*oauth: redis .*: is back/) == 2 }, 'each worker tells that it is back';
    is lines($store, $away), 2, 'as it told that it was away: once';
    $store->stop;
    $redis->stop;
};

# req 159
subtest 'a server that goes away and comes back' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port);
    for my $end (qw(stop kill)) {
        ok is_up($store), 'it is used';
        $store->put(codes => 'a', 'v', 60);
        is $store->claim($end, 0, 60), 'done', 'a claim is made';
        $redis->$end;
        like $store->claim($end, 0, 60), qr/^store_(?:down|lost)$/, "after a $end nothing is accepted";
        like $store->take(codes => 'a'), qr/^store_(?:down|lost)$/, 'or handed out';
        ok is_down($store), 'and it is known to be down';
        $redis->start;
    }
    ok is_up($store), 'it is used again';
    # req 161
    is $store->take(codes => 'a'), 'store_absent', 'what it forgot means to begin again';
    is $store->swap(grants => 'g', 'old', 'new', 60), 'store_absent', 'for every kind';
    $store->stop;
    $redis->stop;
};

# req 159
subtest 'a server that is silent' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port, 'timeout=300ms');
    ok is_up($store), 'it is used';
    $store->put(codes => 'a', 'v', 60);
    $redis->pause;
    is $store->claim('c', 0, 60), 'store_lost', 'a claim whose answer does not come is not made';
    ok is_down($store), 'the server is known to be down';
    is $store->claim('d', 0, 60), 'store_down', 'and nothing more is sent to it';
    like $store->nginx->error_log, qr/oauth: redis .*: no answer within 300 ms/, 'the log says why';
    $redis->resume;
    ok is_up($store), 'it is used again once it speaks';
    is $store->claim('c', 0, 60), 'store_taken', 'the lost claim has been made, and stays made';
    is $store->claim('d', 0, 60), 'done', 'the one that was never sent has not';
    is $store->take(codes => 'a'), value('v'), 'answers belong to their questions';
    $store->stop;
    $redis->stop;
};

subtest 'many who wait' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port, 'timeout=20s connections=1');
    ok is_up($store), 'it is used';
    $redis->pause;
    my @clients = map { $store->nginx->connect(timeout => 5) } 1 .. 600;
    my $text = OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('put', { share => 'codes', name => 'n', value => 'v', expires => 60 }), host => 'x');
    $_->send($text) for @clients;
    my $refused = IO::Select->new(map { $_->socket } @clients);
    ok wait_until { (my @ready = $refused->can_read(0)) >= 88 }, 'beyond a bound they are refused at once';
    $redis->resume;
    my %told;
    $told{ $_->read_response->{body} }++ for @clients;
    is_deeply \%told, { done => 512, store_down => 88 }, 'all others are served when the server speaks';
    $_->close for @clients;
    $store->stop;
    $redis->stop;
};

subtest 'one who leaves' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port, 'timeout=20s connections=1');
    ok is_up($store), 'it is used';
    $store->put(codes => "n$_", "v$_", 60) for 1 .. 20;
    my @workers = $store->nginx->worker_pids;
    $redis->pause;
    my @clients = map { $store->nginx->connect } 1 .. 20;
    for my $n (1 .. 20) {
        $clients[$n - 1]->send(OAuth::Http::format_request('GET',
            OAuth::StoreProbe::target('get', { share => 'codes', name => "n$n" }), host => 'x'));
    }
    # Let nginx read them all before half of the clients leave.
    my $mark = $store->nginx->connect;
    is $mark->request(GET => '/', close => 1)->{status}, 404, 'the worker is not blocked meanwhile';
    $mark->close;
    $_->close for grep { defined } @clients[grep { $_ % 2 } 0 .. 19];
    is $store->nginx->get('/')->{status}, 404, 'nor when clients leave';
    $redis->resume;
    is_deeply [map { $clients[$_]->read_response->{body} } grep { $_ % 2 == 0 } 0 .. 19],
        [map { value("v$_") } grep { $_ % 2 } 1 .. 20], 'the others get their own answers';
    is_deeply [$store->nginx->worker_pids], \@workers, 'from the same worker';
    $store->stop;
    $redis->stop;
};

subtest 'a worker that ends' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port, 'timeout=20s');
    ok is_up($store), 'the server is used';
    $redis->pause;
    my $client = $store->nginx->connect;
    $client->send(OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('claim', { name => 'c', issued => 0, expires => 60 }), host => 'x'));
    is $store->nginx->get('/')->{status}, 404, 'a request waits';
    ok $store->nginx->reload, 'and nginx reloads';
    $redis->resume;
    is $client->read_response->{body}, 'done', 'the old worker waits for the answer';
    $client->close;
    ok is_up($store), 'the new one has its own connections';
    is $store->claim('c', 0, 60), 'store_taken', 'and knows of it';
    $store->stop;
    $redis->stop;
};

subtest 'a worker that ends before it is connected' => sub {
    my ($port, $fake) = fake_redis(ping => sub { sleep 1; "+PONG\r\n" }, answer => sub { "+OK\r\n" });
    my $store = probe($port, 'timeout=20s connections=1');
    my $client = $store->nginx->connect;
    $client->send(OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('claim', { name => 'c', issued => 0, expires => 60 }), host => 'x'));
    is $store->nginx->get('/')->{status}, 404, 'a request waits for the connection';
    $store->nginx->signal('QUIT');
    is $client->read_response->{body}, 'done', 'and gets its answer';
    $client->close;
    $store->stop;
};

subtest 'a worker that may wait no longer' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port, 'timeout=60s');
    ok is_up($store), 'the server is used';
    $redis->pause;
    my $client = $store->nginx->connect;
    $client->send(OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('get', { share => 'codes', name => 'c' }), host => 'x'));
    is $store->nginx->get('/')->{status}, 404, 'a request waits';
    $store->stop;    # fails unless worker_shutdown_timeout (10 s) ends it
    $redis->stop;
};

# req 159
subtest 'a server that refuses' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = probe($redis->port);
    ok is_up($store), 'it is used';
    $store->put(codes => 'a', 'v', 60);

    $redis->command(REPLICAOF => '127.0.0.1', '1');
    is $store->claim('r', 0, 60), 'store_down', 'a replica takes no claim';
    like $store->nginx->error_log, qr/SET is refused: READONLY: it is a replica/, 'the log says so';
    $redis->command(REPLICAOF => 'NO', 'ONE');
    ok wait_until { $store->claim('r', 0, 60) eq 'done' }, 'a primary does, without a reload';

    $redis->command(CONFIG => SET => maxmemory => 1);
    is $store->claim('m', 0, 60), 'store_down', 'a full server takes no claim';
    is $store->put(codes => 'm', 'v', 60), 'store_down', 'and no value';
    is $store->put(codes => 'm', 'v', 60), 'store_down', 'as often as one asks';
    is lines($store, qr/SET is refused: OOM: its maxmemory is reached/), 1, 'the log says it once';
    $redis->command(CONFIG => SET => maxmemory => 0);
    is $store->claim('m', 0, 60), 'done', 'it does as soon as it can';

    $redis->command(RPUSH => 'oauth:code:l', 'x');
    is $store->get(codes => 'l'), 'store_down', 'what is no value of ours is not read';
    is $store->take(codes => 'l'), 'store_down', 'or taken';
    is $store->take(codes => 'a', 'l'), 'store_lost', 'nor is a value whose twin could not be deleted';
    like $store->nginx->error_log, qr/GET is refused: WRONGTYPE: another application/, 'the log says why';

    $redis->command(SCRIPT => 'FLUSH');
    $store->put(grants => 's', 'old', 60);
    is $store->swap(grants => 's', 'old', 'new', 60), 'done', 'a script is loaded';
    $redis->command(SCRIPT => 'FLUSH');
    is $store->swap(grants => 's', 'new', 'newer', 60), 'done', 'and again when it was forgotten';

    $redis->command(CLIENT => KILL => TYPE => 'normal', SKIPME => 'yes');
    ok is_up($store), 'a connection that was cut is made anew';
    is $store->get(grants => 's'), value('newer'), 'and serves';
    $store->stop;
    $redis->stop;
};

subtest 'passwords and rights' => sub {
    my $secret = 'p@ss/w:rd%n';
    my $redis = OAuth::Redis->new(args => ['--requirepass', $secret], password => $secret)->start;
    $redis->command(ACL => SETUSER => 'oauth', 'on', ">$secret", '~oauth:*', '-@all',
        qw(+set +get +getdel +del +evalsha +script|load +ping +select +zadd +zrem +zrange +zscore +zcard +expire +time));
    $redis->command(ACL => SETUSER => 'narrow', 'on', ">$secret", '~oauth:*', '-@all', qw(+set +get));
    my $port = $redis->port;
    my $files = OAuth::Nginx->new;
    my $file = spew($files->dir . '/password', "$secret\n", 0600);

    my $store = probe($port);
    ok is_down($store), 'without a password the server is as good as down';
    is $store->claim('a', 0, 60), 'store_down', 'and nothing is claimed';
    like $store->nginx->error_log, qr/PING is refused: NOAUTH: it wants a password/, 'the log says why';
    $redis->command(CONFIG => SET => requirepass => '');
    ok is_up($store), 'it is used when it no longer wants one, without a reload';
    $redis->command(CONFIG => SET => requirepass => $secret);
    $store->stop;

    $store = probe("redis://:wrong\@127.0.0.1:$port");
    ok is_down($store), 'with a wrong password too';
    like $store->nginx->error_log, qr/AUTH is refused: WRONGPASS: user or password/, 'the log says why';
    unlike $store->nginx->error_log, qr/wrong/, 'but not what was tried';
    $store->stop;

    my $encoded = url_encode($secret);
    for my $url ("redis://:$encoded\@127.0.0.1:$port", "redis://oauth:$encoded\@127.0.0.1:$port/2",
        "redis://oauth\@127.0.0.1:$port password_file=$file",
        'redis+unix:' . $redis->socket_path . "?user=oauth&db=1 password_file=$file") {
        $store = probe($url, '', log_level => 'debug');
        ok is_up($store), 'the right one opens it';
        is $store->claim('a', 0, 60), 'done', 'with rights to claim';
        is $store->put(grants => 'g', 'one', 60), 'done', 'to put';
        is $store->swap(grants => 'g', 'one', 'two', 60), 'done', 'to swap';
        is $store->take(grants => 'g'), value('two'), 'and to take';
        is $store->drop(grants => 'g'), 'done', 'and to drop';
        unlike $store->nginx->error_log, qr/\Q$secret\E|\Q$encoded\E/, 'and no log shows it, not even debug';
        $store->stop;
        $redis->command('FLUSHALL');
    }

    $store = probe("redis://narrow:$encoded\@127.0.0.1:$port");
    is $store->put(codes => 'a', 'v', 60), 'done', 'a user with fewer rights may have enough for one verb';
    is $store->take(codes => 'a'), 'store_down', 'but not for another';
    is $store->get(codes => 'a'), value('v'), 'which then has done nothing';
    like $store->nginx->error_log, qr/GETDEL is refused: NOPERM: the user lacks a right: docs\/redis\.md/, 'the log says which';
    $store->stop;
    $redis->stop;
};

# req 159
subtest 'a server that is none' => sub {
    my %hostile = (
        'a bulk of 1 GB'           => ["\$1073741824\r\nxxxx", qr/a bulk string of 1073741824 bytes is announced/],
        'a bulk of just over 1 MiB' => ["\$1048577\r\nxxxx", qr/a bulk string of 1048577 bytes/],
        'a negative bulk'          => ["\$-2\r\n", qr/a bulk string of -2 bytes/],
        'a bulk that goes on'      => ["\$1\r\nxyz\r\n", qr/a bulk string is longer than announced/],
        'an array of a billion'    => ["*1000000000\r\n", qr/an array of 1000000000 elements/],
        'nested arrays'            => ["*1\r\n" x 10, qr/an array within an array/],
        'a number that is none'    => [":12x\r\n", qr/a number that is none/],
        'a number without end'     => ["\$" . '9' x 30 . "\r\n", qr/a number that is none/],
        'a number in disguise'     => ["\$05\r\nabcde\r\n", qr/a number that is none/],
        'a line without end'       => ['+' . 'x' x 5000, qr/a line of more than 4096 bytes/],
        'a bare line feed'         => ["+OK\n", qr/a line that is empty or does not end with CR LF/],
        'HTTP'                     => ["HTTP/1.1 400 Bad Request\r\n\r\n", qr/byte 72 where a reply begins/],
        'TLS'                      => ["\x15\x03\x01", qr/byte 21 where a reply begins/],
        'RESP3'                    => ["%1\r\n", qr/byte 37 where a reply begins/],
        'two answers to one'       => ["+OK\r\n+OK\r\n", qr/a reply that nobody asked for/, 'done'],
        'half an answer'           => ["\$5\r\nab", qr/no answer within 500 ms/],
        'an end'                   => [undef, qr/the server closed the connection/],
    );
    for my $what (sort keys %hostile) {
        my ($answer, $line, $told) = @{ $hostile{$what} };
        my ($port, $fake) = fake_redis(answer => sub { $_[0] == 1 ? $answer : "+OK\r\n" });
        my $store = probe($port, 'timeout=500ms connections=1');
        is $store->put(codes => 'a', 'v', 60), $told || 'store_lost', "$what is no answer";
        ok wait_until { $store->nginx->error_log =~ /\[error\].*oauth: redis 127\.0\.0\.1:\d+: (?:protocol error: )?$line/ },
            'the log says what it was';
        ok wait_until { $store->put(codes => 'a', 'v', 60) eq 'done' }, 'a new connection is made';
        $store->stop;
    }
    my %odd = ('an error' => "-ERR x 'oauth:code:a' 's3cret'\r\n", 'a number' => ":1\r\n", 'an array' => "*2\r\n+a\r\n\$1\r\nb\r\n",
        'nil' => "\$-1\r\n", 'LOADING' => "-LOADING x\r\n", 'an odd error' => "-x%n\r\n");
    for my $what (sort keys %odd) {
        my ($port, $fake) = fake_redis(answer => sub { $odd{$what} });
        my $store = probe($port);
        is $store->put(codes => 'a', 'v', 60), 'store_down', "$what does not count as done";
        is $store->drop(codes => 'a'), $what eq 'a number' ? 'done' : 'store_down', 'nor as dropped';
        like $store->claim('a', 0, 60), $what eq 'nil' ? qr/^store_taken$/ : qr/^store_down$/, 'nor as claimed';
        like $store->take(codes => 'a'), $what eq 'nil' ? qr/^store_absent$/ : qr/^store_down$/, 'nor as a value';
        like $store->swap(codes => 'a', 'v', 'w', 60), qr/^store_down$/, 'nor as swapped';
        unlike $store->nginx->error_log, qr/s3cret/, 'and the log repeats nothing of it';
        $store->stop;
    }
};

# req 159
subtest 'an answer that comes before its question' => sub {
    my $early = sub { sleep 1; return "+PONG\r\n" . ($_[0] == 1 ? "+OK\r\n" : '') };
    my ($port, $fake) = fake_redis(ping => $early, answer => sub { "+OK\r\n" });
    my $store = probe($port, 'timeout=10s connections=1');
    is $store->claim('a', 0, 60), 'store_down', 'is no answer';
    like $store->nginx->error_log, qr/protocol error: a reply that nobody asked for/, 'and the log says so';
    ok wait_until { $store->claim('a', 0, 60) eq 'done' }, 'a new connection is made';
    $store->stop;
};

# req 159
subtest 'a server that became a replica' => sub {
    my ($port, $fake) = fake_redis(answer => sub { $_[0] <= 2 ? "-READONLY You can't\r\n" : "+OK\r\n" });
    my $store = probe($port);
    is $store->claim('a', 0, 60), 'store_down', 'takes no claim';
    ok wait_until { $store->claim('a', 0, 60) eq 'done' }, 'its address is asked anew, where another may answer';
    $store->stop;
};

# req 160
subtest 'one of many wins, over two nginx of four workers' => sub {
    my $redis = OAuth::Redis->new->start;
    my @stores = map { probe($redis->port, '', workers => 4) } 1 .. 2;
    ok is_up($_), 'both use it' for @stores;
    for my $round (1 .. 5) {
        $stores[0]->put(codes => "t$round", 'v', 60);
        my $told = OAuth::StoreProbe::parallel_over(\@stores, 200, take => { share => 'codes', name => "t$round" });
        is scalar(grep { $_ eq value('v') } @$told), 1, 'one of 200 takes gets the value';
        $told = OAuth::StoreProbe::parallel_over(\@stores, 200, claim => { name => "c$round", issued => 0, expires => 60 });
        is scalar(grep { $_ eq 'done' } @$told), 1, 'one of 200 claims is the first';
    }
    $_->stop for @stores;
    $redis->stop;
};

subtest 'a mistake is found by nginx -t' => sub {
    my %mistakes = (
        'redis://'                           => qr/"redis:\/\/\*\*\*": write redis:\/\/\[USER/,
        'redis://h/x'                        => qr/what follows the `\/` is the number of a database/,
        'redis://127.0.0.1:99999'            => qr/"redis:\/\/\*\*\*": write redis:/,
        'redis://user:s3cret'                => qr/"redis:\/\/\*\*\*": write redis:/,
        'redis://:s3cret'                    => qr/"redis:\/\/\*\*\*": write redis:/,
        'redis://[::1'                       => qr/write redis:/,
        'redis://127.0.0.256'                => qr/"redis:\/\/\*\*\*": write redis:/,
        'redis://[fe80::1%eth0]'             => qr/write redis:/,
        'redis://[::1]x'                     => qr/write redis:/,
        'redis://h:0'                        => qr/write redis:/,
        'redis://a,b'                        => qr/"redis:\/\/a,b": write redis:/,
        'redis://127.0.0.1?db=1'             => qr/a `\?` or `#` does not belong here/,
        'redis://u:s3cret@'                  => qr/"redis:\/\/\*\*\*\x40": write redis:/,
        'redis://u:s3/cret@h'                => qr/"redis:\/\/\*\*\*\x40h": in a user or password `\/` is %2F/,
        'redis://u:s3@cret@h'                => qr/"redis:\/\/\*\*\*\x40h": in a user or password/,
        'redis://u:%zz@h'                    => qr/need percent-encoding/,
        'redis://u@127.0.0.1'                => qr/there is a user but no password: add password_file=PATH/,
        'redis://:s3cret@127.0.0.1 password_file=x' => qr/the password stands in the URL and in password_file=/,
        'redis://127.0.0.1 password_file=/none' => qr/must exist and be readable/,
        'redis://127.0.0.1 prefix='          => qr/prefix= takes 1 to 64/,
        'redis://127.0.0.1 prefix=a*'        => qr/prefix= takes 1 to 64/,
        'redis://127.0.0.1 timeout=0'        => qr/timeout= takes a time from 1ms to 60s/,
        'redis://127.0.0.1 timeout=2m'       => qr/timeout= takes a time/,
        'redis://127.0.0.1 connections=0'    => qr/connections= takes a number from 1 to 64/,
        'redis://127.0.0.1 connections=65'   => qr/connections= takes a number/,
        'redis://127.0.0.1 replicas=17'      => qr/replicas= takes a number from 0 to 16/,
        'redis://127.0.0.1 replicas='        => qr/replicas= takes a number/,
        'redis://127.0.0.1 conections=2'     => qr/known parameters are password_file=, prefix=, timeout=, connections= and replicas=/,
        'redis://127.0.0.1 timeout='         => qr/timeout= takes a time/,
        'redis://127.0.0.1 tls_ca=x'         => qr/tls_ca=, tls_cert= and tls_key= belong to rediss:\/\//,
        'redis+unix:/s tls_ca=x'             => qr/belong to rediss:\/\//,
        'rediss://127.0.0.1 tls_cert=x'      => qr/tls_cert= and tls_key= go together/,
        'rediss://127.0.0.1 tls_ca='         => qr/known parameters are/,
        'redis://h sentinel_user=u'          => qr/sentinel_user= belongs to redis\+sentinel:\/\//,
        'redis+cluster://h sentinel_password_file=f' => qr/sentinel_password_file= belongs to redis\+sentinel/,
        'redis+unix:relative'                => qr/write redis\+unix:\/PATH/,
        'redis+unix:/s?password=s3cret'      => qr/behind the path only db= and user= are known/,
        'redis+unix:/s?db=x'                 => qr/db= is the number of a database/,
        'redis+unix:/' . 's' x 107           => qr/the path of a socket has at most 107 bytes/,
        'redis+sentinel://a,b,c'             => qr/write redis\+sentinel:\/\/.*\/MASTER/,
        'redis+sentinel://a,b,c/'            => qr/write redis\+sentinel:\/\/.*\/MASTER/,
        'redis+sentinel://a,,c/m'            => qr/write redis\+sentinel:\/\//,
        'redis+sentinel://a/m?x=1'           => qr/a `\?` or `#` does not belong here/,
        'redis+sentinel://a/m?db=x'          => qr/db= is the number of a database/,
        'redis+sentinel://a/m/1'             => qr/write redis\+sentinel:\/\//,
        'redis+sentinel://:s3cret@a/m password_file=x' => qr/"redis\+sentinel:\/\/\*\*\*\x40a\/m": the password stands/,
        'redis+sentinel://a:s3cret,b/m'      => qr/"redis\+sentinel:\/\/\*\*\*": write redis\+sentinel:/,
        'rediss+sentinel://a/m sentinel_user=u' => qr/add sentinel_password_file=PATH/,
        'redis+cluster://a,b/1'              => qr/a cluster has no database but 0/,
        'redis+cluster://a,b/x'              => qr/is the number of a database/,
        'redis+cluster://'                   => qr/write redis\+cluster:\/\//,
        'memcached://127.0.0.1'              => qr/write shm:NAME:SIZE, redis:\/\/HOST/,
    );
    for my $url ('redis://localhost', 'redis://[::1]:6379/1', 'redis://127.0.0.1/', 'redis+unix:/none prefix=a:b timeout=50ms') {
        my ($ok, $output) = OAuth::StoreProbe->new(store => $url)->nginx->check;
        ok $ok, "$url is accepted" or diag $output;
    }
    for my $text (sort keys %mistakes) {
        my $quoted = join ' ', map { qq("$_") } split / /, $text;
        my ($ok, $output) = OAuth::StoreProbe->new(store => $quoted)->nginx->check;
        ok !$ok, "$text is refused";
        like $output, qr/\[emerg\].*$mistakes{$text}.* in .*:\d+/, 'and the line says what to write';
        unlike $output, qr/s3cret|s3\x40|s3\/cret/, 'and not the password' if $text =~ /s3/;
    }
};

done_testing;
