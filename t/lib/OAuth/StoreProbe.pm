# The store's verbs for a test, one HTTP request each (t/probe/store_probe.cpp answers them).
#
#     my $store = OAuth::StoreProbe->new(store => 'shm:probe:1m')->start;
#     $store->put(codes => 'name', 'value', 60);       # 'done', or the problem's name
#     $store->get(codes => 'name');                    # 'value ' . hex, or the problem's name
#     my @told = $store->parallel(100, take => { share => 'codes', name => ['name'] });
#     OAuth::StoreProbe->new(store => ..., revocations => 1)    # can revoke, too
# Names and values are bytes; times are offsets from now, in seconds.
package OAuth::StoreProbe;

use strict;
use warnings;

use OAuth::Http;
use OAuth::Nginx;

sub new {
    my ($class, %args) = @_;
    my $store = delete $args{store};
    my $documents = delete $args{documents};
    my $revocations = delete $args{revocations};
    my $keys = delete $args{keys};    # of its own
    my $self = bless {}, $class;
    $self->{nginx} = OAuth::Nginx->new(probe => 1, workers => 2, state_dir => 0,
        http => config($store, $documents, $revocations, $keys), %args);
    return $self;
}

# reuseport: the kernel spreads connections over the workers.
sub config {
    my ($store, $documents, $revocations, $keys) = @_;
    my $own = $keys ? 'store_probe_keys;' : '';
    my $cache = $documents ? "store_probe_documents $documents;" : '';
    $cache .= ' store_probe_revocations;' if $revocations;
    return <<"CONF";
store_probe_store $store;
$own
$cache
keepalive_requests 100000;
large_client_header_buffers 4 64k;
server {
    listen 127.0.0.1:%%PORT%% reuseport;
    location /p { store_probe; }
}
CONF
}

sub nginx { return $_[0]{nginx} }
sub start { my ($self) = @_; $self->{nginx}->start; return $self }
sub stop  { return $_[0]{nginx}->stop }

sub value { return 'value ' . unpack 'H*', $_[0] }

sub target {
    my ($verb, $ask) = @_;
    my %ask = (verb => $verb, %$ask);
    $ask{name} = join ',', map { unpack 'H*', $_ } ref $ask{name} ? @{ $ask{name} } : $ask{name}
        if defined $ask{name};
    $ask{$_} = unpack 'H*', $ask{$_} for grep { defined $ask{$_} } qw(value expected);
    return '/p?' . OAuth::Test::form(map { $_ => $ask{$_} } sort keys %ask);
}

sub ask {
    my ($self, $verb, %ask) = @_;
    my $response = $self->{nginx}->get(target($verb, \%ask));
    return $response->{status} == 200 ? $response->{body} : "status $response->{status}";
}

sub claim { my ($self, $name, $issued, $expires) = @_; return $self->ask('claim', name => $name, issued => $issued, expires => $expires) }
sub take  { my ($self, $share, @names) = @_; return $self->ask('take', share => $share, name => \@names) }
sub get   { my ($self, $share, $name) = @_; return $self->ask('get', share => $share, name => $name) }
sub drop  { my ($self, $share, $name) = @_; return $self->ask('drop', share => $share, name => $name) }
sub known { return $_[0]->ask('known') }

sub put {
    my ($self, $share, $name, $value, $expires) = @_;
    return $self->ask('put', share => $share, name => $name, value => $value, expires => $expires);
}

sub swap {
    my ($self, $share, $name, $expected, $value, $expires) = @_;
    return $self->ask('swap', share => $share, name => $name, expected => $expected, value => $value, expires => $expires);
}

sub count {
    my ($self, $expires, @names) = @_;
    return $self->ask('count', name => \@names, expires => $expires);
}

# `until` is a time.
sub revoke { my ($self, $name, $until) = @_; return $self->ask('revoke', name => $name, until => $until) }

# What the workers know of a mark, as a token's and as a sign-in's: 'done' or 'token_revoked' each.
sub judge {
    my ($self, $name) = @_;
    my %told = map { $_ => 1 } @{ $self->parallel(20, judge => { name => $name }) };
    return join ', ', sort keys %told;
}

# Many questions ([verb => {...}], ...) over one connection; their answers.
sub each {
    my ($self, @asks) = @_;
    my $connection = $self->{nginx}->connect;
    my @told = map { $connection->request(GET => target(@$_))->{body} } @asks;
    $connection->close;
    return \@told;
}

# The same question `count` times, all sent before the first answer is read. In scalar context the
# answers; in list context also how many workers gave them.
sub parallel {
    my ($self, $count, $verb, $ask) = @_;
    return parallel_over([$self], $count, $verb, $ask);
}

# So, with the questions spread over several such nginx.
sub parallel_over {
    my ($stores, $count, $verb, $ask) = @_;
    my $text = OAuth::Http::format_request('GET', target($verb, $ask), host => 'localhost');
    my @connections = map { $stores->[$_ % @$stores]{nginx}->connect } 1 .. $count;
    $_->send($text) for @connections;
    my (@told, %workers);
    for my $connection (@connections) {
        my $response = $connection->read_response;
        push @told, $response->{status} == 200 ? $response->{body} : "status $response->{status}";
        $workers{ OAuth::Test::header($response, 'x-worker') || 0 } = 1;
        $connection->close;
    }
    return wantarray ? (\@told, scalar keys %workers) : \@told;
}

1;
