# nginx of Debian with this module:
#
#     docker build -t nginx-oauth .            # --build-arg SUITE=trixie for another release
#     docker run -p 443:443 -v ./nginx.conf:/etc/nginx/nginx.conf:ro nginx-oauth
ARG SUITE=bookworm

FROM debian:${SUITE} AS build
COPY . /src
RUN /src/build.sh build
# The libraries that it is linked to have other package names in each release.
RUN ldd /src/build/ngx_http_oauth_module.so | awk '{ print $1 }' | grep -E 'hiredis|jansson' \
    | xargs -I{} dpkg -S '*/{}' | cut -d: -f1 | sort -u >/packages

FROM debian:${SUITE}-slim
COPY --from=build /packages /packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx ca-certificates $(cat /packages) \
    && rm -rf /var/lib/apt/lists/* /packages \
    && ln -sf /dev/stdout /var/log/nginx/access.log \
    && ln -sf /dev/stderr /var/log/nginx/error.log
COPY --from=build /src/build/ngx_http_oauth_module.so /usr/lib/nginx/modules/
EXPOSE 80 443
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
