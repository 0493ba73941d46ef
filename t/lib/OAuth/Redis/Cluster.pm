# A Redis cluster of a test's own: primaries with a replica each, on free loopback ports.
#
#     my $cluster = OAuth::Redis::Cluster->new->start;      # 3 and 3; replicas => 0: none
#     $cluster->url;                                        # redis+cluster://127.0.0.1:P,...
#     my $node = $cluster->primary_of('oauth:code:x');      # an OAuth::Redis::Cluster::Node
#     $cluster->command(GET => 'oauth:code:x');             # at the primary of its first argument
#     $cluster->move($slot, $from, $to);
# Further arguments: args => [...] of every redis-server, user, password and tls as OAuth::Redis has them,
# primaries => N, patience => ms until a silent node is given up (2000).
package OAuth::Redis::Cluster::Node;

use strict;
use warnings;
use parent -norequire, 'OAuth::Redis';

use OAuth::Redis;

sub new {
    my ($class, %args) = @_;
    my $bus = OAuth::Port::take();
    $args{args} = ['--cluster-enabled', 'yes', '--cluster-port', $bus, '--cluster-node-timeout', delete $args{patience} || 2000,
        '--repl-diskless-sync-delay', 0, '--repl-ping-replica-period', 1,
        @{ $args{args} || [] }];
    return OAuth::Redis::new($class, %args, bus => $bus);
}

sub id { my ($self) = @_; return $self->{id} ||= $self->command(CLUSTER => 'MYID') }

# [id, ip:port@bus, [flags], primary's id or -, state of the link, ...] of each node it knows.
sub nodes {
    my ($self) = @_;
    return map { my ($id, $address, $flags, $primary, undef, undef, undef, $link, @slots) = split / /;
        [$id, $address, [split /,/, $flags], $primary, $link, @slots] } split /\n/, $self->command(CLUSTER => 'NODES');
}

sub is_primary { my ($self) = @_; return $self->command('ROLE')->[0] eq 'master' }
sub state { my ($self) = @_; return $self->command(CLUSTER => 'INFO') =~ /cluster_state:(\w+)/ ? $1 : '' }

package OAuth::Redis::Cluster;

use strict;
use warnings;
use Time::HiRes qw(sleep time);

use constant SLOTS => 16384;

sub new {
    my ($class, %args) = @_;
    my $self = bless { primaries => 3, replicas => 1, args => [], %args }, $class;
    my $count = $self->{primaries} * (1 + $self->{replicas});
    my @common = map { $_ => $self->{$_} } grep { exists $self->{$_} } qw(user password tls patience);
    $self->{nodes} = [map { OAuth::Redis::Cluster::Node->new(@common, args => $self->{args}) } 1 .. $count];
    return $self;
}

sub nodes { return @{ $_[0]{nodes} } }

sub url {
    my ($self, $user) = @_;
    my $scheme = $self->{tls} ? 'rediss+cluster' : 'redis+cluster';
    return "$scheme://" . ($user || '') . join ',', map { '127.0.0.1:' . $_->port } $self->nodes;
}

# Made by hand: redis-cli --cluster create waits for seconds.
sub start {
    my ($self) = @_;
    my @nodes = $self->nodes;
    $_->start for @nodes;
    my $share = int(SLOTS / $self->{primaries});
    for my $i (0 .. $self->{primaries} - 1) {
        my $last = $i == $self->{primaries} - 1 ? SLOTS - 1 : ($i + 1) * $share - 1;
        $nodes[$i]->command(CLUSTER => ADDSLOTSRANGE => $i * $share, $last);
    }
    $nodes[$_]->command(CLUSTER => 'SET-CONFIG-EPOCH', $_ + 1) for 0 .. $#nodes;
    for my $one (@nodes) {
        $one->command(CLUSTER => MEET => '127.0.0.1', $_->port, $_->{bus}) for grep { $_ != $one } @nodes;
    }
    until_true('every node knows all', sub {
        !grep { grep({ $_->[4] eq 'connected' && !grep { /handshake|noaddr/ } @{ $_->[2] } } $_->nodes) != @nodes } @nodes
    });
    for my $i ($self->{primaries} .. $#nodes) {
        $nodes[$i]->command(CLUSTER => REPLICATE => $nodes[$i % $self->{primaries}]->id);
    }
    $self->settle;
    return $self;
}

# Until all that live agree on who serves what, and each replica is in step with its primary.
sub settle {
    my ($self) = @_;
    until_true('the nodes agree', sub {
        my @nodes = grep { $_->is_running } $self->nodes;
        my %seen;
        for my $node (@nodes) {
            return 0 if $node->state ne 'ok';
            my $role = $node->command('ROLE');
            return 0 if $role->[0] eq 'slave' && $role->[3] ne 'connected';
            $seen{ map_of($node) }++;
        }
        my $replicas = grep { !$_->is_primary } @nodes;
        return keys %seen == 1 && replicas_in(keys %seen) == $replicas;
    });
    return;
}

# Ranges with their nodes, as text: "0-5460 PRIMARY REPLICA\n...".
sub map_of {
    my ($node) = @_;
    my @ranges = sort { $a->[0] <=> $b->[0] } @{ $node->command(CLUSTER => 'SLOTS') };
    return join "\n", map { my ($first, $last, $primary, @replicas) = @$_;
        join ' ', "$first-$last", $primary->[2], sort map { $_->[2] } @replicas } @ranges;
}

sub replicas_in {
    my ($map) = @_;
    my %replicas = map { my (undef, undef, @replicas) = split / /; map { $_ => 1 } @replicas } split /\n/, $map;
    return scalar keys %replicas;
}

sub stop {
    my ($self) = @_;
    $_->stop for grep { $_->is_running } $self->nodes;
    return;
}

sub slot { my ($self, $key) = @_; return $self->any->command(CLUSTER => KEYSLOT => $key) }
sub any { my ($self) = @_; return (grep { $_->is_running } $self->nodes)[0] }
sub primaries { my ($self) = @_; return grep { $_->is_running && $_->is_primary } $self->nodes }

# Who serves the key's slot, in the eyes of those that serve slots themselves.
sub primary_of {
    my ($self, $key) = @_;
    my $slot = $self->slot($key);
    for my $node ($self->primaries) {
        for my $range (@{ $node->command(CLUSTER => 'SLOTS') }) {
            return $node if $range->[0] <= $slot && $slot <= $range->[1] && $range->[2][2] eq $node->id;
        }
    }
    return;
}

sub replica_of {
    my ($self, $primary) = @_;
    my ($found) = grep { my $id = $_->id; grep { $_->[0] eq $id && $_->[3] eq $primary->id } $primary->nodes } grep { $_->is_running } $self->nodes;
    return $found;
}

sub command {
    my ($self, $verb, $key, @more) = @_;
    return $self->primary_of($key)->command($verb, $key, @more);
}

# A slot with all its keys, as redis-cli --cluster reshard moves it; `between` is called for each
# step, while some keys are here and some there; some twenty, however many keys there are.
sub move {
    my ($self, $slot, $from, $to, $between) = @_;
    $to->command(CLUSTER => SETSLOT => $slot, IMPORTING => $from->id);
    $from->command(CLUSTER => SETSLOT => $slot, MIGRATING => $to->id);
    $between->() if $between;
    my $some = 10 + int($from->command(CLUSTER => COUNTKEYSINSLOT => $slot) / 20);
    my @login = defined $self->{password} ? (AUTH2 => $self->{user} || 'default', $self->{password}) : ();
    while (my @keys = @{ $from->command(CLUSTER => GETKEYSINSLOT => $slot, $some) }) {
        $from->command(MIGRATE => '127.0.0.1', $to->port, '', 0, 5000, @login, KEYS => @keys);
        $between->() if $between;
    }
    $_->command(CLUSTER => SETSLOT => $slot, NODE => $to->id) for $to, $from, grep { $_ != $to && $_ != $from } $self->primaries;
    return;
}

sub until_true {
    my ($what, $condition, $seconds) = @_;
    my $end = time + ($seconds || 30);
    until ($condition->()) {
        die "in vain: $what\n" if time > $end;
        sleep 0.05;
    }
    return;
}

1;
