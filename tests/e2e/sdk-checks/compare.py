"""Compares `annograph check` with label-studio-sdk, region by region.

    python compare.py ANNOGRAPH [RESULTS [SEED]]

Fails when they differ where differences.py does not say why, and when something that it says does not happen.
"""

import json
import logging
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter

from label_studio_sdk.label_interface import LabelInterface

from differences import DIFFERENCES, FORMAT, Region
from generate import result_text

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures" / "label-studio" / "configs"
# Differences that are printed.
MOST = 20


def of_sdk(interface, result):
    """What the SDK finds wrong: the keys of each region; None when it gave up."""
    found = {}
    for error in interface.validate_prediction({"result": result}, return_errors=True) + []:
        for part in error if isinstance(error, list) else [error]:
            if part.startswith("Unexpected error"):
                return None
            if part.startswith("Region must be"):
                continue
            head, message = part.split(": ", 1)
            index = int(head.split()[1])
            found.setdefault(index, set()).add(key_of(message))
    return found


def key_of(message):
    if message.startswith("Missing required field '"):
        return message.split("'")[1]
    if message.startswith("Type "):
        return "type"
    if message.startswith("Direction "):
        return "direction"
    if message.startswith(("Invalid ", "Error validating value")):
        return "value"
    if message.startswith("Error validating relation"):
        return "relation"
    return message.split("'")[1]


def of_annograph(annograph, config, texts):
    """What annograph finds wrong with each result: the keys of each region, in a list as long."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        # Every other one is a prediction.
        items = (
            f'{{"data": {{}}, "{"predictions" if number % 2 else "annotations"}": [{{"result": {text}}}]}}'
            for number, text in enumerate(texts)
        )
        file.write("[" + ",\n".join(items) + "]")
        file.flush()
        command = [annograph, "check", file.name, "--config", str(config), "--mode", "standard", "--json"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [{} for _ in texts]
    for line in ended.stdout.splitlines():
        problem = json.loads(line)
        assert problem["code"] and problem["message"], line
        item, _, _, _, *path = problem["path"]
        region, key = (path + [None, None])[:2]
        found[item].setdefault(region, set()).add(key)
    assert ended.returncode == (1 if any(found) else 0), ended.stderr
    return found


def same_kind(region, result, sdk, ours):
    """Whether both found the same keys of a region at fault, where they look at the same."""
    if region.get("type") == "relation":
        ids = {other.get("id") for other in result if other.get("type") != "relation"}
        for end in ("from_id", "to_id"):
            # The SDK calls a region unknown that is wrong itself.
            if isinstance(region.get(end), str) and region[end] in ids:
                sdk = sdk - {end}
        if "relation" in sdk:
            return bool(ours)
    elif region.get("to_name", "") is None and "to_name" in ours:
        # The SDK goes on with the only object, and refuses the region later.
        return "to_name" in sdk
    elif "type" in ours and "value" in sdk and "value" not in ours:
        # A `Relations` that has a name: no region is of its type.
        return str(region.get("from_name")) == "rel"
    return sdk == ours


class Comparison:
    def __init__(self, annograph):
        self.annograph = annograph
        self.counts = Counter()
        self.explained = Counter()
        self.unexplained = []

    def config(self, path, texts):
        interface = LabelInterface(path.read_text())
        for text, ours in zip(texts, of_annograph(self.annograph, path, texts)):
            result = json.loads(text)
            self.counts["results"] += 1
            self.counts["accepted"] += not ours
            faults = [name for name, (holds, _) in FORMAT.items() if holds(result)]
            if faults:
                self.explained.update(faults)
                if not ours:
                    self.differ(path, text, "stored, though it can't be", None, ours)
                continue
            sdk = of_sdk(interface, result)
            if sdk is None:
                # It gave up on a type that is no text, and refuses the result.
                self.counts["given up by the SDK"] += 1
                if not ours:
                    self.differ(path, text, "accepted", sdk, ours)
                continue
            for index, region in enumerate(result):
                self.region(path, text, (interface, region, result), sdk.get(index, set()), ours.get(index, set()))

    def region(self, path, text, about, sdk, ours):
        _, region, result = about
        self.counts["regions"] += 1
        if region.get("type") == "relation":
            ids = {other.get("id") for other in result if other.get("type") != "relation"}
            ends = {end for end in ("from_id", "to_id") if isinstance(region.get(end), str) and region[end] in ids}
            # Refused for the sake of a region that is refused itself.
            sdk = sdk if sdk - ends else set()
        if bool(sdk) != bool(ours):
            for difference in DIFFERENCES:
                if difference.sdk_refuses == bool(sdk) and difference.holds(Region(*about)):
                    self.explained[difference.name] += 1
                    return
            self.differ(path, text, "verdicts", sdk, ours)
        elif sdk and not same_kind(region, result, sdk, ours):
            explained = any(difference.holds(Region(*about)) for difference in DIFFERENCES)
            if explained:
                self.counts["other kinds where verdicts may differ"] += 1
            else:
                self.differ(path, text, "kinds", sdk, ours)

    def differ(self, path, text, what, sdk, ours):
        self.unexplained.append(f"{path.name}: {what}: SDK {sdk}, annograph {ours}\n  {text[:2000]}")


def main():
    annograph, count, seed = sys.argv[1], int((sys.argv + ["", "20000"])[2] or 20000), int((sys.argv + [0] * 3)[3] or 1)
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    configs = sorted(FIXTURES.glob("*.xml")) + sorted((HERE / "configs").glob("*.xml"))
    comparison = Comparison(annograph)
    for difference in DIFFERENCES:
        config, result = difference.example
        comparison.config(HERE / "configs" / f"{config}.xml", [json.dumps(result)])
    comparison.config(HERE / "configs" / "one-control.xml", [text for _, text in FORMAT.values()])
    never = [name for name in [it.name for it in DIFFERENCES] + list(FORMAT) if not comparison.explained[name]]
    for path in configs:
        rng = random.Random(f"{seed} {path.name}")
        controls = list(LabelInterface(path.read_text()).controls)
        texts = [result_text(controls, rng) for _ in range(-(-count // len(configs)))]
        comparison.config(path, texts)
    counts = comparison.counts
    print(
        f"{counts['results']} results of {len(configs)} configs: {counts['accepted']} fit,"
        f" {counts['regions']} regions compared, {counts['given up by the SDK']} results given up by the SDK,"
        f" {counts['other kinds where verdicts may differ']} refused for other reasons where verdicts may differ;"
        f" {time.monotonic() - started:.0f} s"
    )
    for name, times in sorted(comparison.explained.items()):
        print(f"  {times:6} {name}")
    for name in never:
        print(f"never seen: {name}")
    for difference in comparison.unexplained[:MOST]:
        print(difference)
    print(f"{len(comparison.unexplained)} differences without a reason")
    return 1 if comparison.unexplained or never else 0


if __name__ == "__main__":
    sys.exit(main())
