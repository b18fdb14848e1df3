# Builds the fuzz targets with coverage instrumentation; sourced by its neighbours, from the root of the repository.
# Sets: targets, programs (the folder they are in), work (a folder for what is gathered), longest (bytes of an input).

targets=(segment connection path packetdrill experiment)

longest() {
    case $1 in
        segment) echo 256 ;;
        *) echo 4096 ;;
    esac
}

# What cargo-fuzz passes, but for the sanitizers, which a stable compiler does not have.
instrumentation="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
host=$(rustc -vV | sed -n 's/^host: //p')
work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
programs=$work/$host/release
# With a target named, build scripts and macros are left without instrumentation.
RUSTFLAGS=$(echo $instrumentation) cargo build --release --manifest-path fuzz/Cargo.toml --target "$host" \
    --target-dir "$work" --bins
