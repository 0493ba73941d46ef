# What a developer is told whose application is not allowed yet: the line to add, for loopback alone.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $story = OAuth::Story->new->start;    # type demo
my $line  = 'oauth_allow_origin http://localhost:5173;';

subtest 'a redirect_uri on loopback' => sub {
    for my $path ('/oauth/login/demo', '/oauth/login') {
        my $response = $story->nginx->get("$path?" . form(redirect_uri => 'http://localhost:5173/deep?x=1#y'));
        is $response->{status}, 400, "$path refuses it";
        like $response->{body}, qr{<code>\Q$line\E</code>}, 'and names the line to add';
        unlike $response->{body}, qr{deep|x=1}, 'and nothing else of the address';
    }
    like $story->nginx->error_log, qr/oauth: login refused: redirect_not_allowed, flow [0-9a-f]{32}, allowed by: \Q$line\E/, 'the log does as well';
};

subtest 'an Origin on loopback' => sub {
    for my $case (['POST /token', 403, 'token refused'], ['OPTIONS /token', 403, 'token refused'], ['GET /auth-providers', 200, 'providers done']) {
        my ($request, $status, $told) = @$case;
        my ($method, $path) = split / /, $request;
        my $before = length $story->nginx->error_log;
        my $response = $story->nginx->request($method, $path, headers => [Origin => 'http://localhost:5173']);
        is $response->{status}, $status, $request;
        ok !defined header($response, 'access-control-allow-origin'), '  is kept from it';
        like substr($story->nginx->error_log, $before), qr/oauth: \Q$told\E(?:: | \()origin_not_allowed\)?, allowed by: \Q$line\E/,
            '  and the log names the line to add';
    }
};

# req 151
subtest 'what anybody else sends is repeated nowhere' => sub {
    my $before = length $story->nginx->error_log;
    for my $other ('https://evil.test', 'http://localhost.evil.test', 'http://localhost@evil.test', 'http://192.168.0.9:3000',
        "http://localhost:5173\x1b[2J", 'http://localhost:5173/evil.test', 'evil.test//localhost:5173') {
        my $page = $story->login(redirect_uri => $other)->{response};
        ok $page->{status} == 400 && $page->{body} !~ /oauth_allow_origin|evil|192\.168/, "the page says nothing of $other"
            if $other !~ m{^http://localhost:5173};
        $story->nginx->request($_->[0], $_->[1], headers => [Origin => $other])
            for ['POST', '/token'], ['GET', '/auth-providers'];
    }
    my @said = grep { /oauth: / } split /\n/, substr $story->nginx->error_log, $before;
    s/, client: .*// for @said;
    ok @said > 10, 'each is a line of the log';
    is scalar(grep { /evil|192\.168|\x1b/ } @said), 0, 'and none says who it was';
};

$story->stop;
done_testing;
