#!/usr/bin/env bash
# A run's folder through its life: new, finished, asked again, asked otherwise, started over; refused services; JSON.
. "$(dirname "$0")/common.sh"

table "$scratch/data.csv" 800 2
run=$scratch/run
"$kt_train" "$scratch/data.csv" --out "$run" --steps 75 >"$scratch/stdout" 2>"$scratch/stderr" || fail "first run: $(cat "$scratch/stderr")"
for file in models.h5 dataset.h5 config.json journal.jsonl run.json; do
  [ -s "$run/$file" ] && ok || fail "no $file"
done
digest=$(sha256sum <"$run/models.h5" | cut -d ' ' -f 1)
grep -q "$digest" "$scratch/stdout" && ok || fail "the digest that is printed is not that of the file"
grep -q "$digest" "$run/run.json" && ok || fail "run.json has another digest"

before=$(stat -c %Y.%i "$run/models.h5")
"$kt_train" "$scratch/data.csv" --out "$run" --steps 75 >"$scratch/stdout" || fail "second run"
grep -q finished "$scratch/stdout" && [ "$before" = "$(stat -c %Y.%i "$run/models.h5")" ] && ok || fail "a finished run was touched"
"$kt_train" "$scratch/data.csv" --out "$run" --steps 80 >/dev/null 2>"$scratch/stderr" && fail "other options were taken"
grep -q -- "--steps 75" "$scratch/stderr" && ok || fail "the difference is not named: $(cat "$scratch/stderr")"
"$kt_train" "$scratch/data.csv" --out "$run" --steps 80 --fresh -q >/dev/null || fail "--fresh"
[ "$digest" != "$(sha256sum <"$run/models.h5" | cut -d ' ' -f 1)" ] && ok || fail "--fresh kept the archive"

# models in the original's tree: of a run that has finished, and of a new one; a fresh start takes them away again
models=$run/saved_models
exports() { "$kt_train" "$scratch/data.csv" --out "$run" --export keras -q "$@" >"$scratch/stdout" 2>"$scratch/stderr" || fail "--export: $(cat "$scratch/stderr")"; }
exports --steps 80
grep -q "^keras: *$models$" "$scratch/stdout" && [ "$(ls "$models"/s[01]/model/* | wc -l)" -eq 6 ] && ok || fail "--export: $(cat "$scratch/stdout"; ls -R "$models")"
cp -r "$models" "$scratch/models"
exports --steps 80
diff -r "$models" "$scratch/models" && ok || fail "--export a second time gives other files"
"$kt" export "$run" --out "$scratch/exported" -q && diff -r "$models" "$scratch/exported/saved_models" && ok || fail "--export is not kt export"
echo mine >"$models/s1/notes.txt"
exports --steps 75 --fresh --service s0
[ "$(cd "$models" && echo */* */model/*)" = "s0/model s1/notes.txt s0/model/model.keras s0/model/service_test.csv s0/model/service_train.csv" ] &&
  ok || fail "--fresh --export: $(ls -R "$models")"
cmp -s "$models/s0/model/model.keras" "$scratch/models/s0/model/model.keras" && fail "another model, the same file" || ok
"$kt_train" "$scratch/data.csv" --out "$run" --steps 80 --fresh --json --export keras >"$scratch/stdout" 2>/dev/null || fail "--json --export"
[ "$(head -c 1 "$scratch/stdout")$(tail -n 1 "$scratch/stdout")" = "{}" ] && ok || fail "--json --export: $(tail -n 3 "$scratch/stdout")"

# options from a file; the command line wins
echo '{"steps": 75, "family": "gamma", "hidden": [8]}' >"$scratch/options.json"
"$kt_train" "$scratch/data.csv" --out "$scratch/config" --config "$scratch/options.json" --family normal -q >/dev/null || fail "--config"
grep -q '"family": "normal"' "$scratch/config/config.json" && grep -q '"steps": 75' "$scratch/config/config.json" && ok || fail "--config: $(cat "$scratch/config/config.json")"
echo '{"stepz": 75}' >"$scratch/options.json"
"$kt_train" "$scratch/data.csv" --out "$scratch/bad" --config "$scratch/options.json" >/dev/null 2>"$scratch/stderr"
[ $? -eq 2 ] && grep -q "options.json" "$scratch/stderr" && grep -q steps "$scratch/stderr" && ok || fail "unknown key: $(cat "$scratch/stderr")"

# a service without hope is named, the others are trained, exit code 3
awk -F, -v OFS=, '{print $1, $2, $3, (NR == 1 ? "proc_time_idle" : 0), $NF}' "$scratch/data.csv" >"$scratch/idle.csv"
"$kt_train" "$scratch/idle.csv" --out "$scratch/idle" --steps 75 --time-unit s --json >"$scratch/stdout" 2>"$scratch/stderr"
[ $? -eq 3 ] && ok || fail "exit code with a refused service: $(cat "$scratch/stderr")"
grep -q '"reason": "idle' "$scratch/stdout" && grep -q '"service": "s0"' "$scratch/stdout" && ok || fail "json: $(cat "$scratch/stdout")"
# and the same command says the same again, from the archive alone
"$kt_train" "$scratch/idle.csv" --out "$scratch/idle" --steps 75 --time-unit s --json >"$scratch/again" 2>"$scratch/stderr"
[ $? -eq 3 ] && ok || fail "exit code of a finished run with a refused service: $(cat "$scratch/stderr")"
same "$scratch/stdout" "$scratch/again" "the JSON of a finished run"
kt_mpirun 2 "$kt_train" "$scratch/idle.csv" --out "$scratch/idle" --steps 75 --time-unit s >"$scratch/stdout" 2>"$scratch/stderr"
[ $? -eq 3 ] && grep -q finished "$scratch/stdout" && ok || fail "a finished run asked by two ranks: $(cat "$scratch/stdout" "$scratch/stderr")"
printf 'x' | dd of="$scratch/idle/models.h5" bs=1 seek=3000 conv=notrunc status=none
"$kt_train" "$scratch/idle.csv" --out "$scratch/idle" --steps 75 --time-unit s >"$scratch/stdout" 2>"$scratch/stderr"
[ $? -eq 1 ] && grep -q models.h5 "$scratch/stderr" && ok || fail "a damaged archive passes for a finished run: $(cat "$scratch/stdout" "$scratch/stderr")"

"$kt_train" --version | grep -q numerics && ok || fail "--version"
"$kt_train" --version --json | grep -q '"kt-archive"' && ok || fail "--version --json"
"$kt_train" --help | grep -q -- --weight-decay && ok || fail "--help"
finish
