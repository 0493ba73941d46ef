# What the Dexie client does, without a browser: a sign-in from /oauth/login to tokens, a refresh.
#
#     my $client = OAuth::Client->new(base => "http://localhost:$port");    # provider => 'demo'
#     my $tokens = $client->sign_in('alice@example.com');                   # dies if it goes wrong
#     my $answer = $client->answer('alice@example.com');                    # what dxc-auth says
#     my $response = $client->redeem($answer->{code});
package OAuth::Client;

use strict;
use warnings;
use File::Temp ();
use MIME::Base64 qw(encode_base64 decode_base64url);
use Time::HiRes qw(time);

use OAuth::Browser;

my %made;    # one key pair a process is enough: what matters is who holds it

sub new {
    my ($class, %args) = @_;
    my $self = bless { provider => 'demo', browser => OAuth::Browser->new, %args }, $class;
    $self->{redirect_uri} ||= "$self->{base}/";
    ($self->{origin}) = $self->{redirect_uri} =~ m{^(\w+://[^/]+)} if !$self->{origin};
    return $self;
}

sub browser    { return $_[0]{browser} }
sub public_key { return _keys()->{public} }

# The end of the login at the provider: the response, or where the browser was sent with the answer.
# A demo account is chosen by its e-mail; another provider must go on by itself.
sub login {
    my ($self, $account, %query) = @_;
    my $query = OAuth::Test::form(redirect_uri => $self->{redirect_uri}, %query);
    my $until = qr{[?&](?:dxc-auth|code|error)=};
    my $url = "$self->{base}/oauth/login/$self->{provider}?$query";
    return $self->{browser}->follow($url, until => qr{^\Q$self->{redirect_uri}\E.*$until}) if $self->{provider} ne 'demo';

    my $page = $self->{browser}->follow($url);
    my $code = OAuth::Test::url_encode($account);
    my ($link) = $page->{body} =~ /href="([^"]*code=\Q$code\E&[^"]*)"/ or return $page;
    $link =~ s/&amp;/&/g;
    return $self->{browser}->follow($link, until => qr{^\Q$self->{redirect_uri}\E.*$until});
}

sub answer {
    my ($self, $account, %query) = @_;
    my $end = $self->login($account, %query);
    die "no answer: $end->{status} $end->{body}\n" if !$end->{location};
    return OAuth::Test::decode_json(decode_base64url(OAuth::Test::query_of($end->{location})->{'dxc-auth'}));
}

# POST /token; `changes` replace members, undef takes one away.
sub redeem {
    my ($self, $code, %changes) = @_;
    return $self->token({
        grant_type => 'authorization_code', code => $code, public_key => $self->public_key, scopes => ['ACCESS_DB'],
    }, %changes);
}

sub refresh {
    my ($self, $refresh_token, %changes) = @_;
    my $stamp = exists $changes{time_stamp} ? $changes{time_stamp} : int(time * 1000);
    return $self->token({
        grant_type => 'refresh_token', refresh_token => $refresh_token, scopes => ['ACCESS_DB'],
        signature => sign($refresh_token . $stamp), signing_algorithm => 'RSASSA-PKCS1-v1_5', time_stamp => $stamp,
    }, %changes);
}

sub token {
    my ($self, $body, %changes) = @_;
    my %body = (%$body, %changes);
    delete @body{ grep { !defined $body{$_} } keys %body };
    return $self->{browser}->request(POST => "$self->{base}/token", body => \%body,
        headers => [Origin => $self->{origin}]);
}

sub sign_in {
    my ($self, $account, %query) = @_;
    my $response = $self->redeem($self->answer($account, %query)->{code});
    die "no tokens: $response->{status} $response->{body}\n" if $response->{status} != 200;
    return OAuth::Test::decode_json($response->{body});
}

# RSASSA-PKCS1-v1_5 with SHA-256 by our private key, in standard base64.
sub sign {
    my ($text) = @_;
    my $folder = _keys()->{folder};
    OAuth::Test::spew("$folder/text", $text);
    system('openssl', 'dgst', '-sha256', '-sign', "$folder/key.pem", '-out', "$folder/mark", "$folder/text") == 0
        or die "openssl dgst failed\n";
    return encode_base64(OAuth::Test::slurp("$folder/mark"), '');
}

sub _keys {
    return $made{$$} ||= do {
        my $folder = File::Temp->newdir('oauth-client-XXXXXX', TMPDIR => 1);
        system("openssl genrsa -out $folder/key.pem 2048 2>/dev/null") == 0 or die "openssl genrsa failed\n";
        my $public = `openssl rsa -in $folder/key.pem -pubout 2>/dev/null`;
        $public =~ s/\n\z//;
        { folder => $folder, public => $public };
    };
}

1;
