# A real browser: the demo as a visitor uses it, the pages for people, the real Dexie client at a
# certified provider, and an answer that another site posts.
use lib 't/lib';
use OAuth::Test;
use OAuth::Chromium;
use OAuth::Story;
use Cwd qw(abs_path);

my $missing = OAuth::Chromium->missing;
plan skip_all => $missing if $missing;

subtest 'the demo page' => sub {
    my $nginx = OAuth::Nginx->new(http => demo_http());
    $nginx->start;
    OAuth::Chromium::browse('t/e2e/demo.mjs', 'http://localhost:' . $nginx->port . '/');
    $nginx->stop;
};

subtest 'the pages for people' => sub {
    my $nginx = OAuth::Nginx->new(http => pages_http());
    $nginx->start;
    OAuth::Chromium::browse('t/e2e/pages.mjs', 'http://localhost:' . $nginx->port);
    $nginx->stop;
};

subtest 'the real Dexie client' => sub {
    my $idp = OAuth::Idp->new;
    my $nginx = OAuth::Nginx->new(http => dexie_http($idp), log_level => 'info');
    is system('node', 't/e2e/bundle.mjs', $nginx->dir . '/page'), 0, 'the page is bundled' or return;
    my $base = 'http://localhost:' . $nginx->port;
    $idp->start(redirect_uris => ["$base/oauth/callback/acme"]);
    $nginx->start;
    OAuth::Chromium::browse('t/e2e/dexie.mjs', "$base/", $idp->issuer);
    is $idp->requests('token'), 1, 'the code was exchanged once';
    unlike $nginx->error_log . $nginx->access_log, qr/[?&](?:code|state)=[\w-]{8}/,
        'no code or state of the provider is in a log';
    $nginx->stop;
    $idp->stop;
};

# DESIGN 3, "The browser"
subtest 'a form that another site posts' => sub {
    my $idp = OAuth::Idp->new(kind => 'apple');
    my $story = OAuth::Story->new(idp => $idp)->start;
    OAuth::Chromium::browse('t/e2e/apple.mjs', $story->base);
    is $idp->requests('token'), 1, 'the code was exchanged once';
    is_deeply [grep { !/favicon/ } $idp->complaints], [], 'and Apple has no complaint';
    $story->stop;
};

done_testing;

# The http block of the demo, as tools/run.sh fills it in.
sub demo_http {
    my ($text) = slurp('demo/nginx.conf') =~ /^http \{\n(.*)^\}/ms;
    my $app = abs_path('demo/app');
    $text =~ s/^\s*(?:access_log|\w+_temp_path|oauth_state_dir)\s.*\n//mg;
    $text =~ s/\@LISTEN\@/listen 127.0.0.1:%%PORT%%;/g;
    $text =~ s/\@PORT\@/%%PORT%%/g;
    $text =~ s/\@BACKEND_PORT\@/%%PORT1%%/g;
    $text =~ s/\@APP\@/$app/g;
    return $text;
}

# One provider of each kind of icon; nobody asks any of them but the demo.
sub pages_http {
    my %shown = (union => "\xc3\x9cn\xc3\xafon", zed => 'Zed & Company, the one with the very long name', omega => "\xce\xa9mega");
    my $oidc = join '', map { qq{oauth_provider $_ { type oidc; client_id a; client_secret s; issuer https://id.example.com; display_name "$shown{$_}"; }\n} } sort keys %shown;
    return $oidc . <<'CONF';
oauth_provider google { client_id a; client_secret s; }
oauth_provider github { client_id a; client_secret s; }
oauth_provider microsoft { client_id a; client_secret s; }
oauth_provider pool { type cognito; client_id a; client_secret s; region eu-west-1; user_pool_id eu-west-1_AbCdEf; }
oauth_provider demo { type demo; display_name Demo; user alice@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin https://app.example.com;
}
CONF
}

sub dexie_http {
    my ($idp) = @_;
    my ($issuer, $id, $secret) = ($idp->issuer, $idp->client_id, $idp->client_secret);
    return <<"CONF";
include /etc/nginx/mime.types;
oauth_provider acme {
    type          oidc;
    issuer        $issuer;
    client_id     $id;
    client_secret $secret;
    display_name  "Acme ID";
}
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT%%;
    root %%DIR%%/page;
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-User \$oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
    # There is no sync backend here; a login does not need one.
    location /sync { return 404; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    location / { default_type text/plain; return 200 \$http_x_user; }
}
CONF
}
