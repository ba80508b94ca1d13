#!/usr/bin/env python3
"""Makes tests/golden/clip: the part of CLIP's vocabulary that some texts can use, and their tokens.

Takes CLIP's merges (bpe_simple_vocab_16e6.txt.gz of openai/CLIP) and the tokens that the reference
tokenizer gives the texts: a JSON array of {"text", "tokens"}. Of the merges those stay that join to
a piece of a text, in their order, so that the texts are joined as before; tokens are numbered anew
by what is left before them.

usage: make_token_golden.py VOCABULARY.txt.gz TOKENS.json
"""
import gzip
import html
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent.parent / "tests/golden/clip"
NUM_MERGES = 49152 - 256 - 2  # that CLIP takes of its file
NUM_BYTES = 256


def byte_alphabet():
    """The printable character that stands for each byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {**{b: chr(b) for b in shown}, **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    head, *merges = gzip.open(sys.argv[1], "rt", encoding="utf-8").read().splitlines()
    merges = merges[:NUM_MERGES]
    with open(sys.argv[2]) as f:
        cases = json.load(f)
    alphabet = byte_alphabet()
    spelled = " ".join("".join(alphabet[b] if b != 32 else " " for b in text.encode())
                       for case in cases
                       for text in {html.unescape(html.unescape(case["text"])).lower(),
                                    case["text"].lower()})
    kept = [i for i, merge in enumerate(merges)
            if merge.replace(" ", "").replace("</w>", "") in spelled]
    number = {2 * NUM_BYTES + i: 2 * NUM_BYTES + place for place, i in enumerate(kept)}
    number.update({i: i for i in range(2 * NUM_BYTES)})
    first_free = 2 * NUM_BYTES + len(kept)
    number.update({2 * NUM_BYTES + NUM_MERGES + i: first_free + i for i in range(2)})
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "vocabulary.txt").write_text(
        "\n".join([head, *(merges[i] for i in kept)]) + "\n", encoding="utf-8")
    lines = [json.dumps({"text": case["text"], "tokens": [number[t] for t in case["tokens"]]})
             for case in cases]
    (FOLDER / "tokens.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(cases)} texts, {len(kept)} of {len(merges)} merges")


if __name__ == "__main__":
    main()
