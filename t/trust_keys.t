# Keys of other issuers, fetched: once for all workers, again for a key that is not known, behind a
# request when they get old; what is no key set replaces no good one, and serves nobody (req 121-123).
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Port;
use File::Path qw(make_path);
use IO::Socket::IP;

my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => OAuth::Port::take(), Listen => 50) or die $!;
my $first = OAuth::Forge->new(generate => 'ES256', kid => 'first');
my $second = OAuth::Forge->new(generate => 'ES256', kid => 'second');
my %tokens;
my $jwk = $first->jwk;    # by the openssl command: once
my @many = map { +{ %$jwk, kid => "k$_" } } 1 .. 10_000;

# What an issuer publishes in the place of its keys.
my %bad = (
    gone     => undef,
    html     => '<html><body>We will be back soon</body></html>',
    none     => '{"keys":[]}',
    huge     => ' ' x 5_000_000,
    many     => OAuth::Forge::json({ keys => \@many }),
    twice    => OAuth::Forge::json({ keys => [map { +{ %{ $_->jwk }, kid => 'first' } } $first, $second] }),
    foreign  => OAuth::Forge::json({ keys => [{ %{ $first->jwk }, kid => 'first', issuer => 'https://other.example' }] }),
    redirect => undef,
);
my @good = qw(plain broken rotated by-uri shared);
my @later = map { "$_-later" } qw(gone html twice);
my @issuers = (@good, @later, (map { "$_-first" } sort keys %bad), 'down', 'slow', 'no-metadata', 'liar');

my $nginx = OAuth::Nginx->new(workers => 2, http => <<'HTTP');
types { }
default_type application/json;
server {
    listen 127.0.0.1:%%PORT%%;
    location /api/ { oauth_protect bearer; proxy_set_header X-Sub $oauth_sub; proxy_pass http://127.0.0.1:%%PORT1%%; }
    include %%DIR%%/trusts.conf;
}
server { listen 127.0.0.1:%%PORT1%%; location / { return 200 "$http_x_sub"; } }
server {
    listen 127.0.0.1:%%PORT2%%;
    root %%DIR%%/documents;
    access_log %%DIR%%/documents.log;
    location = /redirect-first/jwks { return 302 /plain/jwks; }
}
HTTP
my $port = sub { return $nginx->port($_[0]) };
spew($nginx->dir . '/trusts.conf', join '', map { block($_) } @issuers);
publish($_) for grep { !/-first$/ && $_ ne 'no-metadata' } @issuers;
for my $name (grep { /-first$/ } @issuers) {
    publish($name);
    spoil($name);
}
publish('no-metadata', metadata => '<html>');
publish('liar', metadata => OAuth::Forge::json({ issuer => issuer('plain'), jwks_uri => issuer('liar') . '/jwks' }));
$nginx->start;

# What takes its time (a cool-down of 10 s, a fetch of 10 s) begins here, and ends for all at once below.
my $unknown = OAuth::Forge->new(generate => 'ES256', kid => 'nobody');
my $waiting = $nginx->connect;
$waiting->send(OAuth::Http::format_request(GET => '/api/x', host => 'localhost', headers => [Authorization => 'Bearer ' . token('slow')]));

subtest 'keys are fetched at first use, once for all workers' => sub {
    is asked('shared/jwks'), 0, 'nobody is asked before that';
    is_deeply [grep { $_ ne '200 shared:u1' } map { ask('shared') } 1 .. 40], [], 'every token is believed';
    is asked_at_last('shared/.well-known/openid-configuration'), 1, 'the metadata was fetched once';
    is asked_at_last('shared/jwks'), 1, 'and so were the keys';
    is ask('by-uri'), '200 by-uri:u1', 'where the configuration says where the keys are';
    is asked('by-uri/.well-known/openid-configuration'), 0, 'no metadata is asked for';
    is ask($_), "200 $_:u1", "$_ is believed" for 'plain', 'broken', 'rotated', @later;
};

subtest 'an issuer that does not answer holds up nobody' => sub {
    is ask('plain'), '200 plain:u1', 'others are let in' for 1 .. 10;
};
spew(file('rotated'), keys_of($second));
unlink file('broken');
spoil($_) for @later;

# req 123
subtest 'the last good keys serve until max_stale, then nobody is let in' => sub {
    my %asked = map { $_ => asked("$_/jwks") } @later;
    my %seen;
    my $is_over = sub {
        my ($name) = @_;
        Time::HiRes::sleep(0.05);
        my $told = ask($name);
        $seen{$name}{ substr $told, 0, 3 }++;
        return $told !~ /^200/;
    };
    ok wait_until { @later == grep { $is_over->($_) } @later }, 'in the end nobody is let in';
    for my $name (@later) {
        like join(' ', sort keys %{ $seen{$name} }), qr/^200 50[23](?: 50[23])?$/, "$name: but for a while, with nothing between";
        cmp_ok asked_at_last("$name/jwks", $asked{$name} + 1), '>', $asked{$name}, 'new ones were asked for';
    }
    publish($_) for @later;
};

subtest 'what is no key set proves nothing' => sub {
    for my $name (map { "$_-first" } sort keys %bad) {
        like ask($name), qr/^502 /, "$name: nobody is let in";
        like ask($name), qr/^503 /, 'a moment later neither';
        is asked_at_last("$name/jwks"), 1, 'and nobody is asked again';
    }
    like ask($_), qr/^502 /, $_ for 'down', 'no-metadata', 'liar';
    is asked('liar/jwks'), 0, 'metadata of another issuer leads nowhere';
    is ask('plain'), '200 plain:u1', 'others are not disturbed';
    my $log = $nginx->error_log;
    like $log, qr/\[warn\].* oauth: what "\Q${\issuer('html-first')}\E" publishes as its keys cannot be used/, 'the log says what is wrong with keys';
    like $log, qr/\[warn\].* oauth: what "\Q${\issuer('liar')}\E" publishes as its metadata cannot be used: it must be a JSON object with exactly this "issuer"/, 'and with metadata';
};

subtest 'an issuer that does not answer' => sub {
    is $waiting->read_response->{status}, 504, 'is waited for so long, and no longer';
};

subtest 'a new key works, a key that is gone does not' => sub {
    ok wait_until { ask('rotated', $second) eq '200 rotated:u1' }, 'the new key is found after the cool-down';
    is asked_at_last('rotated/jwks', 2), 2, 'by one request';
    like ask('rotated'), qr/^401 /, 'the old one counts no more' for 1 .. 10;
    is_deeply [grep { !/^200/ } map { ask('rotated', $second) } 1 .. 20], [], 'the new one does, on every worker' if wait_until { ask('rotated', $second) =~ /^200/ };
};

# req 122
subtest 'a flood of unknown keys' => sub {
    my $before = asked('plain/jwks');
    ok wait_until { ask('plain', $unknown); asked('plain/jwks') > $before }, 'has its issuer asked again';
    is_deeply [grep { !/^401/ } map { ask('plain', $unknown) } 1 .. 60], [], 'is refused';
    cmp_ok asked('plain/jwks') - $before, '<=', 1, 'and asks once at most';
    is ask('plain'), '200 plain:u1', 'tokens that are good are let in';
    is asked('plain/.well-known/openid-configuration'), 1, 'the metadata is not asked for again';
    ok wait_until { ask('broken', $unknown); asked('broken/jwks') > 1 }, 'while the issuer is broken';
    my $broken = asked('broken/jwks');
    like ask('broken', $unknown), qr/^401 /, 'it goes on' for 1 .. 20;
    is asked('broken/jwks'), $broken, 'nobody is asked again before the cool-down is over';
    is ask('broken'), '200 broken:u1', 'and the last good keys serve';
};

# req 123
subtest 'who mends his ways is believed again' => sub {
    ok wait_until { ask($_) eq "200 $_:u1" }, $_ for @later;
};

$nginx->stop;
done_testing;

sub issuer {
    my ($name) = @_;
    return 'http://127.0.0.1:' . ($name eq 'slow' ? $silent->sockport : $port->(2)) . "/$name";
}

sub block {
    my ($name) = @_;
    my $issuer = issuer($name);
    my $uri = $name eq 'by-uri' ? "jwks_uri $issuer/jwks;" : '';
    my $stale = $name =~ /-later$/ ? 'max_stale 4s;' : '';
    return "oauth_trust $issuer { audience api; subject_prefix $name; $uri $stale }\n";
}

sub file { my ($name) = @_; return $nginx->dir . "/documents/$name/jwks" }
sub keys_of { return OAuth::Forge::json({ keys => [map { +{ %{ $_->jwk }, kid => $_->kid } } @_] }) }

sub publish {
    my ($name, %args) = @_;
    my $at = $name eq 'down' ? 'http://127.0.0.1:1' : issuer($name);
    make_path($nginx->dir . "/documents/$name/.well-known");
    spew($nginx->dir . "/documents/$name/.well-known/openid-configuration",
        $args{metadata} || OAuth::Forge::json({ issuer => issuer($name), jwks_uri => "$at/jwks" }));
    return spew(file($name), keys_of($first));
}

sub spoil {
    my ($name) = @_;
    my ($kind) = $name =~ /^(\w+)-/;
    return defined $bad{$kind} ? spew(file($name), $bad{$kind}) : unlink file($name);
}

sub token {
    my ($name, $forge) = @_;
    $forge ||= $first;
    return $tokens{ $name . $forge->kid } ||= $forge->token(claims => { iss => issuer($name), aud => 'api', sub => 'u1' });
}

sub ask {
    my ($name, $forge) = @_;
    my $response = $nginx->get('/api/x', headers => [Authorization => 'Bearer ' . token($name, $forge)]);
    return "$response->{status} $response->{body}";
}

# How often, once it was at least so often: nginx writes the line after the answer, and we may be faster.
sub asked_at_last {
    my ($what, $least) = @_;
    wait_until { asked($what) >= ($least || 1) };
    return asked($what);
}

sub asked { my ($path) = @_; return scalar(() = slurp($nginx->dir . '/documents.log') =~ m{"GET /\Q$path\E }g) }
