# Measures sides in turns: requests per second, and the CPU time that the processes in front spend on
# one request, which neither the load generator nor the backend can blur.
#
#     my $bench = OAuth::Bench->new(seconds => 2, rounds => 5);
#     $bench->pin_front($nginx->worker_pids);
#     my $results = $bench->measure(
#         { name => 'plain', pids => sub { ... }, port => $port, path => '/', headers => ['Name: value'] },
#         { name => 'cold',  pids => sub { ... }, port => $port, path => '/', base => 'plain',
#           lines => FILE, count => 500, once => 1 });    # the next 500 lines of FILE in each round
#     $results->{cold}{ratio};
# A side sends one request over and over, or with `lines` the next line of a file in each: round and
# round, or with `once` no line twice; with `pause` (ms) a connection rests before each. `request` replaces the GET; %%LINE%% stands for the line.
# `before` makes the file anew for each round; `run` measures by itself: (rate, us).
package OAuth::Bench;

use strict;
use warnings;
use File::Temp ();
use POSIX ();
use Time::HiRes qw(sleep);

use OAuth::Test ();

my $CONNECTIONS = 32;
my $WARM_UP = 0.2;    # s

sub new {
    my ($class, %args) = @_;
    my $self = bless { seconds => 2, rounds => 5, %args,
        folder => File::Temp->newdir('oauth-bench-XXXXXX', TMPDIR => 1) }, $class;
    chmod 0755, $self->dir;
    ($self->{front}, $self->{rest}) = _cores();
    return $self;
}

# Where and with what, as lines of markdown.
sub about {
    my ($self) = @_;
    my ($model) = OAuth::Test::slurp('/proc/cpuinfo') =~ /^model name\s*: (.*)$/m;
    my $nginx = $ENV{OAUTH_NGINX} || '/usr/sbin/nginx';
    my ($version) = `$nginx -v 2>&1` =~ m{(nginx/[\d.]+)};
    my $openssl = join ' ', (split ' ', `openssl version`)[0, 1];
    my $where = defined $self->{front} ? "the worker on core $self->{front}, load and backend on $self->{rest}"
        : 'not pinned (one core, or no taskset)';
    return join ', ', grep { defined } $model, $version, $openssl, "$CONNECTIONS connections", "$where",
        "medians of $self->{rounds} rounds of $self->{seconds} s\n\n";
}

sub row { my ($self, @cells) = @_; return '| ' . join(' | ', @cells) . " |\n" }

# What could not be measured, each once.
sub skipped {
    my ($self, @lines) = @_;
    my @fresh = grep { !$self->{said}{$_}++ } @lines;
    return join '', "\n", map({ "Skipped: $_\n" } @fresh), @fresh ? "\n" : ();
}

sub dir    { return $_[0]{folder}->dirname }
sub rounds { return $_[0]{rounds} }

# Lines that no measurement of this length uses up.
sub enough { my ($self) = @_; return $self->{seconds} < 0.5 ? 200 : int(2000 * $self->{seconds}) }

# A hundredth of many logins or tokens, fewer where all is only tried.
sub many { my ($self) = @_; return $self->{seconds} < 0.5 ? 1 : 100 }

sub pin_front { my ($self, @pids) = @_; return _pin($self->{front}, @pids) }
sub pin_rest  { my ($self, @pids) = @_; return _pin($self->{rest}, @pids) }
sub on_front  { my ($self) = @_; return defined $self->{front} ? ('taskset', '-c', $self->{front}) : () }

# name => { rate, cost (us), ratio: of the base's cost to this one's }, medians of the rounds.
sub measure {
    my ($self, @sides) = @_;
    my %rounds;
    for my $round (0 .. $self->{rounds} - 1) {
        my %cost;
        for my $side (@sides) {
            my ($rate, $cost) = $side->{run} ? $side->{run}->() : $self->load($side, $round);
            $cost{ $side->{name} } = $cost;
            my $base = $cost{ $side->{base} || $side->{name} };
            push @{ $rounds{ $side->{name} } }, [$rate, $cost, $base / $cost];
        }
    }
    my %result;
    for my $name (keys %rounds) {
        my @columns = map { my $at = $_; median(map { $_->[$at] } @{ $rounds{$name} }) } 0 .. 2;
        @{ $result{$name} }{qw(rate cost ratio)} = @columns;
    }
    return \%result;
}

# One run of a side: requests per second, us of CPU for each.
sub load {
    my ($self, $side, $round) = @_;
    $side->{before}->() if $side->{before};
    $self->_wrk($side, $WARM_UP) if !$side->{lines};
    my $before = cpu_time($side->{pids}->());
    my ($count, $rate) = $self->_wrk($side, $self->{seconds}, $self->_script($side, $round || 0));
    return ($rate, (cpu_time($side->{pids}->()) - $before) / 1000 / $count);
}

# Sends the first `count` lines once, in order; the us of CPU for each.
sub pass {
    my ($self, $side, $count) = @_;
    my $before = cpu_time($side->{pids}->());
    my ($done) = $self->_wrk($side, 600, $self->_script({ %$side, once => 1, count => $count }, 0));
    return (cpu_time($side->{pids}->()) - $before) / 1000 / $done;
}

# At least `count` requests.
sub repeat {
    my ($self, $side, $count) = @_;
    while ($count > 0) {
        my ($done) = $self->_wrk($side, $self->{seconds});
        $count -= $done;
    }
    return;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2];
}

# ns, of all threads.
sub cpu_time {
    my $sum = 0;
    for my $file (map { glob "/proc/$_/task/*/schedstat" } @_) {
        my ($nanoseconds) = split ' ', OAuth::Test::slurp($file);
        $sum += $nanoseconds || 0;
    }
    return $sum;
}

# ---- inside -----------------------------------------------------------------------------------

# The core of what is measured, and those of all else.
sub _cores {
    my ($list) = `taskset -pc $$ 2>/dev/null` =~ /: ([\d,-]+)$/m or return;
    my @cores = map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $list;
    return @cores < 2 ? () : ($cores[0], join ',', @cores[1 .. $#cores]);
}

sub _pin {
    my ($cores, @pids) = @_;
    return if !defined $cores;
    for my $pid (@pids) {
        system("taskset -apc $cores $pid >/dev/null") == 0 or die "taskset $cores $pid failed\n";
    }
    return;
}

sub _wrk {
    my ($self, $side, $seconds, @script) = @_;
    my @pin = defined $self->{rest} ? ('taskset', '-c', $self->{rest}) : ();
    my @header = map { ('-H', $_) } "Host: localhost:$side->{port}", @{ $side->{headers} || [] };
    my @options = @script ? ('-s', 't/load/lines.lua') : @header;
    my $whole = POSIX::ceil($seconds);
    my $pid = open my $output, '-|', @pin, 'wrk', '-t1', "-c$CONNECTIONS", "-d${whole}s", @options,
        "http://127.0.0.1:$side->{port}$side->{path}", @script ? ('--', @script) : () or die "wrk: $!\n";
    # It knows whole seconds only, and reports when it is interrupted.
    if ($whole != $seconds) {
        OAuth::Test::wait_until { my @threads = glob "/proc/$pid/task/*"; @threads > 1 || !-e "/proc/$pid" };
        sleep $seconds;
        kill 'INT', $pid;
    }
    my $text = join '', <$output>;
    close $output;
    my ($count, $rate) = ($text =~ /(\d+) requests in/, $text =~ m{Requests/sec:\s+([\d.]+)});
    # On a busy machine a part of a second may be too short for a single answer.
    return $self->_wrk($side, $whole, @script) if !$count && $whole != $seconds;
    die "$side->{name}: $text\n" if !$count;
    $rate = $count * 1e6 / $1 if $text =~ /^took (\d+)/m;
    die "$side->{name}: $1 of $count answers are errors\n" if $text =~ /Non-2xx or 3xx responses: (\d+)/;
    return ($count, $rate);
}

# What lines.lua is told; nothing where there are no lines.
sub _script {
    my ($self, $side, $round) = @_;
    return if !$side->{lines};
    my $request = $side->{request} || "GET $side->{path} HTTP/1.1\r\nHost: localhost:$side->{port}\r\n"
        . "Authorization: Bearer %%LINE%%\r\n\r\n";
    my $file = OAuth::Test::spew($self->dir . '/request', $request);
    my $first = !$side->{once} ? int rand $side->{count} : $side->{before} ? 0 : $round * $side->{count};
    return ($file, $side->{lines}, $first, $side->{count}, $side->{once} ? 'once' : 'round', $CONNECTIONS, $side->{pause} || ());
}

1;
