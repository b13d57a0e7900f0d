"""Operations side by side: Annograph on both databases, PostGraphile, and the limits of the databases."""

import contextlib
import itertools
import re

from .. import operations, tables
from ..load import PreparedLimit
from ..markdown import number, table

# Requests whose statements are counted, one after the other.
COUNTED = 100

# Statements of Annograph's background tasks: the sequencer of the event log, whose rounds serve all updates of some
# milliseconds together, and the search for imports that died.
BACKGROUND = re.compile(r"\boutbox\b|\bpg_notify\b|\bpg_try_advisory_xact_lock\b|\bimport_job\b")
ROUND = re.compile(r"\bpg_try_advisory_xact_lock\b")

# Goals of memory in MB, at the peak of the load, and of the start in seconds.
PEAK = {"PostgreSQL": 60, "SQLite": 150}
START = 0.3


def measure(bench):
    settings = bench.settings
    with contextlib.ExitStack() as running:
        peer = running.enter_context(bench.postgraphile()) if settings.postgraphile else None
        own = [running.enter_context(bench.server(bench.filled(label))) for label in settings.databases]
        servers = ([peer] if peer else []) + own
        limits = bench.limits() if settings.limits else []
        results, statements = {}, {}
        for operation in bench.chosen_operations():
            prepared = {s.name: bench.prepare(s, operation) for s in servers if operation.query(s.dialect)}
            prepared |= {l.name: PreparedLimit(l, operation) for l in limits if operation.name in l.operations}
            statements[operation.name] = {
                s.name: count_statements(bench, s, prepared[s.name])
                for s in servers
                if s.cluster and s.name in prepared
            }
            for connections, found in bench.in_turns("operations", operation, prepared):
                results[operation.name, connections] = found
        memory = [(server, server.memory()) for server in own]
    chosen, names = bench.chosen_operations(), [target.name for target in servers + limits]
    parts = [
        "## In short",
        tables.short(chosen, results, servers),
        "## Operations",
        "Requests per second: the median, with the lowest and the highest run. "
        "Brackets behind Annograph: the ratio to PostGraphile.",
        tables.rates(chosen, results, names),
        "### Goals",
        "Each cell has the ratio reached, and the goal: of PostGraphile's rate, or of the limit of the database. "
        "The 99th percentile should stay below four times the median.",
        tables.goals(chosen, results),
        "### CPU and statements per request",
        "Microseconds of CPU at the highest number of connections: of the server, and of PostgreSQL behind it. "
        f"Statements are those that the server sends, counted over {COUNTED} requests one after the other, "
        "and behind the plus those of background tasks, which serve all updates of some milliseconds together.",
        tables.costs(chosen, results, statements, servers, max(settings.connections)),
        "### Latency",
        "Milliseconds, the median and the 99th percentile of each run, as the median over the runs.",
        tables.latencies(chosen, results, servers),
        "### Memory and start",
        table(
            ["server", "peak, MB", "goal", "after the load, MB", "start to the first answer, s", "goal"],
            [
                [s.name, number(m["VmHWM"]), str(PEAK[s.database.label]), number(m["VmRSS"])]
                + [number(s.start_seconds, 2), str(START)]
                for s, m in memory
            ],
        ),
    ]
    return "\n\n".join(parts)


def count_statements(bench, server, prepared):
    """Statements per request of a server on PostgreSQL: of the request, and of tasks in the background meanwhile.

    The texts go to the raw figures, most frequent first.
    """
    texts = itertools.islice(itertools.cycle(prepared.bodies.read_text().splitlines()), COUNTED)
    with server.cluster.counting():
        for text in texts:
            operations.post(server, operations.fresh(text))
    counts = [(calls / COUNTED, text) for calls, text in server.cluster.counts(server.database_name)]
    bench.note("statements", {"operation": prepared.operation.name, "target": server.name, "per request": counts})
    background = sum(calls for calls, text in counts if BACKGROUND.search(text))
    # Each round of the sequencer is a transaction, whose BEGIN and COMMIT look like those of requests.
    background += 2 * sum(calls for calls, text in counts if ROUND.search(text))
    return sum(calls for calls, _ in counts) - background, background
