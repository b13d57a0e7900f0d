"""Makes results up: valid ones for every control of a config, and mutations of them."""

import copy
import json

WORDS = ["A", "B", "b", "x", "kind", "é😀", "none", ""]

# What takes the place of any value.
STRANGE = [
    None, True, False, 0, 1, -1, 2, 0.5, -0.5, 5, 6, 50, 50.5, 99.999, 100, 100.0, 100.00000000000001, 101, -5, 255, 256,
    360, 361, 1e308, 1e18, 9.3e18, 2**63, 2**64 - 1, -(2**63), 3.0, 4.5, -0.0,
    "", "1", " 1.5 ", "1e3", "-1e3", "inf", "-inf", "nan", "NaN ", "Infinity", "1_000", "1_0", " 1_0 ", "1__0", "0__1", "0-1", "_1", "-_1", "1.",
    ".5", "1.0", "3.00", "007", "+5", "--5", "0x10", "１", "٣", "\u00a07\u2003", "\x1c7", "9" * 30, "abc", "A", "B", "b",
    "true", "YES", "off", " on", "None", "left", "😀", "é" * 70,
    [], {}, [[]], [{}], [1], ["A"], ["nope"], [None], [["A"]], [["A", 1]], ["A", "A"], ["A", ["A"]], {"A": 1}, {"a": {}}, [1, 2],
    [[1, 2]], [[1, 2, 3]], [["1", True]], [[1]], [0, 255], [0, 256], [-1], ["7", True, 3.0], [1.5],
]

TYPES = [
    "choices", "labels", "rectangle", "rectanglelabels", "ellipse", "ellipselabels", "polygon", "polygonlabels", "keypoint",
    "keypointlabels", "brush", "brushlabels", "bitmask", "bitmasklabels", "vector", "vectorlabels", "ocrlabels", "magicwand",
    "magicwandlabels", "videorectangle", "videorectanglelabels", "videovector", "videovectorlabels", "timelinelabels",
    "timeserieslabels", "hypertextlabels", "paragraphlabels", "number", "rating", "datetime", "textarea", "taxonomy", "pairwise",
    "ranker", "chatmessage", "chat", "reactcode", "relation", "Relation", "relations", "sparkles", "sparkleslabels",
    "choiceslabels", "rectanglelabelslabels", "",
]

KEYS = ["x", "y", "start", "end", "labels", "choices", "text", "value", "format", "rle", "points", "sequence", "extra", "id"]


def strange(rng):
    return copy.deepcopy(rng.choice(STRANGE))


def percent(rng, most=100):
    return rng.choice([rng.randint(0, most), rng.uniform(0, most), most])


def vertices(rng):
    return [
        {"x": percent(rng), "y": percent(rng), "id": f"v{n}", "isBezier": rng.random() < 0.3, "prevPointId": None}
        for n in range(rng.randint(0, 3))
    ]


def labels_of(control, rng):
    known = [*(control.labels or []), "B"] if rng.random() < 0.1 else list(control.labels or []) or WORDS
    return rng.choices(known, k=rng.choice([1, 1, 1, 2, 0]))


def geometry(tool, rng):
    """The value that an unlabelled tool draws."""
    box = {"x": percent(rng), "y": percent(rng), "width": percent(rng), "height": percent(rng)}
    if tool in ("rectangle", "ocr"):
        return {**box, "rotation": rng.choice([0, 45, 359.5, None])}
    if tool == "ellipse":
        return {"x": percent(rng), "y": percent(rng), "radiusX": percent(rng, 50), "radiusY": percent(rng, 50), "rotation": 0}
    if tool == "polygon":
        return {"points": [[percent(rng), percent(rng)] for _ in range(rng.randint(0, 4))], "closed": True}
    if tool == "keypoint":
        return {"x": percent(rng), "y": percent(rng), "width": 0.5}
    if tool in ("brush", "magicwand"):
        return {"format": "rle", "rle": [rng.randint(0, 255) for _ in range(rng.randint(1, 6))]}
    if tool == "bitmask":
        return {"imageDataURL": "data:image/png;base64,AA==", "format": rng.choice(["png", None])}
    if tool == "vector":
        return {"vertices": vertices(rng), "closed": rng.random() < 0.5}
    if tool == "videorectangle":
        frame = {**box, "time": 0.04, "frame": 1, "enabled": True, "rotation": 0}
        return {"framesCount": 100, "duration": 4.0, "sequence": [dict(frame) for _ in range(rng.randint(0, 2))]}
    if tool == "videovector":
        frame = {"frame": 1, "time": 0.1, "enabled": True, "closed": False, "vertices": vertices(rng)}
        return {"framesCount": 100, "duration": 4.0, "sequence": [copy.deepcopy(frame) for _ in range(rng.randint(0, 2))]}
    return None


def value_of(control, rng):
    """A value that fits a control."""
    tag = control.tag.lower() or "reactcode"
    chosen = labels_of(control, rng)
    if tag == "choices":
        return {"choices": chosen}
    if tag == "labels":
        return {"start": rng.choice([0, 1.5, "3"]), "end": rng.choice([5, "9"]), "text": "abc", "labels": chosen}
    if tag in ("hypertextlabels", "paragraphlabels"):
        return {"start": "/p[1]/text()[1]", "end": "0", "startOffset": 0, "endOffset": 4, "globalOffsets": {"start": 1}, tag: chosen}
    if tag == "timeserieslabels":
        return {"start": 1, "end": "2020-01-01", "instant": False, tag: chosen}
    if tag == "timelinelabels":
        return {"ranges": [{"start": 1, "end": 2}], tag: chosen}
    if tag == "number":
        return {"number": rng.choice([1, -2.5, 1e6])}
    if tag == "rating":
        return {"rating": rng.randint(0, 5)}
    if tag == "datetime":
        return {"datetime": "2026-11-24T00:30"}
    if tag == "textarea":
        return {"text": rng.choices(WORDS, k=rng.randint(0, 2))}
    if tag == "taxonomy":
        return {"taxonomy": [labels_of(control, rng) for _ in range(rng.randint(0, 2))]}
    if tag == "pairwise":
        return {"selected": rng.choice(["left", "right", "other"])}
    if tag == "ranker":
        return {"ranker": {"best": ["1", "2"], "_": []}}
    if tag in ("chatmessage", "chat"):
        return {"chatmessage": {"role": "user", "content": "hi", "createdAt": 1}}
    if tag == "reactcode":
        return {"reactcode": {"a": "1", "b": [1]}}
    if tag == "videovectorlabels":
        return {**geometry("videovector", rng), "labels": chosen}
    if tag == "videorectangle" and control.labels:
        return {**geometry(tag, rng), "labels": chosen}
    drawn = geometry(tag.removesuffix("labels"), rng)
    if drawn is None:
        return {"anything": strange(rng)}
    return {**drawn, tag: chosen} if tag.endswith("labels") else drawn


def region_of(control, rng, region_id):
    tag = control.tag.lower() or "reactcode"
    region = {
        "id": region_id,
        "from_name": control.name,
        "to_name": rng.choice(control.to_name),
        "type": "chatmessage" if tag == "chat" else tag,
        "value": value_of(control, rng),
    }
    if rng.random() < 0.2:
        region |= {"origin": "manual", "original_width": 100, "score": 0.5, "meta": {"text": ["note"]}, "readonly": False}
    if tag == "pairwise" and rng.random() < 0.3:
        region["to_name"] = ",".join(control.to_name)
    return region


def drawn_and_labelled(controls, rng, region_id):
    """What `Labels` labels: two regions with one id, or one region."""
    labels = [control for control in controls if control.tag == "Labels"]
    tools = [control for control in controls if geometry(control.tag.lower(), rng)]
    if not labels or not tools:
        return []
    label, tool = rng.choice(labels), rng.choice(tools)
    drawn = region_of(tool, rng, region_id)
    chosen = labels_of(label, rng)
    if rng.random() < 0.5:
        merged = f"{tool.tag.lower()}labels"
        key = rng.choice([merged, merged, "labels"])
        return [{**drawn, "from_name": label.name, "type": merged, "value": {**drawn["value"], key: chosen}}]
    again = {**drawn, "from_name": label.name, "type": "labels", "value": {**drawn["value"], "labels": chosen}}
    pair = [drawn, copy.deepcopy(again)]
    rng.shuffle(pair)
    return pair


def relation(ids, rng):
    return {
        "type": "relation",
        "from_id": rng.choice(ids),
        "to_id": rng.choice(ids),
        "direction": rng.choice(["left", "right", "bi"]),
        "labels": ["next"],
    }


def places(node, path=()):
    """Every place in a value, from the outside in."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield from places(child, (*path, key))


def mutate_value(region, rng):
    """Changes one place in a region's value."""
    path = rng.choice(list(places(region.get("value"))))
    if not path:
        region["value"] = strange(rng)
        return
    around = region["value"]
    for key in path[:-1]:
        around = around[key]
    key = path[-1]
    how = rng.random()
    if how < 0.6:
        around[key] = strange(rng)
    elif how < 0.75:
        del around[key]
    elif isinstance(around, dict):
        around[rng.choice(KEYS)] = around.pop(key) if how < 0.9 else strange(rng)
    else:
        around.insert(rng.randint(0, len(around)), copy.deepcopy(rng.choice([*around, *STRANGE])))


def mutate_region(region, controls, rng):
    """Changes a region's own keys."""
    how = rng.randrange(11)
    key = rng.choice(["from_name", "to_name", "type", "value"])
    if how == 0:
        region.pop(key, None)
    elif how == 1:
        region[rng.choice(["From_name", "toName", "kind"])] = region.pop(key, None)
    elif how == 2:
        region[key] = strange(rng)
    elif how == 3:
        region["type"] = rng.choice([str.upper, str.title, str.swapcase])(str(region.get("type")))
    elif how == 4:
        region["type"] = rng.choice(TYPES)
    elif how == 5:
        region["from_name"] = rng.choice([control.name for control in controls])
    elif how == 6:
        known = [name for control in controls for name in control.to_name]
        region["to_name"] = rng.choice([*known, rng.choice(known) + "," + rng.choice(known), "nobody", ""])
    elif how == 7:
        region["value"] = value_of(rng.choice(controls), rng)
    elif how == 8:
        name = region.get("from_name")
        region["value"] = {name if isinstance(name, str) else "x": region.get("value")}
    elif how == 9:
        region.pop("id", None)
    else:
        region["from_name"] = None


def mutate_relation(item, ids, rng):
    key = rng.choice(["direction", "from_id", "to_id", "labels"])
    if rng.random() < 0.3:
        item.pop(key, None)
    else:
        item[key] = copy.deepcopy(rng.choice([*STRANGE, *ids, "nobody", "up"]))


def break_format(result, rng):
    """What no config can make good."""
    item = result[rng.randrange(len(result))]
    how = rng.randrange(4)
    if how == 0:
        result.append(rng.choice([None, 1, "x", [], True, 1.5]))
    elif how == 1:
        item["id"] = rng.choice([None, 1, [], {}])
    elif how == 2:
        item["extra"] = rng.choice([2**64, -(2**63) - 1, 10**40])
    else:
        item["extra"] = "\ud800"


def result_text(controls, rng):
    """A result as JSON text: a third of them valid, most others with few mutations."""
    ids = [f"r{n}" for n in range(4)]
    result = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        if rng.random() < 0.25:
            result += drawn_and_labelled(controls, rng, rng.choice(ids))
        else:
            result.append(region_of(rng.choice(controls), rng, rng.choice(ids)))
    known = [region["id"] for region in result]
    relations = [relation(known, rng) for _ in range(rng.choice([0, 0, 0, 1, 2])) if known]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3]) if result else 0):
        how = rng.random()
        if relations and how < 0.2:
            mutate_relation(rng.choice(relations), known, rng)
        elif how < 0.45:
            mutate_region(rng.choice(result), controls, rng)
        else:
            mutate_value(rng.choice(result), rng)
    result += relations
    if rng.random() < 0.3:
        rng.shuffle(result)
    if result and rng.random() < 0.01:
        break_format(result, rng)
    text = json.dumps(result)
    if "\\ud800" not in text and rng.random() < 0.5:
        text = json.dumps(result, ensure_ascii=False)
    if rng.random() < 0.03:
        # Of a repeated key the last value counts.
        repeated = f'"value": {{"{rng.choice(KEYS)}": {json.dumps(strange(rng))}, '
        text = text.replace('"value": {', repeated, 1).replace(", }", "}")
    return text
