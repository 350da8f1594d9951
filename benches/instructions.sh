#!/usr/bin/env bash
# Holds the kernel to its limits of instructions per event, digest and budget on: callgrind counts two runs of
# different length, and the difference divided by the extra events is free of start-up and of the machine's
# load. Fails above a limit; skips where valgrind is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

short=100000
long=300000

if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not installed, instructions per event were not counted"
    exit 0
fi

cargo build --release --quiet --example instructions
program="${CARGO_TARGET_DIR:-target}/release/examples/instructions"

count() {
    local log
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1)
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' <<<"$log" | grep . || { echo "$log" >&2; return 1; }
}

failed=0
gate() { # work limit
    local few many each
    few=$(count "$1" "$short")
    many=$(count "$1" "$long")
    each=$(((many - few) / (long - short)))
    if ((each > $2)); then
        echo "FAILED $1: $each instructions per event, limit $2"
        failed=1
    else
        echo "ok $1: $each instructions per event, limit $2"
    fi
}

gate hold 400
gate phold 410
gate mm1 250
exit "$failed"
