# Where a provider's name leads: /etc/hosts first, then the configuration's resolver or resolv.conf's.
use lib 't/lib';
use OAuth::Test;
use OAuth::Upstream;
use OAuth::Nameserver;

my $nameserver = OAuth::Nameserver->new('provider.test' => ['127.0.0.1']);
my $dns = $nameserver->port;
my $up = OAuth::Upstream->new('/' => [OAuth::Upstream::reply(200, 'hello')]);
my $port = $up->port;

my $hosts = <<'HOSTS';
# a comment
127.0.0.9 nine Nine.Example # another
fe80::1%eth0 zoned
::1	six both
10.0.0.1 both
10.0.0.2 both
not-an-address word
HOSTS
my @lookups = map { ["hosts:$_->[0] $hosts", $_->[1]] }
    ['nine', '[127.0.0.9]'], ['nine.example', '[127.0.0.9]'], ['six', '[[::1]]'], ['both', '[10.0.0.1]'],
    ['zoned', '[]'], ['word', '[]'], ['another', '[]'], ['localhost', '[127.0.0.1]'], ['unknown', '[]'];
push @lookups,
    ["nameservers:# none\nsearch example\n", '[127.0.0.1]'],
    ["nameservers:nameserver 9.9.9.9\n; nameserver 8.8.8.8\nnameserver\t::1 # six\nnameserver fe80::1%eth0\noptions edns0\n", '[9.9.9.9][[::1]]'];
my @at = map { "location = /look-up-$_ { oauth_flow_probe_content \"$lookups[$_][0]\"; }" } 0 .. $#lookups;

my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => <<"CONF")->start;
    server {
        listen 127.0.0.1:%%PORT%%;
        oauth_flow_probe_broker /b;
        resolver 127.0.0.1:$dns ipv6=off;
        location = /known     { oauth_flow_probe_content get:http://Provider.test:$port/; }
        location = /unknown   { oauth_flow_probe_content get:http://nobody.test:$port/; }
        location = /localhost { oauth_flow_probe_content get:http://localhost:$port/; }
        location = /stranger  { oauth_flow_probe_content get:http://localhost.test:$port/; }
        @at
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        oauth_flow_probe_broker /b;
        location = /localhost { oauth_flow_probe_content get:http://localhost:$port/; }
    }
CONF

sub outcome { my ($path, @args) = @_; return ($nginx->get($path, @args)->{body} =~ /\n\w+ (.*)\n/)[0] }

is outcome("/look-up-$_"), $lookups[$_][1], "look-up $_ reads the system's files as they are meant" for 0 .. $#lookups;

my $yes = '200 text/plain 5 hello';
is outcome('/known'), $yes, 'a name is resolved by the resolver of the server block';
is_deeply [map { $_->[1] } grep { $_->[0] eq 'Host' } @{ ($up->requests)[-1]{headers} }], ["provider.test:$port"],
    'the provider sees its name as host';
is outcome('/unknown'), 'fetch_failed', 'a name that does not resolve is a failure';
is outcome('/stranger'), 'fetch_failed', 'a name that begins as a local one is none';
is outcome('/localhost'), $yes, 'localhost needs no resolver';
is outcome('/localhost', port => 1), $yes, 'and none is needed in the configuration';
ok $nameserver->questions !~ /localhost\.\n/, 'nobody is asked for it';
is_deeply [map { $_->[1] } grep { $_->[0] eq 'Host' } @{ ($up->requests)[-1]{headers} }], ["localhost:$port"],
    'the provider sees the name that was pinned, not its address';

$nginx->stop;
done_testing;
