# Free loopback ports that parallel tests do not take from each other: below the kernel's ephemeral
# range, each held by a lock file as long as this process lives.
package OAuth::Port;

use strict;
use warnings;
use Fcntl qw(:flock);
use IO::Socket::IP;

my $FOLDER = "/tmp/oauth-ports.$>";
my @held;

sub take {
    mkdir $FOLDER, 0700;
    for (1 .. 1000) {
        my $port = 12000 + int rand 19000;
        open my $lock, '>>', "$FOLDER/$port" or die "$FOLDER/$port: $!\n";
        next if !flock $lock, LOCK_EX | LOCK_NB;
        next if !is_free($port);
        push @held, $lock;
        return $port;
    }
    die "no free port\n";
}

sub is_free {
    my ($port) = @_;
    return defined IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1);
}

1;
