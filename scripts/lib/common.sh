# Shared by the scripts: where we are, how to become root, how to install what is missing.
set -euo pipefail

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else
        command -v sudo >/dev/null || die "this needs root: run it as root or install sudo"
        sudo --preserve-env=AUTOTUNE_SHARED,CI "$@"
    fi
}

build_packages=(
    bpftool ca-certificates ccache clang-14 cmake g++ libboost-dev libbpf-dev libcli11-dev
    libcurl4-openssl-dev libdebuginfod-dev libdw-dev libelf-dev libfmt-dev libiberty-dev
    liblzma-dev libpcap-dev libre2-dev libsqlite3-dev libssl-dev libyaml-cpp-dev libzip-dev ninja-build nlohmann-json3-dev pkg-config
    prometheus-cpp-dev zlib1g-dev
)
run_packages=(python3 tzdata)
test_packages=(
    awscli busybox-static chromium cpio curl gdb git iproute2 libbenchmark-dev libgmock-dev libgtest-dev libssl-dev nginx
    nodejs openssl postgresql-15
    prometheus prometheus-alertmanager python3 python3-debugpy qemu-system-x86 redis-server redis-tools strace tcpdump xz-utils zip
)

# install_missing PACKAGE…: apt-get for those that are not installed; silent when none is. Daemons
# that come with a package are not started.
install_missing() {
    local missing=() name
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "missing packages: ${missing[*]} (this script installs them on Debian 12 only)"
    say "installing ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        # Left behind, say by Ctrl-C, it would keep every daemon of this machine from being started.
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
    fi
    local log
    log=$(mktemp)
    if ! { as_root apt-get update -qq &&
           as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
           >"$log" 2>&1; then
        tail -20 "$log" >&2
        die "apt-get could not install the packages above"
    fi
    rm -f "$log"
    if [ -n "$(trap -p EXIT)" ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
}

# build PRESET [TARGET…]: configures once, then lets Ninja decide what is out of date.
build() {
    local preset=$1
    shift
    cd "$root_dir"
    export CCACHE_BASEDIR=$root_dir CCACHE_NOHASHDIR=1
    if [ ! -f "build/$preset/build.ninja" ]; then
        say "configuring build/$preset"
        cmake --preset "$preset" -Wno-dev >"/tmp/autotune-configure.$$" 2>&1 || { cat "/tmp/autotune-configure.$$" >&2; rm -f "/tmp/autotune-configure.$$"; die "cmake failed"; }
        rm -f "/tmp/autotune-configure.$$"
    fi
    local targets=()
    [ $# -eq 0 ] || targets=(--target "$@")
    if [ -t 2 ] || [ -n "${CI:-}" ]; then
        cmake --build "build/$preset" "${targets[@]}" >&2
    else
        local log="build/$preset/build.log"
        say "building build/$preset (log: $log)"
        cmake --build "build/$preset" "${targets[@]}" >"$log" 2>&1 || { tail -40 "$log" >&2; die "the build failed, see $log"; }
    fi
}
