# Mistakes in oauth_trust die at `nginx -t`, at their line, and say what to write instead (req 169,
# DESIGN 2 and 4).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake warned check);
use OAuth::Forge;

my $issuer = 'https://id.example.com/';
my $needed = "audience api;\nsubject_prefix acme;\n";
my $guarded = "location /api { oauth_protect bearer; }\n";
my $provider = "oauth_provider google { client_id x; client_secret y; }\n";
my $broker = "oauth_broker https://auth.example.com;\noauth_allow_origin https://app.example.com;\n";

sub server { my ($text, $port) = @_; return 'server { listen 127.0.0.1:%%PORT' . ($port || '') . "%%;\n$text}\n" }

# The block in a server of its own, which protects a location.
sub block { my ($text, $name) = @_; return server('oauth_trust ' . ($name || $issuer) . " {\n$text}\n$guarded") }

# A mistake of the whole block is shown where it begins.
sub wrong_block {
    my ($name, $text, $message, %args) = @_;
    return mistake($name, server("oauth_trust $issuer { #!\n$text}\n$guarded"), $message, %args);
}

my $es = OAuth::Forge->new(generate => 'ES256');
my $rs = OAuth::Forge->new(generate => 'RS256');
my $weak = OAuth::Forge->new(generate => 'RS1024');
sub keys_file { return { 'keys.json' => OAuth::Forge::json({ keys => [@_] }) } }
sub with_keys { my ($name, $keys, @args) = @_; return ($name, "jwks_file keys.json;\n$needed", @args, files => keys_file(@$keys)) }

subtest 'the issuer' => sub {
    mistake("$_->[0] as issuer", server("oauth_trust \"$_->[0]\" { #!\n$needed}\n"), $_->[1])
        for ['id.example.com', qr/must be an absolute URL/], ['https://id.example.com/?x', qr/must be an absolute URL/],
            ['https://a@id.example.com', qr/must be an absolute URL/], ['https://id.example.com/#x', qr/must be an absolute URL/],
            ['http://id.example.com', qr/may be plain http only on loopback/], ['ftp://id.example.com', qr/must be an absolute URL/];
    warned('http on loopback', block($needed, 'http://localhost:8080/realms/x'), undef);
    mistake('the same issuer twice', server("oauth_trust $issuer {\n$needed}\noauth_trust $issuer { #!\n$needed}\n"), qr/oauth_trust "\Q$issuer\E" is given twice/);
    warned('in two servers', block($needed) . server("oauth_trust $issuer {\n$needed}\n", 1), undef);
    warned('in http and again in a server', "oauth_trust $issuer {\n$needed}\n" . block($needed), undef);
    mistake('without a block', server("oauth_trust $issuer; #!\n"), qr/directive "oauth_trust" has no opening "\{"/);
};

subtest 'what is needed' => sub {
    wrong_block('no audience', "subject_prefix acme;\n", qr/needs "audience VALUE…;".*"audience any;" would believe tokens for everybody/);
    wrong_block('no subject_prefix', "audience api;\n", qr/needs "subject_prefix NAME;".*or "subject_prefix off;"/);
    warned('both', block($needed), undef);
    warned('audience any', block("audience any;\nsubject_prefix acme;\n"), undef);
    warned('subject_prefix off', block("audience api;\nsubject_prefix off;\n"), undef);
};

subtest 'members' => sub {
    my $member = sub { my ($line) = @_; return server("oauth_trust $issuer {\n" . ($line =~ /^audience/ ? "subject_prefix acme;\n" : $line =~ /^subject/ ? "audience api;\n" : $needed) . "$line #!\n}\n$guarded") };
    mistake($_->[0], $member->($_->[0]), $_->[1])
        for ['audiences api;', qr/"audiences" in oauth_trust "\Q$issuer\E" is unknown; possible are: jwks_uri, jwks_file, audience/],
            ['audience any api;', qr/"audience" .* write it alone/], ['audience "";', qr/must be one or more non-empty strings/], ['audience ä;', qr/must be one or more non-empty strings/],
            ['algorithms none;', qr/"none" is unknown; possible are: RS256/], ['algorithms es256;', qr/"es256" is unknown/], ['algorithms ES256K;', qr/is unknown/],
            ['require_typ "";', qr/must be names as they stand in a token's header/], (map { ["require_typ $_;", qr/must be names/] } '"a b"', 'ä'),
            (map { ["scope_claim $_;", qr/must be a claim's name, e\.g\. scp, or a JSON Pointer/] } '""', '/', 'ä'),
            ['jwks_file "";', qr/must be the path of a file/],
            (map { ["subject_prefix $_;", qr/must be \[a-z0-9\]\[a-z0-9_-\]\{0,31\}, or "off"/] } 'Acme', 'a:b', '-a', 'a' x 33, '""'),
            (map { ["subject_prefix $_;", qr/"$_" is reserved/] } qw(otp email client demo)),
            (map { ["max_stale $_;", qr/must be a time from 1s to 30d/] } qw(0 31d x -1s)),
            ['jwks_uri /keys;', qr/must be an absolute URL/], ['jwks_uri http://id.example.com/keys;', qr/may be plain http only on loopback/], ['jwks_uri https://id.example.com/#x;', qr/must be an absolute URL/],
            ['jwks_uri https://a.example https://b.example;', qr/has the wrong number of values/];
    mistake('max_stale twice', $member->("max_stale 1h;\nmax_stale 1h;"), qr/"max_stale" .* is given twice/);
    warned($_, $member->($_), undef)
        for 'algorithms ES256 RS256;', 'require_typ at+jwt;', 'scope_claim /realm_access/roles;', 'max_stale 1s;', 'max_stale 30d;',
            'jwks_uri https://id.example.com/keys?v=2;', 'audience api https://api.example.com;', "subject_prefix a-1_b;";
};

subtest 'where the keys are' => sub {
    wrong_block('both ways', "jwks_uri https://id.example.com/keys;\njwks_file keys.json;\n$needed", qr/has both "jwks_uri" and "jwks_file": one of them/, files => keys_file({ %{ $es->jwk }, kid => 'a' }));
    wrong_block('a file that is not there', "jwks_file nowhere.json;\n$needed", qr/"jwks_file" that cannot be read: the file "\S+nowhere\.json" must exist/);
    wrong_block('an empty file', "jwks_file keys.json;\n$needed", qr/cannot be read: .* is empty/, files => { 'keys.json' => '' });
    wrong_block("a file with $_", "jwks_file keys.json;\n$needed", qr/without a usable key: it must be a JWK Set, \{"keys":\[…\]\}/, files => { 'keys.json' => $_ })
        for '<html>', '{}', '{"keys":[]}', '[]', '{"keys":{}}';
    wrong_block('a file that is too large', "jwks_file keys.json;\n$needed", qr/is larger than 262144 bytes/, files => { 'keys.json' => ' ' x 262145 });
    warned('one good key', block("jwks_file keys.json;\n$needed"), undef, files => keys_file({ %{ $es->jwk }, kid => 'a' }));
    my (undef, undef, undef, $nginx) = check(block("jwks_file keys.json;\n$needed"), files => keys_file({ %{ $es->jwk }, kid => 'a' }));
    chmod 0644, $nginx->dir . '/keys.json';
    unlike +($nginx->check)[1], qr/\[warn\]/, 'public keys in a file that everybody may read';
    chmod 0666, $nginx->dir . '/keys.json';
    like +($nginx->check)[1], qr/everybody on this machine may write "\S+keys\.json"/, 'but not write';
};

# req 112
subtest 'weak and ambiguous keys are named while their good siblings work' => sub {
    my $good = { %{ $es->jwk }, kid => 'good' };
    my $leaves = sub { my ($why) = @_; return qr/oauth_trust "\Q$issuer\E" leaves out a key of "keys\.json": $why/ };
    my $block = block("jwks_file keys.json;\n$needed");
    warned('a short RSA key', $block, $leaves->('kid `short`: RSA modulus under 2048 bit'), files => keys_file($good, { %{ $weak->jwk }, kid => 'short' }));
    warned('a key for encryption', $block, $leaves->('kid `enc`: use is not sig'), files => keys_file($good, { %{ $rs->jwk }, kid => 'enc', use => 'enc' }));
    warned('a secret beside public keys', $block, $leaves->('kid `mac`: symmetric key'), files => keys_file($good, { kty => 'oct', kid => 'mac', k => 'A' x 43 }));
    wrong_block(with_keys('only a short key', [{ %{ $weak->jwk }, kid => 'short' }], qr/without a usable key: RSA modulus under 2048 bit/));
    wrong_block(with_keys('two of one kid', [{ %{ $es->jwk }, kid => 'a' }, { %{ $rs->jwk }, kid => 'a' }], qr/without a usable key: keys that share a kid are ambiguous/));
    wrong_block("another issuer's key", "jwks_file keys.json;\n$needed", qr/no key can carry its "algorithms", or signs for this issuer/, files => keys_file({ %$good, issuer => 'https://other.example' }));
    wrong_block('keys of another algorithm', "jwks_file keys.json;\nalgorithms RS256;\n$needed", qr/no key can carry its "algorithms"/, files => keys_file($good));
};

# req 107
subtest 'symmetric keys come from a file, and are asked for by name' => sub {
    my $secret = { kty => 'oct', kid => 'mac', k => 'A' x 43 };
    wrong_block('HS256 by URL', "jwks_uri https://id.example.com/keys;\nalgorithms HS256;\n$needed", qr/only with "jwks_file"/);
    wrong_block('HS256 by discovery', "algorithms RS256 HS256;\n$needed", qr/only with "jwks_file"/);
    wrong_block(with_keys('a secret without its algorithm', [$secret], qr/symmetric keys need "algorithms HS256;"/));
    wrong_block('a short secret', "jwks_file keys.json;\nalgorithms HS256;\n$needed", qr/without a usable key: k is shorter than the hash/, files => keys_file({ kty => 'oct', k => 'A' x 20 }));
    warned('a secret with it', block("jwks_file keys.json;\nalgorithms HS256;\n$needed"), undef, files => keys_file($secret));
    my ($ok, undef, undef, $nginx) = check(block("jwks_file keys.json;\nalgorithms HS256;\n$needed"), files => keys_file($secret));
    chmod 0644, $nginx->dir . '/keys.json';
    my (undef, $output) = $nginx->check;
    like $output, qr/everybody on this machine may read "\S+keys\.json": chmod 600 it/, 'a secret that everybody may read is warned of';
};

subtest 'user names do not collide' => sub {
    my $second = sub { return "oauth_trust https://other.example {\naudience api;\nsubject_prefix $_[0];\n}\n" };
    my $twin = qr/oauth_trust "\Q$issuer\E" has the subject_prefix "acme" of "https:\/\/other\.example": each needs its own/;
    mistake('two issuers with one prefix', server($second->('acme') . "oauth_trust $issuer { #!\n$needed}\n"), $twin);
    mistake('in two servers', server($second->('acme')) . server("oauth_trust $issuer { #!\n$needed}\n", 1), $twin);
    warned('with two', server($second->('other') . "oauth_trust $issuer {\n$needed}\n"), undef);
    warned('with none, twice', server("oauth_trust https://other.example {\naudience api;\nsubject_prefix off;\n}\noauth_trust $issuer {\naudience api;\nsubject_prefix off;\n}\n"), undef);
    my $google = "oauth_trust $issuer { #!\naudience api;\nsubject_prefix google;\n}\n";
    my $taken = qr/has the subject_prefix "google", which is the name of an oauth_provider: choose another/;
    mistake("a provider's name", $provider . server("$broker$google"), $taken);
    mistake("a provider's that comes later", server("$broker$google") . $provider, $taken);
};

subtest 'a broker of the same NGINX' => sub {
    my $own = server($broker) . $provider;
    warned('an empty block names it', server("oauth_trust https://auth.example.com {}\n$guarded", 1) . $own, undef);
    warned('in http, also for its own server', "oauth_trust https://auth.example.com {}\n" . server($broker . $guarded) . $provider, undef);
    mistake('a URL that no broker has', server("oauth_trust https://auth.example.com/ {} #!\n$guarded", 1) . $own,
        qr/oauth_trust "https:\/\/auth\.example\.com\/" is empty, and no "oauth_broker" of this NGINX has that URL: for another issuer write "audience …/);
    mistake('rules of its own for it', server("oauth_trust https://auth.example.com { #!\n$needed}\n$guarded", 1) . $own, qr/is a broker of this NGINX, whose keys and rules are known: leave the block empty/);
    mistake("the server's own", server("${broker}oauth_trust https://auth.example.com {} #!\n") . $provider, qr/is this server's own broker, which it trusts anyway: remove it/);
};

subtest 'a location without anybody to trust' => sub {
    mistake('is a mistake', server("location /x { oauth_protect bearer; #!\n}\n"), qr/has nobody to trust: put "oauth_broker URL;" into this server or "oauth_trust ISSUER \{ … \}"/);
    mistake('whose keys cannot be fetched', "oauth_trust $issuer {\n$needed}\n" . server("location /x { oauth_protect bearer; #!\n}\n"),
        qr/trusts "\Q$issuer\E", whose keys are fetched, by an "oauth_trust" in http: write that into this server, which has no broker/);
    warned('from http, in a server with a broker', "oauth_trust $issuer {\n$needed}\n" . server($broker . $guarded) . $provider, undef);
    warned('from http, by a file', "oauth_trust $issuer {\njwks_file keys.json;\n$needed}\n" . server($guarded), undef, files => keys_file({ %{ $es->jwk }, kid => 'a' }));
    mistake('in a location', server("location /x {\noauth_trust $issuer { #!\n$needed}\n}\n"), qr/"oauth_trust" directive is not allowed here/);
};

done_testing;
