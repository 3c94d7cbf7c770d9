#!/usr/bin/env bash
# kt export --format keras: the tree that appears whole or not at all, names that stay inside it, the rows of the run.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"
files() { (cd "$1" && find . -type f | LC_ALL=C sort); }
nothing_left() { # of a failure: only what was there before
  if [ "$(ls -A | LC_ALL=C sort | tr '\n' ' ')" = "$before" ]; then ok; else fail "$1: left: $(ls -A)"; fi
}

# ---- one file for each service, under a name that a folder can have ----
run 0 export models.h5 --format keras --out all
has stdout "all/saved_models: 5 models"
files all >names
diff - names <<'NAMES' && ok || fail "names: $(cat names)"
./saved_models/%2E%2Fodd %25näme/model/model.keras
./saved_models/cart.shop/model/model.keras
./saved_models/frontend.istio-dt/model/model.keras
./saved_models/frontend.shop/model/model.keras
./saved_models/path%2Fwith%2Fslash/model/model.keras
NAMES
for file in metadata.json config.json model.weights.h5; do # a zip of three stored members
  grep -qaF $file all/saved_models/cart.shop/model/model.keras && ok || fail "no $file in the zip"
done
run 0 export models.h5 --out again -q
[ -s stdout ] && fail "-q: $(cat stdout)" || ok
diff -r all again && ok || fail "the same archive gives other files"
run 0 export models.h5 --out rank1 --keras 3-rank1
cmp -s {all,rank1}/saved_models/cart.shop/model/model.keras && fail "--keras 3-rank1 changes nothing" || ok

# ---- some services; a folder that is there is added to, files in it are replaced when asked ----
run 0 export models.h5 --out some/of/them --service cart --service cart.shop
has stdout "1 models"
run 1 export models.h5 --out some/of/them
has stderr "some/of/them/saved_models/cart.shop/model/model.keras is there already"
[ "$(files some | wc -l)" -eq 1 ] && ok || fail "a refused export left: $(files some)"
run 0 export models.h5 --out some/of/them -s path/with/slash
run 0 export models.h5 --out some/of/them --force
diff -r all some/of/them && ok || fail "--force"
(mkdir here && cd here && "$kt" export ../models.h5 --out . -q && diff -r ../all .) && ok || fail "--out ."

# ---- a run: its rows come along, and give the same data again ----
table data.csv 1600 2
"$kt_train" data.csv --out run --steps 75 -q >/dev/null 2>&1 || fail "kt-train"
for source in run run/models.h5; do
  rm -rf tree
  run 0 export $source --out tree
  has stdout "2 models, and their rows"
  files tree/saved_models/s1 >names
  printf './model/%s\n' model.keras service_test.csv service_train.csv | diff - names && ok || fail "$source: $(cat names)"
done
tree=tree/saved_models/s1/model
head -n 1 $tree/service_train.csv | grep -qx 'rps_eff,rep,proc_time_s1,cell' && ok || fail "$(head -n 1 $tree/service_train.csv)"
# each row of the data once, in one of the two; those of held-out cells in service_test.csv
cut -d , -f 1,2,4,5 data.csv | sed 1d | awk -F, '{printf "%d,%d,%.9f,%s\n", $1, $2, $3, $4}' | sort >rows
cat $tree/service_t*.csv | grep -v proc_time | awk -F, '{printf "%d,%d,%.9f,%s\n", $1, $2, $3, $4}' | sort | diff -q - rows &&
  ok || fail "the rows of s1 are not those of its data"
"$kt" info run --cells >info 2>/dev/null || "$kt" info run/models.h5 --cells >info
for cell in $(sed 1d $tree/service_test.csv | cut -d , -f 4 | sort -u); do
  grep -qE "^s1 +$cell +held out" info && ok || fail "cell $cell is not held out"
done
[ "$(wc -l <$tree/service_test.csv)" -gt 1 ] && ok || fail "no held-out rows"
run 0 import $tree/service_train.csv --out rows.h5
run 0 export run --out tree --force --no-data
[ "$(files tree | wc -l)" -eq 2 ] && ok || fail "--no-data left the rows of an earlier export: $(files tree)"
mkdir other
cp models.h5 other/models.h5
cp run/dataset.h5 other/dataset.h5
run 1 export other --out mixed
has stderr "dataset.h5"
has stderr "--no-data"
[ -e mixed ] && fail "mixed is there" || ok
run 0 export other --out mixed --no-data

# ---- what goes wrong leaves nothing ----
: >file
head -c 3000 models.h5 >cut.h5
before=$(ls -A | LC_ALL=C sort | tr '\n' ' ')
run 2 export models.h5; has stderr "--out"
run 2 export models.h5 --out no -s carts; has stderr "cart"
run 2 export models.h5 --out no -s frontend; has stderr "frontend.istio-dt"
run 2 export models.h5 --out no -s idle; has stderr "12 rows"
run 2 export models.h5 --out no --format onnx; has stderr "keras"
run 1 export data.csv --out no; has stderr "data.csv"
run 1 export run/dataset.h5 --out no; has stderr "dataset.h5"
run 1 export cut.h5 --out no; has stderr "cut.h5"
run 1 export missing.h5 --out no; has stderr "missing.h5"
run 1 export models.h5 --out file; has stderr "file"
run 1 export models.h5 --out file/in/it; has stderr "file"
run 1 export models.h5 --out /proc/no/such; has stderr "/proc"
nothing_left "refusals"
# No file may grow beyond 4 kB, as on a disk that is full.
(trap '' XFSZ; ulimit -f 4; "$kt" export models.h5 --out no) >stdout 2>stderr
[ $? -eq 1 ] && ok || fail "a full disk: $(cat stderr)"
has stderr "model.keras"
(trap '' XFSZ; ulimit -f 20; "$kt" export run --out no) >stdout 2>stderr # the models fit, their rows do not
[ $? -eq 1 ] && ok || fail "a full disk: $(cat stderr)"
has stderr "service_train.csv"
nothing_left "a full disk"
finish
