# An nginx of a test's own: its configuration, logs and state in a temporary folder, free ports on
# 127.0.0.1, and a verdict on error.log and on sanitizer reports when it stops.
#
#     my $nginx = OAuth::Nginx->new(http => $text, main => $text, workers => 1, probe => 0,
#                                   log_level => 'info', expect => [qr/a line that may be there/]);
# In the texts %%PORT%%, %%PORT1%%, ... are free ports and %%DIR%% is the folder, which is kept
# with OAUTH_KEEP=1. OAUTH_NGINX is the binary, OAUTH_BUILD the folder with the modules.
# Further arguments: module => 0 (do not load it), state_dir => 0 (no oauth_state_dir of ours),
# user => 'root' (workers run as nobody when the test runs as root), env => {...} (of the process),
# limit => 1 (without a word about oauth_limit; it is off else: all of a test is one address).
package OAuth::Nginx;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use Test::More ();
use Time::HiRes qw(time sleep);

use OAuth::Http;
use OAuth::Port;
use OAuth::Process;

my $SANITIZER = dirname(abs_path(__FILE__)) . '/../sanitizer';
# What is read of a configuration and then refused is not taken apart again, nor is what a process had
# that only starts another.
our %LEAKS_BY_DESIGN = (ASAN_OPTIONS => 'detect_odr_violation=0:detect_leaks=0');
my @running;

sub new {
    my ($class, %args) = @_;
    my $self = bless {
        main => '', http => '', workers => 1, probe => 0, log_level => 'info', module => 1,
        state_dir => 1, limit => 0, user => $ENV{OAUTH_USER} || 'nobody nogroup', expect => [], env => {}, %args,
        ports  => [],
        folder => File::Temp->newdir('oauth-nginx-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{OAUTH_KEEP}),
    }, $class;
    chmod 0755, $self->dir;
    mkdir $self->dir . "/$_" for qw(tmp sanitizer state);
    chmod 01777, $self->dir . '/sanitizer';    # workers, who are not root, report there
    chmod 0700, $self->dir . '/state';
    Test::More::diag('nginx runs in ' . $self->dir) if $ENV{OAUTH_KEEP};
    return $self;
}

sub dir        { return $_[0]{folder}->dirname }
sub pid        { return $_[0]{process} && $_[0]{process}->pid }
sub error_log  { return OAuth::Test::slurp($_[0]->dir . '/error.log') }
sub access_log { return OAuth::Test::slurp($_[0]->dir . '/access.log') }

sub port {
    my ($self, $index) = @_;
    return $self->{ports}[$index || 0] ||= OAuth::Port::take();
}

# ---- life -------------------------------------------------------------------------------------

sub start {
    my ($self) = @_;
    $self->write_config;
    unlink $self->dir . '/nginx.pid';
    $self->{process} = OAuth::Process->spawn(
        command => [$self->_binary, '-p', $self->dir, '-c', $self->dir . '/nginx.conf'],
        output  => $self->dir . '/stderr',
        env     => $self->_environment,
    );
    my $end = time + 60;
    while (!-s $self->dir . '/nginx.pid' || $self->worker_pids < $self->{workers}) {
        if (defined $self->{process}->status || time > $end) {
            die 'nginx did not start: ' . OAuth::Test::slurp($self->dir . '/stderr') . $self->error_log;
        }
        sleep 0.01;
    }
    push @running, $self;
    return $self;
}

# What nginx says where it is not to start; nothing if it does.
sub refusal {
    my ($self) = @_;
    local $self->{env} = { %{ $self->{env} }, %LEAKS_BY_DESIGN };
    return eval { $self->start; 1 } ? '' : $@;
}

# Graceful; one test that fails on anything error.log or a sanitizer holds against this run.
sub stop {
    my ($self) = @_;
    my @problems = $self->_end;
    Test::More::ok(!@problems, 'nginx leaves no alert, no crash and no sanitizer report')
        or Test::More::diag(join "\n", @problems);
    return !@problems;
}

# Takes the configuration anew (see `configure`) and returns when no old worker accepts any more.
# False, with the old workers still there, if nginx refused it.
sub reload {
    my ($self) = @_;
    my $before = length $self->error_log;
    my %old = map { $_ => 1 } $self->worker_pids;
    $self->{process}->signal('HUP');
    my $end = time + 30;
    while (time < $end) {
        my $news = substr $self->error_log, $before;
        return 0 if $news =~ /\[emerg\]/;
        my %now = map { $_ => 1 } $self->worker_pids;
        my @fresh = grep { !$old{$_} } keys %now;
        my @staying = grep { $now{$_} && $news !~ /\b\Q$_\E#\d+: gracefully shutting down/ } keys %old;
        return 1 if @fresh >= $self->{workers} && !@staying;
        sleep 0.02;
    }
    die "nginx did not reload:\n" . $self->error_log;
}

# New texts for the next start, reload or check: configure(http => ..., main => ...).
sub configure {
    my ($self, %args) = @_;
    @$self{ keys %args } = values %args;
    $self->write_config;
    return $self;
}

# nginx -t: whether it accepts the configuration, and all that it says.
sub check {
    my ($self) = @_;
    $self->write_config('check');
    my $output = $self->dir . '/check.out';
    unlink $output;
    my $process = OAuth::Process->spawn(
        command => [$self->_binary, '-t', '-p', $self->dir, '-c', $self->dir . '/check.conf'],
        output  => $output,
        env     => { %{ $self->_environment }, %LEAKS_BY_DESIGN },
    );
    my $status = $process->wait(120);
    return (defined $status && $status == 0 ? 1 : 0, OAuth::Test::slurp($output));
}

sub signal { my ($self, $name) = @_; return $self->{process}->signal($name) }

sub worker_pids {
    my ($self) = @_;
    my @pids;
    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid, $parent) = OAuth::Test::slurp($file) =~ /^(\d+) \(.*\) \S (\d+) /s or next;
        next if $parent != $self->pid;
        push @pids, $pid if OAuth::Test::slurp("/proc/$pid/cmdline") =~ /^nginx: worker process/;
    }
    @pids = sort { $a <=> $b } @pids;
    return @pids;
}

# ---- requests ---------------------------------------------------------------------------------

# request(METHOD => '/path', body =>, headers => [A => 'b'], port => n, tls => 1, from => address):
# one connection, one answer. `port` is an index below 100, or a port.
sub request {
    my ($self, $method, $target, %args) = @_;
    my $connection = $self->connect(%args);
    my $response = $connection->request($method, $target, %args, close => 1);
    $connection->close;
    return $response;
}

sub get     { my ($self, $target, %args) = @_; return $self->request(GET => $target, %args) }
sub head    { my ($self, $target, %args) = @_; return $self->request(HEAD => $target, %args) }
sub options { my ($self, $target, %args) = @_; return $self->request(OPTIONS => $target, %args) }

sub post {
    my ($self, $target, $body, %args) = @_;
    return $self->request(POST => $target, %args, body => $body);
}

# A connection that stays open: an OAuth::Http.
sub connect {
    my ($self, %args) = @_;
    my $port = $args{port} || 0;
    $port = $self->port($port) if $port < 100;
    return OAuth::Http->new(port => $port, map { exists $args{$_} ? ($_ => $args{$_}) : () } qw(tls timeout from));
}

# ---- inside -----------------------------------------------------------------------------------

sub _binary { return $ENV{OAUTH_NGINX} || (-x '/usr/sbin/nginx' ? '/usr/sbin/nginx' : 'nginx') }

sub _module {
    my ($self) = @_;
    my $build = $ENV{OAUTH_BUILD} || 'build';
    my $file = $build . ($self->{probe} ? '/probe' : '') . '/ngx_http_oauth_module.so';
    return abs_path($file) || die "$file is not there: ./build.sh " . ($self->{probe} ? 'probe' : 'build') . "\n";
}

sub _environment {
    my ($self) = @_;
    my $report = $self->dir . '/sanitizer';
    return {
        ASAN_OPTIONS  => "detect_odr_violation=0:detect_leaks=1:log_path=$report/asan",
        LSAN_OPTIONS  => "suppressions=$SANITIZER/lsan.supp:print_suppressions=0",
        UBSAN_OPTIONS => "print_stacktrace=1:halt_on_error=1:suppressions=$SANITIZER/ubsan.supp:log_path=$report/ubsan",
        %{ $self->{env} },
    };
}

sub write_config {
    my ($self, $name) = @_;
    $name ||= 'nginx';
    my $log = $name eq 'nginx' ? 'error' : $name;
    my $user = $> == 0 ? "user $self->{user};" : '';
    my $load = $self->{module} ? 'load_module ' . $self->_module . ';' : '';
    my $state = $self->{module} && $self->{state_dir} && $self->{http} !~ /\boauth_state_dir\b/
        ? 'oauth_state_dir %%DIR%%/state;' : '';
    my $limit = $self->{module} && !$self->{limit} && $self->{http} !~ /\boauth_limit\b/ ? 'oauth_limit off;' : '';
    my $text = <<"CONF";
$load
$user
daemon off;
pid %%DIR%%/$name.pid;
working_directory %%DIR%%;
error_log %%DIR%%/$log.log $self->{log_level};
worker_processes $self->{workers};
worker_shutdown_timeout 10s;
$self->{main}
events {
    worker_connections 1024;
}
http {
    access_log %%DIR%%/access.log;
    client_body_temp_path %%DIR%%/tmp/body;
    proxy_temp_path %%DIR%%/tmp/proxy;
    fastcgi_temp_path %%DIR%%/tmp/fastcgi;
    uwsgi_temp_path %%DIR%%/tmp/uwsgi;
    scgi_temp_path %%DIR%%/tmp/scgi;
    $state $limit
$self->{http}
}
CONF
    $text =~ s/%%PORT(\d*)%%/$self->port($1)/ge;
    $text =~ s/%%DIR%%/$self->dir/ge;
    return OAuth::Test::spew($self->dir . "/$name.conf", $text);
}

sub _end {
    my ($self) = @_;
    @running = grep { $_ != $self } @running;
    my $graceful = $self->{process}->stop('QUIT', 30);
    my @problems = $self->_judge;
    unshift @problems, 'nginx did not end after QUIT' if !$graceful;
    my $status = $self->{process}->status;
    unshift @problems, "nginx ended with status $status" if $graceful && $status;
    return @problems;
}

sub _judge {
    my ($self) = @_;
    my @bad = grep { /\[(?:alert|emerg|crit)\]|process \d+ exited (?:on signal|with code [1-9])/ }
        split /\n/, $self->error_log;
    push @bad, map { "$_:\n" . OAuth::Test::slurp($_) } glob $self->dir . '/sanitizer/*';
    my @expected = @{ $self->{expect} };
    return grep { my $line = $_; !grep { $line =~ $_ } @expected } @bad;
}

# A test that died or forgot to stop is judged all the same.
END {
    my $status = $?;
    for my $nginx (@running) {
        next if $nginx->{process}{owner} != $$;
        my @problems = $nginx->_end;
        next if !@problems;
        Test::More::diag(join "\n", 'at the end of the test:', @problems);
        $status ||= 1;
    }
    $? = $status;
}

1;
