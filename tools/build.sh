# shellcheck shell=bash
# build, probe: the module as a shared object for the distribution's nginx, from nginx-dev's tree.

NGINX_TREE=/usr/share/nginx/src
HARDEN="-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$ROOT=."
WARNINGS='-Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 -Wnon-virtual-dtor'

command_build() {
    need_build
    distribution_module "$BUILD" no
    say "built build/ngx_http_oauth_module.so"
}

command_probe() {
    need_build
    # The objects are shared with the ship build: what is probed is what ships.
    mkdir -p "$BUILD/objs/addon" "$BUILD/probe/objs"
    ln -sfn ../../objs/addon "$BUILD/probe/objs/addon"
    distribution_module "$BUILD/probe" yes
    say "built build/probe/ngx_http_oauth_module.so"
}

# distribution_module FOLDER PROBE: configures where needed, compiles, checks that nginx loads it.
distribution_module() {
    local folder=$1 probe=$2
    local module=$folder/ngx_http_oauth_module.so
    # shellcheck source=/dev/null
    . "$NGINX_TREE/conf_flags"
    configure_nginx "$NGINX_TREE" "$folder/objs" "$probe" "${NGX_CONF_FLAGS[@]}" \
        --with-cc-opt="$HARDEN" --with-ld-opt='-Wl,-z,relro -Wl,-z,now'
    make_nginx "$NGINX_TREE" "$folder/objs" modules
    # What debuggers need stays in objs/; names for a backtrace stay here too.
    if [ ! "$module" -nt "$folder/objs/ngx_http_oauth_module.so" ]; then
        # Renamed into place: an nginx that runs with the old file keeps the old file.
        strip --strip-debug -o "$module.new" "$folder/objs/ngx_http_oauth_module.so"
        mv -f "$module.new" "$module"
    fi
    check_fits "$module"
}

# configure_nginx TREE OBJS PROBE FLAGS...: runs nginx's configure only if something that it looks
# at has changed, and keeps the age of headers that came out as they were.
configure_nginx() {
    local tree=$1 objs=$2 probe=$3 stamp
    shift 3
    stamp=$({ printf '%s\n' "$tree" "$probe" "$@"; cat config; find src include t/probe -name '*.[ch]pp' | sort; } 2>/dev/null | sha256sum)
    if [ "$stamp" = "$(cat "$objs/configured" 2>/dev/null)" ]; then return 0; fi
    mkdir -p "$objs"
    local before=$objs/before
    mkdir -p "$before"
    cp -p "$objs"/ngx_auto_*.h "$before" 2>/dev/null || true
    (cd "$tree" && OAUTH_PROBE=$probe ./configure "$@" --add-dynamic-module="$ROOT" --builddir="$objs") \
        >"$objs/configure.log" 2>&1 || { tail -n 20 "$objs/configure.log" >&2; die "configure failed"; }
    local header
    for header in "$before"/*.h; do
        if cmp -s "$header" "$objs/${header##*/}"; then cp -p "$header" "$objs"; fi
    done
    printf '%s\n' "$stamp" >"$objs/configured"
}

make_nginx() {
    local tree=$1 objs=$2
    shift 2
    make -s -j"$(jobs_here)" -C "$tree" -f "$objs/Makefile" OAUTH_CXXFLAGS="$WARNINGS ${CXX_EXTRA:-}" "$@" >&2
}

# nginx refuses another version or signature at load; say so here, where the reason can be named.
check_fits() {
    local module=$1 nginx ours theirs
    nginx=$(nginx_binary)
    ours=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$NGINX_TREE/src/core/nginx.h")
    theirs=$("$nginx" -v 2>&1 | sed 's|.*nginx/\([0-9.]*\).*|\1|')
    [ "$ours" = "$theirs" ] || die "nginx is $theirs, but nginx-dev is $ours: install the pair"
    [ "$(signature "$module")" = "$(signature "$nginx")" ] || die "the module's signature is not nginx's"
    local trial=${module%/*}/objs/trial
    mkdir -p "$trial"
    printf 'load_module %s;\npid %s/pid;\nerror_log stderr notice;\nevents {}\n' "$module" "$trial" >"$trial/nginx.conf"
    "$nginx" -t -q -p "$trial" -c "$trial/nginx.conf" || die "nginx does not load the module"
}

signature() { grep -aoE '[0-9],[0-9],[0-9],[01]{30,}' "$1" | head -n 1; }
