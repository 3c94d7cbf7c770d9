# Sourced by the tests with real servers: builds and starts them on free ports, stops them on every way out.
. "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh"
interop=$tests/interop

declare -A server_pid
leave() {
  local status=$? name
  trap - EXIT
  [ $status -eq 0 ] || [ $status -eq 77 ] || tail -n 15 "$scratch"/*.log
  for name in "${!server_pid[@]}"; do stop "$name"; done
  rm -rf "$scratch"
  exit $status
}
trap leave EXIT
trap 'exit 1' INT TERM HUP

# guard COMMAND...: also where this shell is killed, what must not stay behind is undone. The command must do no harm twice.
guard() {
  setsid --fork bash -c 'pid=$1; shift; while kill -0 "$pid" 2>/dev/null; do sleep 2; done; "$@"' guard $$ "$@" \
    <>/dev/null >&0 2>&0
}

# Without what a test needs it is skipped, unless KT_REQUIRE_INTEROP=1.
skip() {
  echo "skipped: $*"
  [ "${KT_REQUIRE_INTEROP:-0}" = 1 ] && exit 1
  exit 77
}

need_python() { command -v python3 >/dev/null || skip "python3 is not installed"; }

# need_servers: sets `servers`, the folder with the programs.
need_servers() {
  local status=0
  need_python
  servers=$(bash "$interop/build.sh" 2>build.log) || status=$?
  case $status in
    0) ;;
    77) skip "$(tail -n 1 build.log)" ;;
    *) exit 1 ;;
  esac
}

# Nanoseconds since 1970 as kt takes times.
stamp() { echo "${1:0:-9}.${1: -9}"; }

# serve NAME URL COMMAND...: in the background until URL answers; NAME.log has what it says. It ends with this shell.
serve() {
  local name=$1 url=$2
  shift 2
  setpriv --pdeathsig KILL -- "$@" >"$name.log" 2>&1 </dev/null &
  server_pid[$name]=$!
  python3 "$interop/ready.py" "$url" $! 30 || { echo "$name does not start"; exit 1; }
}

stop() {
  local pid=${server_pid[$1]} i
  unset "server_pid[$1]"
  kill "$pid" 2>/dev/null
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

# Both set `jaeger`, the URL of the API, and `otlp`, HOST:PORT where spans go.
serve_jaeger_v1() {
  local port
  port=($(python3 "$interop/ports.py" 7))
  jaeger=http://127.0.0.1:${port[0]} otlp=127.0.0.1:${port[1]}
  serve jaeger "$jaeger/api/services" env OTEL_TRACES_SAMPLER=always_off "$servers/jaeger-all-in-one" \
    --query.http-server.host-port="127.0.0.1:${port[0]}" --collector.otlp.http.host-port="$otlp" \
    --query.grpc-server.host-port="127.0.0.1:${port[2]}" --collector.otlp.grpc.host-port="127.0.0.1:${port[3]}" \
    --collector.http-server.host-port="127.0.0.1:${port[4]}" --collector.grpc-server.host-port="127.0.0.1:${port[5]}" \
    --admin.http.host-port="127.0.0.1:${port[6]}"
}
serve_jaeger_v2() { # [BASE PATH]
  local port
  port=($(python3 "$interop/ports.py" 4))
  jaeger=http://127.0.0.1:${port[0]}${1:-} otlp=127.0.0.1:${port[1]}
  serve jaeger "$jaeger/api/services" env OTEL_TRACES_SAMPLER=always_off KT_QUERY="${port[0]}" KT_OTLP="${port[1]}" \
    KT_GRPC="${port[2]}" KT_HEALTH="${port[3]}" KT_BASE="${1:-/}" "$servers/jaeger" --config "$interop/jaeger/jaeger-v2.yaml"
}

# Sets `hotrod`, the URL of a request to it. Some requests fail there (its Redis is made to time out): status 500.
serve_hotrod() {
  local port
  port=($(python3 "$interop/ports.py" 4))
  hotrod="http://127.0.0.1:${port[0]}/dispatch?customer=123"
  serve hotrod "http://127.0.0.1:${port[0]}/" env OTEL_EXPORTER_OTLP_ENDPOINT="http://$otlp" "$servers/hotrod" all \
    --fix-db-query-delay 20ms --fix-disable-db-conn-mutex --fix-route-worker-pool-size 100 \
    --frontend-service-port "${port[0]}" --customer-service-port "${port[1]}" \
    --driver-service-port "${port[2]}" --route-service-port "${port[3]}" \
    --frontend-service-hostname 127.0.0.1 --customer-service-hostname 127.0.0.1 \
    --driver-service-hostname 127.0.0.1 --route-service-hostname 127.0.0.1
}

# serve_front NAME TARGET OPTIONS...: front.py before a server; sets `front`.
serve_front() {
  local name=$1 target=$2 port
  shift 2
  port=$(python3 "$interop/ports.py" 1)
  front=http://127.0.0.1:$port
  serve "$name" "$front/api/v3/services" python3 "$interop/front.py" "$port" "$target" "$@"
}
