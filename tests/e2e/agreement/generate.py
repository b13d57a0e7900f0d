"""Makes up tasks with annotations of all kinds that can be compared."""

LABELS = ["car", "truck", "tree"]
# Width and height of images, in pixels; None where a result does not tell.
SIZES = [(640, 480), (480, 640), (1000, 100), None]
# Tags of a text of so many tokens.
TOKENS = 12


def task(random):
    """A task, and what it is about: 'areas', 'spans', 'times', 'answers' or 'all'."""
    kind = random.choice(["areas", "areas", "spans", "times", "answers", "all"])
    size = random.choice(SIZES)
    makers = {"areas": areas, "spans": spans, "times": times, "answers": answers}
    chosen = list(makers) if kind == "all" else [kind]
    first = [entry for name in chosen for entry in makers[name](random, size)]
    results = [first]
    for _ in range(random.choice([1, 1, 2])):
        another = [entry for name in chosen for entry in makers[name](random, size)]
        # What people say is mostly like what others say.
        kept = [moved(random, entry) for entry in first if random.random() < 0.7]
        seen = {entry["from_name"] + str(entry["value"].get("start")) for entry in kept}
        fresh = [
            entry for entry in another
            if random.random() < 0.3 and entry["from_name"] + str(entry["value"].get("start")) not in seen
        ]
        results.append(without_overlaps(one_answer_each(kept + fresh)))
    annotations = [
        {"result": random.sample(result, len(result)), "completed_by": number + 1, "was_cancelled": False}
        for number, result in enumerate(results)
    ]
    if random.random() < 0.1:
        annotations.append({"result": first, "completed_by": 9, "was_cancelled": True})
    if random.random() < 0.1:
        annotations.append({"result": results[-1], "completed_by": len(results), "was_cancelled": False})
    return {"data": {}, "annotations": annotations}


def entry(control, target, kind, value, **more):
    return {"from_name": control, "to_name": target, "type": kind, "value": value, **more}


def areas(random, size):
    """Boxes, turned or not, ellipses, and polygons that cross themselves."""
    more = {"original_width": size[0], "original_height": size[1]} if size else {}
    for _ in range(random.choice([0, 1, 1, 2, 3, 6])):
        label = random.choice(LABELS)
        kind = random.choice(["rectangle", "rectangle", "ellipse", "polygon", "star"])
        x, y = random.uniform(0, 80), random.uniform(0, 80)
        rotation = random.choice([0, 0, random.uniform(-360, 360)])
        if kind == "rectangle":
            value = {"x": x, "y": y, "width": random.uniform(0, 50), "height": random.uniform(0, 50), "rotation": rotation}
            yield entry("box", "img", "rectanglelabels", value | {"rectanglelabels": [label]}, **more)
        elif kind == "ellipse":
            value = {"x": x, "y": y, "radiusX": random.uniform(1, 30), "radiusY": random.uniform(1, 30), "rotation": rotation}
            yield entry("oval", "img", "ellipselabels", value | {"ellipselabels": [label]}, **more)
        else:
            corners = random.randint(3, 8 if kind == "star" else 4)
            # On a grid, so that edges lie on one another and corners on edges.
            grid = random.choice([None, 10, 25])
            points = [[place(random, grid), place(random, grid)] for _ in range(corners)]
            value = {"points": points, "closed": True, "polygonlabels": [label]}
            yield entry("outline", "img", "polygonlabels", value, **more)


def place(random, grid):
    return random.randrange(0, 101, grid) if grid else random.uniform(0, 100)


def spans(random, _):
    """Words of a text, each with one label at most."""
    at = 0
    while at < TOKENS:
        length = random.randint(1, 3)
        if random.random() < 0.4 and at + length <= TOKENS:
            value = {"start": at, "end": at + length, "labels": [random.choice(LABELS)]}
            yield entry("ner", "text", "labels", value)
        at += length


def times(random, _):
    """Stretches of a recording."""
    for _ in range(random.choice([0, 1, 2, 4, 8])):
        start = random.uniform(0, 20)
        value = {"start": start, "end": start + random.uniform(0.01, 20), "labels": [random.choice(LABELS[:2])]}
        yield entry("sounds", "audio", "labels", value, original_length=60)


def answers(random, _):
    """Some of many questions with few answers."""
    for number in range(random.choice([1, 2, 6, 12])):
        if random.random() < 0.8:
            choices = random.sample(["yes", "no", "maybe"], random.choice([1, 1, 1, 2]))
            yield entry(f"question{number}", "text", "choices", {"choices": choices}, id=str(random.random()))
    if random.random() < 0.5:
        yield entry("stars", "text", "rating", {"rating": random.randint(1, 3)})


def moved(random, entry):
    """The same entry as somebody else would have it."""
    value = dict(entry["value"])
    if random.random() < 0.5:
        return entry
    for key in ["x", "y", "width", "height", "radiusX", "radiusY", "rotation"]:
        if key in value:
            value[key] += random.uniform(0, 5)
    if entry["to_name"] == "audio":
        value["end"] += random.uniform(0, 3)
    if "points" in value:
        value["points"] = [[x + random.uniform(-2, 2), y] for x, y in value["points"]]
    if random.random() < 0.2 and "labels" in value:
        value["labels"] = [random.choice(LABELS)]
    if "choices" in value and random.random() < 0.5:
        value["choices"] = ["yes"]
    return entry | {"value": value}


def one_answer_each(entries):
    seen, kept = set(), []
    for entry in entries:
        if entry["type"] in ("choices", "rating"):
            if entry["from_name"] in seen:
                continue
            seen.add(entry["from_name"])
        kept.append(entry)
    return kept


def without_overlaps(entries):
    """Tags of tokens can't tell of spans that overlap."""
    taken, kept = set(), []
    for entry in entries:
        if entry["from_name"] == "ner":
            words = set(range(entry["value"]["start"], entry["value"]["end"]))
            if words & taken:
                continue
            taken |= words
        kept.append(entry)
    return kept
