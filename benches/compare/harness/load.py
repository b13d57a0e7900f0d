"""Load on servers and limits in turns, with the checks that make a figure worth reading."""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import machine, operations

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass
class Run:
    """Figures of a run: requests per second, latencies in milliseconds, CPU per request in microseconds."""

    rate: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    database_cpu: float | None = None
    requests: int = 0


@dataclass
class Series:
    """Repeated runs of a target."""

    runs: list = field(default_factory=list)

    def median(self, figure="rate"):
        values = [getattr(run, figure) for run in self.runs]
        return None if None in values else statistics.median(values)

    def spread(self):
        rates = [run.rate for run in self.runs]
        return min(rates), max(rates)


class Prepared:
    """An operation's bodies for a server, in a file for wrk."""

    def __init__(self, server, operation, tasks, folder):
        self.server, self.operation = server, operation
        texts = operations.bodies(server, operation, tasks)
        sizes = []
        for text in texts[:10]:
            answer = operations.post(server, operations.fresh(text))
            assert is_whole(answer), f"{server.name} has no {operation.name}: {answer}"
            sizes.append(len(json.dumps(answer, separators=(",", ":"))))
        self.least = statistics.mean(sizes) / 2
        self.bodies = folder / f"{server.name}-{operation.name}.bodies".replace(" ", "-")
        self.bodies.write_text("\n".join(texts) + "\n")

    def run(self, connections, seconds):
        before = self.server.stored() if self.operation.writes else 0
        run = drive(self.server, self.bodies, connections, seconds, self.least)
        if self.operation.writes:
            self._check_stored(before, run.requests, connections)
        return run

    def _check_stored(self, before, answered, connections):
        """Every answered update is stored; at most an update per connection is stored without a counted answer."""
        for _ in range(20):
            stored = self.server.stored() - before
            time.sleep(0.1)
            if self.server.stored() - before == stored:
                break
        if not answered <= stored <= answered + connections:
            raise SystemExit(f"{self.server.name}: {answered} updates answered, {stored} stored")


def is_whole(answer):
    """Whether an answer has rows: the only field of each level leads to a row, or to a list of rows."""
    while isinstance(answer, dict) and len(answer) == 1:
        (answer,) = answer.values()
    return bool(answer)


def drive(server, bodies, connections, seconds, least_bytes):
    """Drives a server with wrk; refuses a run with errors, or whose answers are too short to be whole."""
    headers = "\n".join(f"{name}: {value}" for name, value in server.headers.items())
    environment = {**os.environ, "BODIES": str(bodies), "HEADERS": headers, "OFFSET": str(time.time_ns() % 80_000_000)}
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "30s", "--script", str(SCRIPT), server.url]
    own, database = machine.cpu_seconds(server.pid), database_seconds(server)
    wrk = subprocess.run(command, env=environment, text=True, capture_output=True)
    own, database = machine.cpu_seconds(server.pid) - own, database_seconds(server) - database
    line = next((line for line in wrk.stdout.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        raise SystemExit(f"wrk: {wrk.stdout} {wrk.stderr}")
    figures = json.loads(line.removeprefix("FIGURES "))
    requests = figures["requests"]
    if not requests and not figures["errors"]:
        raise SystemExit(f"{server.name} answered nothing within {seconds} s: runs have to be longer, see --seconds")
    if figures["errors"] or figures["bytes"] / requests < least_bytes:
        raise SystemExit(f"{server.name} answered with errors: {figures}")
    return Run(
        rate=requests / figures["seconds"],
        p50=figures["p50"],
        p99=figures["p99"],
        cpu=own / requests * 1e6,
        database_cpu=database / requests * 1e6 if server.cluster else None,
        requests=requests,
    )


def database_seconds(target):
    return machine.cpu_seconds(target.cluster.pid) if target.cluster else 0


class PreparedLimit:
    """An operation without a server."""

    def __init__(self, limit, operation):
        self.limit, self.operation = limit, operation

    def run(self, connections, seconds):
        before = database_seconds(self.limit)
        rate = self.limit.rate(self.operation.name, connections, seconds)
        used = database_seconds(self.limit) - before
        return Run(rate, database_cpu=used / (rate * seconds) * 1e6 if self.limit.cluster else None)


def interleave(prepared, connections, seconds, repeat):
    """Runs all targets in turns, each round from another one on, so that all meet the same machine.

    `prepared` is a map by name; returns a map of series.
    """
    series = {name: Series() for name in prepared}
    names = list(prepared)
    for turn in range(repeat):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            series[name].runs.append(prepared[name].run(connections, seconds))
    return series
