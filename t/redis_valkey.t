# Valkey in place of Redis: the stories of one server, of Sentinel and of a cluster, as they stand.
use lib 't/lib';
use OAuth::Test;
use File::Temp ();

plan skip_all => 'no valkey-server' if !grep { -x "$_/valkey-server" } split /:/, $ENV{PATH};

my @stories = qw(store redis_sentinel redis_cluster redis_tls_topologies);

local $ENV{OAUTH_REDIS_SERVER} = 'valkey-server';
my $valkey = OAuth::Redis->new->start;
like $valkey->command(INFO => 'server'), qr/^server_name:valkey\r$/m, 'what runs is Valkey';
$valkey->stop;

# At once: they mostly wait for their servers.
my $folder = File::Temp->newdir('oauth-valkey-XXXXXX', TMPDIR => 1);
my %running = map {
    $_ => OAuth::Process->spawn(command => [$^X, "t/$_.t"], output => "$folder/$_")
} @stories;
for my $story (@stories) {
    my $status = $running{$story}->wait(240);
    my $said = slurp("$folder/$story");
    ok defined $status && $status == 0 && $said !~ /^1\.\.0/m, "t/$story.t holds" or diag $said;
}

done_testing;
