"""Two programs in turns, for a build profile or a change beside what was there before."""

import contextlib

from ..markdown import number, ratio, table


def measure(bench):
    settings = bench.settings
    programs = {"base": settings.base.resolve(), "other": settings.binary}
    rows = []
    for label in settings.databases:
        with contextlib.ExitStack() as running:
            servers = []
            for name, binary in programs.items():
                # A database for each program, because the two would wait for each other's writes.
                database = bench.copy_of_sample(label, name)
                servers.append(running.enter_context(bench.server(database, binary, f"{name} {label}")))
            for operation in bench.chosen_operations():
                prepared = {server.name: bench.prepare(server, operation) for server in servers}
                for connections, found in bench.in_turns("profiles", operation, prepared):
                    base, other = (found[server.name] for server in servers)
                    rows.append([operation.title, label, str(connections)] + compared(base, other))
    return "\n\n".join(
        [
            "## Two programs",
            f"Base: `{short(programs['base'])}`; other: `{short(programs['other'])}`. "
            "Medians of requests per second, and CPU of the server per request in µs.",
            table(
                ["operation", "database", "connections", "base", "other", "other / base"]
                + ["base, µs", "other, µs", "other / base"],
                rows,
            ),
        ]
    )


def short(path):
    """A program by its folder, which is named after the build profile."""
    return f"{path.parent.name}/{path.name}"


def compared(base, other):
    cells = []
    for figure in ("rate", "cpu"):
        values = [series.median(figure) for series in (base, other)]
        cells += [number(value) for value in values] + [ratio(values[1], values[0])]
    return cells
