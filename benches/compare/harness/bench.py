"""What the stages share: the settings, the working folder, the databases and the servers that run."""

import contextlib
import functools
import json
import subprocess
from dataclasses import asdict

from . import data, operations
from .annograph import Annograph, Database, import_sample
from .cluster import Cluster
from .limits import PostgresLimit, SqliteLimit
from .load import Prepared, interleave
from .peers import PostGraphile


class Bench:
    """Makes each thing when a stage first needs it, and ends everything at the end."""

    def __init__(self, settings, work):
        self.settings, self.work = settings, work
        self._ends = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._ends.close()

    @functools.cached_property
    def cluster(self):
        cluster = Cluster(self.work / "postgres")
        self._ends.callback(cluster.stop)
        return cluster

    @functools.cached_property
    def sample(self):
        """Folder of the sample's files."""
        folder = self.work / f"sample-{self.settings.tasks}"
        if not (folder / "complete").exists():
            data.write_sample(folder, self.settings.tasks)
            (folder / "complete").touch()
        return folder

    def database(self, label, name):
        """A database by the name of its system; its file or name tells the size of the sample."""
        if label == "PostgreSQL":
            return Database(name, cluster=self.cluster)
        return Database(name, file=self.work / f"{name}.db")

    def databases(self, name):
        return [self.database(label, name) for label in self.settings.databases]

    def filled(self, label):
        """A database with the sample, imported when it is missing."""
        database = self.database(label, f"sample_{self.settings.tasks}")
        stamp = self.work / f"{database.label}-{self.settings.tasks}.imported"
        if not (stamp.exists() and database.exists()):
            import_sample(self.settings.binary, database, self.sample, data.PROJECTS)
            stamp.touch()
        return database

    def copy_of_sample(self, label, name):
        """A copy for a stage that changes more than single annotations, or for a server beside another one."""
        sample = self.filled(label)
        copy = self.database(label, f"{sample.name}_{name}")
        sample.copy_to(copy)
        return copy

    @contextlib.contextmanager
    def server(self, database, binary=None, name=None):
        server = Annograph(binary or self.settings.binary, database, self.work, name)
        try:
            yield server
        finally:
            server.stop()

    @contextlib.contextmanager
    def postgraphile(self):
        server = PostGraphile(self.cluster, self.work, self.sample)
        try:
            yield server
        finally:
            server.stop()

    def limits(self):
        """Limits of the databases that take part."""
        annotations = self.settings.tasks * data.PER_TASK
        found = []
        if "PostgreSQL" in self.settings.databases:
            found.append(PostgresLimit(self.cluster, self.sample, annotations))
        if "SQLite" in self.settings.databases:
            found.append(SqliteLimit(self.work, self.sample, annotations))
        return found

    def prepare(self, server, operation, tasks=None):
        return Prepared(server, operation, tasks or self.settings.tasks, self.work)

    def chosen_operations(self):
        return [operations.OPERATIONS[name] for name in self.settings.operations]

    def note(self, stage, value):
        """Keeps the raw figures of a stage beside the report."""
        with open(self.work / "figures.jsonl", "a") as file:
            file.write(json.dumps({"stage": stage, **value}) + "\n")

    def in_turns(self, stage, operation, prepared, label=""):
        """Runs an operation on all targets in turns, at each number of connections, and keeps the raw figures."""
        settings = self.settings
        for connections in settings.connections:
            self.say(", ".join(filter(None, [operation.title, label, f"at {connections} connections"])))
            found = interleave(prepared, connections, settings.seconds, settings.repeat)
            for name, series in found.items():
                target = f"{name} {label}".rstrip()
                figures = {"operation": operation.name, "connections": connections, "target": target}
                self.note(stage, {**figures, "runs": [asdict(run) for run in series.runs]})
            yield connections, found

    def version(self):
        return subprocess.run([self.settings.binary, "--version"], text=True, capture_output=True).stdout.strip()

    @staticmethod
    def say(text):
        """Progress, apart from the report."""
        print(f"... {text}", flush=True)
