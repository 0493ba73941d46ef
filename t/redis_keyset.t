# Nodes that share a store must share keys: one that has only its own answers 503 until it has not,
# and nobody notices when keys are rotated in the order of docs/keys.md.
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use File::Temp ();
use OAuth::Forge;
use OAuth::Redis;
use OAuth::StoreProbe;

plan skip_all => 'no redis-server' if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

my $SET = 'oauth:keyset:nodes';
my $redis = OAuth::Redis->new->start;
my $keys = File::Temp->newdir(TMPDIR => 1);
spew("$keys/$_", 'ab' x 31 . $_, 0600) for '01', '02', '03';
OAuth::Forge::generate('ES256', "$keys/$_") for 'k1', 'k2', 'k3';

# A node of the broker of $first, or of its own; @keys are names of files, none: it makes its own.
sub text {
    my ($first, @names) = @_;
    my $base = 'http://localhost:' . ($first ? $first->port : '%%PORT%%');
    my $lines = join "\n", map { (/^k/ ? 'oauth_signing_key' : 'oauth_secret') . " $keys/$_;" } @names;
    my $store = $redis->port;
    return <<"HTTP";
oauth_store redis://127.0.0.1:$store timeout=2s;
$lines
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker $base;
    oauth_allow_origin https://app.example.com;
    location /api/ { oauth_protect bearer; try_files /none \@in; }
    location \@in { return 200 "in\\n"; }
    location /open { return 200 "open\\n"; }
}
HTTP
}
sub node { my ($first, @names) = @_; return OAuth::Nginx->new(http => text($first, @names)) }
sub use_keys {
    my ($node, $first, @names) = @_;
    $node->configure(http => text($first, @names));
    return $node->reload;
}

# The browser and the client see one name, whichever node they come to.
sub demo { my ($node, $first) = @_; return OAuth::Demo->new($node, headers => [Host => 'localhost:' . ($first || $node)->port]) }
sub entered { my ($node, $token) = @_; return $node->get('/api/x', headers => [Authorization => "Bearer $token"])->{status} }
sub serves { my ($node, $first) = @_; return wait_until { demo($node, $first)->login->{response}{status} == 302 } }
sub refuses { my ($node, $first) = @_; return wait_until { demo($node, $first)->login->{response}{status} == 503 } }
sub comparisons { return ($redis->command('INFO', 'commandstats') =~ /cmdstat_evalsha:calls=(\d+)/)[0] || 0 }
sub kid { my ($node) = @_; return decode_json($node->get('/.well-known/jwks.json')->{body})->{keys}[0]{kid} }
sub entries { return scalar @{ $redis->command(ZRANGE => $SET, 0, -1) } }
sub remedies { my ($node) = @_; return scalar(() = $node->error_log =~ /\[error\].*in common with the other nodes of this store, so it answers 503 \(keyset_mismatch\): give all nodes the same "oauth_secret"/g) }

my $one = node(undef, '01', 'k1')->start;

subtest 'a node with keys of its own' => sub {
    ok wait_until { entries() == 1 }, '(the first node is known to the store)';
    my $all = demo($one)->sign_in;
    my $refresh = $all->{refresh_token};
    my $waiting = demo($one)->login;
    my $other = node($one);
    my ($accepted, $said) = $other->check;
    ok $accepted, 'is a configuration';
    like $said, qr/\[warn\].*must share their keys too: give "oauth_secret FILE;" and "oauth_signing_key FILE;" in \S+:\d+/, 'of which nginx -t warns';
    $other->start;
    ok refuses($other, $one), 'begins no login';
    my $demo = demo($other, $one);
    my $login = $demo->login->{response};
    like header($login, 'retry-after'), qr/^\d+$/, 'and says when to come again';
    is header($login, 'cross-origin-opener-policy'), undef, 'in a popup, too, that keeps its opener';
    is $demo->callback($waiting)->{response}{status}, 503, 'ends none';
    is $demo->get('/oauth/login?' . form(redirect_uri => 'https://app.example.com/'))->{status}, 503, 'offers none';
    my $token = $demo->redeem('x' x 64)->{response};
    is $token->{status}, 503, 'sells no tokens';
    is decode_json($token->{body})->{messageCode}, 'GENERIC_ERROR', 'in the shape of that endpoint';
    is header($token, 'access-control-allow-origin'), 'https://app.example.com', 'which the application can read';
    is $other->post('/oauth/revoke', form(token => $refresh))->{status}, 503, 'revokes none';
    is $other->options('/token', headers => [Origin => 'https://app.example.com', 'Access-Control-Request-Method' => 'POST'])->{status}, 204,
        'lets the application ask';
    is entered($other, $all->{access_token}), 503, 'cannot judge a token of the others';
    is entered($other, 'no.real.token'), 401, 'but what is none';
    is $other->get('/open')->{status}, 200, 'and serves what needs no keys';
    is entries(), 1, 'its keys are not held against the others';
    like $other->error_log, qr/\[error\].*oauth: login refused: keyset_mismatch/, 'the log has the reason';
    like $other->error_log, qr/redis 127\.0\.0\.1:\d+: this node has no "oauth_secret" and no "oauth_signing_key" in common/, 'and the remedy';
    my $before = comparisons();
    ok wait_until { comparisons() >= $before + 4 }, '(it compares again and again)';
    is remedies($other), 1, 'which it says once a minute';

    ok demo($one)->callback($waiting)->{code}, 'the other node goes on: what was refused was not spent';

    ok use_keys($other, $one, '01', 'k1'), '(the remedy)';
    ok serves($other, $one), 'it serves when it has the keys of the others';
    is entered($other, $all->{access_token}), 200, 'knows their tokens';
    ok wait_until { entries() == 2 }, 'and belongs to them';
    $other->stop;
    is entries(), 1, 'when it stops it is forgotten at once';
};

# Each kind counts.
for my $case (['02', 'k1', 'secret'], ['01', 'k2', 'signing_key']) {
    my ($secret, $key, $name) = @$case;
    subtest "a node that shares no oauth_$name" => sub {
        my $other = node($one, $secret, $key)->start;
        ok refuses($other, $one), 'is refused';
        like $other->error_log, qr/this node has no "oauth_$name" in common/, 'and told so';
        $other->stop;
    };
}

# For what began before that was known: nothing is done for it either.
subtest 'the store of such a node' => sub {
    my $other = OAuth::Redis->new->start;
    my ($first, $stranger) = map { OAuth::StoreProbe->new(store => 'redis://127.0.0.1:' . $other->port, keys => 1, workers => 1)->start } 1 .. 2;
    ok wait_until { $stranger->get(codes => 'none') eq 'keyset_mismatch' }, 'gives nothing';
    is $first->put(codes => 'a', 'v', 60), 'done', '(something is stored by the other)';
    is $stranger->claim('c', 0, 60), 'keyset_mismatch', 'claims nothing';
    is $stranger->put(codes => 'b', 'v', 60), 'keyset_mismatch', 'stores nothing';
    is $stranger->take(codes => 'a'), 'keyset_mismatch', 'takes nothing';
    is $stranger->drop(codes => 'a'), 'keyset_mismatch', 'drops nothing';
    is $stranger->swap(codes => 'a', 'v', 'w', 60), 'keyset_mismatch', 'changes nothing';
    is $stranger->count(60, 'n'), 'keyset_mismatch', 'counts nothing';
    is $first->take(codes => 'a'), OAuth::StoreProbe::value('v'), 'for the others all is as it was';
    is $first->claim('c', 0, 60), 'done', '  and nothing is spent';
    $_->stop for $first, $stranger;
    $other->stop;
};

# DESIGN 3: a missing right degrades with a warning.
subtest 'a user without the right to compare' => sub {
    my $other = OAuth::Redis->new->start;
    $other->command(ACL => SETUSER => 'least', 'on', '>word', '~oauth:*', '-@all', qw(+set +get +getdel +del +evalsha +script|load +ping));
    my $port = $redis->port;
    my $narrow = node();
    $narrow->{http} =~ s{redis://127\.0\.0\.1:$port}{'redis://least:word@127.0.0.1:' . $other->port}e;
    $narrow->start;
    ok demo($narrow)->sign_in, 'serves all the same';
    ok wait_until { $narrow->error_log =~ /\[warn\].*EVALSHA is refused: .*; so nobody compares the nodes' keys/ }, 'and is warned';
    $narrow->stop;
    $other->stop;
};

subtest 'a node that need not be reloaded' => sub {
    my $other = node($one, '02', 'k2')->start;
    ok refuses($other, $one), 'is refused';
    ok use_keys($one, undef, '01', '02', 'k1', 'k2'), '(the others learn its keys)';
    ok serves($other, $one), 'serves as soon as it shares keys';
    like $other->error_log, qr/\[notice\].*this node has keys in common with the others again/, 'and says so';
    ok use_keys($one, undef, '01', 'k1'), '(and forget them)';
    ok refuses($one), 'they are the strangers now';
    is demo($other, $one)->login->{response}{status}, 302, 'but never are both refused';
    $other->stop;
    ok serves($one), 'who is left serves';
};

subtest 'a node that died' => sub {
    my $other = node($one, '02', 'k2');
    my $gone = 'gone 1 0000 old';
    $redis->command(ZADD => $SET, time * 1000 + 3_600_000, $gone);
    $one->stop;
    $other->start;
    ok refuses($other, $one), 'is held against a stranger as long as it may come back';
    $redis->command(ZADD => $SET, time * 1000 - 1, $gone);
    ok serves($other, $one), 'and no longer';
    is entries(), 1, 'nothing is left of it';
    $other->stop;
    $one->start;
    ok serves($one), '(the first node is back)';
};

subtest 'a store that was emptied' => sub {
    my $other = node($one, '02', 'k2')->start;
    ok refuses($other, $one), '(a stranger)';
    $redis->command('FLUSHALL');
    ok wait_until { entries() == 1 }, 'is filled again';
    my ($entry) = @{ $redis->command(ZRANGE => $SET, 0, -1) };
    ok serves($one), 'by who was right';
    like $entry, qr/ \Q@{[kid($one)]}\E$/, '  whose keys are there';
    is demo($other, $one)->login->{response}{status}, 503, 'who stays one';
    $redis->command('SCRIPT', 'FLUSH');
    $one->stop;
    ok serves($other, $one), 'until nobody else is there, though the server has forgotten our script';
    $other->stop;
    $one->start;
};

subtest 'keys that are replaced at one stroke' => sub {
    ok use_keys($one, undef, '03', 'k3'), '(all of them, at the only node)';
    ok serves($one), 'it serves: nobody else has others';
    is scalar(grep { demo($one)->login->{response}{status} == 302 } 1 .. 8), 8, 'from each worker';
    ok wait_until { entries() == 1 }, 'and is one node, not two';
    ok use_keys($one, undef, '03', 'k3'), '(a reload that changes nothing)';
    ok wait_until { $one->worker_pids == 1 }, '(the old worker is gone)';
    is entries(), 1, 'and has taken nothing with it';
    cmp_ok $redis->command(TTL => $SET), '>', 0, 'all of which would end by itself';
    ok use_keys($one, undef, '01', 'k1'), '(back)';
};

# docs/keys.md: one list a state of the first and of the second node; every node comes to its next
# state by itself.
subtest 'a rotation over two nodes' => sub {
    my @states = (['01', 'k1'], ['01', '02', 'k1', 'k2'], ['02', '01', 'k2', 'k1'], ['02', 'k2']);
    my $other = node($one, @{ $states[0] })->start;
    my @nodes = ($one, $other);
    my ($tried, %failed) = (0);
    my $round = sub {
        my ($state) = @_;
        for my $path (map { [$nodes[$_ & 1], $nodes[$_ >> 1 & 1], $nodes[$_ >> 2 & 1], $nodes[$_ >> 3]] } 0 .. 15) {
            my ($begin, $end, $buy, $use) = map { demo($_, $one) } @$path;
            my $login = $begin->login;
            my $code = $end->callback($login)->{code};
            my $token = defined $code ? $buy->redeem($code)->{tokens}{accessToken} : undef;
            $tried++;
            $failed{$state}++ if !$token || entered($path->[3], $token) != 200;
        }
    };
    ok serves($_, $one), '(both serve)' for @nodes;
    $round->('before');
    for my $step (1 .. 3) {
        for my $n (0, 1) {
            # Begun before the reload, ended at the other node after it.
            my ($login, $later) = (demo($nodes[$n], $one)->login, demo($nodes[1 - $n], $one)->login);
            ok use_keys($nodes[$n], $one, @{ $states[$step] }), "(step $step at node $n)";
            $tried += 2;
            $failed{"over step $step at node $n"}++ if !demo($nodes[1 - $n], $one)->callback($login)->{code};
            $failed{"over step $step at node $n"}++ if !demo($nodes[$n], $one)->callback($later)->{code};
            $round->("step $step at node $n");
            ok wait_until { entries() == 2 }, '(compared)';
            $round->("step $step at node $n, compared");
        }
    }
    is_deeply \%failed, {}, "none of $tried logins failed in any state";
    is remedies($other), 0, 'and the second node was never told that it has other keys';
    $other->stop;
};

$one->stop;
$redis->stop;
done_testing;
