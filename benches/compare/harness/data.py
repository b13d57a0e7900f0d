"""Sample data, the same at every run: five projects of tasks, each task with two annotations of 2.1 KB.

The rows go out as Label Studio files for `annograph import`, and as CSV for the tables of PostGraphile and of the
limits. Ids agree in both, because an import numbers tasks and annotations in the order of the file.
"""

import csv
import json
import random

PROJECTS = 5
USERS = 20
PER_TASK = 2
LABELS = ["Car", "Person", "Bicycle", "Traffic light", "Dog"]
REGIONS = 8
CREATED = "2026-01-02T03:04:05Z"
CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
    + "".join(f'<Label value="{label}"/>' for label in LABELS)
    + "</RectangleLabels></View>\n"
)

# Distinct results; annotations draw from them, because a million results of their own would take minutes.
POOL = 2000
ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def result(generator, regions=REGIONS):
    """A list of rectangles in the shape that Label Studio exports, about 260 bytes each."""
    return [
        {
            "id": "".join(generator.choices(ID_CHARACTERS, k=10)),
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 1920,
            "original_height": 1080,
            "image_rotation": 0,
            "value": {
                "x": round(generator.uniform(0, 90), 6),
                "y": round(generator.uniform(0, 90), 6),
                "width": round(generator.uniform(1, 10), 6),
                "height": round(generator.uniform(1, 10), 6),
                "rotation": 0,
                "rectanglelabels": [generator.choice(LABELS)],
            },
        }
        for _ in range(regions)
    ]


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def email(user):
    return f"user{user}@example.com"


def person(user):
    """An author, as a Label Studio export has it."""
    return {"id": user, "email": email(user), "first_name": f"First{user}", "last_name": f"Last{user}"}


def tasks(count, first=1):
    """Yields each task with its annotations; `result` and `data` are JSON text."""
    generator = random.Random(first)
    pool = [compact(result(generator)) for _ in range(min(POOL, count * PER_TASK))]
    for number in range(first, first + count):
        annotations = [
            {
                "author": generator.randint(1, USERS),
                "result": generator.choice(pool),
                "was_cancelled": generator.random() < 0.05,
                "lead_time": generator.randint(3000, 120000) / 1000,
            }
            for _ in range(PER_TASK)
        ]
        image = f"https://example.com/images/{number:07d}.jpg"
        yield number, compact({"image": image, "text": f"task {number} " + "lorem ipsum " * 8}), annotations


def label_studio_task(data, annotations):
    """A task as text; the JSON of results goes in as it is, without a second serialization."""
    parts = [
        f'{{"completed_by":{compact(person(row["author"]))},"result":{row["result"]},'
        f'"was_cancelled":{compact(row["was_cancelled"])},"lead_time":{row["lead_time"]},'
        f'"created_at":"{CREATED}","updated_at":"{CREATED}"}}'
        for row in annotations
    ]
    return f'{{"data":{data},"annotations":[{",".join(parts)}]}}'


def write_label_studio(path, count, first=1):
    with open(path, "w") as file:
        separator = "["
        for _, data, annotations in tasks(count, first):
            file.write(f"{separator}{label_studio_task(data, annotations)}")
            separator = ",\n"
        file.write("]\n")


def write_sample(folder, count):
    """Writes `project-N.json`, `config.xml`, `result.json` and a CSV file for each table of the peers."""
    folder.mkdir(parents=True, exist_ok=True)
    per_project = count // PROJECTS
    (folder / "config.xml").write_text(CONFIG)
    (folder / "result.json").write_text(compact(result(random.Random(0))))
    for project in range(1, PROJECTS + 1):
        first = (project - 1) * per_project + 1
        write_label_studio(folder / f"project-{project}.json", per_project, first)

    users, projects = range(1, USERS + 1), range(1, PROJECTS + 1)
    accounts = ([user, f"user{user}", email(user), f"First{user} Last{user}"] for user in users)
    write_rows(folder / "account.csv", accounts)
    write_rows(folder / "project.csv", ([project, f"Project {project}", CREATED] for project in projects))
    write_rows(folder / "task.csv", task_rows(per_project))
    write_rows(folder / "annotation.csv", annotation_rows(per_project))


def task_rows(per_project):
    for project in range(1, PROJECTS + 1):
        for task, data, annotations in tasks(per_project, (project - 1) * per_project + 1):
            cancelled = sum(row["was_cancelled"] for row in annotations)
            total = len(annotations) - cancelled
            yield [task, project, data, int(total > 0), total, cancelled, CREATED, CREATED]


def annotation_rows(per_project):
    annotation = 0
    for project in range(1, PROJECTS + 1):
        for task, _, annotations in tasks(per_project, (project - 1) * per_project + 1):
            for row in annotations:
                annotation += 1
                yield [
                    annotation,
                    f"00000000-0000-4000-8000-{annotation:012d}",
                    task,
                    project,
                    row["author"],
                    row["result"],
                    REGIONS,
                    int(row["was_cancelled"]),
                    0,
                    row["lead_time"],
                    "IMPORTED",
                    1,
                    CREATED,
                    CREATED,
                ]


def write_rows(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
