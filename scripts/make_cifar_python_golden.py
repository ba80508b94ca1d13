#!/usr/bin/env python3
"""Writes tests/golden/cifar_python: CIFAR's Python version with a few images a file, in the
forms that its files come in: as Python 2 wrote them, which the published ones are, and as
Python 3 and NumPy write them today.

usage: scripts/make_cifar_python_golden.py
Image i of a file has the label (i * 7 + 3) % classes and pixels (i * 31 + position) % 256.
"""

import pickle
import struct
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "cifar_python"
NUM, PIXELS = 2, 3072


def images():
    i, j = np.indices((NUM, PIXELS))
    return ((i * 31 + j) % 256).astype(np.uint8)


def labels(classes):
    return [(i * 7 + 3) % classes for i in range(NUM)]


class Python2:
    """Writes what cPickle of Python 2 writes in protocol 2: texts are byte strings."""

    def __init__(self):
        self.out, self.places = bytearray(b"\x80\x02"), 0

    def put(self):
        self.places += 1
        self.out += b"q" + bytes([self.places])

    def text(self, value):
        value = value.encode() if isinstance(value, str) else value
        small = len(value) < 256
        self.out += b"U" + bytes([len(value)]) if small else b"T" + struct.pack("<i", len(value))
        self.out += value
        self.put()

    def number(self, value):
        if 0 <= value < 256:
            self.out += b"K" + bytes([value])
        elif 0 <= value < 65536:
            self.out += b"M" + struct.pack("<H", value)
        else:
            self.out += b"J" + struct.pack("<i", value)

    def array(self, value):
        self.out += b"cnumpy.core.multiarray\n_reconstruct\n"
        self.put()
        self.out += b"cnumpy\nndarray\n"
        self.put()
        self.number(0)
        self.out += b"\x85"  # TUPLE1
        self.put()
        self.text("b")
        self.out += b"\x87"  # TUPLE3
        self.put()
        self.out += b"R"
        self.put()
        self.out += b"("
        self.number(1)
        for length in value.shape:
            self.number(length)
        self.out += b"\x86"  # TUPLE2
        self.put()
        self.out += b"cnumpy\ndtype\n"
        self.put()
        self.text("u1")
        self.number(0)
        self.number(1)
        self.out += b"\x87"
        self.put()
        self.out += b"R"
        self.put()
        self.out += b"("
        self.number(3)
        self.text("|")
        self.out += b"NNN"
        self.number(-1)
        self.number(-1)
        self.number(0)
        self.out += b"t"
        self.put()
        self.out += b"b\x89"  # BUILD, NEWFALSE
        self.text(value.tobytes())
        self.out += b"t"
        self.put()
        self.out += b"b"

    def value(self, value):
        if isinstance(value, dict):
            self.out += b"}"
            self.put()
            self.out += b"("
            for key, item in value.items():
                self.text(key)
                self.value(item)
            self.out += b"u"
        elif isinstance(value, list):
            self.out += b"]"
            self.put()
            self.out += b"("
            for item in value:
                self.value(item)
            self.out += b"e"
        elif isinstance(value, np.ndarray):
            self.array(value)
        elif isinstance(value, int):
            self.number(value)
        else:
            self.text(value)

    @classmethod
    def dumps(cls, value):
        writer = cls()
        writer.value(value)
        return bytes(writer.out + b".")


def write(name, data):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main():
    ten = {
        "batch_label": "testing batch 1 of 1",
        "labels": labels(10),
        "data": images(),
        "filenames": [f"image_{i}.png" for i in range(NUM)],
    }
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()
    write("ten/test_batch", Python2.dumps(ten))
    write("ten/batches.meta", Python2.dumps({"num_cases_per_batch": NUM, "label_names": names,
                                             "num_vis": PIXELS}))
    as_bytes = {key.encode(): value for key, value in ten.items()}
    for batch, protocol in enumerate((2, 3, 4, 5), 1):
        write(f"ten/data_batch_{batch}", pickle.dumps(as_bytes, protocol=protocol))
    hundred = {
        "filenames": [f"image_{i}.png" for i in range(NUM)],
        "batch_label": "testing batch 1 of 1",
        "fine_labels": labels(100),
        "coarse_labels": [0] * NUM,
        "data": images(),
    }
    write("hundred/test", Python2.dumps(hundred))
    write("hundred/meta", Python2.dumps({"fine_label_names": [f"fine {c}" for c in range(100)],
                                         "coarse_label_names": [f"c {c}" for c in range(20)]}))


if __name__ == "__main__":
    main()
