# A primary, its replicas and the sentinels that watch them: a test's own, on free loopback ports.
#
#     my $group = OAuth::Redis::Sentinel->new(replicas => 2, sentinels => 3)->start;
#     ... 'redis+sentinel://' . $group->authority . '/main' ...
#     my $old = $group->primary;                         # an OAuth::Redis
#     my $new = $group->failover;                        # the old one lives on
#     $new->kill; my $newer = $group->successor($new);   # it does not
# `args` are further arguments of the servers, `config` further lines of the sentinels; `user` and `password` are
# who the test is for the servers, `login` (user, password) for the sentinels; `tls` as OAuth::Redis has it, for all.
package OAuth::Redis::Sentinel;

use strict;
use warnings;

use OAuth::Redis;
use OAuth::Redis::Sentinel::Process;

use constant NAME => 'main';

sub new {
    my ($class, %args) = @_;
    return bless { replicas => 2, sentinels => 3, args => [], config => '', login => {}, %args }, $class;
}

sub servers   { return @{ $_[0]{servers} } }
sub sentinels { return @{ $_[0]{watchers} } }
sub authority { return join ',', map { '127.0.0.1:' . $_->port } $_[0]->sentinels }

# Returns when each sentinel knows all replicas and all others.
sub start {
    my ($self) = @_;
    my @args = ('--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', @{ $self->{args} });
    my @common = map { $_ => $self->{$_} } qw(user password tls);
    my $primary = OAuth::Redis->new(args => \@args, @common)->start;
    my @replicas = map { OAuth::Redis->new(args => ['--replicaof', '127.0.0.1 ' . $primary->port, @args], @common)->start }
        1 .. $self->{replicas};
    $self->{servers} = [$primary, @replicas];
    # A sentinel looks for replicas when it starts, and then seldom.
    _wait('the replicas', sub { _replicas_of($primary) == $self->{replicas} });
    my %watch = (name => NAME, monitor => $primary->port, quorum => $self->{sentinels} > 1 ? 2 : 1,
        config => $self->{config}, tls => $self->{tls}, %{ $self->{login} });
    $self->{watchers} = [map { OAuth::Redis::Sentinel::Process->new(%watch)->start } 1 .. $self->{sentinels}];
    _wait('the sentinels', sub { !grep { !$self->_knows_all($_) } $self->sentinels });
    return $self;
}

sub stop {
    my ($self) = @_;
    $_->stop for $self->sentinels, $self->servers;
    return;
}

# What the sentinels that can speak agree on.
sub primary {
    my ($self) = @_;
    my ($sentinel, @others) = grep { $_->watches } $self->sentinels;
    _wait('one primary', sub { my $port = $sentinel->named; !grep { $_->named != $port } @others });
    my ($server) = grep { $_->port == $sentinel->named } $self->servers;
    return $server;
}

# Makes another server the primary. The sentinels tell the old one after some seconds.
sub failover {
    my ($self) = @_;
    my $old = $self->primary;
    my ($sentinel) = grep { $_->watches } $self->sentinels;
    _wait('a replica that can follow', sub { $sentinel->command(SENTINEL => FAILOVER => NAME) });
    return $self->successor($old);
}

sub successor {
    my ($self, $old) = @_;
    my $new;
    _wait('another primary', sub { $new = $self->primary; $new != $old });
    _wait('its role', sub { $new->command('ROLE')->[0] eq 'master' });
    return $new;
}

sub _knows_all {
    my ($self, $sentinel) = @_;
    my %about = @{ $sentinel->command(SENTINEL => MASTER => NAME) };
    return $about{flags} eq 'master' && $about{'num-slaves'} == $self->{replicas}
        && $about{'num-other-sentinels'} == $self->{sentinels} - 1;
}

sub _replicas_of {
    my ($server) = @_;
    return scalar(() = $server->command(INFO => 'replication') =~ /state=online/g);
}

# Whose role changes cuts its connections: no answer is not yet one.
sub _wait {
    my ($what, $condition) = @_;
    return OAuth::Test::wait_until(sub { eval { $condition->() } }, 30) || die "$what: in vain\n";
}

1;
