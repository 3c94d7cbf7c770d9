#!/usr/bin/env bash
# Gets axe-core, once, to a folder outside the tree that is named by the digest of what is wanted; prints the script's path.
set -eu
cd "$(dirname "$0")"
command -v npm >/dev/null || { echo "npm is not installed" >&2; exit 77; }
digest=$(cat package.json package-lock.json | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kt-train
folder=$cache/axe-$digest
if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/axe.lock"
  flock 9
  if [ ! -d "$folder" ]; then
    rm -rf "$folder.part"
    mkdir "$folder.part"
    cp package.json package-lock.json "$folder.part"
    npm ci --prefix "$folder.part" --ignore-scripts --no-audit --no-fund >&2
    mv "$folder.part" "$folder"
  fi
fi
echo "$folder/node_modules/axe-core/axe.min.js"
