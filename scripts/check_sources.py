#!/usr/bin/env python3
"""Rules of the sources that no compiler checks. usage: check_sources.py [ROOT]

Prints file, line and rule of every breach; exit code 1 if there is any.
"""
import pathlib
import re
import sys

STRING = r'"(?:[^"\\\n]|\\.)*"'
FRACTION = re.compile(r"%[-+ #0-9.*]*l?[aAeEfFgG]")
PRINTERS = re.compile(r"(?<![\w.>])(v?(?:f|s|sn|d)?printf)\s*\(")
# What follows the program's locale, for whose work core/number.h and core/letters.h are.
LOCALE = re.compile(
    r"(?<![\w.>])(strto(?:d|f|ld)|ato[fi]|v?[fs]?scanf|strn?casecmp|strcoll|setlocale"
    r"|is(?:alpha|alnum|digit|space|upper|lower|print|punct)|to(?:lower|upper)"
    r"|std::(?:stod|stof|ostringstream|stringstream))\s*\(")


def call(text, start):
    """The text of a call from the parenthesis at `start` to the one that closes it."""
    depth = 0
    for token in re.finditer(STRING + r"|'(?:[^'\\]|\\.)*'|[()]", text[start:]):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if depth == 0:
            return text[start:start + token.end()]
    return text[start:]


def without_comments(text):
    """The same text, of the same lines, with nothing in its comments."""
    pattern = STRING + r"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|/\*.*?\*/"
    return re.sub(
        pattern,
        lambda m: m.group() if m.group()[0] != "/" else re.sub(r"[^\n]", " ", m.group()),
        text, flags=re.S)


def numbers_follow_no_locale(path, text):
    if path.as_posix().endswith("core/number.c"):
        return
    for m in LOCALE.finditer(text):
        yield m.start(), f"{m.group(1)}() follows the program's locale"
    for m in PRINTERS.finditer(text):
        literal = "".join(re.findall(STRING, call(text, m.end() - 1)))
        if FRACTION.search(literal.replace("%%", "")):
            yield m.start(), f"{m.group(1)}() prints a fraction by the program's locale"


def json_lacks_nothing_unseen(path, text):
    """cJSON's builders fail in silence; those of core/json_build.h and igd_json_text() do
    not."""
    if path.stem in ("json_build", "json", "json_difference"):
        return
    for m in re.finditer(r"\bcJSON_(Add|Insert|Replace|Print)\w*\(", text):
        yield m.start(), f"{m.group()[:-1]}() does not say that memory has run out"


def public_functions(root):
    """Header and name of every function that a program may call."""
    for path in sorted((root / "include" / "igdef").glob("*.h")):
        text = without_comments(path.read_text())
        for name in re.findall(r"^[a-z][\w \*]*?[ \*](igd_\w+)\([^;{}]*\);", text, re.M):
            yield path, name


def misuse_is_tested(root):
    tested = (root / "tests" / "test_misuse.c").read_text()
    tested += (root / "tests" / "test_embed.c").read_text()  # has the _init() in a macro
    for path, name in public_functions(root):
        if name.endswith("_init"):
            if f"KNOWS_SIZES({name[:-len('_init')]}," not in tested:
                yield path, f"{name}() is not in tests/test_embed.c"
        elif not re.search(rf"\b{name}\(", tested):
            yield path, f"{name}() is not in tests/test_misuse.c"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    breaches = 0
    for folder in ("src", "shim"):
        for path in sorted((root / folder).rglob("*.[ch]*")):
            text = without_comments(path.read_text())
            for at, what in (*numbers_follow_no_locale(path, text),
                             *json_lacks_nothing_unseen(path, text)):
                print(f"{path.relative_to(root)}:{text.count(chr(10), 0, at) + 1}: {what}")
                breaches += 1
    for path, what in misuse_is_tested(root):
        print(f"{path.relative_to(root)}: {what}")
        breaches += 1
    sys.exit(1 if breaches else 0)


main()
