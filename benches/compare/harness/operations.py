"""Operations: the requests of each server with the values that vary, and the goals.

A query's text is in `queries/DIALECT/NAME.graphql`. An operation without a file for a dialect has no counterpart there.
"""

import json
import random
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from . import data

QUERIES = Path(__file__).resolve().parent.parent / "queries"

# Replaced by the load generator with a number that no other request of the run has: a value that is stored already
# would change nothing, and such an update is twice as fast as one that writes.
NEW_NUMBER = "@new-number@"

PAGE = 100
PAGES = 60


@dataclass
class Operation:
    name: str
    title: str
    # Names of the values that a request needs, see `Values`.
    needs: list
    writes: bool = False
    # Ratios to reach: to PostGraphile by database, and shares of the limits by connections.
    times: dict = field(default_factory=dict)
    postgres_share: dict = field(default_factory=dict)
    sqlite_share: dict = field(default_factory=dict)

    def query(self, dialect):
        """The query's text, or `None` where there is no counterpart."""
        return text(dialect, self.name)


def text(dialect, name):
    """The text of a query on one line, or `None` without a file for the dialect."""
    file = QUERIES / dialect / f"{name}.graphql"
    return " ".join(file.read_text().split()) if file.exists() else None


def both(times):
    return {"PostgreSQL": times, "SQLite": times}


# Update of a number alone, for stages that need small writes.
LEAD_TIME = Operation("change", "update of the lead time, 3 leaves", ["annotation", "leadTime"], writes=True)

OPERATIONS = {
    operation.name: operation
    for operation in [
        Operation(
            "update",
            "update with a result of 2 KB, 18 leaves back",
            ["annotation", "change"],
            writes=True,
            times={"PostgreSQL": 4},
            postgres_share={16: 0.5, 64: 0.8},
            sqlite_share={1: 0.37, 64: 0.5},
        ),
        Operation("annotation", "annotation(id), 18 leaves", ["annotation"], times={"PostgreSQL": 4, "SQLite": 5}),
        Operation("small", "annotation(id), 3 leaves", ["annotation"], times=both(6)),
        Operation("task", "task with annotations and users", ["task"], times=both(4)),
        Operation("tasks", "page of 50 tasks with annotations and users", ["project", "after"], times=both(5)),
        Operation("results", "the same page with results", ["project", "after"], times=both(15)),
        Operation("deep", "deep page of 50 annotations with results", ["project", "after"], times=both(8)),
        Operation("label", "page of 50 annotations with a label", ["project", "label"]),
    ]
}


def post(server, body):
    """Sends a body to a server, and returns the answer's data."""
    headers = {"Content-Type": "application/json", **server.headers}
    request = urllib.request.Request(server.url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    if answer.get("errors") or not answer.get("data"):
        raise SystemExit(f"{server.name}: {json.dumps(answer)[:600]}")
    return answer["data"]


def fresh(body):
    """A body with a number in the place of its markers that was not sent before."""
    return body.replace(f'"{NEW_NUMBER}"', f"{time.time_ns() // 1000 % 80_000_000 / 1_000_000:.6f}")


def cursors(server, operation):
    """Cursors of an operation's list by project, found by walking through the list page by page."""
    walk = text(server.dialect, f"{operation.name}.cursors")
    found = {}
    for project in range(1, data.PROJECTS + 1):
        after, found[project] = None, []
        for _ in range(PAGES):
            variables = {"project": key(server, project), "first": PAGE, "after": after}
            answer = post(server, data.compact({"query": walk, "variables": variables}))
            while "pageInfo" not in answer:
                (answer,) = answer.values()
            # The last page of a list is short, so its cursor stays out.
            if not answer["pageInfo"]["hasNextPage"]:
                break
            after = answer["pageInfo"]["endCursor"]
            found[project].append(after)
        # A list of a single page is read from its start.
        found[project] = found[project][:-1] or [None]
        if operation.name == "deep":
            found[project] = found[project][len(found[project]) // 2 :]
    return found


def key(server, number):
    """A number as the server's type of ids: `ID` or `Int`."""
    return str(number) if server.dialect == "annograph" else number


def bodies(server, operation, tasks, count=400):
    """Request bodies with values that vary; the same ones at every run."""
    generator = random.Random(11)
    query = operation.query(server.dialect)
    walked = cursors(server, operation) if "after" in operation.needs else {}
    texts = []
    for _ in range(count):
        project = generator.randint(1, data.PROJECTS)
        values = {
            "annotation": lambda: key(server, generator.randint(1, tasks * data.PER_TASK)),
            "task": lambda: key(server, generator.randint(1, tasks)),
            "project": lambda: key(server, project),
            "after": lambda: generator.choice(walked[project]),
            "label": lambda: generator.choice(data.LABELS),
            "change": lambda: change(generator),
            "leadTime": lambda: {"leadTime": NEW_NUMBER},
        }
        names = {"annotation": "id", "task": "id", "leadTime": "change"}
        variables = {names.get(name, name): values[name]() for name in operation.needs}
        texts.append(data.compact({"query": query, "variables": variables}))
    return texts


def change(generator):
    regions = data.result(generator)
    regions[0]["value"]["x"] = NEW_NUMBER
    return {"result": regions, "wasCancelled": False, "leadTime": NEW_NUMBER}
