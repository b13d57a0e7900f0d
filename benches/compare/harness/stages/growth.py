"""The same requests on the sample and on a database with many more annotations: which get slower?"""

import contextlib

from .. import data
from ..annograph import import_sample
from ..markdown import number, ratio, table

# The sample is written again with as many tasks as needed; its files are removed once they are imported.
OPERATIONS = ("update", "annotation", "task", "tasks", "deep", "label")


def measure(bench):
    settings = bench.settings
    tasks = {"small": settings.tasks, "large": settings.growth // data.PER_TASK // data.PROJECTS * data.PROJECTS}
    rows, sizes = [], []
    for label in settings.databases:
        databases = {"small": bench.filled(label), "large": large(bench, label, tasks["large"])}
        with contextlib.ExitStack() as running:
            servers = {
                size: running.enter_context(bench.server(database, name=f"{size} {label}"))
                for size, database in databases.items()
            }
            sizes += [
                [size, label, number(tasks[size] * data.PER_TASK), number(databases[size].megabytes())]
                + [number(server.start_seconds, 2)]
                for size, server in servers.items()
            ]
            for operation in (chosen for chosen in bench.chosen_operations() if chosen.name in OPERATIONS):
                prepared = {size: bench.prepare(server, operation, tasks[size]) for size, server in servers.items()}
                for connections, found in bench.in_turns("growth", operation, prepared, label):
                    rows.append([operation.title, label, str(connections)] + grown(found))
    return "\n\n".join(
        [
            "## Growth",
            table(["database", "system", "annotations", "MB", "start to the first answer, s"], sizes),
            "Medians of requests per second, and CPU per request in µs, of the server with PostgreSQL's. "
            "Goal: a CPU ratio near 1; rates also fall when the file is larger than the caches.",
            table(
                ["operation", "database", "connections", "small", "large", "large / small"]
                + ["small, µs", "large, µs", "large / small"],
                rows,
            ),
        ]
    )


def grown(found):
    rates = [found[size].median() for size in ("small", "large")]
    costs = [found[size].median("cpu") + (found[size].median("database_cpu") or 0) for size in ("small", "large")]
    return [cell for small, big in (rates, costs) for cell in (number(small), number(big), ratio(big, small))]


def large(bench, label, tasks):
    """The large database, imported when it is missing."""
    database = bench.database(label, f"growth_{tasks}")
    stamp = bench.work / f"{label}-growth-{tasks}.imported"
    if not (stamp.exists() and database.exists()):
        folder = bench.work / f"growth-{tasks}"
        folder.mkdir(exist_ok=True)
        (folder / "config.xml").write_text(data.CONFIG)
        database.clear()
        bench.say(f"import of {tasks * data.PER_TASK:,} annotations into {label}")
        for project in range(1, data.PROJECTS + 1):
            share = tasks // data.PROJECTS
            data.write_label_studio(folder / f"project-{project}.json", share, (project - 1) * share + 1)
        import_sample(bench.settings.binary, database, folder, data.PROJECTS)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        stamp.touch()
    return database
