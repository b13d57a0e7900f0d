"""The same scores, by implementations that others published: shapely for areas, scipy for the assignment, seqeval
for spans of text, scikit-learn for answers."""

import math
import warnings
from collections import defaultdict

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from seqeval.metrics import f1_score as span_f1
from seqeval.scheme import IOB2
from shapely import affinity
from shapely.geometry import LineString, Polygon, box
from shapely.ops import polygonize, unary_union
from sklearn.metrics import accuracy_score, cohen_kappa_score

from generate import TOKENS

warnings.filterwarnings("ignore")
CORNERS = 128


def shape_of(entry):
    """The area of a region, in pixels; percent of a square where no size is told."""
    value, kind = entry["value"], entry["type"]
    width = entry.get("original_width", 100) / 100
    height = entry.get("original_height", 100) / 100
    if kind == "rectanglelabels":
        x, y = value["x"] * width, value["y"] * height
        area = box(x, y, x + value["width"] * width, y + value["height"] * height)
        return affinity.rotate(area, value["rotation"], origin=(x, y))
    if kind == "ellipselabels":
        x, y = value["x"] * width, value["y"] * height
        turns = [math.tau * corner / CORNERS for corner in range(CORNERS)]
        area = Polygon([(math.cos(turn), math.sin(turn)) for turn in turns])
        area = affinity.scale(area, value["radiusX"] * width, value["radiusY"] * height, origin=(0, 0))
        return affinity.rotate(affinity.translate(area, x, y), value["rotation"], origin=(x, y))
    return filled([(x * width, y * height) for x, y in value["points"]])


def filled(points):
    """What a closed line winds around: of the faces that it cuts the plane into, those that it goes round."""
    line = LineString([*points, points[0]])
    faces = polygonize(unary_union(line))
    return unary_union([face for face in faces if winding(points, face.representative_point()) != 0])


def winding(points, at):
    """How often a closed line goes round a point: the sum of the angles under which its edges are seen."""
    seen = np.array([complex(x - at.x, y - at.y) for x, y in points])
    return round(np.angle(np.roll(seen, -1) / seen).sum() / math.tau)


def iou(a, b):
    union = shapely.union(a, b).area
    return shapely.intersection(a, b).area / union if union > 0 else 0.0


def time_iou(a, b):
    a, b = ((entry["value"]["start"], entry["value"]["end"]) for entry in (a, b))
    common = min(a[1], b[1]) - max(a[0], b[0])
    return max(common, 0) / (max(a[1], b[1]) - min(a[0], b[0]))


def placed(entries):
    """Entries by control and labels."""
    places = defaultdict(list)
    for entry in entries:
        labels = next((it for key, it in entry["value"].items() if key.endswith("labels")), [])
        places[entry["from_name"], tuple(labels)].append(entry)
    return places


def dice(a, b, likeness):
    """Twice the sum over the best pairs, and the number of entries."""
    a, b = placed(a), placed(b)
    shared = 0.0
    for place in a.keys() & b.keys():
        table = np.array([[likeness(left, right) for right in b[place]] for left in a[place]])
        rows, columns = linear_sum_assignment(table, maximize=True)
        shared += table[rows, columns].sum()
    return 2 * shared, sum(map(len, a.values())) + sum(map(len, b.values()))


def areas(entries):
    return [entry for entry in entries if entry["to_name"] == "img"]


def times(entries):
    return [entry for entry in entries if entry["to_name"] == "audio"]


def words(entries):
    return [entry for entry in entries if entry["from_name"] == "ner"]


def answers(entries):
    found = {}
    for entry in entries:
        if entry["type"] in ("choices", "rating"):
            value = entry["value"]
            found[entry["from_name"]] = "|".join(sorted(value.get("choices", []))) or str(value["rating"])
    return found


def score_of_areas(a, b):
    shapes = {id(entry): shape_of(entry) for entry in a + b}
    same = lambda left, right: left["value"] == right["value"]
    alike = lambda left, right: 1.0 if same(left, right) else iou(shapes[id(left)], shapes[id(right)])
    return ratio(*dice(a, b, alike))


def score_of_times(a, b):
    return dice(a, b, lambda left, right: float(time_iou(left, right) >= 0.5))


def tags(entries):
    tags = ["O"] * TOKENS
    for entry in words(entries):
        value = entry["value"]
        for token in range(value["start"], value["end"]):
            tags[token] = ("B-" if token == value["start"] else "I-") + value["labels"][0]
    return tags


def score_of_words(a, b):
    """Of spans of text alone: what seqeval says, as a sum over a count."""
    count = len(words(a)) + len(words(b))
    if not count:
        return 0.0, 0
    return span_f1([tags(a)], [tags(b)], mode="strict", scheme=IOB2) * count, count


def score_of_spans(a, b):
    (shared, count), (more, more_count) = score_of_words(a, b), score_of_times(times(a), times(b))
    return ratio(shared + more, count + more_count)


def ratio(shared, count):
    return shared / count if count else None


def exact_match(a, b):
    a, b = answers(a), answers(b)
    asked = sorted(a.keys() | b.keys())
    if not asked:
        return None
    return accuracy_score([a.get(it, "") for it in asked], [b.get(it, "") for it in asked])


def kappa(a, b):
    a, b = answers(a), answers(b)
    both = sorted(a.keys() & b.keys())
    if not both:
        return None
    score = cohen_kappa_score([a[it] for it in both], [b[it] for it in both])
    # One and the same answer throughout is 0 / 0.
    return 1.0 if math.isnan(score) else score


def by_control(a, b):
    """The mean over the controls, each in the way that fits."""
    scores = []
    for control in sorted({entry["from_name"] for entry in a + b}):
        left = [entry for entry in a if entry["from_name"] == control]
        right = [entry for entry in b if entry["from_name"] == control]
        scores += [
            score_of_areas(areas(left), areas(right)),
            score_of_spans(left, right),
            exact_match(left, right),
        ]
    return mean(scores)


def mean(scores):
    scores = [score for score in scores if score is not None]
    return sum(scores) / len(scores) if scores else None


METRICS = {
    "IOU": lambda a, b: score_of_areas(areas(a), areas(b)),
    "SPAN_F1": score_of_spans,
    "EXACT_MATCH": exact_match,
    "COHENS_KAPPA": kappa,
    "MEAN": by_control,
}


def scores_of(task):
    """All scores of a task: the means over the pairs of uncancelled annotations by different people."""
    counted = [it for it in task["annotations"] if not it["was_cancelled"]]
    pairs = [
        (a["result"], b["result"])
        for index, a in enumerate(counted)
        for b in counted[index + 1 :]
        if a["completed_by"] != b["completed_by"]
    ]
    return {name: mean([score(a, b) for a, b in pairs]) for name, score in METRICS.items()}
