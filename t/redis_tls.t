# Redis over TLS: the server is who its certificate says, by a chain to tls_ca= or to whom this
# machine trusts, or nothing is said to it.
use lib 't/lib';
use OAuth::Test;
use OAuth::Certificates;
use OAuth::FakeRedis;
use OAuth::Port;
use OAuth::StoreProbe;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $certificates = OAuth::Certificates->new;
my $folder = $certificates->dir;
$certificates->make('root', ca => 1)->make('other-root', ca => 1)->make('middle', by => 'root', ca => 1)
    ->make('good', by => 'root', host => 'localhost', address => '127.0.0.1')
    ->make('deep', by => 'middle', host => 'localhost')
    ->make('wrong-name', by => 'root', host => 'other.test', address => '127.0.0.2')
    ->make('name-only', by => 'root', host => 'localhost')
    ->make('expired', by => 'root', host => 'localhost', days => -1)
    ->make('stranger', by => 'other-root', host => 'localhost')
    ->make('self-signed', host => 'localhost')
    ->make('client', by => 'root')->make('foreign-client', by => 'other-root');
chmod 0644, glob "$folder/*.key";    # nginx may start as another user

my $secret = 'open-sesame';
my $tls = OAuth::Port::take();
my $redis = OAuth::Redis->new(password => $secret, args => [
    '--requirepass', $secret, '--tls-port', $tls, '--tls-auth-clients', 'no', '--tls-ca-cert-file', "$folder/root.one",
    '--tls-cert-file', "$folder/good.pem", '--tls-key-file', "$folder/good.key"])->start;
my $plain = $redis->port;
my $password = 'password_file=' . spew("$folder/password", $secret, 0600);
my $ca = "tls_ca=$folder/root.one";

sub shows { my ($name) = @_; return $redis->command(CONFIG => SET => 'tls-cert-file', "$folder/$name.pem", 'tls-key-file', "$folder/$name.key") }

sub probe {
    my ($url, %args) = @_;
    return OAuth::StoreProbe->new(store => "$url $password", workers => 1, %args)->start;
}

sub is_up   { my ($store) = @_; return wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' } }
sub is_down { my ($store) = @_; return wait_until { $store->known eq 'down' } }

sub says {
    my ($store, $line, $name) = @_;
    ok wait_until { $store->nginx->error_log =~ /\[error\].*oauth: redis [^ ]+:\d+: $line/ }, $name
        or diag $store->nginx->error_log;
    return;
}

# req 157
subtest 'a server that shows the right certificate' => sub {
    for my $case (['localhost', 'good', 'by its name'], ['127.0.0.1', 'good', 'by its address'],
        ['localhost', 'deep', 'with an authority in between']) {
        my ($host, $name, $how) = @$case;
        shows($name);
        my $store = probe("rediss://$host:$tls/1 $ca");
        ok is_up($store), "is used, $how";
        is $store->claim("$host $name", 0, 60), 'done', 'it takes a claim';
        is $store->put(grants => 'g', 'one', 60), 'done', 'a value';
        is $store->swap(grants => 'g', 'one', 'two', 60), 'done', 'and runs a script';
        is $store->take(grants => 'g'), OAuth::StoreProbe::value('two'), 'what it gives back is whole';
        unlike $store->nginx->error_log, qr/\[(?:error|alert|crit)\].*(?:oauth:|SSL)/, 'and nothing is complained of';
        $store->stop;
    }
    shows('good');
};

# req 157
subtest 'a server that shows another' => sub {
    my @cases = (
        ['localhost', 'wrong-name',  qr/its certificate is not for "localhost"/,          'for another name'],
        ['127.0.0.1', 'name-only',   qr/its certificate is not for "127\.0\.0\.1"/,       'for a name, not the address'],
        ['127.0.0.1', 'wrong-name',  qr/its certificate is not for "127\.0\.0\.1"/,       'for another address'],
        ['localhost', 'expired',     qr/its certificate, or one above it, has expired/,   'that has expired'],
        ['localhost', 'stranger',    qr/its certificate does not come from one in tls_ca=/, 'of a stranger'],
        ['localhost', 'self-signed', qr/its certificate does not come from one in tls_ca=/, 'of its own making'],
    );
    for my $case (@cases) {
        my ($host, $name, $line, $what) = @$case;
        shows($name);
        my $before = commands();
        my $store = probe("rediss://$host:$tls $ca");
        ok is_down($store), "one $what: is not used";
        is $store->claim("c $name $host", 0, 60), 'store_down', 'nothing is claimed';
        says($store, $line, 'the log says why');
        is commands(), $before, 'and not even the password was sent';
        shows('good');
        ok is_up($store), 'it is used once it shows the right one, without a reload';
        $store->stop;
    }
};

# How often somebody tried to log in, or asked anything that this test does not ask itself.
sub commands { my ($count) = $redis->command(INFO => 'commandstats') =~ /cmdstat_ping:calls=(\d+)/; return $count }

subtest 'whom to trust' => sub {
    my $store = probe("rediss://localhost:$tls", env => { SSL_CERT_FILE => "$folder/root.one" });
    ok is_up($store), 'is whom this machine trusts, where tls_ca= is not given';
    $store->stop;
    $store = probe("rediss://localhost:$tls", env => { SSL_CERT_FILE => "$folder/other-root.one" });
    ok is_down($store), 'and nobody else';
    says($store, qr/its certificate comes from nobody whom this machine trusts: give tls_ca=/, 'as the log says');
    $store->stop;
    $store = probe("rediss://localhost:$tls tls_ca=$folder/other-root.one", env => { SSL_CERT_FILE => "$folder/root.one" });
    ok is_down($store), 'with tls_ca= only those in it';
    $store->stop;
};

subtest 'a name by SNI' => sub {
    my $several = OAuth::Nginx->new(module => 0, http => join '', map { <<"CONF" } ['wrong-name', 'other.test'], ['good', 'localhost'])->start;
    server {
        listen 127.0.0.1:%%PORT1%% ssl;
        server_name $_->[1];
        ssl_certificate $folder/$_->[0].pem;
        ssl_certificate_key $folder/$_->[0].key;
    }
CONF
    my $store = probe('rediss://localhost:' . $several->port(1) . " $ca");
    says($store, qr/protocol error: byte 72 where a reply begins: this is not Redis/, 'chooses the right one of several hosts, even if it is no Redis');
    $store->stop;
    $several->stop;
};

subtest 'a server that wants a certificate' => sub {
    $redis->command(CONFIG => SET => 'tls-auth-clients', 'yes');
    for my $version ('TLSv1.2', 'TLSv1.3') {
        $redis->command(CONFIG => SET => 'tls-protocols', $version);
        my $store = probe("rediss://localhost:$tls $ca");
        ok is_down($store), "by $version: does not serve who has none";
        says($store, qr/it wants a client certificate: give tls_cert= and tls_key=/, 'the log says so');
        $store->stop;
        $store = probe("rediss://localhost:$tls $ca tls_cert=$folder/foreign-client.pem tls_key=$folder/foreign-client.key");
        ok is_down($store), 'or one that it does not know';
        says($store, qr/it refuses our certificate: tls_cert=/, 'the log says so');
        $store->stop;
        $store = probe("rediss://localhost:$tls $ca tls_cert=$folder/client.pem tls_key=$folder/client.key");
        ok is_up($store), 'but who has the right one';
        is $store->claim("by $version", 0, 60), 'done', 'with all that it offers';
        $store->stop;
    }
    $redis->command(CONFIG => SET => 'tls-auth-clients', 'no');
    $redis->command(CONFIG => SET => 'tls-protocols', 'TLSv1.1');
    my $store = probe("rediss://localhost:$tls $ca");
    ok is_down($store), 'TLS before 1.2 is none';
    says($store, qr/no TLS version in common, 1\.2 or later is needed/, 'as the log says');
    $redis->command(CONFIG => SET => 'tls-protocols', 'TLSv1.2 TLSv1.3');
    ok is_up($store), 'it is used once it speaks a later one';
    $store->stop;
};

subtest 'one side speaks TLS, the other does not' => sub {
    my $fake = OAuth::FakeRedis->new(answer => sub { "-ERR Protocol error\r\n" });
    my $store = probe('rediss://localhost:' . $fake->port . " $ca");
    ok is_down($store), 'a server without TLS is not used';
    says($store, qr/it does not speak TLS: write redis:\/\//, 'the log says why');
    $store->stop;
    $store = probe("rediss://localhost:$plain $ca timeout=300ms");
    says($store, qr/(?:it does not speak TLS: write redis|no TLS handshake \(does it speak TLS\?\) within 300 ms|the server closed the connection during the TLS handshake)/,
        'nor is a Redis without TLS');
    is $store->claim('a', 0, 60), 'store_down', 'nothing is claimed';
    $store->stop;
    my $silent = OAuth::FakeRedis->new(answer => sub { '' });
    $store = probe('rediss://localhost:' . $silent->port . " $ca timeout=200ms");
    says($store, qr/no TLS handshake \(does it speak TLS\?\) within 200 ms/, 'a handshake ends with the time for connecting');
    $store->stop;
    my $shut = OAuth::FakeRedis->new(answer => sub { undef });
    $store = probe('rediss://localhost:' . $shut->port . " $ca");
    says($store, qr/the server closed the connection during the TLS handshake/, 'or with the connection');
    $store->stop;
    $store = probe("redis://localhost:$tls");
    ok is_down($store), 'a server with TLS is not used without';
    says($store, qr/(?:protocol error: byte 21 where a reply begins: it speaks TLS: write rediss|.*: if it speaks TLS, write rediss:)/, 'the log says why');
    $store->stop;
};

subtest 'more than the socket takes' => sub {
    my $store = probe("rediss://localhost:$tls $ca timeout=30s connections=1");
    ok is_up($store), 'the server is used';
    $redis->pause;
    my $text = OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('put', { share => 'codes', name => 'n', value => 'x' x 8000, expires => 60 }), host => 'x');
    my @clients = map { $store->nginx->connect } 1 .. 400;
    $_->send($text) for @clients;
    is $store->nginx->get('/')->{status}, 404, 'the worker is not blocked';
    $redis->resume;
    my %told;
    $told{ $_->read_response->{body} }++ for @clients;
    is_deeply \%told, { done => 400 }, 'all of it is written once the server reads';
    is $store->get(codes => 'n'), OAuth::StoreProbe::value('x' x 8000), 'byte for byte';
    unlike $store->nginx->error_log, qr/\[(?:error|alert|crit)\].*(?:oauth:|SSL)/, 'and on one connection';
    $_->close for @clients;
    $store->stop;
};

subtest 'a connection that is cut' => sub {
    my $store = probe("rediss://localhost:$tls $ca", workers => 2);
    ok is_up($store), 'it is used';
    $redis->command(CLIENT => KILL => TYPE => 'normal', SKIPME => 'yes');
    ok is_up($store), 'and made anew';
    ok $store->nginx->reload, 'nginx reloads';
    ok is_up($store), 'and has new ones';
    is $store->claim('after a reload', 0, 60), 'done', 'which serve';
    $redis->kill;
    ok is_down($store), 'a server that is killed is known to be down';
    $redis->start;
    ok is_up($store), 'and used again when it is back';
    $store->stop;
};

subtest 'a mistake is found by nginx -t' => sub {
    $certificates->openssl("ec -in $folder/client.key -aes256 -passout pass:x -out $folder/encrypted.key");
    spew("$folder/text.pem", "no certificate\n");
    spew("$folder/empty.pem", '');
    my $cert = "tls_cert=$folder/client.pem";
    my %mistakes = (
        "tls_ca=/none.pem"                        => qr/"\/none\.pem" has to be a file of certificates in PEM: see tls_ca=/,
        "tls_ca=$folder/text.pem"                 => qr/text\.pem" has to be a file of certificates in PEM/,
        "tls_ca=$folder/empty.pem"                => qr/empty\.pem" has to be a file of certificates in PEM/,
        "$ca $cert tls_key=/none.key"             => qr/the file "\/none\.key" must exist and be readable/,
        "$ca tls_cert=/none.pem tls_key=$folder/client.key" => qr/tls_cert= "\/none\.pem" and tls_key= ".*" have to be a certificate and its key/,
        "$ca $cert tls_key=$folder/good.key"      => qr/have to be a certificate and its key/,
        "$ca $cert tls_key=$folder/text.pem"      => qr/have to be a certificate and its key/,
        "$ca $cert tls_key=$folder/encrypted.key" => qr/encrypted\.key" is encrypted, and nobody is there to say its password/,
    );
    for my $text (sort keys %mistakes) {
        my ($ok, $output) = OAuth::StoreProbe->new(store => "rediss://localhost $text")->nginx->check;
        ok !$ok, "$text is refused";
        like $output, qr/\[emerg\].*oauth_store: $mistakes{$text}.* in .*:\d+|\[emerg\].*$mistakes{$text}.* in .*:\d+/, 'and the line says what is wrong';
    }
    my ($ok, $output) = OAuth::StoreProbe->new(store => 'rediss://localhost', env => { SSL_CERT_FILE => '/none' })->nginx->check;
    ok !$ok, 'so is a machine that trusts nobody';
    like $output, qr/\[emerg\].*no file of trusted certificates was found: give tls_ca=PATH.* in .*:\d+/, 'and the line says what to do';
    my $store = OAuth::StoreProbe->new(store => 'rediss://localhost tls_ca=ca.pem');
    spew($store->nginx->dir . '/ca.pem', slurp("$folder/root.one"));
    ($ok, $output) = $store->nginx->check;
    ok $ok, 'a path is relative to the folder of the configuration' or diag $output;
};

$redis->stop;
done_testing;
