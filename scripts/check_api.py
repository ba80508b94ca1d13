#!/usr/bin/env python3
"""Checks the public headers: every declaration, field and enumerator that a program can name
has its comment, and the symbols and sizes of structs are those of abi.txt.

usage: check_api.py FOLDER                    counts declarations without a comment
       check_api.py FOLDER --print COMPILER   prints the ABI: symbols and sizes of structs
       check_api.py FOLDER --abi ABI COMPILER LIBRARY...
                                              compares it with a file, and the symbols with
                                              what the shared libraries show
"""
import pathlib
import re
import subprocess
import sys
import tempfile

COMMENT = re.compile(r"/\*\*?.*?\*/", re.S)
FUNCTION = re.compile(r"\b(igd_\w+)\s*\((?!\*)")


class Declarations:
    """Goes through a header, keeping the comment before and behind each declaration."""

    def __init__(self, path):
        self.path = path
        self.functions, self.structs, self.bare = [], [], []
        text = path.read_text()
        text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", lambda m: "\n" * m.group().count("\n"), text,
                      flags=re.M)
        text = re.sub(r"(?<![:\"])//.*", lambda m: " " * len(m.group()), text)
        text = text.replace('extern "C" {', "")
        self.text = text
        self.tokens = [(m.start(), m.group()) for m in re.finditer(
            r"/\*.*?\*/|[{};,]|[^{};,/]+|/", text, re.S)]
        self.read()

    def complain(self, at, what):
        self.bare.append(f"{self.path}:{self.text.count(chr(10), 0, at) + 1}: {what}")

    def read(self):
        before, words, start, kind, depth = False, "", 0, None, 0
        parens = 0
        tokens = self.tokens
        inside = None  # "struct", "enum" or "body"
        for i, (at, token) in enumerate(tokens):
            if token.startswith("/*"):
                if token.startswith("/**") and not token.startswith("/**<"):
                    before = before or not words.strip()
                continue
            behind = i + 1 < len(tokens) and self.comment_behind(i)
            if token == "{":
                if re.search(r"\b(struct|enum|union)\b", words) and inside is None:
                    inside = "enum" if "enum" in words else "struct"
                    name = re.findall(r"\bigd_\w+", words)
                    if not before:
                        self.complain(at, f"{(name or ['type'])[-1]} has no comment")
                    if inside == "struct" and name:
                        self.structs.append(name[-1])
                elif inside is None and words.strip():
                    self.function(words, at, before)
                    inside = "body"
                else:
                    depth += 1
                before, words = False, ""
            elif token == "}":
                if depth > 0:
                    depth -= 1
                elif inside == "enum":
                    self.field(words, at, before or behind or self.last_behind(i))
                    inside = None
                elif inside is not None:
                    inside = None if inside == "body" else "closing"
                    if inside == "closing":
                        inside = None
                before, words = False, ""
                self.after_close = True
            elif token == ";" or (token == "," and inside == "enum" and parens == 0):
                if inside in ("struct", "enum"):
                    self.field(words, at, before or behind)
                elif inside is None:
                    self.declaration(words, at, before)
                before, words = False, ""
            else:
                words += token
                if token.strip() and not words.strip():
                    start = at
        return start

    def comment_behind(self, i):
        between = ""
        for _, token in self.tokens[i + 1:i + 3]:
            if token.startswith("/**<"):
                return True
            between += token
            if between.strip():
                return False
        return False

    def last_behind(self, i):
        return any(token.startswith("/**<") for _, token in self.tokens[i - 3:i])

    def field(self, words, at, said):
        names = re.findall(r"\w+", words.split("=")[0])
        if names and not said:
            self.complain(at, f"{names[-1]} has no comment")

    def function(self, words, at, said):
        found = FUNCTION.search(words)
        if found is None:
            return
        if not said:
            self.complain(at, f"{found.group(1)}() has no comment")
        if "static inline" not in words:
            self.functions.append(found.group(1))

    def declaration(self, words, at, said):
        if not words.strip() or re.fullmatch(r"\s*igd_\w+\s*", words):
            return  # the name behind a struct
        if "typedef" in words:
            if not said:
                self.complain(at, f"{words.split()[-1]} has no comment")
            return
        self.function(words, at, said)


def headers(root):
    return [Declarations(p) for p in sorted((root / "include" / "igdef").glob("*.h"))]


def sizes(root, compiler, structs):
    lines = "".join(f'    printf("struct {s} %zu\\n", sizeof({s}));\n' for s in structs)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "sizes.c"
        source.write_text('#include <stdio.h>\n#include "igdef.h"\n'
                          "int main(void)\n{\n" + lines + "}\n")
        program = pathlib.Path(folder) / "sizes"
        subprocess.run([compiler, "-std=c11", f"-I{root / 'include'}", "-c", source, "-o",
                        f"{program}.o"], check=True)
        subprocess.run([compiler, f"{program}.o", "-o", program,
                        "-Wl,--unresolved-symbols=ignore-all"], check=True)
        return subprocess.run([program], check=True, capture_output=True,
                              text=True).stdout.splitlines()


def abi(root, compiler, found):
    functions = sorted(f for h in found for f in h.functions)
    structs = sorted({s for h in found for s in h.structs})
    return [f"function {f}" for f in functions] + sizes(root, compiler, structs)


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()
            if line.split()[-2] != "A"}


def compare(what, expected, real):
    for line in sorted(expected - real):
        print(f"{what}: {line} is missing")
    for line in sorted(real - expected):
        print(f"{what}: {line} is new")
    return len(expected ^ real)


def main():
    root = pathlib.Path(sys.argv[1])
    found = headers(root)
    faults = [line for h in found for line in h.bare]
    if len(sys.argv) == 2:
        print("\n".join(faults + [f"{len(faults)} declarations without a comment, "
                                  f"{sum(len(h.functions) for h in found)} functions"]))
        sys.exit(1 if faults else 0)
    real = abi(root, sys.argv[-1] if sys.argv[2] == "--print" else sys.argv[4], found)
    if sys.argv[2] == "--print":
        print("\n".join(real))
        return
    name = sys.argv[3]
    wrong = compare(name, set(pathlib.Path(name).read_text().split("\n")) - {""}, set(real))
    functions = {line.split()[1] for line in real if line.startswith("function ")}
    for library in sys.argv[5:]:
        wrong += compare(library, functions, exported(library))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
