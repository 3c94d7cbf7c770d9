#!/usr/bin/env bash
# keras.sh tf215|keras3: files of kt export in the real Keras, and files of the real Keras in kt import; see with_keras.py.
. "$(dirname "$0")/common.sh"
need_python
status=0
environment=$(bash "$interop/python.sh" "$1" 2>python.log) || status=$?
case $status in
  0) ;;
  77) skip "$(tail -n 1 python.log)" ;;
  *) cat python.log; exit 1 ;;
esac

"$KT_MAKE_ARCHIVE" networks.h5 networks || fail "make_archive"
"$KT_MAKE_ARCHIVE" names.h5 || fail "make_archive"
table data.csv 1600 1
for recipe in default seed; do # trained ones, of both recipes
  "$kt_train" data.csv --recipe $recipe --steps 150 --epochs 0 --out $recipe -q >train.log 2>&1 || fail "kt-train: $(cat train.log)"
done
if [ "$1" = tf215 ]; then # the README's own lines
  "$kt" export default --format keras --out DIR -q || fail "kt export"
  sed -n "/^    python -c 'import/,/'\$/ {s/^    //; s|/S/|/s0/|; s/)'\$/); print(weights.shape, scale.shape)'/; p}" \
    "$tests/../README.md" >readme
  [ "$(wc -l <readme)" -ge 3 ] && ok || fail "no lines for Python in the README"
  PATH=$environment/bin:$PATH bash readme 2>errors | grep -qF "(1, 8) (1, 8)" && ok || fail "README: $(cat readme errors)"
fi
timeout 500 "$environment/bin/python" "$interop/with_keras.py" "$1" "$kt" >said 2>errors && ok || fail "$(cat said; tail -n 30 errors)"
tail -n 1 said
finish
