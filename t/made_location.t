# Locations that the module makes for itself are nginx's own, and errors in and around them name the
# lines of the user's file.
use lib 't/lib';
use OAuth::Test;

sub check {
    my ($server) = @_;
    my $nginx = OAuth::Nginx->new(probe => 1, state_dir => 0, http => "server {\nlisten 127.0.0.1:%%PORT%%;\n$server\n}\n");
    my ($ok, $output) = $nginx->check;
    $output =~ s/^.*\[(?:notice|warn)\].*\n//mg;
    my $text = slurp($nginx->dir . '/check.conf');
    my $line = sub { my ($what) = @_; return 1 + (() = substr($text, 0, index $text, $what) =~ /\n/g) };
    return $ok, $output, $line;
}

my ($ok, $output, $line) = check('oauth_flow_probe_broker /b; location /b/oauth/ { return 204; } location = /b/oauth/fetch/ { return 204; } location ~ /b/oauth/fetch { return 204; }');
ok $ok, 'a made location lives beside the user\'s' or diag $output;

($ok, $output, $line) = check("oauth_flow_probe_broker /b;\n\nlocation = /b/oauth/fetch { return 204; }");
ok !$ok, 'a location of the same name is refused';
like $output, qr{\[emerg\].*location "/b/oauth/fetch" in \S+:@{[ $line->('location = ') ]} .*"oauth_flow_probe_broker" in \S+:@{[ $line->('oauth_flow_probe_broker') ]}},
    'in words that name both lines';

($ok, $output, $line) = check("location = /b/oauth/fetch {\n return 204; }\noauth_flow_probe_broker /b;");
ok !$ok, 'also when it stands before';
like $output, qr{\[emerg\].*location "/b/oauth/fetch" in \S+:@{[ $line->('location = ') ]} .*"oauth_flow_probe_broker" in \S+:@{[ $line->('oauth_flow_probe_broker') ]}},
    'in the same words';

($ok, $output, $line) = check("oauth_flow_probe_broker /b;\nlocation /b { oauth_flow_probe_broker /c; }");
ok !$ok, 'it is made in a server block only';

($ok, $output, $line) = check("oauth_flow_probe_broker /b;\n\nproxy_buffers wrong;");
like $output, qr{in \S+:@{[ $line->('proxy_buffers') ]}}, 'errors behind it still name their own lines';
done_testing;
