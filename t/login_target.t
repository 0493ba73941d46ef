# Where a code may be sent: redirect_uri at the login, in every spelling that some parser misreads.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;

my $missing = OAuth::Idp->missing;
plan skip_all => $missing if $missing;

# Allowed are https://app.example.com, https://other.example.com:8443, https://paths.example.com/app,
# http://localhost:3000, myapp:// and capacitor://localhost.
my $app = 'https://app.example.com';
my $idp = OAuth::Idp->new;
my $story = OAuth::Story->new(idp => $idp, knobs => { auto => 1 })->start;
my $connection = $story->nginx->connect;

my %refused = (
    'another site' => [
        'https://evil.test/', 'https://example.com/', 'https://sub.app.example.com/', 'https://evilapp.example.com/',
        'https://app.example.com.evil.test/', 'https://app.example.com-evil.test/', 'https://app.example.comevil.test/',
        'https://app.example.com,evil.test/', 'https://app.example.com;evil.test/', 'https://app/', 'https://com/',
        'https://app.example/', 'https://other.example.com/', 'http://evil.test/?https://app.example.com/',
    ],
    'userinfo' => [
        'https://app.example.com@evil.test/', 'https://app.example.com:443@evil.test/', 'https://user@app.example.com/',
        'https://user:pw@app.example.com/', 'https://@app.example.com/', 'https://:@app.example.com/',
        'https://app.example.com%40evil.test/', 'https://evil.test%40app.example.com/',
        'https://evil.test%2f@app.example.com/', 'https://evil.test#@app.example.com/',
        'https://evil.test?@app.example.com/', 'https://evil.test/@app.example.com/',
    ],
    'a backslash' => [
        'https:\\\\app.example.com/', 'https:/\\app.example.com/', 'https://evil.test\\@app.example.com/',
        'https://app.example.com\\.evil.test/', 'https://app.example.com\\@evil.test/',
        'https://app.example.com/\\evil.test/', 'https://evil.test\\.app.example.com/', '\\\\app.example.com/',
    ],
    'white space and control characters' => [
        " $app/", "$app/ ", "$app/a b", "$app /", "\t$app/", "https://app.\texample.com/", "$app\t.evil.test/",
        "$app/\tx", "$app\n.evil.test/", "$app/\r\nSet-Cookie: a=b", "\r\n$app/", "$app/\nx", "$app\x00.evil.test/",
        "$app/\x00", "\x00$app/", "$app/\x01", "$app/\x7f", "$app/#\r\nx", "$app/?\nx", "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
    ],
    'characters that are not ASCII' => [
        "https://\xd0\xb0pp.example.com/", "https://app\xe3\x80\x82example.com/",
        "https://app.example.com\xef\xbc\x8fevil.test/", "https://app.example.com\xe2\x84\x80.evil.test/",
        "$app/\xe5\x98\x8a\xe5\x98\x8dLocation:x", "https://app.example.com\xc2\xad.evil.test/", "$app/caf\xc3\xa9",
        "$app/\xe2\x80\xa8", "https://\xef\xbd\x81pp.example.com/",
    ],
    'an encoded host' => [
        'https://%61pp.example.com/', 'https://app%2eexample.com/', 'https://app.example.com%2eevil.test/',
        'https://app.example.com%00.evil.test/', 'https://app.example.com%0a.evil.test/',
        'https://app.example.com%2f.evil.test/', 'https://app.example.com%5c.evil.test/',
        'https://app.example.com%23.evil.test/', 'https://app.example.com%3f.evil.test/',
        'https://xn--pp-7ka.example.com/', 'https://xn--app-.example.com/',
    ],
    'another scheme' => [
        'http://app.example.com/', 'http://app.example.com:443/', 'ws://app.example.com/', 'wss://app.example.com/',
        'ftp://app.example.com/', 'https+x://app.example.com/', 'https//app.example.com/', 'httpss://app.example.com/',
        'https://localhost:3000/', 'x-https://app.example.com/', '://app.example.com/', 'myapp2://x', 'xmyapp://x',
        'my-app://x', 'myapp.evil://x', 'myapp', 'myapp%3a//x', 'capacitor://evil.test/', 'capacitor://localhost:1/',
        'capacitor:', 'capacitor:///', 'capacitor://localhost.evil.test',
    ],
    'a scheme that runs something' => [
        'javascript:alert(1)', 'JavaScript:alert(1)', 'javascript://app.example.com/%0aalert(1)',
        'data:text/html,<script>alert(1)</script>', 'data:text/html;base64,PHNjcmlwdD4=', 'vbscript:x',
        'file:///etc/passwd', 'blob:https://app.example.com/1', 'about:blank', 'filesystem:https://app.example.com/x',
        'view-source:https://app.example.com/', 'intent://app.example.com/#Intent;scheme=https;end',
        'jar:https://app.example.com!/',
    ],
    'no absolute address' => [
        '/', '//app.example.com/', '///app.example.com/', '/https://app.example.com/', 'app.example.com',
        'app.example.com:443', '?x', '#x', 'https:', 'https:/', 'https://', 'https:///', 'https:app.example.com/',
        'https:/app.example.com/', 'https:///app.example.com/', 'https:////app.example.com/',
        'https://?app.example.com', 'https://#app.example.com', './', '..', 'null', '*',
    ],
    'another port' => [
        'https://app.example.com:444/', 'https://app.example.com:80/', 'https://app.example.com:8443/',
        'https://other.example.com:8444/', 'https://other.example.com:443/', 'http://localhost/',
        'http://localhost:3001/', 'http://localhost:30000/',
    ],
    'a port that is none' => [
        'https://app.example.com:/', 'https://app.example.com:0/', 'https://app.example.com:0443/',
        'https://app.example.com:00443/', 'https://app.example.com:+443/', 'https://app.example.com:-443/',
        'https://app.example.com: 443/', 'https://app.example.com:443x/', 'https://app.example.com:443:443/',
        'https://app.example.com:65979/', 'https://app.example.com:4294967739/', 'https://app.example.com:%34%34%33/',
        'https://app.example.com:0x1bb/', 'https://app.example.com:443.evil.test/',
    ],
    'a dot at the end of the host' => [
        'https://app.example.com./', 'https://app.example.com..', 'https://.app.example.com/',
        'https://app..example.com/', 'http://localhost.:3000/',
    ],
    'another name of the same machine' => [
        'http://127.0.0.1:3000/', 'http://127.1:3000/', 'http://2130706433:3000/', 'http://0x7f000001:3000/',
        'http://0177.0.0.1:3000/', 'http://[::1]:3000/', 'http://[::ffff:127.0.0.1]:3000/', 'http://0:3000/',
        'http://0.0.0.0:3000/', 'http://app.localhost:3000/', 'http://localhost.localdomain:3000/',
        'https://[app.example.com]/',
    ],
    'dot segments' => [
        "$app/..", "$app/../", "$app/a/../b", "$app/./", "$app/%2e%2e/", "$app/.%2E/", "$app/a%2f..%2fb", "$app/..;x/",
        "$app/a/..%5cb",
    ],
    'a path outside its prefix' => [
        'https://paths.example.com', 'https://paths.example.com/', 'https://paths.example.com/apple',
        'https://paths.example.com/App', 'https://paths.example.com//app', 'https://paths.example.com/app/../x',
        'https://paths.example.com/app/%2e%2e/x', 'https://paths.example.com/app%2f..%2fx',
        'https://paths.example.com/%61pp', 'https://paths.example.com/app;x', 'https://paths.example.com/?/app',
        'https://paths.example.com/#/app', 'https://paths.example.com/app%3fx', 'https://paths.example.com/x/app',
    ],
    'bad percent sequences' => ["$app/%", "$app/%z", "$app/%zz", "$app/%u0041", "$app/?a=%", "$app/#%4", "$app/%%41"],
);

# req 001 083
for my $kind (sort keys %refused) {
    subtest "$kind is refused" => sub {
        refused_page('redirect_uri=' . url_encode($_), shown($_)) for @{ $refused{$kind} };
    };
}

# req 009
subtest 'what is missing or said twice is refused' => sub {
    my $good = url_encode("$app/");
    my $bad  = url_encode('https://evil.test/');
    refused_page($_, $_ eq '' ? 'no query' : $_) for
        '', 'redirect_uri', 'redirect_uri=', 'x=1', "Redirect_uri=$good", "redirect_uri[]=$good", "redirect-uri=$good",
        "&&&", "=$good", "redirect_uri=$good&redirect_uri=$good", "redirect_uri=$good&redirect_uri=$bad",
        "redirect_uri=$bad&redirect_uri=$good",
        "redirect_uri=$good&redirect_uri", "redirect_uri=&redirect_uri=$good", "redirect_uri=$good&redirect%5Furi=$bad";
};

# req 053
subtest 'a query that is no form is refused' => sub {
    my $good = 'redirect_uri=' . url_encode("$app/");
    refused_page("$good&$_->[0]", $_->[1]) for
        ['x=%zz', 'a bad percent sequence'], ['x=%', 'a lone percent sign'], ['x=%00', 'NUL'],
        ['x=%c3%28', 'what is not UTF-8'], ['%ff=1', 'a name that is not UTF-8'],
        [join('&', map { "x$_=1" } 1 .. 1000), '1000 parameters'];
};

is $idp->requests('discovery'), 0, 'nobody was asked anything so far';
unlike $story->nginx->error_log, qr/\[(?:warn|error)\]/, 'and nothing was worth a warning';

# req 087
subtest 'what is allowed passes byte for byte' => sub {
    for my $target (
        'https://app.example.com', 'https://app.example.com/', 'HTTPS://App.Example.Com/',
        'https://app.example.com:443/x', 'https://other.example.com:8443/', 'http://localhost:3000/',
        'http://LOCALHOST:3000', 'https://app.example.com?@evil.test/',
        'https://app.example.com/?u=https://evil.test/#//evil.test', 'https://app.example.com#@evil.test',
        'https://app.example.com/@evil.test', 'https://app.example.com//evil.test',
        'https://app.example.com/%0d%0aSet-Cookie:a=b', 'https://app.example.com/%00', 'https://app.example.com/#',
        'https://app.example.com/?a&&b=&=c&a', 'https://app.example.com/?a=1;b=2',
        'https://app.example.com/a%2Fb/%c3%a9?q=%E2%82%AC+x%20y#a=b&c', "https://app.example.com/!\$&'()*+,;=:@-._~",
        'https://app.example.com/...', 'https://app.example.com/.well-known',
        'https://app.example.com/?a[]={b}|c^d`e#[x]', 'https://app.example.com/?dxc-authx=1&xdxc-auth=2&DXC-AUTH=3',
        'https://paths.example.com/app', 'https://paths.example.com/app/', 'https://paths.example.com/app/x?y=../..#z',
        'https://paths.example.com/app?x', 'myapp://', 'myapp:///', 'myapp:/x', 'myapp:x', 'myapp://host/path?x=1',
        'MyApp://x', 'capacitor://localhost', 'capacitor://localhost/x',
    ) {
        my $login = $story->login(redirect_uri => $target);
        is $login->{response}{status}, 302, shown($target) or next;
        my $location = header($story->finish({ %$login, back => $story->visit($login) }), 'location');
        is without_answer($location), $target, 'comes back as it was';
    }
};

is without_answer('https://x/?a=1&dxc-auth=AA#f'), 'https://x/?a=1#f', 'the test itself takes only the answer away';

$connection->close;
$story->stop;
done_testing;

# A 4xx page of ours: no Location, no cookie, nothing of the input in it.
sub refused_page {
    my ($query, $what) = @_;
    my $response = $connection->request(GET => "/oauth/login/acme?$query");
    my @wrong = (
        $response->{status} == 400 ? () : "status $response->{status}",
        defined header($response, 'location') ? 'Location: ' . header($response, 'location') : (),
        defined header($response, 'set-cookie') ? 'a cookie' : (),
        $response->{body} =~ /<h1>Sign-in did not work/ ? () : 'not our page',
        $response->{body} =~ /evil|alert\(/ ? 'input in the page' : (),
    );
    is "@wrong", '', $what;
    return;
}

sub without_answer {
    my ($location) = @_;
    return $location =~ s/(?|(\?)dxc-auth=[\w-]+&|[?&]()dxc-auth=[\w-]+)/$1/r;
}

sub shown { my ($text) = @_; $text =~ s/([^\x20-\x7e]|\\)/sprintf '\\x%02x', ord $1/ge; return $text }
