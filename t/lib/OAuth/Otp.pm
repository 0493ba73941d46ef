# A one-time password by e-mail, step by step as the Dexie client takes it, and the letter box where
# the mails arrive.
#
#     my $box = OAuth::Otp->box;                          # an OAuth::Upstream, POST /mail is taken
#     my $otp = OAuth::Otp->new($nginx, $box, port => 0);
#     my $mail = $otp->mail_to('ann@example.com');        # { email, otp, otp_id, expires } as it came
#     my $reply = $otp->redeem($mail);                    # status, body, json; changes: email => undef
#     my $reply = $otp->ask('ann@example.com');           # the first step alone
package OAuth::Otp;

use strict;
use warnings;

use OAuth::Client;
use OAuth::Http;
use OAuth::Upstream;

our $APP = 'https://app.example.com';

sub box {
    my ($class, %more) = @_;
    return OAuth::Upstream->new('/mail' => [OAuth::Upstream::reply(202, '{"queued":true}')], %more);
}

# new($nginx, $box, port => index, tls => 1, origin =>)
sub new {
    my ($class, $nginx, $box, %args) = @_;
    return bless { nginx => $nginx, box => $box, port => 0, origin => $APP, path => '/mail', %args }, $class;
}

sub ask {
    my ($self, $email, %changes) = @_;
    return $self->post(_changed({ grant_type => 'otp', email => $email, scopes => ['ACCESS_DB'] }, %changes));
}

# Dies if none comes. `again => 1` asks until it does: where the last mail was sent a moment ago.
sub mail_to {
    my ($self, $email, %changes) = @_;
    my $again = delete $changes{again};
    for ($again ? (1 .. 50) : 1) {
        my $reply = $self->ask($email, %changes);
        die "no otp-sent: $reply->{status} $reply->{body}\n" if $reply->{status} != 200;
        my $mail;
        OAuth::Test::wait_until(
            sub { return ($mail) = grep { $_->{otp_id} eq $reply->{json}{otp_id} } $self->mails }, $again ? 0.3 : 20);
        return $mail if $mail;
    }
    die "no mail to $email\n";
}

# All that came, in the order in which they came.
sub mails {
    my ($self) = @_;
    return map { OAuth::Test::decode_json($_->{body}) } $self->{box}->requests($self->{path});
}

sub redeem {
    my ($self, $mail, %changes) = @_;
    return $self->post($self->answer_to($mail, %changes));
}

# The members that the client sends in the second step.
sub answer_to {
    my ($self, $mail, %changes) = @_;
    return _changed({
        grant_type => 'otp', scopes => ['ACCESS_DB'], public_key => OAuth::Client::public_key(),
        map { $_ => $mail->{$_} } qw(email otp otp_id),
    }, %changes);
}

sub post {
    my ($self, $body) = @_;
    my $connection = $self->{nginx}->connect(port => $self->{port}, tls => $self->{tls});
    my $response = $connection->request(POST => '/token', $self->_request($body));
    $connection->close;
    $response->{json} = eval { OAuth::Test::decode_json($response->{body}) };
    return $response;
}

# The bytes of such a request, for who sends it himself.
sub text {
    my ($self, $body) = @_;
    return OAuth::Http::format_request(POST => '/token', host => 'localhost', keepalive => 1, $self->_request($body));
}

sub _request {
    my ($self, $body) = @_;
    return (body => $body, headers => [Origin => $self->{origin}]);
}

sub _changed {
    my ($members, %changes) = @_;
    my %all = (%$members, %changes);
    delete @all{ grep { !defined $all{$_} } keys %all };
    return \%all;
}

1;
