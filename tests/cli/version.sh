#!/usr/bin/env bash
# What both programs say about themselves is what is installed here; and neither takes a full disk for a reader.
. "$(dirname "$0")/common.sh"

text() { sed -n "s/.*\"$1\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" stdout; }
is() { if [ "$(text "$1")" = "$2" ]; then ok; else fail "$1 is '$(text "$1")', not '$2'"; fi; }

for program in kt kt-train; do
  "$KT_BIN/$program" --version --json >stdout 2>stderr && [ ! -s stderr ] && ok || fail "$program --version --json: $(cat stderr)"
  is program $program
  is version "$(sed -n 's/^project(kt-train VERSION \([0-9.]*\).*/\1/p' "$tests/../CMakeLists.txt")"
  is numerics "$(sed -n 's/.*KT_NUMERICS = \([0-9]*\).*/\1/p' "$tests/../include/kt/archive.h")"
  for schema in archive dataset ledger; do
    is kt-$schema "$(grep -hoE "KT_${schema^^}_VERSION += [0-9]+" "$tests"/../include/kt/*.h | grep -oE '[0-9]+$')"
  done
  is hdf5 "$(h5dump --version | grep -oE '[0-9.]+$')"
  for library in jansson openblas libzip; do is $library "$(pkg-config --modversion $library)"; done
  is openssl "$(pkg-config --modversion libcrypto)"
  is curl "$(pkg-config --modversion libcurl)"
  mpi=
  [ $program = kt-train ] && mpi=$(mpirun --version | sed -n '1s/.*(Open MPI) /Open MPI v/p')
  is mpi "$mpi"
  cp stdout json
  "$KT_BIN/$program" --version >stdout
  for part in "^$program " "kernel $(sed -n 's/.*"isa": "\(.*\)".*/\1/p' json)" "openblas $(pkg-config --modversion openblas)"; do
    grep -q "$part" stdout && ok || fail "$program --version: no '$part' in $(cat stdout)"
  done
  [ -e /dev/full ] || continue
  for arguments in --help --version "--version --json"; do
    "$KT_BIN/$program" $arguments >/dev/full 2>stderr
    [ $? -eq 1 ] && ok || fail "$program $arguments >/dev/full does not fail"
    counts stderr 1 'No space left'
  done
done

# The kernel that is named is the best that this CPU runs.
best=none
flags=$(grep -m 1 -E '^flags' /proc/cpuinfo 2>/dev/null)
case " $flags " in *" avx2 "*) best=v3 ;; esac
case " $flags " in *" avx512vl "*) best=v4 ;; esac
[ "$(uname -m)" = x86_64 ] || best=generic
cp json stdout; is isa $best

# A run whose table nobody could read has failed, and is there all the same.
table data.csv 400 1
if [ -e /dev/full ]; then
  "$kt_train" data.csv --out run --steps 75 -q >/dev/full 2>stderr
  [ $? -eq 1 ] && ok || fail "kt-train >/dev/full does not fail"
  counts stderr 1 'No space left'
  run 0 verify run/models.h5
fi
finish
