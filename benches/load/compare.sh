#!/usr/bin/env bash
# Load on two programs in turns, so that both meet the same machine: prints the median of each and their ratio.
#
#   compare.sh BASE OTHER
#
# SECONDS_EACH (4) and ROUNDS (3) say how long; both programs work on SQLite databases of their own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
programs=("$1" "$2")
seconds=${SECONDS_EACH:-4}
rounds=${ROUNDS:-3}
folder=$(mktemp -d)
servers=()
cleanup() { [ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"; }
trap cleanup EXIT

python3 "$here/data.py" "${TASKS:-10000}" >"$folder/data.json"
urls=()
for i in 0 1; do
  mkdir "$folder/$i"
  import_data "${programs[$i]}" "sqlite:$folder/$i/load.db" "$folder/data.json" >/dev/null
  start_server "${programs[$i]}" "sqlite:$folder/$i/load.db" "$folder/$i"
  servers+=("$server")
  urls+=("$url")
done

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

printf '| load | base, requests/s | other, requests/s | other / base |\n| --- | --- | --- | --- |\n'
for what in read update; do
  for connections in 1 16; do
    for round in $(seq "$rounds"); do
      # The one that begins is another one each round.
      for i in $((round % 2)) $((1 - round % 2)); do
        load "$what" "$connections" "$seconds" "${urls[$i]}" >"$folder/wrk"
        if grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2; then exit 1; fi
        awk '/Requests\/sec/ { print $2 }' "$folder/wrk" >>"$folder/$i/$what.$connections"
      done
    done
    base=$(median <"$folder/0/$what.$connections")
    other=$(median <"$folder/1/$what.$connections")
    printf '| %s, %s connections | %.0f | %.0f | %.2f |\n' "$what" "$connections" "$base" "$other" "$(echo "$other / $base" | bc -l)"
  done
done
