#!/usr/bin/env bash
# All tests under AddressSanitizer and UndefinedBehaviorSanitizer, but for the long comparison of archives; options of
# ctest may follow.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages test
mkdir -p build
kt_build build/sanitize -DKT_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON
ctest --test-dir build/sanitize --output-on-failure -j "$(nproc)" -E 'job.identity' "$@"
