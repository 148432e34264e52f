"""The network of the published FID, KID and IS: torch-fidelity's Inception, with the weights of 2015."""

import contextlib
import hashlib
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import InputError
from gan_jax.evaluation.feature_network import FeatureNetwork, Outputs
from gan_jax.files import expand_home, first_line

_BATCH = 64  # torch-fidelity's; another one changes last bits
_SECONDS = 20.0  # to wait for an answer of the host of the weights
_LAYERS = ["2048", "logits_unbiased"]


def inception_features(weights: Path | None = None) -> FeatureNetwork:
    """torch-fidelity's extractor: uint8 images, enlarged to 299 pixels as TensorFlow 1 does it, to 2,048 features.

    Grey images are repeated for three channels. The logits are those without biases, which the Inception score takes.

    Args:
      weights: a file of the network's state_dict; by default torch-fidelity's own, from PyTorch's cache or, if it is
        not there, from the network.

    Raises:
      InputError: torch-fidelity is not installed, or there are no weights that fit.
    """
    try:
        import torch  # pyright: ignore[reportMissingImports]
        from torch_fidelity import (  # pyright: ignore[reportMissingImports]
            feature_extractor_inceptionv3 as module,
        )
    except ImportError as error:
        raise InputError(
            f"--features inception needs a package that is not here ({error}); install gan_jax[inception]."
        ) from None
    path = expand_home(weights) if weights else _downloaded(torch, module.URL_INCEPTION_V3)
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        torch.load(path, map_location="cpu", weights_only=True)  # torch-fidelity would run any program that is in it
        network = module.FeatureExtractorInceptionV3(
            "inception-v3-compat", _LAYERS, feature_extractor_weights_path=str(path), verbose=False
        )
    except Exception as error:  # PyTorch raises what its readers meet
        raise InputError(
            f"{path} cannot be read as the weights of torch-fidelity's Inception ({first_line(error)}); "
            f"give --feature-weights FILE."
        ) from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device)

    def apply(images: np.ndarray) -> Outputs:
        coloured = np.broadcast_to(images, (*images.shape[:3], 3)).transpose(0, 3, 1, 2)
        with torch.no_grad():
            features, logits = network(torch.from_numpy(np.array(coloured, order="C")).to(device))
        return Outputs(features.cpu().numpy(), logits.cpu().numpy())

    return FeatureNetwork("inception", content, apply, _BATCH)


def _downloaded(torch: Any, url: str) -> Path:
    """The weights in PyTorch's cache, where they are put if they are not there."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(_SECONDS)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.redirect_stdout(sys.stderr):
                torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rpartition("-")[2])
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"the weights of inception are not in {path.parent}, and cannot be downloaded ({first_line(error)}); "
                f"give --feature-weights FILE."
            ) from None
        finally:
            socket.setdefaulttimeout(before)
    return path
