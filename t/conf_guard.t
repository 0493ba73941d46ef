# Mistakes in what is said of protected locations die at `nginx -t`, at their line, and say what to
# write instead (req 169, DESIGN 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned);

my $demo = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
my $listen = 'listen 127.0.0.1:%%PORT%%;';
my $broker = "oauth_broker http://localhost:%%PORT%%;\noauth_allow_origin https://app.example.com;";
my $server = sub { return "${demo}server {\n$listen\n$broker\n" . join("\n", @_) . "\n}\n" };
my $location = sub { return $server->("location /x {", @_, '}') };

subtest 'oauth_protect' => sub {
    my $possible = qr/is unknown here; possible is: bearer \[query=NAME\[:any\]\] \[optional\], each once/;
    mistake("oauth_protect $_", $location->("oauth_protect $_; #!"), $possible)
        for 'bearer query', 'bearer query=a query=b', 'bearer optional query=a optional', 'bearer Optional', 'bearer token=a';
    mistake("oauth_protect $_", $location->("oauth_protect $_; #!"), qr/name the argument by letters, digits, "-" and "_", e\.g\. query=token, or query=token:any/)
        for 'bearer query=', 'bearer query=:any', 'bearer query=a:all', 'bearer query=a:any:any', 'bearer "query=a b"', 'bearer query=a%20', 'bearer query=' . 'a' x 65;
    mistake("oauth_protect $_", $location->("oauth_protect $_; #!"), qr/must be "bearer" or "off"/) for 'off query=a', 'query=a', 'optional';
    mistake('oauth_protect twice', $location->('oauth_protect bearer;', 'oauth_protect off; #!'), qr/"oauth_protect" is given twice/);
    warned("oauth_protect $_", $location->("oauth_protect $_;"), undef)
        for 'bearer query=token', 'bearer query=token:any', 'bearer optional query=access_token', 'bearer query=t-2 optional';
};

subtest 'oauth_pass_token, oauth_cors' => sub {
    for my $name (qw(oauth_pass_token oauth_cors)) {
        mistake("$name $_", $location->('oauth_protect bearer;', "$name $_; #!"), qr/"$name" must be "on" or "off"/) for qw(yes ON 1);
        mistake("$name twice", $location->('oauth_protect bearer;', "$name on;", "$name off; #!"), qr/"$name" is given twice/);
        warned("$name in the server and in a location", $server->("$name on;", 'oauth_protect bearer;', "location /x { $name off; }"), undef);
    }
    mistake('oauth_cors in http', "oauth_cors on; #!\n" . $server->(), qr/"oauth_cors" directive is not allowed here/);
    my $other = sub { return $server->() . "server {\nlisten 127.0.0.1:%%PORT1%%;\n" . join("\n", @_) . "\n}\n" };
    my $text = qr/"oauth_cors" has no origins to allow: put "oauth_allow_origin" into this server/;
    mistake('oauth_cors in a server without a broker', $other->('oauth_cors on; #!'), $text);
    mistake('oauth_cors in a location of one', $other->("location /x {\noauth_cors on; #!\n}"), $text);
    warned('oauth_cors off there', $other->('oauth_cors off;'), undef);
    warned('oauth_pass_token in http', "oauth_pass_token off;\n" . $other->(), undef);
};

subtest 'oauth_expired_grace, oauth_stream_lifetime' => sub {
    mistake("oauth_expired_grace $_", $location->('oauth_protect bearer;', "oauth_expired_grace $_; #!"), qr/"oauth_expired_grace" must lie between 0s and 10m/) for qw(601 11m 1h);
    mistake("oauth_expired_grace $_", $location->('oauth_protect bearer;', "oauth_expired_grace $_; #!"), qr/"oauth_expired_grace" must be a time, e\.g\. 30s/) for qw(on -1s 5x);
    mistake('oauth_expired_grace twice', $location->('oauth_protect bearer;', 'oauth_expired_grace 1m;', 'oauth_expired_grace 1m; #!'), qr/"oauth_expired_grace" is given twice/);
    mistake('oauth_expired_grace in http', "oauth_expired_grace 1m; #!\n" . $server->(), qr/directive is not allowed here/);
    my $lifetime = qr/"oauth_stream_lifetime" must be "token", "off", or how much longer than the token, from 0s to 24h/;
    mistake("oauth_stream_lifetime $_", $location->('oauth_protect bearer;', "oauth_stream_lifetime $_; #!"), $lifetime) for qw(on forever -1s 25h);
    mistake('oauth_stream_lifetime twice', $location->('oauth_protect bearer;', 'oauth_stream_lifetime off;', 'oauth_stream_lifetime 1m; #!'), qr/"oauth_stream_lifetime" is given twice/);
    warned("oauth_stream_lifetime $_", $location->('oauth_protect bearer;', "oauth_stream_lifetime $_;"), undef) for qw(token off 0 30s 24h);
    warned("oauth_expired_grace $_", $location->('oauth_protect bearer;', "oauth_expired_grace $_;"), undef) for qw(0 90s 10m);
};

subtest 'what does nothing' => sub {
    for my $line ('oauth_cors on;', 'oauth_pass_token off;', 'oauth_expired_grace 1m;', 'oauth_stream_lifetime off;') {
        my ($name) = $line =~ /^(\w+)/;
        warned("$name in a location that is not protected is warned of", $location->($line), qr/"$name" does nothing in a location without "oauth_protect bearer;" in \S+:\d+$/);
        warned('  not where the server protects it', $server->('oauth_protect bearer;', 'location /x {', $line, '}'), undef);
    }
};

done_testing;
