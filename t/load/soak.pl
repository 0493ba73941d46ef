# soak.pl SECONDS: sign-ins without pause by several clients at once, while nginx reloads.
# Each signs in, calls the backend as itself, refreshes by its proof and calls again, and must not
# redeem its code a second time.
# The last line counts: succeeded; refused (403, 429, 503: said no and why); wrong (all else).
use lib 't/lib';
use OAuth::Test;

my $seconds = $ARGV[0] || 60;
my $clients = 4;
my $reload_every = 5;

my $nginx = OAuth::Nginx->new(workers => 2, log_level => 'notice', http => <<'CONF')->start;
oauth_provider demo {
    type demo;
    user alice@example.com Alice;
    user bob@example.com   Bob;
}
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT%%;
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-User $oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {
    listen 127.0.0.1:%%PORT1%% backlog=1024;
    location / { return 200 "$http_x_user"; }
}
CONF

my $end = time + $seconds;
my @pipes = map { start_client($_, $end) } 1 .. $clients;
while (time < $end) {
    sleep $reload_every;
    $nginx->reload if time < $end;
}
my %sum = map { $_ => 0 } qw(attempted succeeded refused wrong);
for my $pipe (@pipes) {
    while (my $line = <$pipe>) {
        $line =~ /^COUNT (\w+) (\d+)/ ? $sum{$1} += $2 : print "# $line";
    }
    close $pipe or $sum{wrong}++;
}
my $clean = $nginx->stop;
done_testing;
print "attempted $sum{attempted} succeeded $sum{succeeded} refused $sum{refused} wrong $sum{wrong}\n";
exit !($clean && $sum{succeeded} && !$sum{wrong});

sub start_client {
    my ($number, $until) = @_;
    my $pid = open my $pipe, '-|';
    die "fork: $!\n" if !defined $pid;
    return $pipe if $pid;
    my %count = (attempted => 0, succeeded => 0, refused => 0, wrong => 0);
    while (time < $until) {
        $count{attempted}++;
        my $outcome = eval { sign_in_once($number % 2 ? 'alice@example.com' : 'bob@example.com') } || $@;
        my $kind = $outcome eq 'ok' ? 'succeeded' : $outcome =~ /: (?:403|429|503) / ? 'refused' : 'wrong';
        $count{$kind}++;
        print "$kind: $outcome" =~ s/\s+/ /gr, "\n" if $kind ne 'succeeded' && $count{$kind} <= 2;
    }
    print "COUNT $_ $count{$_}\n" for sort keys %count;
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}

sub call_backend {
    my ($token, $account) = @_;
    my $hello = $nginx->get('/api/hello', headers => [Authorization => "Bearer $token"]);
    die "api: $hello->{status} $hello->{body}" if $hello->{status} != 200;
    die "api: taken for '$hello->{body}'" if $hello->{body} ne "demo:$account";
    return;
}

sub sign_in_once {
    my ($account) = @_;
    my $client = OAuth::Client->new(base => 'http://localhost:' . $nginx->port);
    my $answer = $client->answer($account);
    my $response = $client->redeem($answer->{code});
    die "token: $response->{status} $response->{body}" if $response->{status} != 200;
    my $tokens = decode_json($response->{body});
    call_backend($tokens->{accessToken}, $account);

    my $fresh = $client->refresh($tokens->{refreshToken});
    die "refresh: $fresh->{status} $fresh->{body}" if $fresh->{status} != 200;
    call_backend(decode_json($fresh->{body})->{accessToken}, $account);

    my $again = $client->redeem($answer->{code});
    die "replay: $again->{status} answered" if $again->{status} != 401 && $again->{status} != 400;
    return 'ok';
}
