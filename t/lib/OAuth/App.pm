# An application of the real Dexie client in a real browser: its page and a stranger's copy of it on
# addresses of their own, the broker that its databaseUrl names, a sync backend behind the broker, a
# certified OpenID Provider (acme) and a demo one.
#
#     OAuth::App->new(redis => OAuth::Redis->new)->accept;    # without redis: shared memory
package OAuth::App;

use strict;
use warnings;
use Test::More ();

use OAuth::Chromium;
use OAuth::Http;
use OAuth::Idp;
use OAuth::Nginx;
use OAuth::Port;
use OAuth::Process;

sub new {
    my ($class, %args) = @_;
    my $self = bless { idp => OAuth::Idp->new, sync_port => OAuth::Port::take(), %args }, $class;
    $self->{nginx} = OAuth::Nginx->new(workers => 2, http => $self->_http);
    return $self;
}

sub nginx    { return $_[0]{nginx} }
sub idp      { return $_[0]{idp} }
sub base     { return 'http://localhost:' . $_[0]{nginx}->port }
sub address  { return 'http://localhost:' . $_[0]{nginx}->port(1) }
sub stranger { return 'http://localhost:' . $_[0]{nginx}->port(2) }

# The whole run: every story, one subtest each.
sub accept {
    my ($self) = @_;
    $self->start or return;
    Test::More::subtest($_ => sub { $self->play("t/e2e/$_.mjs") }) for qw(dexie dexie_refused dexie_demo dexie_email);
    Test::More::cmp_ok($self->{redis}->command('DBSIZE'), '>', 0, 'Redis kept what had to be kept') if $self->{redis};
    $self->stop;
    return;
}

# False if the page cannot be bundled.
sub start {
    my ($self) = @_;
    return if !OAuth::Chromium::bundle($self->{nginx}->dir . '/page');
    $self->{redis}->start if $self->{redis};
    $self->{idp}->start(redirect_uris => [$self->base . '/oauth/callback/acme']);
    $self->{sync} = OAuth::Process->spawn(
        output  => $self->{nginx}->dir . '/sync.log',
        command => ['node', 't/e2e/sync-server.mjs', $self->{sync_port}],
    );
    OAuth::Test::wait_until(sub { eval { $self->seen } }) or die "the sync backend does not start\n";
    $self->{nginx}->start;
    return $self;
}

# A story; it gets { base, app, stranger, issuer, sync } as JSON.
sub play {
    my ($self, $script) = @_;
    my %places = (base => $self->base, app => $self->address, stranger => $self->stranger,
        issuer => $self->{idp}->issuer, sync => "http://127.0.0.1:$self->{sync_port}");
    OAuth::Chromium::browse($script, OAuth::Test::encode_json(\%places));
    return;
}

# What the backend saw: { requests, mails }.
sub seen {
    my ($self) = @_;
    my $connection = OAuth::Http->new(port => $self->{sync_port});
    my $response = $connection->request(GET => '/seen', close => 1);
    $connection->close;
    return OAuth::Test::decode_json($response->{body});
}

sub stop {
    my ($self) = @_;
    my $logs = $self->{nginx}->error_log . $self->{nginx}->access_log;
    Test::More::unlike($logs, qr/[?&](?:code|state|token)=[\w-]{8}/, 'no code, state or token is in a log');
    $self->{nginx}->stop;
    $self->{sync}->stop('TERM');
    $self->{idp}->stop;
    $self->{redis}->stop if $self->{redis};
    return;
}

sub _http {
    my ($self) = @_;
    my $acme = $self->{idp};
    my $store = $self->{redis} ? 'oauth_store redis://127.0.0.1:' . $self->{redis}->port . ';' : '';
    my $sync = "http://127.0.0.1:$self->{sync_port}";
    return <<"CONF";
include /etc/nginx/mime.types;
$store
oauth_provider acme {
    type          oidc;
    issuer        @{[$acme->issuer]};
    client_id     @{[$acme->client_id]};
    client_secret @{[$acme->client_secret]};
    display_name  "Acme ID";
}
oauth_provider demo {
    type demo;
    display_name Demo;
    user foo\@demo.local Foo;
    user bar\@demo.local Bar;
}
server {
    listen 127.0.0.1:%%PORT%% reuseport;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT1%%;
    oauth_allow domain=example.com email=foo\@demo.local;
    oauth_otp { send_via /internal/mail; }
    location = /internal/mail { internal; proxy_pass $sync/mail; }
    location / { return 404; }
    # The client calls before anybody is signed in too (dexie-contract 6); a bad token is refused.
    location = /sync {
        oauth_protect bearer optional;
        oauth_cors    on;
        proxy_set_header X-User \$oauth_sub;
        proxy_pass $sync;
    }
    # It asks for //changes: its databaseUrl has no path (dexie-contract 0).
    location = /changes {
        oauth_protect bearer query=token optional;
        proxy_http_version 1.1;
        proxy_set_header Upgrade    \$http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header X-User     \$oauth_sub;
        proxy_pass $sync;
    }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    listen 127.0.0.1:%%PORT2%%;
    root %%DIR%%/page;
    location = /favicon.ico { return 204; }
    location = /config.js { default_type text/javascript; return 200 "window.BASE = 'http://localhost:%%PORT%%';"; }
}
CONF
}

1;
