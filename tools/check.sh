# shellcheck shell=bash
# check: what can be said about the sources without running them.

command_check() {
    need_build
    need clang-format clang-tidy shellcheck libgtest-dev
    need_command prove=perl
    local failed=()
    check_step format check_format
    check_step shell check_shell
    check_step lint prove -Q t/layers.t
    check_step tidy check_tidy
    if [ ${#failed[@]} -gt 0 ]; then die "failed: ${failed[*]}"; fi
    say "format, shell, lint and tidy are clean"
}

check_step() {
    local name=$1
    shift
    say "$name"
    "$@" || failed+=("$name")
}

cpp_files() { find src include t/unit t/probe t/fuzz \( -name '*.cpp' -o -name '*.hpp' \) 2>/dev/null | sort; }

check_format() { cpp_files | xargs -r clang-format --dry-run -Werror; }

check_shell() { shellcheck -x build.sh tools/*.sh .ci/run; }

# All files with the same flags: nginx's headers are there, t/layers.t says who may use them.
check_tidy() {
    local folder
    distribution_module "$BUILD" no
    mkdir -p "$BUILD/tidy"
    {
        printf '%s\n' -std=c++20 "-I$ROOT/include" "-I$ROOT/src" "-I$ROOT/t/unit" -isystem "$BUILD/objs"
        for folder in core event event/modules os/unix http http/modules http/v2; do
            printf '%s\n' -isystem "$NGINX_TREE/src/$folder"
        done
    } >"$BUILD/tidy/compile_flags.txt"
    cpp_files | grep '\.cpp$' | grep -v '^t/fuzz/' | xargs -r -P "$(jobs_here)" -n 4 \
        clang-tidy --quiet --warnings-as-errors='*' -p "$BUILD/tidy" 2>/dev/null
}
