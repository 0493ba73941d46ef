# oauth_revocation_lag: with Redis every node learns by itself what was revoked elsewhere, and says
# so when it cannot; no request waits for Redis.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake);
use OAuth::Redis;
use OAuth::Story;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

sub entered {
    my ($nginx, $tokens, $path) = @_;
    return $nginx->get($path || '/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"])->{status};
}

sub revoke {
    my ($nginx, $token) = @_;
    return $nginx->post('/oauth/revoke', form(token => $token), headers => ['Content-Type' => 'application/x-www-form-urlencoded'])->{status};
}

# Two nodes of one broker, with the same keys, on one Redis.
sub nodes {
    my ($redis, $lag) = @_;
    my $http = 'oauth_store redis://127.0.0.1:' . $redis->port . " timeout=500ms;\n";
    my $story = OAuth::Story->new(workers => 2, http => $http, server => "oauth_revocation_lag $lag;")->start;
    my ($state, $base) = ($story->nginx->dir . '/state', $story->base);
    my $other = OAuth::Nginx->new(workers => 2,
        http => "oauth_state_dir $state;\n" . $story->nginx->{http} =~ s{oauth_broker \S+}{oauth_broker $base;}r)->start;
    return ($story, $story->nginx, $other);
}

subtest 'another node learns it without being asked' => sub {
    my $redis = OAuth::Redis->new->start;
    my ($story, $nginx, $other) = nodes($redis, '2s');
    my ($one, $two, $left) = map { $story->redeem($story->code)->{json} } 1 .. 3;
    for my $node ($nginx, $other) {
        ok wait_until { entered($node, $one) == 200 }, 'the list is read at the start';
    }
    is revoke($nginx, $one->{refreshToken}), 200, 'a sign-in is revoked at the one';
    is entered($nginx, $one), 401, 'which knows it at once';
    ok wait_until { entered($other, $one) == 401 }, 'and then at the other';
    is revoke($other, $two->{accessToken}), 200, 'a token at the other';
    ok wait_until { entered($nginx, $two) == 401 }, 'and then at the one';
    is entered($_, $left), 200, 'nothing else is' for $nginx, $other;

    subtest 'a node that starts anew has it from the store' => sub {
        $other->stop;
        $other->start;
        ok wait_until { entered($other, $left) == 200 }, 'when it lets in what lives';
        is entered($other, $_), 401, 'it refuses what does not' for $one, $two;
        ok $other->reload, '(reload)';
        is entered($other, $left), 200, 'a reload forgets nothing';
        is entered($other, $_), 401, 'nor revives' for $one, $two;
    };

    subtest 'a server that forgets our scripts is told them again' => sub {
        $redis->command('SCRIPT', 'FLUSH');
        is revoke($nginx, $left->{refreshToken}), 200, 'a sign-in is revoked';
        ok wait_until { entered($other, $left) == 401 }, 'and found by the other';
    };

    # DESIGN 3, req 052
    subtest 'a list that is full refuses' => sub {
        my ($new, $more) = map { $story->redeem($story->code)->{json} } 1 .. 2;
        # In pieces: Redis serves nobody else while a script runs.
        my @pieces = map { $_ * 2000 } 0 .. 49;
        $redis->command(EVAL => "for i = ARGV[2] + 1, ARGV[2] + 2000 do local m = string.format('%024d', i) "
            . "redis.call('ZADD', KEYS[1], i, m) redis.call('ZADD', KEYS[2], ARGV[1], m) end", 2,
            'oauth:{revoked}:order', 'oauth:{revoked}:until', (time + 1000) . '000000', $_) for @pieces;
        is revoke($nginx, $new->{refreshToken}), 503, 'rather than forget one';
        is entered($nginx, $new), 200, 'so nothing was revoked';
        $redis->command(EVAL => "for i = ARGV[1] + 1, ARGV[1] + 2000 do redis.call('ZADD', KEYS[1], 1, string.format('%024d', i)) end",
            1, 'oauth:{revoked}:until', $_) for @pieces;
        is revoke($nginx, $new->{refreshToken}), 200, 'what has expired makes room';
        cmp_ok $redis->command(ZCARD => 'oauth:{revoked}:order'), '<=', 100_000, 'of its own';
    };
    $_->stop for $nginx, $other;
    $redis->stop;
};

for my $case (['stale=deny', 503], ['stale=allow', 200]) {
    my ($stale, $status) = @$case;
    subtest "a store that is silent, with $stale" => sub {
        my $redis = OAuth::Redis->new->start;
        my ($story, $nginx, $other) = nodes($redis, "1s $stale");
        my ($alive, $dead, $lost) = map { $story->redeem($story->code)->{json} } 1 .. 3;
        ok wait_until { entered($nginx, $alive) == 200 }, 'the list is read';
        is revoke($nginx, $dead->{refreshToken}), 200, 'a sign-in is revoked';
        $redis->pause;
        if ($status == 503) {
            my $response;
            ok wait_until { ($response = $nginx->get('/api/', headers => [Authorization => "Bearer $alive->{accessToken}"]))->{status} == 503 },
                'a list that grew too old lets nobody in';
            ok header($response, 'retry-after'), 'and says when to come again';
            ok !defined header($response, 'www-authenticate'), 'without blaming the token';
            like $nginx->error_log, qr/request refused: revocations_stale/, 'which the log says';
        } else {
            ok !(wait_until { entered($nginx, $alive) != 200 } 3), 'an old list is better than none here';
        }
        is entered($nginx, $dead), 401, 'what is known to be revoked is refused all the same';
        is revoke($nginx, $lost->{refreshToken}), 503, 'and nothing is known to be revoked';
        $redis->resume;
        ok wait_until { entered($nginx, $alive) == 200 }, 'with the store all goes on';
        ok wait_until { revoke($nginx, $alive->{refreshToken}) == 200 }, 'revocations too';
        $_->stop for $nginx, $other;
        $redis->stop;
    };
}

subtest 'what is wrong in the configuration' => sub {
    my $demo = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
    my %wrong = (
        '0s' => qr/must lie between 1s and 10m/, '11m' => qr/must lie between 1s and 10m/,
        'soon' => qr/must be a time, e\.g\. 30s/, '30s stale=no' => qr/takes "stale=deny" or "stale=allow" behind the time/,
        '30s; oauth_revocation_lag 30s' => qr/is given twice/,
    );
    mistake($_, "$demo oauth_revocation_lag $_; #!\nserver {\nlisten 127.0.0.1:%%PORT%%;\noauth_broker http://localhost:%%PORT%%;\n"
        . "oauth_allow_origin https://app.example.com;\n}\n", $wrong{$_}) for sort keys %wrong;
};

done_testing;
