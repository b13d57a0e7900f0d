#!/usr/bin/env bash
# Sends queries and mutations that Schemathesis makes up from the schema, and looks at every answer.
#
#   bash run.sh http://127.0.0.1:PORT TOKEN
#
# The token signs an admin in; what the server holds is changed. What is sent is the same in every run.
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "usage: $0 http://127.0.0.1:PORT TOKEN" >&2
  exit 2
fi
address=$1
token=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-deps --requirement "$here/requirements.txt"

cd "$work"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here SCHEMATHESIS_HOOKS=hooks "$work/venv/bin/schemathesis" run "$address/graphql" \
  --header "Authorization: Bearer $token" \
  --checks answers_are_as_promised \
  --phases fuzzing \
  --mode all \
  --max-examples "${EXAMPLES:-75}" \
  --seed 20 \
  --generation-database none \
  --suppress-health-check all \
  --request-timeout 10 \
  --continue-on-failure \
  --no-color
