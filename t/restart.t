# A login in flight while the server restarts, or its provider is switched off or away: it ends
# cleanly or goes on later, and nothing is spent for nothing. (Reloads and the like: reload.t.)
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing;
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp)->start;
my $nginx = $story->nginx;

# What was spent in a memory that is gone must not be spent again, so everything of then is refused.
subtest 'a restart that forgets what was spent' => sub {
    my $login = $story->reach;
    my $spent = $story->reach;
    my $code = $story->answer($story->finish($spent))->{code};
    sleep 2;    # to another second than that of the logins
    $nginx->stop;
    $nginx->start;
    $idp->forget;
    for my $begun ($spent, $login) {
        is $story->finish($begun)->{status}, 400, 'a login of before must start again';
        is $story->told('callback'), 'callback refused: state_too_old', 'which the log says';
    }
    is $idp->requests('token'), 0, 'the provider is asked nothing';
    $story->is_refusal($story->redeem($code), 401, 'code_invalid', 'a code of before is none');
    is $story->redeem($story->code)->{status}, 200, 'a new login works';
};

subtest 'a provider that is switched off' => sub {
    my $login = $story->reach;
    my $on = $nginx->{http};
    $nginx->configure(http => $on =~ s/oauth_provider acme \{/oauth_provider acme { enabled off;/r);
    ok $nginx->reload, 'nginx reloads';
    is $story->finish($login)->{status}, 400, 'its callback is refused';
    is $story->told('callback'), 'callback refused: state_other_provider', 'for that reason';
    is $story->login->{response}{status}, 404, 'and so is its login';
    $nginx->configure(http => $on);
    ok $nginx->reload, 'nginx reloads';
    ok $story->answer($story->finish($login))->{code}, 'the login goes on when it is back';
};

# A second node has the same keys, and yet to learn what the provider says of itself.
subtest 'a provider that is away at the callback' => sub {
    my $base = $story->base;
    my $state = $nginx->dir . '/state';
    my $node = OAuth::Nginx->new(
        http => "oauth_state_dir $state;\n" . $nginx->{http} =~ s{oauth_broker \S+}{oauth_broker $base;}r)->start;
    my ($popup, $plain) = map { $story->reach(delivery => $_) } 'popup', 'redirect';
    my $at = { 'localhost:' . $nginx->port => [$node->port] };
    $_->{browser}{resolve} = $at for $popup, $plain;
    $idp->forget;
    $idp->fault(discovery => { status => 500 });

    my $response = $story->finish($popup);
    is $response->{status}, 502, 'the popup gets a page';
    ok !defined header($response, 'cross-origin-opener-policy'), 'that does not cut its opener';
    $response = $story->finish($plain);
    is $response->{status}, 503, 'the other one too, without another try';
    like header($response, 'retry-after'), qr/^\d+$/, 'which says when to come again';
    is header($response, 'cross-origin-opener-policy'), 'same-origin', 'alone with itself';
    my $login = $story->login(delivery => 'popup', browser => $popup->{browser})->{response};
    is $login->{status}, 503, 'a login in a popup gets a page';
    ok !defined header($login, 'cross-origin-opener-policy'), 'that does not cut its opener either';
    is $idp->requests('token'), 0, 'no code was sent anywhere';

    $idp->clear;
    ok wait_until { $story->finish($plain)->{status} == 302 }, 'once the provider is back, a reload of the page goes on';
    is $story->finish($popup)->{status}, 200, 'in the popup too';
    $node->stop;
};

$story->stop;
done_testing;
