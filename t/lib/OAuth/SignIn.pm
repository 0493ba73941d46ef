# Whole sign-ins, well and badly, as the tests of each provider need them: from the login to a
# protected location, with the requests that the provider saw, and refusals with their reason.
#
#     my $sign_in = OAuth::SignIn->new($story, $idp);
#     $sign_in->works('who signs in', id => '42', claims => { email => ... }, requests => { token => 1 });
#     $sign_in->fails('a wrong issuer', { id_token => {...} }, 'id_token_refused (token_issuer_wrong)');
# Knobs that `fails` and `works` set (with => {...}) are put back as they were.
package OAuth::SignIn;

use strict;
use warnings;
use Test::More ();

# new(story, provider, knob => value to put back, ...)
sub new {
    my ($class, $story, $idp, %defaults) = @_;
    my %usual = (id_token => {}, token => {}, userinfo => {}, authorize => {}, discovery => {});
    return bless { story => $story, idp => $idp, defaults => { %usual, %defaults } }, $class;
}

# One subtest. id: the provider's for the user; claims: the token's besides sub, undef: not there;
# requests: how often each route was asked, 0 unless said.
sub works {
    my ($self, $what, %expect) = @_;
    my ($story, $idp, $name) = ($self->{story}, $self->{idp}, $self->{idp}->name);
    my %seen;
    Test::More::subtest($what => sub {
        $self->_set($expect{with});
        $idp->forget;
        my $login = $story->reach(name => $name, %{ $expect{query} || {} });
        my $answer = $story->answer($story->finish($login));
        $self->_reset($expect{with});
        Test::More::ok($answer && $answer->{code}, 'a code comes out')
            or return Test::More::diag($story->told('callback'), join "\n", $idp->complaints);
        my $tokens = $story->redeem($answer->{code})->{json};
        my $sub = "$name:$expect{id}";
        my %claims = (sub => $sub, license => 'ok', %{ $expect{claims} || {} });
        delete @claims{ grep { !defined $claims{$_} } keys %claims };
        Test::More::is_deeply($tokens->{claims}, \%claims, "which buys a token for $sub");
        my $there = $story->nginx->get('/api/', headers => [Authorization => "Bearer $tokens->{accessToken}"]);
        Test::More::is("$there->{status} $there->{body}", "200 $sub", 'whom the protected location knows');
        my %asked = map { $_ => $idp->requests($_) } qw(discovery jwks token userinfo emails);
        my %expected = (map({ $_ => 0 } keys %asked), token => 1, %{ $expect{requests} || {} });
        Test::More::is_deeply(\%asked, \%expected, 'the provider was asked no more than that');
        Test::More::is_deeply([$idp->complaints], [], 'and has no complaint');
        %seen = (login => $login, tokens => $tokens);
    });
    return \%seen;
}

# A login with these knobs brings no code, and its reason is in the log; then an honest one works.
sub fails {
    my ($self, $what, $knobs, $cause) = @_;
    my ($story, $idp, $name) = ($self->{story}, $self->{idp}, $self->{idp}->name);
    $self->_set($knobs);
    my $login = $story->reach(name => $name, redirect_uri => "$OAuth::Story::APP/x", state => 'mine');
    my $response = $story->finish($login);
    $self->_reset($knobs);
    my $answer = $story->answer($response) || {};
    Test::More::ok(!defined $answer->{code}, "$what: no code");
    Test::More::is($story->told('callback'), "callback refused: $cause, provider $name", 'for the right reason');
    Test::More::ok($story->code(name => $name), 'then an honest login works')
        or Test::More::diag($story->told('callback'));
    return { response => $response, answer => $answer };
}

sub _set { my ($self, $knobs) = @_; return $knobs && $self->{idp}->set(%$knobs) }

sub _reset {
    my ($self, $knobs) = @_;
    my %back = map {
        exists $self->{defaults}{$_} ? ($_ => $self->{defaults}{$_}) : die "what was $_ before?\n"
    } keys %{ $knobs || {} };
    return %back && $self->{idp}->set(%back);
}

1;
