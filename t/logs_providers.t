# No log holds a secret of a sign-in by any provider, well or badly ended: not nginx's own lines at
# info, not an access log of any usual format, not a line of ours at debug (DESIGN 3 "Logs", req 149).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Story;

my $missing = OAuth::Idp->missing('google');
plan skip_all => $missing if $missing;

my ($story, $nginx);
my %secret;    # value => what it is

subtest "at $_" => \&everything_at, $_ for qw(info debug);
done_testing;

sub everything_at {
    my ($level) = @_;
    my @idps = start($level);
    subtest $_->name => \&well_and_badly, $_ for @idps;
    overhear($_) for @idps;
    my %count;
    $count{$_}++ for values %secret;
    note 'secrets: ' . join ', ', map { "$count{$_} $_" } sort keys %count;
    for my $kind (qw(state code code_verifier client_secret client_assertion Basic access_token id_token user
        answer cookie), 'access token', 'refresh token', 'our code') {
        ok $count{$kind}, "there were secrets: $kind";
    }
    $_->stop for @idps;
    $nginx->stop;
    return holds_none('lines of ours', ours()) if $level eq 'debug';
    holds_none($_, slurp($nginx->dir . "/$_")) for 'error.log', 'access.log', 'every.log', 'combined.log';
    return;
}

# All providers at one nginx; in the end they are what is returned.
sub start {
    my ($level) = @_;
    my @idps = map { OAuth::Idp->new(kind => $_) } qw(google github microsoft apple cognito);
    push @idps, OAuth::Idp->new(kind => 'faulty-op', name => 'oidc');
    push @idps, OAuth::Idp->new(kind => 'faulty-op', name => 'oauth2', openid => 0);
    my $keyed = OAuth::Idp->new(kind => 'faulty-op', name => 'keyed');
    my $forge = OAuth::Forge->new(generate => 'ES256');
    $story = OAuth::Story->new(
        idp       => $keyed,
        idps      => \@idps,
        log_level => $level,
        provider  => { client_secret => undef, token_auth => 'private_key_jwt', private_key => $forge->{key} },
        knobs     => { token_auth => 'private_key_jwt', client_key => $forge->public_pem },
        http      => <<'HTTP',
log_format every '$request|$request_uri|$args|$query_string|$uri|$document_uri|$arg_code|$arg_state|$arg_user|$arg_answer|$http_referer|$status|$oauth_error|$oauth_flow_id';
access_log %%DIR%%/every.log every;
access_log %%DIR%%/combined.log combined;
HTTP
    )->start;
    $nginx = $story->nginx;
    %secret = ();
    return ($keyed, @idps);
}

sub well_and_badly {
    my ($idp) = @_;
    my $name = $idp->name;
    ok run($idp), 'a login';
    $idp->set(%{ $_->[1] }), run($idp), $idp->set(%{ $_->[2] }) for
        ['an error', { authorize => { iss => JSON::PP::true, error => 'access_denied' } },
            { authorize => { iss => JSON::PP::true } }],
        ['a lie', { id_token => { tamper => 'signature' } }, { id_token => {} }],
        ['a userinfo about another', { userinfo => { sub => 'x', id => undef } }, { userinfo => {} }];
    for my $fault ([token => { status => 500 }], [token => { reset => 1 }], [token => { body => '<html>' }],
        [token => { status => 400, body => { error => 'invalid_client', error_description => 'no' } }],
        [token => { delay => 1 }], [userinfo => { status => 401 }], [userinfo => { reset => 1 }],
        [emails => { reset => 1 }]) {
        $idp->fault($fault->[0] => $fault->[1]);
        run($idp);
        $idp->clear;
    }
    # What is refused before it costs anything.
    my $login = $story->reach(name => $name);
    remember($login);
    my $to = $login->{form} ? posted($login) : $login->{back};
    my $cookie = OAuth::Story::cookie_header($login->{browser});
    my ($query) = $to =~ /\?(.*)/;
    $nginx->get("/oauth/callback/$name?$query");
    $nginx->get("/oauth/callback/$name?$query&state=x&answer=y", headers => [Cookie => "$cookie; $cookie"]);
    $nginx->get("/oauth/callback/nosuch?$query", headers => [Cookie => $cookie]);
    $nginx->get("/oauth/login/$name?$query", headers => [Cookie => $cookie]);
    $nginx->post("/oauth/callback/$name?$query", $query, headers => [Cookie => $cookie]);
    $nginx->post("/oauth/callback/$name", $query . 'x' x 100_000, headers => [Cookie => $cookie]);
    $nginx->get("/oauth/callback/$name?$query", headers => [Cookie => $cookie, Referer => $login->{url}]) for 1 .. 2;
    ok run($idp), 'and much that went wrong before another one';
    return;
}

# What passed between nginx and the provider, and nobody else saw.
sub overhear {
    my ($idp) = @_;
    keep("the client's secret", $idp->client_secret);
    for my $request ($idp->log_of('token')) {
        my $form = query_of("?$request->{body}");
        keep($_, $form->{$_}) for qw(code code_verifier client_secret client_assertion);
        keep('Basic', ($request->{headers}{authorization} || '') =~ /^Basic (.*)/);
    }
    keep('access_token', ($_->{headers}{authorization} || '') =~ /^Bearer (.*)/)
        for map { $idp->log_of($_) } qw(userinfo emails);
    for my $text ($idp->issued) {
        my $reply = eval { decode_json($text) };
        keep($_, $reply->{$_}) for ref $reply eq 'HASH' ? qw(access_token id_token refresh_token) : ();
    }
    return;
}

# At debug the core prints requests and headers; what stands behind "client:" is the core's at any level.
sub ours { return join "\n", map { s/, client: .*//r } grep { /oauth: / } split /\n/, $nginx->error_log }

sub holds_none {
    my ($log, $text) = @_;
    cmp_ok length $text, '>', 10_000, "$log: not empty";
    my @found = grep { length >= 8 && (index($text, $_) >= 0 || index($text, url_encode($_)) >= 0) } sort keys %secret;
    is_deeply [map { "$secret{$_}: $_" } @found], [], "$log: none of them";
    unlike $text, qr/eyJ[\w-]{10}/, 'nor anything like a JWT';
    unlike $text, qr/alice\@|Alice|octoalice/, 'nor whom they are about';
    return;
}

sub keep { my ($what, $value) = @_; $secret{$value} = $what if defined $value && length $value >= 8; return }

# What the browser has seen of a login.
sub remember {
    my ($login) = @_;
    keep('state', $login->{sent}{state});
    my $answer = $login->{form} ? { @{ $login->{form}{fields} } } : query_of($login->{back});
    keep($_, $answer->{$_}) for qw(code user);
    keep('cookie', $_->{value}) for values %{ $login->{browser}->cookies('localhost') };
    return;
}

sub posted {
    my ($login) = @_;
    my $to = header($story->post_back($login), 'location');
    keep('answer', query_of($to)->{answer});
    return $to;
}

# A login to its end, whatever that is; then /token and a protected location. True if it worked.
sub run {
    my ($idp) = @_;
    my $login = $story->reach(name => $idp->name, redirect_uri => "$OAuth::Story::APP/x",
        state => 'state-of-the-application');
    keep("the application's state", 'state-of-the-application');
    remember($login);
    $idp->set(met => []) if $idp->name eq 'apple';
    my $to = $login->{form} ? posted($login) : $login->{back};
    my $answer = $story->answer($story->get($to, browser => $login->{browser}));
    return 0 if !$answer || !$answer->{code};
    keep('our code', $answer->{code});
    my $tokens = $story->redeem($answer->{code})->{json};
    keep('access token', $tokens->{accessToken});
    keep('refresh token', $tokens->{refreshToken});
    $story->redeem($answer->{code});
    return $nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"])->{status} == 200;
}
