# The part of a browser that redirects and cookies need: one jar, names of hosts, no scripts.
#
#     my $browser = OAuth::Browser->new;
#     my $last = $browser->follow("http://localhost:$port/oauth/login/acme?...", until => qr{^https://app\.});
#     # $last->{location} is the address that matched, not asked; without a match the last response
package OAuth::Browser;

use strict;
use warnings;
use OAuth::Http;

# The real sites behind names: resolve => { 'app.example.com:443' => [port, tls] }.
sub new {
    my ($class, %args) = @_;
    return bless { jar => {}, resolve => {}, trail => [], %args }, $class;
}

sub cookies { my ($self, $host) = @_; return $self->{jar}{$host} ||= {} }
sub trail   { return @{ $_[0]{trail} } }

sub request {
    my ($self, $method, $url, %args) = @_;
    my ($scheme, $host, $port, $target) = $url =~ m{^(https?)://([^/:?#]+)(?::(\d+))?([^#]*)}
        or die "not a URL: $url\n";
    $target = "/$target" if $target !~ m{^/};
    my $authority = $host . (defined $port ? ":$port" : '');
    my $site = $self->{resolve}{$authority} || [$port || ($scheme eq 'https' ? 443 : 80), $scheme eq 'https' ? $host : undef];
    my $connection = OAuth::Http->new(port => $site->[0], tls => $site->[1]);
    my $response = $connection->request($method, $target, %args, host => $authority, close => 1,
        headers => [$self->_cookie_header($host, $target), @{ $args{headers} || [] }]);
    $connection->close;
    $self->_keep_cookies($host, $response);
    push @{ $self->{trail} }, "$method $url";
    return $response;
}

# GET, and on through redirects (at most 20) until an address matches.
sub follow {
    my ($self, $url, %args) = @_;
    my $response;
    for (1 .. 20) {
        return { location => $url, last => $response } if $args{until} && $response && $url =~ $args{until};
        $response = $self->request(GET => $url);
        my ($location) = map { $_->[1] } grep { lc $_->[0] eq 'location' } @{ $response->{headers} };
        return $response if !defined $location || $response->{status} !~ /^30[1237]$/;
        $url = $location =~ m{^/} ? ($url =~ m{^(https?://[^/?#]+)})[0] . $location : $location;
    }
    die "too many redirects: @{ $self->{trail} }\n";
}

sub _cookie_header {
    my ($self, $host, $target) = @_;
    my $jar = $self->cookies($host);
    my @fit = grep { index($target, $jar->{$_}{path}) == 0 } sort keys %$jar;
    return @fit ? (Cookie => join '; ', map { "$_=$jar->{$_}{value}" } @fit) : ();
}

sub _keep_cookies {
    my ($self, $host, $response) = @_;
    for my $line (map { $_->[1] } grep { lc $_->[0] eq 'set-cookie' } @{ $response->{headers} }) {
        my ($name, $value, $rest) = $line =~ /^([^=]+)=([^;]*)(.*)/ or next;
        my ($path) = $rest =~ /;\s*path=([^;]*)/i;
        if ($rest =~ /max-age=0|expires=Thu, 01 Jan 1970/i) {
            delete $self->cookies($host)->{$name};
            next;
        }
        $self->cookies($host)->{$name} = { value => $value, path => $path || '/', line => $line };
    }
    return;
}

1;
