# What is known of verified tokens, in shared memory for all workers (`oauth_token_cache`). Which
# tokens are judged by it is said in the tests of protected locations.
use lib 't/lib';
use OAuth::Test;
use OAuth::Http;

sub probe {
    my (%with) = @_;
    return OAuth::Nginx->new(probe => 1, workers => 2, %{ $with{nginx} || {} }, http => http($with{http}))->start;
}

# reuseport: the kernel spreads connections over the workers.
sub http {
    my ($line) = @_;
    $line //= '';
    return <<"HTTP";
$line
large_client_header_buffers 4 32k;
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%% reuseport;
    oauth_broker http://localhost:%%PORT%%;
    location /p { oauth_token_probe; }
}
HTTP
}

sub ask {
    my ($nginx, $verb, %ask) = @_;
    my $response = $nginx->get('/p?' . OAuth::Test::form(verb => $verb, policy => 1, %ask));
    return $response->{status} == 200 ? $response->{body} : "status $response->{status}";
}

my $token = join '.', 'h' x 40, 'p' x 600, 's' x 86;

subtest 'every worker finds what one has kept' => sub {
    my $nginx = probe();
    is ask($nginx, 'find', token => $token), 'none', 'nothing is known at first';
    is ask($nginx, 'keep', token => $token, expires => 1234), 'kept', 'a token is kept';
    is_deeply [map { ask($nginx, 'find', token => $token) } 1 .. 30], [(1234) x 30], 'and found over many connections';
    is ask($nginx, 'find', token => $token . 'x'), 'none', 'only the whole token';
    is ask($nginx, 'find', token => $token, policy => 2), 'none', 'only under its policy (req 124)';
    ask($nginx, 'keep', token => $token, expires => 4321);
    is ask($nginx, 'find', token => $token), 4321, 'newer facts take the place of older ones';
    ask($nginx, 'keep', token => 'y' x 16385, expires => 1);
    is ask($nginx, 'find', token => 'y' x 16385), 'none', 'what is longer than 16 KiB is not kept';
    $nginx->stop;
};

subtest 'a full cache forgets the oldest, and keeps what is in use' => sub {
    my $nginx = probe(http => 'oauth_token_cache 256k;');
    ask($nginx, 'keep', token => $token, expires => 1234);
    ask($nginx, 'keep', token => 'idle', expires => 99);
    for my $round (1 .. 60) {
        # Tokens differ at their end, as signatures do: that is where they are told apart first.
        ask($nginx, 'fill', token => 'x' x 500 . ".$round", expires => 20);
        if (ask($nginx, 'find', token => $token) ne '1234') {
            fail "the token in use is forgotten after $round rounds";
            last;
        }
    }
    is ask($nginx, 'find', token => $token), 1234, 'the token that was found again and again is there';
    is ask($nginx, 'find', token => 'idle'), 'none', 'the one that nobody came with is not';
    is ask($nginx, 'find', token => 'x' x 500 . '.60.19'), 20, 'and the newest is';
    $nginx->stop;
};

# req 163
subtest 'a reload keeps it, and another size begins anew' => sub {
    my $nginx = probe();
    ask($nginx, 'keep', token => $token, expires => 1234);
    ok $nginx->reload, 'nginx reloads';
    is ask($nginx, 'find', token => $token), 1234, 'the token is still known';
    $nginx->{http} = http('oauth_token_cache 1m;');
    $nginx->write_config;
    ok $nginx->reload, 'nginx reloads with another size';
    is ask($nginx, 'find', token => $token), 'none', 'nothing is known';
    like $nginx->error_log, qr/\[warn\].*zone "oauth_tokens" begins anew/, 'as the log tells';
    is ask($nginx, 'keep', token => $token, expires => 5), 'kept', 'and it is kept';
    is ask($nginx, 'find', token => $token), 5, 'again';
    $nginx->stop;
};

# req 163
subtest 'a worker that dies with the lock does no harm' => sub {
    my $nginx = probe(nginx => { expect => [qr/exited on signal 9/, qr/"oauth_tokens" was locked by/] });
    ask($nginx, 'keep', token => $token, expires => 1234);
    my @before = $nginx->worker_pids;
    is ask($nginx, 'die'), 'status 0', 'a worker dies';
    ok wait_until { my %now = map { $_ => 1 } $nginx->worker_pids; keys %now == 2 && grep { !$now{$_} } @before }, 'another takes its place';
    is ask($nginx, 'find', token => $token), 1234, 'what was known is known';
    is ask($nginx, 'keep', token => "$token.2", expires => 7), 'kept', 'another token is kept';
    is ask($nginx, 'find', token => "$token.2"), 7, 'and found';
    $nginx->stop;
};

subtest 'switched off it knows nothing' => sub {
    my $nginx = probe(http => 'oauth_token_cache off;');
    is ask($nginx, 'keep', token => $token, expires => 1234), 'kept', 'a token is offered';
    is ask($nginx, 'find', token => $token), 'none', 'and not found';
    $nginx->stop;
};

done_testing;
