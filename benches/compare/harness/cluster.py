"""A throw-away PostgreSQL cluster on a free port of the loopback address."""

import contextlib
import glob
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .ports import free_port

# Autovacuum rests, because its work falls on whichever server is measured at that moment; every database is
# vacuumed after it is filled. `fsync` and `synchronous_commit` keep their default: on.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "512MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "1h",
    "shared_preload_libraries": "pg_stat_statements",
}


def programs():
    """Folder of `initdb`, `pg_ctl` and `pgbench`; Debian keeps these out of the path."""
    if "PG_BIN" in os.environ:
        return Path(os.environ["PG_BIN"])
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    if not folders:
        raise SystemExit("PostgreSQL is not installed: name its programs with PG_BIN")
    return Path(max(folders, key=lambda folder: int(re.search(r"(\d+)/bin", folder)[1])))


class Cluster:
    """Creates the cluster in `folder` when missing, and starts it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.programs = programs()
        self.port = free_port()
        if not (self.folder / "PG_VERSION").exists():
            self.folder.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(self.folder, "postgres", "postgres")
            self._as_owner("initdb", "-D", self.folder, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        options = {**OPTIONS, "port": self.port, "unix_socket_directories": self.folder}
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._as_owner("pg_ctl", "-D", self.folder, "-w", "-l", self.folder / "log", "-o", settings, "start")
        self.pid = int((self.folder / "postmaster.pid").read_text().split()[0])
        self.psql("postgres", sql="CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self._track("none")

    def stop(self):
        self._as_owner("pg_ctl", "-D", self.folder, "-w", "-m", "fast", "stop")

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, database, *arguments, sql=None):
        """Runs psql, which stops at the first error; returns its output."""
        command = [self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments, self.url(database)]
        run = subprocess.run(command, input=sql, text=True, capture_output=True)
        if run.returncode:
            raise SystemExit(f"psql on {database}: {run.stderr.strip()}")
        return run.stdout.strip()

    def create(self, database):
        """Makes an empty database, in place of an earlier one of the same name."""
        self.psql("postgres", sql=f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.psql("postgres", sql=f"CREATE DATABASE {database}")

    def copy(self, database, copy):
        """Copies a database without sessions, in place of an earlier copy."""
        self.psql("postgres", sql=f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")
        self.psql("postgres", sql=f"CREATE DATABASE {copy} TEMPLATE {database}")
        self.settle(copy)

    def has(self, database):
        return self.psql("postgres", sql=f"SELECT 1 FROM pg_database WHERE datname = '{database}'") == "1"

    def settle(self, database):
        """Vacuums, analyzes and flushes, so that every measurement begins with the same statistics."""
        self.psql(database, sql="VACUUM ANALYZE")
        self.psql(database, sql="CHECKPOINT")

    @contextlib.contextmanager
    def counting(self):
        """Counts the statements that clients send meanwhile; statements of triggers are not counted."""
        self._track("top")
        self.psql("postgres", sql="SELECT pg_stat_statements_reset()")
        try:
            yield
        finally:
            self._track("none")

    def counts(self, database):
        """Pairs of calls and statement, as counted last; the most frequent first."""
        rows = self.psql(
            "postgres",
            sql=r"SELECT calls || ' ' || regexp_replace(query, '\s+', ' ', 'g') FROM pg_stat_statements s "
            f"JOIN pg_database d ON d.oid = s.dbid WHERE datname = '{database}' ORDER BY calls DESC",
        )
        pairs = [row.split(" ", 1) for row in rows.splitlines()]
        return [(int(calls), statement) for calls, statement in pairs]

    def _track(self, statements):
        self.psql("postgres", sql=f"ALTER SYSTEM SET pg_stat_statements.track = '{statements}'")
        self.psql("postgres", sql="SELECT pg_reload_conf()")
        time.sleep(0.5)  # Sessions read the setting when the signal arrives.

    def _as_owner(self, program, *arguments):
        """PostgreSQL refuses to run as root, so root runs it as the user `postgres`."""
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        run = subprocess.run(
            command, cwd="/", text=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if run.returncode:
            raise SystemExit(f"{program}: {run.stderr.strip()}")
