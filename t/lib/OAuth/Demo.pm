# A sign-in at a broker with a provider of `type demo`, step by step or in one go, as the Dexie
# client and a browser would do it together.
#
#     my $demo  = OAuth::Demo->new($nginx, origin => 'https://app.example.com');
#     my $login = $demo->login;                  # response, state, cookie ("name=value")
#     my $back  = $demo->callback($login);       # response, code
#     my $reply = $demo->redeem($back->{code});  # response, tokens
#     my $all   = $demo->sign_in;                # state, cookie, code, access_token, refresh_token, ...
package OAuth::Demo;

use strict;
use warnings;

use OAuth::Forge;

my $public_key;    # one for all: no broker remembers it

# new($nginx, port =>, tls =>, base => path of the broker's URL, provider =>, user =>, origin =>,
#     headers => of every request, query => further parameters of the login)
sub new {
    my ($class, $nginx, %args) = @_;
    return bless {
        nginx => $nginx, port => 0, base => '', provider => 'demo', user => 'alice@demo.local',
        origin => 'https://app.example.com', headers => [], query => [], %args,
    }, $class;
}

sub get {
    my ($self, $target, @headers) = @_;
    return $self->{nginx}->get($target, $self->_connection, headers => [@{ $self->{headers} }, @headers]);
}

sub login {
    my ($self, %args) = @_;
    my @cookie = $args{cookie} ? (Cookie => $args{cookie}) : ();
    my $response = $self->get("$self->{base}/oauth/login/$self->{provider}?"
        . OAuth::Test::form(redirect_uri => "$self->{origin}/", @{ $self->{query} }, @{ $args{query} || [] }), @cookie);
    my $location = OAuth::Test::header($response, 'Location');
    my ($cookie) = (OAuth::Test::header($response, 'Set-Cookie') || '') =~ /^([^;]*)/;
    return {
        response => $response, location => $location, cookie => $cookie,
        state => defined $location ? OAuth::Test::query_of($location)->{state} : undef,
    };
}

# As the demo page's link: the account is the provider's code.
sub callback {
    my ($self, $login, %args) = @_;
    my $response = $self->get("$self->{base}/oauth/callback/$self->{provider}?" . OAuth::Test::form(
        code => $args{user} || $self->{user}, state => $login->{state}, @{ $args{query} || [] }),
        Cookie => $login->{cookie});
    my $message = message($response);
    return { response => $response, message => $message, code => $message && $message->{code} };
}

# What a redirect brings the application, or undef.
sub message {
    my ($response) = @_;
    my $location = OAuth::Test::header($response, 'Location');
    my $text = defined $location ? OAuth::Test::query_of($location)->{'dxc-auth'} : undef;
    return defined $text ? OAuth::Test::decode_json(OAuth::Test::decode_base64url($text)) : undef;
}

sub redeem {
    my ($self, $code, %args) = @_;
    my $response = $self->{nginx}->post("$self->{base}/token", {
        grant_type => 'authorization_code', code => $code, public_key => public_key(), %{ $args{body} || {} },
    }, $self->_connection, headers => [@{ $self->{headers} }, Origin => $args{origin} || $self->{origin}]);
    my $tokens = eval { OAuth::Test::decode_json($response->{body}) };
    return { response => $response, tokens => $tokens };
}

sub sign_in {
    my ($self, %args) = @_;
    my $login = $self->login(%args);
    die "no login: $login->{response}{status} $login->{response}{body}\n" if !defined $login->{state};
    my $back  = $self->callback($login, %args);
    die "no code: $back->{response}{status} $back->{response}{body}\n" if !defined $back->{code};
    my $reply = $self->redeem($back->{code});
    die "no sign-in: $reply->{response}{status} $reply->{response}{body}\n" if !$reply->{tokens}{accessToken};
    return {
        %$login, code => $back->{code}, tokens => $reply->{tokens},
        access_token => $reply->{tokens}{accessToken}, refresh_token => $reply->{tokens}{refreshToken},
    };
}

sub public_key {
    return $public_key ||= do {
        my $pem = OAuth::Forge->new(generate => 'RS256')->public_pem;
        chomp $pem;
        $pem;
    };
}

sub _connection {
    my ($self) = @_;
    return (port => $self->{port}, tls => $self->{tls});
}

1;
