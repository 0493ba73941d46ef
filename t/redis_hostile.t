# What a Redis that is hostile, broken or badly set up can do to a broker: a precise line in the log
# and a 503 that says when to come again, until it is as it should be; and what names and values can
# do to Redis: nothing.
use lib 't/lib';
use OAuth::Test;
use OAuth::Certificates;
use OAuth::Demo;
use OAuth::FakeRedis;
use OAuth::Port;
use OAuth::StoreProbe;
use IO::Select;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

sub broker {
    my ($store) = @_;
    return OAuth::Nginx->new(workers => 1, http => <<"HTTP")->start;
oauth_store $store;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    location = /static { return 200 here; }
}
HTTP
}

sub lets_in { my ($demo) = @_; return wait_until { my $login = $demo->login; $login->{state} && $demo->callback($login)->{code} } }

# The broker is of no use, says when to come again and why, and is of use again after `mend`.
sub stands {
    my ($nginx, $demo, $line, $mend) = @_;
    my @workers = $nginx->worker_pids;
    my $login;
    ok wait_until { $login = $demo->login->{response}; $login->{status} == 503 }, 'a login is answered 503';
    is header($login, 'Retry-After'), 5, 'with the time to come again';
    ok wait_until { $nginx->error_log =~ /\[error\].*oauth: redis [^ ]+:\d+: $line/ }, 'the log says why'
        or diag $nginx->error_log;
    is $nginx->get('/static')->{body}, 'here', 'whatever needs no store is served';
    $mend->();
    ok lets_in($demo), 'people can sign in once it is as it should be, without a reload';
    is_deeply [$nginx->worker_pids], \@workers, 'at the same workers';
    return;
}

# req 159
subtest 'a server that talks nonsense' => sub {
    my $port = OAuth::Port::take();
    my $nginx = broker("redis://127.0.0.1:$port timeout=500ms");
    my $demo = OAuth::Demo->new($nginx);
    my %nonsense = (
        'garbage'               => [join('', map { chr(128 + $_ % 100) } 1 .. 5000), qr/protocol error: byte 129 where a reply begins: this is not Redis/],
        'a bulk of 1 GiB'       => ["\$1073741824\r\n" . 'x' x 5000, qr/protocol error: a bulk string of 1073741824 bytes is announced, at most 1048576/],
        'arrays without end'    => ["*1\r\n" x 1000, qr/protocol error: an array within an array/],
        'an array of 65'        => ["*65\r\n" . "+x\r\n" x 65, qr/protocol error: an array of 65 elements is announced, at most 64/],
        '3 MiB in one reply'    => ["*3\r\n" . ("\$1048576\r\n" . 'x' x 1048576 . "\r\n") x 3, qr/protocol error: a reply of more than 2097152 bytes/],
    );
    for my $what (sort keys %nonsense) {
        my ($answer, $line) = @{ $nonsense{$what} };
        my $redis = OAuth::Redis->new(port => $port);
        my $fake = OAuth::FakeRedis->new(port => $port, ping => sub { $answer }, answer => sub { $answer });
        note $what;
        stands($nginx, $demo, $line, sub { undef $fake; $redis->start });
        $redis->stop;
    }
    $nginx->stop;
};

# req 157, 159
subtest 'a server that is not who it should be' => sub {
    my $certificates = OAuth::Certificates->new;
    my $folder = $certificates->dir;
    $certificates->make('root', ca => 1)->make('other-root', ca => 1)->make('good', by => 'root', host => 'localhost')
        ->make('expired', by => 'root', host => 'localhost', days => -1)->make('stranger', by => 'other-root', host => 'localhost');
    chmod 0644, glob "$folder/*.key";
    my $tls = OAuth::Port::take();
    my $redis = OAuth::Redis->new(password => 'right', args => [
        '--requirepass', 'right', '--tls-port', $tls, '--tls-auth-clients', 'no', '--tls-ca-cert-file', "$folder/root.one",
        '--tls-cert-file', "$folder/good.pem", '--tls-key-file', "$folder/good.key"])->start;
    my $set = sub { $redis->command(CONFIG => SET => @_); $redis->command(CLIENT => KILL => TYPE => 'normal', SKIPME => 'yes') };
    my $show = sub { my ($name) = @_; $set->('tls-cert-file', "$folder/$name.pem", 'tls-key-file', "$folder/$name.key") };
    my $nginx = broker("rediss://localhost:$tls password_file=" . spew("$folder/password", 'right', 0600) . " tls_ca=$folder/root.one");
    my $demo = OAuth::Demo->new($nginx);
    ok lets_in($demo), 'people can sign in';
    $show->('expired');
    stands($nginx, $demo, qr/its certificate, or one above it, has expired/, sub { $show->('good') });
    $show->('stranger');
    stands($nginx, $demo, qr/its certificate does not come from one in tls_ca=/, sub { $show->('good') });
    $set->(requirepass => 'another');
    stands($nginx, $demo, qr/AUTH is refused: WRONGPASS: user or password are not those of the server/, sub { $set->(requirepass => 'right') });
    unlike $nginx->error_log, qr/another|\bright\b/, 'and no password is in the log';
    $nginx->stop;
    $redis->stop;
};

# req 159
subtest 'a server that accepts and never answers' => sub {
    my $fake = OAuth::FakeRedis->new(answer => sub { '' });
    my $store = OAuth::StoreProbe->new(store => 'redis://127.0.0.1:' . $fake->port . ' timeout=4s connections=1', workers => 1)->start;
    ok wait_until { $store->known eq 'up' }, 'is used';
    my $client = $store->nginx->connect;
    $client->send(OAuth::Http::format_request('GET',
        OAuth::StoreProbe::target('claim', { name => 'c', issued => 0, expires => 60 }), host => 'x'));
    is $store->nginx->get('/')->{status}, 404, 'what comes after a request that waits for it is answered';
    ok !IO::Select->new($client->socket)->can_read(0), 'before that';
    is $client->read_response->{body}, 'store_lost', 'which is answered when the time for a command has passed';
    $client->close;
    ok wait_until { $store->nginx->error_log =~ /no answer within 4000 ms/ }, 'the log says why';
    $store->stop;
};

# req 159
subtest 'names and values are only ever names and values' => sub {
    my $redis = OAuth::Redis->new->start;
    my $store = OAuth::StoreProbe->new(store => 'redis://127.0.0.1:' . $redis->port, workers => 1)->start;
    ok wait_until { $store->known eq 'up' && $store->get(codes => 'none') eq 'store_absent' }, 'the server is used';
    $redis->command(SET => 'mine', 'untouched');
    my @nasty = ("a\r\n*1\r\n\$8\r\nFLUSHALL\r\n", "%n%s%n%x", "\0", "a\0b", "\r\n", '*', '{x}', "\xff\xfe\x80", '$-1', 'k' x 10_000);
    for my $text (@nasty) {
        my $value = substr "<$text$text", 0, 8000;
        my $shown = substr $text =~ s/[^ -~]/?/gr, 0, 20;
        is $store->put(codes => $text, $value, 60), 'done', "$shown is stored";
        is $redis->command(GET => "oauth:code:$text"), $value, 'under that name, and no other';
        is $store->get(codes => $text), OAuth::StoreProbe::value($value), 'and read as it is';
        is $store->swap(codes => $text, $value, "$value>", 60), 'done', 'exchanged by a script';
        is $store->take(codes => $text), OAuth::StoreProbe::value("$value>"), 'and taken';
        is $store->claim($text, 0, 60), 'done', 'or claimed';
    }
    is $redis->command('DBSIZE'), 1 + @nasty, 'there is nothing else';
    is $redis->command(GET => 'mine'), 'untouched', 'and nothing that was there is gone';

    is $store->put(codes => 'long', 'x' x 8193, 60), 'internal', 'a value that is too long is not stored';
    my $mib = 1024 * 1024;
    $redis->command(SET => 'oauth:code:mib', 'x' x $mib);
    $redis->command(SET => 'oauth:code:more', 'x' x ($mib + 1));
    is length $store->get(codes => 'mib'), length(OAuth::StoreProbe::value('')) + 2 * $mib, 'one of 1 MiB is read';
    is $store->get(codes => 'more'), 'store_lost', 'one of more is not';
    ok wait_until { $store->nginx->error_log =~ /protocol error: a bulk string of 1048577 bytes is announced/ }, 'the log says why';
    ok wait_until { $store->get(codes => 'none') eq 'store_absent' }, 'and the connection is made anew';
    $store->stop;
    $redis->stop;
};

done_testing;
