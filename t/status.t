# oauth_status: what has happened, in numbers, for Prometheus or as JSON.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake);
use OAuth::Demo;
use OAuth::Redis;
use OAuth::StoreProbe;

sub http {
    my (%with) = @_;
    my $more = $with{http} || '';
    my $providers = $with{providers} || 'oauth_provider demo { type demo; user alice@demo.local Alice; }';
    return <<"HTTP";
$more
$providers
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    location /api/ { oauth_protect bearer; try_files /none \@in; }
    location /any/ { oauth_protect bearer optional; try_files /none \@in; }
    location \@in { return 200 "in\\n"; }
    location = /status { oauth_status; allow 127.0.0.1; deny all; }
}
HTTP
}

sub numbers {
    my ($nginx) = @_;
    my $text = $nginx->get('/status')->{body};
    return { map { /^(\S+) (\S+)$/ ? ($1 => $2) : () } grep { !/^#/ } split /\n/, $text };
}
sub entered { my ($nginx, $path, $token) = @_; return $nginx->get($path, headers => $token ? [Authorization => "Bearer $token"] : [])->{status} }

subtest 'what was counted' => sub {
    my $nginx = OAuth::Nginx->new(workers => 2, http => http())->start;
    my $demo = OAuth::Demo->new($nginx);
    my $none = numbers($nginx);
    is $none->{'oauth_logins_total{provider="demo"}'}, 0, 'a provider is there before its first login';
    is_deeply [grep { /refused/ } keys %$none], [], 'a reason is not';

    my $all = $demo->sign_in;
    $demo->callback({ state => $all->{state}, cookie => $all->{cookie} });
    $demo->login;
    $demo->redeem($all->{code});
    $demo->get('/oauth/login/nobody?redirect_uri=https://app.example.com/');
    is entered($nginx, '/api/', $all->{access_token}), 200, '(in)' for 1 .. 20;
    is entered($nginx, '/any/'), 200, '(anonymous)';
    is entered($nginx, '/api/'), 401, '(no token)';
    is entered($nginx, '/api/', 'x.y.z'), 401, '(no real token)' for 1 .. 2;
    my $now = numbers($nginx);
    my %want = (
        'oauth_logins_total{provider="demo"}'    => 2,
        'oauth_callbacks_total{provider="demo"}' => 1,
        'oauth_tokens_total{grant="authorization_code"}' => 1,
        'oauth_tokens_total{grant="refresh_token"}'      => 0,
        'oauth_requests_done_total{endpoint="login"}'    => 2,
        'oauth_requests_done_total{endpoint="callback"}' => 1,
        'oauth_requests_done_total{endpoint="token"}'    => 1,
        'oauth_requests_refused_total{endpoint="login",reason="provider_unknown"}' => 1,
        'oauth_requests_refused_total{endpoint="callback",reason="state_spent"}'   => 1,
        'oauth_requests_refused_total{endpoint="token",reason="code_invalid"}'     => 1,
        'oauth_guard_entered_total{as="user"}'      => 20,
        'oauth_guard_entered_total{as="anonymous"}' => 1,
        'oauth_guard_refused_total{reason="token_missing"}'   => 1,
        'oauth_guard_refused_total{reason="token_malformed"}' => 2,
        'oauth_token_cache_hits_total' => 20,    # it is known from its birth
    );
    is $now->{$_}, $want{$_}, $_ for sort keys %want;
    is scalar(grep { /refused/ } keys %$now), 5, 'and no other refusal';
    like $now->{'oauth_token_cache_misses_total'}, qr/^[0-2]$/, 'what is no token is not in the cache';

    subtest 'survives what happens to workers' => sub {
        ok $nginx->reload, '(reload)';
        is_deeply { %{ numbers($nginx) }{keys %want} }, \%want, 'a reload';
        is entered($nginx, '/api/', $all->{access_token}), 200, '(in)' for 1 .. 10;
        $nginx->{expect} = [qr/exited on signal 9/];
        my %old = map { $_ => 1 } $nginx->worker_pids;
        kill 'KILL', keys %old;
        ok wait_until { my @new = grep { !$old{$_} } $nginx->worker_pids; @new == 2 }, '(workers killed)';
        is entered($nginx, '/api/', $all->{access_token}), 200, '(in)' for 1 .. 10;
        is numbers($nginx)->{'oauth_guard_entered_total{as="user"}'}, 40, 'and a kill';
    };
    subtest 'a provider of a later configuration' => sub {
        $nginx->configure(http => http(providers => <<'PROVIDERS'));
oauth_provider other { type demo; user bob@demo.local; }
oauth_provider demo { type demo; user alice@demo.local; }
PROVIDERS
        ok $nginx->reload, '(another provider, in front)';
        OAuth::Demo->new($nginx, provider => 'other', user => 'bob@demo.local')->sign_in;
        my $later = numbers($nginx);
        is $later->{'oauth_callbacks_total{provider="other"}'}, 1, 'has its own number';
        is $later->{'oauth_callbacks_total{provider="demo"}'}, 1, 'and the first one keeps his';
    };
    $nginx->stop;
};

subtest 'how it is shown' => sub {
    my $nginx = OAuth::Nginx->new(http => http())->start;
    OAuth::Demo->new($nginx)->sign_in;
    my $text = $nginx->get('/status');
    is $text->{status}, 200, 'it is there';
    is header($text, 'content-type'), 'text/plain; version=0.0.4; charset=utf-8', 'as text for Prometheus';
    is header($text, 'cache-control'), 'no-store', 'which nobody keeps';
    my @bad = grep { !/^(?:# (?:HELP|TYPE) oauth_\w+ .+|oauth_\w+(?:\{\w+="[\w-]+"(?:,\w+="[\w-]+")*\})? \d+(?:\.\d+)?)$/ } split /\n/, $text->{body};
    is_deeply \@bad, [], 'in its format, line by line';
    my (@typed, %seen);
    push @typed, /^# TYPE (\S+)/ ? $1 : () for split /\n/, $text->{body};
    is scalar(grep { $seen{$_}++ } @typed), 0, 'each name once';

    my $json = $nginx->get('/status', headers => [Accept => 'application/json']);
    is header($json, 'content-type'), 'application/json', 'as JSON for who accepts that';
    my $tree = decode_json($json->{body});
    is_deeply [sort keys %$tree], [sort @typed], 'with the same names';
    is_deeply $tree->{oauth_logins_total}{samples}, [{ labels => { provider => 'demo' }, value => 1 }], 'and numbers';
    is header($nginx->get('/status', headers => [Accept => 'text/html,*/*']), 'content-type'), header($text, 'content-type'),
        'a browser gets the text';

    my $head = $nginx->head('/status');
    is_deeply [$head->{status}, $head->{body}], [200, ''], 'HEAD has no body';
    for my $method ('POST', 'PUT', 'DELETE', 'OPTIONS') {
        my $response = $nginx->request($method => '/status');
        is_deeply [$response->{status}, header($response, 'allow')], [405, 'GET, HEAD'], "$method is refused";
    }
    is $nginx->get('/status', from => '127.0.0.2')->{status}, 403, 'allow and deny say who may see it';

    my $claims = numbers($nginx);
    is $claims->{'oauth_store_blocks{share="claims",state="used"}'}, 1, 'the store in shared memory tells how full it is';
    cmp_ok $claims->{'oauth_store_blocks{share="codes",state="free"}'}, '>', 1000, '  and what is left';
    is_deeply [grep { /redis/ } keys %$claims], [], 'and nothing of Redis';
    $nginx->stop;
};

subtest 'with Redis' => sub {
    plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    my $nginx = OAuth::Nginx->new(workers => 2,
        http => http(http => 'oauth_store redis://127.0.0.1:' . $redis->port . ' timeout=500ms connections=3;'))->start;
    ok wait_until { (numbers($nginx)->{'oauth_redis_connections{state="up"}'} || 0) == 6 }, 'each connection of each worker is up';
    is numbers($nginx)->{'oauth_redis_connections{state="down"}'}, 0, 'none is down';
    my $before = numbers($nginx)->{'oauth_store_commands_total'};
    OAuth::Demo->new($nginx)->sign_in;
    my $now = numbers($nginx);
    cmp_ok $now->{'oauth_store_commands_total'} - $before, '>=', 3, 'commands are counted: to claim, to put, to take';
    is $now->{oauth_store_errors_total}, 0, 'no errors';
    like $now->{oauth_store_seconds_total}, qr/^\d+\.\d{6}$/, 'and how long they took';
    cmp_ok $now->{oauth_store_seconds_total}, '>', 0, '  which is something';
    is $now->{oauth_keyset_shared}, 1, 'the keys are those of all nodes';
    is_deeply [grep { /blocks/ } keys %$now], [], 'nothing of shared memory';

    my %old = map { $_ => 1 } $nginx->worker_pids;
    $nginx->{expect} = [qr/exited on signal 9/];
    kill 'KILL', keys %old;
    ok wait_until { my @new = grep { !$old{$_} } $nginx->worker_pids; @new == 2 }, '(workers killed)';
    ok wait_until { numbers($nginx)->{'oauth_redis_connections{state="up"}'} == 6 }, 'the dead have no connections';
    ok $nginx->reload, '(reload)';
    ok wait_until { numbers($nginx)->{'oauth_redis_connections{state="up"}'} == 6 }, 'nor have the old';

    my $demo = OAuth::Demo->new($nginx);
    my $login = $demo->login;
    $redis->pause;
    is $demo->callback($login)->{response}{status}, 502, '(a server that is silent)';
    cmp_ok numbers($nginx)->{oauth_store_errors_total}, '>=', 1, 'an answer that does not come is an error';
    ok wait_until { numbers($nginx)->{'oauth_redis_connections{state="down"}'} == 6 }, 'its connections are down';
    $redis->resume;
    ok wait_until { numbers($nginx)->{'oauth_redis_connections{state="up"}'} == 6 }, 'and up again';
    $nginx->stop;
    $redis->stop;
};

subtest 'commands that too many others wait before' => sub {
    plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    my $url = 'redis://127.0.0.1:' . $redis->port;
    my $store = OAuth::StoreProbe->new(store => "$url timeout=20s connections=1", workers => 1, state_dir => 1);
    $store->nginx->{http} .= http(http => "oauth_store $url timeout=20s;") =~ s/%%PORT%%/%%PORT1%%/gr;
    $store->start;
    ok wait_until { $store->get(codes => 'none') eq 'store_absent' }, '(the store is used)';
    $redis->pause;
    my $text = OAuth::Http::format_request('GET', OAuth::StoreProbe::target(get => { share => 'codes', name => 'none' }), host => 'x');
    my @clients = map { $store->nginx->connect } 1 .. 520;
    $_->send($text) for @clients;
    my $said = sub { return $store->nginx->get('/status', port => 1)->{body} =~ /^oauth_store_queue_refused_total (\d+)$/m ? $1 : -1 };
    ok wait_until { $said->() == 8 }, 'are counted' or diag $said->();
    $redis->resume;
    $_->close for @clients;
    $store->stop;
    $redis->stop;
};

subtest 'where it may stand' => sub {
    my $server = 'server { listen 127.0.0.1:%%PORT%%;';
    mistake('other content', "$server location /s { return 200; empty_gif;\noauth_status; #!\n} }\n", qr/"oauth_status" stands in a location that has other content/);
    mistake('a server', "$server\noauth_status; #!\n}\n", qr/"oauth_status" directive is not allowed here/);
    mistake('a value', "$server location /s {\noauth_status on; #!\n} }\n", qr/invalid number of arguments/);
    my $nginx = OAuth::Nginx->new(http => 'server { listen 127.0.0.1:%%PORT%%; location /s { oauth_status; } }')->start;
    is $nginx->get('/s')->{status}, 200, 'without a broker too';
    $nginx->stop;
};

done_testing;
