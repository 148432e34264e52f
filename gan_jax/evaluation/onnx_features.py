"""Features of any network in an ONNX file, run by onnxruntime."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.evaluation.feature_network import FeatureNetwork, Outputs
from gan_jax.files import expand_home, first_line

_BATCH = 32
_OPTIONS = ("size", "mean", "std", "output")
_DATA = ("{}.data", "{}_data")  # where exporters put weights that the file itself cannot hold


class _Form(NamedTuple):
    """What a graph takes."""

    name: str  # of its input
    batch: int | None  # None: any number
    channels_first: bool
    channels: int
    size: tuple[int, int] | None  # height and width; None: as the images are
    mean: np.ndarray | None  # [channels], of values in [0, 1]; None: it takes bytes
    std: np.ndarray | None


def onnx_features(text: str) -> FeatureNetwork:
    """The network of an ONNX file as ``FILE[,size=224][,mean=0.5/0.5/0.5][,std=0.5/0.5/0.5][,output=NAME]``.

    The graph has one input, ``[N, C, H, W]`` or ``[N, H, W, C]`` with one or three channels. Images of another size are
    resized by an antialiased bicubic filter, as Pillow does it, and grey ones are repeated for three channels. A graph
    of uint8 takes them as bytes, rounded; one of floats takes (value / 255 - mean) / std. What the text does not
    give is read from the graph: the size from its input's shape, mean and std from its metadata, as lists in JSON.
    The features are its output of that name, or else its first of the shape ``[N, D]``.

    Raises:
      InputError: onnxruntime is not installed, the file cannot be run, or something is not given.
    """
    file, *pairs = re.split(rf",(?=(?:{'|'.join(_OPTIONS)})=)", text)
    options = dict(pair.split("=", 1) for pair in pairs)
    path = expand_home(Path(file))
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"--features onnx:FILE needs a package that is not here ({error}); install gan_jax[onnx-features]."
        ) from None
    if not path.is_file():
        raise InputError(f"there is no file {path}; give --features onnx:FILE.")
    try:
        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), quiet, providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime has a class of its own for each failure
        raise InputError(f"{path} cannot be run by onnxruntime ({first_line(error)}); give another file.") from None
    form, output = _form(path, session, options), _output(path, session, options.get("output"))
    content = hashlib.sha256(json.dumps(options).encode() if options else b"")
    for part in (path, *(path.with_name(name.format(path.name)) for name in _DATA)):
        content.update(part.read_bytes() if part.is_file() else b"")

    def apply(images: np.ndarray) -> Outputs:
        count, batch = len(images), form.batch or len(images)
        filled = np.concatenate([images, np.repeat(images[-1:], batch - count, axis=0)])
        try:
            features = np.asarray(session.run([output], {form.name: _prepared(form, filled)})[0])
        except Exception as error:
            raise InputError(f"{path} fails on images of {images.shape[1:]} ({first_line(error)}).") from None
        return Outputs(features[:count], None)

    return FeatureNetwork(f"onnx:{path.name}", content.hexdigest(), apply, form.batch or _BATCH)


def _form(path: Path, session: Any, options: dict[str, str]) -> _Form:
    if len(session.get_inputs()) != 1 or len(session.get_inputs()[0].shape) != 4:
        raise InputError(f"{path} must have one input, of the shape [N, C, H, W] or [N, H, W, C].")
    (taken,) = session.get_inputs()
    batch, *shape = [size if isinstance(size, int) and size > 0 else None for size in taken.shape]
    channels_first = shape[0] in (1, 3)
    channels = shape[0] if channels_first else shape[2]
    if channels not in (1, 3):
        raise InputError(f"{path} takes {taken.shape}, of which no axis is known to be of 1 or 3 channels.")
    height, width = shape[1:] if channels_first else shape[:2]
    size = (height, width) if height and width else None
    told = session.get_modelmeta().custom_metadata_map
    if taken.type == "tensor(uint8)":
        mean = std = None
    elif taken.type == "tensor(float)":
        mean, std = (_per_channel(path, name, channels, options, told) for name in ("mean", "std"))
    else:
        raise InputError(f"{path} takes values of the type {taken.type}; it must take uint8 or float.")
    if "size" in options:
        if not options["size"].isdecimal() or int(options["size"]) < 1:
            raise InputError(f"size is {options['size']!r}; it must be a number of pixels, such as 224.")
        if size not in (None, (int(options["size"]), int(options["size"]))):
            raise InputError(f"{path} takes images of {size}, not of size {options['size']}; leave it out.")
        size = (int(options["size"]), int(options["size"]))
    return _Form(taken.name, batch, channels_first, channels, size, mean, std)


def _per_channel(path: Path, name: str, channels: int, options: dict[str, str], told: dict[str, str]) -> np.ndarray:
    text = options.get(name, told.get(name))
    if text is None:
        raise InputError(
            f"{path} takes floats and does not say how images are normalized; give their mean and std, of values from "
            f"0 to 1: --features onnx:{path},mean=0.5,std=0.5 or one number for each channel, with / between them."
        )
    try:
        values = np.array([float(word) for word in text.strip("[]").replace(",", "/").split("/")], np.float32)
        if not np.isfinite(values).all() or (name == "std" and values.min() <= 0):
            raise ValueError
        return np.broadcast_to(values, channels)
    except ValueError:
        raise InputError(
            f"{name} is {text!r}; it must be a number, or {channels}, such as 0.485/0.456/0.406."
        ) from None


def _output(path: Path, session: Any, wanted: str | None) -> str:
    shapes = {output.name: output.shape for output in session.get_outputs()}
    fitting = [name for name, shape in shapes.items() if len(shape) == 2]
    if wanted is None and fitting:
        return fitting[0]
    if wanted is not None and wanted in shapes:
        return wanted
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    raise InputError(f"{path} has the outputs {listed}; give ,output=NAME of one of the shape [N, D].")


def _prepared(form: _Form, images: np.ndarray) -> np.ndarray:
    """Bytes or floats, as the graph takes them."""
    if images.shape[3] != form.channels:
        if images.shape[3] != 1:
            raise InputError(f"the network takes {form.channels} channels, and the images have {images.shape[3]}.")
        images = np.broadcast_to(images, (*images.shape[:3], form.channels))
    values = images
    if form.size is not None and form.size != images.shape[1:3]:
        shape = (len(images), *form.size, form.channels)
        values = np.asarray(jax.image.resize(jnp.asarray(images, jnp.float32), shape, "cubic", antialias=True))
        values = np.clip(values, 0, 255)
    if form.mean is None or form.std is None:
        values = np.rint(values).astype(np.uint8)
    else:
        values = (values / np.float32(255) - form.mean) / form.std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2) if form.channels_first else values)
