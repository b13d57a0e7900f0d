#!/usr/bin/env bash
# Load on a release build: reads and updates at 1 and 16 connections.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
annograph=${ANNOGRAPH:-$here/../../target/release/annograph}
seconds=${SECONDS_EACH:-8}
folder=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"; }
trap cleanup EXIT

export ANNOGRAPH_DATABASE_URL=${1:-sqlite:$folder/load.db}
export TOKEN=load-test-token-0123456789
python3 "$here/data.py" "${TASKS:-10000}" >"$folder/data.json"
begin=$(date +%s.%N)
"$annograph" import "$folder/data.json" --title Load --json >"$folder/summary.json"
echo "import of $((2 * ${TASKS:-10000})) annotations: $(echo "$(date +%s.%N) - $begin" | bc) s"

ANNOGRAPH_ADMIN_TOKEN=$TOKEN "$annograph" serve --listen 127.0.0.1:0 >"$folder/out" 2>"$folder/log" &
server=$!
for _ in $(seq 100); do grep -q 'is at' "$folder/out" && break; sleep 0.05; done
url=$(sed -n 's/^Annograph is at //p' "$folder/out")
for what in read update; do
  for connections in 1 16; do
    threads=$((connections > 1 ? 2 : 1))
    printf '%s, %s connections: ' "$what" "$connections"
    wrk -t "$threads" -c "$connections" -d "${seconds}s" --latency -s "$here/$what.lua" "${url%/}" |
      awk '/refused|Non-2xx|Socket errors/ { print } /50%|99%/ { printf "p%s %s  ", $1, $2 } /Requests\/sec/ { print $2 " requests/s" }'
  done
done
echo "memory: $(awk '/VmRSS/ { print $2 / 1024 " MiB" }' "/proc/$server/status")"
