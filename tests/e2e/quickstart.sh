#!/usr/bin/env bash
# Does what the README says, with the very commands that it shows.
#
#   bash tests/e2e/quickstart.sh http://127.0.0.1:PORT TOKEN ANNOGRAPH
#
# The server is a fresh `annograph serve --demo` that TOKEN signs an admin in to, ANNOGRAPH the program.
#
# Of the README's `sh` blocks those that start with `curl` go to the server: the `json` block that follows one
# is the answer that has to come, where "…" stands for anything. Those that start with `annograph` run one after the other on a new database.
set -euo pipefail

if [ $# -ne 3 ]; then
  echo "usage: $0 http://127.0.0.1:PORT TOKEN ANNOGRAPH" >&2
  exit 2
fi
address=$1
export TOKEN=$2
program=$(realpath "$3")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Block 1 becomes 01.sh, and its answer, if there is one, 01.json.
awk -v work="$work" '
  /^```/ && inside { inside = 0; next }
  /^```(sh|json)$/ {
    language = substr($0, 4)
    if (language == "sh") number += 1
    file = sprintf("%s/%02d.%s", work, number, language)
    inside = 1
    next
  }
  inside { print > file }
' "$root/README.md"

mkdir "$work/bin" "$work/folder"
ln -s "$program" "$work/bin/annograph"
ln -s "$root/tests" "$work/folder/tests"
cd "$work/folder"
export PATH="$work/bin:$PATH" ANNOGRAPH_DATABASE_URL="sqlite:$work/readme.db"

passed=0
failed=0
for block in "$work"/*.sh; do
  case $(head -n 1 "$block") in
    curl*) sed -i "s|http://127.0.0.1:8000|$address|g" "$block" ;;
    annograph*) ;;
    *) continue ;;
  esac
  expected=${block%.sh}.json
  if ! bash -euo pipefail "$block" >"$block.out" 2>"$block.err"; then
    why='it fails'
  elif [ -f "$expected" ] && ! python3 - "$expected" "$block.out" <<'PYTHON'; then
import json, sys
expected, answer = (json.load(open(name)) for name in sys.argv[1:])


def fits(expected, answer):
    """Whether the answer is the expected one; "…" stands for anything."""
    if expected == "…":
        return True
    if isinstance(expected, dict) and isinstance(answer, dict):
        return expected.keys() == answer.keys() and all(
            fits(value, answer[key]) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(answer, list):
        return len(expected) == len(answer) and all(map(fits, expected, answer))
    return expected == answer


sys.exit(not fits(expected, answer))
PYTHON
    why='the answer is another one'
  else
    passed=$((passed + 1))
    echo "ok README.md, block $(basename "$block" .sh)"
    continue
  fi
  failed=$((failed + 1))
  echo "FAILED README.md, block $(basename "$block" .sh): $why"
  cat "$block" "$block.out" "$block.err"
  echo
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
