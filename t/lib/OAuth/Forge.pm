# Mints JWTs as nobody should: any header, any claims, any signature. Keys are PEM files (those of
# a broker's state folder, or made here) and signatures come from the `openssl` command.
#
#     my $forge = OAuth::Forge->new(key => "$dir/state/signing-es256.pem", claims => {...});
#     my $good  = $forge->token;
#     my $bad   = $forge->token(header => { alg => 'none' }, signature => '');
#     my $odd   = $forge->token(payload => '{"sub":"a","sub":"b"}');    # the very bytes, signed
# A member whose value is undef is left out. `alg` says how to sign; the header may say otherwise.
package OAuth::Forge;

use strict;
use warnings;
use Digest::SHA qw(sha256 hmac_sha256 hmac_sha384 hmac_sha512);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64);

my %HMAC = (HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512);
my %GENERATE = (
    ES256 => 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    ES384 => 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384',
    RS256 => 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    RS1024 => 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024',
    EdDSA => 'genpkey -algorithm ED25519',
);

# new(key => PEM file | generate => ALG, alg => ALG, header => {}, claims => {})
sub new {
    my ($class, %args) = @_;
    my $self = bless {
        folder => File::Temp->newdir('oauth-forge-XXXXXX', TMPDIR => 1),
        header => {}, claims => {}, %args,
    }, $class;
    $self->{alg} ||= $args{generate} || 'ES256';
    if ($args{generate}) {
        $self->{key} = $self->{folder}->dirname . '/key.pem';
        generate($args{generate}, $self->{key});
    }
    return $self;
}

# A private key in a new file, 0600.
sub generate {
    my ($alg, $path) = @_;
    my $options = $GENERATE{$alg} || die "no recipe for $alg\n";
    OAuth::Test::spew($path, scalar _openssl($options), 0600);
    return $path;
}

# The compact JWS. `header` and `claims` are merged into the usual ones; `head` and `payload` are
# bytes instead of them; `signature` is bytes instead of a signature; `input` what is really signed.
sub token {
    my ($self, %args) = @_;
    my $alg = $args{alg} || $self->{alg};
    my $head = defined $args{head} ? $args{head}
        : json({ alg => $alg, typ => 'at+jwt', kid => $self->kid, %{ $self->{header} }, %{ $args{header} || {} } });
    my $payload = defined $args{payload} ? $args{payload} : json({ $self->claims, %{ $args{claims} || {} } });
    my $text = encode_base64url($head) . '.' . encode_base64url($payload);
    my $signature = defined $args{signature} ? $args{signature}
        : $self->sign($alg, defined $args{input} ? $args{input} : $text, $args{secret});
    return "$text." . encode_base64url($signature);
}

sub claims {
    my ($self) = @_;
    my $now = time;
    return (iat => $now, exp => $now + 600, %{ $self->{claims} });
}

# JSON in the order of names, without the members that are undef; a \'text' is itself.
sub json {
    my ($value) = @_;
    return $$value if ref $value eq 'SCALAR';
    return '[' . join(',', map { json($_) } @$value) . ']' if ref $value eq 'ARRAY';
    my $coder = JSON::PP->new->utf8->canonical->allow_nonref;
    return $coder->encode($value) if ref $value ne 'HASH';
    return '{' . join(',', map { $coder->encode($_) . ':' . json($value->{$_}) }
        grep { defined $value->{$_} } sort keys %$value) . '}';
}

sub sign {
    my ($self, $alg, $input, $secret) = @_;
    return $HMAC{$alg}->($input, $secret) if $HMAC{$alg};
    return '' if lc $alg eq 'none';
    my $file = OAuth::Test::spew($self->{folder}->dirname . '/input', $input);
    return _openssl("pkeyutl -sign -rawin -inkey $self->{key} -in $file") if $alg eq 'EdDSA';
    my ($family, $bits) = $alg =~ /^(ES|RS|PS)(256|384|512)$/ or die "cannot sign $alg\n";
    my $pss = $family eq 'PS' ? '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest' : '';
    my $signature = _openssl("dgst -sha$bits $pss -sign $self->{key} $file");
    return $family eq 'ES' ? _raw_ecdsa($signature, { 256 => 32, 384 => 48, 512 => 66 }->{$bits}) : $signature;
}

# RFC 7638, of P-256 and RSA keys.
sub kid {
    my ($self) = @_;
    return $self->{kid} ||= encode_base64url(sha256(json($self->jwk)));
}

# The public key as its required members.
sub jwk {
    my ($self) = @_;
    my $der = $self->public_der;
    my $text = _openssl("pkey -in $self->{key} -pubout -text -noout");
    if ($text =~ /Modulus:\s*([0-9a-f:\s]+)/) {
        (my $hex = $1) =~ s/[^0-9a-f]//g;
        $hex =~ s/^00//;
        return { kty => 'RSA', n => encode_base64url(pack 'H*', $hex), e => 'AQAB' };
    }
    return { kty => 'OKP', crv => 'Ed25519', x => encode_base64url(substr $der, -32) } if $self->{alg} eq 'EdDSA';
    my $size = $text =~ /P-384/ ? 48 : 32;
    return {
        kty => 'EC', crv => $size == 32 ? 'P-256' : 'P-384',
        x => encode_base64url(substr $der, -2 * $size, $size), y => encode_base64url(substr $der, -$size),
    };
}

sub public_pem { my ($self) = @_; return $self->{public_pem} ||= _openssl("pkey -in $self->{key} -pubout") }
sub public_der {
    my ($self) = @_;
    return decode_base64(join '', grep { !/^-/ } split /\n/, $self->public_pem);
}

# ECDSA-Sig-Value (RFC 3279 2.2.3) as r and s of fixed length (RFC 7518 3.4).
sub _raw_ecdsa {
    my ($der, $size) = @_;
    my ($r, $s) = unpack 'x[C] x[C] x[C] C/a x[C] C/a', ord(substr $der, 1, 1) == 0x81 ? substr($der, 1) : $der;
    return join '', map { my $n = $_; $n =~ s/^\0+//; ("\0" x ($size - length $n)) . $n } $r, $s;
}

sub _openssl {
    my ($words) = @_;
    open my $out, '-|:raw', "openssl $words 2>/dev/null" or die "openssl: $!\n";
    local $/;
    my $bytes = <$out>;
    close $out or die "openssl $words failed\n";
    return $bytes;
}

1;
