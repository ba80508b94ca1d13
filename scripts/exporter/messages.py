"""What the exporter says: one line a failure, one line a note."""

import sys

PROGRAM = "export_torchscript.py"


class ExportError(Exception):
    """A failure with a one-line message."""


def note(text):
    print(f"{PROGRAM}: note: {text}", file=sys.stderr)


def first_line(error):
    """What an exception says, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # The interpreter of TorchScript puts a stack first and what happened last.
    text = lines[-1] if "TorchScript interpreter" in lines[0] else lines[0]
    if len(lines) > 1 and text.endswith(":"):
        text += " " + lines[1]
    return text if len(text) <= 300 else text[:297] + "..."


def reason(error):
    """The first line of an exception, after its class where that tells more."""
    text = first_line(error)
    name = type(error).__name__
    return text if name in ("RuntimeError", "ExportError") or text == name else f"{name}: {text}"


def some(names):
    """At most four names for a message."""
    names = list(names)
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
