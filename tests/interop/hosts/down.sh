#!/usr/bin/env bash
# down.sh NAME N: ends what runs on the hosts NAME1 to NAMEN of common.sh and removes them.
for ((i = 1; i <= $2; i++)); do
  ip netns pids "$1$i" 2>/dev/null | xargs -r kill -KILL
  ip link del "$1${i}v" 2>/dev/null # before its namespace, with which it would go some time later
  ip netns del "$1$i" 2>/dev/null
done
ip link del "${1}b" 2>/dev/null
exit 0
