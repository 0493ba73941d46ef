# How the answer reaches the application: dxc-auth, plain parameters, or a page that tells its opener.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $app = $OAuth::Story::APP;
my $story = OAuth::Story->new->start;    # type demo

subtest 'as plain parameters' => sub {
    my $response = $story->finish($story->reach(redirect_uri => "$app/x?a=1&code=old&state=old#f", state => 'mine&"',
        delivery => 'query'));
    is $response->{status}, 302, 'by a redirect';
    my $location = header($response, 'location');
    like $location, qr{^https://app\.example\.com/x\?a=1&[^#]*#f$}, 'to the same address';
    my $sent = query_of($location);
    is_deeply [sort keys %$sent], [qw(a code provider state)], 'with code, state and provider, each once';
    is $sent->{provider}, 'demo', 'the provider';
    is $sent->{state}, 'mine&"', "the client's state";
    is $story->redeem($sent->{code})->{status}, 200, 'and a code';

    my $refused = query_of(header($story->finish(cancelled(redirect_uri => "$app/x", state => 'mine',
        delivery => 'query')), 'location'));
    is_deeply [sort keys %$refused], [qw(error provider state)], 'an error comes the same way';
};

# req 064
subtest 'an error as dxc-auth' => sub {
    my $answer = $story->answer($story->finish(cancelled(redirect_uri => "$app/x", state => 'mine')));
    is_deeply $answer, { error => 'access_denied: the sign-in was cancelled or refused.', provider => 'demo',
        state => 'mine' },
        "with the client's own state";
};

# req 094 095 096
subtest 'a page that tells its opener' => sub {
    my $state = q{</script><script>alert("1")</script>'&<!--} . '\\';
    my $login = $story->reach(redirect_uri => "$app/popup?x=1", state => $state, delivery => 'popup');
    ok !defined header($login->{response}, 'cross-origin-opener-policy'),
        'the way to the provider does not cut the opener';
    my $response = $story->finish($login);
    is $response->{status}, 200, 'a page';
    ok !defined header($response, 'location'), 'and no redirect';
    popup_headers($response);
    my $told = message($response);
    is $told->{origin}, $app, 'the target is exactly the origin that was captured';
    my $code = delete $told->{message}{code};
    is_deeply $told->{message}, { type => 'dexie:oauthResult', provider => 'demo', state => $state },
        'the message is that of the contract';
    is $story->redeem($code)->{status}, 200, 'its code is good';

    my $body = $response->{body};
    is scalar(() = $body =~ /<script/g), 2, 'there are two script elements: data, and the one that runs';
    my ($nonce) = header($response, 'content-security-policy') =~ /script-src 'nonce-([\w-]+)'/;
    is scalar(() = $body =~ /<script nonce="\Q$nonce\E">/g), 1, 'which the policy names';
    my ($script) = $body =~ /<script nonce[^>]*>(.*?)<\/script>/s;
    unlike $script, qr/\Q$code\E|alert|app\.example/, 'nothing of the input stands in it';
    like $script, qr/postMessage\(data\.message,data\.origin\)/, 'it posts to that origin';
    unlike $script, qr/['"]\*['"]/, 'never to all';
    unlike $body, qr/(?:src|href|action)=/, 'the page loads nothing and leads nowhere';
    my ($other) = header($story->finish($story->reach(delivery => 'popup')),
        'content-security-policy') =~ /nonce-([\w-]+)/;
    isnt $nonce, $other, 'the nonce is new each time';
};

subtest 'an old client: its own state and a bare origin' => sub {
    for my $target ($app, "$app/", 'http://localhost:3000') {
        my $response = $story->finish($story->reach(redirect_uri => $target, state => 'f' x 64));
        my $told = message($response);
        is $told->{origin}, $target =~ s{/$}{}r, "$target: the page posts to it";
        is $told->{message}{state}, 'f' x 64, 'with its state';
    }
    for my $other (["$app/x", 'f'], ["$app/", ''], ["$app/?", 'f'], ["$app/#", 'f'], ['myapp://', 'f']) {
        my $response = $story->finish($story->reach(redirect_uri => $other->[0], state => $other->[1]));
        is $response->{status}, 302, "$other->[0] with state '$other->[1]' is none";
    }
    my $response = $story->finish($story->reach(redirect_uri => $app, state => 'f', delivery => 'redirect'));
    is $response->{status}, 302, 'nor one that says what it wants';
};

subtest 'the opener is told of errors too' => sub {
    my $response = $story->finish(cancelled(delivery => 'popup', state => 'mine'));
    is $response->{status}, 403, 'with the status of the error';
    popup_headers($response);
    my $told = message($response);
    is $told->{origin}, $app, 'at its origin only';
    is_deeply $told->{message},
        { type => 'dexie:oauthResult', error => 'access_denied: the sign-in was cancelled or refused.',
            provider => 'demo', state => 'mine' },
        "with the client's state";
};

subtest 'no popup without a window, and nothing unknown' => sub {
    for my $refused (['myapp://x', 'popup'], [$app, 'nonsense'], [$app, 'POPUP'], [$app, "popup\n"]) {
        my ($target, $delivery) = @$refused;
        my $response = $story->login(redirect_uri => $target, delivery => $delivery)->{response};
        is $response->{status}, 400, "$target by " . ($delivery =~ s/\n/\\n/r);
        ok !defined header($response, 'location'), 'without Location';
    }
};

# req 096 097
subtest "pages of ours say how they want to be handled" => sub {
    for my $response ($story->login(redirect_uri => 'https://evil.test/')->{response},
        $story->get($story->base . '/oauth/callback/demo')) {
        is header($response, 'content-type'), 'text/html; charset=utf-8', 'HTML';
        is header($response, 'x-content-type-options'), 'nosniff', 'and nothing else';
        is header($response, 'x-frame-options'), 'DENY', 'in no frame';
        is header($response, 'referrer-policy'), 'no-referrer', 'naming itself to nobody';
        is header($response, 'cache-control'), 'no-store', 'never stored';
        is header($response, 'cross-origin-opener-policy'), 'same-origin', 'alone with itself';
        like header($response, 'content-security-policy'), qr/^default-src 'none'; .*frame-ancestors 'none'$/,
            'and running nothing';
        unlike header($response, 'content-security-policy'), qr/unsafe|script-src|\*/, 'at all';
        unlike $response->{body}, qr/<script|(?:src|href|action)=|https?:/, 'with no link and no resource';
    }
};

$story->stop;
done_testing;

# A login that comes back with access_denied.
sub cancelled {
    my (%query) = @_;
    my $login = $story->login(%query);
    $login->{back} = $story->base . '/oauth/callback/demo?' . form(error => 'access_denied', error_description => '<b>',
        state => $login->{sent}{state});
    return $login;
}

sub popup_headers {
    my ($response) = @_;
    ok !defined header($response, 'cross-origin-opener-policy'), 'no COOP, it would cut the opener';
    is header($response, 'x-frame-options'), 'DENY', 'in no frame';
    is header($response, 'referrer-policy'), 'no-referrer', 'no Referer';
    is header($response, 'cache-control'), 'no-store', 'not stored';
    my $policy = header($response, 'content-security-policy');
    like $policy, qr/^default-src 'none'; .*; frame-ancestors 'none'$/, 'a policy that allows nothing';
    like $policy, qr/; script-src 'nonce-[\w-]{43}';/, 'but the one script';
    return;
}

sub message {
    my ($response) = @_;
    my ($json) = $response->{body} =~ m{<script type="application/json" id="data">(.*?)</script>}s;
    return decode_json($json || '{}');
}
