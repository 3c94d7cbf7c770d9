#!/usr/bin/env bash
# Builds what the benchmarks measure, optimised, and prints the folder of the programs on standard output.
# KT_BIN names a folder with kt-train, kt and kt-bench-kernel to use instead.
set -eu
if [ -n "${KT_BIN:-}" ]; then
  echo "$KT_BIN"
  exit 0
fi
cd "$(dirname "$0")/../.."
. jobs/setup.sh
kt_install_packages test >&2
mkdir -p build/bench
kt_build build/bench/release -DBUILD_TESTING=ON >&2
echo "$PWD/build/bench/release/bin"
