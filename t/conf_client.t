# Mistakes in oauth_client die at `nginx -t`, at the line where they stand, and say what to write
# instead (req 169).
use lib 't/lib';
use OAuth::Test;
use OAuth::Conf qw(mistake check);

my $secret = 'secret a-secret-of-sixteen-or-more;';
my %good = (secret => $secret, grants => 'grants client_credentials;', scope => 'scope read;');
my $demo = "oauth_provider demo { type demo; user alice\@demo.local Alice; }\n";
my $server = "server {\nlisten 127.0.0.1:%%PORT%%;\noauth_broker http://localhost:%%PORT%%;\noauth_allow_origin https://app.example.com;\n";

sub block {
    my ($id, %changed) = @_;
    my %now = (%good, %changed);
    return "oauth_client $id {\n" . join("\n", map { $now{$_} } grep { defined $now{$_} } sort keys %now) . "\n}\n";
}

sub in_server { return "$demo$server$_[0]}\n" }

subtest 'what is wrong in oauth_client' => sub {
    my $opening = sub { return in_server(block(@_) =~ s/\{/{ #!/r) };
    mistake("the id $_", $opening->($_), qr/must be named \[A-Za-z0-9._~-\]\{1,64\}/) for '"a b"', '"a:b"', 'dexie', 'a' x 65;
    mistake('no secret', $opening->('api', secret => undef), qr/needs "secret VALUE;" or "secret file:PATH;"/);
    mistake('no grants', $opening->('api', grants => undef), qr/needs "grants client_credentials;"/);
    mistake('no scope', $opening->('api', scope => undef), qr/needs "scope NAME…;"/);
    mistake('a client twice', in_server(block('api') . (block('api') =~ s/\{/{ #!/r)), qr/oauth_client "api" is defined twice/);

    my $member = sub { my ($name, $line) = @_; return in_server(block('api', $name => "$line #!")) };
    mistake('a short secret', $member->(secret => 'secret short;'), qr/must have at least 16 characters: openssl rand/);
    mistake('a secret that cannot be read', $member->(secret => 'secret file:/nowhere/secret;'),
        qr{cannot be read: the file "/nowhere/secret" must exist});
    mistake("the grant $_", $member->(grants => "grants $_;"), qr/"$_" is not possible: write "grants client_credentials;"/)
        for qw(authorization_code password implicit);
    mistake('a scope with a quote', $member->(scope => q{scope 'a"b';}), qr/a scope is printable ASCII/);
    mistake('a flag that is none', $member->(users => 'act_for_users yes;'), qr/must be "on" or "off"/);
    mistake('an unknown member', $member->(x => 'redirect_uri https://app.example.com/;'),
        qr/"redirect_uri" in oauth_client "api" is unknown; possible are: secret, grants, scope, act_for_users/);
    mistake('a member twice', $member->(x => $secret), qr/"secret" in oauth_client "api" is given twice/);
    mistake('a member without a value', $member->(x => 'act_for_users;'), qr/has the wrong number of values/);
};

subtest 'what is wrong with the window of a refresh' => sub {
    mistake("a window of $_", in_server("oauth_refresh_window $_; #!\n"), qr/must lie between 10s and 10m/) for '1s', '11m';
};

subtest 'what is right passes' => sub {
    my ($ok, $said) = check(in_server(block('api', users => 'act_for_users on;') . "oauth_refresh_window 5m;\n"));
    ok $ok, 'a client in a server' or diag $said;
    ($ok, $said) = check(block('api') . in_server(''));
    ok $ok, 'a client for all servers' or diag $said;
};

done_testing;
