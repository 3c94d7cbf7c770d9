#!/usr/bin/env bash
# A run that is asked to stop keeps what it has and ends with 75 within seconds; the same command line goes on. Refusals of
# a run that is not the same. Checkpoints that cannot be written cost an interval, not the run.
. "$(dirname "$0")/common.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun gives ranks a second to end, also those that have ended
cd "$scratch" || exit 1
table data.csv 9003 3
options="--batch 512 --steps 16000 --no-report"
kt_mpirun 1 "$kt_train" data.csv --out one $options --quiet >/dev/null || fail "the undisturbed run"

# start RANKS OPTIONS...: `job`; returns when fits run
start() {
  local ranks=$1
  shift
  kt_mpirun "$ranks" "$kt_train" data.csv --out run $options "$@" >stdout 2>stderr &
  job=$!
  for _ in $(seq 300); do
    grep -qs '"phase":"fit"' run/journal.jsonl && break
    sleep 0.02
  done
  sleep 0.2 # fits have begun
}
ends_with() { # CODE WHAT
  local code
  wait $job
  code=$?
  [ $code -eq "$1" ] && ok || fail "$2: exit $code, not $1: $(cat stderr)"
}
ranks_of() { pgrep -f "^$kt_train data.csv --out run"; }
goes_on() { # RANKS WHAT: to the end
  kt_mpirun "$1" "$kt_train" data.csv --out run $options >stdout 2>stderr || fail "$2: $(cat stderr)"
  grep -q "going on: " stderr && grep -q "data are not read again" stderr && ok || fail "$2, going on: $(cat stderr)"
  same one/models.h5 run/models.h5 "$2"
  [ -e run/checkpoint ] && fail "$2: the checkpoint stays" || ok
  rm -rf run
}

# one signal to one rank, many to all, one to the launcher
for who in first last all launcher; do
  start 3 --parallel auto
  pids=($(ranks_of | sort -n))
  case $who in
    first) kill -USR1 "${pids[0]}" ;;
    last) kill -USR1 "${pids[-1]}" ;;
    all) for _ in 1 2 3; do kill -USR1 "${pids[@]}"; done ;;
    launcher) pkill -USR1 -P $job mpirun ;;
  esac
  asked=$(date +%s%N)
  ends_with 75 "USR1 to $who"
  [ $(($(date +%s%N) - asked)) -lt 10000000000 ] && ok || fail "USR1 to $who: more than 10 s, the launcher's included"
  grep -q "stopped; the same command line goes on" stderr && ok || fail "USR1 to $who: $(cat stderr)"
  [ -s run/checkpoint/fits-000000001.part ] && ! [ -e run/models.h5 ] && ok || fail "USR1 to $who: $(ls -A run run/checkpoint)"
  goes_on 2 "USR1 to $who"
done

# without a launcher: TERM and INT; by the clock, again and again
for signal in TERM INT; do
  (trap - INT; exec "$kt_train" data.csv --out run $options --quiet >stdout 2>stderr) &
  job=$!
  until grep -qs '"phase":"fit"' run/journal.jsonl; do sleep 0.02; done
  sleep 0.2
  kill -$signal $job
  ends_with 75 "$signal"
  goes_on 3 "$signal"
done
stops=0
while kt_mpirun 2 "$kt_train" data.csv --out run $options --quiet --stop-after 0.15 >stdout 2>stderr; [ $? -eq 75 ]; do
  stops=$((stops + 1))
  [ $stops -lt 100 ] || break
done
[ $stops -ge 1 ] && ok || fail "--stop-after: $stops stops: $(cat stderr)"
same one/models.h5 run/models.h5 "--stop-after"
rm -rf run

# before there is anything to keep: rank 0 waits for a server that says nothing
cat >silent.py <<'EOF'
import os, socket
server = socket.create_server(("127.0.0.1", 0))
with open("port.tmp", "w") as file:
    file.write(str(server.getsockname()[1]))
os.rename("port.tmp", "port")
heard = [server.accept() for _ in range(99)]
EOF
python3 silent.py &
silent=$!
for _ in $(seq 300); do [ -s port ] && break; sleep 0.02; done
for who in first last clock; do
  at=$([ $who = clock ] && echo --stop-after 1)
  kt_mpirun 3 "$kt_train" --jaeger "http://127.0.0.1:$(cat port)" --since 1h --until 30m --out run $at >stdout 2>stderr &
  job=$!
  for _ in $(seq 300); do grep -qs acquire run/journal.jsonl && break; sleep 0.02; done
  sleep 0.3
  pids=($(pgrep -f "^$kt_train --jaeger" | sort -n))
  case $who in
    first) kill -USR1 "${pids[0]}" ;;
    last) kill -USR1 "${pids[-1]}" ;;
  esac
  asked=$(date +%s%N)
  ends_with 75 "a silent server, $who"
  [ $(($(date +%s%N) - asked)) -lt 10000000000 ] && ok || fail "a silent server, $who: more than 10 s"
  [ "$(grep -c "^kt-train: stopped" stderr)" -eq 1 ] && ok || fail "a silent server, $who: $(cat stderr)"
  rm -rf run
done
kill $silent

# what is not the same run is refused, and nothing changes
start 2 --quiet
kill -USR1 $(ranks_of)
ends_with 75 "to be refused"
before=$(find run -type f -exec sha256sum {} + | sort)
refused() { # PATTERN OPTIONS...
  "$kt_train" data.csv --out run $options --quiet "${@:2}" >stdout 2>stderr && fail "$*: taken"
  grep -q -- "$1" stderr && [ "$before" = "$(find run -type f -exec sha256sum {} + | sort)" ] && ok || fail "$*: $(cat stderr)"
}
refused "--steps 16000, now it is 16001" --steps 16001
refused "--family" --family gamma
printf 'rps_eff,rep,proc_time_s0\n' >other.csv
"$kt_train" other.csv --out run $options >stdout 2>stderr && fail "other data: taken"
grep -q "other.csv" stderr && ok || fail "other data: $(cat stderr)"
"$KT_OTHER" data.csv --out run $options >stdout 2>stderr && fail "other numerics: taken"
grep -q "numerics" stderr && ok || fail "other numerics: $(cat stderr)"
cp -r run damaged
goes_on 4 "after refusals"

# damage to the newest states: said, and the ones before count
mv damaged run
last=$(ls run/checkpoint/fits-* | tail -n 1)
printf 'x' | dd of="$last" bs=1 seek=300 conv=notrunc status=none
kt_mpirun 2 "$kt_train" data.csv --out run $options >stdout 2>stderr || fail "damaged: $(cat stderr)"
grep -q "$last: damaged after byte" stderr && ok || fail "damage is not said: $(cat stderr)"
same one/models.h5 run/models.h5 "damaged"
rm -rf run

# writes that fail: warned of, and the run ends well
for fault in "pwrite fits- 2 28" "fsync fits- 1 5" "rename fits- 2 5" "pwrite finished 1 28" "fsync finished 1 5"; do
  KT_AT="$fault" LD_PRELOAD=$KT_AT_LIBRARY "$kt_train" data.csv --out run $options --checkpoint-every 0.05 >stdout 2>stderr || fail "$fault: $(cat stderr)"
  grep -q "the checkpoint was not written" stderr && ok || fail "$fault: not said: $(cat stderr)"
  same one/models.h5 run/models.h5 "$fault"
  rm -rf run
done
# on the archive's path: an error, nothing half-written, and the same command line goes on
for fault in "pwrite models.h5 2 28" "fsync models.h5 1 5" "rename models.h5 1 5" "rename run.json 1 28"; do
  KT_AT="$fault" LD_PRELOAD=$KT_AT_LIBRARY "$kt_train" data.csv --out run $options --checkpoint-every 0.05 --quiet >stdout 2>stderr
  [ $? -eq 1 ] && [ "$(grep -c . stderr)" -eq 1 ] && ok || fail "$fault: $(cat stderr)"
  [ ! -e run/run.json ] && ! ls -A run | grep -q '\.tmp$' && ok || fail "$fault: $(ls -A run)"
  kt_mpirun 2 "$kt_train" data.csv --out run $options --quiet >stdout 2>stderr || fail "$fault, going on: $(cat stderr)"
  same one/models.h5 run/models.h5 "$fault"
  rm -rf run
done
finish
