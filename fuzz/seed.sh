#!/usr/bin/env bash
# Fills fuzz/corpus with recorded data from Label Studio: configs, results, and pairs of both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python3 - <<'PYTHON'
import hashlib, json, pathlib

recorded = pathlib.Path("tests/fixtures/label-studio")
divider = "\x1e"


def seed(target, text):
    folder = pathlib.Path("fuzz/corpus") / target
    folder.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


configs = {path.stem: path.read_text() for path in (recorded / "configs").glob("*.xml")}
for xml in configs.values():
    seed("config", xml)
for line in (recorded / "config-validation.jsonl").read_text().splitlines():
    seed("config", json.loads(line).get("config", ""))

exports = [(path.stem, path) for path in sorted((recorded / "exports").glob("*.json"))]
exports.append(("x-kitchen-sink", recorded / "export.json"))
for name, path in exports:
    before = "[]"
    for task in json.loads(path.read_text()):
        for item in task.get("annotations", []) + task.get("predictions", []):
            if not isinstance(item, dict) or not isinstance(item.get("result"), list):
                continue
            result = json.dumps(item["result"])
            for target in ("document", "region"):
                seed(target, result)
            if name in configs:
                seed("check", configs[name] + divider + result)
            seed("merge", divider.join([before, result, before]))
            seed("edit", divider.join([before, *map(json.dumps, item["result"][:5])]))
            before = result
PYTHON
