# Sourced by the tests with several hosts: network namespaces of this machine, each with its host name, real TCP between
# them. h1 is where mpirun runs; it reaches the others by an agent that stands for ssh.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
export PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" -eq 0 ] || skip "hosts of its own need root"
for program in ip nsenter unshare; do
  command -v $program >/dev/null || skip "$program is not installed (iproute2 util-linux)"
done
hosts=3 slots=2 net=10.79.0
space=kt$$h # names of namespaces and links: another test may run beside this one

guard bash "$interop/hosts/down.sh" "$space" $hosts
trap 'status=$?; bash "$interop/hosts/down.sh" "$space" $hosts; (exit $status); leave' EXIT
{
  ip link add "${space}b" type bridge && ip link set "${space}b" up
  echo "127.0.0.1 localhost" >hosts
  for ((i = 1; i <= hosts; i++)); do
    ip netns add "$space$i" && ip link add "$space${i}v" type veth peer name eth0 netns "$space$i" &&
      ip link set "$space${i}v" master "${space}b" up && ip -n "$space$i" addr add "$net.$i/24" dev eth0 &&
      ip -n "$space$i" link set lo up && ip -n "$space$i" link set eth0 up || break
    echo "$net.$i h$i" >>hosts
    echo "h$i slots=$slots" >>hostfile
  done
} 2>hosts.err
[ "$(wc -l <hostfile)" -eq $hosts ] || skip "no network namespaces here: $(head -n 1 hosts.err)"

# enter HOST COMMAND...: there, with what the file HOST.sh says before (its own mounts, its own environment).
cat >enter <<END
#!/bin/sh
h=\$1
shift
exec nsenter "--net=/run/netns/$space\${h#h}" unshare --uts --mount sh -c 'hostname "\$1"
mount --bind "$scratch/hosts" /etc/hosts
[ ! -e "$scratch/\$1.sh" ] || . "$scratch/\$1.sh"
shift
exec "\$@"' sh "\$h" "\$@"
END
cat >agent <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
h=\$1
shift
exec "$scratch/enter" \$h sh -c "\$*"
END
chmod +x enter agent

# train RANKS ARGUMENTS...: over the hosts, in turn. The settings are those of the jobs; TCP is all there is.
. "$tests/../jobs/slurm.sh"
train() {
  local ranks=$1
  shift
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ./enter h1 mpirun -np "$ranks" --hostfile "$scratch/hostfile" \
    --map-by node --bind-to none --oversubscribe --mca plm rsh --mca ras ^slurm --mca plm_rsh_agent "$scratch/agent" \
    --mca plm_rsh_no_tree_spawn 1 --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include $net.0/24 \
    --mca oob_tcp_if_include $net.0/24 "$kt_train" "$@"
}
