#!/usr/bin/env bash
# A report in a real headless Chromium: choosing, searching and sorting by keyboard and mouse, both widths and both themes,
# axe-core, print. KT_SHOTS names a folder for the pictures.
. "$(dirname "$0")/common.sh"
need_python
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no chromium"
axe=$(bash "$interop/browser/axe.sh" 2>axe.log) || skip "axe-core cannot be had: $(tail -n 1 axe.log)"
shots=${KT_SHOTS:-$scratch}
mkdir -p "$shots"

"$kt_train" --traces "$tests/../data/sample" --out run -q >/dev/null 2>job.log || fail "kt-train: $(cat job.log)"
"$kt_train" --traces "$tests/../data/sample" --recipe fast --family gamma --out other -q >/dev/null 2>job.log ||
  fail "kt-train: $(cat job.log)"
"$kt" report run --against other/models.h5 -q -o page.html || fail "kt report"
table many.csv 1600 200
"$kt_train" many.csv --steps 30 --out many -q >/dev/null 2>job.log || fail "kt-train: $(cat job.log)"
"$kt" report many -q -o many.html || fail "kt report"
sed 's/"all"/"service"/' "$tests/../jobs/sweep.json" >each.json
"$kt_train" --traces "$tests/../data/sample" --sweep "$tests/../jobs/sweep.json" --out swept -q >/dev/null 2>job.log ||
  fail "kt-train: $(cat job.log)"
"$kt_train" --traces "$tests/../data/sample" --sweep each.json --out each -q >/dev/null 2>job.log ||
  fail "kt-train: $(cat job.log)"
if python3 "$interop/browser/report.py" "$chromium" "$axe" "$shots" page.html many.html \
  swept/report.html each/report.html; then ok; else fail "report.py"; fi
finish
