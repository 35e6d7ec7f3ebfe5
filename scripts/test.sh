#!/usr/bin/env bash
# All tests: unit and golden (release and sanitizers), kernel and e2e (as root).
#
#   scripts/test.sh           everything
#   scripts/test.sh --asan    the e2e tests against a binary built with the sanitizers
#   scripts/test.sh --quick   unit and golden tests only
. "$(dirname "$0")/lib/common.sh"

mode=${1:-all}
case $mode in all | --asan | --quick) ;; *) say "usage: scripts/test.sh [--asan|--quick]"; exit 2 ;; esac

install_missing "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}"
export AUTOTUNE_SHARED=${AUTOTUNE_SHARED:-$root_dir/../shared}
export CTEST_OUTPUT_ON_FAILURE=1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

scripts_check() { python3 "$root_dir/scripts/check_includes.py" >&2; }
run() { ctest --test-dir "$root_dir/build/$1" --no-tests=error "${@:2}"; }

scripts_check
case $mode in
--quick)
    build release
    run release -L 'unit|golden' -j "$(nproc)"
    ;;
--asan)
    build asan
    as_root env CTEST_OUTPUT_ON_FAILURE=1 AUTOTUNE_SHARED="$AUTOTUNE_SHARED" ASAN_OPTIONS="$ASAN_OPTIONS" \
        ctest --test-dir "$root_dir/build/asan" --no-tests=error -L e2e
    ;;
all)
    build asan unit_tests
    run asan -L 'unit|golden' -j "$(nproc)"
    build release
    as_root env CTEST_OUTPUT_ON_FAILURE=1 AUTOTUNE_SHARED="$AUTOTUNE_SHARED" CI="${CI:-}" \
        ctest --test-dir "$root_dir/build/release" --no-tests=error -j "$(nproc)"
    ;;
esac
