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

# The rings with the flags of t/unit, src/ngx with nginx's.
check_tidy() {
    local includes=(-Iinclude -Isrc -It/unit)
    local nginx_includes=(-I"$BUILD/objs")
    local folder
    distribution_module "$BUILD" no
    for folder in src/core src/event src/event/modules src/os/unix src/http src/http/modules src/http/v2; do
        nginx_includes+=(-isystem "$NGINX_TREE/$folder")
    done
    cpp_files | grep '\.cpp$' | grep -v '^t/fuzz/' | xargs -r -P "$(jobs_here)" -n 4 \
        clang-tidy --quiet --warnings-as-errors='*' -- 2>/dev/null -std=c++20 "${includes[@]}" "${nginx_includes[@]}"
}
