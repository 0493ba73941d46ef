# Who may sign in by the operator's rules: any one that matches admits, and a refusal reaches the
# application without a code (issue 3, part 3).
use lib 't/lib';
use OAuth::Test;
use OAuth::Demo;

my @cases = (
    # rules, who is admitted
    ['', [qw(alice bob)]],
    ['oauth_allow email=alice@demo.local;', ['alice']],
    ['oauth_allow email=ALICE@Demo.Local;', ['alice']],
    ['oauth_allow domain=demo.local;', ['alice']],
    ['oauth_allow domain=local;', []],
    ['oauth_allow domain=sub.demo.local;', ['bob']],
    ['oauth_allow claim:name=Alice;', ['alice']],
    ['oauth_allow claim:/email_verified=true;', [qw(alice bob)]],
    ['oauth_allow group=admins;', []],
    ['oauth_allow group=admins; oauth_allow claim:name=Bob domain=x.example;', ['bob']],
);
my $servers = join '', map { <<"CONF" } 0 .. $#cases;
server {
    listen 127.0.0.1:%%PORT$_%%;
    oauth_broker http://localhost:%%PORT$_%%;
    oauth_use demo;
    oauth_allow_origin https://app.example.com;
    $cases[$_][0]
}
CONF
my $nginx = OAuth::Nginx->new(http => "oauth_provider demo { type demo; user alice\@demo.local Alice; user bob\@sub.demo.local Bob; }\n" . $servers =~ s/%%PORT0%%/%%PORT%%/gr)->start;
my %address = (alice => 'alice@demo.local', bob => 'bob@sub.demo.local');

for my $number (0 .. $#cases) {
    my ($rules, $admitted) = @{ $cases[$number] };
    my $demo = OAuth::Demo->new($nginx, port => $number);
    my @in = grep { $demo->callback($demo->login, user => $address{$_})->{code} } sort keys %address;
    is_deeply \@in, $admitted, ($rules || 'no rule') . ' admits ' . (join(' and ', @$admitted) || 'nobody');
}

subtest 'a refusal' => sub {
    my $demo = OAuth::Demo->new($nginx, port => 1);
    my $back = $demo->callback($demo->login, user => $address{bob});
    is $back->{response}{status}, 302, 'goes back to the application';
    is_deeply [sort keys %{ $back->{message} }], [qw(error provider state)], 'without a code';
    like $back->{message}{error}, qr/^access_denied: /, 'in words that the client knows';
    like $nginx->error_log, qr/oauth: callback refused: email_not_allowed, provider demo, flow [0-9a-f]{32}/, 'the log says why';
    unlike $nginx->error_log, qr/bob|sub\.demo/, 'and not who';
};

$nginx->stop;
done_testing;
