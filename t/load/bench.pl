# bench.pl SECONDS: requests per second through a plain proxy, through a protected one, and of logins.
use lib 't/lib';
use OAuth::Test;

my $seconds = $ARGV[0] || 5;

my $nginx = OAuth::Nginx->new(workers => 1, log_level => 'error', http => <<'CONF')->start;
access_log off;
oauth_provider demo { type demo; user alice@example.com Alice; }
upstream backend { server 127.0.0.1:%%PORT1%%; keepalive 32; }
server {
    listen 127.0.0.1:%%PORT%%;
    keepalive_requests 1000000;
    oauth_broker       http://localhost:%%PORT%%;
    oauth_allow_origin http://localhost:%%PORT%%;
    proxy_http_version 1.1;
    proxy_set_header   Connection "";
    location /plain { proxy_pass http://backend; }
    location /guarded { oauth_protect bearer; proxy_pass http://backend; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    access_log off;
    keepalive_requests 1000000;
    location / { return 200 "hello\n"; }
}
CONF

my $base = 'http://localhost:' . $nginx->port;
my $token = OAuth::Client->new(base => $base)->sign_in('alice@example.com')->{accessToken};

my $plain = measure('a plain proxy', '/plain');
my $guarded = measure('a protected proxy', '/guarded', "Authorization: Bearer $token");
measure('a refusal', '/guarded');
measure('a login begun', '/oauth/login/demo?' . form(redirect_uri => "$base/"));
printf "protected/plain    %8.2f\n", $plain ? $guarded / $plain : 0;
$nginx->stop;
done_testing;

sub measure {
    my ($name, $target, @headers) = @_;
    my @command = ('wrk', '-t1', '-c32', "-d${seconds}s", (map { ('-H', $_) } @headers),
        'http://127.0.0.1:' . $nginx->port . $target, '-H', 'Host: localhost:' . $nginx->port);
    open my $output, '-|', @command or die "wrk: $!\n";
    my ($rate) = join('', <$output>) =~ m{Requests/sec:\s+([\d.]+)};
    close $output;
    printf "%-18s %8.0f requests/s\n", $name, $rate || 0;
    return $rate || 0;
}
