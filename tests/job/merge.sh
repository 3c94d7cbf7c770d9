#!/usr/bin/env bash
# A run in parts: each trained by itself and merged, the archive is that of one run; what does not belong together is
# refused, and what is missing is named.
. "$(dirname "$0")/common.sh"
cd "$scratch" || exit 1

# Five services: one of nine times the rows, so that parts differ, and one that cannot be trained. All share cells.
table all.csv 900 5
awk -F, -v OFS=, 'NR == 1 {$7 = "proc_time_idle"} NR > 1 {$7 = 0} {print}' all.csv >five.csv
awk -F, -v OFS=, 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == "proc_time_s2") at = i} NR > 1 && NR % 9 {$at = ""} {print}' five.csv >data.csv
quick="--steps 75 --time-unit s --quiet"

train() { # CODE OUT ARGUMENTS...
  local code=$1 out=$2
  shift 2
  "$kt_train" "$@" --out "$out" $quick >"$out.stdout" 2>"$out.stderr"
  [ $? -eq "$code" ] && ok || fail "kt-train $*: $(cat "$out.stderr")"
}
merged() { # CODE ARGUMENTS...
  local code=$1 got
  shift
  "$kt" merge "$@" >stdout 2>stderr
  got=$?
  [ $got -eq "$code" ] && ok || fail "kt merge $*: exit $got: $(cat stderr)"
}
refused() { # WORDS ARGUMENTS...: nothing is written
  local words=$1 word
  shift
  merged 1 "$@" --out refused
  for word in $words; do grep -qF -- "$word" stderr && ok || fail "no '$word' in: $(cat stderr)"; done
  [ -e refused ] && fail "kt merge $*: left $(ls -A refused)" || ok
}

train 3 one data.csv
for k in 1 2 3; do
  "$kt_train" data.csv --part $k/3 --out part$k $quick >part$k.stdout 2>part$k.stderr
  code=$? # 3 where the part has the service without hope
  [ $code -eq 0 ] || { [ $code -eq 3 ] && grep -q idle part$k.stdout; } && ok || fail "part $k: exit $code: $(cat part$k.stderr)"
done
names=$(for k in 1 2 3; do "$kt" info part$k/dataset.h5 --json | grep -o '"service": "[^"]*"'; done | sort)
[ "$(wc -l <<<"$names")" -eq 5 ] && [ "$(uniq <<<"$names" | wc -l)" -eq 5 ] && ok || fail "services of the parts: $names"

merged 3 part3 part1 part2 --out whole # 3: one has no model, as kt-train says of one run
same one/models.h5 whole/models.h5 "three parts merged"
grep -q "$(sha256sum <one/models.h5 | cut -d ' ' -f 1)" stdout whole/run.json && grep -q idle stdout && ok || fail "$(cat stdout)"
"$kt_train" data.csv --out whole $quick >stdout 2>stderr
grep -q "finished already" stdout && ok || fail "the merged run is not known as the whole: $(cat stdout stderr)"
merged 1 part1 part2 part3 --out whole && grep -q -- --fresh stderr && ok || fail "written again: $(cat stderr)"
merged 3 part1 part2 part3 --out whole --fresh --json && grep -q '"missing": \[\]' stdout && ok || fail "--json: $(cat stdout)"
same one/models.h5 whole/models.h5 "merged again"

# more parts than services; other ranks
for k in $(seq 7); do
  kt_mpirun $((1 + k % 2)) "$kt_train" data.csv --part $k/7 --out many$k $quick >many.stdout 2>&1
  code=$?
  [ $code -eq 0 ] || [ $code -eq 3 ] && ok || fail "part $k of 7: exit $code: $(cat many.stdout)"
done
merged 3 many? --out many
same one/models.h5 many/models.h5 "seven parts merged"

# of the services that are named, as one run of these has them
train 0 some data.csv --service s0 --service s2
train 0 some1 data.csv --service s0 --service s2 --part 1/2
train 0 some2 data.csv --service s0 --service s2 --part 2/2
merged 0 some1 some2 --out somewhole
same some/models.h5 somewhole/models.h5 "parts of some services"

refused "part1 part1 s" part1 part1 part2 part3
refused "services are missing (part 2)" part1 part3
merged 3 part1 part3 --out partial --partial && grep -q "^missing: " stdout && [ -e partial/models.h5 ] && ok || fail "--partial: $(cat stdout)"
refused "one: holds no part --part" one part2
refused "nowhere" nowhere part2
"$kt_train" data.csv --part 2/3 --out other --steps 80 --time-unit s --quiet >/dev/null 2>&1
refused "part1/models.h5 --steps 75 other/models.h5 80" part1 other part3
"$kt_train" data.csv --part 2/4 --out fourth $quick >/dev/null 2>&1
refused "part1 3 fourth 4" part1 fourth part3
sed '5s/0\.0/0.1/' data.csv >changed.csv
"$kt_train" changed.csv --part 2/3 --out changed $quick >/dev/null 2>&1
refused "part1 changed other rows" part1 changed part3
cut -d, -f 1-6,8 data.csv >fewer.csv
"$kt_train" fewer.csv --part 2/3 --out fewer $quick >/dev/null 2>&1
refused "part1 fewer idle" part1 fewer part3
"$kt_train" data.csv --part 2/3 --out begun --steps 1000000 --quiet --time-unit s >/dev/null 2>&1 &
for _ in $(seq 100); do [ -s begun/dataset.h5 ] && break; sleep 0.1; done
kill -9 $!
wait $! 2>/dev/null
refused "begun part 2 of 3 not finished" part1 begun part3

"$kt_train" data.csv --part 2/3 --out part1 $quick >/dev/null 2>stderr && fail "another part's folder was taken"
grep -q "1/3.*2/3" stderr && ok || fail "another part's folder: $(cat stderr)"
"$kt_train" data.csv --part 4/3 --out bad $quick >/dev/null 2>stderr
[ $? -eq 2 ] && grep -q "4/3" stderr && ok || fail "part 4 of 3: $(cat stderr)"
"$kt_train" data.csv --part 2/3 $quick >/dev/null 2>stderr && [ -e results/data-part-2-of-3/models.h5 ] && ok || fail "its own folder: $(ls results)"
finish
