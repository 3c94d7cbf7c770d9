#!/usr/bin/env bash
# Builds the programs that the interop tests run: Jaeger v2.13 and all-in-one v1.76, HotROD, and the test bed ktbench.
# They go to a folder outside the tree that is named by the digest of their sources, and its path is printed; what is
# there is not built again. Exit code 77: they cannot be had here (no Go, or no way to the modules).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export PATH="$PATH:/usr/local/go/bin" GOFLAGS="-mod=readonly ${GOFLAGS:-}"

skip() {
  echo "$*" >&2
  exit 77
}

# What each is: FOLDER of its module, NAME, PACKAGE.
programs="bench ktbench .
jaeger hotrod github.com/jaegertracing/jaeger/examples/hotrod
jaeger jaeger-all-in-one github.com/jaegertracing/jaeger/cmd/all-in-one
jaeger jaeger github.com/jaegertracing/jaeger/cmd/jaeger"

# Go from 1.21 on knows by itself whether it is new enough for a module, and gets a newer one where it may.
need_go() {
  local version
  command -v go >/dev/null || skip "go is not installed (1.21 or newer builds the real servers)"
  version=$(cd / && go env GOVERSION)
  [ "$(printf 'go1.21\n%s\n' "$version" | sort -V | head -n 1)" = go1.21 ] ||
    skip "$version is too old to build the real servers: 1.21 or newer is needed"
}

get_modules() {
  local folder name package said
  while read -r folder name package; do
    echo "getting the modules of $name" >&2
    said=$(cd "$here/$folder" && go list -deps "$package" 2>&1 >/dev/null) ||
      skip "the modules of $name cannot be had: $(tail -n 1 <<<"$said")"
  done <<<"$programs"
}

build_into() {
  local folder name package
  rm -rf "$1"
  mkdir -p "$1"
  while read -r folder name package; do
    echo "building $name" >&2
    (cd "$here/$folder" && go build -trimpath -ldflags '-s -w' -o "$1/$name" "$package") >&2
  done <<<"$programs"
}

digest=$(cd "$here" && cat jaeger/go.mod jaeger/go.sum bench/go.mod bench/go.sum bench/*.go | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kt-train
folder=$cache/interop-$digest
if [ ! -d "$folder" ]; then
  need_go
  mkdir -p "$cache"
  exec 9>"$cache/interop.lock"
  flock 9
  if [ ! -d "$folder" ]; then
    get_modules
    build_into "$folder.part"
    mv "$folder.part" "$folder"
  fi
fi
echo "$folder"
