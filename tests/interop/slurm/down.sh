#!/usr/bin/env bash
# down.sh FOLDER: ends the jobs of up.sh's cluster, then what up.sh started, and nothing else. The files stay.
set -u
folder=$1
[ -s "$folder/pids" ] || exit 0
export SLURM_CONF=$folder/etc/slurm.conf PATH=/usr/sbin:/sbin:$PATH
ours() { [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" = "$2" ]; }

# What runs for a job is no child of slurmd: it ends while the cluster can still end it.
if timeout 5 squeue -h -o %A >"$folder/left" 2>/dev/null && [ -s "$folder/left" ]; then
  sort -u "$folder/left" | xargs -r -n 1 timeout 5 scancel
  for ((i = 0; i < 75; i++)); do [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break; sleep 0.2; done
fi
tac "$folder/pids" | while read -r pid began; do
  ours "$pid" "$began" || continue
  kill -TERM "$pid"
  for ((i = 0; i < 50; i++)); do ours "$pid" "$began" || break; sleep 0.1; done
  ours "$pid" "$began" && kill -KILL "$pid"
done
rm -f "$folder/pids"
