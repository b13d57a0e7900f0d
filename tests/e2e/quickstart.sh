#!/usr/bin/env bash
# Runs the commands that the README and the pages of docs/ show, in the order of `pages`.
#
#   bash tests/e2e/quickstart.sh http://127.0.0.1:PORT TOKEN ANNOGRAPH
#
# The server is a fresh `annograph serve --demo` that TOKEN signs an admin in to, ANNOGRAPH the program.
#
# `sh` blocks that start with `curl` go to the server. The `json` block behind such a block is the expected answer,
# in which "…" stands for any value. Blocks that start with `annograph` run one after the other on a new database.
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

# Later pages use the rows of earlier ones.
pages=(README.md docs/tour.md docs/api.md docs/commands.md)

# The second `sh` block of the third page becomes 3-02.sh, and its answer, when shown, 3-02.json.
cd "$root"
awk -v work="$work" '
  FNR == 1 { page += 1; number = 0; inside = 0 }
  /^```/ && inside { inside = 0; next }
  /^```(sh|json)$/ {
    language = substr($0, 4)
    if (language == "sh") number += 1
    file = sprintf("%s/%d-%02d.%s", work, page, number, language)
    inside = 1
    next
  }
  inside { print > file }
' "${pages[@]}"

mkdir "$work/bin" "$work/folder"
ln -s "$program" "$work/bin/annograph"
ln -s "$root/tests" "$work/folder/tests"
cd "$work/folder"
export PATH="$work/bin:$PATH" ANNOGRAPH_DATABASE_URL="sqlite:$work/commands.db"

passed=0
failed=0
for block in "$work"/*.sh; do
  name=$(basename "$block" .sh)
  page=${pages[${name%%-*} - 1]}
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
    """Compare an answer with the expected value, in which "…" stands for any value."""
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
    echo "ok $page, block ${name#*-}"
    continue
  fi
  failed=$((failed + 1))
  echo "FAILED $page, block ${name#*-}: $why"
  cat "$block" "$block.out" "$block.err"
  echo
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
