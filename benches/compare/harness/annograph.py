"""Annograph's command line and server, on a SQLite file or on a database of the cluster."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import urllib.request
from dataclasses import dataclass

from . import machine

TOKEN = "compare-admin-token-0123456789"


@dataclass
class Usage:
    """Wall time and CPU in seconds, peak of resident memory in MB, and standard output."""

    seconds: float
    cpu: float
    peak: float
    output: str


def command(binary, url, *arguments):
    """Runs a command on a database to its end."""
    environment = {**os.environ, "ANNOGRAPH_DATABASE_URL": url, "ANNOGRAPH_LOG": "warn"}
    begin = time.monotonic()
    process = subprocess.Popen([binary, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"annograph {arguments[0]} ended with {process.returncode}")
    seconds = time.monotonic() - begin
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


class Database:
    """A SQLite file, or a database of the cluster; `url` is what Annograph opens."""

    def __init__(self, name, file=None, cluster=None):
        self.name, self.file, self.cluster = name, file, cluster
        self.url = cluster.url(name) if cluster else f"sqlite:{file}"
        self.label = "PostgreSQL" if cluster else "SQLite"

    def exists(self):
        return self.cluster.has(self.name) if self.cluster else self.file.exists()

    def clear(self):
        """Leaves an empty database, or no file."""
        if self.cluster:
            self.cluster.create(self.name)
        else:
            for suffix in ("", "-wal", "-shm"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)

    def copy_to(self, other):
        """Copies a database that no server has open."""
        if self.cluster:
            self.cluster.copy(self.name, other.name)
        else:
            other.clear()
            connection = sqlite3.connect(self.file)
            with sqlite3.connect(other.file) as target:
                connection.backup(target)
            target.close()
            connection.close()

    def number(self, sql):
        """The answer of a statement that returns one number, beside a running server."""
        if self.cluster:
            return int(self.cluster.psql(self.name, sql=sql))
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql).fetchone()[0]
        finally:
            connection.close()

    def megabytes(self):
        if self.cluster:
            return self.number(f"SELECT pg_database_size('{self.name}')") / 1e6
        return self.file.stat().st_size / 1e6

    def settle(self):
        if self.cluster:
            self.cluster.settle(self.name)


class Annograph:
    """A running server."""

    dialect = "annograph"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    def __init__(self, binary, database, folder, name=None):
        self.binary, self.database, self.cluster = binary, database, database.cluster
        self.name = name or f"Annograph {database.label}"
        environment = {
            **os.environ,
            "ANNOGRAPH_DATABASE_URL": database.url,
            "ANNOGRAPH_ADMIN_TOKEN": TOKEN,
            "ANNOGRAPH_RATE_LIMIT": "0",
        }
        out = folder / f"{self.name.replace(' ', '-').lower()}.out"
        begin = time.monotonic()
        with open(out, "w") as file, open(out.with_suffix(".log"), "w") as log:
            self.process = subprocess.Popen(
                [binary, "serve", "--listen", "127.0.0.1:0"], env=environment, stdout=file, stderr=log
            )
        self.pid = self.process.pid
        while not (found := re.search(r"^Annograph is at (http://\S+?)/?$", out.read_text(), re.MULTILINE)):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} does not start: {out.with_suffix('.log').read_text()[-600:]}")
            time.sleep(0.002)
        self.url = f"{found[1]}/graphql"
        self.ask("{ __typename }")
        self.start_seconds = time.monotonic() - begin

    def ask(self, query, **variables):
        """Sends a request, and returns its data."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json", **self.headers})
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise SystemExit(f"{self.name}: {answer['errors']}"[:600])
        return answer["data"]

    @property
    def database_name(self):
        return self.database.name

    def stored(self):
        """Number of stored changes: every change of an annotation leaves a revision."""
        return self.database.number("SELECT count(*) FROM annotation_revision")

    def memory(self):
        return machine.memory(self.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def import_sample(binary, database, sample, projects):
    """Imports the sample's projects into a new database."""
    database.clear()
    for project in range(1, projects + 1):
        arguments = ["--title", f"Project {project}", "--config", sample / "config.xml"]
        command(binary, database.url, "import", sample / f"project-{project}.json", *arguments, "--json")
    database.settle()
