# The chooser page: the providers for people, with links that carry the application's wish on; what
# a login would refuse is refused before anything is shown (issue 3, part 5).
use lib 't/lib';
use OAuth::Test;
use OAuth::Browser;
use OAuth::Demo;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);

my $nginx = OAuth::Nginx->new(http => <<'HTTP')->start;
oauth_provider demo { type demo; user alice@demo.local Alice; display_name "Demo & <b>"; }
oauth_provider acme { type oidc; client_id a; client_secret s; issuer https://id.example.com; display_name "Ünïon"; }
oauth_provider cdn { type oidc; client_id a; client_secret s; issuer https://id.example.com; icon https://cdn.example.com:8443/x.svg; }
oauth_provider off { type oidc; client_id a; client_secret s; issuer https://id.example.com; enabled off; icon https://off.example.com/x.svg; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_use demo acme off;
    oauth_allow_origin https://app.example.com http://localhost:%%PORT%% myapp://;
}
server {
    listen 127.0.0.1:%%PORT1%%;
    oauth_broker http://localhost:%%PORT1%%/db1;
    oauth_use acme cdn off;
    oauth_allow_origin https://app.example.com;
    oauth_require_pkce on;
}
HTTP
my $base = 'http://localhost:' . $nginx->port;
my $app  = 'redirect_uri=' . url_encode('https://app.example.com/x?a=b&c=%22d%22#e');

sub links { return [map { s/&amp;/&/gr =~ s/&quot;/"/gr } $_[0]{body} =~ /<a href="([^"]*)"/g] }

subtest 'the page' => sub {
    my $page = $nginx->get("/oauth/login?$app");
    is $page->{status}, 200, 'is there';
    is_deeply links($page), [map { "$base/oauth/login/$_?" . form(redirect_uri => 'https://app.example.com/x?a=b&c=%22d%22#e') =~ s/\+/%20/gr } qw(demo acme)],
        'each provider is a link to its login, with the same wish, and none that is switched off';
    like $page->{body}, qr{<span>Sign in with Demo &amp; &lt;b&gt;</span>}, 'under its display name';
    like $page->{body}, qr{<span>Sign in with \xc3\x9cn\xc3\xafon</span>}, 'in any script';
    is_deeply [$page->{body} =~ /<img src="([^"]*)" alt=""/g], [map { "$base/oauth/icons/$_.svg" } qw(demo acme)], 'with an icon that says nothing more';
    my ($style) = $page->{body} =~ m{<style>(.*?)</style>}s;
    is header($page, 'content-security-policy'), "default-src 'none'; style-src 'sha256-" . encode_base64(sha256($style), '')
        . "'; img-src $base; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", 'its policy allows its style, its icons and nothing else';
    is_deeply [map { scalar header($page, $_) } qw(cache-control referrer-policy x-frame-options cross-origin-opener-policy set-cookie location)],
        ['no-store', 'no-referrer', 'DENY', 'same-origin', undef, undef], 'it is stored nowhere, framed nowhere, and begins nothing';
    unlike $page->{body}, qr/<script|\son\w+=|javascript:/, 'and needs no script';
    is $nginx->request(HEAD => "/oauth/login?$app")->{status}, 200, 'HEAD works';
    is $nginx->post("/oauth/login?$app", '')->{status}, 405, 'POST does not';
};

subtest 'from the page to the application' => sub {
    my $browser = OAuth::Browser->new;
    my $target = 'https://app.example.com/x?a=b%26&c=%22#e';
    my $page = $browser->request(GET => "$base/oauth/login?" . form(redirect_uri => $target, state => 'mine & "yours"', delivery => 'query'));
    my ($link) = grep { m{/demo\?} } @{ links($page) };
    my $login = $browser->request(GET => $link);
    is $login->{status}, 302, 'its link begins a login';
    my $state = query_of(header($login, 'location'))->{state};
    my $back = $browser->request(GET => "$base/oauth/callback/demo?" . form(code => 'alice@demo.local', state => $state));
    my $answer = query_of(header($back, 'location'));
    like header($back, 'location'), qr{^https://app\.example\.com/x\?a=b%26&c=%22&}, 'which ends where the application said';
    is $answer->{state}, 'mine & "yours"', 'with the state that it sent';
    ok $answer->{code}, 'and a code';
};

subtest 'who is listed where' => sub {
    my $pkce = '&code_challenge=' . 'c' x 43 . '&code_challenge_method=S256';
    my $other = $nginx->get("/db1/oauth/login?$app$pkce", port => 1);
    my $url = 'http://localhost:' . $nginx->port(1) . '/db1/oauth/login';
    is_deeply [map { s/\?.*//r } @{ links($other) }], ["$url/acme", "$url/cdn"], 'a broker lists its own providers';
    like header($other, 'content-security-policy'), qr{; img-src http://localhost:\d+ https://cdn\.example\.com:8443; base-uri},
        'an icon from elsewhere is allowed where it is shown, and one that is not shown is not';
    is $nginx->get("/db1/oauth/login?$app", port => 1)->{status}, 400, 'where PKCE is demanded, so it is here';
    my $far = $nginx->get("/oauth/login?$app", headers => [Via => 'x']);
    is_deeply [map { m{/login/(\w+)} } @{ links($far) }], ['acme'], 'a demo is for this machine only';
};

subtest 'a wish that no login would grant' => sub {
    my $flow = qr/<br>([0-9a-f]{32})</;
    for my $query ('', 'redirect_uri=', 'redirect_uri=' . url_encode('https://evil.example/'), "$app&redirect_uri=x", "$app&delivery=x", "$app&state=%0a",
        'redirect_uri=javascript:alert(1)', 'redirect_uri=%ff', "$app&code_challenge=x", 'redirect_uri=' . 'x' x 3000) {
        my ($here, $there) = map { $nginx->get("/oauth/login$_?$query") } '', '/demo';
        is $here->{status}, 400, 'is refused: ' . substr $query, 0, 50;
        is $here->{body} =~ s/$flow//r, $there->{body} =~ s/$flow//r, '  in the same words';
        my @ids = map { $_->{body} =~ $flow } $here, $there;
        my @lines = $nginx->error_log =~ /oauth: (?:chooser|login) refused: \w+, flow ([0-9a-f]{32}),/g;
        is_deeply [@lines[-2, -1]], \@ids, '  with a reference that the log has';
        is_deeply links($here), [], '  and leads nowhere';
    }
};

subtest 'a popup keeps its opener' => sub {
    is header($nginx->get("/oauth/login?$app&delivery=popup"), 'cross-origin-opener-policy'), undef, 'no COOP cuts it off';
};

subtest 'nothing of the wish is markup' => sub {
    for my $evil ('"><script>alert(1)</script>', "'onload='x", '</a><b>', '&lt;i&gt;') {
        my $page = $nginx->get('/oauth/login?' . form(redirect_uri => 'https://app.example.com/', state => $evil, $evil => $evil));
        is $page->{status}, 200, 'the page is shown';
        is index($page->{body}, $evil), -1, "without $evil";
        is_deeply [$page->{body} =~ /<(\w+)/g], [$nginx->get('/oauth/login?redirect_uri=' . url_encode('https://app.example.com/'))->{body} =~ /<(\w+)/g], '  and with no more elements';
    }
};

is $nginx->get('/oauth/loginx?state=seen')->{status}, 404, 'a neighbour of the page';
ok wait_until { $nginx->access_log =~ /seen/ }, '  keeps its parameters';
ok $nginx->access_log !~ /mine%20|mine\+/, 'the application\'s state is in no log';
$nginx->stop;
done_testing;
