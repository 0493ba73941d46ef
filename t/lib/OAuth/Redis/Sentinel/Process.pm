# One sentinel: an OAuth::Redis that keeps nothing and watches a primary.
#
#     my $sentinel = OAuth::Redis::Sentinel::Process->new(monitor => $port, name => 'main', quorum => 1)->start;
#     is $sentinel->named, $port, 'the primary';
package OAuth::Redis::Sentinel::Process;

use strict;
use warnings;
use List::Util qw(pairmap);
use parent -norequire, 'OAuth::Redis';

# Sentinel keeps its state in its configuration.
sub command_line {
    my ($self) = @_;
    my $listening = join "\n", pairmap { "$a $b" } $self->listening;
    my $file = OAuth::Test::spew($self->dir . '/sentinel.conf', <<"CONF", 0600);
$listening
bind 127.0.0.1
dir @{[$self->dir]}
sentinel monitor $self->{name} 127.0.0.1 $self->{monitor} $self->{quorum}
sentinel down-after-milliseconds $self->{name} 1000
sentinel failover-timeout $self->{name} 3000
$self->{config}
CONF
    return (OAuth::Redis::program(), $file, '--sentinel');
}

sub pause   { my ($self) = @_; $self->{paused} = 1; return $self->SUPER::pause }
sub resume  { my ($self) = @_; $self->{paused} = 0; return $self->SUPER::resume }
sub watches { my ($self) = @_; return !$self->{paused} && $self->is_running }

# The port of the server that it calls the primary.
sub named { my ($self) = @_; return $self->command(SENTINEL => 'GET-MASTER-ADDR-BY-NAME' => $self->{name})->[1] }

1;
