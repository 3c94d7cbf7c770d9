#!/usr/bin/env bash
# From a fresh clone to a first archive and its report, which the last lines name: installs what is missing, builds, and
# trains on the traces of data/sample with two ranks. Options of kt-train may follow.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages build
mkdir -p build
kt_build build/release -DBUILD_TESTING=OFF
kt_mpirun 2 build/release/bin/kt-train --traces data/sample --fresh "$@"
