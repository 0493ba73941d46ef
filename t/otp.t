# A one-time password by e-mail signs in: both steps of dexie-contract 4.3 as the real client takes
# them, with the store in shared memory and in Redis.
use lib 't/lib';
use OAuth::Test;
use OAuth::Otp;
use OAuth::Upstream;

my $app = $OAuth::Otp::APP;

for my $store ('shared memory', 'Redis') {
    subtest $store => sub {
        my $redis = $store eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $box = OAuth::Otp->box;
        my $line = $redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : '';
        my $nginx = OAuth::Nginx->new(workers => 2, http => "$line\n" . servers($box->url))->start;
        my $otp = OAuth::Otp->new($nginx, $box);

        is_deeply decode_json($nginx->get('/auth-providers')->{body}), { providers => [], otpEnabled => JSON::PP::true },
            'a broker may have no other way to sign in, and says so';
        is_deeply decode_json($nginx->get('/auth-providers', port => 1)->{body})->{otpEnabled}, JSON::PP::false, 'another says that it has none';

        my $asked = $otp->ask('Ann@Example.com');
        is $asked->{status}, 200, 'who asks for a code';
        is_deeply [sort keys %{ $asked->{json} }], [qw(otp_id type)], '  is told its id';
        is $asked->{json}{type}, 'otp-sent', '  and that it was sent';
        is header($asked, 'access-control-allow-origin'), $app, '  where he is';
        is header($asked, 'cache-control'), 'no-store', '  and nobody keeps it';
        ok wait_until { $otp->mails == 1 }, 'a mail comes';
        my ($mail) = $otp->mails;
        is $mail->{email}, 'ann@example.com', '  to the address in lower case';
        like $mail->{otp}, qr/\A[2-9A-HJ-NP-Z]{8}\z/, '  with a code that nobody misreads';
        is $mail->{otp_id}, $asked->{json}{otp_id}, '  its id';
        cmp_ok abs($mail->{expires} - time - 600), '<', 60, '  and its end';
        is_deeply [sort keys %$mail], [qw(email expires otp otp_id)], '  and nothing else';

        my $tokens = $otp->redeem($mail);
        is $tokens->{status}, 200, 'the code';
        is_deeply $tokens->{json}{claims}, { sub => 'email:ann@example.com', email => 'ann@example.com', email_verified => JSON::PP::true,
            name => 'ann@example.com', license => 'ok' }, '  signs in who reads mail at that address';
        is $nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{json}{accessToken}"])->{body}, 'email:ann@example.com', '  everywhere';
        ok $tokens->{json}{refreshToken}, '  for longer than a token lives';

        my $again = $otp->redeem($mail);
        is "$again->{status} $again->{body}", '401 The code is wrong or has expired. Please try again.', 'once';
        is header($again, 'content-type'), 'text/plain; charset=utf-8', '  (the client shows the body as it is)';

        my $first = $otp->mail_to('bob@example.com', email => 'BOB@example.com');
        my $refused = $otp->redeem($first, otp => $first->{otp} eq 'ZZZZZZZZ' ? 'YYYYYYYY' : 'ZZZZZZZZ');
        is $refused->{status}, 401, 'a wrong code is refused';
        is $refused->{body}, $again->{body}, '  in the same words';
        for my $case (['from another origin', [origin => 'https://other.example.com']], ['at another broker', [port => 2]]) {
            my $elsewhere = OAuth::Otp->new($nginx, $box, @{ $case->[1] });
            is $elsewhere->redeem($first)->{status}, 401, "so is the right one $case->[0]";
        }
        is $otp->redeem($first, email => 'ann@example.com')->{status}, 401, '  or for another address';
        is $otp->redeem($first, email => undef, otp => lc $first->{otp})->{status}, 200, 'a link in the mail names nobody';

        subtest 'of fifty who bring one code' => sub {
            my $mail = OAuth::Otp->new($nginx, $box, port => 2)->mail_to('race@example.com');
            my $text = $otp->text($otp->answer_to($mail));
            my @connections = map { $nginx->connect(port => 2) } 1 .. 50;
            $_->send($text) for @connections;
            my %seen;
            $seen{ $_->read_response->{status} }++ for @connections;
            $_->close for @connections;
            is_deeply \%seen, { 200 => 1, 401 => 49 }, 'one gets in';    # DESIGN 6: single use is atomic
        };

        if ($redis) {
            my $mail = $otp->mail_to('dump@example.com');
            my %kept = map { $_ => eval { $redis->command(GET => $_) } || '' } @{ $redis->command(KEYS => '*') };
            my $all = join "\n", %kept;
            unlike $all, qr/\Q$mail->{otp}\E|\@|example/i, 'the store holds neither code nor address';
            $redis->stop;
            ok wait_until { $otp->ask('late@example.com')->{status} == 503 }, 'without the store nobody is sent a code';
            is $otp->redeem($mail)->{status}, 503, '  nor let in';
        }
        $nginx->stop;
    };
}
done_testing;

sub servers {
    my ($url) = @_;
    my $server = sub {
        my ($port, $more) = @_;
        return <<"CONF";
server {
    listen 127.0.0.1:%%PORT$port%%;
    oauth_broker http://localhost:%%PORT$port%%;
    oauth_allow_origin $app https://other.example.com;
    $more
    location = /mail { internal; proxy_pass $url; }
    location /api/ { oauth_protect bearer; proxy_set_header X-User \$oauth_sub; proxy_pass http://127.0.0.1:%%PORT3%%; }
}
CONF
    };
    return join '', "oauth_provider demo { type demo; user a\@demo.local A; }\n",
        $server->('', 'oauth_otp { send_via /mail; }'),
        $server->(1, 'oauth_use demo;'),
        $server->(2, 'oauth_otp { send_via /mail; attempts 20; }'),
        "server { listen 127.0.0.1:%%PORT3%%; location / { default_type text/plain; return 200 \$http_x_user; } }\n";
}
