#!/usr/bin/env bash
# Runs the fuzz targets, SECONDS each and as many at once as there are processors: fuzz/run-all.sh SECONDS [TARGET...]
# Prints executions, coverage and findings of each; inputs that fail are kept in fuzz/artifacts/TARGET/. What is new in
# coverage is gathered in a folder of its own and does not touch the corpora: fuzz/minimise.sh takes it over.
#
# The instrumentation is LLVM's and needs no nightly toolchain; libFuzzer itself is built by the crate libfuzzer-sys, with
# a C++ compiler. `unsafe` is denied throughout, so there is no address sanitizer, which would need one.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run-all.sh SECONDS [TARGET...]}
shift
source fuzz/build.sh
[ $# -gt 0 ] || set -- "${targets[@]}"

# The same every time: a seed, bounds on an input's size and time (seconds) and on memory (MB).
flags=(-seed=1 -timeout=30 -rss_limit_mb=2048 -use_value_profile=1 -print_final_stats=1 -verbosity=1)
fuzz() {
    local target=$1 gathered=$work/$1 log=$work/$1.log code=0 executions coverage findings
    mkdir -p "$gathered" "fuzz/artifacts/$target" "fuzz/corpus/$target"
    "$programs/$target" "${flags[@]}" -max_len="$(longest "$target")" -max_total_time="$seconds" \
        -artifact_prefix="fuzz/artifacts/$target/" "$gathered" "fuzz/corpus/$target" >"$log" 2>&1 || code=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1 || true)
    findings=$(find "fuzz/artifacts/$target" -type f | wc -l)
    printf '%-12s %12s executions  %-24s %s findings\n' "$target" "${executions:-?}" "$coverage" "$findings"
    if [ "$code" -ne 0 ]; then
        # What happened, then the trace and the input; libFuzzer's progress is of no use any more.
        grep -aA1 'panicked at' "$log" || true
        grep -avE '^#[0-9]' "$log" | tail -40
    fi
    return "$code"
}

failed=0
running=()
# Each has the same time, so the one that began first ends first.
finish_first() {
    wait "${running[0]}" || failed=1
    running=("${running[@]:1}")
}
for target in "$@"; do
    [ "${#running[@]}" -lt "$(nproc)" ] || finish_first
    fuzz "$target" &
    running+=($!)
done
while [ "${#running[@]}" -gt 0 ]; do finish_first; done
exit "$failed"
