# What the scripts in tools/ share; sourced by them, from any directory, after `set -eu`.
# Sets $root, changes into it, and makes $logs, where the output of each phase is left.

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
logs=build/logs
mkdir -p "$logs"

say() { printf '%s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

# phase NAME COMMAND...: runs the command with its output in a log; one line with the time it took,
# or the end of the log and an exit.
phase() {
    name=$1
    shift
    log=$logs/$(printf %s "$name" | tr -c 'a-zA-Z0-9\n' -).log
    printf '%-44s' "$name"
    begin=$(date +%s)
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%4d s\n' $(($(date +%s) - begin))
    else
        printf 'FAILED, the end of %s:\n\n' "$log"
        grep -v '^\[[ 0-9%/]*\] \(Building\|Linking\|Built\) ' "$log" | tail -n 60
        exit 1
    fi
}

compiles() { printf '%s\n' "$1" | cc -fsyntax-only -x c - >/dev/null 2>&1; }

# Whether what a package gives is here, however it came.
have() {
    case $1 in
    gcc) command -v cc >/dev/null ;;
    libc6-dev) compiles '#include <stdio.h>' ;;
    make) command -v make >/dev/null || command -v ninja >/dev/null ;;
    graphviz) command -v dot >/dev/null ;;
    libcmocka-dev) compiles '#include <stdarg.h>
        #include <stddef.h>
        #include <setjmp.h>
        #include <cmocka.h>' ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    libopenblas0) PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libopenblas\.so\.0' ;;
    zlib1g-dev) compiles '#include <zlib.h>' ;;
    libpng-dev) compiles '#include <png.h>' ;;
    libjpeg-dev)
        compiles '#include <stdio.h>
        #include <jpeglib.h>' ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The command that lets us install packages: nothing for root, sudo for who may; fails for others.
privilege() {
    [ "$(id -u)" != 0 ] || return 0
    command -v sudo >/dev/null || return 1
    if [ -t 0 ]; then sudo -v && echo sudo; else sudo -n true 2>/dev/null && echo "sudo -n"; fi
}

apt_install() {
    $as_root apt-get update
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"
}

# need PACKAGE...: makes sure of what the Debian packages give, and installs those that are missing.
need() {
    missing=
    for package; do
        have "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null && as_root=$(privilege); then
        # shellcheck disable=SC2086
        phase "installing$missing" apt_install $missing
        return 0
    fi
    needed=
    for package in $missing; do
        case $package in
        libopenblas0 | zlib1g-dev | libpng-dev | libjpeg-dev) ;; # gradtape works without;
        *) needed=yes ;;                                            # configuring says so
        esac
    done
    [ "$needed" ] || return 0
    die "These are missing, and cannot be installed from here:$missing
(names of Debian packages). With the rights to do so:
    apt-get install$missing"
}

# configure PRESET [OPTION...] and build PRESET [OPTION...]
configure() {
    preset=$1
    shift
    if [ ! -e "build/$preset/CMakeCache.txt" ] && command -v ninja >/dev/null; then
        set -- -G Ninja "$@"
    fi
    cmake --preset "$preset" "$@"
}

build() {
    preset=$1
    shift
    cmake --build --preset "$preset" --parallel "$(nproc)" "$@"
}

configure_and_build() { configure "$1" && build "$@"; }

run_tests() {
    preset=$1
    shift
    ctest --preset "$preset" --parallel "$(nproc)" "$@"
}
