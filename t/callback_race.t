# Several callbacks at once, over two workers: tabs do not disturb each other, a state is spent once,
# and a browser that leaves in between leaves nothing that could be used again.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $app = $OAuth::Story::APP;
my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $story = OAuth::Story->new(idp => $idp, workers => 2)->start;

# req 059
subtest 'two tabs of one browser both come to their end' => sub {
    for my $order ([0, 1], [1, 0]) {
        my $browser = OAuth::Browser->new;
        my @tabs = map { $story->login(browser => $browser, redirect_uri => "$app/tab", state => "tab $_") } 0, 1;
        $_->{back} = $story->visit($_) for @tabs;
        for my $tab (@$order) {
            my $answer = $story->answer($story->finish($tabs[$tab]));
            is $answer->{state}, "tab $tab", "tab $tab gets its own answer";
            is $story->redeem($answer->{code})->{status}, 200, 'with a code that is good';
        }
    }
};

subtest 'another browser in between changes nothing' => sub {
    my $victim = $story->reach;
    my $foreign = $story->reach;
    ok $story->answer($story->finish($foreign))->{code}, 'the other one signs in';
    ok $story->answer($story->finish($victim))->{code}, 'and so does the first';
};

# req 057
subtest 'of many callbacks with one state one goes on' => sub {
    my $login = $story->reach;
    $idp->forget;
    $idp->fault(token => { hold => 1 });
    my @connections = $story->connections(8);
    my @answers = race_at($login, @connections, sub {
        ok wait_until { $idp->waiting == 1 }, 'the provider is asked by one of them';
        $idp->clear;
    });
    my @codes = grep { defined } map { my $answer = $story->answer($_); $answer ? $answer->{code} : undef } @answers;
    is scalar(@codes), 1, 'one of 8 gets a code';
    is scalar(grep { $_->{status} == 400 && !defined header($_, 'location') } @answers), 7, 'the others get the page';
    is scalar(keys %{ { map { header($_, 'x-worker') => 1 } @answers } }), 2, 'over both workers';
    is $idp->requests('token'), 1, 'the provider saw one exchange';
    is $story->redeem($codes[0])->{status}, 200, 'and the code is good';
    $_->close for @connections;
};

subtest 'the same for many states at once' => sub {
    my @logins = map { $story->reach } 1 .. 8;
    my @connections = $story->connections(8);
    $connections[$_]->send(request($logins[$_])) for 0 .. 7;
    my @codes = map { $story->answer($_->read_response)->{code} } @connections;
    is scalar(keys %{ { map { $_ => 1 } @codes } }), 8, 'each of 8 gets its own code';
    $_->close for @connections;
};

# req 158
subtest 'a browser that leaves in the middle' => sub {
    my @connections = $story->connections(2);
    for my $connection (@connections) {
        my $login = $story->reach;
        $idp->forget;
        $idp->fault(token => { hold => 1 });
        $connection->send(request($login));
        ok wait_until { $idp->waiting == 1 }, 'the exchange is under way';
        $connection->close;
        ok wait_until { left() }, 'the browser leaves';
        $idp->clear;
        my $again = $story->finish($login);
        is "$again->{status} " . $story->told('callback'), '400 callback refused: state_spent',
            'coming back it must start again';
        is $idp->requests('token'), 1, 'the code was sent to the provider once';
    }
    ok $story->answer($story->finish($story->reach))->{code}, 'a new login works' for 1 .. 4;
};

subtest 'a browser that leaves during the login' => sub {
    $story->stop;
    my $fresh = OAuth::Idp->new(kind => 'faulty-op');
    $story = OAuth::Story->new(idp => $fresh)->start;
    $fresh->fault(discovery => { hold => 1 });
    my $target = '/oauth/login/acme?redirect_uri=' . url_encode("$app/");
    my ($leaves, $stays) = map { $story->nginx->connect } 1, 2;
    $leaves->send("GET $target HTTP/1.1\r\nHost: localhost:" . $story->nginx->port . "\r\n\r\n");
    ok wait_until { $fresh->waiting == 1 }, 'the metadata is being fetched';
    $stays->send("GET $target HTTP/1.1\r\nHost: localhost:" . $story->nginx->port . "\r\n\r\n");
    $leaves->close;
    ok wait_until { left() }, 'the browser leaves';
    ok wait_until { $fresh->requests('discovery') == 2 }, 'who waited for it fetches it himself';
    $fresh->clear;
    is $stays->read_response->{status}, 302, 'and goes on';
    $stays->close;
};

$story->stop;
done_testing;

# Whether the last request that nginx has logged had no answer.
sub left {
    my ($last) = $story->nginx->access_log =~ m{HTTP/1\.1" (\d+)[^\n]*\n\z};
    return ($last || '') =~ /^(?:000|499)$/;
}

# The callback of one login over all connections at once; `meanwhile` runs before answers are read.
sub race_at {
    my ($login, @connections) = @_;
    my $meanwhile = pop @connections;
    $_->send(request($login)) for @connections;
    $meanwhile->();
    return map { $_->read_response } @connections;
}

sub request {
    my ($login) = @_;
    my ($target) = $login->{back} =~ m{^https?://[^/]+(.*)};
    return OAuth::Http::format_request('GET', $target, host => 'localhost:' . $story->nginx->port, keepalive => 1,
        headers => [Cookie => OAuth::Story::cookie_header($login->{browser})]);
}
