# Mistakes in what is required of tokens, and in what is said to upstreams, die at `nginx -t`, at their
# line, and say what to write instead (req 169, DESIGN 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned);

my $demo = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
my $listen = 'listen 127.0.0.1:%%PORT%%;';
my $broker = "oauth_broker http://localhost:%%PORT%%;\noauth_allow_origin https://app.example.com;";
my $server = sub { return "${demo}server {\n$listen\n$broker\n" . join("\n", @_) . "\n}\n" };
my $location = sub { return $server->("location /x {", @_, '}') };

subtest 'oauth_require' => sub {
    my $require = sub { return $location->('oauth_protect bearer;', "oauth_require $_[0]; #!") };
    mistake("oauth_require $_", $require->($_), qr/is no requirement; possible are: scope=NAME, claim:PATH=VALUE, claim:PATH~REGEX/) for 'admin', 'scope=a admin', 'role=admin', 'SCOPE=a', '""';
    mistake("oauth_require $_", $require->($_), qr/write one scope, e\.g\. scope=ACCESS_DB/) for 'scope=', '"scope=a b"', '\'scope=a"\'';
    mistake("oauth_require $_", $require->($_), qr/write claim:PATH=VALUE, e\.g\. claim:role=admin, or claim:PATH~REGEX/) for 'claim:', 'claim:role', 'claim:role=', 'claim:role~', 'claim:=x', 'claim:/a~1b';
    mistake("oauth_require $_", $require->($_), qr/is no regular expression: .+ at character \d+ of it/) for 'claim:role~(', 'claim:role~[', '"claim:role~a{2,1}"', 'claim:role~*', 'claim:role~\C';
    mistake('oauth_require off with others', $require->($_), qr/"oauth_require off" stands alone/) for 'off scope=a', 'off off';
    mistake('oauth_require off beside another', $location->('oauth_protect bearer;', 'oauth_require scope=a;', 'oauth_require off; #!'), qr/"oauth_require off" stands alone/);
    mistake('  or before it', $location->('oauth_protect bearer;', 'oauth_require off;', 'oauth_require scope=a; #!'), qr/"oauth_require off" stands alone/);
    mistake('scope=off is a scope', $location->('oauth_protect bearer;', 'oauth_require scope=off off; #!'), qr/"off": is no requirement/);
    warned("oauth_require $_", $location->('oauth_protect bearer;', "oauth_require $_;"), undef)
        for 'scope=a', 'scope=a scope=b claim:role=x', '"claim:q=a b"', 'claim:/a~1b=x', 'claim:a~[01].*', '"claim:a~x{2}"', 'off';
};

subtest 'a requirement that keeps nobody out' => sub {
    my $text = qr/"oauth_require" keeps nobody out: where it is meant to hold, write "oauth_protect bearer;" beside it/;
    mistake('in a location without oauth_protect', $location->('oauth_require scope=a; #!'), $text);
    mistake('beside oauth_protect off', $server->('oauth_protect bearer;', 'location /x {', 'oauth_protect off;', "oauth_require scope=a; #!", '}'), $text);
    mistake('in a location around a protected one', $location->('oauth_require scope=a; #!', 'location /x/y { oauth_protect bearer; }'), $text);
    mistake('in a server that protects nothing', $server->('oauth_require scope=a; #!', 'location /x { }'), $text);
    mistake('in http, where nothing is protected', "oauth_require scope=a; #!\n" . $server->('location /x { }'), $text);
    mistake('in a server whose locations drop it', $server->('oauth_require scope=a; #!', 'location /x { oauth_protect bearer; oauth_require off; }'), $text);
    warned('not in a server with a protected location', $server->('oauth_require scope=a;', 'location / { }', 'location /x { oauth_protect bearer; }'), undef);
    warned('nor in http, with one in any server', "oauth_require scope=a;\n" . $server->('location / { oauth_protect bearer; }') . "server { listen 127.0.0.1:%%PORT1%%; }\n", undef);
    warned('nor inherited by a location that is not protected', $server->('oauth_protect bearer;', 'oauth_require scope=a;', 'location /x { oauth_protect off; }'), undef);
};

subtest 'oauth_set_header, oauth_clear_header' => sub {
    mistake("oauth_set_header $_", $location->("oauth_set_header $_ x; #!"), qr/a header's name has letters, digits, "-" and "_", e\.g\. X-User/) for '""', '"X User"', 'X:', 'X.User', '$x', "X-Us\x{c3}\x{a4}r";
    for my $name (qw(Host content-length Transfer_Encoding Connection Keep-Alive TE Trailer Upgrade Expect Origin Proxy-Connection HTTP2-Settings Proxy_Authorization)) {
        mistake("$_ $name", $location->("$_ $name" . (/set/ ? ' x' : '') . '; #!'), qr/NGINX needs this header as the client sent it: write "proxy_set_header"/) for qw(oauth_set_header oauth_clear_header);
    }
    mistake("oauth_clear_header $_", $location->("oauth_clear_header $_; #!"), qr/"oauth_pass_token off;" keeps the token from the upstream/) for qw(Authorization AUTHORIZATION);
    mistake('a value with a control character', $location->("oauth_set_header X-User \"a$_\"; #!"), qr/its value has a control character/) for '\n', '\r', "\x01";
    my $twice = qr/is set or cleared at this level already, and is the same to many an upstream: once is enough/;
    mistake('a header that is set twice', $location->('oauth_set_header X-User a;', 'oauth_set_header X-User b; #!'), $twice);
    mistake('  in another spelling', $location->('oauth_set_header X-User a;', 'oauth_set_header x_user b; #!'), $twice);
    mistake('  and cleared', $location->('oauth_set_header X-User a;', 'oauth_clear_header X-User; #!'), $twice);
    mistake('  cleared twice', $location->('oauth_clear_header X-User X_USER; #!'), $twice);
    mistake('oauth_set_header without a value', $location->('oauth_set_header X-User; #!'), qr/invalid number of arguments/);
    warned('what is right', $server->('oauth_set_header X-User $oauth_sub;', 'oauth_clear_header X-A X-B;', 'location /x { oauth_set_header X-User ""; oauth_set_header X_A "a b"; oauth_clear_header Cookie; }'), undef);
    warned('in http, and without a broker', "oauth_set_header X-User \$oauth_sub;\nserver { listen 127.0.0.1:%%PORT%%; }\n", undef);
};

subtest 'oauth_claim' => sub {
    mistake("oauth_claim $_", "oauth_claim $_ role; #!\n" . $server->(), qr/write a variable of letters, digits and "_", e\.g\. \$user_role/) for 'role', '$', '$a-b', '${a}', '"$a b"';
    mistake("oauth_claim $_", "oauth_claim $_ role; #!\n" . $server->(), qr/this variable is another's already/) for '$uri', '$Host', '$oauth_sub', '$oauth_x', '$http_x', '$arg_a', '$cookie_a', '$sent_http_x';
    mistake('a variable of a map', "map \$uri \$mine { default 1; }\noauth_claim \$mine role; #!\n" . $server->(), qr/this variable is another's already/);
    mistake('the same twice', "oauth_claim \$mine role;\noauth_claim \$mine sub; #!\n" . $server->(), qr/this variable is another's already/);
    mistake('and a map after it', "oauth_claim \$mine role;\nmap \$uri \$mine { default 1; } #!\n" . $server->(), qr/duplicate "mine" variable/);
    mistake('set, after it', "oauth_claim \$mine role;\n" . $server->('set $mine 1; #!'), qr/duplicate "mine" variable/);
    mistake("a path $_", "oauth_claim \$mine $_; #!\n" . $server->(), qr/is no JSON Pointer \(RFC 6901\): a tilde in a name is written ~0/) for '/a~b', '/a~';
    mistake('no path', "oauth_claim \$mine \"\"; #!\n" . $server->(), qr/names no claim: write the name of a member, e\.g\. groups, or a JSON Pointer/);
    mistake('oauth_claim in a server', $server->('oauth_claim $mine role; #!'), qr/directive is not allowed here/);
    warned("oauth_claim $_", "oauth_claim $_;\n" . $server->(), undef) for '$role role', '$r /realm_access/roles', '$t https://example.com/tenant';
};

done_testing;
