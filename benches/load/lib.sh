# Functions that run.sh and compare.sh share. Expects `here`, the folder of this file.

export TOKEN=load-test-token-0123456789

# import_data PROGRAM DATABASE_URL FILE: fills a database; prints the seconds that it took.
import_data() {
  local begin
  begin=$(date +%s.%N)
  ANNOGRAPH_DATABASE_URL=$2 "$1" import "$3" --title Load --json >/dev/null
  echo "$(date +%s.%N) - $begin" | bc
}

# start_server PROGRAM DATABASE_URL FOLDER: starts a server on a free port; sets `server` and `url`.
start_server() {
  ANNOGRAPH_DATABASE_URL=$2 ANNOGRAPH_ADMIN_TOKEN=$TOKEN "$1" serve --listen 127.0.0.1:0 >"$3/out" 2>"$3/log" &
  server=$!
  for _ in $(seq 200); do grep -q 'is at' "$3/out" && break; sleep 0.05; done
  url=$(sed -n 's/^Annograph is at //p' "$3/out")
  url=${url%/}
}

# load WHAT CONNECTIONS SECONDS URL: drives the server with wrk, and prints what wrk says.
load() {
  local threads=$(($2 > 1 ? 2 : 1))
  wrk -t "$threads" -c "$2" -d "${3}s" --latency -s "$here/$1.lua" "$4"
}
