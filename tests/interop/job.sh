#!/usr/bin/env bash
# The whole way in one go: load on a traced application, its Jaeger, two ranks, an archive; and the same archive by way of
# a spans file.
. "$(dirname "$0")/common.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
need_servers
serve_jaeger_v2
serve_hotrod
cat >plan.json <<JSON
{"uri": "$hotrod", "cells": [{"rps": 20, "requests": 110}, {"rps": 30, "requests": 110}, {"rps": 40, "requests": 110},
 {"rps": 50, "requests": 110}, {"rps": 60, "requests": 110}]}
JSON
since=$(date +%s%N)
run 0 load --plan plan.json --out load --jaeger "$jaeger" --settle 5
has stderr "spans settle: "
has stdout "550 of 550 requests found by their trace id"
has load/summary.json '"found": 550'
has stdout "certificate complete"
until=$(date +%s%N)
range="--since $(stamp "$since") --until $(stamp "$until") --settle 0"

kt_mpirun 2 "$kt_train" --jaeger "$jaeger" $range --manifest load/manifest.json --recipe fast --quiet --out direct \
  >direct.stdout 2>direct.stderr
code=$?
[ $code -eq 0 ] || [ $code -eq 3 ] && ok || fail "kt-train --jaeger: exit $code: $(cat direct.stderr)"
grep -q '^route ' direct.stdout && ok || fail "no model of route: $(cat direct.stdout direct.stderr)"
run 0 info direct/models.h5
has stdout "complete"
has direct/report.html "<dt>certificate<dd>complete"

run 0 collect --jaeger "$jaeger" $range --out spans.h5
"$kt_train" --traces spans.h5 --manifest load/manifest.json --recipe fast --quiet --out again >again.stdout 2>again.stderr
same direct/models.h5 again/models.h5 "by way of kt collect"

"$kt_train" --jaeger "$jaeger" $range --manifest load/manifest.json --recipe fast --quiet --out direct >stdout 2>stderr
has stdout "finished already"
"$kt_train" --jaeger "$jaeger" --out none >stdout 2>stderr
[ $? -eq 2 ] && ok || fail "--since is not asked for"
has stderr "--since is missing"
finish
