#!/bin/sh
# Sets up the virtual environment: sh tools/setup.sh run|test PYTHON VENV
# On Debian and Ubuntu missing system libraries are installed; elsewhere they are named.
set -eu
what=$1; python=$2; venv=$3

need_run="libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libdbus-1-3 libfontconfig1"
need_test="xvfb openbox xdotool fonts-noto-cjk"

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'; }

missing_packages() {
    for package in "$@"; do installed "$package" || printf '%s ' "$package"; done
    # Newer releases call the library libglib2.0-0t64.
    installed libglib2.0-0 || installed libglib2.0-0t64 || printf 'libglib2.0-0 '
    "$python" -c 'import ensurepip' 2>/dev/null || printf 'python3-venv '
}

install_packages() {
    echo "Installing system packages: $*"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        command -v sudo >/dev/null 2>&1 || { echo "Please install as root: apt-get install $*" >&2; exit 1; }
    fi
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    needed=$need_run
    [ "$what" = test ] && needed="$need_run $need_test"
    # shellcheck disable=SC2086
    missing=$(missing_packages $needed)
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install_packages $missing
elif [ "$(uname -s)" = Linux ]; then
    echo "The window needs the libraries of these Debian packages under this system's names: $need_run"
fi

"$python" - <<'P' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Try: make PYTHON=python3.11")
P

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
extra=
[ "$what" = test ] && extra='[dev]'
echo "Installing Python packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt \
    --config-settings editable_mode=compat -e ".$extra"
