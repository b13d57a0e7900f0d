"""CPU time and memory of processes, from `/proc`, and a description of the machine."""

import os
import platform
import re
import statistics
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def stat_fields(pid):
    """Fields of `/proc/PID/stat` behind the command: `[0]` is the state, `[1]` the parent."""
    text = Path(f"/proc/{pid}/stat").read_text()
    # The command may contain spaces and brackets, so the fields begin behind the last bracket.
    return text[text.rindex(")") + 2 :].split()


def process_tree(root):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(stat_fields(entry)[1]), []).append(int(entry))
            except OSError:
                continue  # Ended since the listing.
    tree, pending = [], [root]
    while pending:
        pid = pending.pop()
        tree.append(pid)
        pending += children.get(pid, [])
    return tree


def cpu_seconds(root):
    """User and system time of a process tree, ended and awaited children included."""
    ticks = 0
    for pid in process_tree(root):
        try:
            ticks += sum(int(field) for field in stat_fields(pid)[11:15])
        except OSError:
            continue
    return ticks / TICKS_PER_SECOND


def memory(pid):
    """Resident memory of a process in MB: `VmRSS` now and `VmHWM` at its peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024
        for name in ("VmRSS", "VmHWM")
    }


def load_average():
    """Runnable threads of the last minute; other work on the machine spoils a measurement."""
    return os.getloadavg()[0]


def sync_milliseconds(folder, count=100):
    """Median time of a write of 8 KB with fdatasync: the least that a durable commit can take."""
    file = folder / "sync"
    times = []
    with open(file, "wb") as target:
        for _ in range(count):
            begin = time.monotonic()
            target.write(bytes(8192))
            target.flush()
            os.fdatasync(target.fileno())
            times.append(time.monotonic() - begin)
    file.unlink()
    return statistics.median(times) * 1000


def description():
    """Processor, memory and system, in one line."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    total = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    return (
        f"{os.cpu_count()} logical processors ({model[1] if model else platform.machine()}), "
        f"{total / (1 << 20):.0f} GB of memory, {platform.system()} {platform.release()}"
    )
