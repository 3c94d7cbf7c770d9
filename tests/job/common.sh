# Sourced by the tests of the job: a scratch folder, mpirun, and words for what is checked.
set -u
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$tests/../jobs/setup.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export OMPI_MCA_orte_tmpdir_base=$scratch # two launchers that share a folder remove it under each other
kt_train=$KT_BIN/kt-train
kt=$KT_BIN/kt
checks=0 failures=0

ok() { checks=$((checks + 1)); }
fail() { checks=$((checks + 1)); failures=$((failures + 1)); echo "FAIL: $*"; }
same() { if cmp -s "$1" "$2"; then ok; else fail "$3: $1 and $2 differ"; fi; }
finish() { echo "$checks checks, $failures failed"; [ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]; }

# table FILE ROWS SERVICES [SEED]: requests of made-up services in 8 load cells, in the plain form.
table() {
  awk -v n="$2" -v services="$3" -v seed="${4:-1}" 'BEGIN {
    srand(seed); printf "rps_eff,rep"
    for (s = 0; s < services; s++) printf ",proc_time_s%d", s
    print ",cell"
    for (i = 0; i < n; i++) {
      c = int(i * 8 / n); rep = 1 + c % 2; rps = 10 * (1 + int(c / 2))
      printf "%d,%d", rps, rep
      for (s = 0; s < services; s++) printf ",%.9f", 0.004 * (s + 1) * (1 + rps / 40) / rep * (-log(1 - rand())) ^ 0.5
      print "," c
    }
  }' >"$1"
}
