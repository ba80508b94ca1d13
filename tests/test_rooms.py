#!/usr/bin/env python3
"""The rooms of src/README.md: a file includes lower floors and its own, headers do not include each
other in a circle, rooms without libtorch call nothing that needs it, and the command takes of src/
what tools/core.h has.

usage: test_rooms.py SOURCE LIBRARY
"""
import collections
import pathlib
import re
import subprocess
import sys

FLOORS = {
    "include": 0, "core": 1, "shim": 2, "data": 2, "model": 3, "attack": 4, "rank": 4,
    "defend": 5, "engine": 6, "result": 6, "chart": 6, "evaluate": 7, "report": 7, "analyze": 8,
}
WITHOUT_LIBTORCH = {"core", "data", "result", "chart", "report"}
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def room_of(path: pathlib.Path, source: pathlib.Path) -> str:
    parts = path.relative_to(source).parts
    return parts[1] if parts[0] == "src" else parts[0]


def find(name: str, source: pathlib.Path):
    for folder in ("include", "src", "shim"):
        if (source / folder / name).exists():
            return source / folder / name
    return None


def circles(graph: dict) -> list:
    """Names on a circle, found as what a walk from them comes back to."""
    found = []
    for start in graph:
        seen, left = set(), list(graph[start])
        while left:
            node = left.pop()
            if node not in seen:
                seen.add(node)
                left += graph.get(node, ())
        if start in seen:
            found.append(start)
    return sorted(map(str, found))


def includes_of_tools(source: pathlib.Path) -> list:
    """What files of tools/ include that core.h is there for."""
    found = []
    for path in sorted((source / "tools").glob("*.[ch]")):
        text = path.read_text()
        names = [n for n in INCLUDE.findall(text) if (source / "src" / n).exists()]
        names += re.findall(r"^#include <(cjson/[^>]+)>", text, re.M)
        if path.name != "core.h":
            found += [f"tools/{path.name}: includes {name}, which tools/core.h is for"
                      for name in names]
    return found


def objects_of(library: str) -> dict:
    """What each object defines and wants, of the functions of igdef."""
    defines, wants, name = collections.defaultdict(set), collections.defaultdict(set), ""
    for line in subprocess.run(["nm", library], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        if line.endswith(":"):
            name = line[:-1]
        match = re.match(r"\S*\s+([A-Za-z]) (ig[dt]_\w+)$", line)
        if match:
            (wants if match[1] == "U" else defines)[name].add(match[2])
    return {"defines": defines, "wants": wants}


def main() -> int:
    source, faults = pathlib.Path(sys.argv[1]), []
    files = [p for pattern in ("include/**/*.h", "src/*/*.[ch]", "shim/*.[ch]*")
             for p in source.glob(pattern)]
    graph, homes = {}, {}
    for path in files:
        room, graph[path] = room_of(path, source), set()
        homes[path.name + ".o"] = room
        if room not in FLOORS:
            faults.append(f"{room}: a room that has no floor")
            continue
        for name in INCLUDE.findall(path.read_text()):
            other = find(name, source)
            if other is None:
                continue
            if other.suffix == ".h" and path.suffix == ".h":
                graph[path].add(other)
            below = room_of(other, source)
            if FLOORS[below] > FLOORS[room] or (
                    FLOORS[below] == FLOORS[room] and below != room):
                faults.append(f"{path.relative_to(source)}: includes {name} of a floor that "
                              "is not below")
    faults += [f"{c}: in a circle of includes" for c in circles(graph)]
    faults += includes_of_tools(source)

    objects = objects_of(sys.argv[2])
    owner = {s: o for o, symbols in objects["defines"].items() for s in symbols}
    calls = {o: {owner[s] for s in symbols if s in owner and owner[s] != o}
             for o, symbols in objects["wants"].items()}
    faults += [f"{c}: in a circle of calls" for c in circles(calls)]
    for name, called in calls.items():
        for other in called:
            if homes.get(name) in WITHOUT_LIBTORCH and homes.get(other) == "shim":
                faults.append(f"{name}: calls {other}, which needs libtorch")

    print("\n".join(faults) or f"{len(files)} files in {len(FLOORS)} rooms")
    return 1 if faults or len(files) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
