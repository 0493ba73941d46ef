# The part of a browser that redirects and cookies need: one jar, names of hosts, no scripts but
# that of a page whose one form submits itself (form_of, submit).
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

# With cross_site => 1 as another site's page would: only cookies with SameSite=None go along.
sub request {
    my ($self, $method, $url, %args) = @_;
    my $cross_site = delete $args{cross_site};
    my ($scheme, $host, $port, $target) = $url =~ m{^(https?)://([^/:?#]+)(?::(\d+))?([^#]*)}
        or die "not a URL: $url\n";
    $target = "/$target" if $target !~ m{^/};
    my $authority = $host . (defined $port ? ":$port" : '');
    my $site = $self->{resolve}{$authority}
        || [$port || ($scheme eq 'https' ? 443 : 80), $scheme eq 'https' ? $host : undef];
    my $connection = OAuth::Http->new(port => $site->[0], tls => $site->[1]);
    my $response = $connection->request($method, $target, %args, host => $authority, close => 1,
        headers => [$self->_cookie_header($host, $target, $cross_site), @{ $args{headers} || [] }]);
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

# The form of a page that submits itself: its address, and its fields in order.
sub form_of {
    my ($page) = @_;
    my ($action) = $page->{body} =~ /<form method="post" action="([^"]*)">/ or return;
    my @fields = map { _text($_) } $page->{body} =~ /<input type="hidden" name="([^"]*)" value="([^"]*)">/g;
    return { action => _text($action), fields => \@fields };
}

# Posts it as the script of that page would, which is on another site.
sub submit {
    my ($self, $form, %args) = @_;
    my ($origin) = ($args{from} || '') =~ m{^(https?://[^/]+)};
    my @origin = defined $origin ? (Origin => $origin) : ();
    return $self->request(POST => $form->{action}, body => OAuth::Test::form(@{ $form->{fields} }), cross_site => 1,
        headers => [@origin, @{ $args{headers} || [] }]);
}

sub _text { my ($text) = @_; return $text =~ s/&#(\d+);/chr $1/ger }

sub _cookie_header {
    my ($self, $host, $target, $cross_site) = @_;
    my $jar = $self->cookies($host);
    my @fit = grep { index($target, $jar->{$_}{path}) == 0 } sort keys %$jar;
    @fit = grep { $jar->{$_}{line} =~ /;\s*SameSite=None/i } @fit if $cross_site;
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
