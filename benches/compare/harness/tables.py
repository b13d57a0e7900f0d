"""Tables of the operations: rates, goals, costs and latencies.

`results` maps the name of an operation and the connections to a map from the name of a target to its series.
"""

from .markdown import number, rate, ratio, table, verdict

# Connections of the short table, or the nearest that was measured: the goals of reads are for 16.
SHORT = 16


def measured(chosen, results):
    """Operations with their connections and series, in the order of the report."""
    for operation in chosen:
        for (name, connections), found in results.items():
            if name == operation.name:
                yield operation, connections, found


def short(chosen, results, servers):
    """Medians alone, with the ratio to PostGraphile."""
    rows, nearest = [], min((connections for _, connections in results), key=lambda count: abs(count - SHORT))
    for operation, connections, found in measured(chosen, results):
        if connections == nearest:
            medians = {name: number(series.median()) for name, series in found.items()}
            cells = [beside_peer(medians[s.name], s.name, found) if s.name in found else "-" for s in servers]
            rows.append([operation.title, *cells])
    return table([f"requests per second, {nearest} connections", *(server.name for server in servers)], rows)


def beside_peer(cell, name, found):
    """A cell of Annograph with the ratio to PostGraphile in brackets."""
    peer = found.get("PostGraphile")
    if not peer or not name.startswith("Annograph"):
        return cell
    return f"{cell} [{ratio(found[name].median(), peer.median())}]"


def rates(chosen, results, names):
    rows = []
    for operation, connections, found in measured(chosen, results):
        cells = [beside_peer(rate(found[name]), name, found) if name in found else "-" for name in names]
        rows.append([operation.title, str(connections), *cells])
    return table(["operation", "connections", *names], rows)


def goals(chosen, results):
    rows = []
    for operation, connections, found in measured(chosen, results):
        for label, shares in (("PostgreSQL", operation.postgres_share), ("SQLite", operation.sqlite_share)):
            if f"Annograph {label}" in found:
                cells = reached(operation, connections, label, shares, found)
                rows.append([operation.title, label, str(connections), *cells])
    head = ["operation", "database", "connections", "times PostGraphile", "share of the limit", "p99 / p50"]
    return table(head, rows)


def reached(operation, connections, label, shares, found):
    """Cells of a row of goals: a goal beside the ratio where there is one, else the ratio alone."""
    series, peer, limit = found[f"Annograph {label}"], found.get("PostGraphile"), found.get(f"limit {label}")
    times = share = "-"
    if peer:
        times = verdict(series.median() / peer.median(), operation.times.get(label) if connections > 1 else None)
    if limit:
        share = verdict(series.median() / limit.median(), shares.get(connections))
    return [times, share, f"{series.median('p99') / series.median('p50'):.1f}"]


def costs(chosen, results, statements, servers, connections):
    rows = []
    for operation in chosen:
        found = results[operation.name, connections]
        for server in servers:
            if server.name in found:
                series = found[server.name]
                cells = [number(series.median(figure)) for figure in ("cpu", "database_cpu")]
                counted = statements[operation.name].get(server.name)
                cells.append(" + ".join(number(part, 1) for part in counted) if counted else "-")
                rows.append([operation.title, server.name, *cells])
    return table(["operation", "server", "CPU, µs", "CPU of PostgreSQL, µs", "statements"], rows)


def latencies(chosen, results, servers):
    rows = []
    for operation, connections, found in measured(chosen, results):
        cells = []
        for server in servers:
            series = found.get(server.name)
            cells.append(f"{series.median('p50'):.1f} / {series.median('p99'):.1f}" if series else "-")
        rows.append([operation.title, str(connections), *cells])
    return table(["operation", "connections", *(server.name for server in servers)], rows)
