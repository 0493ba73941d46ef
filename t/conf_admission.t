# Mistakes in oauth_allow and oauth_admit die at `nginx -t`, at their line: a rule that is not what
# it looks like would let in, or lock out, the wrong people.
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned);

my $demo = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
my $broker = "listen 127.0.0.1:%%PORT%%;\noauth_broker http://localhost:%%PORT%%;\noauth_allow_origin https://app.example.com;";
sub server { return $demo . "server {\n$broker\n" . join("\n", @_) . "\n}\n" }

mistake("the rule \"$_\"", server("oauth_allow \"$_\"; #!"), qr/"oauth_allow" ".*": is no rule; possible are: email=ADDRESS, domain=DOMAIN, group=NAME, claim:PATH=VALUE/)
    for '', 'alice@demo.local', 'mail=alice@demo.local', 'any', '*', 'group';
mistake("the rule \"$_\"", server("oauth_allow \"$_\"; #!"), qr/write one whole address, email=ann\@example\.com/)
    for 'email=', 'email=demo.local', 'email=*@demo.local', 'email=a@b.example,c@d.example';
mistake("the rule \"$_\"", server("oauth_allow \"$_\"; #!"), qr/write one whole domain, .*each subdomain is a rule of its own/)
    for 'domain=', 'domain=*.demo.local', 'domain=@demo.local', 'domain=.local', 'domain=https://demo.local', 'domain=127.0.0.1';
mistake("the rule \"$_\"", server("oauth_allow \"$_\"; #!"), qr/write claim:PATH=VALUE/) for 'claim:', 'claim:hd', 'claim:hd=', 'claim:=x';
mistake('a pointer that is none', server('oauth_allow claim:/a~x=b; #!'), qr/no JSON Pointer \(RFC 6901\)/);
mistake('an unverified address by way of a claim', server('oauth_allow claim:email=a@b.example; #!'), qr/write email=ADDRESS/);
mistake('a group without a name', server('oauth_allow group=; #!'), qr/group=admins/);
mistake('the second of two rules', server('oauth_allow group=a;', 'oauth_allow email=b@c.example nonsense; #!'), qr/"nonsense": is no rule/);
mistake("$_ where nobody signs in", "$demo server {\nlisten 127.0.0.1:%%PORT%%;\n$_; #!\nlocation = /admit { internal; return 204; }\n}\n",
    qr/in a server without a broker/) for 'oauth_allow group=a', 'oauth_admit /admit';

my $needs = qr/"oauth_admit \/admit" needs "location = \/admit \{ internal; … \}" in this server/;
mistake('a location that is not there', server('oauth_admit /admit; #!'), $needs);
mistake('a location that is not internal', server('oauth_admit /admit; #!', 'location = /admit { return 204; }'), $needs);
mistake('a location that is not exact', server('oauth_admit /admit; #!', 'location /admit { internal; return 204; }'), $needs);
mistake('a location by regular expression', server('oauth_admit /admit; #!', 'location ~ ^/admit$ { internal; return 204; }'), $needs);
mistake('a location inside another', server('oauth_admit /admit; #!', 'location / { location = /admit { internal; return 204; } }'), $needs);
mistake('a location of another server', server('oauth_admit /admit; #!') . "server {\nlisten 127.0.0.1:%%PORT1%%;\nlocation = /admit { internal; return 204; }\n}\n", $needs);
mistake("oauth_admit \"$_\"", server("oauth_admit \"$_\"; #!"), qr/write the path of an internal location, e\.g\. \/admit/) for '', 'admit', 'http://127.0.0.1/admit', '@admit';
mistake('oauth_admit twice', server('oauth_admit /admit;', 'oauth_admit /other; #!', 'location = /admit { internal; return 204; }'), qr/"oauth_admit" is given twice/);
mistake('a location that fetches go to', "oauth_provider acme {\ntype oidc; client_id a; client_secret s; issuer https://id.example.com; fetch_location /out;\n}\n"
    . "server {\n$broker\noauth_admit /out; #!\nlocation = /out { internal; proxy_pass http://127.0.0.1:9; }\n}\n", qr/names a "fetch_location": give it a location of its own/);

warned('all of them as they should be', server('oauth_allow email=a@b.example domain=b.example;', 'oauth_allow group=ops claim:/a~1b/0=x claim:level=3;',
    'oauth_admit /admit;', 'location = /admit { internal; return 204; }'), undef);
done_testing;
