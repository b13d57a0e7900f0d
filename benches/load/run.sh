#!/usr/bin/env bash
# Load on one program: reads and updates at 1 and 16 connections.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
annograph=${ANNOGRAPH:-$here/../../target/dist/annograph}
seconds=${SECONDS_EACH:-8}
folder=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"; }
trap cleanup EXIT

database=${1:-sqlite:$folder/load.db}
python3 "$here/data.py" "${TASKS:-10000}" >"$folder/data.json"
echo "import of $((2 * ${TASKS:-10000})) annotations: $(import_data "$annograph" "$database" "$folder/data.json") s"

start_server "$annograph" "$database" "$folder"
for what in read update; do
  for connections in 1 16; do
    printf '%s, %s connections: ' "$what" "$connections"
    load "$what" "$connections" "$seconds" "$url" |
      awk '/refused|Non-2xx|Socket errors/ { print } /50%|99%/ { printf "p%s %s  ", $1, $2 } /Requests\/sec/ { print $2 " requests/s" }'
  done
done
echo "memory: $(awk '/VmRSS/ { print $2 / 1024 " MiB" }' "/proc/$server/status")"
