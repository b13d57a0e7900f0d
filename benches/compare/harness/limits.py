"""Limits of the databases: the same work without a server, by pgbench and by a loop in C on SQLite."""

import re
import subprocess
from pathlib import Path

from .peers import fill_sqlite, fill_tables

HERE = Path(__file__).resolve().parent.parent


class PostgresLimit:
    """One statement for a whole update, and a read by key, over prepared statements."""

    name = "limit PostgreSQL"
    operations = {"update": "update", "annotation": "read"}

    def __init__(self, cluster, sample, annotations):
        self.cluster, self.sample, self.annotations = cluster, sample, annotations
        if not cluster.has("limits"):
            fill_tables(cluster, "limits", sample, "text")

    def rate(self, operation, connections, seconds):
        command = [self.cluster.programs / "pgbench", "--no-vacuum", "--protocol=prepared"]
        command += [f"--client={connections}", "--jobs=1", f"--time={seconds}"]
        command += ["--define", f"annotations={self.annotations}"]
        command += ["--define", f"result={(self.sample / 'result.json').read_text()}"]
        command += ["--file", HERE / f"limits/{self.operations[operation]}.pgbench", self.cluster.url("limits")]
        run = subprocess.run(command, text=True, capture_output=True)
        found = re.search(r"^tps = ([\d.]+)", run.stdout, re.MULTILINE)
        if run.returncode or not found:
            raise SystemExit(f"pgbench: {run.stderr.strip()[:600]}")
        return float(found[1])


class SqliteLimit:
    """A loop of updates over prepared statements, as many in a transaction as there are connections."""

    name = "limit SQLite"
    operations = {"update": "update"}
    cluster = None

    def __init__(self, folder, sample, annotations):
        self.sample, self.annotations = sample, annotations
        self.file, self.program = folder / "limits.db", folder / "update_loop"
        if not self.program.exists():
            source = HERE / "limits/update_loop.c"
            subprocess.run(["cc", "-O2", "-o", self.program, source, "-lsqlite3"], check=True)
        if not self.file.exists():
            unfinished = folder / "limits.unfinished"
            unfinished.unlink(missing_ok=True)
            fill_sqlite(unfinished, sample)
            unfinished.rename(self.file)

    def rate(self, operation, connections, seconds):
        assert operation == "update"
        arguments = [self.file, connections, seconds, self.sample / "result.json", self.annotations]
        run = subprocess.run([self.program, *map(str, arguments)], text=True, capture_output=True)
        if run.returncode:
            raise SystemExit(f"update_loop: {run.stderr.strip()}")
        return float(run.stdout)
