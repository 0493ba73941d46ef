# A login in flight while the server around it changes: a reload, a restart, other rules, a provider
# that is gone. It goes on, or ends cleanly and can be started again.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing;
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp, workers => 2)->start;
my $nginx = $story->nginx;
my $rules = $nginx->{http};

# req 163
subtest 'a reload' => sub {
    my $login = $story->reach;
    my $early = $story->code;
    ok $nginx->reload, 'nginx reloads';
    is $story->redeem($early)->{status}, 200, 'a code is still good';
    my $code = $story->answer($story->finish($login))->{code};
    ok $code, 'and so is a state';
    ok $nginx->reload, 'nginx reloads';
    is $story->redeem($code)->{status}, 200, 'and the code that it got';
    is $story->finish($login)->{status}, 400, 'while what was spent stays spent';
    is $idp->requests('discovery'), 1, 'the metadata is not fetched again';
};

# req 163
subtest 'a restart' => sub {
    my $login = $story->reach;
    my $lost = $story->code;
    restart();
    my $code = $story->answer($story->finish($login))->{code};
    is $story->redeem($code)->{status}, 200, 'a login goes on';
    $story->is_refusal($story->redeem($lost), 401, 'code_invalid',
        'a code in shared memory is gone, as any code that is none');
};

# req 087
subtest 'a target that is no longer allowed' => sub {
    my %login = map { $_ => $story->reach(redirect_uri => $_) } "$app/x", 'myapp://x';
    $idp->forget;
    rules($rules =~ s/\Q$app\E|myapp:\/\//https:\/\/elsewhere.example.com/gr);
    for my $target (sort keys %login) {
        my $response = $story->finish($login{$target});
        is $response->{status}, 400, "$target gets nothing";
        ok !defined header($response, 'location'), 'and is not even told so';
        is $story->told('callback'), 'callback refused: redirect_not_allowed', 'which the log says';
    }
    is $idp->requests('token'), 0, 'the provider is asked nothing';
    rules($rules);
    ok $story->answer($story->finish($login{$_}))->{code}, "$_ goes on when it is allowed again" for sort keys %login;
};

subtest 'a provider that is no longer there' => sub {
    my $login = $story->reach;
    rules($rules =~ s/oauth_provider acme \{/oauth_provider other {/r);
    is $story->finish($login)->{status}, 400, 'its callback is refused';
    is $story->told('callback'), 'callback refused: state_other_provider', 'for that reason';
    rules($rules =~ s/oauth_provider acme \{/oauth_provider acme { enabled off;/r);
    is $story->finish($login)->{status}, 400, 'so is that of one that is switched off';
    is $story->login->{response}{status}, 404, 'whose login is not there either';
    rules($rules);
    ok $story->answer($story->finish($login))->{code}, 'the login goes on when it is back';
};

subtest 'a provider that does not answer' => sub {
    my $popup = $story->reach(delivery => 'popup');
    my $plain = $story->reach;
    restart();
    $idp->fault(discovery => { status => 500 });
    $idp->forget;
    my $response = $story->finish($popup);
    is $response->{status}, 502, 'the popup gets a page';
    ok !defined header($response, 'cross-origin-opener-policy'), 'that does not cut its opener';
    $response = $story->finish($plain);
    is $response->{status}, 503, 'the other one too, without another try';
    like header($response, 'retry-after'), qr/^\d+$/, 'which says when to come again';
    is header($response, 'cross-origin-opener-policy'), 'same-origin', 'alone with itself';
    is $idp->requests('token'), 0, 'no code was sent anywhere';
    my $begin = $story->login(delivery => 'popup')->{response};
    is $begin->{status}, 503, 'a login in a popup gets a page';
    ok !defined header($begin, 'cross-origin-opener-policy'), 'that does not cut its opener either';
    $idp->clear;
    ok wait_until { $story->finish($plain)->{status} == 302 },
        'and a reload of the page goes on once the provider is back';
    is $story->finish($popup)->{status}, 200, 'in the popup too';
};

$story->stop;
done_testing;

sub restart {
    $nginx->stop;
    return $nginx->start;
}

sub rules {
    my ($http) = @_;
    $nginx->configure(http => $http);
    return ok $nginx->reload, 'the configuration changes';
}
