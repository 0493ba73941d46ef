# shellcheck shell=bash
# fuzz: every target of t/fuzz for so many seconds.

command_fuzz() {
    need_build
    need clang "$(clang_runtime)"
    need_command prove=perl
    OAUTH_FUZZ_SECONDS=${1:-60} prove -v t/fuzz.t
}
