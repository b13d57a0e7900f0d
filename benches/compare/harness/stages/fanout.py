"""One writer, and subscribers that each receive every event."""

import statistics
import time

from .. import data, machine
from ..markdown import number, table
from ..subscribers import Subscribers, Writer

RATES = (20, None)
# Seconds without a delivery after which the rest is counted as lost.
SILENCE = 3


def measure(bench):
    rows, seconds = [], 2 * bench.settings.seconds
    for label in bench.settings.databases:
        with bench.server(bench.filled(label)) as server:
            writer = Writer(server, bench.settings.tasks * data.PER_TASK)
            before = server.memory()["VmRSS"]
            subscribers = Subscribers(server, bench.settings.subscribers)
            wait_for_all(subscribers, writer)
            for rate in RATES:
                bench.say(f"{label}, {rate or 'all'} updates a second")
                figures = deliver(server, subscribers, writer, rate, seconds)
                bench.note("fanout", {"database": label, "rate": rate, **figures})
                rows.append(
                    [label, str(rate or "as fast as answers come"), number(figures["updates"] / seconds)]
                    + [f"{figures['delivered']:,} of {figures['expected']:,}", number(figures["rate"])]
                    + [f"{figures['p50']:.1f} / {figures['p99']:.1f}", number(figures["cpu"])]
                    + [number(server.memory()["VmRSS"] - before)]
                )
            subscribers.close()
            writer.stop()
    return "\n\n".join(
        [
            "## Subscriptions",
            f"{bench.settings.subscribers} subscribers of server-sent events and one writer, {seconds} s. "
            "Lag: from the answer to the writer until the arrival at a subscriber, in ms.",
            table(
                ["database", "updates/s asked for", "updates/s", "delivered", "deliveries/s", "lag p50 / p99"]
                + ["CPU a delivery, µs", "memory added, MB"],
                rows,
            ),
        ]
    )


def wait_for_all(subscribers, writer):
    """Updates until every subscriber has received an event: from then on nobody misses any."""
    deadline = time.monotonic() + 60
    while not all(subscribers.delivered.values()):
        if time.monotonic() > deadline:
            raise SystemExit("not every subscription begins")
        writer.start(1, 0.1)
        while writer.result() is None:
            subscribers.read(0.1)
        settle(subscribers, 1)


def settle(subscribers, silence):
    """Reads until nothing has arrived for some time."""
    begin = time.monotonic()
    while time.monotonic() - max(begin, subscribers.last) < silence:
        subscribers.read(0.1)


def deliver(server, subscribers, writer, rate, seconds):
    settle(subscribers, 0.5)
    subscribers.forget()
    begin, used = time.monotonic(), machine.cpu_seconds(server.pid)
    writer.start(rate, seconds)
    while (answered := writer.result()) is None:
        subscribers.read(0.05)
    expected = len(answered) * len(subscribers.sockets)
    while sum(subscribers.delivered.values()) < expected and time.monotonic() - subscribers.last < SILENCE:
        subscribers.read(0.05)
    delivered = sum(subscribers.delivered.values())
    used = machine.cpu_seconds(server.pid) - used
    lags = [(at - answered[event]) * 1000 for event, at in subscribers.arrivals() if event in answered]
    quantiles = statistics.quantiles(lags, n=100)
    return {
        "updates": len(answered),
        "delivered": delivered,
        "expected": expected,
        "rate": delivered / (subscribers.last - begin),
        "cpu": used / delivered * 1e6,
        "p50": quantiles[49],
        "p99": quantiles[98],
    }
