# The callback: who comes back, with what. Until an attempt is believed every answer is the same page,
# nothing is spent and the provider is asked nothing.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $second = OAuth::Story::block('second', type => 'oidc', issuer => $idp->issuer, client_id => 'app',
    client_secret => $idp->client_secret);
my $story = OAuth::Story->new(
    idp    => $idp,
    server => 'oauth_use acme second;',
    http   => <<"CONF",
$second
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%;
    oauth_use acme second;
    oauth_allow_origin $app;
    location / { return 404; }
}
CONF
)->start;
my $other_broker = 'http://localhost:' . $story->nginx->port(2);

# The page that all the attacks below must get, and nothing else: status, headers, body.
my $refusal = plain($story->nginx->get('/oauth/callback/acme'));
like $refusal, qr/^400\b.*<p>This sign-in cannot be continued\. Please start again\.<\/p>/s, 'there is a page for it';

# req 057
subtest 'a state that is none is refused' => sub {
    attack(sub {
        my ($query, $cookie) = @_;
        my $state = $query->{state};
        refused($_->[0], $_->[1], changed($query, state => $_->[2]), $cookie) for
            ['missing',         'state_missing',    undef],
            ['empty',           'state_missing',    ''],
            ['twice the same',  'request_repeated', [$state, $state]],
            ['with another',    'request_repeated', [$state, 'x']],
            ['behind another',  'request_repeated', ['x', $state]],
            ['a short one',     'state_refused',    'AQ'],
            ['an unknown one',  'state_refused',    'A' x 400],
            ['a very long one', 'state_refused',    $state . 'A' x 4096],
            ['longer by one',   'state_refused',    "${state}A"],
            ['shorter by one',  'state_refused',    substr $state, 1],
            ['padded',          'state_refused',    "$state="],
            ['with a space',    'state_refused',    "$state "],
            ['with a line feed', 'state_refused',   "$state\n"],
            ['with NUL',        'request_malformed', "$state\0"],
            ['in the standard alphabet', 'state_refused', $state =~ tr{-_}{+/}r . '+/'];
        refused("nothing but '$_'", 'state_missing', $_, $cookie) for '', '&&&', '=', '&=&', 'state', 'state&code';
        refused('no form', 'request_malformed', "state=$state&code=%zz", $cookie);
        refused('1000 parameters', 'request_malformed', changed($query) . '&x' x 1000, $cookie);
    });
};

# req 057
subtest 'a state that was altered by one character is refused' => sub {
    attack(sub {
        my ($query, $cookie) = @_;
        my $length = length $query->{state};
        for my $at (grep { $_ % 16 == 0 || $_ == $length - 1 } 0 .. $length - 1) {
            my $altered = $query->{state};
            substr($altered, $at, 1) =~ tr/A-Za-z0-9_\-/B-ZAb-za1-90\-_/;
            refused("at $at", qr/^state_(?:refused|unknown_key)$/, changed($query, state => $altered), $cookie);
        }
    });
};

# req 058
subtest 'another browser is refused' => sub {
    my $attacker = $story->reach;
    my $foreign = OAuth::Story::cookie_header($attacker->{browser});
    attack(sub {
        my ($query, $cookie) = @_;
        my ($name, $value) = split /=/, $cookie;
        refused($_->[0], 'browser_mismatch', changed($query), @{ $_->[1] }) for
            ['without a cookie',            []],
            ['with its own cookie',         [$foreign]],
            ['with an empty one',           ["$name="]],
            ['with another name',           ["x$cookie"]],
            ['with two of the name',        ["$cookie; $foreign"]],
            ['in the other order',          ["$foreign; $cookie"]],
            ['with the same twice',         ["$cookie; $cookie"]],
            ['with two in two headers',     [$cookie, $foreign]],
            ['with a quoted one',           ["$name=\"$value\""]],
            ['with a longer one',           ["${cookie}x"]],
            ['with a shorter one',          [substr $cookie, 0, -1]];
    });
    is $story->finish($attacker)->{status}, 302, "the other browser's own login goes on";
};

# req 066: a login of the attacker in the victim's browser, and a stolen code in the attacker's
subtest 'pieces of two logins do not fit together' => sub {
    my $attacker = $story->reach;
    attack(sub {
        my ($query, $cookie) = @_;
        refused("the attacker's whole answer", 'browser_mismatch', changed(query_of($attacker->{back})), $cookie);
    });
    my $stolen = query_of($story->reach->{back})->{code};
    $attacker->{back} = callback_of($attacker, changed(query_of($attacker->{back}), code => $stolen));
    my $response = $story->finish($attacker);
    is $response->{status}, 502, 'with a stolen code the exchange fails: its verifier is another';
    ok !defined header($response, 'location'), 'and nobody gets a code of ours';
    is $story->told('callback'), 'callback refused: exchange_refused, provider acme', 'the provider refused it';
    like $idp->command('complaints')->{complaints}[-1], qr/verifier does not fit/, 'for that reason';
};

# req 063
subtest 'a state is for its own provider and its own broker' => sub {
    attack(sub {
        my ($query, $cookie) = @_;
        refused("at $_", 'state_other_provider', { query => changed($query), path => "/oauth/callback/$_" }, $cookie)
            for 'second', 'nosuch', '', 'acme/', 'ACME', '%2e%2e%2fcallback%2fsecond';
        my ($value) = $cookie =~ /=(.*)/;
        my ($name) = header($story->login(base => $other_broker)->{response}, 'set-cookie') =~ /^([^=]+)/;
        refused('at another broker', 'state_refused', { query => changed($query), port => 2 }, "$name=$value; $cookie");
    });
};

# req 061 062
subtest 'the issuer says who it is' => sub {
    my $issuer = $idp->issuer;
    attack(sub {
        my ($query, $cookie) = @_;
        refused($_, 'issuer_mismatch', changed($query, iss => $_), $cookie)
            for "${issuer}1", "$issuer/", uc $issuer, $issuer =~ s/127/127.0/r, 'https://evil.test', "$issuer ", ' ';
        refused('with NUL', 'request_malformed', changed($query, iss => "$issuer\0"), $cookie);
        refused('twice', 'request_repeated', changed($query, iss => [$issuer, $issuer]), $cookie);
        refused('missing, though it is advertised', 'issuer_mismatch', changed($query, iss => undef), $cookie);
        refused('empty', 'issuer_mismatch', changed($query, iss => ''), $cookie);
        refused('an error of another', 'issuer_mismatch',
            changed($query, code => undef, error => 'access_denied', iss => 'https://evil.test'), $cookie);
    });
};

# req 065
subtest 'an answer is a code or an error' => sub {
    attack(sub {
        my ($query, $cookie) = @_;
        refused($_->[0], $_->[1], changed($query, @{ $_->[2] }), $cookie) for
            ['neither',                'code_missing',      [code => undef]],
            ['an empty code',          'code_missing',      [code => '']],
            ['both',                   'code_missing',      [error => 'access_denied']],
            ['two codes',              'request_repeated',  [code => [$query->{code}, 'x']]],
            ['two errors',             'request_repeated',  [code => undef, error => ['a', 'a']]],
            ['a code of 2049 bytes',   'code_malformed',    [code => 'x' x 2049]],
            ['a code with CR LF',      'code_malformed',    [code => "x\r\nHost: y"]],
            ['a code with NUL',        'request_malformed', [code => "x\0"]],
            ['a code that is not ASCII', 'code_malformed',  [code => "x\xc3\xa9"]],
            ['a code with DEL',        'code_malformed',    [code => "x\x7f"]];
    });
};

# req 064 089
subtest 'an error of the provider ends the attempt' => sub {
    for my $case (['access_denied', 'access_denied: the sign-in was cancelled or refused.'],
        ['server_error', 'The sign-in provider reported an error.'],
        ["<script>\r\nX-A: b", 'The sign-in provider reported an error.']) {
        my ($error, $text) = @$case;
        $idp->forget;
        my $login = $story->login(redirect_uri => "$app/x", state => 'mine');
        $login->{back} = callback_of($login, form(error => $error, error_description => "</script>\r\nX-A: b",
            error_uri => 'https://evil.test/', state => $login->{sent}{state}, iss => $idp->issuer));
        my $response = $story->finish($login);
        is_deeply $story->answer($response), { error => $text, provider => 'acme', state => 'mine' },
            'the application is told in our words, with its own state';
        unlike $response->{head} . $response->{body}, qr/X-A|evil\.test/i, 'not in those of the provider';
        is $idp->requests('token'), 0, 'the provider is asked nothing';
        is plain($story->finish($login)), $refusal, 'and the state is spent';
    }
};

# req 057
subtest 'a state is spent once' => sub {
    my $login = $story->reach;
    is $story->finish($login)->{status}, 302, 'it works';
    $idp->forget;
    is plain($story->finish($login)), $refusal, 'once';
    is $story->told('callback'), 'callback refused: state_spent', 'and the log knows why';
    my $again = { %$login, back => $login->{back} =~ s/code=[^&]*/code=another/r };
    is plain($story->finish($again)), $refusal, 'not with another code either';
    is $idp->requests('token'), 0, 'the provider is not asked again';
};

subtest 'a callback is a GET' => sub {
    attack(sub {
        my ($query, $cookie) = @_;
        for my $method (qw(POST HEAD PUT DELETE OPTIONS)) {
            my $response = $story->nginx->request($method => '/oauth/callback/acme?' . changed($query),
                headers => [Cookie => $cookie]);
            is $response->{status}, 405, "$method is not";
            is header($response, 'allow'), $method eq 'POST' ? 'GET' : 'GET, POST', 'which the answer says';
        }
    });
};

# req 038
subtest 'secrets are compared in constant time' => sub {
    my $callback = slurp('src/flow/callback.cpp');
    like $callback, qr/equal_constant_time\(sha256\(cookie\), attempt\.browser\)/, "the browser's cookie";
    unlike $callback, qr/[!=]=\s*attempt\.browser|attempt\.browser\s*[!=]=/, 'and never otherwise';
    my $token = slurp('src/flow/redeem.cpp');
    like $token, qr/equal_constant_time\(pkce_challenge\(request\.code_verifier\), grant\.challenge\)/,
        'the code verifier';
    unlike $token, qr/[!=]=\s*grant\.challenge|grant\.challenge\s*[!=]=/, 'and never otherwise';
};

$story->stop;
done_testing;

# A victim's login waits at the callback while `attempts` are made; then it must still work.
sub attack {
    my ($attempts) = @_;
    my $victim = $story->reach(redirect_uri => "$app/x");
    $idp->forget;
    $attempts->(query_of($victim->{back}), OAuth::Story::cookie_header($victim->{browser}));
    is $idp->requests('token'), 0, 'the provider was asked nothing';
    my $answer = $story->answer($story->finish($victim));
    ok $answer && $answer->{code}, "and the victim's own login goes on";
    return;
}

# refused(what, reason in the log, query or { query, path, port }, cookies...)
sub refused {
    my ($what, $reason, $query, @cookies) = @_;
    my %ask = (path => '/oauth/callback/acme', port => 0, ref $query ? %$query : (query => $query));
    my $response = $story->nginx->get("$ask{path}?$ask{query}", port => $ask{port},
        headers => [map { (Cookie => $_) } @cookies]);
    is plain($response), $refusal, $what;
    my ($told) = $story->told('callback') =~ /^callback refused: (\w+)$/;
    like $told, ref $reason ? $reason : qr/^$reason$/, 'for the right reason';
    return;
}

# The query of a callback with other values: an array is sent so many times, undef not at all.
sub changed {
    my ($query, %changes) = @_;
    return OAuth::Story::query(%$query, %changes);
}

sub callback_of {
    my ($login, $query) = @_;
    return "$login->{base}/oauth/callback/acme?$query";
}

# All of a response that a stranger could learn from.
sub plain {
    my ($response) = @_;
    my @told = grep { $_->[0] !~ /^(?:date|x-worker|server)$/i } @{ $response->{headers} };
    my @headers = map { "$_->[0]: $_->[1]\n" } @told;
    return "$response->{status}\n@headers\n$response->{body}";
}
