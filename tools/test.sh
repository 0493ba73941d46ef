# shellcheck shell=bash
# test: everything that can fail. The last lines are prove's.

command_test() {
    need_tests
    install_node_modules
    command_build
    command_probe
    # Named files are somebody's short way; only one of them needs the long build.
    if [ $# -eq 0 ] || [[ " $* " == *sanitized.t* ]]; then build_sanitized; fi
    run_prove "$@"
}

run_prove() {
    if [ $# -eq 0 ]; then set -- t/*.t; fi
    prove --timer -j"$(jobs_here)" "$@"
}

# The lock file says which; it names no host, so npm's own settings say from where.
install_node_modules() {
    local stamp=t/node/node_modules/.installed
    if cmp -s t/node/package-lock.json "$stamp"; then return 0; fi
    say "installing t/node by npm"
    if ! (cd t/node && npm ci --ignore-scripts --no-progress --loglevel=error >&2); then
        # No half of it: each test that needs it says that it is skipped, and why.
        rm -rf t/node/node_modules
        say "npm failed: the tests with node's providers and with the browser are SKIPPED"
        return 0
    fi
    cp t/node/package-lock.json "$stamp"
}
