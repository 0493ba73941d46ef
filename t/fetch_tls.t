# A provider over https is who its certificate says, by a chain that this machine trusts, or it is
# not talked to.
use lib 't/lib';
use OAuth::Test;
use OAuth::Certificates;

my $certificates = OAuth::Certificates->new;
my $folder = $certificates->dir;
sub certificate { return $certificates->make(@_) }

certificate('root', ca => 1);
certificate('other-root', ca => 1);
certificate('middle', by => 'root', ca => 1);
certificate('lower', by => 'middle', ca => 1);
certificate('good', by => 'root', host => 'localhost');
certificate('deep', by => 'lower', host => 'localhost');
certificate('wrong-name', by => 'root', host => 'other.test');
certificate('wildcard', by => 'root', host => '*.localhost');
certificate('expired', by => 'root', host => 'localhost', days => -1);
certificate('stranger', by => 'other-root', host => 'localhost');
certificate('self-signed', host => 'localhost');
certificate('client');

# A list of revoked certificates that knows none.
spew("$folder/ca.conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=$folder/index\ndefault_md=sha256\ndefault_crl_days=2\n");
spew("$folder/index", '');
$certificates->openssl("ca -gencrl -config $folder/ca.conf -keyfile $folder/other-root.key -cert $folder/other-root.one -out $folder/crl.pem");

my @kinds = qw(good deep wrong-name wildcard expired stranger self-signed);
my $number = 1;
my %port_of = map { ($_ => $number++) } @kinds, qw(sibling plain);

my $providers = OAuth::Nginx->new(module => 0, http => join "\n", (map { <<"CONF" } @kinds), <<"CONF")->start;
    server {
        listen 127.0.0.1:%%PORT$port_of{$_}%% ssl;
        ssl_certificate $folder/$_.pem;
        ssl_certificate_key $folder/$_.key;
        ssl_verify_client optional_no_ca;
        location / { return 200 "sni=\$ssl_server_name host=\$host secret=\$http_authorization client=\$ssl_client_s_dn"; }
    }
CONF
    server {
        listen 127.0.0.1:%%PORT$port_of{sibling}%% ssl default_server;
        ssl_certificate $folder/wrong-name.pem;
        ssl_certificate_key $folder/wrong-name.key;
        location / { return 200 "the sibling"; }
    }
    server {
        listen 127.0.0.1:%%PORT$port_of{sibling}%% ssl;
        server_name localhost;
        ssl_certificate $folder/good.pem;
        ssl_certificate_key $folder/good.key;
        location / { return 200 "sni=\$ssl_server_name host=\$host"; }
    }
    server {
        listen 127.0.0.1:%%PORT$port_of{plain}%%;
        location / { return 200 "plain"; }
    }
CONF

sub locations {
    return join "\n", map {
        my $port = $providers->port($port_of{$_});
        "location = /$_ { oauth_flow_probe_content post:https://localhost:$port/; }"
    } sort keys %port_of;
}

sub nginx_that_trusts {
    my ($file, $server) = @_;
    my ($good, $plain) = map { $providers->port($port_of{$_}) } qw(good plain);
    return OAuth::Nginx->new(
        probe => 1, state_dir => 0,
        env  => defined $file ? { SSL_CERT_FILE => $file } : {},
        http => <<"CONF");
    server {
        listen 127.0.0.1:%%PORT%%;
        oauth_flow_probe_broker /b;
        @{[ $server || '' ]}
        @{[ locations() ]}
        location = /address { oauth_flow_probe_content get:https://127.0.0.1:$good/; }
        location = /http    { oauth_flow_probe_content get:http://localhost:$plain/; }
    }
CONF
}

sub outcomes {
    my ($nginx, @paths) = @_;
    return { map { ($_ => ($nginx->get("/$_")->{body} =~ /\n\w+ (.*)\n/)[0]) } @paths };
}

delete $ENV{SSL_CERT_FILE};
my @all = sort keys %port_of;
my @bad = grep { !/good|deep|sibling/ } @all;
my $said = 'sni=localhost host=localhost secret=Basic c2VjcmV0 client=';
my $yes = '200 text/plain ' . length($said) . " $said";
my $sibling = '200 text/plain 28 sni=localhost host=localhost';

# ---- by default: the trust store of this machine -----------------------------------------------

my $nginx = nginx_that_trusts(undef)->start;
my $refused = (grep { -r } '/etc/ssl/certs/ca-certificates.crt', '/usr/lib/ssl/cert.pem') ? 'fetch_failed' : 'fetch_untrusted';
is_deeply outcomes($nginx, @all), { map { ($_ => $refused) } @all },
    'by default no certificate that this machine does not know is good enough';            # req 069
$nginx->stop;

# ---- a root of the operator's ------------------------------------------------------------------

$nginx = nginx_that_trusts("$folder/root.one")->start;
is_deeply outcomes($nginx, 'good'), { good => $yes },
    'a certificate for the name, signed by a root of SSL_CERT_FILE, is trusted; the name is sent by SNI';
is_deeply outcomes($nginx, 'deep'), { deep => $yes }, 'with two authorities in between too';
is_deeply outcomes($nginx, 'sibling'), { sibling => $sibling }, 'SNI chooses the right one of several hosts';    # req 069
is_deeply outcomes($nginx, @bad), { map { ($_ => 'fetch_failed') } @bad },
    'another name, an expired one, a stranger\'s, a self-signed one and no TLS at all are refused';    # req 069
is_deeply outcomes($nginx, 'address'), { address => 'fetch_failed' }, 'an address is not the name in a certificate';    # req 069
$nginx->stop;

# ---- what the server block says changes nothing --------------------------------------------------

my $port = $providers->port($port_of{'wrong-name'});
$nginx = nginx_that_trusts("$folder/root.one", <<"CONF")->start;
        proxy_ssl_verify off;
        proxy_ssl_name other.test;
        proxy_ssl_server_name off;
        proxy_ssl_verify_depth 1;
        proxy_ssl_trusted_certificate $folder/other-root.one;
        proxy_ssl_session_reuse on;
        proxy_ssl_protocols TLSv1;
        proxy_ssl_ciphers NULL;
        proxy_ssl_crl $folder/crl.pem;
        proxy_ssl_conf_command MaxProtocol TLSv1.1;
        proxy_ssl_certificate $folder/client.pem;
        proxy_ssl_certificate_key $folder/client.key;
CONF
is_deeply outcomes($nginx, @all),
    { (map { ($_ => 'fetch_failed') } @bad), good => $yes, deep => $yes, sibling => $sibling },
    'proxy_ssl directives of the server block change nothing about whom fetches trust';    # req 069
$nginx->stop;

# ---- nobody to trust -----------------------------------------------------------------------------

$nginx = nginx_that_trusts("$folder/nothing.pem");
my ($ok, $output) = $nginx->check;
ok $ok, 'a machine without trusted certificates may still run nginx';
like $output, qr/\[warn\].*no file of trusted certificates.*SSL_CERT_FILE/, 'but nginx -t warns and says what to do';
$nginx->start;
is_deeply outcomes($nginx, @all), { map { ($_ => 'fetch_untrusted') } @all }, 'there every https is refused';    # req 069
like outcomes($nginx, 'http')->{http}, qr/^200 .* plain$/, 'and http on loopback is not concerned';
$nginx->stop;

# ---- nothing was said to those who were refused ----------------------------------------------------

# nginx writes the line after the reply.
my $expected = 1 + 1 + 1 + 3 + 1;
my $requests = sub { my $count = () = $providers->access_log =~ / 200 /g; return $count };
wait_until { $requests->() >= $expected };
is $requests->(), $expected, 'no request was sent to a provider that was refused';    # req 069
$providers->stop;
done_testing;
