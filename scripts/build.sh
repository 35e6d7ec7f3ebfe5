#!/usr/bin/env bash
# Builds build/release/autotune on Debian 12, after installing what is missing.
. "$(dirname "$0")/lib/common.sh"
install_missing "${build_packages[@]}" "${run_packages[@]}" libgtest-dev libgmock-dev
build release autotune
say "built build/release/autotune"
