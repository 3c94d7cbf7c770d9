#!/usr/bin/env bash
# Line coverage of src/ by all tests: a table and the total, and a failure where that is below 85 %. Needs the package gcovr,
# which is installed where it is missing. Options of ctest may follow.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages coverage
command -v gcovr >/dev/null || { echo "gcovr is needed" >&2; exit 1; }
mkdir -p build
kt_build build/coverage -DKT_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON
find build/coverage -name '*.gcda' -delete
tests=0
ctest --test-dir build/coverage --output-on-failure -j "$(nproc)" "$@" >build/coverage/ctest.log || tests=$?
tail -n 12 build/coverage/ctest.log
gcovr --root . --filter src/ --gcov-ignore-parse-errors --fail-under-line 85 build/coverage
[ "$tests" -eq 0 ] || { echo "tests failed: build/coverage/ctest.log" >&2; exit 1; }
