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


COUNTS = [
    ("--seconds", 4, "length of a run, in seconds"),
    ("--repeat", 3, "runs of each target"),
    ("--tasks", 10_000, "tasks, each with two annotations of 2.1 KB"),
    ("--bulk", 100_000, "annotations that `bulk` imports"),
    ("--subscribers", 500, "subscribers of `fanout`"),
    ("--growth", 200_000, "annotations of the large database of `growth`"),
    ("--import-tasks", 1_000, "tasks in a request of `large`, 21 KB each"),
]


def names(known):
    def parse(text):
        chosen = text.split(",")
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return chosen

    return parse


def numbers(text):
    return [int(part) for part in text.split(",")]


def settings():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(STAGES)}; without one: operations")
    binary = HERE.parents[1] / "target/dist/annograph"
    parser.add_argument("--binary", type=Path, default=binary, help="program to measure; default: of the profile dist")
    parser.add_argument("--base", type=Path, help="program that `profiles` compares --binary with")
    parser.add_argument("--work", type=Path, help="folder to keep and use again; without it a temporary folder")
    parser.add_argument("--output", type=Path, help="file for the report, which is printed in any case")
    parser.add_argument("--quick", action="store_true", help="small data and short runs, to try the stages")
    databases = ["PostgreSQL", "SQLite"]
    parser.add_argument("--databases", type=names(databases), default=databases, help="both, or one of them")
    parser.add_argument("--no-postgraphile", dest="postgraphile", action="store_false", help="leave PostGraphile out")
    parser.add_argument("--no-limits", dest="limits", action="store_false", help="leave the limits out")
    listed = f"by comma; default: {','.join(OPERATIONS)}"
    parser.add_argument("--operations", type=names(OPERATIONS), default=list(OPERATIONS), help=listed)
    parser.add_argument("--connections", type=numbers, default=[1, 16, 64], help="by comma; default: 1,16,64")
    for name, default, meaning in COUNTS:
        parser.add_argument(name, type=int, default=default, help=f"{meaning}; default: %(default)s")
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
    versions = [f"{bench.version()} at commit {commit.stdout.strip() or '-'}", "SQLite with `synchronous = FULL`"]
    if chosen.postgraphile or "PostgreSQL" in chosen.databases:
        command = [cluster.programs() / "postgres", "--version"]
        postgres = subprocess.run(command, text=True, capture_output=True).stdout.split()[2]
        versions.append(f"PostgreSQL {postgres} with `fsync` and `synchronous_commit` on")
    if chosen.postgraphile:
        packages = json.loads((HERE / "postgraphile/package.json").read_text())
        versions.append(f"PostGraphile {packages['dependencies']['postgraphile']}")
    return "\n".join(
        [
            "# Performance",
            "",
            f"Measured on {now} by [`{' '.join(['benches/compare/run.py', *shown_arguments()])}`]"
            f"(../benches/compare/README.md): {', '.join(versions)}.",
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
