# A preset needs two lines; what is missing or does not belong to it dies at `nginx -t`, with file,
# line and remedy, and what may keep everybody out is a warning (issue 3, DESIGN 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned);
use OAuth::Forge;

my $forge = OAuth::Forge->new(generate => 'ES256');
my $p8 = slurp($forge->{key});
my $keys = $forge->{folder}->dirname;
OAuth::Forge::generate($_, "$keys/$_") for qw(RS256 ES384 EdDSA);

my %two = (client_id => 'app', client_secret => 's');
my %whole = (
    google    => {%two},
    github    => {%two},
    microsoft => { %two, require_verified_email => 'on' },
    cognito   => { %two, user_pool_id => 'eu-central-1_Ab12Cd34E' },
    apple     => { client_id => 'com.example.web', team_id => 'TEAM123456', key_id => 'KEY1234567', private_key => '%%DIR%%/key.p8' },
    oidc      => { %two, issuer => 'https://id.example.com' },
    oauth2    => { %two, authorization_endpoint => 'https://a.example/auth', token_endpoint => 'https://a.example/token',
        userinfo_endpoint => 'https://a.example/me', claim => 'id=sub ok=email_verified' },
);
my @files = (files => { 'key.p8' => $p8, empty => '', newline => "\n", huge => 'x' x 20_000, text => 'this is no key',
    half => substr($p8, 0, 120), map { $_ => slurp("$keys/$_") } qw(RS256 ES384 EdDSA) });

# A block of that type: members changed (undef: left out), a marked line, or the mark at its beginning.
sub block {
    my ($type, $here, %changed) = @_;
    my %now = (%{ $whole{$type} }, %changed);
    my $lines = join '', map { "$_ $now{$_};\n" } grep { defined $now{$_} } sort keys %now;
    my $name = $type =~ /^o/ ? "custom {\ntype $type;\n" : "$type {\n";
    return $here ? "oauth_provider $name$lines$here #!\n}\n" : "oauth_provider " . ($name =~ s/\{/{ #!/r) . "$lines}\n";
}

subtest 'a preset is whole' => sub {
    warned("$_ says nothing", block($_), undef, @files) for sort keys %whole;
    warned('an Enterprise Server', block('github', '', host => 'git.example.com:8443'), undef, @files);
    warned('a tenant', block('microsoft', '', tenant => 'contoso.onmicrosoft.com'), undef, @files);
    warned('a pool with its domain', block('cognito', '', domain => 'auth.example.com', region => 'eu-central-1'), undef, @files);
    warned('private_key_jwt', block('oidc', '', client_secret => undef, private_key => "%%DIR%%/$_ kid=k"), undef, @files)
        for qw(key.p8 RS256 ES384 EdDSA);
    warned('an algorithm of its own', block('oidc', '', client_secret => undef, private_key => '%%DIR%%/RS256 alg=PS384'), undef, @files);
    warned('two of a kind', block('oidc') . block('oidc') =~ s/custom/other/r, undef, @files);
};

subtest 'what is missing' => sub {
    for my $type (sort keys %whole) {
        mistake("$type without client_id", block($type, '', client_id => undef), qr/needs "client_id", as registered/, @files);
    }
    mistake("apple without $_", block('apple', '', $_ => undef), qr/needs "team_id", "key_id" and "private_key FILE;"/, @files)
        for qw(team_id key_id private_key);
    mistake('cognito without its pool', block('cognito', '', user_pool_id => undef), qr/needs "user_pool_id", e\.g\. /, @files);
    mistake("oauth2 without $_", block('oauth2', '', $_ => undef),
        qr/needs "authorization_endpoint", "token_endpoint" and "userinfo_endpoint"/, @files)
        for qw(authorization_endpoint token_endpoint userinfo_endpoint);
    mistake('private_key_jwt without a key', block('oidc', '', client_secret => undef, token_auth => 'private_key_jwt'),
        qr/needs "private_key FILE;"/, @files);
};

subtest 'a secret that cannot be had' => sub {
    my %why = (none => qr/must exist and be readable/, tmp => qr/must exist and be readable/, empty => qr/is empty/,
        newline => qr/is empty/, huge => qr/larger than 4096/);
    for my $type (grep { $whole{$_}{client_secret} } sort keys %whole) {
        mistake("$type: $_", block($type, "client_secret file:%%DIR%%/$_;", client_secret => undef),
            qr/"client_secret" in oauth_provider ".*cannot be read: .*\b$_\b.*$why{$_}/, @files) for sort keys %why;
        warned("$type: a file that is one", block($type, '', client_secret => 'file:%%DIR%%/text'), undef, @files);
    }
    my %p8 = (%why, huge => qr/larger than 16384/, (map { $_ => qr/"private_key" that is not usable: .*PEM/ } qw(text half)));
    delete $p8{newline};
    mistake("apple's key: $_", block('apple', '', private_key => "%%DIR%%/$_"), $p8{$_}, @files) for sort keys %p8;
    mistake("apple's key in a file that is public", block('apple', '', private_key => '%%DIR%%/public'), qr/"private_key" that is not usable: .*PEM/,
        files => { 'key.p8' => $p8, public => $forge->public_pem });
};

subtest 'what does not fit' => sub {
    mistake("apple's key of another kind", block('apple', '', private_key => "%%DIR%%/$_"), qr/"private_key" that is not P-256/, @files)
        for qw(RS256 ES384 EdDSA);
    mistake('a key that is not there', block('apple', '', private_key => '%%DIR%%/none'), qr/"private_key" that cannot be read: /, @files);
    mistake('a key that is none', block('apple', '', private_key => '%%DIR%%/check.conf'), qr/"private_key" that is not usable: /, @files);
    mistake('a client_secret for apple', block('apple', '', client_secret => 's'), qr/needs no client_secret: it is signed/, @files);
    mistake('a key that nobody uses', block('oidc', '', private_key => '%%DIR%%/RS256', token_auth => 'basic'),
        qr/which only "token_auth private_key_jwt" uses/, @files);
    mistake('a key beside a secret', block('oidc', '', private_key => '%%DIR%%/RS256'), qr/would not send: remove one/, @files);
    mistake("the algorithm $_", block('oidc', '', client_secret => undef, private_key => "%%DIR%%/RS256 alg=$_"),
        qr/cannot carry alg=$_/, @files) for qw(ES256 HS256 none);
    mistake('an unknown word behind a key', block('oidc', 'private_key x size=1;'), qr/takes a file and at most once kid= and alg=/, @files);
    mistake("$_->[1] for $_->[0]", block($_->[0], '', $_->[1] => $_->[2] || 'x'), qr/is of type $_->[0], which has no "$_->[1]"/, @files)
        for ['google', 'tenant'], ['google', 'issuer', 'https://accounts.google.com'], ['oidc', 'host', 'h.example'],
            ['github', 'jwks_uri', 'https://a.example/jwks'], ['oauth2', 'issuer', 'https://a.example'], ['apple', 'token_auth', 'basic'],
            ['oidc', 'team_id'], ['microsoft', 'user_pool_id'];
    mistake("the $_->[0] $_->[1]", block($_->[2], "$_->[0] $_->[1];", $_->[0] => undef), qr/plain http only on loopback.*use https/, @files)
        for ['token_endpoint', 'http://a.example/token', 'oauth2'], ['authorization_endpoint', 'http://a.example/', 'oauth2'],
            ['userinfo_endpoint', 'http://a.example/', 'oauth2'], ['jwks_uri', 'http://a.example/', 'oidc'];
    mistake("the endpoint $_", block('oauth2', "token_endpoint $_;", token_endpoint => undef), qr/must be an absolute URL/, @files)
        for 'a.example/token', 'https://u@a.example/', 'https://a.example/#f', 'ftp://a.example/';
    mistake("the host $_", block('github', "host $_;"), qr/must be a host name, without https/, @files)
        for 'https://git.example.com', 'git.example.com/x', '"a b"', '"a..b"';
    mistake("the tenant $_", block('microsoft', "tenant $_;"), qr/must be a name/, @files) for '../x', '""', 'a/b';
    mistake("tenant_allow $_", block('microsoft', "tenant_allow $_;"), qr/must be tenant ids, each a GUID/, @files) for 'common', 'contoso.com';
    mistake('claim without TO', block('oidc', 'claim sub;'), qr/must be FROM=TO/, @files);
    mistake('an unknown claim', block('oidc', 'claim upn=username;'), qr/has no claim "username" to map to: possible are sub, email/, @files);
    mistake('one claim twice', block('oidc', 'claim upn=email mail=email;'), qr/maps to "email" twice/, @files);
    mistake("the e-mail domain $_", block('google', "allow_email_domain $_;"), qr/must be domains/, @files)
        for '@example.com', 'a@example.com', 'https://example.com', '*.example.com';
    mistake("authorization_param $_", block('google', "authorization_param $_=x;"), qr/cannot set "$_", which the module sets itself/, @files)
        for qw(state nonce redirect_uri response_type response_mode client_id scope code_challenge);
    mistake('authorization_param without a value', block('google', 'authorization_param prompt;'), qr/must be NAME=VALUE/, @files);
    mistake('openid left out', block('google', '', scope => 'email'), qr/needs the scope "openid"/, @files);
};

subtest 'what may keep people out' => sub {
    warned('microsoft vouches for no address by itself', block('microsoft', '', require_verified_email => undef),
        qr/xms_edov.*"require_verified_email on;"/, @files);
    warned('nor does an unknown OAuth 2.0 provider', block('oauth2', '', claim => 'id=sub'), qr/no "claim FROM=email_verified"/, @files);
    warned('without the scope email none may come', block('oidc', '', scope => 'openid profile'), qr/does not ask for the scope "email"/, @files);
    warned('who says so aloud is not told', block('oidc', '', scope => 'openid', require_verified_email => 'off'), undef, @files);
    warned('Apple returns to no loopback',
        block('apple') . "server {\nlisten 127.0.0.1:%%PORT%%;\noauth_broker http://localhost:%%PORT%%;\noauth_allow_origin https://a.example;\n}\n",
        qr/Apple.*https/, @files);
};

done_testing;
