#!/usr/bin/env bash
# kt collect through a real sshd: by SOCKS and by one port; what ssh says where it refuses; and no ssh stays behind,
# whatever becomes of kt. Behind it stand recorded replies, served as files.
. "$(dirname "$0")/common.sh"
need_python
sshd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd) || skip "sshd is not installed (openssh-server)"
command -v ssh-keygen >/dev/null || skip "ssh is not installed (openssh-client)"
unset SSH_AUTH_SOCK
export NO_PROXY=localhost,127.0.0.1 # a tunnel holds all the same
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd

# Keys, a server, and a user's configuration. ssh takes the home folder from the system, not from HOME, so that it is
# told of the configuration by a script of its name.
for name in host other_host user other_user; do ssh-keygen -q -t ed25519 -N '' -f $name || fail "ssh-keygen"; done
port=$(python3 "$interop/ports.py" 1)
cat >sshd_config <<END
Port $port
ListenAddress 127.0.0.1
HostKey $scratch/host
AuthorizedKeysFile $scratch/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
LogLevel DEBUG1
END
mkdir bin
printf '#!/bin/sh\nexec "%s" -F "%s" "$@"\n' "$(command -v ssh)" "$scratch/ssh_config" >bin/ssh
chmod +x bin/ssh
PATH=$scratch/bin:$PATH
cat >ssh_config <<END
Host login
  HostName 127.0.0.1
  Port $port
Host *
  User $(id -un)
  IdentityFile $scratch/user
  IdentitiesOnly yes
  UserKnownHostsFile $scratch/known_hosts
  GlobalKnownHostsFile none
END
allow() { cp "$1.pub" authorized; }
know() { echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$1.pub")" >known_hosts; }
allow user
know host
"$sshd" -D -e -f "$scratch/sshd_config" >sshd.log 2>&1 </dev/null &
server_pid[sshd]=$!
for ((i = 0; i < 100; i++)); do
  grep -q "Server listening" sshd.log && break
  sleep 0.1
done

# Three traces of one service, in the form of the v3 API.
begin=$(($(date +%s) - 600))
mkdir -p www/api/v3
echo '{"services": ["web"]}' >www/api/v3/services
{
  printf '{"result":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},'
  printf '"scopeSpans":[{"spans":['
  for i in 1 2 3; do
    printf '{"traceId":"%032x","spanId":"%016x","name":"GET","kind":2,"startTimeUnixNano":"%d00%d000000",' $i $i $begin $i
    printf '"endTimeUnixNano":"%d00%d500000"}%s' $begin $i "$([ $i -lt 3 ] && echo ,)"
  done
  printf ']}]}]}}\n'
} >www/api/v3/traces
www=$(python3 "$interop/ports.py" 1)
serve www "http://127.0.0.1:$www/api/v3/services" python3 -m http.server --bind 127.0.0.1 --directory www "$www"
asked() { grep -c "GET /api/v3/traces" www.log; }
direct() { grep -c "server_request_direct_tcpip: originator .* target $1" sshd.log; }
collect() { # CODE OPTIONS...
  local code=$1
  shift
  rm -f spans.h5
  run "$code" collect --since "$begin" --until "$((begin + 1))" --out spans.h5 "$@"
  { [ "$code" -eq 0 ] || [ ! -e spans.h5 ]; } && ok || fail "kt collect $* leaves a file"
}
refused() { # WORDS OPTIONS...: with ssh's own words, in one line
  local words=$1
  shift
  collect 1 "$@"
  has stderr "$words"
  [ "$(wc -l <stderr)" -eq 1 ] && ok || fail "$* says: $(cat stderr)"
}

# It works, and by way of the tunnel: sshd has been asked for the connection.
collect 0 --jaeger "http://localhost:$www" --ssh login
has stdout "3 traces, 3 spans"
cp spans.h5 socks.h5
[ "$(asked)" -eq 1 ] && [ "$(direct "localhost port $www")" -ge 1 ] && ok || fail "not through the proxy"
collect 0 --jaeger "http://localhost:$www" --ssh "$(id -un)@127.0.0.1:$port"
[ "$(asked)" -eq 2 ] && ok || fail "user@host:port"
cmp -s socks.h5 spans.h5 && ok || fail "the same pull, another file"
collect 0 --jaeger http://jaeger.invalid:16686 --ssh login --ssh-forward "127.0.0.1:$www"
has stdout "3 traces, 3 spans"
[ "$(asked)" -eq 3 ] && [ "$(direct "127.0.0.1 port $www")" -ge 1 ] && ok || fail "not through the port"

# Nobody there behind the login host
closed=$(python3 "$interop/ports.py" 1)
refused "Connection refused" --jaeger "http://localhost:$closed" --ssh login
has stderr "http://localhost:$closed"

# ssh refuses
allow other_user
refused "Permission denied" --jaeger "http://localhost:$www" --ssh login
allow user
know other_host
refused "Host key for [127.0.0.1]:$port has changed" --jaeger "http://localhost:$www" --ssh login
: >known_hosts
refused "Host key verification failed" --jaeger "http://localhost:$www" --ssh login
[ ! -s known_hosts ] && ok || fail "a host key was taken unseen"
know host
refused "Could not resolve hostname" --jaeger "http://localhost:$www" --ssh no-such-host.invalid
refused "Connection refused" --jaeger "http://localhost:$www" --ssh "127.0.0.1:$closed"
[ "$(asked)" -eq 3 ] && ok || fail "the server was asked without its tunnel"

# What is no host
for host in -oProxyCommand=touch\ hacked me@-oProxyCommand=true '' me@ 'a b' host:0 host:port host:65536; do
  collect 2 --jaeger "http://localhost:$www" --ssh="$host"
done
for forward in "$www" localhost: localhost:x ':80' "a b:80"; do
  collect 2 --jaeger "http://localhost:$www" --ssh login --ssh-forward "$forward"
done
[ ! -e hacked ] && ok || fail "an option was taken from a host's name"

# A server that never answers; kt is stopped, killed, or loses its tunnel.
silent=$(python3 "$interop/ports.py" 1)
python3 -c 'import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
kept = []
while True: kept.append(server.accept())' "$silent" &
server_pid[silent]=$!
for ((i = 0; i < 100; i++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$silent") 2>/dev/null && break # it listens
  sleep 0.1
done
begun() { # kt in the background until its tunnel stands and is used: `pid`, and `ssh` its child
  before=$(direct "localhost port $silent")
  "$kt" collect --jaeger "http://localhost:$silent" --since "$begin" --out spans.h5 --ssh login --retries 0 >stdout 2>stderr &
  pid=$!
  for ((i = 0; i < 300 && $(direct "localhost port $silent") == before; i++)); do sleep 0.1; done
  ssh=$(ps -o pid= --ppid $pid | tr -d ' ')
  [ -n "$ssh" ] && ok || fail "no ssh of kt"
}
gone() { # the process ends by itself
  for ((i = 0; i < 100; i++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -0 "$1" 2>/dev/null && fail "$2" || ok
}
begun
kill -TERM $pid
wait $pid
[ $? -eq 75 ] && ok || fail "stopped: $(cat stderr)"
gone "$ssh" "ssh stays after a stop"
begun
kill -KILL $pid
wait $pid 2>/dev/null
gone "$ssh" "ssh stays after a kill"
begun
kill -KILL "$ssh"
wait $pid
[ $? -eq 1 ] && ok || fail "a tunnel that broke: $(cat stderr)"
has stderr "the tunnel's ssh has ended"
finish
