# Two NGINX nodes of one broker behind a front, on a Redis cluster; what disturbs them; and clients
# whose stories say how each of their steps ended.
#
#     my $soak = OAuth::Soak->new->start;
#     my @pipes = map { $soak->client($_, $end) } 1 .. 4;    # lines: COUNT kind number, and what went wrong
#     $soak->disturb;                                        # once a second
package OAuth::Soak;

use strict;
use warnings;
use File::Temp ();
use Time::HiRes qw(sleep time);

use OAuth::Client;
use OAuth::Forge;
use OAuth::Http;
use OAuth::Nginx;
use OAuth::Redis::Cluster;
use OAuth::Test ();

my @ACCOUNTS = qw(alice@example.com bob@example.com carol@example.com dave@example.com);
my $TRIES = 4;    # of one code, while the store says that it cannot say

sub new {
    my ($class, %args) = @_;
    my $self = bless { told => [], due => [], %args, cluster => OAuth::Redis::Cluster->new,
        keys => File::Temp->newdir('oauth-soak-XXXXXX', TMPDIR => 1) }, $class;
    OAuth::Test::spew("$self->{keys}/secret", 'ab' x 32, 0600);
    OAuth::Forge::generate('ES256', "$self->{keys}/key");
    return $self;
}

sub start {
    my ($self) = @_;
    $self->{cluster}->start;
    my $front = OAuth::Nginx->new(workers => 1, module => 0);
    my $http = $self->_node($front->port);
    $self->{nodes} = [map { OAuth::Nginx->new(workers => 2, log_level => 'notice', http => $http)->start } 1, 2];
    my $servers = join ' ', map { 'server 127.0.0.1:' . $_->port . ' max_fails=0;' } @{ $self->{nodes} };
    # Each request goes to one of them, and is never sent twice.
    $front->configure(http => <<"CONF");
upstream nodes { $servers }
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location / { proxy_pass http://nodes; proxy_set_header Host \$http_host; proxy_next_upstream off; }
}
CONF
    $self->{front} = $front->start;
    return $self;
}

# Whether nothing was left in a log that should not be there.
sub stop {
    my ($self) = @_;
    my $clean = !grep { !$_->stop } $self->{front}, @{ $self->{nodes} };
    $self->{cluster}->stop;
    return $clean;
}

sub told { return @{ $_[0]{told} } }

# ---- what disturbs them -------------------------------------------------------------------------

# One thing every three seconds, in turns; what it began ends some seconds later.
sub disturb {
    my ($self) = @_;
    my ($now, @due) = (time, @{ $self->{due} });
    $self->{due} = [grep { $_->[0] > $now } @due];
    $_->[1]->() for grep { $_->[0] <= $now } @due;
    return if $self->{next} && $now < $self->{next};
    $self->{next} = $now + 3;
    my @turns = qw(_kill_primary _reload _pause_worker _reload _pause_server);
    my $turn = $turns[$self->{turn}++ % @turns];
    $self->$turn;
    return;
}

# Ends what is still going on.
sub rest {
    my ($self) = @_;
    $_->[1]->() for @{ $self->{due} };
    $self->{due} = [];
    return;
}

# Its replica takes over; it comes back as that one's replica.
sub _kill_primary {
    my ($self) = @_;
    my @nodes = $self->{cluster}->nodes;
    return if grep { !$_->is_running } @nodes;
    my @primaries = $self->{cluster}->primaries;
    my $victim = $primaries[rand @primaries];
    $victim->kill;
    $self->_tell('a primary is killed', 7 => sub { $victim->start });
    return;
}

sub _reload {
    my ($self) = @_;
    my $node = $self->{nodes}[$self->{reloads}++ % 2];
    $node->signal('HUP');
    return $self->_tell('a node reloads');
}

sub _pause_worker {
    my ($self) = @_;
    my @workers = $self->{nodes}[rand 2]->worker_pids;
    my $pid = $workers[rand @workers] or return;
    kill 'STOP', $pid;
    return $self->_tell('a worker is paused', 1 => sub { kill 'CONT', $pid });
}

sub _pause_server {
    my ($self) = @_;
    my @running = grep { $_->is_running } $self->{cluster}->nodes;
    my $server = $running[rand @running];
    $server->pause;
    return $self->_tell('a Redis server is paused', 1 => sub { $server->resume if $server->is_running });
}

sub _tell {
    my ($self, $what, $seconds, $later) = @_;
    push @{ $self->{told} }, $what;
    push @{ $self->{due} }, [time + $seconds, $later] if $later;
    return;
}

# ---- clients ------------------------------------------------------------------------------------

# A process with stories until then; what it says comes through the pipe.
sub client {
    my ($self, $number, $until) = @_;
    my $pid = open my $pipe, '-|';
    die "fork: $!\n" if !defined $pid;
    return $pipe if $pid;
    my %count = (attempted => 0, succeeded => 0, refused => 0, wrong => 0);
    my %shown;
    while (time < $until) {
        $count{attempted}++;
        my $outcome = eval { $self->_story($ACCOUNTS[$number % @ACCOUNTS]) } || $@;
        my $kind = $outcome eq 'ok' ? 'succeeded' : $outcome =~ /^refused: / ? 'refused' : 'wrong';
        $count{$kind}++;
        $outcome = substr $outcome =~ s/<style>.*?<\/style>|<[^>]*>//gsr =~ s/\s+/ /gr, 0, 300;
        print "$kind: $outcome\n" if $kind ne 'succeeded' && !$shown{ substr $outcome, 0, 40 }++;
    }
    print "COUNT $_ $count{$_}\n" for sort keys %count;
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}

sub _story {
    my ($self, $account) = @_;
    my $base = 'http://localhost:' . $self->{front}->port;
    my $client = OAuth::Client->new(base => $base);
    my $end = $client->login($account);
    _refused('login', $end) if !$end->{location};
    my $code = OAuth::Test::decode_json(MIME::Base64::decode_base64url(
        OAuth::Test::query_of($end->{location})->{'dxc-auth'}))->{code};

    my @redeemed;
    my $last;
    for my $try (1 .. $TRIES) {
        $last = $client->redeem($code);
        push @redeemed, OAuth::Test::decode_json($last->{body}) if $last->{status} == 200;
        last if $last->{status} != 503;
        sleep 0.3 * $try;
    }
    # What was taken and not acknowledged is lost: sign in again.
    die "refused: the code was lost ($last->{status})\n" if !@redeemed && $last->{status} =~ /^40[01]$/;
    _refused('token', $last) if !@redeemed;
    $self->_call($redeemed[0]{accessToken}, $account);

    my $fresh = $client->refresh($redeemed[0]{refreshToken});
    _refused('refresh', $fresh) if $fresh->{status} != 200;
    $self->_call(OAuth::Test::decode_json($fresh->{body})->{accessToken}, $account);

    for (1 .. 2) {
        my $again = $client->redeem($code);
        die "redeemed twice\n" if $again->{status} == 200;
        die "replay: $again->{status} $again->{body}\n" if $again->{status} !~ /^(?:400|401|429|503)$/;
    }
    return 'ok';
}

sub _refused {
    my ($step, $response) = @_;
    # Spent, and the answer lost: DESIGN 3, "sign in again".
    die "refused: $step: claim_lost\n" if $response->{status} == 502 && $response->{body} =~ /\bclaim_lost\b/;
    die "$step: $response->{status} $response->{body}\n" if $response->{status} !~ /^(?:403|429|503)$/;
    my $says = OAuth::Test::header($response, 'Retry-After');
    die "$step: $response->{status} without Retry-After\n" if $response->{status} == 503 && !$says;
    die "refused: $step: $response->{status}\n";
}

# Needs no store, so nothing is an excuse.
sub _call {
    my ($self, $token, $account) = @_;
    my $hello = $self->{front}->get('/api/hello', headers => [Authorization => "Bearer $token"]);
    die "api: $hello->{status} $hello->{body}\n" if $hello->{status} != 200;
    die "api: taken for '$hello->{body}'\n" if $hello->{body} ne "demo:$account";
    my $keys = $self->{front}->get('/.well-known/jwks.json');
    die "keys: $keys->{status}\n" if $keys->{status} != 200;
    return;
}

sub _node {
    my ($self, $port) = @_;
    my $url = $self->{cluster}->url;
    my $users = join ' ', map { my ($name) = /^(\w+)/; "user $_ $name;" } @ACCOUNTS;
    return <<"CONF";
oauth_store $url timeout=1s;
oauth_secret $self->{keys}/secret;
oauth_signing_key $self->{keys}/key;
oauth_provider demo { type demo; $users }
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    oauth_broker       http://localhost:$port;
    oauth_allow_origin http://localhost:$port;
    oauth_limit        off;
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-User \$oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {
    listen 127.0.0.1:%%PORT1%% backlog=1024;
    location / { return 200 "\$http_x_user"; }
}
CONF
}

1;
