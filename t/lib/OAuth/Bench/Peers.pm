# What others do in our place: HAProxy's jwt_verify, Apache's mod_auth_openidc, lua in nginx; each in
# front of the same backend with one process, one RS256 key, one token. What is not installed is
# skipped with a line.
#
#     my $peers = OAuth::Bench::Peers->new(bench =>, backend => 'host:port', issuer =>, public_key => PEM);
#     my @sides = $peers->start;    # { name, port, path, pids }
package OAuth::Bench::Peers;

use strict;
use warnings;

use OAuth::Http;
use OAuth::Nginx;
use OAuth::Port;
use OAuth::Process;
use OAuth::Test ();

my $APACHE = '/usr/lib/apache2/modules';
my $NGINX = '/usr/lib/nginx/modules';

sub new {
    my ($class, %args) = @_;
    my $self = bless { missing => [], processes => [], %args }, $class;
    $self->{pem} = OAuth::Test::spew($self->{bench}->dir . '/public.pem', $args{public_key}, 0644);
    return $self;
}

sub missing { return @{ $_[0]{missing} } }

sub start {
    my ($self) = @_;
    my @sides;
    for my $peer ([haproxy => '_haproxy'], ['mod_auth_openidc' => '_apache'], [lua => '_lua']) {
        my ($name, $start) = @$peer;
        my @of_peer = eval { $self->$start };
        push @{ $self->{missing} }, "$name: " . ($@ =~ s/\s+/ /gr) =~ s/ $//r if $@;
        push @sides, @of_peer;
    }
    return @sides;
}

sub stop {
    my ($self) = @_;
    $_->stop('TERM', 10) for @{ $self->{processes} };
    $self->{lua}->stop if $self->{lua};
    return;
}

# ---- each of them -----------------------------------------------------------------------------

# As HAProxy's own guide to jwt_verify does: algorithm, issuer, audience, signature, time.
sub _haproxy {
    my ($self) = @_;
    my ($binary) = grep { -x } '/usr/sbin/haproxy', '/usr/local/sbin/haproxy' or die "not installed\n";
    my ($plain, $guarded) = (OAuth::Port::take(), OAuth::Port::take());
    my $file = OAuth::Test::spew($self->{bench}->dir . '/haproxy.cfg', <<"CONF");
global
    nbthread 1
defaults
    mode http
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    http-reuse always
frontend plain
    bind 127.0.0.1:$plain
    default_backend hello
frontend guarded
    bind 127.0.0.1:$guarded
    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('\$.alg')
    http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('\$.iss')
    http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('\$.aud')
    http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('\$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
    http-request deny deny_status 401 unless { var(txn.iss) -m str $self->{issuer} }
    http-request deny deny_status 401 unless { var(txn.aud) -m str $self->{issuer} }
    http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"$self->{pem}") -m int 1 }
    http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
    default_backend hello
backend hello
    server hello $self->{backend}
CONF
    my $process = $self->_run('haproxy', $binary, '-db', '-f', $file);
    return $self->_sides('HAProxy', 'jwt_verify RS256', $process, $plain, $guarded);
}

# The resource server (AuthType oauth20) with the key at hand: no JWKS is fetched.
sub _apache {
    my ($self) = @_;
    my ($binary) = grep { -x } '/usr/sbin/apache2' or die "not installed\n";
    -e "$APACHE/mod_auth_openidc.so" or die "not installed\n";
    my ($plain, $guarded) = (OAuth::Port::take(), OAuth::Port::take());
    my $dir = $self->{bench}->dir;
    my $load = join '', map { "LoadModule ${_}_module $APACHE/mod_$_.so\n" } grep { -e "$APACHE/mod_$_.so" }
        qw(mpm_event authn_core authz_core authz_user proxy proxy_http auth_openidc);
    my $user = $> == 0 ? "User nobody\nGroup nogroup\n" : '';
    my $file = OAuth::Test::spew("$dir/apache.conf", <<"CONF");
$load$user
ServerRoot $dir
ServerName localhost
PidFile $dir/apache.pid
DefaultRuntimeDir $dir
ErrorLog $dir/apache.log
LogLevel error
Listen 127.0.0.1:$plain
Listen 127.0.0.1:$guarded
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
<Proxy http://$self->{backend}/>
    ProxySet max=64 ttl=600 keepalive=on
</Proxy>
<VirtualHost 127.0.0.1:$plain>
    ProxyPass / http://$self->{backend}/
</VirtualHost>
<VirtualHost 127.0.0.1:$guarded>
    OIDCOAuthVerifyCertFiles $self->{kid}#$self->{pem}
    OIDCOAuthRemoteUserClaim sub
    ProxyPass / http://$self->{backend}/
    <Location />
        AuthType oauth20
        Require claim iss:$self->{issuer}
    </Location>
</VirtualHost>
CONF
    my $process = $self->_run('apache', $binary, '-DFOREGROUND', '-f', $file);
    return $self->_sides('Apache', 'mod_auth_openidc RS256', $process, $plain, $guarded);
}

# lua-resty-jwt and lua-resty-openidc are not in Debian. What they do at best, with every token
# known: one look into a shared dictionary, and the time.
sub _lua {
    my ($self) = @_;
    -e "$NGINX/ngx_http_lua_module.so" or die "not installed\n";
    my $nginx = OAuth::Nginx->new(module => 0, log_level => 'error', http => <<"CONF",
access_log off;
keepalive_requests 100000000;
lua_shared_dict tokens 16m;
lua_package_path "/usr/share/lua/5.1/?.lua;;";
upstream backend { server $self->{backend}; keepalive 64; keepalive_requests 100000000; }
server {
    listen 127.0.0.1:%%PORT%%;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location = /known {
        content_by_lua_block {
            ngx.shared.tokens:set(string.sub(ngx.var.http_authorization, 8), ngx.time() + 86400)
            ngx.exit(204)
        }
    }
    location / {
        access_by_lua_block {
            local header = ngx.var.http_authorization
            local expires = header and ngx.shared.tokens:get(string.sub(header, 8))
            if not expires or expires < ngx.time() then ngx.exit(401) end
        }
        proxy_pass http://backend;
    }
}
CONF
        main => join '', map { "load_module $NGINX/$_;\n" } qw(ndk_http_module.so ngx_http_lua_module.so));
    $nginx->start;
    $self->{lua} = $nginx;
    $self->{bench}->pin_front($nginx->worker_pids);
    $nginx->get('/known', headers => [Authorization => "Bearer $self->{token}"])->{status} == 204
        or die "lua does not run: " . $nginx->error_log . "\n";
    return { name => 'lua: a look into a shared dictionary', port => $nginx->port, path => '/', pids => sub { $nginx->worker_pids } };
}

# ---- inside -----------------------------------------------------------------------------------

sub _run {
    my ($self, $name, @command) = @_;
    my $process = OAuth::Process->spawn(command => \@command, output => $self->{bench}->dir . "/$name.out");
    push @{ $self->{processes} }, $process;
    return $process;
}

sub _sides {
    my ($self, $name, $how, $process, $plain, $guarded) = @_;
    my $pids = sub { _family($process->pid) };
    OAuth::Test::wait_until { defined $process->status || eval { _status($guarded) } };
    my $status = eval { _status($guarded, $self->{token}) } || 0;
    die "$name answers $status to a good token\n" if $status != 200;
    my $bad = _status($guarded, $self->{token} =~ s/(.{9})$/reverse $1/er);
    die "$name answers $bad to a bad token\n" if $bad != 401;
    $self->{bench}->pin_front($pids->());
    return (
        { name => "$name, plain proxy", port => $plain, path => '/', pids => $pids },
        { name => "$name, $how", port => $guarded, path => '/', pids => $pids },
    );
}

sub _status {
    my ($port, $token) = @_;
    my $connection = OAuth::Http->new(port => $port);
    my $response = $connection->request(GET => '/', close => 1,
        headers => defined $token ? [Authorization => "Bearer $token"] : []);
    $connection->close;
    return $response->{status};
}

# A process and its children.
sub _family {
    my ($pid) = @_;
    return ($pid, map { _family($_) } split ' ', OAuth::Test::slurp("/proc/$pid/task/$pid/children"));
}

1;
