# The marks of providers: images of our own, that need and run nothing (issue 3, part 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;

my $nginx = OAuth::Nginx->new(http => <<'HTTP')->start;
oauth_provider demo { type demo; user alice@demo.local Alice; display_name "<Démo> & more"; }
oauth_provider acme { type oidc; client_id a; client_secret s; issuer https://id.example.com; display_name "Ünïon"; }
oauth_provider cdn { type oidc; client_id a; client_secret s; issuer https://id.example.com; icon https://cdn.example.com/x.svg; }
oauth_provider data { type oidc; client_id a; client_secret s; issuer https://id.example.com; icon "data:image/png;base64,AAAA"; }
oauth_provider off { type oidc; client_id a; client_secret s; issuer https://id.example.com; enabled off; }
add_header X-Server yes always;
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%/db1;
    oauth_allow_origin https://app.example.com;
}
HTTP
my $base = 'http://localhost:' . $nginx->port . '/db1';

subtest 'every provider in the list has an absolute iconUrl' => sub {
    my $list = decode_json($nginx->get('/db1/auth-providers')->{body});
    is_deeply { map { $_->{name} => $_->{iconUrl} } @{ $list->{providers} } }, {
        demo => "$base/oauth/icons/demo.svg", acme => "$base/oauth/icons/acme.svg",
        cdn => 'https://cdn.example.com/x.svg', data => 'data:image/png;base64,AAAA',
    }, 'ours, or the one that was configured';
};

subtest 'an icon' => sub {
    for my $case (['demo', '&lt;'], ['acme', "\xc3\x9c"], ['cdn', 'C']) {
        my ($name, $letter) = @$case;
        my $icon = $nginx->get("/db1/oauth/icons/$name.svg");
        is $icon->{status}, 200, "$name has one";
        is_deeply [map { scalar header($icon, $_) } qw(content-type x-content-type-options content-security-policy cache-control)],
            ['image/svg+xml', 'nosniff', "default-src 'none'", 'public, max-age=3600'], '  an image that may be kept, and runs nothing';
        like $icon->{body}, qr{^<svg xmlns="http://www\.w3\.org/2000/svg" .*>\Q$letter\E</text></svg>\n$}, '  with its letter';
        unlike $icon->{body}, qr/<script|style|href|\son\w+=/, '  and nothing else';
        is length $icon->{body}, header($icon, 'content-length'), '  whole';
    }
    my $head = $nginx->request(HEAD => '/db1/oauth/icons/acme.svg');
    is "$head->{status} $head->{body}", '200 ', 'HEAD brings no body';
};

subtest 'who has none' => sub {
    for my $path ('off.svg', 'none.svg', 'acme', 'acme.png', '', '.svg', 'x/acme.svg', '%2e%2e/acme.svg', 'acme.svg%00') {
        my $status = $nginx->get("/db1/oauth/icons/$path")->{status};
        ok $status == 404 || $status == 400, "\"$path\" is not found" or diag $status;
    }
    is $nginx->post('/db1/oauth/icons/acme.svg', '')->{status}, 405, 'nothing is posted there';
};

$nginx->stop;
done_testing;
