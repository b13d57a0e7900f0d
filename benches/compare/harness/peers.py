"""Tables beside Annograph's own: for PostGraphile and for the limits, with the rows of the sample."""

import csv
import os
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .ports import free_port

HERE = Path(__file__).resolve().parent.parent
TABLES = {
    "account": "id, username, email, display_name",
    "project": "id, title, created_at",
    "task": "id, project_id, data, is_labeled, total_annotations, cancelled_annotations, created_at, updated_at",
    "annotation": "id, unique_id, task_id, project_id, author_id, result, region_count, was_cancelled, ground_truth, "
    "lead_time, last_action, version, created_at, updated_at",
}

# PostGraphile 5 needs Node 22; where the machine's is older, npm brings this one.
NODE = "22.23.3"


def fill_tables(cluster, database, sample, json_type, *further):
    """Makes a database with the tables, the sample's rows, the indexes and the SQL files `further`."""
    # Renamed when complete, so that an interrupted run leaves no half of a database.
    unfinished = f"{database}_unfinished"
    cluster.create(unfinished)
    folder = HERE / "postgraphile"
    cluster.psql(unfinished, "-v", f"json_type={json_type}", "-f", folder / "tables.sql")
    for table, columns in TABLES.items():
        cluster.psql(unfinished, "-c", f"\\copy {table} ({columns}) FROM '{sample / table}.csv' CSV")
    for file in ("indexes.sql", *further):
        cluster.psql(unfinished, "-f", folder / file)
    cluster.settle(unfinished)
    cluster.psql("postgres", sql=f"ALTER DATABASE {unfinished} RENAME TO {database}")


def fill_sqlite(file, sample):
    """The same tables and rows in a SQLite file."""
    connection = sqlite3.connect(file)
    connection.executescript((HERE / "limits/tables.sqlite.sql").read_text())
    for table, columns in TABLES.items():
        places = ", ".join("?" for _ in columns.split(","))
        with open(sample / f"{table}.csv", newline="") as rows:
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", csv.reader(rows))
    connection.commit()
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


class PostGraphile:
    """Installs PostGraphile with npm, in the versions of the lock file, and starts it on tables of its own.

    PostGraphile (MIT) runs from the working folder, and is no part of what Annograph ships.
    """

    name = "PostGraphile"
    dialect = "postgraphile"
    headers = {}
    database_name = "postgraphile"

    def __init__(self, cluster, folder, sample):
        self.cluster = cluster
        if not cluster.has(self.database_name):
            fill_tables(cluster, self.database_name, sample, "jsonb", "triggers.sql")
        home = folder / "postgraphile"
        home.mkdir(exist_ok=True)
        for file in ("package.json", "package-lock.json", "server.mjs"):
            shutil.copy(HERE / "postgraphile" / file, home)
        if not (home / "node_modules/.package-lock.json").exists():
            npm("ci", "--prefix", home)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/graphql"
        environment = {
            **os.environ,
            "NODE_ENV": "production",
            "DATABASE_URL": cluster.url(self.database_name),
            "PORT": str(port),
        }
        with open(folder / "postgraphile.log", "w") as log:
            self.process = subprocess.Popen(
                [node(folder), "server.mjs"], cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.pid = self.process.pid
        self._wait(folder / "postgraphile.log")

    def _wait(self, log):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}?query=%7B__typename%7D", timeout=5)
                return
            except urllib.error.HTTPError:
                return  # Any answer will do.
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"PostGraphile does not start: {log.read_text()[-600:]}")

    def stored(self):
        return int(self.cluster.psql(self.database_name, sql="SELECT count(*) FROM revision"))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def node(folder):
    """A Node that runs PostGraphile: the machine's, or one from npm."""
    found = shutil.which("node")
    if found:
        version = subprocess.run([found, "--version"], text=True, capture_output=True).stdout
        if int(re.match(r"v(\d+)", version)[1]) >= int(NODE.split(".")[0]):
            return found
    system = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    package = f"node-linux-{system}"
    program = folder / f"node/node_modules/{package}/bin/node"
    if not program.exists():
        (folder / "node").mkdir(exist_ok=True)
        npm("install", "--prefix", folder / "node", f"{package}@{NODE}")
    return str(program)


def npm(*arguments):
    run = subprocess.run(
        ["npm", *map(str, arguments), "--no-audit", "--no-fund"], text=True, capture_output=True
    )
    if run.returncode:
        raise SystemExit(f"npm {arguments[0]}: {run.stderr.strip()[-600:]}")
