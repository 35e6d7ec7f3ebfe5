#!/usr/bin/env bash
# Runs the fuzzers of tests/fuzz, one after the other. Ends non-zero when one of them finds something.
#
#   scripts/fuzz.sh [SECONDS [NAME…]]    each for so long (30), all or those named
#
# What was learnt stays in build/fuzz/learnt/NAME for the next run; an input that fails is kept in
# build/fuzz/findings and repeated with `build/fuzz/tests/fuzz/NAME_fuzzer FILE`.
. "$(dirname "$0")/lib/common.sh"

seconds=${1:-30}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { say "usage: scripts/fuzz.sh [SECONDS [NAME…]]"; exit 2; }
shift || true
names=("$@")
targets=()  # all
for name in "$@"; do targets+=("${name}_fuzzer"); done
[ $# -eq 0 ] || targets+=(seeds)
if [ ${#names[@]} -eq 0 ]; then
    for source in "$root_dir"/tests/fuzz/*_fuzzer.cpp; do
        names+=("$(basename "$source" _fuzzer.cpp)")
    done
fi

install_missing "${build_packages[@]}" libclang-rt-14-dev python3
build fuzz "${targets[@]}"

out=$root_dir/build/fuzz
mkdir -p "$out/findings"
failed=()
for name in "${names[@]}"; do
    mkdir -p "$out/learnt/$name"
    seeds=()
    for folder in "$root_dir/tests/fuzz/corpus/$name" "$out/seeds/$name"; do
        [ -d "$folder" ] && seeds+=("$folder")
    done
    say "$name: ${seconds} s"
    if "$out/tests/fuzz/${name}_fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$out/findings/$name-" "$out/learnt/$name" "${seeds[@]}" \
        >"$out/$name.log" 2>&1; then
        say "$name: nothing in $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log") runs"
    else
        failed+=("$name")
        tail -40 "$out/$name.log" >&2
    fi
done
[ ${#failed[@]} -eq 0 ] || die "found something: ${failed[*]} (inputs in build/fuzz/findings, logs in build/fuzz)"
