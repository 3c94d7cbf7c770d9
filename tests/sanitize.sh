#!/usr/bin/env bash
# All tests but those against real servers, whose pace is their own, under AddressSanitizer (with leaks) and
# UndefinedBehaviorSanitizer, with assertions; the comparison of archives for fewer ranks and families. Options of ctest
# may follow. About four minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages test
mkdir -p build
kt_build build/sanitize -DKT_SANITIZE=address,undefined,float-cast-overflow -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" -DBUILD_TESTING=ON
export KT_RANKS=${KT_RANKS:-1 3} KT_FAMILIES=${KT_FAMILIES:-weibull gamma}
ctest --test-dir build/sanitize --output-on-failure -LE interop -j "$(nproc)" "$@"
