# The one coroutine of a request: what it lives through, and how it ends.
use lib 't/lib';
use OAuth::Test;

my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => <<'CONF')->start;
    server {
        listen 127.0.0.1:%%PORT%%;
        oauth_flow_probe_broker /b;
        location = /none    { oauth_flow_probe_content echo:x; }
        location = /deep    { oauth_flow_probe_content nested:1 pause:0 nested:2; }
        location = /late    { oauth_flow_probe_content pause:700; }
        location = /throw   { oauth_flow_probe_content pause:1 throw:x; }
        location = /reject  { oauth_flow_probe throw:x; alias %%DIR%%/page; }
        location = /moved   { oauth_flow_probe pause:1; error_page 404 = @named; alias %%DIR%%/missing; }
        location @named     { oauth_flow_probe pause:1; default_type text/plain; root %%DIR%%; try_files /page =404; }
        location = /pages   { ssi on; ssi_types text/plain; default_type text/plain; alias %%DIR%%/pages; }
        location = /status  { oauth_flow_probe_status; }
    }
CONF
spew($nginx->dir . '/page', 'the page');
spew($nginx->dir . '/pages', join '|', map { qq(<!--# include virtual="/$_" -->) } qw(late deep none));

sub status { return { $nginx->get('/status')->{body} =~ /^(\w+) (\d+)$/mg } }
sub body { return $nginx->get(@_)->{body} }

is body('/none'), "body 0\necho \n", 'a flow that never waits is answered';
is body('/deep'), "body 0\nnested slept deeply\npause slept\nnested slept deeply\n", 'one that waits deep inside goes on where it was';
is body('/pages'), "body 0\npause slept\n|body 0\nnested slept deeply\npause slept\nnested slept deeply\n|body 0\necho \n",
    'flows of several subrequests end in any order and are shown in theirs';

my $before = status();
is $nginx->get('/moved')->{body}, 'the page', 'a request whose flow let it in is redirected inside nginx';
is status()->{started} - $before->{started}, 1, '... and its flow is found again, not begun anew';

my $connection = $nginx->connect;
$connection->send("GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n");
is_deeply [map { $connection->read_response->{body} } 1, 2], ["body 0\npause slept\n", "body 0\necho \n"],
    'a request that comes while a flow waits is answered after it';

is $nginx->get('/throw')->{status}, 500, 'an exception ends the flow with 500';
is $nginx->get('/reject')->{status}, 500, '... in the access phase too: nobody is let in';
my @told = $nginx->error_log =~ /\[error\].*oauth: a flow ended by an exception/g;
is scalar @told, 2, '... and is logged';

my $waiting = $nginx->connect;
$waiting->send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
ok wait_until { status()->{frames} > 0 }, 'a flow waits';
ok $nginx->reload, 'while nginx is told to reload';
is $waiting->read_response->{body}, "body 0\npause slept\n", '... and ends as it would have';
is status()->{frames}, 0, 'no frame outlives its request';

$nginx->stop;
done_testing;
