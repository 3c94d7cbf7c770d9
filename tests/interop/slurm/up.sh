#!/usr/bin/env bash
# up.sh FOLDER NODES PORT: a Slurm cluster of its own on this machine, without systemd: munged, slurmctld and NODES
# slurmd on ports from PORT. Keys, sockets, configuration and logs lie in FOLDER; FOLDER/env.sh is to be sourced by who
# uses it, down.sh FOLDER stops it. As root every node has a host name of its own; of another user's nodes, which share
# one, Open MPI's shared memory would mix up the segments, and TCP alone is used.
set -euo pipefail
folder=$1 nodes=$2 port=$3
here=$(cd "$(dirname "$0")" && pwd)
export PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH
me=$(id -un)
mkdir -p "$folder"/{etc,run,log,state,spool,tmp}
folder=$(cd "$folder" && pwd)
chmod 755 "$folder" "$folder"/*
: >"$folder/pids"
trap '[ $? = 0 ] || { tail -n 5 "$folder"/log/*; bash "$here/down.sh" "$folder"; }' EXIT

# A daemon in a session of its own. Its start time tells it from another process that got its number later.
start() { # NAME COMMAND...
  local name=$1 pid
  shift
  setsid "$@" >>"$folder/log/$name.out" 2>&1 </dev/null &
  pid=$!
  sleep 0.05
  echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)" >>"$folder/pids"
}

(umask 077; head -c 1024 /dev/urandom >"$folder/etc/munge.key")
socket=$folder/run/munge.socket
start munged munged --foreground --force --num-threads=2 --socket="$socket" --key-file="$folder/etc/munge.key" \
  --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" --seed-file="$folder/state/munge.seed"

# %n is a node's name: each slurmd has its own files. TmpFS as well: srun --mpi=pmix makes a folder there on every node.
# No cgroups and no binding: nodes claim more CPUs than the machine has. The short times make tests short.
{
  cat <<END
ClusterName=kt
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=$me
SlurmdUser=$me
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdSpoolDir=$folder/spool/%n
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmdLogFile=$folder/log/slurmd.%n.log
TmpFS=$folder/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobcomp.txt
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,bf_interval=2
KillWait=5
CompleteWait=0
MinJobAge=600
InactiveLimit=0
OverTimeLimit=0
SlurmctldTimeout=60
SlurmdTimeout=60
ReturnToService=2
JobRequeue=1
MailProg=/bin/true
PriorityType=priority/basic
END
  for ((i = 1; i <= nodes; i++)); do
    echo "NodeName=node$i NodeHostname=node$i NodeAddr=127.0.0.1 Port=$((port + i)) CPUs=4 RealMemory=1000 State=UNKNOWN"
  done
  echo "PartitionName=main Nodes=node[1-$nodes] Default=YES MaxTime=INFINITE State=UP"
} >"$folder/etc/slurm.conf"
{
  echo "127.0.0.1 localhost $(hostname)"
  for ((i = 1; i <= nodes; i++)); do echo "127.0.0.1 node$i"; done
} >"$folder/etc/hosts"
{
  echo "export SLURM_CONF=$folder/etc/slurm.conf"
  echo "export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_tcp_if_include=lo"
  if [ "$me" = root ]; then
    echo "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
  else
    echo "export OMPI_MCA_btl=self,tcp"
  fi
} >"$folder/env.sh"
. "$folder/env.sh"

for ((i = 0; i < 50; i++)); do [ -S "$socket" ] && break; sleep 0.1; done
start slurmctld slurmctld -D -i -f "$SLURM_CONF"
for ((i = 1; i <= nodes; i++)); do
  mkdir -p "$folder/spool/node$i" "$folder/tmp/node$i"
  daemon=(slurmd -D -N "node$i" -f "$SLURM_CONF")
  [ "$me" != root ] || daemon=(unshare --uts --mount sh -c 'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 &&
    exec "$@"' sh "node$i" "$folder/etc/hosts" "${daemon[@]}")
  start "slurmd.node$i" "${daemon[@]}"
done
for ((i = 0; i < 150; i++)); do
  [ "$(sinfo -h -N -o '%T' 2>/dev/null | grep -c '^idle$')" -eq "$nodes" ] && exit 0
  sleep 0.2
done
sinfo -N -l
exit 1
