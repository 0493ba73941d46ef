# A new binary takes over from a running one without a pause (USR2, WINCH, QUIT): a sign-in that is
# on its way goes on, or ends cleanly and can begin again; so it is when the old one is called back (HUP). (Reloads and dead workers: reload.t.)
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;
use OAuth::Redis;
use POSIX ();

# An nginx that is nobody's child, as those that are upgraded are; known by its pid file.
package Daemon;

my @all;

sub new {
    my ($class, $file) = @_;
    my ($pid) = OAuth::Test::slurp($file) =~ /^(\d+)/ or die "no pid in $file\n";
    my $self = bless { pid => $pid, owner => $$ }, $class;
    push @all, $self;
    return $self;
}

sub pid { return $_[0]{pid} }
sub signal { my ($self, $name) = @_; return kill $name, $self->{pid} }

# 0 once it is gone, or waits for a parent that does not care.
sub status { return OAuth::Test::slurp("/proc/$_[0]{pid}/stat") =~ /^\d+ \(nginx\) [^ZX]/ ? undef : 0 }

sub stop {
    my ($self, $signal) = @_;
    $self->signal($signal || 'QUIT');
    return OAuth::Test::wait_until { defined $self->status };
}

END {
    local $?;
    for my $daemon (grep { $_->{owner} == $$ && !defined $_->status } @all) {
        $daemon->signal('TERM');
    }
}

package main;

sub http {
    my ($store) = @_;
    return <<"HTTP";
$store
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    location /api/ { oauth_protect bearer; try_files /none \@in; }
    location \@in { return 200 "in\\n"; }
}
HTTP
}

sub started {
    my ($store) = @_;
    my $nginx = OAuth::Nginx->new(workers => 2, http => http($store),
        main => 'env ASAN_OPTIONS; env LSAN_OPTIONS; env UBSAN_OPTIONS;');    # for the new binary, too
    my $conf = $nginx->write_config && $nginx->dir . '/nginx.conf';
    spew($conf, slurp($conf) =~ s/daemon off/daemon on/r);
    my $starter = OAuth::Process->spawn(command => [$nginx->_binary, '-p', $nginx->dir, '-c', $conf],
        output => $nginx->dir . '/stderr', env => { %{ $nginx->_environment }, %OAuth::Nginx::LEAKS_BY_DESIGN });
    is $starter->wait(60), 0, '(nginx goes on by itself)' or diag slurp($nginx->dir . '/stderr');
    ok wait_until { -s $nginx->dir . '/nginx.pid' }, '(it has a pid)';
    $nginx->{process} = Daemon->new($nginx->dir . '/nginx.pid');
    ok wait_until { $nginx->worker_pids == 2 }, '(and workers)';
    return $nginx;
}

# The old one; the new one is the nginx. Both serve.
sub upgraded {
    my ($nginx) = @_;
    my $old = $nginx->{process};
    my $file = $nginx->dir . '/nginx.pid';
    $old->signal('USR2');
    ok wait_until { -s "$file.oldbin" && slurp($file) =~ /^\d/ && slurp($file) != $old->pid }, 'a new binary starts beside the old one';
    $nginx->{process} = Daemon->new($file);
    ok wait_until { $nginx->worker_pids == 2 }, 'with workers of its own';
    return $old;
}

sub workers_of {
    my ($nginx, $daemon) = @_;
    local $nginx->{process} = $daemon;
    return $nginx->worker_pids;
}

sub has_no_workers { return !workers_of(@_) }

# nginx 1.22 forgets the workers that HUP gave it after WINCH, and ends without them.
sub stopped {
    my ($nginx) = @_;
    my @workers = $nginx->worker_pids;
    ok $nginx->{process}->stop('QUIT'), '(it ends)';
    kill QUIT => grep { slurp("/proc/$_/cmdline") =~ /^nginx: worker/ } @workers;
    ok wait_until { !grep { slurp("/proc/$_/cmdline") =~ /^nginx: worker/ } @workers }, '(and its workers do)';
    return $nginx->stop;
}

sub entered { my ($nginx, $token) = @_; return $nginx->get('/api/x', headers => [Authorization => "Bearer $token"])->{status} }

for my $kind ('shared memory', 'Redis') {
    subtest $kind => sub {
        my $redis = $kind eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $nginx = started($redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : '');
        my $demo = OAuth::Demo->new($nginx);
        my $all = $demo->sign_in;
        my ($login, $spent) = map { $demo->login } 1 .. 2;
        my ($code, $sold) = map { $demo->callback($_)->{code} } $spent, $demo->login;
        $demo->redeem($sold);
        my $revoked = $demo->sign_in;
        is $nginx->post('/oauth/revoke', form(token => $revoked->{access_token}))->{status}, 200, '(a token is revoked)';

        my $second = time;
        wait_until { time > $second };    # a new zone knows nothing of the seconds before its first
        my ($old) = upgraded($nginx);
        my %ended;
        for (1 .. 30) {
            my $back = $demo->callback($demo->login);
            my $reply = defined $back->{code} ? $demo->redeem($back->{code}) : undef;
            $ended{ $reply ? "token $reply->{response}{status}" : "callback $back->{response}{status}" }++;
        }
        $redis
            ? is_deeply(\%ended, { 'token 200' => 30 }, 'while both serve every sign-in ends')
            : is_deeply([grep { !/^(?:token (?:200|401)|callback 400)$/ } keys %ended], [], 'while both serve a sign-in ends, or is refused');

        $old->signal('WINCH');
        ok wait_until { has_no_workers($nginx, $old) }, 'the old workers end';
        is entered($nginx, $all->{access_token}), 200, 'who was signed in still is';
        is entered($nginx, $revoked->{access_token}), 401, 'who was not is not';
        my $back = $demo->callback($login);
        $redis ? ok($back->{code}, 'a login from before ends') : is($back->{response}{status}, 400, 'a login from before begins again');
        is $demo->callback($spent)->{response}{status}, 400, 'one that was spent stays so';
        is $demo->redeem($code)->{response}{status}, $redis ? 200 : 401, $redis ? 'a code from before buys tokens' : 'so does a code';
        is $demo->redeem($sold)->{response}{status}, 401, 'which one that was sold never does';
        is scalar(grep { eval { $demo->sign_in } } 1 .. 10), 10, 'whoever begins now signs in';

        ok $old->stop('QUIT'), 'the old one ends for good';
        is scalar(grep { eval { $demo->sign_in } } 1 .. 10), 10, 'and nobody misses it';
        $nginx->stop;
        $redis->stop if $redis;
    };
}

for my $kind ('shared memory', 'Redis') {
    subtest "$kind, and back to the old one" => sub {
        my $redis = $kind eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $nginx = started($redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : '');
        my $demo = OAuth::Demo->new($nginx);
        my $all = $demo->sign_in;
        my ($before, $spent, @later) = map { $demo->login } 1 .. 4;
        my ($code, $sold) = map { $demo->callback($_)->{code} } $spent, $demo->login;
        $demo->redeem($sold);
        my $revoked = $demo->sign_in;
        is $nginx->post('/oauth/revoke', form(token => $revoked->{access_token}))->{status}, 200, '(a token is revoked)';

        my $second = time;
        wait_until { time > $second };
        my $old = upgraded($nginx);
        $old->signal('WINCH');
        ok wait_until { has_no_workers($nginx, $old) }, 'the old workers end';
        my ($between, $left) = map { $demo->login } 1 .. 2;
        ok $demo->redeem($demo->callback($between)->{code})->{tokens}, 'a login of the new one ends there';
        my $new = $nginx->{process};
        my ($given, $gone) = map { $demo->sign_in } 1 .. 2;
        is $nginx->post('/oauth/revoke', form(token => $gone->{access_token}))->{status}, 200, 'and one is revoked there';

        $old->signal('HUP');
        ok wait_until { workers_of($nginx, $old) == 2 }, 'the old one has workers again';
        my %ended;
        for (1 .. 30) {
            my $back = $demo->callback($demo->login);
            my $reply = defined $back->{code} ? $demo->redeem($back->{code}) : undef;
            $ended{ $reply ? "token $reply->{response}{status}" : "callback $back->{response}{status}" }++;
        }
        is_deeply [grep { !($redis ? /^token 200$/ : /^(?:token (?:200|401)|callback 400)$/) } keys %ended], [],
            $redis ? 'while both serve every sign-in ends' : 'while both serve a sign-in ends, or is refused';
        ok $new->stop('QUIT'), 'the new one ends';
        $nginx->{process} = $old;
        ok wait_until { slurp($nginx->dir . '/nginx.pid') == $old->pid }, 'and the old one is the only one';

        for (['from before', $before, @later], ['from between', $left], ['from now', $demo->login]) {
            my ($when, @logins) = @$_;
            is scalar(grep { $demo->redeem($demo->callback($_)->{code} || '')->{tokens}{accessToken} } @logins), scalar @logins, "a login $when ends";
        }
        is $demo->callback($_)->{response}{status}, 400, 'once' for $before, $left;
        is $demo->callback($spent)->{response}{status}, 400, 'one that was spent stays so';
        is $demo->redeem($code)->{response}{status}, 200, 'a code from before buys tokens';
        is $demo->redeem($_)->{response}{status}, 401, 'once' for $code, $sold;
        is entered($nginx, $_->{access_token}), 200, 'who signed in is let in' for $all, $given;
        is entered($nginx, $revoked->{access_token}), 401, 'who was revoked is not';
        is $demo->callback($between)->{response}{status}, 400, 'what the new one spent stays so' if $redis;
        is scalar(grep { eval { $demo->sign_in } } 1 .. 10), 10, 'whoever begins now signs in';
        $old->signal('HUP');
        ok +(wait_until { entered($nginx, $gone->{access_token}) == 401 } 40), 'after a reload, whom the new one revoked is not let in';
        stopped($nginx);
        $redis->stop if $redis;
    };
}

done_testing;
