# The harness itself: a run that must fail does fail.
use lib 't/lib';
use OAuth::Test;

my $config = <<'CONF';
server {
    listen 127.0.0.1:%%PORT%%;
    location / { return 200 "$request_method $http_x_a $request_uri\n"; }
    location /body { client_max_body_size 1m; proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    location / { return 200 "$content_type $content_length"; }
}
CONF

subtest 'a clean run' => sub {
    my $nginx = OAuth::Nginx->new(http => $config, module => 0, workers => 2)->start;
    is $nginx->get('/x?y=1', headers => ['X-A' => 'b'])->{body}, "GET b /x?y=1\n", 'a request is answered';
    is $nginx->post('/body', { a => 1 })->{body}, 'application/json 7', 'a reference is posted as JSON';
    is header($nginx->post('/body', 'a=1'), 'content-type'), 'text/plain', 'headers are found without case';
    my $connection = $nginx->connect;
    is $connection->request(GET => "/$_")->{body}, "GET  /$_\n", 'a connection is kept alive' for 1, 2;
    $connection->close;
    is scalar(my @workers = $nginx->worker_pids), 2, 'workers are counted';

    ok $nginx->reload, 'it reloads';
    isnt "@{[$nginx->worker_pids]}", "@workers", 'with new workers';
    like $nginx->access_log, qr/GET \/x\?y=1/, 'access_log is read';
    $nginx->stop;
};

subtest 'a configuration that nginx refuses' => sub {
    my $nginx = OAuth::Nginx->new(http => 'nonsense on;', module => 0);
    my ($ok, $output) = $nginx->check;
    ok !$ok, 'fails the check';
    like $output, qr/unknown directive "nonsense"/, 'with the reason';
    ok $nginx->refusal, 'and does not start';
    ok((OAuth::Nginx->new(http => $config, module => 0)->check)[0], 'a good one passes the check');
};

subtest 'what a stop holds against a run' => sub {
    my $run = sub {
        my ($harm, @expect) = @_;
        my $nginx = OAuth::Nginx->new(http => $config, module => 0, expect => \@expect)->start;
        $harm->($nginx);
        return join "\n", $nginx->_end;
    };
    is $run->(sub { }), '', 'nothing, if nothing happened';
    my $crash = sub {
        my ($nginx) = @_;
        kill 'KILL', $nginx->worker_pids;
        wait_until { $nginx->error_log =~ /exited on signal 9/ };
    };
    like $run->($crash), qr/exited on signal 9/, 'a crash of a worker';
    is $run->($crash, qr/exited on signal 9/), '', 'but not if the test expects it';
    my $report = sub { spew($_[0]->dir . '/sanitizer/asan.1', 'ERROR: AddressSanitizer') };
    like $run->($report), qr/AddressSanitizer/, 'a report of a sanitizer';
};

subtest 'redis' => sub {
    plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    is $redis->command(SET => 'k', "a\r\nb"), 'OK', 'a command is answered';
    is $redis->command(GET => 'k'), "a\r\nb", 'bytes come back';
    is_deeply $redis->command(MGET => 'k', 'none'), ["a\r\nb", undef], 'arrays and nil too';
    ok !eval { $redis->command('NONSENSE'); 1 }, 'an error dies';
    is $redis->command('PING'), 'PONG', 'and does no harm';
    ok $redis->stop, 'it stops';
};

is_deeply query_of('http://x/?a=1&b=x%20y&a=2#f'), { a => [1, 2], b => 'x y' }, 'a query is taken apart';
is form(a => 'x y', b => '&'), 'a=x%20y&b=%26', 'and put together';

done_testing;
