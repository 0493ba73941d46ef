# `oauth_require` in a real nginx: which requests it lets in, what it says to the others, and that
# the levels add up (req 104, 116, 127).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP')->start;
large_client_header_buffers 8 64k;
oauth_provider demo { type demo; user alice@demo.local Alice; }
log_format why '$request_uri [$oauth_error]';
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    oauth_protect bearer;
    oauth_require scope=base;
    access_log %%DIR%%/why.log why;

    location /base/    { proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /admin/   { oauth_require scope=admin; oauth_require claim:role=owner; proxy_pass http://127.0.0.1:%%PORT1%%;
                         location /admin/deep/ { oauth_require claim:/realm/roles=x; proxy_pass http://127.0.0.1:%%PORT1%%; }
                         location /admin/off/  { oauth_require off; proxy_pass http://127.0.0.1:%%PORT1%%;
                                                 location /admin/off/own/ { oauth_require scope=own; proxy_pass http://127.0.0.1:%%PORT1%%; } } }
    location /free/    { oauth_protect off; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /optional/ { oauth_protect bearer optional; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /regex/   { oauth_require off; proxy_pass http://127.0.0.1:%%PORT1%%;
        location /regex/role { oauth_require claim:role~adm.*; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /regex/end  { oauth_require claim:role~^admin$; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /regex/or   { oauth_require claim:role~admin|owner; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /regex/dot  { oauth_require claim:role~.*x; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /regex/char { oauth_require claim:role~.; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /regex/slow { oauth_require claim:role~(a+)+b; proxy_pass http://127.0.0.1:%%PORT1%%; } }
    location /any/     { satisfy any; allow 127.0.0.1; deny all; oauth_require scope=admin; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /any-deny/ { satisfy any; deny all; oauth_require scope=admin; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /to-admin/ { error_page 404 = /admin/from-error; return 404; }
    location /accel/   { proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /auth/    { auth_request /judge; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /judge  { internal; oauth_require scope=admin; proxy_pass http://127.0.0.1:%%PORT1%%/judge; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log;
    location / { return 200 "upstream $request_uri [$http_authorization]"; }
    location /accel/ { add_header X-Accel-Redirect /admin/from-accel; return 200 "not to be seen"; }
    location /judge { return 204; }
}
HTTP
my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem', claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice' });
my $realm = qq(Bearer realm="$issuer");
my $scope = sub { return qq($realm, error="insufficient_scope", error_description="The token does not carry the scope that is needed here.", scope="$_[0]") };
my $claim = qq($realm, error="insufficient_scope", error_description="The token does not allow this.");

subtest 'what is refused, and how' => sub {
    answers('/base/', {}, 403, $scope->('base'), 'without the scope');
    answers('/base/', { scope => $_ }, 403, $scope->('base'), 'with the scope ' . OAuth::Forge::json([$_]))
        for 'baseball', 'database', 'BASE', '', 'bas e', "base\tx", 'base,x', ['base x'], ['baseball'], 7, { base => 1 };
    answers('/base/', { scope => $_ }, 200, undef, 'with the scope ' . OAuth::Forge::json([$_])) for 'base', 'x base', 'base x', ['base'], ['x', 'base'];
    answers('/base/', undef, 401, $realm, 'without a token: no error, no scope');
    answers('/base/', { scope => 'base', exp => 1 }, 401, qq($realm, error="invalid_token", error_description="The token has expired."), 'a bad token is that first');
    answers('/base/', { scope => 'x', iss => 'https://evil.example' }, 401, qr/error="invalid_token"/, '  whatever it lacks');
    like $nginx->get('/any/x', headers => [auth({ scope => 'base' })])->{body}, qr/\[\]$/, 'a refused token goes no further';
};

subtest 'the levels add up' => sub {
    my %all = (scope => 'base admin', role => 'owner', realm => { roles => ['x'] });
    answers('/admin/', \%all, 200, undef, 'all is met');
    answers('/admin/', { %all, scope => 'admin' }, 403, $scope->('base admin'), 'not what the server demands: every scope is named');
    answers('/admin/', { %all, scope => 'base' }, 403, $scope->('base admin'), 'not what the location demands');
    answers('/admin/', { %all, role => $_ }, 403, $claim, 'nor another claim') for 'own', 'owners', 'Owner', undef, ['x'], {}, \'null';
    answers('/admin/', { %all, role => ['x', 'owner'] }, 200, undef, 'any element of a list');
    answers('/admin/deep/', \%all, 200, undef, 'a location within: all is met');
    answers('/admin/deep/', { %all, realm => { roles => ['y'] } }, 403, $claim, '  its own is not');
    answers('/admin/deep/', { %all, role => 'x' }, 403, $claim, '  that of the location around is not');
    answers('/admin/deep/', { %all, scope => 'admin' }, 403, $scope->('base admin'), '  that of the server is not');
    answers('/admin/off/', {}, 200, undef, 'off: a good token is enough');
    answers('/admin/off/', undef, 401, $realm, '  none is not');
    answers('/admin/off/own/', {}, 403, $scope->('own'), 'what is said within counts again');
    answers('/admin/off/own/', { scope => 'own' }, 200, undef, '  alone');
    answers('/free/', undef, 200, undef, 'a location that is not protected demands nothing');
};

subtest 'the anonymous' => sub {
    answers('/optional/', undef, 401, $realm, 'meet no requirement, though tokens are optional');
    answers('/optional/', { scope => 'base' }, 200, undef, 'a token that does is let in');
    answers('/optional/', { scope => 'x' }, 403, $scope->('base'), '  another is not');
};

subtest 'regular expressions' => sub {
    answers('/regex/role', { role => $_ }, 200, undef, "adm.* is $_") for 'admin', 'adm', "adm\x{e9}";
    answers('/regex/role', { role => ['x', 'admin'] }, 200, undef, 'or any element');
    answers('/regex/role', { role => $_ }, 403, $claim, 'adm.* is not ' . OAuth::Forge::json([$_])) for 'badmin', 'ad', '', "x\nadmin", "admin\nx", "admin\n", {}, \'null', undef;
    answers('/regex/end', { role => "admin$_" }, 403, $claim, 'a final line break does not count as the end') for "\n", "\r\n", "\n\n";
    answers('/regex/end', { role => 'admin' }, 200, undef, '  the end does');
    answers('/regex/or', { role => $_ }, 200, undef, "admin|owner is $_") for qw(admin owner);
    answers('/regex/or', { role => $_ }, 403, $claim, "admin|owner is not $_") for qw(adminx xowner administrator coowner);
    answers('/regex/char', { role => "\x{e4}" }, 200, undef, 'a character is a character, not a byte');
    answers('/regex/char', { role => 'ab' }, 403, $claim, '  and not two');
    answers('/regex/dot', { role => 'y' x 4000 . 'x' }, 200, undef, 'a long text');
    answers('/regex/slow', { role => 'a' x 10 . 'b' }, 200, undef, 'an expression that can be slow');
    answers('/regex/slow', { role => 'a' x 20 . 'cb' }, 403, $claim, '  gives up and refuses');
    my $line = qr{\[warn\] .*oauth: request refused: claim_unmatched};
    ok wait_until { logged($line) }, '  and says so in the log';
    is logged($line), 1, '  once';
    answers('/regex/slow', { role => 'ab' }, 200, undef, '  and the next is judged as ever');
};

subtest 'every way into such a location' => sub {
    for my $target ('/to-admin/', '/accel/x', '/auth/x') {
        is status($target, { scope => 'base' }), 403, "$target: refused for want of scope";
        unlike $nginx->get($target, headers => [auth({ scope => 'base' })])->{body}, qr/upstream|not to be seen/, '  and nothing is shown';
        is status($target, { scope => 'base admin', role => 'owner' }), 200, '  entered with it';
    }
    is status('/any/', { scope => 'base' }), 200, 'satisfy any: the address is enough';
    is status('/any-deny/', { scope => 'base' }), 403, 'satisfy any: a token that is not enough is not';
    is status('/any-deny/', { scope => 'base admin' }), 200, '  one that is, is';
};

subtest 'the reason' => sub {
    status('/base/why', { scope => 'x' });
    status('/admin/why', { scope => 'base admin' });
    my $lines = qr{/base/why \[scope_insufficient\]\n/admin/why \[claim_insufficient\]\n};
    wait_until { slurp($nginx->dir . '/why.log') =~ $lines };
    like slurp($nginx->dir . '/why.log'), $lines, 'is in $oauth_error';
};

$nginx->stop;
done_testing;

sub auth   { my ($claims) = @_; return $claims ? (Authorization => 'Bearer ' . $own->token(claims => $claims)) : () }
sub status { my ($target, $claims) = @_; return $nginx->get($target, headers => [auth($claims)])->{status} }
sub logged { my ($line) = @_; return scalar(() = $nginx->error_log =~ /$line/g) }
sub upstream { return -s $nginx->dir . '/upstream.log' || 0 }

sub answers {
    my ($target, $claims, $status, $challenge, $name) = @_;
    my $seen = upstream();
    my $response = $nginx->get($target, headers => [auth($claims)]);
    my $said = header($response, 'WWW-Authenticate');
    my $right = $response->{status} == $status
        && (ref $challenge ? ($said // '') =~ $challenge : ($said // '') eq ($challenge // ''));
    ok $right, $name or diag "$response->{status} ", $said // '(no challenge)';
    is upstream(), $seen, '  and the upstream hears nothing' if $status >= 400;
    return;
}
