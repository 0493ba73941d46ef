# What a test file starts with: strict, warnings, Test::More and the small words below.
#
#     use lib 't/lib';
#     use OAuth::Test;
#     my $nginx = OAuth::Nginx->new(http => 'server { listen 127.0.0.1:%%PORT%%; ... }')->start;
#     is $nginx->get('/')->{status}, 200, 'the page is there';
#     $nginx->stop;
#     done_testing;
package OAuth::Test;

use strict;
use warnings;
use utf8 ();
use JSON::PP   ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More ();
use Time::HiRes ();

use OAuth::Browser;
use OAuth::Client;
use OAuth::Http;
use OAuth::Nginx;
use OAuth::Redis;
use OAuth::Idp;

my @WORDS = qw(header headers decode_json encode_json form query_of url_encode url_decode
    encode_base64url decode_base64url wait_until slurp spew);

sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    Test::More->export_to_level(1, @_[0 .. 0], @Test::More::EXPORT);
    no strict 'refs';
    *{"${caller}::$_"} = \&{"OAuth::Test::$_"} for @WORDS;
    return;
}

# The first header of that name, or undef; all of them, in order.
sub header  { return (headers(@_))[0] }
sub headers {
    my ($response, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $response->{headers} };
}

sub decode_json { return JSON::PP->new->utf8->allow_nonref->decode($_[0]) }
sub encode_json { return JSON::PP->new->utf8->canonical->allow_nonref->encode($_[0]) }

sub url_encode { return OAuth::Http::url_encode(@_) }
sub url_decode { return OAuth::Http::url_decode(@_) }

# form(a => 1, b => 'x y') is "a=1&b=x%20y", in that order; for queries and bodies alike.
sub form {
    my (@pairs) = @_;
    my @out;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @out, url_encode($name) . '=' . url_encode($value);
    }
    return join '&', @out;
}

# The query of a URL as a hash; a name that stands twice is an array reference.
sub query_of {
    my ($url) = @_;
    my ($query) = $url =~ /\?([^#]*)/ or return {};
    my %out;
    for my $pair (split /&/, $query) {
        my ($name, $value) = map { url_decode($_) } split /=/, $pair, 2;
        $value = '' if !defined $value;
        $out{$name}
            = !exists $out{$name} ? $value
            : ref $out{$name}     ? [@{ $out{$name} }, $value]
            :                       [$out{$name}, $value];
    }
    return \%out;
}

# Polls until the block is true and returns its value; false after `seconds` (20).
sub wait_until (&;$) {
    my ($condition, $seconds) = @_;
    my $end = Time::HiRes::time() + ($seconds || 20);
    while (1) {
        my $value = $condition->();
        return $value if $value || Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.02);
    }
}

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or return '';
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';    # nothing: a process of /proc has just ended
}

sub spew {
    my ($path, $text, $mode) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    chmod $mode, $path if defined $mode;
    return $path;
}

1;
