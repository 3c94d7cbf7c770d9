#!/usr/bin/env bash
# Holds the layout: a room includes its own headers and those of strictly lower floors; each third-party header has its
# homes. Prints what breaks it and fails.
set -u
cd "$(dirname "$0")/.."

floor_of() {
  case $1 in
    base) echo 0 ;;
    io | math) echo 1 ;;
    data | net) echo 2 ;;
    trace | train | eval | search) echo 3 ;;
    archive | run) echo 4 ;;
    par | report) echo 5 ;;
    app) echo 6 ;;
    *) echo "tests/floors.sh: room $1 has no floor" >&2; exit 1 ;;
  esac
}

# A public header belongs to the room that has the source of its name; headers without one are listed here.
room_of_header() {
  case $1 in
    vmath) echo math; return ;;
    model | kernel | net | init) echo net; return ;;
    metrics) echo eval; return ;;
    fit) echo train; return ;;
  esac
  local file
  file=$(find src -name "$1.c" -not -path 'src/app/*' | head -n 1)
  [ -n "$file" ] || { echo "include/kt/$1.h: no room has $1.c" >&2; exit 1; }
  basename "$(dirname "$file")"
}

status=0
complain() { echo "$1"; status=1; }

while IFS=: read -r file header; do
  room=${file#src/}
  room=${room%%/*}
  below=$(room_of_header "$header") || exit 1
  [ "$room" = "$below" ] && continue
  [ "$(floor_of "$below")" -lt "$(floor_of "$room")" ] ||
    complain "$file: room $room (floor $(floor_of "$room")) includes kt/$header.h of room $below (floor $(floor_of "$below"))"
done < <(grep -rHoE '^#include "kt/[a-z0-9_]+\.h"' src | sed -E 's|#include "kt/([a-z0-9_]+)\.h"|\1|')

# header pattern | where it may be included
while IFS='|' read -r header homes; do
  while read -r file; do
    [[ $file =~ ^($homes)$ ]] || complain "$file: includes <$header>, whose home is $homes"
  done < <(grep -rlE "^#include <$header>" src include)
done <<'HOMES'
mpi\.h|src/par/.*|src/app/kt-train/.*|include/kt/(comm|halt|pulse|reduce|work)\.h
hdf5\.h|src/io/h5.*
jansson\.h|src/io/json.*|src/trace/jaeger.*
cblas\.h|src/net/.*
curl/curl\.h|src/io/http\.c|src/trace/load_transfers\.c
openssl/.*|src/base/digest\.c
zlib\.h|src/base/.*
zip\.h|src/archive/keras\.c
HOMES

for header in include/kt/*.h; do # each compiles alone
  "${CC:-cc}" -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -Iinclude $(mpicc --showme:compile 2>/dev/null) -x c "$header" 2>&1 |
    head -n 3 | grep . && status=1
done

[ $status -eq 0 ] && echo "floors: held"
exit $status
