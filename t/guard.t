# A protected location among nginx's other machinery: what it answers, what the upstream hears, and
# that the decision is taken in each location that a request comes to (DESIGN 2, req 116-120, 168).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;

# Not every nginx has every module.
my $binary = $ENV{OAUTH_NGINX} || '/usr/sbin/nginx';
my $has_addition = `$binary -V 2>&1` =~ /http_addition_module/;
my $addition = $has_addition ? 'location = /added.html { addition_types *; add_after_body /part/secret.html; }' : '';

my $nginx = OAuth::Nginx->new(workers => 1, http => <<'HTTP' =~ s/%%ADDITION%%/$addition/r);
oauth_provider demo { type demo; user alice@demo.local Alice; }
log_format seen '$server_port $request_uri [$http_authorization]';
log_format why  '$request_uri [$oauth_error] [$oauth_sub]';
server {
    listen 127.0.0.1:%%PORT%%;
    listen 127.0.0.1:%%PORT2%% http2;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
    access_log %%DIR%%/why.log why;
    ssi off;
    root %%DIR%%/www;
    proxy_set_header X-Sub $oauth_sub;
    proxy_set_header X-Error $oauth_error;

    location /strict/   { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /optional/ { oauth_protect bearer optional; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /open/     { proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /inner/    { oauth_protect bearer; location /inner/off/ { oauth_protect off; proxy_pass http://127.0.0.1:%%PORT1%%; }
                          location /inner/on/ { proxy_pass http://127.0.0.1:%%PORT1%%; } proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /if/       { oauth_protect bearer; if ($arg_x) { set $y 1; } proxy_pass http://127.0.0.1:%%PORT1%%; }

    # satisfy
    location /any/deny/  { satisfy any; deny all; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /any/allow/ { satisfy any; allow 127.0.0.1; deny all; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /any/basic/ { satisfy any; auth_basic realm; auth_basic_user_file %%DIR%%/users; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /any/optional/ { satisfy any; deny all; oauth_protect bearer optional; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /all/deny/  { satisfy all; deny all; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /all/allow/ { satisfy all; allow 127.0.0.1; deny all; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }

    # error_page, named locations, internal redirects
    location /to-optional/ { oauth_protect bearer; error_page 401 = /optional/from-error; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /to-open/     { oauth_protect bearer; error_page 401 = /open/from-error; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /to-named/    { oauth_protect bearer; error_page 401 = @login; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location @login        { return 302 https://app.example.com/login; }
    location /to-strict/   { error_page 404 = /strict/from-error; return 404; }
    location /try/         { try_files /none /none2 @strict; }
    location /try-uri/     { try_files /none /strict/from-try; }
    location @strict       { oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /rewrite/     { rewrite ^ /strict/from-rewrite last; }
    location /accel/open/  { proxy_pass http://127.0.0.1:%%PORT1%%/accel/; }
    location /accel/optional/ { oauth_protect bearer optional; proxy_pass http://127.0.0.1:%%PORT1%%/accel/; }
    location /index/       { index none.html /strict/from-index; }

    # subrequests
    location /auth/        { auth_request /judge; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location /auth-open/   { auth_request /judge; error_page 401 = /open/from-auth; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /judge      { internal; oauth_protect bearer; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://127.0.0.1:%%PORT1%%/judge; }
    location = /ssi.html   { ssi on; }
    location = /ssi-try.html { ssi on; }
    location /part/        { oauth_protect bearer; }
    location /part-try/    { oauth_protect bearer; try_files /part/secret.html =404; }
    location /mirror/      { mirror /mirrored; proxy_pass http://127.0.0.1:%%PORT1%%; }
    location = /mirrored   { internal; oauth_protect bearer; proxy_pass http://127.0.0.1:%%PORT1%%/mirrored; }
    %%ADDITION%%

    # variables
    location /vars/ {
        oauth_protect bearer optional;
        proxy_set_header X-Sub $oauth_sub;
        proxy_set_header X-Name $oauth_name;          proxy_set_header X-Email $oauth_email;
        proxy_set_header X-Scope $oauth_scope;        proxy_set_header X-Provider $oauth_provider;
        proxy_set_header X-Issuer $oauth_issuer;      proxy_set_header X-Jti $oauth_jti;
        proxy_set_header X-Groups $oauth_claim_groups; proxy_set_header X-Tenant $oauth_claim_https___example_com_tenant;
        proxy_set_header X-Number $oauth_claim_number; proxy_set_header X-None $oauth_claim_none;
        proxy_set_header X-Twins $oauth_claim_tw_in;  proxy_set_header X-Camel $oauth_claim_givenname;
        proxy_pass http://127.0.0.1:%%PORT1%%/vars;
    }
    location = /vars-open { proxy_set_header X-Sub $oauth_sub; proxy_set_header X-Name $oauth_name; proxy_set_header X-None $oauth_claim_x; proxy_pass http://127.0.0.1:%%PORT1%%/vars; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log %%DIR%%/upstream.log seen;
    location / { return 200 "upstream $request_uri sub=$http_x_sub error=$http_x_error auth=[$http_authorization]"; }
    location /accel/ { add_header X-Accel-Redirect /strict/from-accel; return 200 "not to be seen"; }
    location /judge { return 204; }
    location /vars { return 200 'sub|$http_x_sub|name|$http_x_name|email|$http_x_email|scope|$http_x_scope|provider|$http_x_provider|issuer|$http_x_issuer|jti|$http_x_jti|groups|$http_x_groups|tenant|$http_x_tenant|number|$http_x_number|none|$http_x_none|twins|$http_x_twins|camel|$http_x_camel|evil|$http_x_evil'; }
}
HTTP
mkdir $nginx->dir . '/www';
mkdir $nginx->dir . '/www/part';
spew($nginx->dir . '/www/part/secret.html', "THE SECRET\n");
spew($nginx->dir . '/www/ssi.html', 'before <!--# include virtual="/part/secret.html" --> after');
spew($nginx->dir . '/www/ssi-try.html', 'before <!--# include virtual="/part-try/x" --> after');
spew($nginx->dir . '/www/added.html', "page\n");
spew($nginx->dir . '/users', "alice:{PLAIN}secret\n");
$nginx->start;

my $issuer = 'http://localhost:' . $nginx->port;
my $own = OAuth::Forge->new(key => $nginx->dir . '/state/signing-es256.pem',
    claims => { iss => $issuer, aud => $issuer, sub => 'demo:alice', scope => 'ACCESS_DB' });
my @good = (Authorization => 'Bearer ' . $own->token);
my @bad  = (Authorization => 'Bearer ' . $own->token(claims => { iss => 'https://evil.example' }));
my @old  = (Authorization => 'Bearer ' . $own->token(claims => { exp => time - 1000 }));
my @basic = (Authorization => 'Basic YWxpY2U6c2VjcmV0');
my $realm = qq(Bearer realm="$issuer");
my $invalid = qq($realm, error="invalid_token", error_description="The token is not valid.");

# ---- req 116: what the answer says -----------------------------------------------------------------

subtest 'the challenge' => sub {
    answers('/strict/', [], 401, $realm, 'no token: no error in the challenge');
    answers('/strict/', \@bad, 401, $invalid, 'a bad token');
    answers('/strict/', \@old, 401, qq($realm, error="invalid_token", error_description="The token has expired."), 'an expired one');
    answers('/strict/', [Authorization => $_], 401, $invalid, "the header \"$_\"") for 'Bearer', 'Bearer ', 'Bearer {}', "Bearer\t" . $own->token, 'Bearer a b';
    answers('/strict/', [Authorization => $_], 401, $realm, "the header \"$_\" has no token of ours") for 'Basic YTpi', 'Digest x', 'BearerX y', '', 'Token ' . $own->token;
    is $nginx->get('/strict/', headers => [@good])->{status}, 200, 'a good token passes';
    is $nginx->head('/strict/', headers => [@good])->{status}, 200, 'by HEAD too';
    is $nginx->post('/strict/', 'body', headers => [@good])->{status}, 200, 'and by POST';
    is $nginx->request($_ => '/strict/')->{status}, 401, "$_ without a token is refused" for qw(POST PUT OPTIONS HEAD PROPFIND);
};

# req 118, 117
subtest 'more than one token, and tokens elsewhere' => sub {
    for my $second (@good[1, 1], $bad[1], $basic[1], 'Bearer') {
        my $seen = upstream();
        my $response = $nginx->get('/strict/', headers => [@good, Authorization => $second]);
        is $response->{status}, 400, 'two Authorization headers are a bad request';
        my $challenge = header($response, 'WWW-Authenticate');
        ok !defined $challenge || $challenge =~ /error="invalid_request"/, '  by that name';
        is upstream(), $seen, '  which goes no further';
        is $nginx->get('/optional/', headers => [@good, Authorization => $second])->{status}, 400, '  neither where tokens are optional';
    }
    my $token = $own->token;
    answers("/strict/?access_token=$token", [], 401, $realm, 'access_token in the query is not looked at');
    answers("/strict/?token=$token", [], 401, $realm, 'nor is token');
    answers('/strict/', ['X-Access-Token' => $token, Cookie => "access_token=$token"], 401, $realm, 'nor are other headers and cookies');
    is $nginx->post('/strict/', "access_token=$token")->{status}, 401, 'nor is the body';
    answers("/strict/?access_token=x", \@good, 200, undef, 'nor does it harm a good header');
};

# ---- req 120: optional -----------------------------------------------------------------------------

subtest 'optional is for those without a token' => sub {
    is body('/optional/x'), 'upstream /optional/x sub= error= auth=[]', 'anonymous passes, and is nobody';
    like body('/optional/x', @good), qr/sub=demo:alice error= auth=\[Bearer /, 'a good token is somebody';
    answers('/optional/', \@bad, 401, $invalid, 'a bad token is never anonymous');
    answers('/optional/', \@old, 401, qq($realm, error="invalid_token", error_description="The token has expired."), 'nor is an expired one');
    answers('/optional/', [Authorization => 'Bearer'], 401, $invalid, 'nor is one that is empty');
    like body('/optional/x', @basic), qr/sub= error= auth=\[Basic /, 'another scheme is none of our business';
    answers('/to-optional/', \@bad, 401, $invalid, 'error_page into an optional location refuses a bad token again');
    is body('/to-optional/'), 'upstream /optional/from-error sub= error= auth=[]', 'but lets the anonymous in';
};

# ---- req 119: what the upstream hears --------------------------------------------------------------

subtest 'a refused token goes no further' => sub {
    is body('/any/allow/x', @bad), 'upstream /any/allow/x sub= error=token_issuer_wrong auth=[]', 'satisfy any: let through by address, without the token';
    is body('/to-open/', @bad), 'upstream /open/from-error sub= error=token_issuer_wrong auth=[]', 'error_page to an open location: without the token';
    is body('/auth-open/x', @bad), 'upstream /open/from-auth sub= error=token_issuer_wrong auth=[]', 'refused by auth_request, and error_page to an open location: without the token';
    like body('/strict/x', @good), qr/auth=\[\Q$good[1]\E\]/, 'a good one goes on';
    like body('/open/x', @bad), qr/auth=\[Bearer /, 'what nobody judged goes on';
};

# ---- satisfy ---------------------------------------------------------------------------------------

subtest 'satisfy' => sub {
    is status('/any/deny/', @good), 200, 'any: a good token is enough';
    is header($nginx->get('/any/deny/', headers => [@good]), 'WWW-Authenticate'), undef, '  and nothing is challenged';
    is status('/any/deny/'), 401, 'any: without one it is not';
    is status('/any/deny/', @bad), 401, 'any: nor with a bad one';
    is status('/any/allow/'), 200, 'any: an allowed address is enough';
    is header($nginx->get('/any/allow/'), 'WWW-Authenticate'), undef, '  and nothing is challenged';
    is status('/any/basic/', @basic), 200, 'any: a password is enough';
    like body('/any/basic/', @basic), qr/auth=\[Basic /, '  and goes on';
    is status('/any/basic/', @good), 200, 'any: a token instead of it too';
    is status('/any/basic/'), 401, 'any: neither is not';
    is status('/any/basic/', Authorization => 'Basic YWxpY2U6d3Jvbmc='), 401, 'any: a wrong password is not';
    is status('/any/optional/'), 403, 'any: being anonymous satisfies nobody';
    is status('/any/optional/', @good), 200, 'any: being known does';
    is status('/any/optional/', @bad), 401, 'any: a bad token does not';
    is status('/all/deny/', @good), 403, 'all: a token does not open what is denied';
    is status('/all/allow/', @good), 200, 'all: both';
    is status('/all/allow/'), 401, 'all: an address is not enough';
};

# ---- req 168: the decision is each location's own --------------------------------------------------

subtest 'locations within, and if' => sub {
    is status('/inner/x'), 401, 'the outer location is protected';
    is status('/inner/on/x'), 401, 'so is an inner one that says nothing';
    is status('/inner/off/x'), 200, 'but for one that says off';
    is status('/inner/on/x', @good), 200, 'a token opens the inner one';
    is status('/if/?x=1'), 401, 'if inside a protected location keeps the guard';
    is status('/if/?x=1', @good), 200, '  and lets a good token in';
};

subtest 'ways into a protected location' => sub {
    my %way = (
        'try_files to a named location' => '/try/x', 'try_files to a URI' => '/try-uri/x', 'rewrite' => '/rewrite/x', 'error_page' => '/to-strict/x',
        'X-Accel-Redirect from an open location' => '/accel/open/x', 'X-Accel-Redirect from an optional one' => '/accel/optional/x', 'index' => '/index/',
    );
    mkdir $nginx->dir . '/www/index';
    for my $name (sort keys %way) {
        my $response = $nginx->get($way{$name});
        is $response->{status}, 401, "$name: refused without a token";
        unlike $response->{body}, qr/upstream|not to be seen/, '  and nothing of the content is shown';
        is header($response, 'WWW-Authenticate'), $realm, '  with the challenge';
        like body($way{$name}, @good), qr/^upstream .*sub=demo:alice/, '  entered with one';
        is status($way{$name}, @bad), 401, '  and not with a bad one';
    }
};

subtest 'ways out of one' => sub {
    my $response = $nginx->get('/to-named/');
    is $response->{status}, 302, 'error_page 401 to a page of one\'s own';
    is header($response, 'Location'), 'https://app.example.com/login', '  with its Location';
    unlike $response->{body}, qr/upstream/, '  and nothing of what is protected (req 098)';
    $response = $nginx->get('/to-open/');
    is $response->{status}, 200, 'error_page 401 = to an open location';
    is $response->{body}, 'upstream /open/from-error sub= error=token_missing auth=[]', '  is that location\'s answer, whole and alone';
    is scalar(my @all = headers($nginx->get('/to-optional/', headers => [@bad]), 'WWW-Authenticate')), 1, 'refused twice is challenged once';
    for my $target ('/strict/', '/optional/', '/any/deny/') {
        my $refusal = $nginx->get($target, headers => [@bad]);
        is length $refusal->{body}, header($refusal, 'Content-Length'), "the refusal of $target is as long as it says";
        unlike $refusal->{body}, qr/upstream/, '  and nothing else';
    }
};

subtest 'subrequests' => sub {
    is status('/auth/x'), 401, 'auth_request to a protected location refuses without a token';
    is header($nginx->get('/auth/x'), 'WWW-Authenticate'), $realm, '  with the challenge';
    is status('/auth/x', @bad), 401, '  and with a bad one';
    is status('/auth/x', @good), 200, '  and passes with a good one';
    unlike body('/ssi.html'), qr/THE SECRET/, 'SSI does not include what is protected';
    is body('/ssi.html', @good), "before THE SECRET\n after", '  but with a token it does';
    unlike body('/ssi.html', @bad), qr/THE SECRET/, '  not with a bad one';
    unlike body('/ssi-try.html'), qr/THE SECRET/, 'nor through try_files';
    is body('/ssi-try.html', @good), "before THE SECRET\n after", '  which works with a token';
    if ($has_addition) {
        unlike body('/added.html'), qr/THE SECRET/, 'add_after_body neither';
        like body('/added.html', @good), qr/THE SECRET/, '  but with a token';
    }
    my $seen = mirrored();
    is status('/mirror/x'), 200, 'a mirrored request passes';
    is status('/mirror/x', @bad), 200, '  with a bad token as well';
    is mirrored(), $seen, '  but its copy does not enter a protected location';
    is status('/mirror/x', @good), 200, 'with a good one';
    ok wait_until { mirrored() > $seen }, '  it does';
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'no curl with HTTP/2' if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;
    my $get = sub {
        my ($path, @headers) = @_;
        open my $curl, '-|', 'curl', '-s', '--http2-prior-knowledge', '-o', '-', '-w', "\n%{http_version} %{http_code}",
            (map { $_ % 2 ? () : ('-H', "$headers[$_]: $headers[$_ + 1]") } 0 .. $#headers), 'http://127.0.0.1:' . $nginx->port(2) . $path;
        local $/;
        return scalar <$curl>;
    };
    like $get->('/strict/x'), qr/\n2 401$/, 'refused without a token';
    like $get->('/strict/x', @bad), qr/\n2 401$/, 'and with a bad one';
    like $get->('/strict/x', @good), qr/sub=demo:alice .*\n2 200$/, 'entered with a good one';
    like $get->('/optional/x', @bad), qr/\n2 401$/, 'optional refuses a bad one';
    like $get->('/strict/x', @good, 'X-Sub' => 'root'), qr/sub=demo:alice /, 'what the client calls itself does not count';
    unlike $get->('/any/allow/x', @bad), qr/auth=\[B/, 'a refused token goes no further';
};

# ---- variables (req 090) ---------------------------------------------------------------------------

subtest 'variables' => sub {
    my $token = sub { return (Authorization => 'Bearer ' . $own->token(claims => {@_})) };
    my $vars = sub { return { split /\|/, body('/vars/x', @_), -1 } };
    my $known = $vars->($token->(
        name => "J\x{f6}rg \"Q\" \x{4e2d}", email => 'a@example.com', email_verified => \'true', jti => 'id-1', groups => ['a b', 'c,d', "e\"\n"],
        'https://example.com/tenant' => 't1', number => 42, givenName => 'J', 'tw-in' => 1, 'tw.in' => 2,
    ));
    is $known->{sub}, 'demo:alice', '$oauth_sub';
    is $known->{name}, 'J%C3%B6rg "Q" %E4%B8%AD', '$oauth_name, percent-encoded beyond ASCII' or diag $known->{name};
    is_deeply [@$known{qw(email scope provider issuer jti)}], ['a@example.com', 'ACCESS_DB', 'demo', $issuer, 'id-1'], 'the others';
    is decode_json(url_decode($known->{groups}))->[1], 'c,d', 'a list is JSON';
    is_deeply decode_json(url_decode($known->{groups})), ['a b', 'c,d', "e\"\n"], '  whole';
    is $known->{tenant}, 't1', '_ stands for any one other character';
    is $known->{number}, '42', 'a number';
    is $known->{camel}, 'J', 'names match without case';
    is $known->{twins}, '', 'what fits two is neither';
    is $known->{none}, '', 'what is absent is empty';
    for my $text ("x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\rX-Evil: 1", "x\x{85}y", "x\x{560a}X-Evil: 1", "x\x{2028}y", "x\x7fy", "x\ty", '%0d%0aX-Evil: 1') {
        my $told = $vars->($token->(name => $text, 'https://example.com/tenant' => $text, groups => [$text]));
        my $bytes = $text;
        utf8::encode($bytes);
        is url_decode($told->{name} =~ s/\+/%2B/gr), $bytes, 'a name with ' . join('', map { sprintf '%02x', ord } split //, $bytes) . ' comes encoded, and whole';
        is $told->{tenant}, $told->{name}, '  a claim alike';
        unlike join('', values %$told), qr/[^\x20-\x7e]/, '  in printable ASCII';
        is $told->{evil}, '', '  and makes no header of its own';
    }
    is status('/vars/x', $token->(name => "x\0y")), 401, 'a NUL is in no token';
    is $vars->($token->(email => 'a@example.com', email_verified => $_))->{email}, '', "no e-mail with email_verified $$_" for \'false', \'"true"', \'1', \'null';
    is status('/vars/x', $token->(name => "x\0y")), 401, 'a NUL is in no token';
    is $vars->($token->(email => 'a@example.com'))->{email}, '', 'nor without';
    my %anonymous = %{ $vars->() };
    is join('', values %anonymous), '', 'all are empty for the anonymous';
    my %spoofed = %{ $vars->('X-Sub' => 'root', 'X-Name' => 'root', 'X_Sub' => 'root', 'X-Email' => 'r@x', 'X-Issuer' => 'i') };
    is join('', values %spoofed), '', 'whatever they call themselves';
    is join('', @{ { split /\|/, body('/vars-open', @good), -1 } }{qw(sub name none)}), '', 'all are empty where nothing is protected';
    status('/strict/why', @bad);
    status('/strict/why', @good);
    status('/strict/why');
    my $lines = qr{/strict/why \[token_issuer_wrong\] \[(?:-|)\]\n/strict/why \[(?:-|)\] \[demo:alice\]\n/strict/why \[token_missing\] \[(?:-|)\]\n};
    # nginx logs a request after its client has the answer.
    wait_until { slurp($nginx->dir . '/why.log') =~ $lines };
    like slurp($nginx->dir . '/why.log'), $lines, '$oauth_error in the access log';
};

$nginx->stop;
done_testing;

sub status { my ($target, @headers) = @_; return $nginx->get($target, headers => \@headers)->{status} }
sub body   { my ($target, @headers) = @_; return $nginx->get($target, headers => \@headers)->{body} }
sub upstream { return -s $nginx->dir . '/upstream.log' || 0 }
sub mirrored { return scalar(() = slurp($nginx->dir . '/upstream.log') =~ m{ /mirrored }g) }

sub answers {
    my ($target, $headers, $status, $challenge, $name) = @_;
    my $seen = upstream();
    my $response = $nginx->get($target, headers => $headers);
    my $got = [$response->{status}, [headers($response, 'WWW-Authenticate')]];
    is_deeply $got, [$status, [grep { defined } $challenge]], $name or diag explain $got;
    return $status >= 400 ? is(upstream(), $seen, '  and the upstream hears nothing') : 1;
}
