# What a login leaves behind ends by itself. The shortest lifetime of a state is a minute: that long
# this test sleeps.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $app = $OAuth::Story::APP;
my $verifier  = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';    # RFC 7636 B
my %bound = (code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method => 'S256');
my $story = OAuth::Story->new(server => 'oauth_use demo;', http => <<"CONF")->start;
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%;
    oauth_use demo;
    oauth_allow_origin $app;
    oauth_state_lifetime 1m;
    oauth_code_lifetime 20s;
    oauth_clock_skew 0s;
    location / { return 404; }
}
CONF
my $hasty = 'http://localhost:' . $story->nginx->port(2);

my $begun  = time;
my $late   = $story->reach(base => $hasty);
my $spent  = $story->reach(base => $hasty);
my $brief  = $story->answer($story->finish($spent))->{code};
my $calm   = $story->reach;
my $lasting = $story->code;
my $pkce   = $story->code(%bound);

sleep 1 while time <= $begun + 61;

# req 025
subtest 'a code of twenty seconds' => sub {
    $story->is_refusal(redeem_at_hasty($brief), 401, 'code_invalid', 'is nothing after them');
    my $prompt = $story->answer($story->finish($story->reach(base => $hasty)))->{code};
    is redeem_at_hasty($prompt)->{status}, 200, 'but good before';
};

# req 057
subtest 'a state of one minute' => sub {
    my $response = $story->finish($late);
    is $response->{status}, 400, 'is refused after it';
    ok !defined header($response, 'location'), 'without Location';
    is $story->told('callback'), 'callback refused: state_expired', 'which the log says';
    is $response->{body}, $story->get("$hasty/oauth/callback/demo")->{body}, 'and the page does not';
    is $story->finish($spent)->{body}, $response->{body}, 'a spent one is no better';
    ok $story->answer($story->finish($calm))->{code}, 'one that lives longer goes on';
};

# DESIGN 3: 60 s with PKCE
subtest 'a code bound by PKCE lives a minute' => sub {
    $story->is_refusal($story->redeem($pkce, members => { code_verifier => $verifier }), 401, 'code_invalid', 'and not longer');
    is $story->redeem($lasting)->{status}, 200, 'while another lives its five';
    is $story->redeem($story->code(%bound), members => { code_verifier => $verifier })->{status}, 200, 'a new one is good';
};

$story->stop;
done_testing;

sub redeem_at_hasty {
    my ($code, %args) = @_;
    my $connection = $story->nginx->connect(port => 2);
    my $response = $story->redeem($code, connection => $connection, %args);
    $connection->close;
    return $response;
}
