"""Where the verdicts may differ, and why. docs/label-studio.md has the same list for people."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Callable


@dataclass
class Region:
    """A region that the two judge differently."""

    interface: Any
    region: dict
    result: list

    @property
    def control(self):
        controls = self.interface._controls
        name = self.region.get("from_name")
        if name is None and len(controls) == 1:
            return next(iter(controls.values()))
        return controls.get(name) if isinstance(name, str) else None

    @property
    def tag(self):
        return self.control.tag.lower() if self.control else ""

    @property
    def type(self):
        region_type = self.region.get("type")
        return region_type.lower() if isinstance(region_type, str) else ""

    @property
    def value(self):
        value = self.region.get("value")
        inner = value.get(self.control.name) if self.control and isinstance(value, dict) else None
        return inner if isinstance(inner, dict) else value

    def get(self, key):
        return self.value.get(key) if isinstance(self.value, dict) else None


@dataclass
class Difference:
    """One kind of region on which the verdicts differ."""

    name: str
    reason: str
    # Whether it is the SDK that refuses such a region.
    sdk_refuses: bool
    holds: Callable[[Region], Any]
    # A config of this folder and a result that has such a region.
    example: tuple[str, list]


def region(from_name, to_name, region_type, value, **more):
    return {"id": "a", "from_name": from_name, "to_name": to_name, "type": region_type, "value": value, **more}


def names_both(it):
    name = it.region.get("to_name")
    return it.tag == "pairwise" and isinstance(name, str) and "," in name and set(name.split(",")) <= set(it.control.to_name)


def is_dynamic(it):
    return it.control and it.control.dynamic_value


def is_merged(it):
    return it.tag == "labels" and it.type != "labels" and it.type.endswith("labels")


def draws_nothing(it):
    tools = {"bitmask", "brush", "ellipse", "keypoint", "magicwand", "polygon", "rectangle", "vector", "videorectangle", "videovector"}
    known = {control.tag.lower() for control in it.interface.controls}
    tool = it.type.removesuffix("labels")
    return is_merged(it) and tool in known - tools - {"sparkles"}


def is_split(it):
    return it.type == "labels" and it.tag == "labels" and any(
        other.get("id") == it.region.get("id") and str(other.get("type")).lower() not in ("labels", "relation") for other in it.result
    )


def is_no_list_of_texts(labels):
    return labels is not None and not (isinstance(labels, list) and all(isinstance(label, str) for label in labels))


def texts(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, (list, dict)):
        for child in node.values() if isinstance(node, dict) else node:
            yield from texts(child)


def is_infinite_text(text):
    try:
        return not math.isfinite(float(text.replace("_", "")))
    except ValueError:
        return False


def is_beyond_32_bits(number):
    return not -(2**31) <= number < 2**31


def has_huge_integer(node):
    whole = [text.strip().replace("_", "") for text in texts(node)]
    whole = [text for text in whole if re.fullmatch(r"[+-]?[0-9]+(\.0+)?", text)]
    return any_number(node, is_beyond_32_bits) or any(is_beyond_32_bits(int(text.split(".")[0])) for text in whole)


def object_of(it):
    name = it.region.get("to_name")
    known = it.interface._objects
    return known[name].tag.lower() if isinstance(name, str) and name in known else ""


def ends(it):
    return [it.get("start"), it.get("end")]


def has_fraction(value):
    return isinstance(value, float) and not value.is_integer()


def frames(it):
    ranges = it.get("ranges")
    objects = [item for item in ranges if isinstance(item, dict)] if isinstance(ranges, list) else []
    return [item.get(key) for item in objects for key in ("start", "end")]


def is_repeated(it, name):
    return isinstance(name, str) and any(
        re.fullmatch(re.escape(known).replace(re.escape("{{idx}}"), "[0-9]+"), name) for known in it.interface._controls if "{{idx}}" in known
    )


def takes_no_labels(it):
    own = {"number", "datetime", "textarea", "pairwise", "reactcode"}
    return it.control and it.control.labels and it.tag in own


BOX = {"x": 1, "y": 1, "width": 1, "height": 1}

DIFFERENCES = [
    Difference(
        "both objects of a comparison",
        "Label Studio itself names both in the predictions that it makes of a Pairwise",
        True,
        names_both,
        ("ranker", [region("pair", "a,b", "pairwise", {"selected": "left"})]),
    ),
    Difference(
        "labels of the task beside those of the config",
        "labels that a task brings along are as good as those that the config has",
        True,
        lambda it: is_dynamic(it) and it.control.labels,
        ("dynamic", [region("mixed", "txt", "choices", {"choices": ["from the task"]})]),
    ),
    Difference(
        "labels of the task on something drawn",
        "in one region with what was drawn they are no worse than in two",
        True,
        lambda it: is_dynamic(it) and is_merged(it),
        ("dynamic", [region("cls", "img", "rectanglelabels", {**BOX, "labels": ["from the task"]})]),
    ),
    Difference(
        "a control with the name of its key",
        "the SDK takes the value itself for one that stands below the control's name",
        True,
        lambda it: it.control and it.control.name in ("chatmessage", "reactcode"),
        ("react", [region("reactcode", "reactcode", "reactcode", {"reactcode": {}})]),
    ),
    Difference(
        "Chat with toName",
        "its messages are of type chatmessage all the same",
        True,
        lambda it: it.tag == "chat" and it.type == "chatmessage",
        ("chat", [region("named", "named", "chatmessage", {"chatmessage": {"role": "user", "content": "hi"}})]),
    ),
    Difference(
        "type chat",
        "see there; the SDK looks at nothing in such a value",
        False,
        lambda it: it.tag == "chat",
        ("chat", [region("named", "named", "chat", {})]),
    ),
    Difference(
        "maxRating that is no number",
        "the SDK refuses every rating of it; Label Studio shows five stars",
        True,
        lambda it: it.tag == "rating" and not it.control.attr.get("maxRating", "5").isdigit(),
        ("odd", [region("many", "t", "rating", {"rating": 5})]),
    ),
    Difference(
        "labels in a control that has none",
        "a Label in a Number means nothing; the SDK compares numbers and texts with it",
        True,
        takes_no_labels,
        ("odd", [region("count", "t", "number", {"number": 1})]),
    ),
    Difference(
        "labels of something drawn that are no list of texts",
        "the SDK looks at the letters of a text and the keys of an object there, and takes what is empty for a list",
        False,
        lambda it: is_split(it) and is_no_list_of_texts(it.get("labels")),
        ("tools", [region("rect", "img", "rectangle", BOX), region("cls", "img", "labels", {**BOX, "labels": "A"})]),
    ),
    Difference(
        "labels beside a region whose type is no text",
        "the SDK stumbles over that region, which is refused anyway, while it looks for what was drawn",
        True,
        lambda it: it.tag == "labels" and any(other.get("type") and not isinstance(other["type"], str) for other in it.result),
        ("tools", [region("cls", "img", "labels", {"start": 1, "end": 2, "labels": ["A"]}), region("cls", "nobody", [1], {})]),
    ),
    Difference(
        "one region of labels and something that draws nothing",
        "no region comes of a Choices or of other labels that way",
        False,
        draws_nothing,
        ("odd", [region("l", "t", "choiceslabels", {"choices": ["A"], "labels": ["A"]})]),
    ),
    Difference(
        "texts that are nearly integers",
        "pydantic takes `0__1` and `0-1` for integers, and no other text with two underlines or a sign within",
        False,
        lambda it: any(re.search(r"0(__|-|_-)", text) for text in texts(it.value)),
        ("spans", [region("stars", "t", "rating", {"rating": 1}), region("hl", "h", "hypertextlabels", {"start": 0, "end": 1, "startOffset": "0__1", "hypertextlabels": ["A"]})]),
    ),
    Difference(
        "a name that a Repeater makes",
        "Label Studio's editor writes it, and the SDK's own parser of exports knows such names",
        True,
        lambda it: is_repeated(it, it.region.get("from_name")),
        ("repeater", [region("kind_0", "page_0", "choices", {"choices": ["A"]})]),
    ),
    Difference(
        "a name with the flag of a Repeater",
        "no item of a list has this name",
        False,
        lambda it: "{{idx}}" in str(it.region.get("from_name")) or "{{idx}}" in str(it.region.get("to_name")),
        ("repeater", [region("kind_{{idx}}", "page_{{idx}}", "choices", {"choices": ["A"]})]),
    ),
    Difference(
        "times that are no numbers",
        "labels of sound start and end at a second",
        False,
        lambda it: it.tag == "labels" and object_of(it) in ("audio", "audioplus", "video") and any(isinstance(end, str) for end in ends(it)),
        ("sound", [region("speech", "au", "labels", {"start": "abc", "end": 2, "labels": ["A"]})]),
    ),
    Difference(
        "characters with a fraction",
        "labels of a text start and end at a character",
        False,
        lambda it: it.tag == "labels" and object_of(it) == "text" and any(has_fraction(end) for end in ends(it)),
        ("sound", [region("words", "t", "labels", {"start": 1.5, "end": 2, "labels": ["A"]})]),
    ),
    Difference(
        "frames with a fraction",
        "a timeline starts and ends at a frame",
        False,
        lambda it: it.tag == "timelinelabels" and any(has_fraction(frame) or isinstance(frame, str) for frame in frames(it)),
        ("sound", [region("line", "v", "timelinelabels", {"ranges": [{"start": 1.5, "end": 2}], "timelinelabels": ["A"]})]),
    ),
    Difference(
        "texts that are no finite numbers",
        "neither JSON nor GraphQL has such a number",
        False,
        lambda it: any(is_infinite_text(text) for text in texts(it.value)),
        ("sound", [region("count", "t", "number", {"number": "nan"})]),
    ),
    Difference(
        "integers beyond 32 bits",
        "no such frame or page exists, and GraphQL's integers end there",
        False,
        lambda it: has_huge_integer(it.value),
        ("sound", [region("line", "v", "timelinelabels", {"ranges": [{"start": 1, "end": 2**31}], "timelinelabels": ["A"]})]),
    ),
]


def depth(node):
    if not isinstance(node, (list, dict)):
        return 0
    children = node.values() if isinstance(node, dict) else node
    return 1 + max(map(depth, children), default=0)


def any_number(node, holds):
    if isinstance(node, (list, dict)):
        return any(any_number(child, holds) for child in (node.values() if isinstance(node, dict) else node))
    return isinstance(node, (int, float)) and holds(node)


def is_too_big(number):
    return isinstance(number, int) and not -(2**63) <= number < 2**64


def is_infinite(number):
    return isinstance(number, float) and math.isinf(number)


# What annograph does not even store, whatever the config; then it says nothing of the config.
FORMAT = {
    "an item that is no object": (
        lambda result: any(not isinstance(item, dict) for item in result),
        "[1]",
    ),
    "an id that is no text": (
        lambda result: any(isinstance(item, dict) and "id" in item and not isinstance(item["id"], str) for item in result),
        '[{"id": 1, "from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["A"]}}]',
    ),
    "an integer beyond 64 bits": (
        lambda result: any_number(result, is_too_big),
        '[{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["A"], "n": 18446744073709551616}}]',
    ),
    "a number beyond a double": (
        lambda result: any_number(result, is_infinite),
        '[{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["A"], "n": 1e400}}]',
    ),
    "a lone surrogate": (
        lambda result: any(0xD800 <= ord(letter) < 0xE000 for letter in json.dumps(result, ensure_ascii=False)),
        '[{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["A"], "n": "\\ud800"}}]',
    ),
    "more than 126 levels": (
        lambda result: depth(result) > 126,
        '[{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["A"], "n": ' + "[" * 150 + "]" * 150 + "}}]",
    ),
}
