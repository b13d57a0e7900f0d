#!/usr/bin/env bash
# Gives made-up annotations to `annograph agreement` and to published implementations, and compares the scores.
#
#   bash run.sh ANNOGRAPH [TASKS [SEED]]
#
# TASKS is how many are made up altogether. What is made up is the same in every run with the same seed.
set -euo pipefail

if [ $# -lt 1 ]; then
  echo "usage: $0 ANNOGRAPH [TASKS [SEED]]" >&2
  exit 2
fi
annograph=$(realpath "$1")
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-deps --requirement "$here/requirements.txt"

cd "$work"
PYTHONDONTWRITEBYTECODE=1 "$work/venv/bin/python" "$here/compare.py" "$annograph" "$@"
