# Guessing does not help: not at one mail, not over many mails for one address, not in parallel; and
# nobody but that address is touched by it.
use lib 't/lib';
use OAuth::Test;
use OAuth::Otp;

my $app = $OAuth::Otp::APP;
for my $store ('shared memory', 'Redis') {
    subtest $store => sub {
        my $redis = $store eq 'Redis' ? OAuth::Redis->new->start : undef;
        my $box = OAuth::Otp->box;
        my $line = $redis ? 'oauth_store redis://127.0.0.1:' . $redis->port . ';' : '';
        my $nginx = OAuth::Nginx->new(workers => 2, http => <<"CONF")->start;
$line
server {
    listen 127.0.0.1:%%PORT%% reuseport;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin $app;
    oauth_otp { send_via /mail; attempts 3; resend 1s; }
    location = /mail { internal; proxy_pass @{[ $box->url ]}; }
}
CONF
        my $otp = OAuth::Otp->new($nginx, $box);
        my $wrong = sub { my ($mail) = @_; return $otp->redeem($mail, otp => $mail->{otp} eq 'ZZZZZZZZ' ? 'YYYYYYYY' : 'ZZZZZZZZ') };
        my $words = '401 The code is wrong or has expired. Please try again.';

        my $mail = $otp->mail_to('ann@example.com');
        is_deeply [map { my $reply = $wrong->($mail); "$reply->{status} $reply->{body}" } 1 .. 3], [($words) x 3], 'three wrong guesses';
        my $late = $otp->redeem($mail);
        is "$late->{status} $late->{body}", $words, 'make the right one as wrong as they were';
        like $nginx->error_log, qr/oauth: token refused: otp_refused \(otp_tries_spent\), flow [0-9a-f]{32},/, '  and the log knows why';

        my $parallel = $otp->mail_to('par@example.com');
        my @texts = map { $otp->text($otp->answer_to($parallel, otp => "ZZZZZZZ$_")) } 2 .. 9, 'A' .. 'H', 'J' .. 'N';
        my @connections = map { $nginx->connect } @texts;
        $connections[$_]->send($texts[$_]) for 0 .. $#texts;
        is_deeply [grep { $_->read_response->{status} != 401 } @connections], [], 'twenty guesses at once';
        $_->close for @connections;
        is $otp->redeem($parallel)->{status}, 401, '  are not more than three';

        my @mails;
        for (1 .. 5) {
            push @mails, $otp->mail_to('bob@example.com', again => 1);
            $wrong->($mails[-1]) for 1 .. 3;
        }
        is $otp->redeem($mails[-1])->{status}, 401, 'who asks for ever more mails does not get ever more guesses';
        my $tries = () = $nginx->error_log =~ /otp_tries_spent/g;
        cmp_ok $tries, '>=', 4, '  which the log shows';

        my $other = $otp->mail_to('carl@example.com');
        is $otp->redeem($other)->{status}, 200, 'and nobody else is locked out';
        $nginx->stop;
        $redis->stop if $redis;
    };
}
done_testing;
