# Everything that a provider can do wrong, at every provider that can do it: the login ends with its
# status and its reason, no code comes out, and the next login works. One nginx with one worker.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use IO::Select;

my $missing = OAuth::Idp->missing('google');
plan skip_all => $missing if $missing;

my $closed = OAuth::Port::take();    # where nobody listens
my $refused_url = "http://127.0.0.1:$closed/token";
my $now = time;
my $good = '{"access_token":"a","token_type":"Bearer","id_token":"x"}';
my %html = (headers => { 'Content-Type' => 'text/html' }, body => '<html>');

my %idp = map { $_ => OAuth::Idp->new(kind => $_) } qw(google github microsoft apple cognito);
$idp{oidc} = OAuth::Idp->new(kind => 'faulty-op', name => 'oidc');
$idp{oauth2} = OAuth::Idp->new(kind => 'faulty-op', name => 'oauth2', openid => 0);
my $cold = OAuth::Idp->new(kind => 'faulty-op', name => 'cold');    # nobody signs in there
my @all = sort keys %idp;
my @openid = qw(apple cognito google microsoft oidc);
my @userinfo = qw(cognito github google oauth2 oidc);
my @little = qw(cognito google);     # they are asked for userinfo only if the ID token says little

# What is said of keys is remembered by its address: each case has its own.
my %bad_keys = (
    down         => { status => 503 },
    gone         => { status => 404, %html },
    empty        => { body => { keys => [] } },
    'of a wrong kty' => undef,
    huge         => { body => '{"keys":[],"x":"' . 'x' x 1_100_000 . '"}' },
    truncated    => { body => '{"keys":[{"kty":"RSA"' },
);
my %slug = map { $_ => s/\W/-/gr } keys %bad_keys;

my $story = story()->start;
# Apple's name is told once, and is nothing here.
$idp{apple}->set(met => ['001234.0123456789abcdef0123456789abcdef.0123']);

# [name, at whom, what to do, status, reason]
my @matrix = (
    # ---- the token endpoint
    ['the token endpoint answers slowly', \@all, token({ delay => 300 }), 302, ''],
    ['byte by byte', \@all, token({ drip => 1 }), 302, ''],
    ['not at all: nobody listens', \@all, { block => 'refused' }, 502, 'fetch_failed'],
    ['a cut connection', \@all, token({ reset => 1 }), 502, 'fetch_failed'],
    ['half an answer', \@all, token({ headers => { 'Content-Length' => 500, Connection => 'close' }, body => $good }),
        502, 'fetch_failed'],
    ['an answer with 500', \@all, token({ status => 500 }), 502, 'exchange_malformed'],
    ['an answer with 503, in HTML', \@all, token({ status => 503, %html }), 502, 'exchange_malformed'],
    ['a redirect', \@all, token({ status => 307, headers => { Location => '/elsewhere' } }), 502, 'exchange_malformed'],
    ['HTML', \@all, token({%html}), 502, 'exchange_malformed'],
    ['nothing', \@all, token({ body => '' }), 502, 'exchange_malformed'],
    ['truncated JSON', \@all, token({ body => substr $good, 0, 40 }), 502, 'exchange_malformed'],
    ['a huge body', \@all, token({ body => ' ' x 1_048_577 }), 502, 'fetch_too_large'],
    ['duplicate members', \@all, token({ body => $good =~ s/\}/,"access_token":"b"}/r }), 502, 'exchange_malformed'],
    ['a wrong content type', \@all, token({ headers => { 'Content-Type' => 'text/plain' }, body => $good }), 502,
        'exchange_malformed'],
    ['another token_type', \@all, token({ merge => { token_type => 'mac' } }), 502, 'exchange_malformed'],
    ['no access_token', \@all, token({ merge => { access_token => undef } }), 502, 'exchange_malformed'],
    ['an error with 400', \@all, token({ status => 400, body => { error => 'invalid_grant' } }), 502, 'exchange_refused'],
    ['an error with 200', \@all, token({ body => { error => 'invalid_grant' } }), 502, 'exchange_refused'],
    ['invalid_client', \@all, token({ status => 401, body => { error => 'invalid_client' } }), 502,
        'exchange_client_refused'],
    ['a code that was used', \@all, { replay => 1 }, 502, 'exchange_refused'],

    # ---- the ID token
    ['no id_token', \@openid, token({ merge => { id_token => undef } }), 502, 'id_token_refused (token_malformed)'],
    ['a bad signature', \@openid, lie({ tamper => 'signature' }), 502, 'id_token_refused (token_signature_wrong)'],
    ['a touched payload', \@openid, lie({ tamper => 'payload' }), 502, 'id_token_refused (token_signature_wrong)'],
    ['alg none', \@openid, lie({ alg => 'none' }), 502, 'id_token_refused (token_alg_refused)'],
    ['HS256 by the public key', \@openid, lie({ hs256_with_public_key => 1 }), 502, 'id_token_refused (token_alg_refused)'],
    ['an unknown kid', \@openid, lie({ header => { kid => 'nosuch' } }), 502, 'id_token_refused (token_key_unknown)'],
    ['a wrong iss', \@openid, lie({ claims => { iss => 'https://evil.test' } }), 502,
        'id_token_refused (token_issuer_wrong)'],
    ['an aud of two', \@openid, lie({ claims => { aud => ['app', 'other'], azp => 'app' } }), 502,
        'id_token_refused (token_audience_wrong)'],
    ['another aud', \@openid, lie({ claims => { aud => 'other' } }), 502, 'id_token_refused (token_audience_wrong)'],
    ['another azp', \@openid, lie({ claims => { azp => 'other' } }), 502, 'id_token_refused (token_azp_wrong)'],
    ['another nonce', \@openid, lie({ claims => { nonce => 'x' x 43 } }), 502, 'id_token_refused (token_nonce_wrong)'],
    ['no nonce', \@openid, lie({ claims => { nonce => undef } }), 502, 'id_token_refused (token_nonce_wrong)'],
    ['exp in the past', \@openid, lie({ claims => { exp => $now - 60 } }), 502, 'id_token_refused (token_expired)'],
    ['no exp', \@openid, lie({ claims => { exp => undef } }), 502, 'id_token_refused (token_time_malformed)'],
    ['nbf in the future', \@openid, lie({ claims => { nbf => $now + 600 } }), 502,
        'id_token_refused (token_not_yet_valid)'],
    ['iat in the future', \@openid, lie({ claims => { iat => $now + 600 } }), 502,
        'id_token_refused (token_not_yet_valid)'],
    ['no sub', \@openid, lie({ claims => { sub => undef } }), 502, 'id_token_refused (token_subject_wrong)'],

    # ---- the keys
    (map { ["keys that are $_", \@openid, { block => $slug{$_}, keys => $_ }, 502,
        $_ eq 'huge' ? 'fetch_too_large' : 'discovery_refused'] } sort keys %bad_keys),

    # ---- userinfo, and GitHub's addresses
    ['userinfo 401', \@userinfo, userinfo({ status => 401, body => { error => 'invalid_token' } }), 502,
        'userinfo_refused'],
    ['userinfo 500', \@userinfo, userinfo({ status => 500 }), 502, 'userinfo_refused'],
    ['userinfo in HTML', \@userinfo, userinfo({%html}), 502, 'userinfo_refused'],
    ['userinfo truncated', \@userinfo, userinfo({ body => '{"sub":"alice"' }), 502, 'userinfo_refused'],
    ['userinfo with duplicate members', \@userinfo, userinfo({ body => '{"sub":"a","sub":"a"}' }), 502,
        'userinfo_refused'],
    ['userinfo cut off', \@userinfo, userinfo({ reset => 1 }), 502, 'fetch_failed'],
    ['a huge userinfo', \@userinfo, userinfo({ body => ' ' x 1_048_577 }), 502, 'fetch_too_large'],
    ['userinfo byte by byte', \@userinfo, userinfo({ drip => 1 }), 302, ''],
    ['userinfo about another', [qw(cognito google oidc)], userinfo({ merge => { sub => 'other' } }), 502,
        'userinfo_other_subject'],
    ['userinfo about nobody', [qw(github oauth2)], userinfo({ merge => { id => undef, sub => undef } }), 502,
        'id_token_refused (token_subject_wrong)'],
    ['addresses 401', ['github'], { fault => [emails => { status => 401 }] }, 502, 'userinfo_refused'],
    ['addresses cut off', ['github'], { fault => [emails => { reset => 1 }] }, 502, 'fetch_failed'],

    # ---- what comes back by way of the browser
    ['the user says no', \@all, says('access_denied'), 'told', 'access_denied'],
    ['an error', \@all, says('server_error'), 'told', 'provider_refused'],
    ['a wrong iss in the answer', \@openid, { answer => { iss => 'https://evil.test' } }, 400, 'issuer_mismatch'],
    ['a code and an error', \@all, { answer => { error => 'access_denied' } }, 400, 'code_missing'],
    ['neither', \@all, { answer => { code => undef } }, 400, 'code_missing'],
    ['no state', \@all, { answer => { state => undef } }, 400, 'state_missing'],
    ['a state of another browser', \@all, { foreign => 'state' }, 400, 'browser_mismatch'],
    ['a state of another provider', \@all, { foreign => 'provider' }, 400, 'state_other_provider'],
    ['no cookie', \@all, { foreign => 'cookie' }, 400, 'browser_mismatch'],
);

my $cases = 0;
signs_in($_) for @all;    # from here on all is warm
for my $row (@matrix) {
    my ($what, $at, $do, $status, $reason) = @$row;
    subtest $what => sub {
        for my $name (@$at) {
            $cases++;
            my $response = attempt($name, $do);
            my $ends = $status eq 'told' ? 302 : $status;
            is $response->{status}, $ends, "$name: $ends";
            my $answer = $story->answer($response) || {};
            if (!$reason) {
                ok $answer->{code}, 'it works all the same' or diag $story->told('callback');
                next;
            }
            ok !defined $answer->{code}, 'no code comes out';
            ok $answer->{error}, 'the application is told' if $status eq 'told';
            my ($told) = $story->told('callback') =~ /^callback refused: (.*?)(?:, provider [\w-]+)?$/;
            is $told, $reason, 'the log knows why';
            signs_in($name);
        }
    };
}

# A request that is sent after the hang began is answered before it ends: on the only worker.
subtest 'a provider that hangs holds up nobody' => sub {
    my @what = ((map { [$_, 'token', ''] } @all), (map { [$_, 'userinfo', ''] } @userinfo), ['github', 'emails', ''],
        (map { [$_, 'jwks', 'hung'] } @openid));
    my @hung;
    for my $what (@what, ['cold', 'discovery']) {
        my $hung = $what->[0] eq 'cold' ? hang_login() : hang(@$what);
        is $story->nginx->get('/auth-providers')->{status}, 200, "$hung->{name}: $hung->{route}: a page";
        signs_in($hung->{name} eq 'cold' ? 'oidc' : $hung->{name});
        is_deeply [IO::Select->new($hung->{connection}->socket)->can_read(0)], [], 'before the one that hangs has ended';
        push @hung, $hung;
    }
    $cases += @hung;
    for my $hung (@hung) {
        my $response = $hung->{connection}->read_response;
        $hung->{connection}->close;
        is $response->{status}, 504, "$hung->{name}: $hung->{route}: ends with 504";
        is $story->answer($response), undef, 'no code comes out';
    }
    my $ended = () = $story->nginx->error_log =~ /oauth: (?:callback refused: fetch_timeout, provider|login refused: fetch_timeout,)/g;
    is $ended, scalar(@hung), 'the log knows why, each time';
    signs_in($_) for @all;
};

# New keys are looked for, though not at once after the last time.
subtest 'keys that were rotated' => sub {
    for my $name (@openid) {
        $cases++;
        my $idp = $idp{$name};
        $idp->rotate;
        $idp->forget;
        is attempt($name, {})->{status}, 302, "$name: a new key is found";
        is $idp->requests('jwks'), 1, 'by one request';
        $idp->rotate;
        is attempt($name, {})->{status}, 502, 'another one, so soon, is not';
        like $story->told('callback'), qr/^callback refused: id_token_refused \(token_key_unknown\)/, 'which the log says';
        is $idp->requests('jwks'), 1, 'because it is not looked for';
    }
    for my $name (@openid) {
        ok wait_until(sub { $story->code(name => $name) }, 40), "$name: after a while it is";
        is $idp{$name}->requests('jwks'), 2, 'by one request';
    }
};

is_deeply [grep { !/the code is unknown or spent/ } map { $_->complaints } values %idp], [],
    'in all this nobody was asked what should not be asked';
$story->stop;
diag 'fault matrix: ' . @all . ' providers x ' . (@matrix + 2) . " faults = $cases cases";
done_testing;

# ---- what to do -------------------------------------------------------------------------------

sub token    { return { fault => [token => $_[0]] } }
sub userinfo { return { fault => [userinfo => $_[0]], little => 1 } }
sub lie      { return { set => { id_token => $_[0] } } }
sub says     { return { set => { authorize => { iss => JSON::PP::true, error => $_[0] } } } }

# A login with it; the answer to the callback.
sub attempt {
    my ($name, $do) = @_;
    my $idp = $idp{$name};
    my %set = %{ $do->{set} || {} };
    $set{id_token_account_claims} = [] if $do->{little} && grep { $_ eq $name } @little;
    my %usual = (id_token => {}, authorize => $name eq 'oidc' ? { iss => JSON::PP::true } : {},
        id_token_account_claims => [qw(email email_verified name)]);
    $idp->set(%set) if %set;
    my $login = $story->reach(name => $do->{block} ? "$name-$do->{block}" : $name,
        redirect_uri => "$OAuth::Story::APP/x", state => 'mine');
    change($login, %{ $do->{answer} }) if $do->{answer};
    replay($login, $name) if $do->{replay};
    foreign($login, $name, $do->{foreign}) if $do->{foreign};
    $idp->fault($do->{fault}[0] => { times => 1, %{ $do->{fault}[1] } }) if $do->{fault};
    $idp->fault(jwks => { times => 1, %{ bad_keys($name, $do->{keys}) } }) if $do->{keys};
    my $response = $story->finish($login);
    $idp->set(map { $_ => $usual{$_} } keys %set) if %set;
    $idp->clear;
    return $response;
}

sub bad_keys {
    my ($name, $how) = @_;
    return $bad_keys{$how} if $bad_keys{$how};
    my @keys = @{ $idp{$name}->command('keys')->{keys} };
    return { body => { keys => [map { { %$_, kty => $_->{kty} eq 'RSA' ? 'EC' : 'RSA' } } @keys] } };
}

# The answer with other parameters, in the address or in the form.
sub change {
    my ($login, %changes) = @_;
    return $login->{form} = OAuth::Story::changed_form($login->{form}, %changes) if $login->{form};
    my ($to, $query) = $login->{back} =~ /^([^?]*)(\?.*)/;
    $login->{back} = "$to?" . OAuth::Story::query(%{ query_of($query) }, %changes);
    return;
}

sub parameters { my ($login) = @_; return $login->{form} ? { @{ $login->{form}{fields} } } : query_of($login->{back}) }

# The code of a login that has ended.
sub replay {
    my ($login, $name) = @_;
    my $before = $story->reach(name => $name);
    $story->finish($before);
    return change($login, code => parameters($before)->{code});
}

sub foreign {
    my ($login, $name, $what) = @_;
    return $login->{browser} = OAuth::Browser->new if $what eq 'cookie';
    my $other = $what eq 'provider' ? (grep { $_ ne $name } @all)[0] : $name;
    return change($login, state => parameters($story->reach(name => $other))->{state});
}

sub signs_in {
    my ($name) = @_;
    ok $story->code(name => $name), "$name: a login works" or diag $story->told('callback');
    return;
}

# A callback that is waiting for its provider: { connection, name, route }.
sub hang {
    my ($name, $route, $block) = @_;
    my $idp = $idp{$name};
    my $little = $route eq 'userinfo' && grep { $_ eq $name } @little;
    $idp->set(id_token_account_claims => []) if $little;
    my $login = $story->reach(name => $block ? "$name-$block" : $name);
    my $to = $login->{form} ? header($story->post_back($login), 'location') : $login->{back};
    my $connection = hung_at($idp, $route, $to, Cookie => OAuth::Story::cookie_header($login->{browser}));
    $idp->set(id_token_account_claims => [qw(email email_verified name)]) if $little;
    return { connection => $connection, name => $name, route => $route };
}

# A login that is waiting for what its provider says of itself.
sub hang_login {
    my $login = $story->base . '/oauth/login/cold?redirect_uri=' . url_encode("$OAuth::Story::APP/x");
    return { connection => hung_at($cold, 'discovery', $login), name => 'cold', route => 'discovery' };
}

# A GET of ours during which the provider is asked, and does not answer.
sub hung_at {
    my ($idp, $route, $to, @headers) = @_;
    my $before = $idp->requests($route);
    $idp->fault($route => { hang => 1, times => 1 });
    my $connection = $story->nginx->connect(timeout => 60);
    my ($host, $target) = $to =~ m{^http://([^/]+)(.*)};
    $connection->send(OAuth::Http::format_request(GET => $target, host => $host, headers => \@headers));
    wait_until { $idp->requests($route) > $before } or die $idp->name . " was not asked for $route\n";
    return $connection;
}

# All providers at one nginx, and for each what needs another configuration.
sub story {
    my %also;
    for my $name (@all) {
        my %given = $idp{$name}->endpoints;
        my $of = $idp{$name};
        $also{"$name-refused"} = { of => $of, %given, token_endpoint => $refused_url };
        my $keys = $given{jwks_uri} || $of->issuer . '/jwks';
        next if !grep { $_ eq $name } @openid;
        $also{"$name-$_"} = { of => $of, %given, jwks_uri => "$keys?$_" } for values %slug, 'hung';
    }
    return OAuth::Story->new(idp => $idp{google},
        idps => [$cold, map { $idp{$_} } grep { $_ ne 'google' } @all], also => \%also);
}
