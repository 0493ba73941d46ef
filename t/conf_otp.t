# Mistakes in oauth_otp die at `nginx -t`, at their line: a mail that nobody sends, or that goes to
# the wrong place, would be found out by people who wait for it.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned);

my $listen = "listen 127.0.0.1:%%PORT%%;\noauth_allow_origin https://app.example.com;";
my $broker = "$listen\noauth_broker http://localhost:%%PORT%%;";
my $mail = 'location = /mail { internal; return 204; }';
sub server { return "server {\n$broker\n" . join("\n", @_) . "\n}\n" }
sub member { return server("oauth_otp {\nsend_via /mail;\n$_[0] #!\n}", $mail) }

my %wrong = (
    'length 5;'             => qr/"length" in oauth_otp must be a number from 6 to 16/,
    'length 17;'            => qr/from 6 to 16/,
    'length eight;'         => qr/from 6 to 16/,
    'length 6 8;'           => qr/"length" in oauth_otp has the wrong number of values/,
    'lifetime 59s;'         => qr/"lifetime" in oauth_otp must be a time between 1m and 1h, e\.g\. 10m/,
    'lifetime 61m;'         => qr/between 1m and 1h/,
    'lifetime never;'       => qr/between 1m and 1h/,
    'attempts 0;'           => qr/"attempts" in oauth_otp must be a number from 1 to 20/,
    'attempts 21;'          => qr/from 1 to 20/,
    'attempts -1;'          => qr/from 1 to 20/,
    'resend 0;'             => qr/"resend" in oauth_otp must be a time between 1s and 1h, e\.g\. 30s/,
    'resend 2h;'            => qr/between 1s and 1h/,
    'sends 0/h;'            => qr{"sends" in oauth_otp must say how many mails .*1/h to 100000/h, e\.g\. 1000/h},
    'sends 100001/h;'       => qr{1/h to 100000/h},
    'sends 10;'             => qr{1/h to 100000/h},
    'sends 10/m;'           => qr{1/h to 100000/h},
    'sends /h;'             => qr{1/h to 100000/h},
    'sends 1x/h;'           => qr{1/h to 100000/h},
    'send_via /mail;'       => qr/"send_via" in oauth_otp is given twice/,
    'retries 3;'            => qr/"retries" in oauth_otp is unknown; possible are: send_via, length, lifetime, attempts, resend, sends, allow_email_domain/,
    'allow_email_domain;'   => qr/"allow_email_domain" in oauth_otp has the wrong number of values/,
    (map { ("allow_email_domain example.org $_;" => qr/"\Q$_\E": write one whole domain, e\.g\. example\.com; each subdomain is one of its own/) }
        '*.example.com', '@example.com', 'a@example.com', '.example.com', 'localhost', 'https://example.com', 'example.com,example.org'),
);
mistake($_, member($_), $wrong{$_}) for sort keys %wrong;

mistake("send_via $_", server("oauth_otp {\nsend_via $_; #!\n}", $mail), qr/"send_via" in oauth_otp must be the path of an internal location, e\.g\. \/mail/)
    for '""', 'mail', 'http://127.0.0.1/mail', '@mail';
mistake('oauth_otp without send_via', server("oauth_otp { #!\nlength 8;\n}", $mail), qr/oauth_otp needs "send_via \/PATH;"/);
mistake('oauth_otp twice', server('oauth_otp { send_via /mail; }', 'oauth_otp { send_via /mail; } #!', $mail), qr/"oauth_otp" is given twice/);
mistake('oauth_otp where nobody signs in', "server {\n$listen\noauth_otp { send_via /mail; } #!\n$mail\n}\n", qr/in a server without a broker/);

my $needs = qr/"send_via \/mail" needs "location = \/mail \{ internal; … \}" in this server, e\.g\. with "proxy_pass" to what sends the mail/;
my $otp = 'oauth_otp { send_via /mail; } #!';
mistake('a location that is not there', server($otp), $needs);
mistake('a location that is not internal', server($otp, 'location = /mail { return 204; }'), $needs);
mistake('a location that is not exact', server($otp, 'location /mail { internal; return 204; }'), $needs);
mistake('a location of another server', server($otp) . "server {\nlisten 127.0.0.1:%%PORT1%%;\n$mail\n}\n", $needs);
mistake('the location of oauth_admit', server($otp, 'oauth_admit /mail;', $mail), qr/"send_via \/mail" names a "oauth_admit": give it a location of its own/);
mistake('a location that fetches go to', "oauth_provider acme {\ntype oidc; client_id a; client_secret s; issuer https://id.example.com; fetch_location /mail;\n}\n"
    . server($otp, 'location = /mail { internal; proxy_pass http://127.0.0.1:9; }'), qr/"send_via \/mail" names a "fetch_location": give it a location of its own/);

warned('a broker without a provider', server('oauth_otp { send_via /mail; }', $mail), undef);
warned('all of them as they should be', member('length 6; lifetime 1h; attempts 20; resend 1s; sends 1/h; allow_email_domain Example.com example.org;'), undef);
my $second = "server {\nlisten 127.0.0.1:%%PORT1%%;\noauth_allow_origin https://app.example.com;\noauth_broker http://localhost:%%PORT1%%;\n";
warned('of two brokers one that has no provider', "oauth_provider demo { type demo; user a\@demo.local A; }\n" . server('oauth_otp { send_via /mail; }', $mail) . "${second}oauth_use demo;\n}\n", undef);
done_testing;
