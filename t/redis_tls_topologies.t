# Sentinel and cluster over TLS, with a password and a client's certificate: whoever is learnt from another
# server is held to the same as who was configured.
use lib 't/lib';
use OAuth::Test;
use OAuth::Certificates;
use OAuth::Redis::Cluster;
use OAuth::Redis::Sentinel;
use OAuth::StoreProbe;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $certificates = OAuth::Certificates->new;
my $folder = $certificates->dir;
$certificates->make('root', ca => 1)->make('other-root', ca => 1)
    ->make('node', by => 'root', host => 'localhost', address => '127.0.0.1')
    ->make('elsewhere', by => 'root', host => 'other.test', address => '127.0.0.2')
    ->make('stranger', by => 'other-root', host => 'localhost', address => '127.0.0.1')
    ->make('client', by => 'root');
chmod 0644, glob "$folder/*.key";    # nginx may start as another user
# Among themselves they trust both, so that it is nginx alone who refuses one.
my $both = spew("$folder/both.one", slurp("$folder/root.one") . slurp("$folder/other-root.one"));
my $tls = { ca => $both, cert => "$folder/node" };

my %password = (server => 'p@ss', sentinel => 's3ntinel', admin => 'adm1n');
my %file = map { $_ => spew("$folder/$_.password", $password{$_}, 0600) } keys %password;
my $certified = "tls_ca=$folder/root.one tls_cert=$folder/client.pem tls_key=$folder/client.key";
my @admin = (user => 'admin', password => $password{admin});

# What docs/redis.md grants, and `more`; the test and the servers among themselves are `admin`.
sub users {
    my (@more) = @_;
    return ('--user', 'default', 'off', '--user', 'admin', 'on', ">$password{admin}", '~*', '&*', '+@all',
        '--user', 'oauth', 'on', ">$password{server}", '~oauth:*',
        qw(-@all +set +get +getdel +del +evalsha +script|load +ping +zadd +zrem +zrange +zscore +zcard +expire +time +wait), @more,
        '--masteruser', 'admin', '--masterauth', $password{admin});
}

sub value { return OAuth::StoreProbe::value(@_) }

sub probe {
    my ($url, $parameters) = @_;
    return OAuth::StoreProbe->new(store => "$url password_file=$file{server} timeout=2s $parameters", workers => 1)->start;
}

sub is_up   { my ($store) = @_; return wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' } }
sub is_down { my ($store) = @_; return wait_until { $store->known eq 'down' } }
sub lines   { my ($store, $pattern) = @_; return scalar grep { /$pattern/ } split /\n/, $store->nginx->error_log }

sub says {
    my ($store, $redis, $line, $name) = @_;
    my $port = $redis->port;
    return ok wait_until { lines($store, qr/\[error\].*oauth: redis 127\.0\.0\.1:$port: $line/) }, $name;
}

# Whose role changes cuts its connections.
sub patiently { my ($ask) = @_; return wait_until { eval { $ask->() || 1 } } }

# Connections of nginx that have told the password.
sub guests {
    my ($redis) = @_;
    my $count;
    patiently(sub { $count = () = $redis->command(CLIENT => 'LIST') =~ / user=oauth /g });
    return $count;
}

my $fresh = 0;

sub serves {
    my ($store, $name, $what) = @_;
    my @names = map { "$name-" . $fresh++ } 1 .. 2;
    is_deeply [$store->claim($names[0], 0, 60), $store->claim($names[0], 0, 60), $store->put(codes => $names[1], 'v', 60),
        $store->take(codes => $names[1]), $store->take(codes => $names[1])],
        ['done', 'store_taken', 'done', value('v'), 'store_absent'], $what;
    return;
}

my %wrong = (
    stranger  => qr/its certificate does not come from one in tls_ca=$/,
    elsewhere => qr/its certificate is not for "127\.0\.0\.1", by which it is named here$/,
);

my $sentinels_say = "requirepass $password{sentinel}\nsentinel auth-user main admin\nsentinel auth-pass main $password{admin}\n"
    . "user nginx on >$password{sentinel} -\@all +ping +sentinel|get-master-addr-by-name\n";
my $to_sentinels = "$certified sentinel_user=nginx sentinel_password_file=$file{sentinel}";

# reqs 157, 159
subtest 'Sentinel' => sub {
    my $group = OAuth::Redis::Sentinel->new(@admin, args => [users('+role', '+select')], login => { password => $password{sentinel} },
        config => $sentinels_say, tls => $tls)->start;
    my $url = 'rediss+sentinel://oauth@' . $group->authority . '/main?db=1';
    my $store = probe($url, $to_sentinels);
    ok is_up($store), 'the primary is found';
    my $first = $group->primary;
    ok guests($first), 'at its TLS port';
    serves($store, 'a', 'it serves');
    is $store->claim('kept', 0, 60), 'done', 'a claim is made';

    $first->kill;
    ok +(wait_until { $store->claim('b' . $fresh++, 0, 60) eq 'done' } 40), 'when it dies another takes its place, without a reload';
    my $second = $group->successor($first);
    is lines($store, qr/\[notice\].*oauth: redis .*: the primary is now 127\.0\.0\.1:@{[$second->port]}$/), 1, 'as the log says';
    is $store->claim('kept', 0, 60), 'store_taken', 'which knows what was claimed';
    serves($store, 'c', 'and serves');
    is lines($store, qr/certificate/), 0, 'no certificate is complained of';

    my ($third) = grep { $_->is_running && $_ != $second } $group->servers;
    patiently(sub { $third->shows("$folder/stranger") });
    is $group->failover, $third, 'the third is made the primary, with the certificate of a stranger';
    says($store, $third, $wrong{stranger}, 'who is refused');
    ok is_down($store), 'the store is known to be down';
    is_deeply [$store->claim('d', 0, 60), $store->get(codes => 'd')], ['store_down', 'store_down'], 'and answers nothing';
    patiently(sub { $third->shows("$folder/elsewhere") });
    says($store, $third, $wrong{elsewhere}, 'a certificate for another address is no better');
    is $store->claim('d', 0, 60), 'store_down', 'nothing is claimed';
    is guests($third), 0, 'nor was the password told';
    $third->shows("$folder/node");
    ok wait_until { guests($third) }, 'the right one is all that it takes, without a reload';
    ok patiently(sub { OAuth::Redis::Sentinel::_replicas_of($third) || die }), '(it has a replica)';
    is $store->claim('d', 0, 60), 'done', 'and what was refused is still to be had';
    $store->stop;
    $group->stop;
};

# req 159
subtest 'a sentinel with a wrong certificate' => sub {
    my ($right, $other) = map { OAuth::Redis->new(@admin, tls => $tls, args => [users('+role')])->start } 1 .. 2;
    my $watch = sub {
        my ($cert, $redis) = @_;
        return OAuth::Redis::Sentinel::Process->new(name => 'main', quorum => 1, monitor => $redis->port, config => $sentinels_say,
            password => $password{sentinel}, tls => { %$tls, cert => "$folder/$cert" })->start;
    };
    my %liar = map { $_ => $watch->($_, $other) } qw(stranger elsewhere);
    my $honest = $watch->('node', $right);
    my $url = 'rediss+sentinel://oauth@' . join(',', map { '127.0.0.1:' . $_->port } @liar{qw(stranger elsewhere)}, $honest) . '/main';

    my $store = probe($url, $to_sentinels);
    ok is_up($store), 'the third sentinel alone is heard';
    says($store, $liar{$_}, $wrong{$_}, "and not the $_") for sort keys %liar;
    $store->put(codes => "a$_", 'v', 60) for 1 .. 20;
    is $right->command(DBSIZE =>), 20, 'all is stored where that says';
    is $other->command(DBSIZE =>), 0, 'nothing elsewhere';
    is guests($other), 0, 'where nobody ever was';
    $honest->stop;
    my $line = qr/oauth: redis 127\.0\.0\.1:@{[$honest->port]}: /;
    ok wait_until { lines($store, $line) }, 'also when it is away';
    $right->command(CLIENT => KILL => USER => 'oauth');
    ok is_up($store), 'and the connections are cut: the last primary stays';
    is $store->put(codes => 'late', 'v', 60), 'done', 'it serves';
    is guests($other), 0, 'the two are not heard even then';
    $store->stop;

    $store = probe($url, $to_sentinels =~ s/root\.one/both.one/r);
    ok is_up($store), 'who trusts the authority of one';
    ok guests($other), 'goes where it says';
    $store->stop;
    $_->stop for values %liar, $right, $other;
};

# reqs 157, 159, 160
subtest 'cluster' => sub {
    my $cluster = OAuth::Redis::Cluster->new(@admin, args => [users('+cluster|slots', '+asking')], tls => $tls)->start;
    my $name_at = sub {
        my ($node) = @_;
        while (1) {
            my $name = '{n' . $fresh++ . '}';
            return $name if $cluster->primary_of("oauth:claim:$name") == $node;
        }
    };
    my ($first, $second, $third) = $cluster->primaries;
    my $store = probe('rediss+cluster://oauth@127.0.0.1:' . $first->port, $certified);
    for my $node ($first, $second, $third) {
        my $name = $name_at->($node);
        serves($store, $name, 'each node is found from one, and serves');
        is $store->claim($name, 0, 60), 'done', 'a claim is made';
        is $node->command(EXISTS => "oauth:claim:$name"), 1, 'where it belongs';
    }

    my $moved = $name_at->($first);
    is $store->claim("$moved-kept", 0, 60), 'done', 'a claim is made in a slot';
    my @asked;
    $cluster->move($cluster->slot("oauth:claim:$moved"), $first, $second, sub { push @asked, $store->claim("$moved-" . $fresh++, 0, 60) });
    is_deeply [grep { $_ ne 'done' } @asked], [], 'while the slot moves, it is served';
    is $store->claim("$moved-kept", 0, 60), 'store_taken', 'and then its new node is asked';
    serves($store, $moved, 'which serves');

    my $kept = $name_at->($second);
    is $store->claim($kept, 0, 60), 'done', 'a claim is made';
    my $replica = $cluster->replica_of($second);
    $second->kill;
    ok +(wait_until { $store->get(codes => $kept) eq 'store_absent' && $replica->is_primary } 40),
        'when its node dies, its replica takes over, without a reload';
    is $store->claim($kept, 0, 60), 'store_taken', 'and knows it';
    $second->start;
    $cluster->settle;
    ok wait_until { $store->claim("$kept-" . $fresh++, 0, 60) eq 'done' }, 'it serves once it has a replica of its own';
    is lines($store, qr/certificate/), 0, 'no certificate is complained of';

    my ($old, $new) = ($third, $cluster->replica_of($third));
    my $name = $name_at->($old);
    my $other = $name_at->($first);
    $new->shows("$folder/stranger");
    $new->command(CLUSTER => 'FAILOVER');
    ok wait_until { $new->is_primary && !$old->is_primary }, 'a replica with the certificate of a stranger takes over';
    $cluster->settle;
    ok wait_until { $store->claim($name, 0, 60) eq 'store_down' }, 'what belongs to it is not available';
    says($store, $new, $wrong{stranger}, 'the log says why');
    is $store->claim("$other-" . $fresh++, 0, 60), 'done', 'all else is';
    $new->shows("$folder/elsewhere");
    says($store, $new, $wrong{elsewhere}, 'a certificate for another address is no better');
    is $store->claim($name, 0, 60), 'store_down', 'nothing is claimed';
    is guests($new), 0, 'nor was the password told';
    $new->shows("$folder/node");
    ok wait_until { $store->claim($name, 0, 60) eq 'done' }, 'the right one is all that it takes, without a reload';
    $store->stop;

    # By a name, which only the nodes say.
    for my $node ($cluster->nodes) {
        $node->command(CONFIG => SET => 'cluster-announce-hostname', 'localhost');
        $node->command(CONFIG => SET => 'cluster-preferred-endpoint-type', 'hostname');
    }
    my $all = sub { my ($node) = @_; return map { $_->[2][0] } @{ $node->command(CLUSTER => 'SLOTS') } };
    ok wait_until { !grep { $_ ne 'localhost' } map { $all->($_) } $cluster->nodes }, 'where the nodes announce names';
    $certificates->make('named', by => 'root', host => 'localhost');
    chmod 0644, "$folder/named.key";
    $_->shows("$folder/named") for grep { $_ != $first } $cluster->nodes;
    $store = probe('rediss+cluster://oauth@localhost:' . $first->port, $certified);
    serves($store, $name_at->($_), 'certificates for these will do') for $cluster->primaries;
    $certificates->make('misnamed', by => 'root', host => 'other.test', address => '127.0.0.1');
    chmod 0644, "$folder/misnamed.key";
    $new->shows("$folder/misnamed");
    $new->command(CLIENT => KILL => USER => 'oauth');
    ok wait_until { lines($store, qr/oauth: redis localhost:@{[$new->port]}: its certificate is not for "localhost"/) }, 'and none for the address';
    is $store->claim($name_at->($new), 0, 60), 'store_down', 'nothing is claimed there';
    $store->stop;
    $cluster->stop;
};

done_testing;
