# Who asks for a code cannot tell whether a mail was sent: not by the answer, not by when it comes,
# not by when the connection ends. And only a malformed address is an error.
use lib 't/lib';
use OAuth::Test;
use OAuth::Otp;
use OAuth::Upstream;
use Time::HiRes qw(sleep);

my $app = $OAuth::Otp::APP;
my $held = File::Temp->newdir('oauth-otp-XXXXXX', TMPDIR => 1);
chmod 0755, $held;
is system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout $held/key.pem -out $held/cert.pem 2>/dev/null"), 0, 'there is a certificate';
my $box = OAuth::Otp->box('/held' => [{ until => "$held/go" }, OAuth::Upstream::reply(200, 'ok')]);
my $url = $box->url;

my $rules = 'allow_email_domain example.com example.org;';
my $nginx = OAuth::Nginx->new(http => <<"CONF")->start;
server {
    listen 127.0.0.1:%%PORT%%;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin $app;
    oauth_allow domain=example.com email=eve\@foreign.example;
    oauth_otp { send_via /mail; $rules }
    location = /mail { internal; proxy_pass $url; }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    listen 127.0.0.1:%%PORT3%% ssl;
    listen 127.0.0.1:%%PORT4%% http2;
    ssl_certificate $held/cert.pem;
    ssl_certificate_key $held/key.pem;
    oauth_broker http://localhost:%%PORT1%%;
    oauth_allow_origin $app;
    oauth_otp { send_via /held; $rules }
    location = /held { internal; proxy_pass $url; }
}
server {
    listen 127.0.0.1:%%PORT2%%;
    oauth_broker http://localhost:%%PORT2%%;
    oauth_allow_origin $app;
    oauth_otp { send_via /mail; sends 2/h; }
    location = /mail { internal; proxy_pass $url; }
}
CONF
my $otp = OAuth::Otp->new($nginx, $box);

# What everybody could compare: the head but for the date, and the shape of the body.
sub seen {
    my ($reply) = @_;
    my $head = $reply->{head} =~ s/^Date: .*\r?\n//mr;
    my $id = $reply->{json}{otp_id};
    return [$head, [sort keys %{ $reply->{json} }], $reply->{json}{type}, length $id, $id =~ /\A[\w-]+\z/ ? 'base64url' : $id];
}

subtest 'one answer for everybody' => sub {
    my $known = $otp->ask('ann01@example.com');
    is $known->{status}, 200, 'an address that may sign in';
    my %other = (
        'a foreign domain'              => 'eve@foreign.example',
        'an address that no rule lets in' => 'ann1@example.org',
        'one that asks again too soon'  => 'ann01@example.com',
    );
    for my $who (sort keys %other) {
        my $reply = $otp->ask($other{$who});
        my ($expected) = $other{$who} eq 'ann01@example.com' ? $known : $otp->ask('x' . 'n' x (length($other{$who}) - 13) . '@example.com');
        is_deeply seen($reply), seen($expected), $who;
    }
    ok wait_until { $otp->mails == 3 }, 'mails go to those alone who may sign in';
    is scalar(grep { !/\@example\.com\z/ } map { $_->{email} } $otp->mails), 0, '  and to nobody else';
    my $log = $nginx->error_log;
    like $log, qr/\[info\].* oauth: token done \($_\), flow [0-9a-f]{32},/, "the log says why none was sent: $_" for qw(email_not_allowed otp_too_soon);
};

subtest 'a cap on all mails of the broker' => sub {
    my $capped = OAuth::Otp->new($nginx, $box, port => 2);
    $box->forget;
    my @replies = map { $capped->ask("a$_\@example.com") } 1 .. 4;
    is_deeply seen($_), seen($replies[0]), 'the same answer' for @replies[1 .. 3];
    ok wait_until { $capped->mails == 2 }, 'two mails an hour';
    like $nginx->error_log, qr/\[warn\].* oauth: token done \(otp_sends_spent\), flow/, 'the operator is warned';
    sleep 0.2;
    is scalar(my @mails = $capped->mails), 2, '  and it stays with two';
};

subtest 'a guess at a code that was never sent' => sub {
    my $decoy = $otp->ask('eve@foreign.example')->{json};
    my $reply = $otp->redeem({ email => 'eve@foreign.example', otp => 'ABCDEFGH', otp_id => $decoy->{otp_id} });
    is "$reply->{status} $reply->{body}", '401 The code is wrong or has expired. Please try again.', 'is wrong like any other';
};

# Asked for, and neither taken nor given up, both of which would have been before nginx closed.
sub is_on_its_way {
    ok wait_until { scalar(my @now = $box->requests('/held')) }, '  while the mail is asked for';
    return unlike $nginx->error_log, qr/oauth: the message to/, '  and on its way';
}

# The letter box of this broker holds every mail back: what is answered and closed is so before.
subtest 'nobody waits for the mail' => sub {
    my $slow = OAuth::Otp->new($nginx, $box, port => 1, path => '/held');
    for my $how ('asked to close', 'asked to keep alive') {
        my %mail = ('with a mail' => "$how\@example.com" =~ s/ /-/gr, 'without one' => 'eve@foreign.example');
        for my $what (sort keys %mail) {
            $box->forget;
            my $connection = $nginx->connect(port => 1);
            my $reply = $connection->request(POST => '/token', body => { grant_type => 'otp', email => $mail{$what} },
                headers => [Origin => $app], close => $how eq 'asked to close');
            is $reply->{status}, 200, "$how, $what: answered";
            is header($reply, 'connection'), 'close', '  for the last time';
            ok $connection->wait_closed, '  and closed';
            $connection->send("GET /auth-providers HTTP/1.1\r\nHost: localhost\r\n\r\n");
            is $connection->read_response->{status}, 0, '  to further requests too';
            $connection->close;
            is_on_its_way() if $what eq 'with a mail';
        }
    }
    for my $case (['over TLS, with a mail' => 'tls@example.com'], ['over TLS, without one' => 'eve@foreign.example']) {
        my ($what, $email) = @$case;
        $box->forget;
        my $connection = $nginx->connect(port => 3, tls => 1);
        is $connection->request(POST => '/token', body => { grant_type => 'otp', email => $email }, headers => [Origin => $app])->{status}, 200, "$what: answered";
        ok $connection->wait_closed, '  and closed';
        $connection->close;
        is_on_its_way() if $email =~ /^tls/;
    }
    for my $case (['over HTTP/2, with a mail' => 'two@example.com'], ['over HTTP/2, without one' => 'eve@foreign.example']) {
        my ($what, $email) = @$case;
        my $body = encode_json({ grant_type => 'otp', email => $email });
        my $port = $nginx->port(4);
        my $seen = `curl -s --max-time 20 --http2-prior-knowledge -w '%{http_version} %{http_code}' -H 'content-type: application/json' -H 'origin: $app' -d '$body' http://127.0.0.1:$port/token`;
        like $seen, qr/"otp-sent".*2 200\z/s, "$what: answered";
    }
    spew("$held/go", '');
    chmod 0644, "$held/go";
    ok wait_until { defined $box->sent('/held') }, 'then the mail is taken';
};

subtest 'only a malformed address is an error' => sub {
    $box->forget;
    for my $email ('', 'ann', 'ann@localhost', 'a@example.com as b@example.com', 'a@example.com,b@example.com', '"a b"@example.com',
        "a\@example.com\r\nBcc: b\@example.com", "\x{e4}\@example.com", 'a' x 65 . '@example.com') {
        my $reply = $otp->ask($email);
        is $reply->{status}, 400, 'refused: ' . $email =~ s/[^ -~]/./gr;
        is $reply->{json}{messageCode}, 'INVALID_EMAIL', '  as the client knows it';
    }
    is scalar(my @mails = $otp->mails), 0, 'no mail is sent';
};

$nginx->stop;
done_testing;
