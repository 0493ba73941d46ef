# A sign-in, step by step: an nginx with one broker, a provider, a browser and a client's key.
#
#     my $story = OAuth::Story->new(idp => OAuth::Idp->new)->start;    # without idp: type demo
#     my $login = $story->login(redirect_uri => 'https://app.example.com/', state => 'mine');
#     my $back  = $story->visit($login);                # the callback's address, not asked yet
#     my $answer = $story->answer($story->get($back, browser => $login->{browser}));
#     my $tokens = $story->redeem($answer->{code});     # or all at once: $story->redeem($story->code)
#
# Further arguments of new: knobs => {...} of the provider, workers, log_level, http and server (further
# text of those blocks), provider => { member => value } of its block (undef: without it), also => { name =>
# {...} } further blocks for it with other members (or, of => $idp, for another), idps => [more
# providers]. Each is named as its OAuth::Idp says; login() goes to the first, unless
# login(name => ...). The echo at /api/ is protected.
package OAuth::Story;

use strict;
use warnings;
use File::Temp ();
use Test::More ();

use OAuth::Browser;
use OAuth::Client;
use OAuth::Http;
use OAuth::Nginx;

our $APP = 'https://app.example.com';

sub new {
    my ($class, %args) = @_;
    my $self = bless { workers => 1, log_level => 'info', http => '', server => '', knobs => {}, provider => {}, also => {}, %args }, $class;
    $self->{name} = $self->{idp} ? $self->{idp}->name : 'demo';
    $self->{all} = [grep { defined } $self->{idp}, @{ $self->{idps} || [] }];
    $self->{nginx} = OAuth::Nginx->new(http => $self->_http, map { $_ => $self->{$_} } qw(workers log_level));
    return $self;
}

sub start {
    my ($self) = @_;
    for my $idp (@{ $self->{all} }) {
        my @names = map { $_->[0] } $self->_blocks($idp);
        $idp->start(redirect_uris => [map { $self->base . "/oauth/callback/$_" } @names],
            $self->{idp} == $idp ? %{ $self->{knobs} } : ());
    }
    $self->{nginx}->start;
    return $self;
}

sub stop {
    my ($self) = @_;
    $self->{nginx}->stop;
    $_->stop for @{ $self->{all} };
    return;
}

sub nginx { return $_[0]{nginx} }
sub idp   { return $_[0]{idp} }
sub base  { return 'http://localhost:' . $_[0]{nginx}->port }

# ---- the steps --------------------------------------------------------------------------------

# What is no option (browser, name, base, headers) is a parameter of the query; a value that is an
# array is sent so many times. Returns { response, browser, url, sent => the query at the provider }.
sub login {
    my ($self, %query) = @_;
    my %option = (name => $self->{name}, base => $self->base, headers => []);
    exists $query{$_} and $option{$_} = delete $query{$_} for qw(browser name base headers);
    $query{redirect_uri} = "$APP/" if !exists $query{redirect_uri};
    my $browser = $option{browser} || OAuth::Browser->new;
    my $target = "$option{base}/oauth/login/$option{name}?" . query(%query);
    my $response = $browser->request(GET => $target, headers => $option{headers});
    my $url = OAuth::Test::header($response, 'location');
    return {
        response => $response,
        browser  => $browser,
        url      => $url,
        sent     => OAuth::Test::query_of($url || ''),
        base     => $option{base},
        name     => $option{name},
    };
}

# Through the provider: the address at which the browser comes back; where the provider's page posts
# to it, { form } of the login is what it posts.
sub visit {
    my ($self, $login, %choice) = @_;
    die "the login has no Location: $login->{response}{status} $login->{response}{body}\n" if !$login->{url};
    my $callback = "$login->{base}/oauth/callback/";
    if ($login->{url} =~ m{^\Q$login->{base}\E/oauth/demo/}) {
        my $account = $choice{account} || 'alice@example.com';
        return "${callback}$login->{name}?" . query(code => $account, state => $login->{sent}{state});
    }
    my $end = $login->{browser}->follow($login->{url}, until => qr{^\Q$callback\E});
    $login->{form} = $end->{body} ? OAuth::Browser::form_of($end) : undef;
    return $login->{form}{action} if $login->{form} && $login->{form}{action} =~ /^\Q$callback\E/;
    return $end->{location} || die "the provider did not send the browser back: $end->{status} $end->{body}\n";
}

# A GET by a browser, or with headers and no memory at all.
sub get {
    my ($self, $url, %args) = @_;
    my $browser = delete $args{browser} || OAuth::Browser->new;
    return $browser->request(GET => $url, %args);
}

# login and visit; { back } is the address of the callback.
sub reach {
    my ($self, %query) = @_;
    my $login = $self->login(%query);
    $login->{back} = $self->visit($login);
    return $login;
}

# The callback of a login that was reached, by its own browser.
sub finish {
    my ($self, $login) = @_;
    return $self->get($login->{back}, browser => $login->{browser}) if !$login->{form};
    my $response = $self->post_back($login);
    my $next = OAuth::Test::header($response, 'location');
    return $response if $response->{status} != 303;
    return $self->get($login->{base} . $next =~ s{^\Q$login->{base}\E}{}r, browser => $login->{browser});
}

# A form that the provider's page posts: the answer to the POST alone.
sub post_back {
    my ($self, $login) = @_;
    return $login->{browser}->submit($login->{form}, from => $login->{url});
}

# The fields of such a form, with changes (undef takes one away).
sub changed_form {
    my ($form, %changes) = @_;
    my @fields = @{ $form->{fields} };
    my @out;
    while (my ($name, $value) = splice @fields, 0, 2) {
        push @out, $name => $value if !exists $changes{$name};
    }
    push @out, map { $_ => $changes{$_} } grep { defined $changes{$_} } sort keys %changes;
    return { %$form, fields => \@out };
}

# What a redirect to the application carries: the JSON of its dxc-auth; undef without one.
sub answer {
    my ($self, $response) = @_;
    my $sent = OAuth::Test::query_of(OAuth::Test::header($response, 'location') || '')->{'dxc-auth'};
    return defined $sent ? OAuth::Test::decode_json(OAuth::Test::decode_base64url($sent)) : undef;
}

# All of it up to the code; undef if none came.
sub code {
    my ($self, %query) = @_;
    my $answer = $self->answer($self->finish($self->reach(%query)));
    return $answer ? $answer->{code} : undef;
}

# POST /token. Options: origin (undef: none), members => {...} merged into the request (undef takes
# one away), body => bytes in its place, type (undef: none), headers, target, connection (an OAuth::Http).
sub redeem {
    my ($self, $code, %args) = @_;
    my $origin = exists $args{origin} ? $args{origin} : $APP;
    my $type = exists $args{type} ? $args{type} : 'application/json';
    my @headers = ('Content-Type' => $type, Origin => $origin, @{ $args{headers} || [] });
    my $body = defined $args{body} ? $args{body} : $self->token_request($code, %{ $args{members} || {} });
    my $connection = $args{connection} || $self->nginx->connect;
    my $response = $connection->request(POST => $args{target} || '/token', body => $body, headers => \@headers,
        close => !$args{connection});
    $connection->close if !$args{connection};
    $response->{json} = eval { OAuth::Test::decode_json($response->{body}) };
    return $response;
}

# The body that the real client sends, with changes.
sub token_request {
    my ($self, $code, %changes) = @_;
    my %members = (grant_type => 'authorization_code', code => $code, public_key => client_key(),
        scopes => ['ACCESS_DB'], %changes);
    delete $members{$_} for grep { !defined $members{$_} } keys %members;
    return OAuth::Test::encode_json(\%members);
}

# ---- what can be seen from outside ------------------------------------------------------------

# The last line that a story left in error.log: "callback refused: state_spent, flow …".
sub told {
    my ($self, $what) = @_;
    my @lines = $self->nginx->error_log =~ /oauth: (\Q$what\E (?:done|refused)\N*)/g;
    return '' if !@lines;
    return $lines[-1] =~ s/(?: while .*)?, (?:client:|flow ).*//r;
}

# One test of an answer of /token: a refusal in the client's own shape (dexie-contract 4.5), never
# stored, readable for `origin` (default: the application's; undef: nobody) and logged with its reason.
sub is_refusal {
    my ($self, $response, $status, $reason, $what, %args) = @_;
    my $error = eval { OAuth::Test::decode_json($response->{body}) };
    $error = { not => $response->{body} } if ref $error ne 'HASH';
    my $shape = join ' ', map { ref $error->{$_} ? "$_ {}" : $_ } sort keys %$error;
    my @names = qw(content-type cache-control pragma vary access-control-allow-origin);
    Test::More::is_deeply(
        [$response->{status}, $self->told('token'), $shape, @$error{qw(type messageCode)},
            map { scalar OAuth::Test::header($response, $_) } @names],
        [$status, "token refused: $reason", 'message messageCode messageParams {} title type', 'error', 'GENERIC_ERROR',
            'application/json', 'no-store', 'no-cache', 'Origin', exists $args{origin} ? $args{origin} : $APP],
        $what);
    return;
}

# The flow id in that last line.
sub flow_of {
    my ($self, $what) = @_;
    return ($self->nginx->error_log =~ /oauth: \Q$what\E \N*?, flow ([0-9a-f]{32})\b/g)[-1];
}

# `count` open connections, as many at one worker as at the other.
sub connections {
    my ($self, $count) = @_;
    my %at;
    for (1 .. 100 * $count) {
        my $connection = $self->nginx->connect;
        my $worker = OAuth::Test::header($connection->request(GET => '/worker'), 'x-worker');
        my $full = @{ $at{$worker} ||= [] } >= $count / $self->{workers};
        $full ? $connection->close : push @{ $at{$worker} }, $connection;
        my @all = map { @$_ } values %at;
        return @all if @all == $count;
    }
    die "no $count connections over $self->{workers} workers\n";
}

# The same request on all of them, sent before the first answer is read; the answers.
sub race {
    my ($text, @connections) = @_;
    $_->send($text) for @connections;
    return map { $_->read_response } @connections;
}

# ---- pieces -----------------------------------------------------------------------------------

# A query in the order of its names: an array is sent so many times, undef not at all.
sub query {
    my (%query) = @_;
    my @pairs;
    for my $name (sort keys %query) {
        my @values = ref $query{$name} ? @{ $query{$name} } : grep { defined } $query{$name};
        push @pairs, map { $name => $_ } @values;
    }
    return OAuth::Test::form(@pairs);
}

# A browser's cookies for the broker, as the header that carries them.
sub cookie_header {
    my ($browser) = @_;
    my $jar = $browser->cookies('localhost');
    return join '; ', map { "$_=$jar->{$_}{value}" } grep { /^oauth-/ } sort keys %$jar;
}

# A public key as the real client writes it: PEM without a newline at its end.
my %keys;

sub client_key { return OAuth::Client::public_key() }

sub key {
    my ($algorithm, @options) = @_;
    return $keys{"@_"} ||= do {
        my $file = File::Temp->new;
        my $made = system 'openssl', 'genpkey', '-quiet', '-algorithm', $algorithm, '-out', "$file",
            map { (-pkeyopt => $_) } @options;
        die "openssl genpkey @_\n" if $made != 0;
        my $pem = `openssl pkey -in $file -pubout`;
        chomp $pem;
        $pem;
    };
}

sub _http {
    my ($self) = @_;
    my $provider = join('', map { block(@$_) } map { $self->_blocks($_) } @{ $self->{all} }) || $self->_demo;
    return <<"CONF";
$provider
$self->{http}
server {
    listen 127.0.0.1:%%PORT%% reuseport;    # the kernel spreads connections over the workers
    add_header X-Worker \$pid always;
    oauth_broker http://localhost:%%PORT%%;
    oauth_allow_origin $APP https://other.example.com:8443 https://paths.example.com/app http://localhost:3000
                       myapp:// capacitor://localhost;
    $self->{server}
    location = /worker { return 204; }
    location /api/ {
        oauth_protect bearer;
        proxy_set_header X-User \$oauth_sub;
        proxy_pass http://127.0.0.1:%%PORT1%%;
    }
}
server {
    listen 127.0.0.1:%%PORT1%%;
    location / { default_type text/plain; return 200 \$http_x_user; }
}
CONF
}

# The blocks for a provider: [name, member => value, ...] each.
sub _blocks {
    my ($self, $idp) = @_;
    my $first = $self->{idp} == $idp;
    my $also = $self->{also};
    my @others = grep { ($also->{$_}{of} || $self->{idp}) == $idp } sort keys %$also;
    return (
        [$idp->name, $idp->members, $first ? %{ $self->{provider} } : ()],
        map { [$_, $idp->members, %{ $also->{$_} }, of => undef] } @others,
    );
}

sub _demo {
    return <<'CONF';
oauth_provider demo {
    type demo;
    user alice@example.com "Alice Example";
    user bob@example.com   "Bob Example";
}
CONF
}

# An oauth_provider block: a member that is an array stands there so many times, undef not at all.
sub block {
    my ($name, %members) = @_;
    my @lines;
    for my $member (sort keys %members) {
        my @values = ref $members{$member} ? @{ $members{$member} } : grep { defined } $members{$member};
        push @lines, map { "    $member $_;\n" } @values;
    }
    return join '', "oauth_provider $name {\n", @lines, "}\n";
}

1;
