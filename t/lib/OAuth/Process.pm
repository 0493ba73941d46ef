# A child process that a test owns: started with its output in a file, stopped by its pid, and
# never left behind, however the test ends.
package OAuth::Process;

use strict;
use warnings;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

my %live;    # pid => object, of this process only

# Who interrupts a test ends what it started, too.
for my $name (qw(INT TERM HUP)) {
    $SIG{$name} ||= sub { exit 130 };
}

# spawn(command => [...], output => PATH, env => {...})
sub spawn {
    my ($class, %args) = @_;
    my $pid = fork;
    die "fork: $!\n" if !defined $pid;
    if (!$pid) {
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $args{output} or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT;
        @ENV{ keys %{ $args{env} } } = values %{ $args{env} } if $args{env};
        { no warnings 'exec'; exec { $args{command}[0] } @{ $args{command} } }
        print STDERR "$args{command}[0]: $!\n";
        POSIX::_exit(127);
    }
    my $self = bless { pid => $pid, owner => $$ }, $class;
    $live{$pid} = $self;
    return $self;
}

sub pid { return $_[0]{pid} }

sub signal {
    my ($self, $name) = @_;
    return !defined $self->{status} && kill $name, $self->{pid};
}

# The wait status once it has ended, undef while it runs.
sub status {
    my ($self) = @_;
    if (!defined $self->{status} && waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
        $self->{status} = $?;
        delete $live{ $self->{pid} };
    }
    return $self->{status};
}

sub wait {
    my ($self, $seconds) = @_;
    my $end = time + $seconds;
    while (!defined $self->status && time < $end) { sleep 0.01 }
    return $self->status;
}

# Asks by `signal` (TERM), insists by KILL after `seconds` (20). False if it had to insist.
sub stop {
    my ($self, $signal, $seconds) = @_;
    return 1 if defined $self->status;
    $self->signal('CONT');
    $self->signal($signal || 'TERM');
    return 1 if defined $self->wait($seconds || 20);
    $self->signal('KILL');
    $self->wait(10);
    return 0;
}

END {
    local $?;
    for my $process (values %live) {
        $process->stop('TERM', 5) if $process->{owner} == $$;
    }
}

1;
