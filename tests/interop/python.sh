#!/usr/bin/env bash
# python.sh NAME: makes the Python environment of requirements-NAME.txt outside the tree, in a folder that is named by
# the digest of that file, and prints its path; what is there is not made again. Exit code 77: it cannot be had here
# (no Python that the packages exist for, or no way to them).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1
wanted=$here/requirements-$name.txt

skip() {
  echo "$*" >&2
  exit 77
}

# Python 3.11 has all of the pinned packages; the environment's own pip gets them.
find_python() {
  local python
  for python in python3.11 python3; do
    [ "$("$python" -c 'import sys, venv, ensurepip; print(*sys.version_info[:2])' 2>/dev/null)" = "3 11" ] || continue
    echo "$python"
    return
  done
  skip "Python 3.11 with venv is not installed ($name needs it)"
}

make_in() {
  local python said
  python=$(find_python)
  echo "making the Python environment $name" >&2
  "$python" -m venv --clear "$1" >&2 || skip "an environment for $name cannot be made"
  said=$("$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --requirement "$wanted" 2>&1) ||
    skip "the packages of $name cannot be had: $(tail -n 1 <<<"$said")"
}

digest=$(sha256sum <"$wanted" | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kt-train
folder=$cache/python-$name-$digest
if [ ! -e "$folder/made" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/python-$name.lock"
  flock 9
  if [ ! -e "$folder/made" ]; then
    make_in "$folder"
    touch "$folder/made"
  fi
fi
echo "$folder"
