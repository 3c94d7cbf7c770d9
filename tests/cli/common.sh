# Sourced by the tests of kt: runs a command and checks its exit code, output and message.
. "$(dirname "${BASH_SOURCE[0]}")/../job/common.sh"
cd "$scratch" || exit 1

# run CODE ARGUMENTS...: kt, its output in the files stdout and stderr
run() {
  local code=$1 got
  shift
  timeout 120 "$kt" "$@" >stdout 2>stderr </dev/null
  got=$?
  if [ $got -eq "$code" ]; then ok; else fail "kt $*: exit $got, not $code: $(head -c 400 stderr)"; fi
}

has() { if grep -qF -- "$2" "$1"; then ok; else fail "no '$2' in: $(head -c 600 "$1")"; fi; }
lacks() { if grep -qF -- "$2" "$1"; then fail "'$2' in: $(grep -F -- "$2" "$1" | head -n 5)"; else ok; fi; }
counts() { # FILE N WORDS
  local n
  n=$(grep -cF -- "$3" "$1")
  if [ "$n" -eq "$2" ]; then ok; else fail "$n lines with '$3', not $2, in: $(head -c 600 "$1")"; fi
}
