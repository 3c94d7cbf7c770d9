#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Options of ctest may follow: tests/run.sh -R net
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages "$([ -n "${KT_FIXTURES:-}" ] && echo fixtures || echo test)"
mkdir -p build
kt_build build/test -DBUILD_TESTING=ON -DKT_WERROR="${KT_WERROR:-OFF}"
bash tests/floors.sh
ctest --test-dir build/test --output-on-failure -j "$(nproc)" "$@"
bash tests/skipped.sh build/test
