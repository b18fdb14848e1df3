#!/usr/bin/env bash
# Takes over into the corpora what fuzz/run-all.sh gathered since, as few small inputs as cover it, in place of what was
# there: fuzz/minimise.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
source fuzz/build.sh
[ $# -gt 0 ] || set -- "${targets[@]}"
for target in "$@"; do
    fresh=$(mktemp -d)
    mkdir -p "$work/$target"
    # Edges alone: how often each is taken tells more inputs apart than are worth keeping.
    "$programs/$target" -set_cover_merge=1 -use_counters=0 -max_len=1500 -verbosity=0 \
        "$fresh" "fuzz/corpus/$target" "$work/$target"
    rm -rf "fuzz/corpus/$target"
    mv "$fresh" "fuzz/corpus/$target"
    chmod 755 "fuzz/corpus/$target"
    printf '%-12s %5s inputs of %8s bytes\n' "$target" "$(find "fuzz/corpus/$target" -type f | wc -l)" \
        "$(cat "fuzz/corpus/$target"/* | wc -c)"
done
