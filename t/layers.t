# The rules between the files: who includes whom, and what g++ or a reader would stumble over.
use lib 't/lib';
use OAuth::Test;
use OAuth::Lint;

my @tracked = tracked_files();
my @cpp = grep { m{^(?:src|include|t/unit|t/probe|t/fuzz)/.*\.[ch]pp$} } @tracked;
my %text = map { $_ => slurp($_) } @tracked;

# [the rule in words, the rule, its files, a path and a text that it must refuse, one that it must not]
my @rules = (
    ['a file includes its own ring and those to its left', \&OAuth::Lint::ring, \@cpp,
        'src/jose/x.cpp',
        [qq{#include "oauth/flow/login.hpp"\n}, qq{#include "ngx/run.hpp"\n}],
        [qq{#include "oauth/base/text.hpp"\n#include <oauth/jose/jwt.hpp>\n#include "jose/own.hpp"\n}]],
    ['each library is seen where it belongs', \&OAuth::Lint::library, \@cpp,
        'src/flow/x.cpp',
        ["#include <ngx_http.h>\n", "#include <openssl/evp.h>\n", "#include <jansson.h>\n", "#include <pcre2.h>\n",
            "#include <hiredis/hiredis.h>\n", qq{#include "ngx/nginx.hpp"\n}],
        ["#include <string>\n"]],
    ['co_await stands alone', \&OAuth::Lint::co_await, \@cpp,
        'src/flow/x.cpp',
        ["if (co_await f(x) == y) {\n", "auto x = co_await f({a, b});\n", "auto x = co_await f([&] { return 1; });\n",
            "g(co_await f(x));\n", "auto x = co_await f(a ? b : c);\n", "auto x = co_await f(Form{a, b});\n",
            "auto x = co_await f(a)\n    && co_await g(b);\n", "return co_await f(x) ? 1 : 2;\n"],
        ["auto fresh = co_await io.store.claim(attempt->id, attempt->expires);\n", "co_return co_await next(in, io);\n",
            "co_await done;\n", "reply = co_await fetch->post(url, std::move(form));\n", "// co_await {x}\n",
            "auto reply =\n    co_await io.fetch.post(in.provider.token_endpoint,\n        form);\n",
            "if (!x) {\n  co_await drop(key);\n}\n"]],
    ['every if, for and while has braces', \&OAuth::Lint::braces, \@cpp,
        'src/ngx/x.cpp',
        ["if (x) ngx_delete_posted_event(e);\n", "for (;;) f();\n", "if (x) {\n} else f();\n", "while (f(a, (b))) g();\n",
            "if constexpr (x) f();\n", "if (x)\n  f();\n"],
        ["if (f(a, (b))) {\n} else if (x) {\n} else {\n}\n", "do {\n} while (x);\n", "// if (x) f();\n",
            qq{f("if (x) g();");\n}, "for (auto x : y) {\n}\n", "#if (X)\nint a;\n#endif\n"]],
    ['no file has more than 500 lines', \&OAuth::Lint::length_of_file, [grep { !/\.(?:json|jsonl|svg)$/ } @tracked],
        'src/x.cpp', ["x\n" x 501], ["x\n" x 500]],
    ['C symbols are named ngx_http_oauth_*', \&OAuth::Lint::c_symbols, \@cpp,
        'src/ngx/x.cpp',
        ["ngx_module_t oauth_module = {};\n", "struct ngx_thing_t {\n"],
        ["ngx_module_t ngx_http_oauth_module = {};\n", "extern ngx_module_t ngx_http_oauth_x_probe_module;\n",
            "static void f(ngx_module_t* m);\n"]],
    ['nothing is left open', \&OAuth::Lint::left_open, \@tracked,
        'src/x.cpp', ["// TO" . "DO: more\n", "# FIX" . "ME\n"], ["// to do\n"]],
    ['no path of this machine and no registry is committed', \&OAuth::Lint::machine, \@tracked,
        'x.json', [qq{"resolv} . qq{ed": "https} . qq{://r.example/x.tgz"\n}, "cd /wor" . "k/shared\n"], ["/usr/wor" . "k/x\n"]],
);

for my $rule (@rules) {
    my ($name, $check, $paths, $path, $refused, $accepted) = @$rule;
    subtest $name => sub {
        is_deeply [map { $check->($_, $text{$_}) } @$paths], [], 'in all files';
        isnt scalar(my @complaints = $check->($path, $_)), 0, "refuses: " . shown($_) for @$refused;
        is_deeply [map { $check->($path, $_) } @$accepted], [], 'refuses nothing that is right';
    };
}

subtest 'headers, sources and tests mirror each other' => sub {
    is_deeply [OAuth::Lint::mirror(@tracked)], [], 'in all files';
    ok scalar(OAuth::Lint::mirror($_)), "refuses: $_"
        for 't/unit/base/x_test.cpp', 't/unit/base/x_y_test.cpp', 'src/jose/x.cpp', 'include/oauth/ngx/x.hpp';
    is_deeply [OAuth::Lint::mirror(qw(include/oauth/base/x.hpp src/base/x.cpp t/unit/base/x_test.cpp t/unit/base/x_when_late_test.cpp src/ngx/y.cpp))],
        [], 'refuses nothing that is right';
};

done_testing;

# What git tracks; all but the results of a build where there is no git.
sub tracked_files {
    my @files = -e '.git' ? `git ls-files -z` : ();
    @files = split /\0/, join '', @files;
    @files = map { s{^\./}{}r } split /\0/, `find . \\( -path ./build -o -name node_modules -o -name .git \\) -prune -o -type f -print0`
        if !@files;
    return grep { -f && !/\.(?:png|so|bin)$/ } @files;
}

sub shown { my ($text) = @_; $text =~ s/\s+/ /g; return substr $text, 0, 60 }
