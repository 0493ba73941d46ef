# shellcheck shell=bash
# Words that every command uses: say, die, need.

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

jobs_here() { nproc 2>/dev/null || echo 2; }

# Installs the Debian packages of these names that are not there yet.
need() {
    local missing=() package
    for package; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "install these packages as root: ${missing[*]}"
        sudo=(sudo)
    fi
    say "installing ${missing[*]}"
    mkdir -p "$BUILD"
    # A list that is not fresh enough shows only in what cannot be fetched.
    "${sudo[@]}" apt-get -qq update >"$BUILD/apt.log" 2>&1 || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        "${missing[@]}" >>"$BUILD/apt.log" 2>&1 || { tail -n 20 "$BUILD/apt.log" >&2; die "apt-get failed"; }
}

# As `need`, for what may have come by another way: COMMAND=PACKAGE...
need_command() {
    local pair missing=()
    for pair; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    need "${missing[@]}"
}

need_build() {
    need ca-certificates nginx nginx-dev g++ make libssl-dev libhiredis-dev libjansson-dev libpcre2-dev zlib1g-dev
}

need_tests() {
    need_build
    need libgtest-dev googletest redis-server openssl curl wrk clang "$(clang_runtime)" chromium
    # Not every release has it.
    if apt-cache show valkey-server >/dev/null 2>&1; then
        (need valkey-server) || say "the tests go without Valkey"
    fi
    need_command npm=npm node=nodejs prove=perl
}

# libFuzzer and the sanitizers of the distribution's clang; clang itself may not be there yet.
clang_runtime() {
    local major
    major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
    if [ -z "$major" ]; then
        need clang
        major=$(clang -dumpversion)
    fi
    echo "libclang-rt-${major%%.*}-dev"
}
