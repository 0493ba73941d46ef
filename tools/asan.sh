# shellcheck shell=bash
# asan: nginx itself and the module under AddressSanitizer and UndefinedBehaviorSanitizer.

ASAN=$BUILD/asan
SANITIZE='-fsanitize=address,undefined -fno-omit-frame-pointer'

command_asan() {
    need_tests
    install_node_modules
    build_sanitized
    OAUTH_NGINX=$ASAN/nginx OAUTH_BUILD=$ASAN run_prove "$@"
}

# build/asan/nginx, build/asan/ngx_http_oauth_module.so and build/asan/probe/.
build_sanitized() {
    need_build
    need dpkg-dev
    local tree
    tree=$(nginx_source)
    mkdir -p "$ASAN/objs/addon" "$ASAN/probe/objs"
    ln -sfn ../../objs/addon "$ASAN/probe/objs/addon"
    sanitized_form "$tree" "$ASAN" no binary modules
    sanitized_form "$tree" "$ASAN/probe" yes modules
    install -m 755 "$ASAN/objs/nginx" "$ASAN/nginx"
    say "built build/asan/nginx and its modules"
}

# With libstdc++ linked into nginx, the sanitizer knows of exceptions before the module is loaded.
sanitized_form() {
    local tree=$1 folder=$2 probe=$3
    shift 3
    # shellcheck source=/dev/null
    . "$NGINX_TREE/conf_flags"
    configure_nginx "$tree" "$folder/objs" "$probe" "${NGX_CONF_FLAGS[@]}" \
        --with-cc-opt="-O1 $SANITIZE -DNGX_DEBUG_PALLOC=1 -Wno-error" \
        --with-ld-opt="$SANITIZE -Wl,--no-as-needed -lstdc++ -Wl,--as-needed"
    # Optimised and sanitized C++ takes three times as long to compile.
    CXX_EXTRA='-O0 -g1' make_nginx "$tree" "$folder/objs" "$@"
    ln -sf objs/ngx_http_oauth_module.so "$folder/ngx_http_oauth_module.so"
}

# The folder with the source of the installed nginx, fetched once by apt with lists of its own.
nginx_source() {
    local version upstream tree
    version=$(dpkg-query -W -f='${Version}' nginx)
    upstream=${version%-*}
    tree=$ASAN/source/nginx-${upstream#*:}
    if [ ! -f "$tree/unpacked" ]; then
        say "fetching the source of nginx $version"
        rm -rf "$ASAN/source"
        mkdir -p "$ASAN/source"
        private_apt_source "$version" >"$ASAN/apt.log" 2>&1 || { tail -n 20 "$ASAN/apt.log" >&2; die "no source of nginx $version"; }
        touch "$tree/unpacked"
    fi
    echo "$tree"
}

private_apt_source() {
    local apt=$ASAN/apt
    rm -rf "$apt"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    write_source_lists "$apt/parts"
    local options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/parts"
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User="$(id -un)")
    apt-get "${options[@]}" update
    cd "$ASAN/source" || return
    # A mirror may hold the source of another revision only: it is the same nginx.
    local version
    for version in "$1" $(apt-cache "${options[@]}" showsrc nginx | sed -n "s/^Version: //p" | sort -rVu); do
        if [ "${version%-*}" != "${1%-*}" ]; then continue; fi
        if apt-get "${options[@]}" source "nginx=$version"; then return 0; fi
    done
    # Or the upstream part alone, whose checksum apt knows: the same nginx, but for Debian's patches.
    version=${1#*:}
    tar -xzf "nginx_${version%-*}.orig.tar.gz"
}

# The machine's own sources of this Debian release as sources of source packages, in both formats.
write_source_lists() {
    local parts=$1 file release
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ ! -f "$file" ]; then continue; fi
        sed -nE "s/^deb( +\[[^]]*\])? +([^ ]+ +(($release|stable|testing|sid|unstable)[^ ]*) .*)/deb-src\1 \2/p" "$file"
    done | sort -u >"$parts/machine.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        if [ ! -f "$file" ]; then continue; fi
        awk -v RS= -v ORS='\n\n' -v suite="(^|\n)Suites:[^\n]* ($release|stable|testing|sid|unstable)" \
            '$0 ~ suite { sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src"); sub(/^\n/, ""); print }' "$file"
    done >"$parts/machine.sources"
}
