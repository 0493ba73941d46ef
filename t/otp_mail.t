# The operator's mail service, behind an internal location of his own: what it is told, what becomes
# of its failures, and that neither it nor a client that leaves can hold anything up. No log holds an
# address or a code (DESIGN 3 "Logs").
use lib 't/lib';
use OAuth::Test;
use OAuth::Otp;
use OAuth::Upstream;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

my $app = $OAuth::Otp::APP;
my $box = OAuth::Otp->box(
    '/made'    => [OAuth::Upstream::head(201, 'Content-Length' => 0)],
    '/none'    => [OAuth::Upstream::head(204)],
    '/refuses' => [OAuth::Upstream::reply(422, 'no such mailbox')],
    '/breaks'  => [OAuth::Upstream::reply(500, 'oops')],
    '/moves'   => [OAuth::Upstream::reply(302, '', Location => '/mail')],
    '/resets'  => [{ reset => 1 }],
    '/hangs'   => [{ hang => 1 }],
    '/waits'   => [{ wait => 0.3 }, OAuth::Upstream::reply(200, 'ok')],
);
my $url = $box->url;
my %location = (
    (map { ($_ => "proxy_pass $url/$_;") } qw(mail made none refuses breaks moves resets hangs waits)),
    'down'     => 'proxy_pass http://127.0.0.1:%%PORT99%%;',
    'returned' => 'return 204;',
    'absent'   => 'alias %%DIR%%/nowhere;',
    'diverted' => "proxy_pass $url/mail;",
    'headers'  => "proxy_set_header Host \$host; proxy_set_header X-Cookie \$http_cookie; proxy_set_header X-Origin \$http_origin; proxy_set_header Authorization 'Bearer of-the-mail-service'; proxy_pass $url/mail;",
);
my @names = sort keys %location;
my %port = map { $names[$_] => $_ + 1 } 0 .. $#names;
my $servers = join '', map {
    my $more = $_ eq 'diverted' ? 'if ($uri = /send) { return 403; }' : '';
    <<"CONF"
server {
    listen 127.0.0.1:%%PORT$port{$_}%%;
    oauth_broker http://localhost:%%PORT$port{$_}%%;
    oauth_allow_origin $app;
    oauth_otp { send_via /send; }
    $more
    location = /send { internal; $location{$_} }
}
CONF
} @names;

# Every variable that could hold it, of the client's request and of the subrequest.
my $format = q(log_format every '$request|$request_uri|$uri|$args|$status|$oauth_error|$oauth_flow_id|$content_length|$http_cookie'; access_log %%DIR%%/every.log every; log_subrequest on;);
my $nginx = OAuth::Nginx->new(http => "$format\n$servers", log_level => 'debug')->start;
my %at = map { $_ => OAuth::Otp->new($nginx, $box, port => $port{$_}, path => $location{$_} =~ m{\Q$url\E(/\w+)} ? $1 : '/none') } @names;
my %secret;

# This one is read at the end: it takes its time to fail.
is $at{hangs}->ask('hangs@example.com')->{status}, 200, 'a service that does not answer keeps nobody waiting';

subtest 'what it is told' => sub {
    $box->forget;
    my $connection = $nginx->connect(port => $port{headers});
    $connection->request(POST => '/token', body => { grant_type => 'otp', email => 'ann@example.com' },
        headers => [Origin => $app, Cookie => 'a=b', Authorization => 'Basic eDp5', 'X-Mine' => 'x']);
    my ($request, @more);
    ok wait_until { ($request, @more) = $box->requests('/mail') }, 'it is asked';
    is scalar(@more), 0, '  once';
    is $request->{line}, 'POST /mail HTTP/1.0', '  by POST';
    my %got = map { lc $_->[0] => $_->[1] } @{ $request->{headers} };
    is_deeply \%got, { host => 'localhost', 'content-type' => 'application/json', 'content-length' => length $request->{body},
        accept => 'application/json', authorization => 'Bearer of-the-mail-service', connection => 'close' },
        '  with the headers of its location, and none of the client\'s' or diag explain \%got;
    my $mail = decode_json($request->{body});
    is $mail->{email}, 'ann@example.com', '  about the address';
    is $at{headers}->redeem($mail)->{status}, 200, '  and the code';
    @secret{ 'address', 'code', 'id' } = @$mail{qw(email otp otp_id)};
};

subtest 'any 2xx is a mail' => sub {
    for my $how (qw(mail made none returned)) {
        my $before = length $nginx->error_log;
        is $at{$how}->ask("$how\@example.com")->{status}, 200, "$how: answered";
        ok wait_until { $how eq 'returned' || $box->requests($at{$how}{path}) }, '  and sent';
        sleep 0.1;
        unlike substr($nginx->error_log, $before), qr/oauth: the message/, '  and nobody complains';
    }
};

subtest 'a failure is a line in the log, and the answer is the same' => sub {
    my %line = (
        refuses => qr/was answered with status 422/, breaks => qr/was answered with status 500/, moves => qr/was answered with status 302/,
        resets => qr/was answered with status 502/, down => qr/was answered with status 502/, absent => qr/was answered with status 404/,
        diverted => qr/: fetch_diverted/,
    );
    for my $how (sort keys %line) {
        my $before = length $nginx->error_log;
        my $reply = $at{$how}->ask("$how\@example.com");
        is "$reply->{status} $reply->{json}{type}", '200 otp-sent', "$how: answered";
        my $news = sub { return substr $nginx->error_log, $before };
        ok wait_until { $news->() =~ qr{\[error\].* oauth: the message to "/send".*$line{$how}} }, '  and logged' or diag $news->();
        is scalar(my @lines = $news->() =~ /oauth: the message/g), 1, '  once';
    }
};

subtest 'a client that leaves' => sub {
    for my $number (1 .. 40) {
        my $how = qw(waits mail breaks hangs)[$number % 4];
        my $connection = $nginx->connect(port => $port{$how});
        $connection->send($at{$how}->text({ grant_type => 'otp', email => "a$number\@example.com" }));
        sleep rand 0.02;
        setsockopt $connection->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if rand() < 0.5;
        $connection->close;
    }
    my $mail = $at{waits}->mail_to('still@example.com');
    is $at{waits}->redeem($mail)->{status}, 200, 'at any moment, and others go on';

    $box->forget;
    my $connection = $nginx->connect(port => $port{waits});
    $connection->send($at{waits}->text({ grant_type => 'otp', email => 'gone@example.com' }));
    is $connection->read_response->{status}, 200, 'who has his answer';
    setsockopt $connection->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $connection->close;
    ok wait_until { defined $box->sent('/waits') }, '  gets his mail though he left';
};

subtest 'requests behind it on the same connection' => sub {
    my $text = $at{mail}->text({ grant_type => 'otp', email => 'pipe@example.com' });
    my $connection = $nginx->connect(port => $port{mail});
    $connection->send($text . "GET /auth-providers HTTP/1.1\r\nHost: localhost\r\n\r\n" x 3);
    is $connection->read_response->{status}, 200, 'the first is answered';
    is $connection->read_response->{status}, 0, '  and no other';
    $connection->close;
};

subtest 'a service that never answers' => sub {
    ok wait_until { $nginx->error_log =~ m{oauth: the message to "/send": fetch_timeout} }, 'is given up';
};

subtest 'the location' => sub {
    is $nginx->get('/send', port => $port{mail})->{status}, 404, 'is closed to clients';
};

subtest 'what the logs hold' => sub {
    my $access = slurp($nginx->dir . '/every.log');
    like $access, qr{POST /token}, 'the requests';
    unlike $access, qr/\@example|$secret{code}|\Q$secret{id}\E/, '  without address and code';
    my @ours = grep { /oauth: / } split /\n/, $nginx->error_log;
    is_deeply [grep { s/, client: .*//r =~ /\@|example|$secret{code}|\Q$secret{id}\E/ } @ours], [], 'our lines have neither, at any level';
    my @info = grep { !/\[debug\]/ } split /\n/, $nginx->error_log;
    is_deeply [grep { /\@example|$secret{code}|\Q$secret{id}\E/ } @info], [], 'nor has any line above debug';
};

$nginx->stop;
done_testing;
