# The table of protected locations: the plain proxy, ours warm and cold, what nginx and others offer
# instead, and OpenSSL's bare signatures.
package OAuth::Bench::Locations;

use strict;
use warnings;

use OAuth::Bench::Front;
use OAuth::Bench::Peers;

my @ALGS = qw(RS256 ES256 EdDSA HS256);
my $WARM = '>= 0.97';

# What a side is compared with gets the same tokens: a longer one costs the plain proxy more, too.
sub _plain      { return "plain proxy, $_[0] token" }
sub _plain_many { return "plain proxy, each request another $_[0] token" }
sub _bare       { return "the same, and OpenSSL's bare verification, $_[0]" }

# What `openssl speed` prints of each: its words, and where a verification's rate stands.
my %SPEED = (
    RS256 => ['rsa2048',                 qr/^\+F2:\d+:2048:[\d.]+:([\d.]+)/m],
    ES256 => ['ecdsap256',               qr/^\+F4:\d+:256:[\d.]+:([\d.]+)/m],
    EdDSA => ['ed25519',                 qr/^\+F6:.*:([\d.]+)$/m],
    HS256 => ['-bytes 640 -hmac sha256', qr/^\+F:\d+:hmac\(sha256\):([\d.]+)/m],
);

sub report {
    my ($bench) = @_;
    my $front = OAuth::Bench::Front->new(bench => $bench, nginx => { probe => 1 })->start;
    my @sides = _sides($bench, $front);
    my $peers = OAuth::Bench::Peers->new(bench => $bench, backend => $front->backend, token => $front->tokens->list('RS256'),
        issuer => $front->issuer('RS256'), public_key => $front->public_key('RS256'), kid => $front->kid('RS256'));
    push @sides, map { { %$_, base => _plain('RS256'), headers => _bearer($front->tokens->list('RS256')) } } $peers->start;
    push @sides, map { _speed($bench, $_) } @ALGS;
    my $result = $bench->measure(@sides);
    $_->stop for $peers, $front;

    print $bench->row('protected locations', 'requests/s', 'CPU us a request', 'us more', 'of the plain proxy', 'goal'),
        $bench->row('---', ('--:') x 5);
    _print($bench, $_, $result) for @sides;
    print $bench->skipped($front->missing, $peers->missing);
    return;
}

sub _bearer { return ["Authorization: Bearer $_[0]"] }

sub _sides {
    my ($bench, $front) = @_;
    my $cold = $bench->enough;
    my @algs = grep { $front->guard($_) } @ALGS;
    my @lists = map { [_grouped($_), $_] } $bench->many * 10, $bench->many * 1000;
    $front->add_tokens($_, 1, $_) for @algs;
    $front->add_tokens('many', $lists[1][1], 'ES256');
    $front->add_tokens("cold$_", $cold * $bench->rounds, $_) for qw(RS256 ES256);
    $front->tokens->mint;

    my $file = sub { $front->tokens->file($_[0]) };
    my $one = sub { _bearer($front->tokens->list($_[0])) };
    my @same = (base => _plain('ES256'), headers => $one->('ES256'));
    my $warm = sub { my ($alg) = @_; return (
        { name => _plain($alg), $front->plain, headers => $one->($alg) },
        { name => "$alg, warm", $front->guard($alg), base => _plain($alg), headers => $one->($alg), goal => $WARM },
    ) };
    # What is compared stands side by side: the machine is the same for both.
    my @sides = (
        (map { $warm->($_) } grep { $_ ne 'ES256' } @algs), $warm->('ES256'),
        ($front->guard('ES256', '/header')
            ? { name => 'ES256, warm, oauth_set_header', $front->guard('ES256', '/header'), @same } : ()),
        { name => 'plain proxy, no token', $front->plain, base => _plain('ES256') },
        { name => 'plain proxy, module not loaded', $front->unloaded, @same },
        { name => 'auth_request, 204 in the same nginx', $front->plain('/asks_in'), @same },
        { name => 'auth_request, 204 of a local server', $front->plain('/asks'), @same },
        { name => _plain_many('ES256'), $front->plain, lines => $file->('many'), count => $lists[1][1] },
    );
    for my $list (@lists) {
        push @sides, { name => "ES256, warm, $list->[0] tokens", $front->guard('ES256'), base => _plain_many('ES256'),
            lines => $file->('many'), count => $list->[1], goal => $WARM };
    }
    $bench->pass($sides[-1], $lists[1][1]);
    for my $alg (qw(ES256 RS256)) {
        my @many = (lines => $file->("cold$alg"), count => $cold * $bench->rounds);
        push @sides, { name => _plain_many($alg), $front->plain, @many } if $alg ne 'ES256';
        push @sides, { name => _bare($alg), $front->bare($alg), base => _plain_many($alg), @many },
            { name => "$alg, cold", $front->guard($alg), base => _plain_many($alg), lines => $file->("cold$alg"),
                count => $cold, once => 1, beside => _bare($alg) };
    }
    return @sides;
}

sub _grouped { return scalar reverse((reverse $_[0]) =~ s/(\d{3})(?=\d)/$1,/gr) }

sub _speed {
    my ($bench, $alg) = @_;
    my ($words, $pattern) = @{ $SPEED{$alg} };
    my $command = join ' ', $bench->on_front, "openssl speed -seconds 1 -mr $words 2>/dev/null";
    return { name => "openssl speed, $alg", bare => 1, run => sub {
        my ($rate) = `$command` =~ $pattern or die "openssl speed $words has changed its words\n";
        $rate /= 640 if $alg eq 'HS256';    # bytes a second, of tokens of 640
        return ($rate, 1e6 / $rate);
    } };
}

sub _print {
    my ($bench, $side, $result) = @_;
    my $of = $result->{ $side->{name} };
    my @cells = ($side->{name}, sprintf('%.0f', $of->{rate}), sprintf('%.2f', $of->{cost}));
    if (!$side->{base}) {
        print $bench->row(@cells, '', $side->{bare} ? '' : '1', '');
        return;
    }
    my $base = $result->{ $side->{base} }{cost};
    my $goal = $side->{goal} || '';
    # The limit for a cold token: 1.15 times what the bare verification adds to the plain proxy.
    $goal = sprintf '>= %.3f', $base / ($base + 1.15 * ($result->{ $side->{beside} }{cost} - $base)) if $side->{beside};
    print $bench->row(@cells, sprintf('%.2f', $of->{cost} - $base), sprintf('%.3f', $of->{ratio}), $goal);
    return;
}

1;
