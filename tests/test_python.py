#!/usr/bin/env python3
"""scripts/igdef.py, with numpy alone and beside PyTorch.

usage: test_python.py SOURCE_FOLDER LIBRARY [torch]
"""
import ctypes
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
root, library = pathlib.Path(sys.argv[1]), sys.argv[2]
beside_torch = sys.argv[3:] == ["torch"]
if importlib.util.find_spec("numpy") is None:
    print("skipped: no numpy")
    sys.exit(SKIPPED)
if beside_torch:
    import torch
import numpy as np

os.environ["IGDEF_LIBRARY"] = library
sys.dont_write_bytecode = True
sys.path.insert(0, str(root / "scripts"))
import igdef


def libtorch():
    """The version that the library runs with."""
    tell = ctypes.CDLL(library).igd_torch_version
    tell.restype = ctypes.c_char_p
    return tell().decode()


MODEL = root / "tests" / "data" / "fashion_resnet.pt"
SHAPE = (1, 28, 28)


def refuses(kind, text, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except kind as fault:
        assert text in str(fault), fault
        return fault
    raise AssertionError(f"{text}: not refused")


def structs_are_the_library_s():
    sizes = dict(line.split()[1:] for line in (root / "cmake" / "abi.txt").open()
                 if line.startswith("struct "))
    import ctypes
    compared = 0
    for value in vars(igdef).values():
        if isinstance(value, type) and issubclass(value, ctypes.Structure):
            assert ctypes.sizeof(value) == int(sizes[value.__name__]), value.__name__
            compared += 1
    assert compared >= 7, compared


def main():
    structs_are_the_library_s()
    igdef.set_num_threads(1)
    images = np.random.default_rng(0).random((12, *SHAPE), np.float32)
    model = igdef.Model(MODEL, SHAPE)
    logits = model.predict(images)
    assert logits.shape == (12, 10) and np.isfinite(logits).all()
    labels = logits.argmax(1)
    if beside_torch:
        with torch.no_grad():
            real = torch.jit.load(str(MODEL)).eval()(torch.from_numpy(images)).numpy()
        assert np.abs(real - logits).max() < 1e-4, np.abs(real - logits).max()

    # Arrays of any layout and type are taken for what they hold.
    assert np.array_equal(model.predict(np.asfortranarray(images)), logits)
    assert np.array_equal(model.predict(images.astype(np.float64)), logits)
    refuses(ValueError, "the model takes", model.predict, images[:, :, :5])
    refuses(ValueError, "axes", model.predict, images[0])
    fault = refuses(igdef.Error, "outside [0, 1]", model.predict, images + 1)
    assert fault.status == 1
    refuses(igdef.Error, "/nonexistent.pt: ", igdef.Model, "/nonexistent.pt", SHAPE)
    refuses(TypeError, "no field 'quick'", igdef.Model, MODEL, SHAPE, quick=True)

    ranking = igdef.Ranking.loir(model, "penultimate", np.repeat(images, 4, 0),
                                 np.arange(48) % 10)
    assert ranking.layer == "penultimate" and ranking.score.shape[0] == 10
    again = igdef.Ranking.from_scores(model, "penultimate", ranking.score)
    assert np.array_equal(again.score, ranking.score)
    refuses(igdef.Error, "neurons", igdef.Ranking.from_scores, model, "penultimate",
            ranking.score[:, :3])

    defense = igdef.Defense(model, ranking, keep=20, sigma=0.1, temperature=1.0)
    assert defense.description["keep"] == 20
    assert not np.array_equal(defense.predict(images), defense.predict(images))
    keyed = defense.predict(images, np.arange(12))
    assert np.array_equal(keyed[3:7], defense.predict(images, np.arange(12))[3:7])

    x_adv, outcomes = model.attack("apgd-ce", images, labels, eps=0.3, set="steps=20")
    assert np.abs(x_adv - images).max() <= 0.3 + 1e-6
    assert outcomes["fooled"].any() and (outcomes["forwards"] > 0).all()
    assert (model.predict(x_adv).argmax(1) != labels)[outcomes["fooled"]].all()
    model.attack("square", images[:2], labels[:2], eps=0.1, defense=defense, set="queries=5")

    stages = []
    with tempfile.TemporaryDirectory() as folder:
        ranking.save(pathlib.Path(folder) / "r.safetensors")
        loaded = igdef.Ranking.load(pathlib.Path(folder) / "r.safetensors")
        assert np.array_equal(loaded.score, ranking.score)
        result = model.evaluate(images, labels, "apgd-ce", eps=0.3, set="apgd-ce.steps=20",
                                checks=False, progress=lambda *a: stages.append(a))
        assert result.clean_acc == 1.0 and result.worst_acc < 1.0 and stages
        result.save(f"{folder}/r.json")
        assert igdef.Result.load(f"{folder}/r.json").json == result.json
    stopped = refuses(igdef.Error, "", model.evaluate, images, labels, "apgd-ce",
                      progress=lambda *_: True)
    assert stopped.status == igdef.CANCELED

    def fails(*_):
        raise KeyError("of the callback")
    refuses(KeyError, "of the callback", model.evaluate, images, labels, progress=fails)
    print("scripts/igdef.py", "beside PyTorch" if beside_torch else "with numpy")
    if beside_torch:
        return
    if importlib.util.find_spec("torch") is None:
        print("skipped: no PyTorch to stand beside")
        return
    theirs = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"],
                            capture_output=True, text=True, check=True).stdout
    if theirs.split(".")[:2] != libtorch().split(".")[:2]:
        print(f"skipped: PyTorch {theirs.strip()} where the library has libtorch {libtorch()}")
        return
    subprocess.run([sys.executable, __file__, root, library, "torch"], check=True)


main()
