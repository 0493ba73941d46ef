# shellcheck shell=bash
# run, stop: the demo of demo/ on this machine, in build/run/.

RUN=$BUILD/run

command_run() {
    need_build
    command_build
    stop_demo
    mkdir -p "$RUN/tmp" "$RUN/state"
    chmod 700 "$RUN/state"
    local port backend
    port=$(free_port 8080)
    backend=$(free_port $((port + 1)))
    write_demo_config "$port" "$backend"
    "$(nginx_binary)" -p "$RUN" -c "$RUN/nginx.conf"
    wait_listening "$port"
    say "stop it by ./build.sh stop; its logs are in build/run/"
    echo "http://localhost:$port/"
}

command_stop() {
    stop_demo
}

stop_demo() {
    local pid
    pid=$(cat "$RUN/nginx.pid" 2>/dev/null) || return 0
    # The number may belong to someone else by now.
    if grep -qa "$RUN/nginx.conf" "/proc/$pid/cmdline" 2>/dev/null; then
        kill -QUIT "$pid"
        local tries
        for tries in $(seq 100); do
            if ! kill -0 "$pid" 2>/dev/null; then break; fi
            if [ "$tries" = 50 ]; then kill -TERM "$pid"; fi
            sleep 0.1
        done
    fi
    rm -f "$RUN/nginx.pid"
}

write_demo_config() {
    local port=$1 backend=$2 user=''
    local listen="listen 127.0.0.1:$port;"
    # Started by root, the workers become who owns this folder, so that they can read the page.
    if [ "$(id -u)" = 0 ]; then user="user $(stat -c '%U %G' "$ROOT");"; fi
    # A browser may find localhost at ::1 first.
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then listen+=" listen [::1]:$port;"; fi
    sed -e "s|@MODULE@|$BUILD/ngx_http_oauth_module.so|g" -e "s|@RUN@|$RUN|g" -e "s|@APP@|$ROOT/demo/app|g" \
        -e "s|@USER@|$user|g" -e "s|@LISTEN@|$listen|g" -e "s|@PORT@|$port|g" -e "s|@BACKEND_PORT@|$backend|g" \
        demo/nginx.conf >"$RUN/nginx.conf"
}

nginx_binary() { command -v nginx || echo /usr/sbin/nginx; }

is_listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port=$1
    while is_listening "$port"; do port=$((port + 1)); done
    echo "$port"
}

wait_listening() {
    local tries
    for tries in $(seq 100); do
        if is_listening "$1"; then return 0; fi
        sleep 0.1
    done
    die "nginx does not answer on port $1 (tried $tries times): see build/run/error.log"
}
