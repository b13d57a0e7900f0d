"""Latency of small requests beside large ones: updates of 5 MB, and an import of 21 MB in one request."""

import random
import threading
import time
import urllib.error

from .. import data, operations
from ..load import drive
from ..markdown import number, table

CONNECTIONS = 4
UPDATE_BYTES = 5_000_000

# Annotations of an imported task; a request may import 1,000 tasks with 10,000 annotations, which makes 21 MB.
IMPORT_ANNOTATIONS = 10


def measure(bench):
    rows, memory = [], []
    small = [operations.OPERATIONS["small"], operations.LEAD_TIME]
    seconds = 2 * bench.settings.seconds
    large = [("updates", large_update()), ("imports", large_import(bench.settings.import_tasks))]
    for label in bench.settings.databases:
        with bench.server(bench.copy_of_sample(label, "large")) as server:
            prepared = [bench.prepare(server, operation) for operation in small]
            before = server.memory()["VmHWM"]
            for load in prepared:
                alone = load.run(CONNECTIONS, seconds)
                rows.append([load.operation.title, label, "nothing", *figures(alone), "-", "-"])
                for name, body in large:
                    title = f"{name} of {len(body) / 1e6:.0f} MB"
                    bench.say(f"{load.operation.title}, {label}, beside {title}")
                    with Repeated(server, body) as repeated:
                        run = drive(server, load.bodies, CONNECTIONS, seconds, load.least)
                    rows.append([load.operation.title, label, title, *figures(run), *repeated.figures()])
            memory.append(f"{label} from {before:.0f} to {server.memory()['VmHWM']:.0f} MB")
    for line in rows:
        bench.note("large", {"row": line})
    head = ["small request", "database", "beside", "requests/s", "p50, ms", "p99, ms", "a large one, s", "refused"]
    return "\n\n".join(
        [
            "## Small requests beside large requests",
            f"{CONNECTIONS} connections with small requests; beside them a client with one large request after the "
            f"other. Peak of the server's memory before and after: {', '.join(memory)}.",
            table(head, rows),
        ]
    )


def figures(run):
    return [f"{run.rate:,.0f}", f"{run.p50:.1f}", f"{run.p99:.1f}"]


class Repeated:
    """Sends a body again and again, in a thread, while the block runs."""

    def __init__(self, server, body):
        self.server, self.body = server, body
        self.times, self.refused, self.failure, self.ended = [], [], None, threading.Event()
        self.thread = threading.Thread(target=self._repeat)

    def _repeat(self):
        while not self.ended.is_set():
            begin = time.monotonic()
            try:
                operations.post(self.server, operations.fresh(self.body))
                self.times.append(time.monotonic() - begin)
            except urllib.error.HTTPError as refusal:
                self.refused.append(refusal.code)
            except SystemExit as failure:
                # Ends the thread alone: told when the block ends.
                self.failure = failure
                return

    def figures(self):
        mean = sum(self.times) / len(self.times) if self.times else None
        refused = f"{len(self.refused)} ({', '.join(map(str, sorted(set(self.refused))))})" if self.refused else "0"
        return [number(mean, 2), refused]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()
        if self.failure:
            raise self.failure


def large_update():
    generator = random.Random(1)
    regions = data.result(generator, UPDATE_BYTES // len(data.compact(data.result(generator, 1))))
    regions[0]["value"]["x"] = operations.NEW_NUMBER
    variables = {"id": "1", "change": {"result": regions}}
    return data.compact({"query": operations.LEAD_TIME.query("annograph"), "variables": variables})


def large_import(count):
    generator = random.Random(2)
    tasks = [
        {
            "data": {"image": f"https://example.com/images/large-{number}.jpg"},
            "annotations": [{"result": data.result(generator)} for _ in range(IMPORT_ANNOTATIONS)],
        }
        for number in range(count)
    ]
    variables = {"project": "1", "tasks": tasks}
    return data.compact({"query": operations.text("annograph", "import"), "variables": variables})
