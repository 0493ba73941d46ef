# `fetch_location`: fetches go by a location of the user's own, who keeps connections to his provider
# open, or reaches it by a proxy. It says where to; what is sent stays ours (DESIGN 3).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake);
use OAuth::Story;

my $missing = OAuth::Idp->missing('faulty-op');
plan skip_all => $missing if $missing;

my $idp = OAuth::Idp->new(kind => 'faulty-op');
my $port = $idp->port;
my $own = <<'CONF';
location = /to-acme {
    internal;
    proxy_pass http://acme$oauth_fetch_uri;
    proxy_set_header Host $oauth_fetch_host;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
}
CONF

# What reaches the provider passes a server that counts connections.
sub story {
    my ($location, %args) = @_;
    return OAuth::Story->new(idp => $idp, provider => { fetch_location => '/to-acme', %{ $args{provider} || {} } },
        server => $location, http => <<"CONF");
log_format connections '\$connection \$request_method \$request_uri';
upstream acme { server 127.0.0.1:%%PORT2%%; keepalive 2; }
server {
    listen 127.0.0.1:%%PORT2%%;
    access_log %%DIR%%/connections connections;
    location / { proxy_pass http://127.0.0.1:$port; proxy_set_header Host \$http_host; }
}
CONF
}

subtest 'a login by a location of one\'s own' => sub {
    my $story = story($own)->start;
    for my $round (1 .. 3) {
        my $code = $story->code;
        ok $code && $story->redeem($code)->{json}{accessToken}, "sign-in $round works";
    }
    $story->nginx->stop;
    my @asked = map { [split ' '] } split /\n/, slurp($story->nginx->dir . '/connections');
    is_deeply [map { "$_->[1] $_->[2]" } @asked], ['GET /.well-known/openid-configuration', 'POST /token', 'GET /jwks', 'GET /userinfo',
        ('POST /token', 'GET /userinfo') x 2], 'the provider is asked the same things in the same order';
    is scalar(keys %{ { map { $_->[0] => 1 } @asked } }), 1, 'over one connection';
    my ($exchange) = $idp->log_of('token');
    is $exchange->{headers}{host}, "127.0.0.1:$port", 'under its own name';
    is $exchange->{headers}{'content-type'}, 'application/x-www-form-urlencoded', 'with the headers of the fetch';
    is_deeply [grep { /^(?:cookie|origin|referer|x-.*|forwarded)$/ } map { lc } keys %{ $exchange->{headers} }], [],
        'and none of the browser\'s';
    $idp->stop;
};

subtest 'it is nobody else\'s' => sub {
    my $story = story($own . 'location = /led { rewrite ^ /to-acme last; }
        location = /sent { proxy_pass http://127.0.0.1:%%PORT3%%; }', )->start(redirect_uris => undef);
    is $story->nginx->get('/to-acme')->{status}, 404, 'not from outside';
    is $story->nginx->get('/led')->{status}, 404, 'nor by a rewrite';
    is $idp->requests('token'), 0, 'nothing is sent';
    $story->stop;
};

subtest 'what leads away ends the fetch' => sub {
    my $story = story($own =~ s/internal;/internal; error_page 400 401 \/elsewhere; proxy_intercept_errors on;/r
        . 'location = /elsewhere { return 200 "{}"; }')->start;
    $idp->fault(token => { status => 400, body => { error => 'invalid_grant' } });
    is $story->finish($story->reach)->{status}, 502, 'a page that takes the answer\'s place is no answer';
    is $story->told('callback'), 'callback refused: fetch_failed, provider acme', 'and no code comes out';
    $idp->clear;
    ok $story->code, 'the next login works';
    $story->stop;
};

subtest 'https without verification counts for nothing' => sub {
    my $nginx_with_tls = sub {
        my ($verify) = @_;
        # nginx leaves a session that it kept behind when it exits, which a sanitizer calls a leak.
        return $own =~ s{http://acme}{https://acme}r =~ s/internal;/internal; proxy_ssl_session_reuse off; $verify/r;
    };
    my $story = story($nginx_with_tls->('proxy_ssl_verify off;'));
    my $dir = $story->nginx->dir;
    system(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=acme),
        '-addext', 'subjectAltName=DNS:acme', '-keyout', "$dir/tls.key", '-out', "$dir/tls.pem", '-batch') == 0 or die;
    $story->{nginx}{http} =~ s/listen 127\.0\.0\.1:%%PORT2%%;/listen 127.0.0.1:%%PORT2%% ssl; ssl_certificate %%DIR%%\/tls.pem; ssl_certificate_key %%DIR%%\/tls.key;/;
    $story->start;
    my $login = $story->login;
    is $login->{response}{status}, 502, 'the metadata is not believed';
    is $story->told('login'), 'login refused: fetch_untrusted', 'for the right reason';
    like $story->nginx->error_log, qr{location "/to-acme" speaks https without "proxy_ssl_verify on"}, 'and the log says what to write';
    $story->stop;
};

# What `nginx -t` asks of it.
my $acme = "oauth_provider acme { client_id a; client_secret s; issuer https://id.example.com; fetch_location /to-acme; }\n";
sub server {
    my ($location) = @_;
    return "${acme}server {\nlisten 127.0.0.1:%%PORT%%;\noauth_broker https://auth.example.com; #!\noauth_allow_origin https://a.example;\n$location\n}\n";
}
my $needs = qr{"fetch_location /to-acme" needs a location of this server that is exact, internal and proxied};
mistake("fetch_location with $_->[0]", server($_->[1]), $needs)
    for ['no location', ''], ['a prefix', 'location /to-acme { internal; proxy_pass http://127.0.0.1:1; }'],
        ['one that is open', 'location = /to-acme { proxy_pass http://127.0.0.1:1; }'],
        ['one that answers itself', 'location = /to-acme { internal; return 204; }'];
mistake('fetch_location without a path', "oauth_provider acme {\nclient_id a;\nfetch_location to-acme; #!\n}\n", qr/must be the path of a location/);

done_testing;
