"""Writes a Label Studio file: TASKS tasks with two annotations of about 2 KB each."""

import json
import random
import sys

random.seed(7)


def region(number):
    corner = [round(random.uniform(0, 80), 6) for _ in range(4)]
    return {
        "original_width": 1920,
        "original_height": 1080,
        "image_rotation": 0,
        "value": {
            "x": corner[0],
            "y": corner[1],
            "width": corner[2] / 4,
            "height": corner[3] / 4,
            "rotation": 0,
            "rectanglelabels": [random.choice(["Car", "Person", "Bike"])],
        },
        "id": f"r{number}",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "origin": "manual",
    }


def annotation():
    return {"result": [region(number) for number in range(8)], "lead_time": 4.5, "completed_by": 1}


tasks = int(sys.argv[1])
print("[")
for number in range(tasks):
    task = {
        "data": {"image": f"https://example.com/{number}.jpg"},
        "annotations": [annotation(), annotation()],
    }
    print(json.dumps(task) + ("," if number + 1 < tasks else ""))
print("]")
