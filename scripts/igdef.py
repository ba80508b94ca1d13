"""igdef from Python: ctypes over the shared library, numpy arrays in and out.

    import igdef
    model = igdef.Model("model.pt", (3, 32, 32))
    ranking = igdef.Ranking.loir(model, "penultimate", images, labels)
    defense = igdef.Defense(model, ranking, keep=50)
    logits = defense.predict(images)
    x_adv, outcomes = model.attack("apgd-ce", images, labels, eps=8 / 255, defense=defense)
    result = model.evaluate(images, labels, "autoattack", eps=8 / 255, progress=print)

Classes and names are those of the C headers, which are the reference. Options are the fields of
the C structs as keywords. Images are float32 [N, C, H, W] in [0, 1], labels integers [N]. A failure
raises igdef.Error with the library's message and `status`.

The library is libigdef.so.0: the file that IGDEF_LIBRARY names, one beside this file or in the
lib folder beside its own, or the system's. It needs the libtorch that it was built with. A Python
that imports another PyTorch in the same process has two; import igdef first or not at all then.
"""
import ctypes
import ctypes.util
import json
import os
import pathlib

import numpy as np

_c = ctypes
_float_p, _int32_p, _int64_p = (_c.POINTER(t) for t in (_c.c_float, _c.c_int32, _c.c_int64))
_progress_fn = _c.CFUNCTYPE(_c.c_int, _c.c_char_p, _c.c_double, _c.c_double, _c.c_void_p)
_message_fn = _c.CFUNCTYPE(None, _c.c_char_p, _c.c_void_p)
CANCELED = 8
NORMS = {"Linf": 0, "L2": 1, "L1": 2}


class Error(RuntimeError):
    """A call failed; `status` is the number of its igd_status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def _struct(name, *fields):
    return type(name, (_c.Structure,), {"_fields_": list(fields)})


_text = _c.c_char_p
_Threat = _struct("igd_threat", ("norm", _c.c_int), ("eps", _c.c_double))
_ModelOptions = _struct(
    "igd_model_options", ("size", _c.c_size_t), ("device", _text), ("mean", _float_p),
    ("std", _float_p), ("num_channels", _c.c_int), ("output", _text), ("plain", _c.c_bool),
    ("skip_check", _c.c_bool), ("batch_invariant", _c.c_bool), ("clamp_pixels", _c.c_bool),
    ("keep_cuda_settings", _c.c_bool))
_LoirOptions = _struct(
    "igd_loir_options", ("size", _c.c_size_t), ("batch_size", _c.c_int),
    ("over_all", _c.c_bool), ("plain", _c.c_bool), ("progress", _progress_fn),
    ("payload", _c.c_void_p))
_DefenseOptions = _struct(
    "igd_defense_options", ("size", _c.c_size_t), ("keep", _c.c_int), ("sigma", _c.c_double),
    ("num_smooth", _c.c_int), ("temperature", _c.c_double), ("seed", _c.c_uint64),
    ("force", _c.c_bool), ("mask", _c.c_int), ("one_pass", _c.c_bool))
_AttackOptions = _struct(
    "igd_attack_options", ("size", _c.c_size_t), ("set", _text), ("seed", _c.c_uint64),
    ("batch_size", _c.c_int), ("highest_loss", _c.c_bool), ("fixed_noise", _c.c_bool),
    ("indices", _int64_p), ("progress", _progress_fn), ("payload", _c.c_void_p))
_Outcome = _struct(
    "igd_attack_outcome", ("fooled", _c.c_bool), ("loss", _c.c_double),
    ("distance", _c.c_double), ("forwards", _c.c_int64), ("backwards", _c.c_int64),
    ("queries", _c.c_int64))
_EvaluateOptions = _struct(
    "igd_evaluate_options", ("size", _c.c_size_t), ("threat", _Threat), ("attacks", _text),
    ("set", _text), ("report", _c.c_int), ("seed", _c.c_uint64), ("batch_size", _c.c_int),
    ("keep_batch_size", _c.c_bool), ("precision", _c.c_int), ("num_draws", _c.c_int),
    ("fixed_noise", _c.c_bool), ("shortcuts", _c.c_bool), ("checks", _c.c_bool),
    ("bounds", _c.c_bool),
    ("audit", _c.c_double), ("allow_nonfinite", _c.c_bool), ("expect_clean", _c.c_double),
    ("surrogate_temperature", _c.c_double), ("joint_weight", _c.c_double), ("smaller", _c.c_void_p), ("pass_cache", _c.c_void_p),
    ("order", _c.c_int), ("budget_seconds", _c.c_double), ("budget_images", _c.c_int64),
    ("until_width", _c.c_double), ("until_difference", _c.c_void_p),
    ("state", _text), ("finished", _text), ("restart", _c.c_bool),
    ("save_seconds", _c.c_double), ("cache", _text), ("cache_all", _c.c_bool),
    ("save_adversarial", _text), ("command", _text), ("data_path", _text),
    ("data_split", _text), ("preprocess", _text), ("progress", _progress_fn),
    ("message", _message_fn), ("payload", _c.c_void_p))


def _open():
    here = pathlib.Path(__file__).resolve().parent
    names = [os.environ.get("IGDEF_LIBRARY"), here / "libigdef.so.0",
             here.parent / "lib" / "libigdef.so.0", here.parent.parent / "lib" / "libigdef.so.0",
             ctypes.util.find_library("igdef"), "libigdef.so.0"]
    faults = []
    for name in filter(None, names):
        if isinstance(name, pathlib.Path) and not name.exists():
            continue
        try:
            return ctypes.CDLL(str(name))
        except OSError as fault:
            faults.append(str(fault))
    raise ImportError("no libigdef.so.0: " + "; ".join(faults))


_lib = _open()
for _name, _type in {
        "error_message": _text, "version": _text, "result_json": _text, "result_text": _text,
        "result_clean_acc": _c.c_double, "result_worst_acc": _c.c_double,
        "ranking_layer": _text, "ranking_score": _float_p, "defense_description": _text,
        "model_sha256": _text}.items():
    getattr(_lib, "igd_" + _name).restype = _type
for _name in ("model", "ranking", "defense", "dataset", "result"):
    getattr(_lib, f"igd_{_name}_free").argtypes = [_c.c_void_p]
    getattr(_lib, f"igd_{_name}_free").restype = None
_lib.igd_version_number.restype = _c.c_int


def version():
    """Version of the library."""
    return _lib.igd_version().decode()


def set_num_threads(num):
    """Threads that the library computes with; 0 for every core."""
    _call("set_num_threads", _c.c_int(num))


def _call(name, *arguments):
    status = getattr(_lib, "igd_" + name)(*arguments)
    if status != 0:
        raise Error(status, _lib.igd_error_message().decode("utf-8", "replace"))


def _options(kind, given):
    """The defaults of an options struct with some fields changed, and what must outlive it."""
    options = kind()
    init = getattr(_lib, kind.__name__ + "_init")
    init.restype = None
    init(_c.byref(options), _c.c_size_t(_c.sizeof(options)))
    types, kept = dict(kind._fields_), [options]
    for name, value in given.items():
        if name not in types or name == "size":
            raise TypeError(f"{kind.__name__} has no field '{name}'")
        if types[name] is _text and value is not None:
            value = os.fsencode(value)
        elif types[name] is _progress_fn and value is not None:
            value = _progress(value, kept)
        elif types[name] in (_float_p, _int64_p) and value is not None:
            array = np.ascontiguousarray(value, np.float32 if types[name] is _float_p
                                         else np.int64)
            kept.append(array)
            value = array.ctypes.data_as(types[name])
        elif value is None:
            continue
        setattr(options, name, value)
        kept.append(value)
    return options, kept


def _progress(function, kept):
    """A callback whose exception stops the work and is raised where it was asked for."""
    raised = []

    def call(stage, done, total, _):
        try:
            return 1 if function(stage.decode("utf-8", "replace"), done, total) else 0
        except BaseException as fault:  # pylint: disable=broad-except # goes on in _finish
            raised.append(fault)
            return 1
    kept.append(raised)
    return _progress_fn(call)


def _run(kept, name, *arguments):
    """_call() for work with a callback."""
    try:
        _call(name, *arguments)
    except Error:
        for thing in kept:
            if isinstance(thing, list) and thing and isinstance(thing[0], BaseException):
                raise thing[0] from None
        raise


def _images(images, shape=None):
    array = np.ascontiguousarray(images, np.float32)
    if array.ndim != 4:
        raise ValueError(f"images of {array.ndim} axes; they are [N, C, H, W]")
    if shape is not None and array.shape[1:] != tuple(shape):
        raise ValueError(f"images of {array.shape[1:]}, the model takes {tuple(shape)}")
    return array


def _labels(labels, num):
    array = np.asarray(labels)
    if array.shape != (num,) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"labels are {num} integers, one for each image")
    if num and (array.min() < -2**31 or array.max() >= 2**31):
        raise ValueError("a label is beyond 32 bits")
    return np.ascontiguousarray(array, np.int32)


def _indices(indices, num):
    if indices is None:
        return None, None
    array = np.ascontiguousarray(indices, np.int64)
    if array.shape != (num,):
        raise ValueError(f"indices are {num} integers, one for each image")
    return array, array.ctypes.data_as(_int64_p)


class _Handle:
    """An object of the library, freed with this one."""

    kind = ""

    def __init__(self, pointer):
        self._pointer = pointer

    def __del__(self):
        if getattr(self, "_pointer", None):
            getattr(_lib, f"igd_{self.kind}_free")(self._pointer)
            self._pointer = None

    @classmethod
    def _make(cls, name, *arguments, kept=()):
        pointer = _c.c_void_p()
        _run(kept, name, _c.byref(pointer), *arguments)
        self = cls.__new__(cls)
        self._pointer = pointer
        return self


class Dataset(_Handle):
    """igd_dataset of arrays."""

    kind = "dataset"

    def __init__(self, images, labels, num_classes):
        images = _images(images)
        labels = _labels(labels, len(images))
        pointer = _c.c_void_p()
        _call("dataset_from_floats", _c.byref(pointer), images.ctypes.data_as(_float_p),
              labels.ctypes.data_as(_int32_p), _c.c_int64(len(images)),
              (_c.c_int64 * 3)(*images.shape[1:]), _c.c_int(num_classes))
        super().__init__(pointer)


class Model(_Handle):
    """igd_model: a TorchScript file. `shape` is (C, H, W); keywords are igd_model_options."""

    kind = "model"

    def __init__(self, path, shape, **options):
        self.shape = tuple(int(n) for n in shape)
        if "mean" in options and "num_channels" not in options:
            options["num_channels"] = len(options["mean"])
        given, kept = _options(_ModelOptions, options)
        pointer = _c.c_void_p()
        _run(kept, "model_load", _c.byref(pointer), os.fsencode(path),
             (_c.c_int64 * 3)(*self.shape), _c.byref(given))
        super().__init__(pointer)
        self.num_classes = _lib.igd_model_num_classes(pointer)

    @property
    def sha256(self):
        """SHA-256 of the file."""
        return _lib.igd_model_sha256(self._pointer).decode()

    def predict(self, images):
        """Logits [N, num_classes]."""
        images = _images(images, self.shape)
        logits = np.empty((len(images), self.num_classes), np.float32)
        _call("model_predict", logits.ctypes.data_as(_float_p), self._pointer,
              images.ctypes.data_as(_float_p), _c.c_int64(len(images)))
        return logits

    def attack(self, attack, images, labels, eps, norm="Linf", defense=None, **options):
        """igd_attack_images(): attacked images, and a structured array of outcomes."""
        images = _images(images, self.shape)
        labels = _labels(labels, len(images))
        given, kept = _options(_AttackOptions, options)
        threat = _Threat(NORMS[norm], eps)
        x_adv = np.empty_like(images)
        outcomes = np.zeros(len(images), np.dtype(_Outcome))
        _run(kept, "attack_images", x_adv.ctypes.data_as(_float_p),
             outcomes.ctypes.data_as(_c.c_void_p), self._pointer,
             defense and defense._pointer, attack.encode(), _c.byref(threat),
             _c.byref(given), images.ctypes.data_as(_float_p),
             labels.ctypes.data_as(_int32_p), _c.c_int64(len(images)))
        return x_adv, outcomes

    def evaluate(self, images, labels, attacks="clean", eps=8 / 255, norm="Linf", defense=None,
                 **options):
        """igd_evaluate(). `progress(stage, done, total)` may return true to stop."""
        data = Dataset(_images(images, self.shape), labels, self.num_classes)
        given, kept = _options(_EvaluateOptions, {"attacks": attacks, **options})
        given.threat = _Threat(NORMS[norm], eps)
        return Result._make("evaluate", self._pointer, defense and defense._pointer,
                            data._pointer, _c.byref(given), kept=kept)


class Ranking(_Handle):
    """igd_ranking: the neurons of a layer by importance, per class."""

    kind = "ranking"

    @classmethod
    def load(cls, path):
        """igd_ranking_load()."""
        return cls._make("ranking_load", os.fsencode(path))

    @classmethod
    def loir(cls, model, layer, images, labels, **options):
        """igd_ranking_loir()."""
        data = Dataset(_images(images, model.shape), labels, model.num_classes)
        given, kept = _options(_LoirOptions, options)
        return cls._make("ranking_loir", model._pointer, layer.encode(), data._pointer,
                         _c.byref(given), kept=kept)

    @classmethod
    def random(cls, model, layer, seed=0):
        """igd_ranking_random()."""
        return cls._make("ranking_random", model._pointer, layer.encode(), None,
                         _c.c_uint64(seed))

    @classmethod
    def from_scores(cls, model, layer, score, method="scores"):
        """igd_ranking_from_scores() of [num_classes, num_neurons]."""
        score = np.ascontiguousarray(score, np.float32)
        if score.ndim != 2 or score.shape[0] != model.num_classes:
            raise ValueError(f"scores of shape {score.shape}, for {model.num_classes} classes")
        return cls._make("ranking_from_scores", model._pointer, layer.encode(),
                         method.encode(), score.ctypes.data_as(_float_p),
                         _c.c_int(score.shape[1]), None)

    @property
    def layer(self):
        """Path of the mask layer."""
        return _lib.igd_ranking_layer(self._pointer).decode()

    @property
    def score(self):
        """Importance [num_classes, num_neurons]."""
        num = _lib.igd_ranking_num_classes(self._pointer)
        width = _lib.igd_ranking_num_neurons(self._pointer)
        return np.stack([np.ctypeslib.as_array(_lib.igd_ranking_score(self._pointer, c),
                                               (width,)).copy() for c in range(num)])

    def save(self, path):
        """igd_ranking_save()."""
        _call("ranking_save", self._pointer, os.fsencode(path))


class Defense(_Handle):
    """igd_defense: the masked defense. Keywords are igd_defense_options."""

    kind = "defense"

    def __init__(self, model, ranking, **options):
        given, kept = _options(_DefenseOptions, options)
        pointer = _c.c_void_p()
        _run(kept, "defense_new", _c.byref(pointer), model._pointer,
             ranking and ranking._pointer, _c.byref(given))
        super().__init__(pointer)
        self.model = model  # must outlive it

    @property
    def description(self):
        """Its settings, as in result files."""
        return json.loads(_lib.igd_defense_description(self._pointer))

    def predict(self, images, indices=None):
        """Logits [N, num_classes]. Without indices the noise is fresh; with them the same again."""
        images = _images(images, self.model.shape)
        kept, keys = _indices(indices, len(images))
        logits = np.empty((len(images), self.model.num_classes), np.float32)
        _call("defense_predict", logits.ctypes.data_as(_float_p), None, self._pointer,
              images.ctypes.data_as(_float_p), keys, _c.c_int64(len(images)))
        del kept
        return logits


class Result(_Handle):
    """igd_result."""

    kind = "result"

    @classmethod
    def load(cls, path):
        """igd_result_load()."""
        return cls._make("result_load", os.fsencode(path))

    @property
    def json(self):
        """All of it, as in the result file."""
        return json.loads(_lib.igd_result_json(self._pointer))

    @property
    def text(self):
        """A report to read."""
        return _lib.igd_result_text(self._pointer).decode()

    @property
    def clean_acc(self):
        """Accuracy on the images as they are."""
        return _lib.igd_result_clean_acc(self._pointer)

    @property
    def worst_acc(self):
        """Fraction of images that survive every attack."""
        return _lib.igd_result_worst_acc(self._pointer)

    def save(self, path):
        """igd_result_save()."""
        _call("result_save", self._pointer, os.fsencode(path))
