# shellcheck shell=bash
# soak, bench: the module under load.

command_soak() {
    need_build
    need openssl perl
    command_build
    perl t/load/soak.pl "${1:-60}"
}

command_bench() {
    need_build
    need openssl perl wrk
    command_build
    perl t/load/bench.pl "${1:-5}"
}
