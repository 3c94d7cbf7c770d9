#!/usr/bin/env bash
# Line coverage of src/ by all tests: builds with counters, runs, prints a table and the total.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
command -v gcovr >/dev/null || { echo "gcovr is needed (apt-get install gcovr)" >&2; exit 1; }
kt_install_packages test
mkdir -p build
kt_build build/coverage -DKT_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON
find build/coverage -name '*.gcda' -delete
ctest --test-dir build/coverage -j "$(nproc)" "$@" | tail -n 4
gcovr --root . --filter src/ build/coverage --gcov-ignore-parse-errors --fail-under-line 85
