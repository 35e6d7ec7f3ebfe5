#!/usr/bin/env bash
# The loop on this machine: installs and builds what is missing, starts the embedded host with the example
# functions and the agent with examples/demo/rules.yaml, sends traffic, and shows what was found and fixed.
# Writes build/demo/report.json. Exit status 0 only if every broken function was fixed.
. "$(dirname "$0")/lib/common.sh"
install_missing "${build_packages[@]}" "${run_packages[@]}" libgtest-dev libgmock-dev
build release autotune
say "starting the loop"
as_root python3 "$root_dir/scripts/demo.py" --binary "$root_dir/build/release/autotune" --out "$root_dir/build/demo"
