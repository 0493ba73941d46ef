# With the shared-memory store the list of the revoked is journaled in oauth_state_dir: neither a
# reload nor a restart revives anything, whatever became of the file's last line.
use lib 't/lib';
use OAuth::Test;
use OAuth::Story;
use Compress::Raw::Zlib ();

my $story = OAuth::Story->new(workers => 2)->start;
my $nginx = $story->nginx;
my $journal = $nginx->dir . '/state/revoked';

sub sign_in { return $story->redeem($story->code)->{json} }
sub revoke  { my ($token) = @_; return $nginx->post('/oauth/revoke', form(token => $token),
    headers => ['Content-Type' => 'application/x-www-form-urlencoded'])->{status} }
sub entered { my ($token) = @_; return $nginx->get('/api/', headers => [Authorization => "Bearer $token"])->{status} }
sub lines   { return grep { length } split /\n/, slurp($journal) }

# As a line of the journal is written: mark, expiry, CRC-32.
sub entry {
    my ($mark, $expires) = @_;
    my $body = sprintf '%s %019d', $mark, $expires;
    return sprintf "\n%s %08x", $body, Compress::Raw::Zlib::crc32($body);
}

my ($alive, $by_family, $by_token) = map { sign_in() } 1 .. 3;

subtest 'a revocation is on the disk before it is answered' => sub {
    is scalar(lines()), 0, 'an empty list';
    is((stat $journal)[2] & 0777, 0600, 'that is nobody\'s business');
    is revoke($by_family->{refreshToken}), 200, 'a sign-in';
    is scalar(lines()), 1, 'has its line';
    is revoke($by_token->{accessToken}), 200, 'a token';
    is scalar(lines()), 2, 'has another';
    is revoke($by_token->{accessToken}), 200, 'who asks again';
    is scalar(lines()), 2, 'writes no more';
    like slurp($journal), qr/\A(?:\n[0-9a-f]{32} \d{19} [0-9a-f]{8}){2}\z/, 'and there is no token in it';
};

sub still_revoked {
    my ($when) = @_;
    is entered($by_family->{accessToken}), 401, "$when: what was revoked by its sign-in stays so";
    is entered($by_token->{accessToken}), 401, "$when: what was revoked itself stays so";
    is entered($alive->{accessToken}), 200, "$when: the others live";
    return;
}

subtest 'neither a reload nor a restart revives it' => sub {
    still_revoked('now');
    ok $nginx->reload, 'nginx reloads';
    still_revoked('after a reload');
    is revoke(sign_in()->{refreshToken}), 200, 'more can be revoked';
    is scalar(lines()), 3, 'in the same file';
    $nginx->stop;
    $nginx->start;
    still_revoked('after a restart');
    my @workers = $nginx->worker_pids;
    $nginx->signal('KILL');
    kill 'KILL', @workers;
    wait_until { !grep { kill 0, $_ } @workers };
    $nginx->{process}->wait(10);
    $nginx->start;
    still_revoked('after a crash');
};

subtest 'a line that is torn harms no other' => sub {
    $nginx->stop;
    my @lines = lines();
    my $long_ago = entry('0123456789abcdef0123456789abcdef', 1_000_000_000);
    my $whole = entry('e' x 32, time + 1000);
    my $other = $whole =~ s/e/f/r;
    spew($journal, slurp($journal) . "$long_ago$other${whole}0" . substr($whole, 0, 40));
    $nginx->start;
    still_revoked('after a torn line');
    like $nginx->error_log, qr/\[warn\] \N*"\Q$journal\E": 3 broken lines were left out/, 'the log tells of it, of one that is changed and of one that is too long';
    is_deeply [sort(lines())], [sort @lines], 'and the file has what counts, and that alone';
    my $last = sign_in();
    spew($journal, slurp($journal) . substr(entry('f' x 32, time + 1000), 0, 40));    # a full disk
    is revoke($last->{refreshToken}), 200, 'what comes behind one';
    $nginx->stop;
    $nginx->start;
    is entered($last->{accessToken}), 401, 'counts';
};

subtest 'what has expired takes no room' => sub {
    $nginx->stop;
    my @lines = lines();
    spew($journal, join '', slurp($journal), map { entry(sprintf('%016x%016x', $_ * 0x9E3779B9, $_), 1_000_000_000) } 1 .. 120_000);
    $nginx->start;
    still_revoked('after more lines than a list may have');
    is_deeply [sort(lines())], [sort @lines], 'and none of those is left';
};

subtest 'nginx -t writes nothing' => sub {
    my $before = slurp($journal) . join ' ', (stat $journal)[1, 9];
    my ($ok) = $nginx->check;
    ok $ok, 'it accepts the configuration';
    is slurp($journal) . join(' ', (stat $journal)[1, 9]), $before, 'the file is as it was';
    my $fresh = OAuth::Nginx->new(http => $nginx->{http});
    ok +($fresh->check)[0], 'so it does where there is none';
    ok !-e $fresh->dir . '/state/revoked', 'and makes none';
};

subtest 'a second nginx beside it takes nothing away' => sub {
    my $state = $nginx->dir . '/state';
    my $second = OAuth::Nginx->new(http => "oauth_state_dir $state;\n$nginx->{http}")->start;
    my $last = sign_in();
    is revoke($last->{refreshToken}), 200, 'what the first one revokes';
    $second->stop;
    $nginx->stop;
    $nginx->start;
    is entered($last->{accessToken}), 401, 'is on the disk';
};

# DESIGN 3, req 052: rather refuse one than forget one.
subtest 'a list that is full refuses' => sub {
    $nginx->stop;
    my $until = time + 100_000;
    my $kept = slurp($journal);
    my $text = join '', map { entry(sprintf('%016x%016x', $_ * 0x9E3779B9, $_), $until) } 1 .. 100_000 - lines();
    spew($journal, $kept . $text);
    $nginx->start;
    my $last = sign_in();
    is revoke($last->{refreshToken}), 503, 'with 503';
    is revoke($last->{refreshToken}), 503, 'each time';
    my @told = $nginx->error_log =~ /\[error\] \N*(the list of revoked tokens is full)/g;
    is scalar(@told), 1, 'and one line';
    is entered($last->{accessToken}), 200, 'what was refused is not revoked';
    still_revoked('in a full list');
    is revoke($by_family->{refreshToken}), 200, 'what is on it needs no room';
    $nginx->stop;
    spew($journal, $kept . $text =~ s/^(\w+ )0*$until \w+$//mgr);
    $nginx->start;
    is revoke($last->{refreshToken}), 200, 'with room it goes on';
};

subtest 'a file with more than a list may have is not read in part' => sub {
    $nginx->stop;
    my ($kept, $until) = (slurp($journal), time + 100_000);
    spew($journal, join '', $kept, map { entry(sprintf('%016x%016x', $_ * 0x9E3779B9, $_), $until) } 1 .. 110_001);
    $nginx->{expect} = [qr/oauth: "\Q$journal\E" holds more than 110000 revoked tokens/];
    like $nginx->refusal, qr/\[emerg\] \N*oauth: "\Q$journal\E" holds more than 110000 revoked tokens/, 'nginx does not start';
    spew($journal, $kept);
    $nginx->start;
    still_revoked('afterwards');
};

subtest 'what cannot be written is not revoked' => sub {
    $nginx->stop;
    unlink $journal;
    mkdir $journal;
    push @{ $nginx->{expect} }, qr/oauth: cannot (?:read|open) the list of revoked tokens/;
    like $nginx->refusal, qr/\[emerg\] \N*oauth: cannot (?:read|open) the list of revoked tokens/, 'nginx does not start without it';
    rmdir $journal;
    $nginx->start;
    my $last = sign_in();
    unlink $journal;
    is revoke($last->{refreshToken}), 503, 'a file that somebody removed keeps nothing';
    is entered($last->{accessToken}), 200, 'so nothing is revoked';
    like $nginx->error_log, qr/nothing can be revoked, because "revoked" in oauth_state_dir cannot be written/, 'as the log says';
};

$nginx->stop;
done_testing;
