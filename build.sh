#!/usr/bin/env bash
# The one door to this project; the commands are the functions command_* in tools/.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export BUILD=$ROOT/build
cd "$ROOT"

usage() {
    cat <<'TEXT'
usage: ./build.sh COMMAND

  build            build/ngx_http_oauth_module.so, loadable by the distribution's nginx
  run, stop        a local nginx with the demo configuration: prints its URL last, and returns
  test [FILE...]   all tests (or these files of t/); fails if one fails
  check            format, static analysis, lint
  probe            the module with the test probes, in build/probe/
  asan [FILE...]   nginx and module under AddressSanitizer and UBSan in build/asan/, then the tests
  fuzz [SECONDS]   every fuzz target for so long (60)
  soak [SECONDS]   sign-ins without pause (60); last line: attempted N succeeded N refused N wrong N
  bench [SECONDS]  what a request costs, beside the plain proxy and others (docs/performance.md)
  coverage [FILE...]  which lines the tests run: build/coverage/index.html

What is missing is installed from Debian's packages (as root) and, for tests, from npm.
TEXT
}

# shellcheck source=/dev/null
for part in "$ROOT"/tools/*.sh; do . "$part"; done

command=${1:-help}
if ! declare -F "command_$command" >/dev/null; then
    usage
    if [ "$command" = help ]; then exit 0; fi
    exit 64
fi
shift
"command_$command" "$@"
