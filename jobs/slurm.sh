# Sourced by the jobs: one launch of kt-train as a Slurm job that is stopped, preempted and put back into the queue.
# The same job with the same command line goes on where it was.

: "${KT_MAX_RESTARTS:=3}" # how often a job goes back into the queue because a rank died

# mpirun itself notices a host that was cut off within 20 + 4 x 5 s; by Open MPI's own settings it takes 480 s. It
# should be sooner than --stall: once ranks have left, mpirun has something to say to that host, and waits for an
# answer.
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-20}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-5}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-4}
export OPENBLAS_NUM_THREADS=1 # a rank a core

kt_say() { echo "$(date '+%F %T') job $SLURM_JOB_ID: $*"; }

# What was said so far, in all starts of this job: its log, where that is a file.
kt_log_has() { [ -f "/proc/$$/fd/1" ] && tail -c "+$1" "/proc/$$/fd/1" | grep -cF "$2"; }

kt_requeue() { # WHY CODE
  kt_say "$1"
  trap 'exit 0' TERM # which Slurm sends when it takes the job back
  scontrol requeue "$SLURM_JOB_ID" || { kt_say "cannot be put back: submit it again"; exit "$2"; }
  sleep 300 &
  wait $!
  exit "$2"
}

# kt_launch LAUNCHER... kt-train ...: returns kt-train's exit code where the job is done with it. USR1 is passed on;
# who does not leave within a minute of it is killed.
kt_launch() {
  local begin=1 code signalled cancelled= died
  [ -f "/proc/$$/fd/1" ] && begin=$(($(stat -Lc %s "/proc/$$/fd/1") + 1))
  kt_say "start $((${SLURM_RESTART_COUNT:-0} + 1)) on $SLURM_JOB_NODELIST: $*"
  timeout --foreground -s USR1 -k 60 0 "$@" &
  local launcher=$!
  trap 'signalled=1; kt_say "USR1: stops"; kill -USR1 $launcher' USR1
  trap 'signalled=1; cancelled=1' TERM # all processes of a job get it: scancel, the hard limit, scontrol requeue
  while :; do
    signalled=
    wait $launcher
    code=$?
    [ -n "$signalled" ] && [ $code -gt 128 ] || break
  done
  trap - USR1 TERM
  kt_say "exit code $code"
  [ -z "$cancelled" ] || exit $code
  case $code in
    0 | 2 | 3) return $code ;;
    75) kt_requeue "stopped, goes back into the queue" 75 ;;
    1) [ "$(kt_log_has "$begin" 'was not heard of for')" -gt 0 ] 2>/dev/null || return 1 ;; # it said why it cannot
  esac
  died=$(kt_log_has 1 "job $SLURM_JOB_ID: a rank died")
  [ "${died:-$KT_MAX_RESTARTS}" -lt "$KT_MAX_RESTARTS" ] || { kt_say "a rank died again: given up"; return $code; }
  kt_requeue "a rank died ($((died + 1)) of $KT_MAX_RESTARTS times), goes back into the queue" $code
}
