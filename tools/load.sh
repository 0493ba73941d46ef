# shellcheck shell=bash
# soak, bench: the module under load.

command_soak() {
    need_build
    need openssl perl
    command_build
    perl t/load/soak.pl "${1:-60}"
}

command_bench() {
    local package
    need_build
    need openssl perl wrk
    need_command node=nodejs
    # What it measures beside us, and counts with; a row less where one is not to be had.
    for package in valgrind haproxy libapache2-mod-auth-openidc libnginx-mod-http-lua; do
        (need "$package") || say "bench goes without $package"
    done
    command_build
    command_probe
    perl t/load/bench.pl "$@"
}
