# A real browser: the demo as a visitor uses it, the pages for people, and an answer that another
# site posts. (The real Dexie client: e2e_dexie.t.)
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
