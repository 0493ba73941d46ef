# The older popup design in a real browser (dexie-contract 3, DESIGN 5): who is told the code, and who is not.
use lib 't/lib';
use OAuth::Test;
use OAuth::Chromium;
use Cwd qw(abs_path);

my $missing = OAuth::Chromium->missing;
plan skip_all => $missing if $missing;

my $page = abs_path('t/e2e');
my $nginx = OAuth::Nginx->new(http => <<"CONF")->start;
types { text/html html; }
oauth_provider demo { type demo; user alice\@demo.local Alice; }
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT1%%;
}
server {
    listen 127.0.0.1:%%PORT1%%;
    listen 127.0.0.1:%%PORT2%%;
    location = /opener.html { alias $page/opener.html; }
}
CONF

# The stranger is on another host too: ports alone are one site to a browser.
OAuth::Chromium::browse('t/e2e/popup.mjs', map { "http://$_->[0]:" . $nginx->port($_->[1]) } ['localhost', 0],
    ['localhost', 1], ['127.0.0.1', 2]);
unlike $nginx->error_log . $nginx->access_log, qr/[?&](?:code|state)=[\w-]{8}/, 'no code or state is in a log';
$nginx->stop;
done_testing;
