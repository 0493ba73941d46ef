# The benchmark itself: every row is measured, or named as skipped. What the numbers are is no matter
# here (docs/performance.md).
use lib 't/lib';
use OAuth::Test;

plan skip_all => 'no wrk' if !grep { -x "$_/wrk" } split /:/, $ENV{PATH};
plan skip_all => 'a sanitizer would be measured' if ($ENV{OAUTH_BUILD} || '') =~ m{\basan/*$};

my $output = `$^X t/load/bench.pl 0.1 1 locations endpoints 2>&1`;
is $?, 0, 'it comes to its end' or diag($output);

for my $row ('plain proxy, RS256 token', 'plain proxy, ES256 token', 'plain proxy, module not loaded', 'RS256, warm', 'ES256, warm', 'EdDSA, warm|oauth_trust with EdDSA',
    'HS256, warm|oauth_trust with HS256', 'ES256, warm, oauth_set_header|oauth_set_header', 'ES256, warm, 10 tokens',
    'ES256, warm, 1,000 tokens', "the same, and OpenSSL's bare verification, RS256", 'RS256, cold', 'ES256, cold', 'auth_request, 204 in the same nginx',
    'auth_request, 204 of a local server', 'HAProxy, jwt_verify RS256|haproxy', 'Apache, mod_auth_openidc RS256|mod_auth_openidc',
    'lua: a look into a shared dictionary|lua', 'openssl speed, RS256', 'login, kept alive', 'token', 'token, through Redis|through Redis', 'before') {
    my ($name, $skipped) = split /\|/, $row;
    my $measured = $output =~ /^\| \Q$name\E \| \d/m;
    ok $measured || defined $skipped && $output =~ /^Skipped: \Q$skipped\E: /m, "$name is measured, or named";
}

done_testing;
