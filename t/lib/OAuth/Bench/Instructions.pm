# Instructions a request, counted by callgrind in one nginx process on one connection: what does not
# change with the machine's mood. The counts by function stay in build/bench/callgrind.*.
package OAuth::Bench::Instructions;

use strict;
use warnings;
use File::Path qw(make_path);
use Time::HiRes qw(sleep);

use OAuth::Bench::Front;
use OAuth::Http;
use OAuth::Test ();

my $REQUESTS = 302;
my $FOLDER = 'build/bench';

sub report {
    my ($bench) = @_;
    return print $bench->skipped('instructions: valgrind is not installed')
        if system('command -v valgrind callgrind_control >/dev/null 2>&1') != 0;
    make_path($FOLDER);
    unlink glob "$FOLDER/callgrind.*";
    my $front = OAuth::Bench::Front->new(bench => $bench, cache => '16m',    # cleared at each start
        nginx => { workers => 0, main => 'master_process off;' });
    $front->start(_counted($bench));
    my @sides = _sides($front);
    my %count = map { $_->{name} => _count($front, $_) } @sides;
    $front->stop;
    unlink "$FOLDER/callgrind";

    print $bench->row('instructions', 'a request', 'more than the plain proxy', 'goal'), $bench->row('---', ('--:') x 3);
    print $bench->row($_->{name}, $count{ $_->{name} }, $_->{base} ? $count{ $_->{name} } - $count{ $_->{base} } : '',
        $_->{goal} || '') for @sides;
    print $bench->skipped($front->missing);
    return;
}

# nginx under callgrind, as a command.
sub _counted {
    my ($bench) = @_;
    my $nginx = $ENV{OAUTH_NGINX} || '/usr/sbin/nginx';
    return OAuth::Test::spew($bench->dir . '/nginx-counted', <<"SH", 0755);
#!/bin/sh
exec valgrind -q --tool=callgrind --callgrind-out-file=$FOLDER/callgrind $nginx "\$@"
SH
}

sub _sides {
    my ($front) = @_;
    my @algs = grep { $front->guard($_) } qw(RS256 ES256 EdDSA HS256);
    $front->add_tokens($_, 1, $_) for @algs;
    $front->add_tokens("cold$_", $REQUESTS, $_) for @algs;
    $front->tokens->mint;
    my $one = sub { my ($token) = $front->tokens->list($_[0]); return [($token) x $REQUESTS] };
    my $plain = sub { return "plain proxy, $_[0] token" };
    my @same = (base => $plain->('ES256'), tokens => $one->('ES256'));
    return (
        (map { { name => $plain->($_), $front->plain, tokens => $one->($_) } } @algs),
        (map { { name => "$_, warm", $front->guard($_), base => $plain->($_), tokens => $one->($_),
            goal => '<= 1000 more' } } @algs),
        ($front->guard('ES256', '/header')
            ? { name => 'ES256, warm, oauth_set_header', $front->guard('ES256', '/header'), @same } : ()),
        { name => 'auth_request, 204 in the same nginx', $front->plain('/asks_in'), @same },
        (map { { name => "$_, cold", $front->guard($_), base => $plain->($_),
            tokens => [$front->tokens->list("cold$_")] } } @algs),
    );
}

# Two requests first, so that connections are open, and a warm token is known.
sub _count {
    my ($front, $side) = @_;
    my $connection = OAuth::Http->new(port => $side->{port});
    my @tokens = @{ $side->{tokens} };
    _ask($connection, $side, splice @tokens, 0, 2);
    unlink _dump($front->nginx->pid);
    _ask($connection, $side, @tokens);
    my $file = _dump($front->nginx->pid);
    $connection->close;
    my ($sum) = OAuth::Test::slurp($file) =~ /^(?:totals|summary): (\d+)/m or die "$file has no sum\n";
    rename $file, "$FOLDER/callgrind." . lc($side->{name} =~ s/\W+/-/gr);
    return sprintf '%.0f', $sum / @tokens;
}

sub _ask {
    my ($connection, $side, @tokens) = @_;
    for my $token (@tokens) {
        sleep 0.001;    # until it waits again: else a request is sometimes seen together with an end
        my $response = $connection->request(GET => $side->{path}, headers => [Authorization => "Bearer $token"]);
        die "$side->{name}: $response->{status}\n" if $response->{status} != 200;
    }
    return;
}

# Writes what was counted since the last time to a file of its own.
sub _dump {
    my ($pid) = @_;
    my %before = map { $_ => 1 } glob "$FOLDER/callgrind.*";
    system("callgrind_control -d $pid >/dev/null 2>&1") == 0 or die "callgrind_control failed\n";
    my ($file) = OAuth::Test::wait_until { (grep { !$before{$_} } glob "$FOLDER/callgrind.*")[0] };
    return $file || die "callgrind wrote nothing\n";
}

1;
