#!/usr/bin/env bash
# skipped.sh BUILD: what the last run of ctest there left out and why, whole tests and cases inside tests that passed. With
# KT_REQUIRE_INTEROP=1 it fails unless the CPU cannot run the case, or nobody has the files of others (KT_FIXTURES).
set -eu
log=$1/Testing/Temporary/LastTest.log

# "TEST [CASE]: REASON", a line each. A test that is left out as a whole says "skipped: REASON", a case says it before.
skips=$(awk '
  /^[0-9]+\/[0-9]+ Test: / { test = $3 }
  /^skipped: / { print test substr($0, 8) }
  /^\[  SKIPPED \] [a-z_0-9]+$/ && before !~ /SKIPPED/ { print test " " $NF ": " before }
  { before = $0 }' "$log")
[ -n "$skips" ] || exit 0
echo "Left out:"
sed 's/^/  /' <<<"$skips"
[ "${KT_REQUIRE_INTEROP:-0}" = 1 ] || exit 0
allowed='cannot run on this CPU|makes denormals zero'
[ -n "${KT_FIXTURES:-}" ] || allowed+='|KT_FIXTURES'
if grep -Ev "$allowed" <<<"$skips" >/dev/null; then
  echo "these are required here (KT_REQUIRE_INTEROP=1)" >&2
  exit 1
fi
