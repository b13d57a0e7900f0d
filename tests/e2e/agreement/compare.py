"""Compares `annograph agreement` with published implementations, task by task.

    python compare.py ANNOGRAPH [TASKS [SEED]]
"""

import json
import random
import subprocess
import sys
from collections import Counter

from generate import task
from published import METRICS, scores_of

# How far two scores may be apart.
NEAR = 1e-9
# Differences that are printed.
MOST = 10


def main(annograph, count=3000, seed=1):
    source = random.Random(int(seed))
    tasks = [task(source) for _ in range(int(count))]
    command = [annograph, "agreement", "-", "--json"]
    ended = subprocess.run(command, input=json.dumps(tasks), capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(lines) == len(tasks), f"{len(lines)} lines of {len(tasks)} tasks"
    compared, partial, different = Counter(), Counter(), 0
    for number, (line, item) in enumerate(zip(lines, tasks)):
        assert line["item"] == number, line
        counted = [it for it in item["annotations"] if not it["was_cancelled"]]
        assert line["annotations"] == len(counted), line
        for name, expected in scores_of(item).items():
            found = line[name]
            if (found is None) != (expected is None) or (found is not None and abs(found - expected) > NEAR):
                different += 1
                if different <= MOST:
                    print(f"task {number}, {name}: {found}, published {expected}\n  {json.dumps(item)}")
            elif found is not None:
                compared[name] += 1
                partial[name] += 0 < abs(found) < 1
    for name in METRICS:
        print(f"{name}: {compared[name]} scores are the same, {partial[name]} of them neither 0 nor 1")
        # Scores of everything or nothing would say little.
        different += partial[name] < int(count) // 20
    if different:
        sys.exit(f"{different} differences")


if __name__ == "__main__":
    main(*sys.argv[1:])
