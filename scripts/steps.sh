# shellcheck shell=bash
# Sourced by the other scripts: a line per step, with its name and how long it took; the output only if it fails.

mkdir -p .cache

# step NAME COMMAND [ARGUMENT...]: run it silently. On failure: the end of its output, then its sentence (set in WHY).
step() {
    local name=$1 log=.cache/${1//[!A-Za-z0-9]/-}.log from=$EPOCHREALTIME
    shift
    printf '  %-34s' "$name"
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%6ss\n' "$(since "$from")"
        return
    fi
    printf 'failed after %ss\n\n' "$(since "$from")"
    tail -n 15 "$log" | sed 's/^/    /'
    fail "${WHY:-The step \"$name\" failed.} All of its output is in $log."
}

# fail SENTENCE: say it and end.
fail() {
    printf '\n%s\n' "$1" >&2
    exit 1
}

# since TIME: seconds from a value of EPOCHREALTIME until now, with one decimal.
since() {
    local micros=$((${EPOCHREALTIME//[!0-9]/} - ${1//[!0-9]/}))
    printf '%d.%d' $((micros / 1000000)) $((micros / 100000 % 10))
}
