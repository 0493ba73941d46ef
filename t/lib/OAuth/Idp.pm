# An OpenID Provider of a test's own, in node: oidc-provider (kind => 'idp', the default), or one
# that lies on demand (kind => 'faulty-op'); their knobs stand at the top of t/node/KIND.mjs.
#
#     my $idp = OAuth::Idp->new;                            # issuer and ports are known from here on
#     $idp->start(redirect_uris => ["http://localhost:$port/oauth/callback/acme"], auto => 1);
#     $idp->set(account => 'bob');
#     $idp->fault(token => { status => 500, times => 1 });  # hang, reset, hold, delay, body, merge ...
#     is $idp->requests('token'), 1;
package OAuth::Idp;

use strict;
use warnings;
use File::Temp ();
use Time::HiRes qw(time sleep);

use OAuth::Http;
use OAuth::Port;
use OAuth::Process;

sub new {
    my ($class, %args) = @_;
    return bless {
        kind   => 'idp',
        client => 'app',
        folder => File::Temp->newdir('oauth-idp-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{OAUTH_KEEP}),
        port   => OAuth::Port::take(),
        control_port => OAuth::Port::take(),
        %args,
    }, $class;
}

# Why a kind cannot run here, for skip_all; empty if it can. The liar needs node alone.
sub missing {
    my ($class, $kind) = @_;
    return 'no node' if !grep { -x "$_/node" } split /:/, $ENV{PATH};
    return '' if ($kind || '') eq 'faulty-op';
    return 't/node/node_modules is missing: ./build.sh test installs it' if !-d 't/node/node_modules/oidc-provider';
    return '';
}

sub port          { return $_[0]{port} }
sub issuer        { return "http://127.0.0.1:$_[0]{port}" }
sub client_id     { return $_[0]{client} }
sub client_secret { return 'app-secret-0123456789abcdef0123456789' }
sub log           { return OAuth::Test::slurp($_[0]{folder}->dirname . '/log') }

# The knobs may be set from the beginning.
sub start {
    my ($self, %knobs) = @_;
    $self->{process} = OAuth::Process->spawn(
        output  => $self->{folder}->dirname . '/log',
        command => ['node', "t/node/$self->{kind}.mjs", $self->{port}, $self->{control_port}],
    );
    my $end = time + 60;
    while (!eval { $self->command('ping') }) {
        die "$self->{kind} does not start: $@" . $self->log
            if defined $self->{process}->status || time > $end;
        sleep 0.05;
    }
    $self->set(%knobs) if %knobs;
    return $self;
}

sub stop {
    my ($self) = @_;
    return $self->{process}->stop('TERM');
}

sub set { my ($self, %knobs) = @_; return $self->command(set => \%knobs) }

# fault(route => {...}); routes: discovery authorization token userinfo jwks. clear ends all faults.
sub fault   { my ($self, $route, $fault) = @_; return $self->command(fault => { route => $route, %$fault }) }
sub clear   { return $_[0]->command('clear') }
sub release { return $_[0]->command('release') }
sub waiting { return $_[0]->command('requests')->{waiting} }
sub rotate  { my ($self, %how) = @_; return $self->command(rotate => \%how) }

# How often a route was asked since the start or `forget`; all that was asked, in order.
sub requests { my ($self, $route) = @_; return $self->command('requests')->{counts}{$route} || 0 }
sub forget   { return $_[0]->command('forget') }
sub log_of   {
    my ($self, $route) = @_;
    return grep { $_->{route} eq $route } @{ $self->command('requests')->{log} };
}

sub command {
    my ($self, $name, $argument) = @_;
    my $connection = OAuth::Http->new(port => $self->{control_port});
    my $response = $connection->request(POST => "/$name", body => $argument || {}, close => 1);
    $connection->close;
    die "$name: $response->{status} $response->{body}\n" if $response->{status} != 200;
    return OAuth::Test::decode_json($response->{body});
}

1;
