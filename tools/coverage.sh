# shellcheck shell=bash
# coverage: the lines that unit tests and tests with nginx run.

COVERAGE=$BUILD/coverage

command_coverage() {
    need_tests
    need gcovr
    install_node_modules
    local form
    # shellcheck source=/dev/null
    . "$NGINX_TREE/conf_flags"
    mkdir -p "$COVERAGE/objs/addon" "$COVERAGE/probe/objs"
    ln -sfn ../../objs/addon "$COVERAGE/probe/objs/addon"
    for form in "$COVERAGE no" "$COVERAGE/probe yes"; do
        coverage_form "${form% *}" "${form##* }"
    done
    find "$COVERAGE" -name '*.gcda' -delete
    make -s -j"$(jobs_here)" -C t/unit BUILD="$COVERAGE" OPTIMISE='-O0 -g' COVERAGE=--coverage
    "$COVERAGE/unit/test" >/dev/null || true
    local files=("$@")
    if [ $# -eq 0 ]; then
        mapfile -t files < <(find t -maxdepth 1 -name '*.t' | grep -vE '/(layers|unit|sanitized|fuzz)\.t$' | sort)
    fi
    # As root, for workers write their counts at exit beside the objects.
    OAUTH_USER=root OAUTH_BUILD=$COVERAGE prove "${files[@]}" || true
    gcovr --root "$ROOT" --filter src/ --filter include/ --html-details "$COVERAGE/index.html" --print-summary "$COVERAGE" \
        2>"$COVERAGE/gcovr.log"
    say "build/coverage/index.html"
}

coverage_form() {
    local folder=$1 probe=$2
    configure_nginx "$NGINX_TREE" "$folder/objs" "$probe" "${NGX_CONF_FLAGS[@]}" \
        --with-cc-opt='-O0 -g --coverage -Wno-error' --with-ld-opt=--coverage
    make_nginx "$NGINX_TREE" "$folder/objs" modules
    ln -sf objs/ngx_http_oauth_module.so "$folder/ngx_http_oauth_module.so"
}
