# The nginx that is measured and the backend behind it. What the module that was built does not know
# yet is left out, and says so.
#
#     my $front = OAuth::Bench::Front->new(bench => $bench);
#     $front->start;
#     $front->plain, $front->guard('ES256')    # port, path, pids: where a token of that algorithm goes
#     $front->missing                          # lines: what could not be measured, and why
package OAuth::Bench::Front;

use strict;
use warnings;

use OAuth::Bench::Tokens;
use OAuth::Forge;
use OAuth::Nginx;

# Tokens of our own brokers, and of a foreign issuer.
my %OWN = (ES256 => 1, RS256 => 2);
my %FOREIGN = (EdDSA => 3, HS256 => 4);
my $ISSUER = 'https://issuer.example.com';

my $HTTP = <<'CONF';
access_log off;
keepalive_requests 100000000;
keepalive_timeout 600s;
proxy_http_version 1.1;
proxy_set_header Connection "";
CONF

# new(bench =>, cache => SIZE of oauth_token_cache, main =>, nginx => {further arguments}); with
# nginx => { probe => 1 } bare(ALG) is a place, too
sub new {
    my ($class, %args) = @_;
    my $self = bless { cache => '128m', missing => [], %args }, $class;
    $self->{nginx_probe} = $args{nginx}{probe};
    $self->{tokens} = OAuth::Bench::Tokens->new(folder => $self->{bench}->dir);
    $self->{backend} = OAuth::Nginx->new(module => 0, log_level => 'error', http => <<"CONF");
$HTTP
server {
    listen 127.0.0.1:%%PORT%%;
    location / { return 200 "hello\\n"; }
    location = /check { return 204; }
}
CONF
    $self->{bare} = OAuth::Nginx->new(module => 0, log_level => 'error', http => $HTTP . $self->_upstream . <<'CONF');
server {
    listen 127.0.0.1:%%PORT%%;
    location / { proxy_pass http://backend; }
}
CONF
    $self->{nginx} = OAuth::Nginx->new(log_level => 'error', http => $self->_http, %{ $args{nginx} || {} });
    return $self;
}

# `binary` in the place of nginx for the one that is measured.
sub start {
    my ($self, $binary) = @_;
    $_->start for $self->{backend}, $self->{bare};
    $self->{nginx}->start;    # makes the keys, at full speed
    if ($binary) {
        $self->{nginx}->stop;
        local $ENV{OAUTH_NGINX} = $binary;
        $self->{nginx}->start;
    }
    $self->{bench}->pin_rest($self->{backend}->worker_pids);
    $self->{bench}->pin_front($self->{nginx}->worker_pids, $self->{bare}->worker_pids);
    return $self;
}

sub stop {
    my ($self) = @_;
    $_->stop for $self->{nginx}, $self->{bare}, $self->{backend};
    return;
}

sub nginx   { return $_[0]{nginx} }
sub tokens  { return $_[0]{tokens} }
sub missing { return @{ $_[0]{missing} } }
sub backend { return '127.0.0.1:' . $_[0]{backend}->port }
sub cached  { return $_[0]{cached} }

# A place to send requests to; `unloaded`: of an nginx without the module; `bare`: the plain proxy, and a
# signature of that algorithm that OpenSSL checks for each request (t/probe/verify_probe.cpp).
sub unloaded { my ($self) = @_; return _place($self->{bare}, 0, '/') }
sub bare     { my ($self, $alg) = @_; return _place($self->{nginx}, 0, "/bare_$alg") }
sub plain { my ($self, $path) = @_; return _place($self->{nginx}, 0, $path || '/') }
# Nothing where this module has none.
sub guard {
    my ($self, $alg, $path) = @_;
    my $index = $OWN{$alg} || $self->{foreign}{$alg} || return;
    return if $path && $path eq '/header' && !$self->{headers};
    return _place($self->{nginx}, $index, $path || '/');
}

# `count` tokens in a list, which guard(ALG) accepts.
sub add_tokens {
    my ($self, $name, $count, $alg) = @_;
    my @from = $OWN{$alg} ? (issuer => $self->issuer($alg), key => $self->_own_key($alg)->{key}) : (issuer => $ISSUER);
    $self->{tokens}->add($name, $count, alg => $alg, @from);
    return;
}

sub issuer { my ($self, $alg) = @_; return 'http://localhost:' . $self->{nginx}->port($OWN{$alg}) }
sub public_key { my ($self, $alg) = @_; return $self->_own_key($alg)->public_pem }
sub kid { my ($self, $alg) = @_; return $self->_own_key($alg)->kid }

# ---- inside -----------------------------------------------------------------------------------

sub _own_key {
    my ($self, $alg) = @_;
    return OAuth::Forge->new(key => $self->{nginx}->dir . '/state/signing-' . lc($alg) . '.pem', alg => $alg);
}

sub _place {
    my ($nginx, $index, $path) = @_;
    return (port => $nginx->port($index), path => $path, pids => sub { $nginx->worker_pids });
}

sub _http {
    my ($self) = @_;
    $self->{cached} = $self->{cache} eq 'off' || $self->_knows('oauth_token_cache', "oauth_token_cache $self->{cache};");
    $self->{headers} = $self->_knows('oauth_set_header', 'oauth_set_header X-User $oauth_sub;');
    my $cache = $self->{cached} ? "oauth_token_cache $self->{cache};" : '';
    my $upstream = $self->_upstream;
    my $bare = !$self->{nginx_probe} ? '' : join '', map {
        "location = /bare_$_ { oauth_verify_probe $_; proxy_pass http://backend/; }\n" } sort keys %OWN;
    return <<"CONF" . join '', map({ $self->_broker($_) } sort keys %OWN), map({ $self->_trust($_) } sort keys %FOREIGN);
$HTTP
$cache
oauth_provider demo { type demo; user alice\@example.com Alice; }
$upstream
server {
    listen 127.0.0.1:%%PORT%%;
    location / { proxy_pass http://backend; }
    location /asks    { auth_request /check; proxy_pass http://backend; }
    location /asks_in { auth_request /204; proxy_pass http://backend; }
    location = /204   { internal; return 204; }
    $bare
    location = /check {
        internal;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Connection "";
        proxy_pass http://backend;
    }
}
CONF
}

sub _upstream {
    my ($self) = @_;
    return 'upstream backend { server ' . $self->backend . "; keepalive 64; keepalive_requests 100000000; }\n";
}

sub _broker {
    my ($self, $alg) = @_;
    my $port = "%%PORT$OWN{$alg}%%";
    my $header = $self->{headers} ? 'location /header { oauth_set_header X-User $oauth_sub; proxy_pass http://backend; }' : '';
    return <<"CONF";
server {
    listen 127.0.0.1:$port;
    oauth_broker           http://localhost:$port;
    oauth_use              demo;
    oauth_allow_origin     http://localhost:$port;
    oauth_access_token_alg $alg;
    oauth_protect          bearer;
    location / { proxy_pass http://backend; }
    $header
}
CONF
}

sub _trust {
    my ($self, $alg) = @_;
    my $set = $self->{tokens}->key_set($alg);
    my $trust = "oauth_trust $ISSUER { jwks_file $set; audience any; subject_prefix off; algorithms $alg; }";
    $self->_knows("oauth_trust with $alg", "server { $trust oauth_protect bearer; }") or return '';
    $self->{foreign}{$alg} = $FOREIGN{$alg};
    return <<"CONF";
server {
    listen 127.0.0.1:%%PORT$FOREIGN{$alg}%%;
    $trust
    oauth_protect bearer;
    location / { proxy_pass http://backend; }
}
CONF
}

# Whether `nginx -t` takes these lines; if not, what it says is kept.
sub _knows {
    my ($self, $what, $lines) = @_;
    my ($accepted, $said) = OAuth::Nginx->new(log_level => 'error', http => $lines)->check;
    return 1 if $accepted;
    my ($why) = $said =~ /\[emerg\] (?:\d+#\d+: )?(.*?)(?: in \S+:\d+)?$/m;
    push @{ $self->{missing} }, "$what: " . ($why || 'nginx -t refuses it');
    return 0;
}

1;
