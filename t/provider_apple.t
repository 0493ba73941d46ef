# A sign-in by Apple: the answer is posted from another site, the client's secret is signed anew each
# time, flags are texts, and the name comes once, by way of the browser.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('apple');
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $idp = OAuth::Idp->new(kind => 'apple');
my $github = OAuth::Idp->new(kind => 'github');
my $story = OAuth::Story->new(
    idp    => $idp,
    idps   => [$github],
    also   => { other => {} },
    server => 'oauth_use apple other github;',
    http   => <<"CONF",
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%;
    oauth_use apple;
    oauth_allow_origin $app;
    location / { return 404; }
}
CONF
)->start;
my %account = (sub => '001234.0123456789abcdef0123456789abcdef.0123', email => 'alice@example.com');
my %flags = (email_verified => 'true', is_private_email => 'false');
my $sign_in = OAuth::SignIn->new($story, $idp, account => \%account, flags => \%flags, met => [$account{sub}]);
my %claims = (email => 'alice@example.com', email_verified => JSON::PP::true);
my %who = (id => $account{sub}, claims => \%claims);

subtest 'where the browser is sent' => sub {
    my $sent = $story->login->{sent};
    is $sent->{response_mode}, 'form_post', 'the answer is to be posted';
    is $sent->{scope}, 'openid name email', 'for name and address';
    like $sent->{nonce}, qr/^[\w-]{20,}$/, 'with a nonce';
};

$sign_in->works('the first sign-in, with the name', %who, requests => { jwks => 1 },
    claims => { %claims, name => 'Alice Example' });
$sign_in->works('the next one, without', %who);
$sign_in->works("email_verified $_->[0]", %who, with => { flags => { email_verified => $_->[1] } })
    for ['"true"', 'true'], ['true', JSON::PP::true];
$sign_in->works('an address of the relay', %who, with => { flags => { %flags, is_private_email => JSON::PP::true },
    account => { %account, email => 'x1@privaterelay.appleid.com' } },
    claims => { %claims, email => 'x1@privaterelay.appleid.com' });

# req 079
subtest 'an address that is not verified' => sub {
    $sign_in->fails("email_verified $_->[0]", { flags => { email_verified => $_->[1] } }, 'email_unverified') for
        ['"false"', 'false'], ['false', JSON::PP::false], ['""', ''], ['"True"', 'True'], ['1', 1], ['"1"', '1'],
        ['nothing', undef];
    $sign_in->fails('no address', { account => { %account, email => undef } }, 'email_unverified');
};

subtest "the client's secret" => sub {
    $idp->forget;
    $story->code for 1 .. 2;
    my ($first, $second) = map { query_of("?$_->{body}")->{client_secret} } $idp->log_of('token');
    isnt $first, $second, 'is made anew for each exchange';
    my ($header, $claims) = map { decode_json(decode_base64url($_)) } (split /\./, $first)[0, 1];
    is_deeply [@$header{qw(alg kid)}], [qw(ES256 KEY1234567)], 'by our key';
    is_deeply [@$claims{qw(iss sub aud)}], ['TEAM123456', 'app', 'https://appleid.apple.com'], 'for Apple';
    cmp_ok $claims->{exp} - $claims->{iat}, '<=', 300, 'and lives for minutes';
    my ($request) = $idp->log_of('token');
    is $request->{headers}{authorization}, undef, 'it is in the body, and nowhere else';
};

# DESIGN 3, "The browser": a cross-site POST carries no cookie, so nothing is finished there.
subtest 'the POST is handed over to a GET' => sub {
    my $login = $story->reach;
    $idp->forget;
    my $response = $story->post_back($login);
    is $response->{status}, 303, 'by 303';
    my $to = header($response, 'location');
    like $to, qr{^\Q$login->{base}\E/oauth/callback/apple\?answer=[\w-]+$}, 'to the same address, with the answer sealed';
    is header($response, 'cache-control'), 'no-store', 'which is not stored';
    is header($response, 'referrer-policy'), 'no-referrer', 'and not told to others';
    is header($response, 'set-cookie'), undef, 'no cookie is set';
    is $response->{body}, '', 'there is no body';
    is $idp->requests('token'), 0, 'and nobody is asked anything yet';
    like $story->nginx->error_log, qr/oauth: callback /, 'the log has it';
    my $stranger = $story->get($to);
    is $stranger->{status}, 400, 'another browser gets nowhere with it';
    is $story->told('callback'), 'callback refused: browser_mismatch', 'for that reason';
    my $second = $story->login;
    is $story->get($to, browser => $second->{browser})->{status}, 400, 'nor does one with a cookie of its own';
    is $story->told('callback'), 'callback refused: browser_mismatch', 'for that reason';
    is $idp->requests('token'), 0, 'nobody is asked anything';
    ok $story->answer($story->get($to, browser => $login->{browser}))->{code}, 'its own browser does';
    is $story->get($to, browser => $login->{browser})->{status}, 400, 'once';
    is $story->told('callback'), 'callback refused: state_spent', 'because the state is spent';
    is $story->finish($login)->{status}, 400, 'posting it again does not help';
    is $idp->requests('token'), 1, 'the code was exchanged once';
};

# req 057 058 063
subtest 'a POST that is not an answer of ours' => sub {
    attack(sub {
        my ($login) = @_;
        my %field = @{ $login->{form}{fields} };
        my $state = $field{state};
        post_refused($_->[0], $_->[1], OAuth::Story::changed_form($login->{form}, %{ $_->[2] })) for
            ['no state', 'state_missing', { state => undef }], ['an empty state', 'state_missing', { state => '' }],
            ['a short state', 'state_refused', { state => 'AQ' }],
            ['an altered state', 'state_refused', { state => $state =~ s/(.)$/$1 eq 'A' ? 'B' : 'A'/er }],
            ['a state altered in its middle', 'state_refused', { state => alter($state, 200) }],
            ['a longer state', 'state_refused', { state => "${state}A" }],
            ['no code', 'code_missing', { code => undef }], ['a code and an error', 'code_missing', { error => 'x' }],
            ['a code of 2049 bytes', 'code_malformed', { code => 'x' x 2049 }],
            ['a code with a line feed', 'code_malformed', { code => "x\n" }];
        my $form = $login->{form};
        post_refused('two states', 'request_repeated', { %$form, fields => [@{ $form->{fields} }, state => $state] });
        post_refused('two codes', 'request_repeated', { %$form, fields => [@{ $form->{fields} }, code => 'x'] });
        post_refused('at another provider', 'state_other_provider', at($form, 'other'));
        my $body = form(@{ $form->{fields} });
        for my $type ('application/json', 'text/plain', 'multipart/form-data; boundary=x', undef) {
            my $response = $story->nginx->post('/oauth/callback/apple', $body, headers => ['Content-Type' => $type]);
            is $response->{status}, 400, 'as ' . (defined $type ? $type : 'nothing');
        }
        my $query = $story->nginx->post("/oauth/callback/apple?$body", '');
        is $query->{status}, 400, 'in the query of a POST';
        my $huge = $story->nginx->post('/oauth/callback/apple', "$body&x=" . 'x' x 200_000);
        is $huge->{status}, 413, 'with 200 KB behind it';
        my $foreign = $story->nginx->post('/oauth/callback/apple', $body, port => 2);
        is $foreign->{status}, 400, 'at another broker';
        is $story->told('callback'), 'callback refused: state_refused', 'whose state it is not';
    });
};

subtest 'only who answers by a form may POST' => sub {
    my $login = $story->reach(name => 'github');
    my $query = $login->{back} =~ s/^[^?]*\?//r;
    my $response = $story->nginx->post('/oauth/callback/github', $query,
        headers => [Cookie => OAuth::Story::cookie_header($login->{browser})]);
    is $response->{status}, 405, 'GitHub does not';
    is header($response, 'allow'), 'GET', 'which the answer says';
    is $story->nginx->post('/oauth/callback/nosuch', $query)->{status}, 405, 'nobody does not either';
    is $github->requests('token'), 0, 'nobody was asked anything';
    ok $story->answer($story->finish($login))->{code}, 'and the login goes on';
};

# req 057 063
subtest 'an answer that was not handed over like that' => sub {
    attack(sub {
        my ($login) = @_;
        my $to = header($story->post_back($login), 'location');
        my $answer = query_of($to)->{answer};
        get_refused($login, $_->[0], $_->[1], $_->[2]) for
            (map { ["altered at $_", 'state_refused', 'answer=' . alter($answer, $_)] } 0, 7, 40, 200, length($answer) - 2),
            ['cut short', 'state_refused', 'answer=' . substr $answer, 0, -4],
            ['made longer', 'state_refused', "answer=${answer}AAAA"], ['empty', 'state_missing', 'answer='],
            ['a state instead', 'state_refused', "answer=$login->{sent}{state}"],
            ['as a state', 'state_refused', "state=$answer&code=x"], ['very long', 'state_refused', 'answer=' . 'A' x 7900];
        get_refused($login, 'at another provider', 'state_other_provider', "answer=$answer", '/oauth/callback/other');
        get_refused($login, 'at one without a form', 'state_other_provider', "answer=$answer", '/oauth/callback/github');
        my $cookie = OAuth::Story::cookie_header($login->{browser});
        my $foreign = $story->nginx->get("/oauth/callback/apple?answer=$answer", port => 2, headers => [Cookie => $cookie]);
        is $foreign->{status}, 400, 'at another broker';
        is $story->told('callback'), 'callback refused: state_refused', 'which cannot open it';
    });
};

subtest 'a GET is an answer as anywhere' => sub {
    my $login = $story->reach;
    my %field = @{ $login->{form}{fields} };
    my $response = $story->get("$login->{back}?" . form(%field), browser => $login->{browser});
    ok $story->answer($response)->{code}, 'with its cookie';
    my $again = $story->reach;
    is $story->get("$again->{back}?" . form(@{ $again->{form}{fields} }))->{status}, 400, 'and not without';
};

# What the browser brings may greet somebody and nothing else.
subtest 'the name by way of the browser' => sub {
    my %name = (
        'a name'           => ['{"name":{"firstName":"Zo\u00eb","lastName":"O\'Neil"}}', "Zo\x{eb} O'Neil"],
        'a first name'     => ['{"name":{"firstName":"Zoe"}}', 'Zoe'],
        'a last name'      => ['{"name":{"lastName":"Neil"}}', 'Neil'],
        'no name'          => ['{"email":"mallory@evil.test"}', undef],
        'another address'  => ['{"name":{"firstName":"Eve"},"email":"mallory@evil.test","sub":"1","email_verified":true}', 'Eve'],
        'no JSON'          => ['{"name":', undef],
        'a list'           => ['["name"]', undef],
        'a text'           => ['{"name":"Eve"}', undef],
        'numbers'          => ['{"name":{"firstName":1,"lastName":[2]}}', undef],
        'a line feed'      => ['{"name":{"firstName":"a\r\nX-Evil: b"}}', undef],
        'a very long one'  => ['{"name":{"firstName":"' . 'x' x 300 . '"}}', undef],
        'more than 2 KiB'  => ['{"name":{"firstName":"Eve"},"x":"' . 'x' x 2048 . '"}', undef],
        'nothing'          => ['', undef],
        'markup'           => ['{"name":{"firstName":"</script><b>"}}', '</script><b>'],
        'a name said twice' => ['{"name":{"firstName":"Eve"},"name":{"firstName":"Bob"}}', undef],
    );
    for my $what (sort keys %name) {
        my ($user, $expected) = @{ $name{$what} };
        my $login = $story->reach;
        $login->{form} = OAuth::Story::changed_form($login->{form}, user => $user);
        my $answer = $story->answer($story->finish($login));
        my $claims = $story->redeem($answer->{code})->{json}{claims};
        is_deeply [@$claims{qw(sub email name)}], ["apple:$account{sub}", 'alice@example.com', $expected], $what;
    }
    my $login = $story->reach;
    $idp->set(id_token => { claims => { name => 'Signed Name' } });
    $login->{form} = OAuth::Story::changed_form($login->{form}, user => '{"name":{"firstName":"Eve"}}');
    my $claims = $story->redeem($story->answer($story->finish($login))->{code})->{json}{claims};
    is $claims->{name}, 'Signed Name', 'what is signed goes before';
    $idp->set(id_token => {});
};

subtest 'who cancels' => sub {
    my $refused = $sign_in->fails('says so in a form', { authorize => { error => 'user_cancelled_authorize' } }, 'access_denied');
    is_deeply $refused->{answer}, { error => 'access_denied: the sign-in was cancelled or refused.', provider => 'apple',
        state => 'mine' }, 'and the application learns it';
    $sign_in->fails('another error', { authorize => { error => 'invalid_scope' } }, 'provider_refused');
};

subtest 'errors in its own words' => sub {
    my %cause = (invalid_client => 'exchange_client_refused', invalid_grant => 'exchange_refused');
    for my $error (sort keys %cause) {
        $idp->fault(token => { status => 400, body => { error => $error }, times => 1 });
        is $sign_in->fails($error, {}, $cause{$error})->{response}{status}, 502, 'with 502';
    }
    $idp->set(key_id => 'OTHER12345');
    is $story->code, undef, 'another key than the registered one';
    is $story->told('callback'), 'callback refused: exchange_client_refused, provider apple', 'is for the operator to mend';
    like +($idp->complaints)[-1], qr/kid is KEY1234567/, 'Apple knows why';
    $idp->set(key_id => 'KEY1234567');
    $idp->pardon;
};

# req 060 073
subtest 'tokens that lie' => sub {
    $sign_in->fails($_->[0], { id_token => $_->[1] }, "id_token_refused ($_->[2])") for
        ['another issuer', { claims => { iss => 'https://account.apple.com' } }, 'token_issuer_wrong'],
        ['another client', { claims => { aud => 'other' } }, 'token_audience_wrong'],
        ['another nonce', { claims => { nonce => 'x' } }, 'token_nonce_wrong'],
        ['no nonce', { claims => { nonce => undef } }, 'token_nonce_wrong'],
        ['an unpublished key', { key => 'other' }, 'token_signature_wrong'],
        ["another published key's kid", { header => { kid => 'rsa-b-1' } }, 'token_signature_wrong'];
};

is_deeply [$idp->complaints], [], 'Apple has no complaint in the end';
$story->stop;
done_testing;

# A victim's login waits at Apple's page while `attempts` are made; then it must still work.
sub attack {
    my ($attempts) = @_;
    my $victim = $story->reach;
    $idp->forget;
    $attempts->($victim);
    is $idp->requests('token'), 0, 'the provider was asked nothing';
    my $answer = $story->answer($story->finish($victim));
    ok $answer && $answer->{code}, "and the victim's own login goes on" or diag $story->told('callback');
    return;
}

sub post_refused {
    my ($what, $reason, $form) = @_;
    my $response = OAuth::Browser->new->submit($form);
    is $response->{status}, 400, $what;
    is header($response, 'location'), undef, 'nothing is handed over';
    is $story->told('callback'), "callback refused: $reason", 'for the right reason';
    return;
}

sub get_refused {
    my ($login, $what, $reason, $query, $path) = @_;
    my $cookie = OAuth::Story::cookie_header($login->{browser});
    my $response = $story->nginx->get(($path || '/oauth/callback/apple') . "?$query", headers => [Cookie => $cookie]);
    is $response->{status}, 400, $what;
    is $story->told('callback'), "callback refused: $reason", 'for the right reason';
    return;
}

sub at { my ($form, $name) = @_; return { %$form, action => $form->{action} =~ s{/apple$}{/$name}r } }

sub alter {
    my ($text, $at) = @_;
    substr($text, $at, 1) =~ tr/A-Za-z0-9_\-/B-ZAb-za1-90\-_/;
    return $text;
}
