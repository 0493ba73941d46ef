# A sign-in outlives what happens to nginx on its way: reloads, workers that die, keys that are
# rotated, floods (req 154, 163, 164); and what a new configuration takes away is gone at once.
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Forge;
use POSIX ();

sub http {
    my (%with) = @_;
    my $more = $with{http} || '';
    my $server = $with{server} || 'oauth_allow_origin https://app.example.com;';
    my $users = $with{users} || 'user alice@demo.local Alice;';
    my $name = $with{provider} || 'demo';
    return <<"HTTP";
keepalive_requests 1000000;
$more
oauth_provider $name { type demo; $users }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    $server
    location /api/ { oauth_protect bearer; try_files /none \@in; }
    location \@in { return 200 "in\\n"; }
}
HTTP
}

for my $store ('shared memory', 'Redis') {
    my $redis = $store eq 'Redis' ? OAuth::Redis->new->start : undef;
    my $line = $redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : '';

    subtest "$store: a reload between all steps" => sub {
        my $nginx = OAuth::Nginx->new(workers => 2, http => http(http => $line))->start;
        step_by_step($nginx, sub { ok $nginx->reload, '(reload)' });
        $nginx->stop;
    };

    subtest "$store: workers that die between all steps" => sub {
        my $nginx = OAuth::Nginx->new(workers => 2, http => http(http => $line), expect => [qr/exited on signal 9/])->start;
        step_by_step($nginx, sub { kill_workers($nginx) });
        $nginx->stop;
    };

    subtest "$store: a restart" => sub {
        my $nginx = OAuth::Nginx->new(http => http(http => $line))->start;
        my $demo = OAuth::Demo->new($nginx);
        my $all = $demo->sign_in;
        my $login = $demo->login;
        my $spent = $demo->login;
        my $code = $demo->callback($spent)->{code};
        $nginx->stop;
        my $second = time;
        wait_until { time > $second };    # a new zone knows nothing of the seconds before its first
        $nginx->start;
        ok wait_until { entered($nginx, $all->{access_token}) == 200 }, 'an access token lives on';
        is !!$demo->callback($login)->{code}, !!$redis, 'a login in flight does where the store is elsewhere';
        my $reply = $demo->redeem($code);
        is $reply->{response}{status}, $redis ? 200 : 401, 'a code does where the store is elsewhere' or diag $reply->{response}{body};
        is $demo->redeem($all->{code})->{response}{status}, 401, 'a spent one never';
        $nginx->stop;
    };
    $redis->stop if $redis;
}

subtest 'workers that die while they work' => sub {
    my $nginx = OAuth::Nginx->new(workers => 2, http => http(http => 'oauth_store shm:small:256k;'),
        expect => [qr/exited on signal 9/, qr/shared memory zone "\w+" was locked by/])->start;    # whichever it held
    my $child = fork;
    if (!$child) {
        my $end = time + 30;
        while (time < $end) {
            eval { OAuth::Demo->new($nginx)->sign_in };
        }
        POSIX::_exit(0);
    }
    kill_workers($nginx) for 1 .. 10;
    kill 'KILL', $child;
    waitpid $child, 0;
    ok wait_until { eval { OAuth::Demo->new($nginx)->sign_in } }, 'after ten deaths people sign in again';
    my @all = map { OAuth::Demo->new($nginx)->sign_in } 1 .. 10;
    is scalar(@all), 10, 'again and again: no lock stayed behind';
    $nginx->stop;
};

subtest 'what a new configuration takes away' => sub {
    my $nginx = OAuth::Nginx->new(http => http(users => 'user alice@demo.local; user bob@demo.local;'))->start;
    my $demo = OAuth::Demo->new($nginx);
    my ($first, $second, $third) = map { $demo->login } 1 .. 3;

    $nginx->configure(http => http(server => 'oauth_allow_origin https://other.example.com;', users => 'user alice@demo.local; user bob@demo.local;'));
    ok $nginx->reload, '(the origin is gone)';
    my $back = $demo->callback($first);
    is $back->{response}{status}, 400, 'a target that is no longer allowed gets nothing, though the login began before';
    is header($back->{response}, 'Location'), undef, '  and nobody is sent there';

    $nginx->configure(http => http());
    ok $nginx->reload, '(an account is gone)';
    is $demo->callback($second, user => 'bob@demo.local')->{code}, undef, 'it signs in no more';
    ok $demo->callback($first)->{code}, 'the refused login ends where its target is allowed again: it was not spent';

    $nginx->configure(http => http(provider => 'other', users => 'type demo; user alice@demo.local;' =~ s/type demo; //r));
    ok $nginx->reload, '(the provider is gone)';
    is $demo->callback($third)->{response}{status}, 400, 'so are its logins';

    $nginx->configure(http => http(server => 'oauth_allow_origin https://app.example.com; oauth_audience https://api.example.com;'));
    my $token = do { $nginx->configure(http => http()); $nginx->reload; $demo->sign_in->{access_token} };
    is entered($nginx, $token), 200, 'a token opens';
    $nginx->configure(http => http(server => 'oauth_allow_origin https://app.example.com; oauth_audience https://api.example.com;'));
    ok $nginx->reload, '(the audience is another)';
    is entered($nginx, $token), 401, 'and not for another audience';

    $nginx->configure(http => http(server => 'oauth_allow_origin *;'));
    ok !$nginx->reload, 'a configuration that is wrong is not taken';
    is entered($nginx, $demo->sign_in->{access_token}), 200, 'and all goes on as it was';
    $nginx->{expect} = [qr/wildcards are not possible/];
    $nginx->stop;
};

# The first timers are set in a worker whose cached time is that of reading the configuration.
subtest 'a configuration that takes its time' => sub {
    my $redis = OAuth::Redis->new->start;
    my $nginx = OAuth::Nginx->new(http => http(http => 'oauth_store redis://127.0.0.1:' . $redis->port . ' timeout=500ms; include %%DIR%%/slow.conf;'));
    my $slow = $nginx->dir . '/slow.conf';
    POSIX::mkfifo($slow, 0600) or die "mkfifo: $!\n";
    my $child = fork;
    if (!$child) {
        sleep 2;
        open my $end, '>', $slow;    # nginx waits for this
        POSIX::_exit(0);
    }
    $nginx->start;
    waitpid $child, 0;
    my @statuses = map { OAuth::Demo->new($nginx)->login->{response}{status} } 1 .. 5;
    is_deeply \@statuses, [(302) x 5], 'finds its store all the same';
    unlike $nginx->error_log, qr/no answer within/, 'at once';
    $nginx->stop;
    $redis->stop;
};

# req 164, DESIGN 3: the first of a list seals and signs, all open and verify.
subtest 'keys that are rotated' => sub {
    my $nginx = OAuth::Nginx->new(http => http());
    my $folder = $nginx->dir;
    spew("$folder/$_", 'ab' x 31 . $_, 0600) for '01', '02', '03';
    OAuth::Forge::generate('ES256', "$folder/$_") for 'k1', 'k2', 'k3';
    my $use = sub { $nginx->configure(http => http(http => join "\n", map { (/^k/ ? 'oauth_signing_key' : 'oauth_secret') . " $_;" } @_)) };
    my $kids = sub { join ' ', map { $_->{kid} } @{ decode_json($nginx->get('/.well-known/jwks.json')->{body})->{keys} } };
    my $kid = sub { decode_json(decode_base64url((split /\./, $_[0])[0]))->{kid} };
    my $demo = OAuth::Demo->new($nginx);
    $use->('01', 'k1');
    $nginx->start;
    my $token = $demo->sign_in->{access_token};
    my ($login, $later) = ($demo->login, $demo->login);
    my $waiting = $demo->callback($demo->login)->{code};
    is $kids->(), $kid->($token), 'one key is published';

    $use->('01', '02', 'k1', 'k2');
    ok $nginx->reload, '(a second of each, behind)';
    is $kid->($demo->sign_in->{access_token}), $kid->($token), 'the first still signs';
    is scalar(my @two = split / /, $kids->()), 2, 'both are published';

    $use->('02', '01', 'k2', 'k1');
    ok $nginx->reload, '(the second in front)';
    my $fresh = $demo->sign_in->{access_token};
    isnt $kid->($fresh), $kid->($token), 'it signs now';
    is entered($nginx, $_), 200, 'old and new tokens open' for $token, $fresh;
    ok $demo->callback($login)->{code}, 'a login sealed by the old secret ends';
    is $demo->redeem($waiting)->{response}{status}, 200, 'a code from before buys tokens';

    $use->('02', 'k2');
    ok $nginx->reload, '(the first of each is gone)';
    is entered($nginx, $token), 401, 'its tokens open nothing';
    is entered($nginx, $fresh), 200, 'the others do';
    is $demo->callback($later)->{response}{status}, 400, 'its logins begin anew';
    like $nginx->error_log, qr/\[warn\] .*oauth: callback refused: state_unknown_key/, '  and the log says why';
    $nginx->stop;
};

# req 154
for my $store ('shared memory', 'Redis') {
    subtest "$store: a flood of logins" => sub {
        my $redis = $store eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $line = $redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : 'oauth_store shm:small:256k;';
        my $nginx = OAuth::Nginx->new(workers => 1, http => "access_log off;\n" . http(http => $line), log_level => 'warn')->start;
        my $demo = OAuth::Demo->new($nginx);
        my $before = $demo->login;
        my $token = $demo->sign_in->{access_token};
        my ($worker) = $nginx->worker_pids;
        my $size = $redis && $redis->command('DBSIZE');
        flood($nginx, 2_000);
        my $memory = memory_of($worker);
        is flood($nginx, 20_000), 20_000, 'each of 20,000 is answered';
        is_deeply [$nginx->worker_pids], [$worker], 'by the same worker';
        cmp_ok memory_of($worker) - $memory, '<', 4 * 1024, 'which grows by less than 4 MB' if ($ENV{OAUTH_BUILD} || '') !~ /asan/;
        cmp_ok $redis->command('DBSIZE'), '<=', $size, 'Redis holds no more than before' if $redis;
        my $code = $demo->callback($before)->{code};
        ok $code, 'a login from before ends';
        is $demo->redeem($code)->{response}{status}, 200, 'with tokens';
        ok $demo->sign_in->{access_token}, 'a new one too';
        is entered($nginx, $token), 200, 'and who was signed in still is';
        $nginx->stop;
        $redis->stop if $redis;
    };
}

done_testing;

sub step_by_step {
    my ($nginx, $between) = @_;
    my $demo = OAuth::Demo->new($nginx);
    my $login = $demo->login;
    my $spent = $demo->login;
    ok $demo->callback($spent)->{code}, 'a state is spent';
    $between->();
    is $demo->callback($spent)->{response}{status}, 400, 'it stays so';
    my $code = $demo->callback($login)->{code};
    ok $code, 'the login from before ends';
    my $other = $demo->callback($demo->login)->{code};
    my $third = $demo->callback($demo->login)->{code};
    is $demo->redeem($third)->{response}{status}, 200, 'a code is spent';
    $between->();
    is $demo->redeem($third)->{response}{status}, 401, 'it stays so';
    is $demo->redeem($code, origin => 'https://evil.example.com')->{response}{status}, 403, 'a stranger does not get the other';
    my $tokens = $demo->redeem($code)->{tokens};
    ok $tokens->{accessToken}, 'but buys tokens for whom it was made';
    $between->();
    is entered($nginx, $tokens->{accessToken}), 200, 'which open what is protected';
    is $demo->redeem($code)->{response}{status}, 401, 'once';
    is $demo->redeem($other)->{response}{status}, 200, 'and a code that waited longer is good as well';
    return;
}

sub entered { my ($nginx, $token) = @_; return $nginx->get('/api/x', headers => [Authorization => "Bearer $token"])->{status} }

# All at once, as by the kernel's hand; returns when others have taken their places.
sub kill_workers {
    my ($nginx) = @_;
    my %old = map { $_ => 1 } $nginx->worker_pids;
    kill 'KILL', keys %old;
    ok wait_until { my @now = $nginx->worker_pids; @now >= $nginx->{workers} && !grep { $old{$_} } @now }, '(workers killed)';
    return;
}

# Pipelined, so that the client is no slower than the broker; how many were sent to the provider.
sub flood {
    my ($nginx, $count) = @_;
    my $connection = $nginx->connect;
    my $request = OAuth::Http::format_request(GET => '/oauth/login/demo?' . form(redirect_uri => 'https://app.example.com/'),
        host => 'localhost:' . $nginx->port, keepalive => 1);
    my $batch = 50;
    my $redirects = 0;
    for (1 .. $count / $batch) {
        $connection->send($request x $batch);
        $redirects += $connection->read_response->{status} == 302 for 1 .. $batch;
    }
    $connection->close;
    return $redirects;
}

sub memory_of { return slurp("/proc/$_[0]/status") =~ /VmRSS:\s+(\d+) kB/ ? $1 : 0 }
