# A preset needs its two lines and nothing else: it knows the provider's hosts. Nothing here is
# overridden; what leaves goes by a location of the user's own, to who plays those hosts.
use lib 't/lib';
use OAuth::Test;
use OAuth::SignIn;
use OAuth::Story;

my $missing = OAuth::Idp->missing('google');
plan skip_all => $missing if $missing;

my %key = (client_secret => undef, team_id => 'TEAM123456', key_id => 'KEY1234567');
my %yes = (email_verified => JSON::PP::true, name => 'Alice Example', email => 'alice@example.com');
my $tid = '11111111-2222-4333-8444-555555555555';
my %pool = map { $_ => "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_$_" } qw(AbCdEf123 Hosted456);
my $ui = 'shop.auth.eu-west-1.amazoncognito.com';

# name => kind, members beside client_id and client_secret, where its metadata send the module (what
# is there without discovery: undef), its user, and what is asked in a first sign-in, in order
my @cases = (
    ['google', 'google', {}, {
        authorization_endpoint => 'https://accounts.google.com/o/oauth2/v2/auth', token_endpoint => 'https://oauth2.googleapis.com/token',
        userinfo_endpoint => 'https://openidconnect.googleapis.com/v1/userinfo', jwks_uri => 'https://www.googleapis.com/oauth2/v3/certs',
    }, { id => '110169484474386276334', claims => { %yes, picture => 'https://lh3.googleusercontent.com/a/photo=s96-c' } },
        'GET accounts.google.com/.well-known/openid-configuration', 'POST oauth2.googleapis.com/token', 'GET www.googleapis.com/oauth2/v3/certs'],
    ['github', 'github', {}, undef,
        { id => 583231, claims => { %yes, picture => 'https://avatars.githubusercontent.com/u/583231?v=4' } },
        'POST github.com/login/oauth/access_token', 'GET api.github.com/user', 'GET api.github.com/user/emails'],
    ['enterprise', 'github', { type => 'github', host => 'git.example.com' }, undef,
        { id => 583231, claims => { %yes, picture => 'https://avatars.githubusercontent.com/u/583231?v=4' } },
        'POST git.example.com/login/oauth/access_token', 'GET git.example.com/api/v3/user', 'GET git.example.com/api/v3/user/emails'],
    ['microsoft', 'microsoft', { require_verified_email => 'on' }, { userinfo_endpoint => 'https://graph.microsoft.com/oidc/userinfo',
        map { $_->[0] => "https://login.microsoftonline.com/common/$_->[1]" } ['authorization_endpoint', 'oauth2/v2.0/authorize'],
            ['token_endpoint', 'oauth2/v2.0/token'], ['jwks_uri', 'discovery/v2.0/keys'],
    }, { id => "$tid.00000000-0000-0000-66f3-3332eca7ea81", claims => {%yes} },
        'GET login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
        'POST login.microsoftonline.com/common/oauth2/v2.0/token', 'GET login.microsoftonline.com/common/discovery/v2.0/keys'],
    ['apple', 'apple', {%key}, {
        authorization_endpoint => 'https://appleid.apple.com/auth/authorize', token_endpoint => 'https://appleid.apple.com/auth/token',
        jwks_uri => 'https://appleid.apple.com/auth/keys',
    }, { id => '001234.0123456789abcdef0123456789abcdef.0123', claims => {%yes} },
        'GET appleid.apple.com/.well-known/openid-configuration', 'POST appleid.apple.com/auth/token', 'GET appleid.apple.com/auth/keys'],
    ['cognito', 'cognito', { user_pool_id => 'eu-west-1_AbCdEf123' }, {
        (map { ("$_->[0]_endpoint" => "https://$ui/oauth2/$_->[1]") } ['authorization', 'authorize'], ['token', 'token'], ['userinfo', 'userInfo']),
        jwks_uri => "https://$pool{AbCdEf123}/.well-known/jwks.json",
    }, { id => 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', claims => {%yes} },
        "GET $pool{AbCdEf123}/.well-known/openid-configuration", "POST $ui/oauth2/token",
        "GET $pool{AbCdEf123}/.well-known/jwks.json"],
    ['hosted', 'cognito', { type => 'cognito', user_pool_id => 'eu-west-1_Hosted456', domain => $ui }, undef,
        { id => 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', claims => {%yes} }, "POST $ui/oauth2/token",
        "GET $pool{Hosted456}/.well-known/jwks.json"],
);
my %idp;
for my $case (@cases) {
    my ($name, $kind, $more) = @$case;
    $idp{$name} = OAuth::Idp->new(kind => $kind, name => $name, bare => { %$more, fetch_location => "/out-$name" });
    $idp{$name}{bare}{private_key} = $idp{$name}->forge->{key} if $kind eq 'apple';
}
my @hosts = map { my $name = $_->[0]; map { ["$name:" . s{^\w+ ([^/]+).*}{$1}r, $idp{$name}->port] } @$_[5 .. $#$_] } @cases;
my $map = join "\n", map { "    $_->[0] 127.0.0.1:$_->[1];" } values %{ { map { $_->[0] => $_ } @hosts } };

# Which of two plays the same host is said by the location that a fetch leaves by.
my $outs = join "\n", map { <<"CONF" } sort keys %idp;
location = /out-$_ {
    internal;
    proxy_pass http://127.0.0.1:%%PORT2%%\$oauth_fetch_uri;
    proxy_set_header Host \$oauth_fetch_host;
    proxy_set_header X-For $_;
}
CONF
my $story = OAuth::Story->new(idp => $idp{google}, idps => [map { $idp{$_} } grep { $_ ne 'google' } sort keys %idp],
    server => $outs, http => <<"CONF")->start;
log_format hosts '\$request_method \$host\$request_uri';
map_hash_bucket_size 128;
map "\$http_x_for:\$host" \$plays {
$map
}
server {
    listen 127.0.0.1:%%PORT2%%;
    access_log %%DIR%%/hosts hosts;
    if (\$plays = "") { return 404; }
    rewrite ^/eu-west-1_[^/]*/(.*) /pool/\$1;    # as the emulators call it
    rewrite ^/api/v3/(.*) /\$1;
    location / { proxy_pass http://\$plays; proxy_set_header X-For ""; proxy_set_header Host \$host; }
}
CONF

my $seen = 0;
for my $case (@cases) {
    my ($name, $kind, $more, $metadata, $user, @asked) = @$case;
    my $idp = $idp{$name};
    $idp->set(discovery => $metadata) if $metadata;
    $idp->set(issuer => "https://$pool{Hosted456}") if $name eq 'hosted';
    my %requests = ($metadata ? (discovery => 1) : (), $kind eq 'github' ? (userinfo => 1, emails => 1) : (jwks => 1));
    # The browser, too, goes where the preset says.
    my ($front) = $metadata ? $metadata->{authorization_endpoint} =~ m{//([^/]+)} : $asked[0] =~ m{ ([^/]+)};
    my $browser = OAuth::Browser->new(resolve => { $front => [$idp->port] });
    my $done = OAuth::SignIn->new($story, $idp)->works($name, %$user, requests => \%requests, query => { browser => $browser });
    like $done->{login}{url}, qr{^https://\Q$front\E/}, 'the browser goes to it';
    my @lines;
    wait_until { @lines = split /\n/, slurp($story->nginx->dir . '/hosts'); @lines >= $seen + @asked };
    is_deeply [@lines[$seen .. $#lines]], \@asked, 'and so do we, in this order';
    $seen = @lines;
}

$story->stop;
done_testing;
