#!/usr/bin/env python3
"""Measures Annograph beside PostGraphile and beside the limits of the databases: see README.md."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from harness import cluster, machine  # noqa: E402
from harness.bench import Bench  # noqa: E402
from harness.operations import OPERATIONS  # noqa: E402
from harness.stages import STAGES  # noqa: E402

QUICK = {
    "tasks": 500,
    "seconds": 1,
    "repeat": 1,
    "connections": [1, 16],
    "bulk": 2_000,
    "subscribers": 50,
    "growth": 2_000,
    "import_tasks": 50,
}


def names(known):
    def parse(text):
        chosen = text.split(",")
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return chosen

    return parse


def settings():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(STAGES)}; without one: operations")
    binary = HERE.parents[1] / "target/dist/annograph"
    parser.add_argument("--binary", type=Path, default=binary, help="program to measure")
    parser.add_argument("--base", type=Path, help="program that `profiles` compares --binary with")
    parser.add_argument("--work", type=Path, help="folder to keep and use again; without it a temporary folder")
    parser.add_argument("--output", type=Path, help="file for the report, which is printed in any case")
    parser.add_argument("--quick", action="store_true", help="small data and short runs, to try the stages")
    parser.add_argument("--databases", type=names(["PostgreSQL", "SQLite"]), default=["PostgreSQL", "SQLite"])
    parser.add_argument("--no-postgraphile", dest="postgraphile", action="store_false", help="leave PostGraphile out")
    parser.add_argument("--no-limits", dest="limits", action="store_false", help="leave the limits out")
    parser.add_argument("--operations", type=names(OPERATIONS), default=list(OPERATIONS))
    parser.add_argument("--connections", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16, 64])
    parser.add_argument("--seconds", type=int, default=4, help="length of a run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each target")
    parser.add_argument("--tasks", type=int, default=10_000, help="tasks, each with two annotations of 2.1 KB")
    parser.add_argument("--bulk", type=int, default=100_000, help="annotations that `bulk` imports")
    parser.add_argument("--subscribers", type=int, default=500, help="subscribers of `fanout`")
    parser.add_argument("--growth", type=int, default=200_000, help="annotations of the large database of `growth`")
    parser.add_argument("--import-tasks", type=int, default=1_000, help="tasks in a request of `large`, 24 KB each")
    quick = parser.parse_known_args()[0].quick
    if quick:
        parser.set_defaults(**QUICK)
    chosen = parser.parse_args()
    for stage in chosen.stages:
        if stage not in STAGES:
            parser.error(f"unknown stage {stage}: choose from {', '.join(STAGES)}")
    chosen.stages = chosen.stages or ["operations"]
    chosen.binary = chosen.binary.resolve()
    if not os.access(chosen.binary, os.X_OK):
        parser.error(f"{chosen.binary} is missing: run `cargo build --profile dist`, or name a program with --binary")
    if "profiles" in chosen.stages and not chosen.base:
        parser.error("`profiles` compares two programs: name the other one with --base")
    if not shutil.which("wrk"):
        parser.error("wrk is missing")
    return chosen


@contextlib.contextmanager
def work_folder(chosen):
    """A folder that PostgreSQL's user may enter, also where root starts the run."""
    if chosen:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="annograph-compare-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def introduction(bench):
    """How the figures came about: command, versions, machine and data."""
    chosen, now = bench.settings, time.strftime("%Y-%m-%d")
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], text=True, capture_output=True)
    peer = json.loads((HERE / "postgraphile/package.json").read_text())["dependencies"]["postgraphile"]
    postgres = subprocess.run([cluster.programs() / "postgres", "--version"], text=True, capture_output=True).stdout
    return "\n".join(
        [
            "# Performance",
            "",
            f"Measured on {now} by [`{' '.join(['benches/compare/run.py', *shown_arguments()])}`]"
            f"(../benches/compare/README.md): {bench.version()} at commit {commit.stdout.strip() or '-'}, "
            f"{postgres.split(' (Debian')[0].strip()}, PostGraphile {peer}, SQLite with `synchronous = FULL`, "
            "PostgreSQL with `fsync` and `synchronous_commit` on.",
            f"Machine: {machine.description()}; a durable write of 8 KB takes "
            f"{machine.sync_milliseconds(bench.work):.2f} ms; load average {machine.load_average():.1f} at the start.",
            "Client, server and database share the processors, so compare ratios within a run, and CPU per request.",
            f"Data: {chosen.tasks:,} tasks with two annotations of 2.1 KB each, 20 users, 5 projects with a labelling "
            f"config. Runs of {chosen.seconds} s, {chosen.repeat} of each target, in turns.",
            "Every update sends values of its own, and the stored updates are counted after each run.",
            "Annograph checks sign-in, access and results, and records an event of every update; PostGraphile here has "
            "neither sign-in nor checks, and triggers for version, history and counters.",
        ]
    )


def shown_arguments():
    """Arguments without folders and files, which differ between machines."""
    shown, arguments = [], iter(sys.argv[1:])
    for argument in arguments:
        name = argument.split("=")[0]
        if name not in ("--binary", "--base", "--work", "--output"):
            shown.append(argument)
        elif "=" not in argument:
            next(arguments, None)
    return shown


def main():
    chosen = settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # Unwinds, so that servers and cluster end too.
    with work_folder(chosen.work) as work, Bench(chosen, work) as bench:
        report = introduction(bench)
        for stage in chosen.stages:
            bench.say(f"stage {stage}")
            begin = time.monotonic()
            report += "\n\n" + STAGES[stage](bench)
            bench.say(f"stage {stage} took {time.monotonic() - begin:.0f} s")
        if chosen.output:
            chosen.output.write_text(report + "\n")
    print(f"\n{report}")


if __name__ == "__main__":
    main()
