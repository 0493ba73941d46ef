# Keys and lists of tokens to measure with. Those of our own broker are signed by its keys, those of a
# foreign issuer by keys made here, which a JWK set holds.
#
#     my $tokens = OAuth::Bench::Tokens->new(folder => $dir);
#     my $set = $tokens->key_set('EdDSA');                           # the file of a JWK set
#     $tokens->add('warm', 1, alg => 'ES256', issuer => $url, key => $pem);
#     $tokens->mint;                                                 # all that were added, at once
#     my ($token) = $tokens->list('warm');  $tokens->file('warm');
package OAuth::Bench::Tokens;

use strict;
use warnings;
use MIME::Base64 qw(encode_base64url);

use OAuth::Forge;
use OAuth::Test ();

sub new {
    my ($class, %args) = @_;
    return bless { lists => [], forges => {}, %args }, $class;
}

sub file { my ($self, $name) = @_; return "$self->{folder}/$name.tokens" }
sub list { my ($self, $name) = @_; return split /\n/, OAuth::Test::slurp($self->file($name)) }

# The keys of a foreign issuer.
sub key_set {
    my ($self, $alg) = @_;
    my $jwk = $alg eq 'HS256' ? { kty => 'oct', k => $self->_secret } : $self->_forge($alg)->jwk;
    return OAuth::Test::spew("$self->{folder}/$alg.jwks", OAuth::Test::encode_json({
        keys => [{ %$jwk, kid => "bench-$alg", alg => $alg, use => 'sig' }],
    }), 0600);
}

# `key`: the PEM file of a broker; without it a key of `key_set`.
sub add {
    my ($self, $name, $count, %args) = @_;
    my $own = $args{key} && OAuth::Forge->new(key => $args{key}, alg => $args{alg});
    my %key = $own ? (key => $args{key}) : $args{alg} eq 'HS256' ? (secret => $self->_secret)
        : (key => $self->_forge($args{alg})->{key});
    push @{ $self->{lists} }, {
        path => $self->file($name), count => $count, alg => $args{alg}, %key,
        header => { typ => $own ? 'at+jwt' : 'JWT', kid => $own ? $own->kid : "bench-$args{alg}" },
        claims => _claims($args{issuer}),
    };
    return $self;
}

sub mint {
    my ($self) = @_;
    my $spec = OAuth::Test::spew("$self->{folder}/mint.json", OAuth::Test::encode_json($self->{lists}), 0600);
    system('node', 't/load/mint.mjs', $spec) == 0 or die "no tokens were minted\n";
    $self->{lists} = [];
    return $self;
}

# As our broker's access tokens are; `jti` is each token's own.
sub _claims {
    my ($issuer) = @_;
    my $now = time;
    return {
        iss => $issuer, aud => $issuer, sub => 'demo:alice@example.com', client_id => 'dexie', iat => $now,
        exp => $now + 24 * 3600, sid => 'k3Vw0mJY3q2vJfT9hXo1Ug', scope => 'ACCESS_DB openid profile',
        email => 'alice@example.com', email_verified => \1, name => 'Alice Example',
        picture => 'https://example.com/pictures/alice-in-wonderland.png',
    };
}

sub _forge {
    my ($self, $alg) = @_;
    return $self->{forges}{$alg} ||= OAuth::Forge->new(generate => $alg);
}

sub _secret {
    my ($self) = @_;
    return $self->{secret} ||= do {
        open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
        read $random, my $bytes, 32;
        encode_base64url($bytes);
    };
}

1;
