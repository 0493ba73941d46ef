# What a server says of its protected locations holds in each of them, and what one of them says
# changes that alone.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

my $nginx = OAuth::Nginx->new(http => <<'HTTP');
oauth_provider demo { type demo; user alice@demo.local Alice; }
oauth_provider acme { type oidc; issuer https://acme.example; client_id x; client_secret y; }
oauth_audience api;
oauth_trust https://acme.example { audience api; subject_prefix outer; jwks_file keys.json; }
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_trust http://localhost:%%PORT%% {}
    location / { oauth_protect bearer; proxy_set_header X-Sub $oauth_sub; proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    oauth_protect bearer query=token optional;
    oauth_pass_token off;
    oauth_cors on;
    oauth_expired_grace 10m;
    proxy_set_header X-Sub $oauth_sub;
    root %%DIR%%;

    location /like/   { proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /pass/   { oauth_pass_token on; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /cors/   { oauth_cors off; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /grace/  { oauth_expired_grace 0; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /strict/ { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /first/  { oauth_set_header X-First first; try_files /none /like/x; }
    location /second/ { oauth_set_header X-First second; proxy_pass http://127.0.0.1:%%PORT1%%; }
}
server { listen 127.0.0.1:%%PORT1%%; location / { return 200 "[$http_x_sub][$http_authorization][$http_x_first]"; } }
HTTP
my $acme = OAuth::Forge->new(generate => 'ES256', kid => 'a', claims => { iss => 'https://acme.example', aud => 'api', sub => 'u' });
spew($nginx->dir . '/keys.json', OAuth::Forge::json({ keys => [{ %{ $acme->jwk }, kid => 'a' }] }));
$nginx->start;
my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => 'api', sub => 'demo:alice' });
my $token = $own->token;
my @good = (Authorization => "Bearer $token");
my @late = (Authorization => 'Bearer ' . $own->token(claims => { exp => time - 200 }));
my @socket = (Upgrade => 'websocket', Connection => 'Upgrade');

sub said { my ($target, @headers) = @_; my $response = $nginx->get($target =~ s/^\d//r, headers => \@headers, port => $target =~ /^(\d)/ ? $1 : 0); return "$response->{status} $response->{body}" }
sub cors { my ($target) = @_; return header($nginx->get($target, headers => [@good, Origin => 'https://app.example.com']), 'access-control-allow-origin') }

subtest 'a location that says nothing is as its server says' => sub {
    is said('/like/x', @good), '200 [demo:alice][][]', 'the token is not passed on';
    is said('/like/x'), '200 [][][]', 'the anonymous are let in';
    is said("/like/x?token=$token", @socket), '200 [demo:alice][][]', 'an argument is a token';
    is said('/like/x', @late), '200 [demo:alice][][]', 'one that has just expired is forgiven';
    is cors('/like/x'), 'https://app.example.com', 'an application reads its answers';
};

subtest 'a location that says something differs in that alone' => sub {
    is said('/pass/x', @good), "200 [demo:alice][Bearer $token][]", 'the token is passed on';
    is cors('/cors/x'), undef, 'no application reads its answers';
    is said('/cors/x', @late), '200 [demo:alice][][]', '  and all else is as ever';
    like said('/grace/x', @late), qr/^401 /, 'what has expired is not forgiven';
    is said('/grace/x'), '200 [][][]', '  and all else is as ever';
    is said("/grace/x?token=$token", @socket), '200 [demo:alice][][]', '  an argument is a token';
    is cors('/grace/x'), 'https://app.example.com', '  and an application reads its answers';
    like said('/strict/x'), qr/^401 /, 'the anonymous are not let in';
    like said("/strict/x?token=$token", @socket), qr/^401 /, '  nor is an argument a token';
    is said('/strict/x', @late), '200 [demo:alice][][]', '  and all else is as ever';
};

# DESIGN 2 and 4: lists replace.
subtest 'whom a server trusts' => sub {
    my @acme = (Authorization => 'Bearer ' . $acme->token);
    is said('/strict/x', @acme), '200 [outer:u][][]', 'is whom http names, where it names nobody';
    like said('2/x', @acme), qr/^401 /, 'and nobody else, where it does';
    like said('2/x', @good), qr/^200 \[demo:alice\]/, 'a broker is believed by the audience that it inherits';
};

subtest 'where no level sets a header' => sub {
    is said('/second/x'), '200 [][][second]', 'a location may';
    is said('/first/x'), '200 [][][]', 'and the next one that a request enters hears nothing of it';
};

$nginx->stop;
done_testing;
