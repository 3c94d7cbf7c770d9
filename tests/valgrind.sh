#!/usr/bin/env bash
# Unit tests of the rooms below MPI, the rank tests with two ranks, and a small job with two ranks, under valgrind.
set -eu
cd "$(dirname "$0")/.."
. jobs/setup.sh
kt_install_packages test
command -v valgrind >/dev/null || { echo "valgrind is needed (apt-get install valgrind)" >&2; exit 1; }
mkdir -p build
kt_build build/test -DBUILD_TESTING=ON
openmpi=$(ls /usr/share/openmpi/openmpi-valgrind.supp 2>/dev/null || echo /dev/null)
check="valgrind -q --leak-check=full --num-callers=40 --error-exitcode=42 --suppressions=$openmpi
  --suppressions=tests/suppressions/openmpi.valgrind.supp"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
run() {
  if (cd "$scratch" && "$@") >"$scratch/log" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL: $*"; tail -n 40 "$scratch/log"; fi
}
root=$PWD
check=${check//tests\/supp/$root/tests/supp}
for test in error file digest json options h5 tree scaler hull samples store split input folder archive block; do
  for program in build/test/bin/test_*_"$test"; do
    [ -x "$program" ] && run $check "$root/$program"
  done
done
run kt_mpirun 2 $check "$root/build/test/bin/test_par"
head -n 400 tests/fixtures/requests.csv >"$scratch/sample.csv"
run kt_mpirun 2 $check "$root/build/test/bin/kt-train" "$scratch/sample.csv" --out "$scratch/run" --steps 20 -q
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
