#!/usr/bin/env python3
"""Prints measures of the code as a Markdown table, a row for each folder.

    python3 tests/measures/code.py [FOLDER ...]

Lines are counted as they are formatted. Tests of a module, in a file `tests.rs` or from `#[cfg(test)]` to the end of the file,
are left out of all columns but the lengths of files. Functions are found by their `fn` line and end at the first line that has the same
indentation and begins with a brace: exact for formatted code.
"""

import re
import statistics
import subprocess
import sys

FOLDERS = ["src", "src/domain", "src/endpoint", "src/graphql", "crates", "tests/it"]
HEAD = ["folder", "files", "median", "p90", "max", "`//!`", "doc/100", "inline/100", "fn median / p90 / max", "fn > 60", "unwrap/kloc", "dyn/kloc", "https"]


def files(folder):
    listed = subprocess.run(["git", "ls-files", folder], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split() if name.endswith(".rs")]


def production(lines):
    """The lines before the tests of a module."""
    for number, line in enumerate(lines):
        if line.startswith("#[cfg(test)]") and number + 1 < len(lines) and lines[number + 1].startswith("mod tests {"):
            return lines[:number]
    return lines


def functions(lines):
    """The lengths of functions in lines, from the line of `fn` to the closing brace."""
    for start, line in enumerate(lines):
        head = re.match(r"(\s*)(?:pub(?:\([^)]*\))? )?(?:const )?(?:async )?(?:extern \"[^\"]*\" )?fn \w", line)
        if not head:
            continue
        for end in range(start, len(lines)):
            if lines[end].rstrip().endswith(";") and end == start:
                break
            if re.match(re.escape(head[1]) + r"\}", lines[end]) or (end == start and line.rstrip().endswith("}")):
                yield end - start + 1
                break
            if end > start and lines[end] == head[1] + ";":
                break


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def row(folder):
    names = files(folder)
    lengths, lines, headed, of_functions = [], [], 0, []
    for name in names:
        text = open(name, encoding="utf-8").read().splitlines()
        lengths.append(len(text))
        headed += any(line.startswith("//!") for line in text[:3])
        kept = [] if name.endswith("/tests.rs") else production(text)
        lines += kept
        of_functions += functions(kept)
    code = [line for line in lines if line.strip() and not line.strip().startswith("//")]
    doc = sum(bool(re.match(r"\s*///", line)) for line in lines)
    inline = sum(bool(re.match(r"\s*//(?![/!])", line)) for line in lines)
    joined = "\n".join(code)
    thousand = max(len(code), 1) / 1000
    return [
        folder, len(names), int(statistics.median(lengths)), percentile(lengths, 0.9), max(lengths),
        f"{100 * headed / len(names):.0f} %", f"{doc / thousand / 10:.1f}", f"{inline / thousand / 10:.1f}",
        f"{int(statistics.median(of_functions))} / {percentile(of_functions, 0.9)} / {max(of_functions)}",
        f"{100 * sum(length > 60 for length in of_functions) / len(of_functions):.1f} %",
        f"{len(re.findall(r'[.]unwrap[(][)]', joined)) / thousand:.1f}", f"{len(re.findall('[^a-z_]dyn ', joined)) / thousand:.1f}",
        sum(line.count("https://") for line in lines),
    ]


def table(folders):
    yield HEAD
    yield ["---"] * len(HEAD)
    yield from (row(folder) for folder in folders if files(folder))


for cells in table(sys.argv[1:] or FOLDERS):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")
