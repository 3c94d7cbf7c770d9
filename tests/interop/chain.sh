#!/usr/bin/env bash
# From traces to a simulation's reply times: what kt-train and kt export make of the recorded test bed, put to use by
# KubeTwin's rules (chain.py), and their tables against kt sample (tables.py).
. "$(dirname "$0")/common.sh"
need_python
recorded=${KT_FIXTURES:-}/bench-traces
[ -e "$recorded/manifest.json" ] || recorded=$tests/../data/sample
if python3 "$interop/chain.py" "$kt" "$kt_train" "$recorded/v1" "$recorded/manifest.json"; then ok; else fail "reply times"; fi

if python3 "$interop/tables.py" "$kt" run-1-none twin-1-none 30 2; then ok; else fail "tables, weibull"; fi
"$kt_train" clean-none.h5 --out gamma --family gamma --recipe fast -q >/dev/null 2>&1 || fail "kt-train --family gamma"
"$kt" export gamma --format kubetwin --branch master --out twin-gamma -q --grid rps=30 --grid rep=2 2>/dev/null || fail "kt export"
if python3 "$interop/tables.py" "$kt" gamma twin-gamma 30 2; then ok; else fail "tables, gamma"; fi

# Both exports suit their branch, where they are used; a simulation of entry by itself needs four containers.
run 0 verify --contract kubetwin run-1-auto --rps 15:40:5 --rep 2 -s cart -s catalog -s payment
run 0 verify --contract kubetwin run-1-auto --rps 15:40:5 --rep 1 -s entry --workers entry=4
run 1 verify --contract kubetwin run-1-auto --rps 15:40:5 --rep 1 -s entry
has stdout "entry: one at a time: a pod at work had"
run 0 verify --contract kubetwin twin-1-auto --rps 15:40:5 --rep 2 -s cart -s catalog -s payment
run 1 verify --contract kubetwin twin-1-auto --rps 100 --rep 1 -s payment # 100 a second of 20 ms
has stdout "payment: utilisation: at rps 100, rep 1: a container gets 100 requests/s"
finish
