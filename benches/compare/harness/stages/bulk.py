"""Import and export of a large file, and on PostgreSQL `\\copy` of the same rows into the same tables."""

import time

from .. import data
from ..annograph import command
from ..markdown import number, table, verdict

# Annotations per second, where a goal is none of ratios.
GOALS = {"import": {"SQLite": 10_000}, "export": {"PostgreSQL": 30_000, "SQLite": 30_000}}
# Share of the rate of `\copy` that an import into PostgreSQL should reach.
COPY_SHARE = 0.25

# Filled by triggers while other tables are, or kept by the migrations.
NOT_COPIED = ("outbox", "seaql_migrations")


def measure(bench):
    count = bench.settings.bulk
    tasks = count // data.PER_TASK
    file = bench.work / f"bulk-{tasks}.json"
    if not file.exists():
        unfinished = file.with_suffix(".unfinished")
        data.write_label_studio(unfinished, tasks)
        unfinished.rename(file)
    rows, remarks = [], []
    for database in bench.databases("bulk"):
        bench.say(f"import into {database.label}")
        database.clear()
        arguments = ["--title", "Bulk", "--config", bench.sample / "config.xml", "--json"]
        imported = command(bench.settings.binary, database.url, "import", file, *arguments)
        stored = database.number("SELECT count(*) FROM annotation")
        assert stored == count, f"{stored} annotations of {count}"
        rows.append(row("import", database, count, imported))
        remarks.append(f"An annotation takes {database.megabytes() / count * 1000:.1f} KB in {database.label}.")
        bench.say(f"export from {database.label}")
        exported = bench.work / "exported.json"
        arguments = ["--project", 1, "--output", exported, "--json"]
        rows.append(row("export", database, count, command(bench.settings.binary, database.url, "export", *arguments)))
        exported.unlink()
        if database.cluster:
            bench.say("copy of the same rows")
            seconds = copy_rows(bench, database)
            cells = [database.label, number(count / seconds), number(seconds, 1), "-", "-", "-"]
            rows.append(["`\\copy` of the same rows", *cells])
            share = verdict(seconds / imported.seconds, COPY_SHARE)
            remarks.append(f"Share of the rate of `\\copy` that the import reaches: {share}.")
    size = file.stat().st_size / 1e6
    for line in rows:
        bench.note("bulk", {"row": line})
    return "\n\n".join(
        [
            "## Import and export",
            f"{count:,} annotations in a file of {size:,.0f} MB. `\\copy` fills the tables of the migrations, with "
            "their indexes, foreign keys and triggers, from files of their rows.",
            table(["work", "database", "annotations/s", "s", "CPU, s", "peak, MB", "goal, annotations/s"], rows),
            " ".join(remarks),
        ]
    )


def row(work, database, count, usage):
    cells = [number(count / usage.seconds), number(usage.seconds, 1), number(usage.cpu, 1), number(usage.peak)]
    goal = GOALS[work].get(database.label)
    return [work, database.label, *cells, number(goal) if goal else "-"]


def copy_rows(bench, database):
    """Copies the rows of all tables into a migrated database; returns the seconds of the copies into it."""
    cluster, target = bench.cluster, bench.database("PostgreSQL", "bulk_copy")
    target.clear()
    command(bench.settings.binary, target.url, "migrate", "up")
    tables = in_order_of_keys(cluster, database.name)
    cluster.psql(target.name, sql=f"TRUNCATE {', '.join(tables)} CASCADE")
    files = bench.work / "copied"
    files.mkdir(exist_ok=True)
    for name in tables:
        cluster.psql(database.name, "-c", f"\\copy {name} TO '{files}/{plain(name)}'")
    begin = time.monotonic()
    for name in tables:
        cluster.psql(target.name, "-c", f"\\copy {name} FROM '{files}/{plain(name)}'")
    seconds = time.monotonic() - begin
    for name in tables:
        (files / plain(name)).unlink()
        assert cluster.psql(target.name, sql=f"SELECT count(*) FROM {name}") == cluster.psql(
            database.name, sql=f"SELECT count(*) FROM {name}"
        )
    return seconds


def plain(name):
    return name.strip('"')


def in_order_of_keys(cluster, database):
    """Tables with rows to copy, each behind the tables that its foreign keys point to."""
    names = cluster.psql(
        database,
        sql="SELECT quote_ident(relname) FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    ).splitlines()
    pairs = cluster.psql(
        database,
        sql="SELECT quote_ident(c.relname) || ' ' || quote_ident(p.relname) FROM pg_constraint k "
        "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid "
        "WHERE k.contype = 'f' AND c.oid <> p.oid",
    ).splitlines()
    parents = {}
    for pair in pairs:
        child, parent = pair.split()
        parents.setdefault(child, set()).add(parent)
    ordered, left = [], [name for name in names if plain(name) not in NOT_COPIED]
    while left:
        ready = [name for name in left if not parents.get(name, set()) & set(left)]
        assert ready, f"foreign keys in a circle: {left}"
        ordered += ready
        left = [name for name in left if name not in ready]
    return ordered
