# A provider of a test's own, in node: oidc-provider (kind => 'idp', the default), one that lies on
# demand (kind => 'faulty-op'), a strict emulator of a real one (google, github, microsoft, apple,
# cognito), or cognito-local; their knobs stand at the top of t/node/KIND.mjs, t/node/emulators/KIND.mjs.
#
#     my $idp = OAuth::Idp->new;                            # issuer and ports are known from here on
#     $idp->start(redirect_uris => ["http://localhost:$port/oauth/callback/acme"], auto => 1);
#     $idp->set(account => 'bob');
#     $idp->fault(token => { status => 500, times => 1 });  # hang, reset, hold, delay, body, merge ...
#     is $idp->requests('token'), 1;
#     is_deeply [$idp->complaints], [];                     # what the module should not have asked
package OAuth::Idp;

use strict;
use warnings;
use File::Temp ();
use Time::HiRes qw(time sleep);

use OAuth::Forge;
use OAuth::Http;
use OAuth::Port;
use OAuth::Process;

# Where an emulator's endpoints are: what the block of its preset needs to find it.
my %ENDPOINTS = (
    google    => { authorization => '/o/oauth2/v2/auth', token => '/token', userinfo => '/v1/userinfo',
        jwks => '/oauth2/v3/certs' },
    github    => { authorization => '/login/oauth/authorize', token => '/login/oauth/access_token',
        userinfo => '/user' },
    microsoft => { authorization => '/common/oauth2/v2.0/authorize', token => '/common/oauth2/v2.0/token',
        userinfo => '/oidc/userinfo', jwks => '/common/discovery/v2.0/keys' },
    apple     => { authorization => '/auth/authorize', token => '/auth/token', jwks => '/auth/keys' },
    cognito   => { authorization => '/oauth2/authorize', token => '/oauth2/token', userinfo => '/oauth2/userInfo',
        jwks => '/pool/.well-known/jwks.json' },
    'cognito-local' => { authorization => '/oauth2/authorize', token => '/oauth2/token',
        userinfo => '/oauth2/userInfo', jwks => '/eu-west-1_Local1234/.well-known/jwks.json' },
    oauth2    => { authorization => '/authorize', token => '/token', userinfo => '/userinfo' },
);

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

# Why a kind cannot run here, for skip_all; empty if it can. All but those from npm need node alone.
sub missing {
    my ($class, $kind) = @_;
    return 'no node' if !grep { -x "$_/node" } split /:/, $ENV{PATH};
    my $package = { idp => 'oidc-provider', 'cognito-local' => 'cognito-local' }->{ $kind || 'idp' };
    return '' if !$package || -d "t/node/node_modules/$package";
    return "t/node/node_modules has no $package: ./build.sh test installs it";
}

sub port          { return $_[0]{port} }
sub issuer        { return "http://127.0.0.1:$_[0]{port}" }
sub client_id     { return $_[0]{client} }
sub client_secret { return 'app-secret-0123456789abcdef0123456789' }
sub log           { return OAuth::Test::slurp($_[0]{folder}->dirname . '/log') }

# What it is called in the configuration, unless new(name => ...) says so.
sub name { return $_[0]{name} || ($ENDPOINTS{ $_[0]{kind} } ? $_[0]{kind} : 'acme') }

# The members of the block that sends the module here. Of new(kind => 'faulty-op', openid => 0) it
# knows OAuth 2.0 alone; of new(bare => { member => value }) nothing beside these and its client.
sub members {
    my ($self) = @_;
    my $kind = $self->is_openid ? $self->{kind} : 'oauth2';
    my %members = (client_id => $self->client_id, client_secret => $self->client_secret);
    return (%members, %{ $self->{bare} }) if $self->{bare};
    return (type => 'oidc', issuer => $self->issuer, %members) if !$ENDPOINTS{$kind};
    %members = (type => $kind, %members, $self->endpoints);
    %members = (%members, region => 'eu-west-1', user_pool_id => 'eu-west-1_AbCdEf123') if $kind eq 'cognito';
    # It looks for client_id in the form.
    %members = (%members, type => 'cognito', token_auth => 'post', user_pool_id => 'eu-west-1_Local1234',
        issuer => $self->issuer . '/eu-west-1_Local1234') if $kind eq 'cognito-local';
    return %members if $kind ne 'apple';
    delete $members{client_secret};
    return (%members, team_id => 'TEAM123456', key_id => 'KEY1234567', private_key => $self->forge->{key});
}

sub is_openid { return !defined $_[0]{openid} || $_[0]{openid} }

# What discovery would say; for oidc-provider it must.
sub endpoints {
    my ($self) = @_;
    my %path = %{ $ENDPOINTS{ $self->{kind} eq 'faulty-op' ? 'oauth2' : $self->{kind} } };
    return map { ($_ eq 'jwks' ? 'jwks_uri' : "${_}_endpoint") => $self->issuer . $path{$_} } keys %path;
}

# The client's own key, where it has one.
sub forge { return $_[0]{forge} ||= OAuth::Forge->new(generate => 'ES256') }

# The knobs may be set from the beginning.
sub start {
    my ($self, %knobs) = @_;
    my $script = 't/node/' . ($ENDPOINTS{ $self->{kind} } ? 'emulators/' : '') . "$self->{kind}.mjs";
    $knobs{openid} = JSON::PP::false if !$self->is_openid;
    $knobs{client_key} = $self->forge->public_pem if $self->{kind} eq 'apple' && !exists $knobs{client_key};
    $self->{process} = OAuth::Process->spawn(
        output  => $self->{folder}->dirname . '/log',
        command => ['node', $script, $self->{port}, $self->{control_port}, $self->{folder}->dirname],
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

# fault(route => {...}); routes: discovery authorization token userinfo emails jwks. clear ends all faults.
sub fault   { my ($self, $route, $fault) = @_; return $self->command(fault => { route => $route, %$fault }) }
sub clear   { return $_[0]->command('clear') }
sub release { return $_[0]->command('release') }
sub waiting { return $_[0]->command('requests')->{waiting} }
sub rotate  { my ($self, %how) = @_; return $self->command(rotate => \%how) }

# What the client asked and should not have; pardon forgets it. (oidc-provider keeps no such list.)
sub complaints { return @{ $_[0]->command('complaints')->{complaints} } }
sub pardon     { return $_[0]->command('pardon') }

# Every answer of the token endpoint, as its text.
sub issued { return @{ $_[0]->command('issued')->{issued} } }

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
