#!/bin/sh
# Runs a command under a virtual display with a window manager, and ends both with it: sh tools/with_display.sh COMMAND...
set -u
folder=$(mktemp -d)
number=$folder/display
Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp 3>"$number" 2>"$folder/xvfb.log" &
server=$!
manager=
finish() {
    [ -z "$manager" ] || kill "$manager" 2>/dev/null
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM
waited=0
while [ ! -s "$number" ]; do
    waited=$((waited + 1))
    if [ "$waited" -gt 100 ]; then
        echo "The virtual display did not start:" >&2
        cat "$folder/xvfb.log" >&2
        exit 1
    fi
    sleep 0.1
done
DISPLAY=:$(cat "$number")
export DISPLAY
unset WAYLAND_DISPLAY
export QT_QPA_PLATFORM=xcb
openbox >/dev/null 2>&1 &
manager=$!
"$@"
