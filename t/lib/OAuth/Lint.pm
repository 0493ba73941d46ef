# The rules of this code base that a compiler does not know. Each takes a path and the text of the
# file and returns its complaints; t/layers.t runs all of them over the tracked files, and each over
# a sample that it must refuse.
package OAuth::Lint;

use strict;
use warnings;

my @RINGS = qw(base jose proto flow ngx);
my %RANK = map { $RINGS[$_] => $_ } 0 .. $#RINGS;

# ---- C++ --------------------------------------------------------------------------------------

# A file includes its own ring and those to the left; tests and the test probes may see all.
sub ring {
    my ($path, $text) = @_;
    my ($own) = $path =~ m{^(?:src|include/oauth|t/unit)/(\w+)/} or return;
    return if !exists $RANK{$own};
    my @bad;
    _each_line($text, sub {
        my ($line, $number) = @_;
        my ($ring) = $line =~ m{^\s*#\s*include\s*[<"](?:oauth/|\.\./)?(\w+)/} or return;
        return if !exists $RANK{$ring} || $RANK{$ring} <= $RANK{$own};
        push @bad, "$path:$number: $own includes $ring";
    });
    return @bad;
}

# Who sees which library.
my @LIBRARIES = (
    [qr{^ngx_\w+\.h$|ngx/nginx\.hpp$},  'nginx',   qr{^(?:src/ngx|t/probe)/}],
    [qr{^hiredis/},                     'hiredis', qr{^src/ngx/}],
    [qr{^openssl/},                     'OpenSSL', qr{^(?:src|t/unit)/jose/|^src/base/secret\.cpp$|^t/unit/base/secret_test\.cpp$|^t/probe/(?:verify|redeem)_probe\.cpp$}],
    [qr{^pcre2\.h$},                     'PCRE2',   qr{^src/ngx/}],
    [qr{^jansson\.h$},                  'jansson', qr{^src/base/json\.cpp$}],
);

sub library {
    my ($path, $text) = @_;
    my @bad;
    _each_line($text, sub {
        my ($line, $number) = @_;
        my ($header) = $line =~ m{^\s*#\s*include\s*[<"]([^>"]+)[>"]} or return;
        for my $rule (@LIBRARIES) {
            my ($pattern, $name, $where) = @$rule;
            push @bad, "$path:$number: sees $name" if $header =~ $pattern && $path !~ $where;
        }
    });
    return @bad;
}

# g++ 12 destroys twice what is made inside a co_await expression, so it stands alone:
#     [auto x =|x =|co_return] co_await name(args);
# where an argument is a name, a member, a literal, std::move(name), or a call of such with such.
my $NAME = qr/(?:\w+(?:::|\.|->))*\w+/;
my $ARGS = qr/[\w\s:.,*&()"'>-]*/;
my $ALONE = qr/^(?:(?:const )?auto&? \w+ = |co_return |\w+ = )?co_await $NAME(?:\($ARGS\))?;$/;

sub co_await {
    my ($path, $text) = @_;
    my @bad;
    for my $statement (_statements_with($text, 'co_await')) {
        my ($line, $number) = @$statement;
        next if $line =~ /\boperator co_await\b/;    # a declaration of one
        push @bad, "$path:$number: co_await does not stand alone" if $line !~ $ALONE || $line =~ /&&|\|\|/;
    }
    return @bad;
}

# `if (x) macro();` runs half of a macro of two statements.
sub braces {
    my ($path, $text) = @_;
    my @bad;
    my $code = _blank($text);
    while ($code =~ /\b(if(?:\s+constexpr)?|for|while|else)\b/g) {
        my ($word, $at) = ($1, pos $code);
        my $rest = substr $code, $at;
        if ($word ne 'else') {
            next if $word eq 'while' && _ends_do_loop(substr $code, 0, $-[0]);
            $rest =~ s/^\s*(\((?:[^()]++|(?1))*\))// or next;
        }
        next if $rest =~ /^\s*(?:\[\[\w+\]\]\s*)?\{/ || $word eq 'else' && $rest =~ /^\s*if\b/;
        push @bad, "$path:" . (1 + substr($code, 0, $at) =~ tr/\n//) . ": $word without braces";
    }
    return @bad;
}

sub length_of_file {
    my ($path, $text) = @_;
    my $lines = $text =~ tr/\n//;
    return $lines > 500 ? "$path: $lines lines, 500 are allowed" : ();
}

# Two worlds of names with one border: what C sees is named by its directive, never exported by chance.
sub c_symbols {
    my ($path, $text) = @_;
    my @bad;
    _each_line(_blank($text), sub {
        my ($line, $number) = @_;
        for my $name ($line =~ /^(?:extern\s+)?ngx_module_t\s+(\w+)/g) {
            push @bad, "$path:$number: $name is not named ngx_http_oauth_*" if $name !~ /^ngx_http_oauth_\w+$/;
        }
        push @bad, "$path:$number: $1 borrows nginx's name"
            if $line =~ /\b(?:class|struct|enum(?: class)?|using)\s+(ngx_(?!http_oauth_)\w+)\s*[{:=]/;
    });
    return @bad;
}

# ---- all files --------------------------------------------------------------------------------

sub left_open {
    my ($path, $text) = @_;
    return _grep($path, $text, qr/\b(?:TO${\''}DO|FIX${\''}ME|XX${\''}X)\b/, 'is left open');
}

# Nothing here knows where it was written or fetched.
sub machine {
    my ($path, $text) = @_;
    return (
        _grep($path, $text, qr{(?<![\w.])/(?:work|farm)/}, 'names a path of one machine'),
        _grep($path, $text, qr{"resolved":\s*"https?:|^\s*registry\s*=}, 'names a package registry'),
    );
}

# ---- the trees --------------------------------------------------------------------------------

# include/oauth/RING/x.hpp, src/RING/x.cpp and t/unit/RING/x_test.cpp mirror each other; a test may
# name the aspect that it is about (x_aspect_test.cpp).
sub mirror {
    my (@paths) = @_;
    my %there = map { $_ => 1 } @paths;
    my @bad;
    for my $path (@paths) {
        if ($path =~ m{^t/unit/(.*)_test\.cpp$}) {
            my $tested = $1;
            1 while !(grep { $there{$_} } "include/oauth/$tested.hpp", "src/$tested.cpp", "src/$tested.hpp")
                && $tested =~ s{_[^/_]+$}{};
            push @bad, "$path: neither include/oauth/$tested.hpp nor src/$tested.cpp is there"
                if !grep { $there{$_} } "include/oauth/$tested.hpp", "src/$tested.cpp", "src/$tested.hpp";
        } elsif ($path =~ m{^src/((?:base|jose|proto|flow)/[^/]+)\.cpp$}) {
            push @bad, "$path: include/oauth/$1.hpp is not there"
                if !$there{"include/oauth/$1.hpp"} && !$there{"src/$1.hpp"};
        } elsif ($path =~ m{^include/oauth/ngx/}) {
            push @bad, "$path: the outermost ring exports no header";
        }
    }
    return @bad;
}

# ---- inside -----------------------------------------------------------------------------------

sub _grep {
    my ($path, $text, $pattern, $complaint) = @_;
    my @bad;
    _each_line($text, sub { push @bad, "$path:$_[1]: $complaint" if $_[0] =~ $pattern });
    return @bad;
}

sub _each_line {
    my ($text, $do) = @_;
    my $number = 0;
    $do->($_, ++$number) for split /\n/, $text, -1;
    return;
}

# The text with comments and literals emptied and preprocessor lines gone, line for line.
sub _blank {
    my ($text) = @_;
    my $keep_lines = sub { my $lines = $_[0] =~ tr/\n//; return "\n" x $lines };
    $text =~ s{
          (//[^\n]*)
        | (/\*.*?\*/)
        | R"(\w*)\((.*?)\)\3"
        | "(?:[^"\\\n]|\\.)*"
        | (?<!\w)'(?:[^'\\\n]|\\.)+'
        | ^[ \t]*\#(?:[^\n\\]|\\.)*$
    }{ my $all = $&; defined $1 ? '' : defined $2 ? $keep_lines->($2)
        : $all =~ /^\s*#/ ? $keep_lines->($all) : '""' . $keep_lines->($all) }gsmex;
    return $text;
}

# Statements that hold `word`, from the end of the one before, on one line, with their line number.
sub _statements_with {
    my ($text, $word) = @_;
    my $code = _blank($text);
    my @found;
    while ($code =~ /\b\Q$word\E\b/g) {
        my $at = pos $code;
        my $start = 0;
        my $before = substr $code, 0, $at - length $word;
        $start = $+[0] if $before =~ /.*(?:;|\{\s*\n|\}\s*\n)/s;
        my ($statement) = substr($code, $start) =~ /^(.*?;)/s;
        $statement = substr $code, $start if !defined $statement;
        $statement =~ s/\s+/ /g;
        $statement =~ s/^ | $//g;
        $statement =~ s/\( /(/g;
        push @found, [$statement, 1 + $before =~ tr/\n//];
    }
    return @found;
}

sub _ends_do_loop { return $_[0] =~ /\}\s*$/ && $_[0] =~ /\bdo\s*\{/ }

1;
