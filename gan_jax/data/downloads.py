"""Files of published data sets: downloaded once with TensorFlow Datasets, verified at every use."""

import hashlib
import logging
import queue
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_jax.errors import InputError

_PROBE_SECONDS = 5.0
_INSTEAD = "use --data-dir DIR with its files, or --dataset digits, which needs no download"


def downloaded_files(name: str, files: Sequence[str]) -> list[Path]:
    """The files of a data set in TFDS's cache; what is missing or damaged there is downloaded.

    Args:
      name: a data set that TFDS has a builder for.
      files: their names, as its registry of checksums has them.

    Returns:
      The files' paths, in the order of ``files``; each holds the bytes that the registry promises.

    Raises:
      InputError: a download failed, or gave other bytes than the registry's.
    """
    from tensorflow_datasets.core.constants import get_default_data_dir
    from tensorflow_datasets.core.download import resource

    folder = Path(get_default_data_dir()).expanduser() / "downloads" / name
    registered = _registered(name)
    urls = {info.filename: url for url, info in registered.items()}
    paths, missing = [], []
    for file in files:
        url = urls[file]
        checksum = registered[url].checksum
        paths.append(folder / resource.get_dl_fname(url, checksum))
        if not _is_intact(paths[-1], checksum):
            missing.append(url)
    if missing:
        _download(name, missing, folder)
    return paths


def _registered(name: str) -> dict[str, Any]:
    """Each file's URL, with the name, size and sha256 that TFDS's registry has of it."""
    import tensorflow_datasets as tfds

    return tfds.builder_cls(name).url_infos or {}


def _is_intact(path: Path, checksum: str) -> bool:
    """Whether the file is there with this sha256; one with another is removed, since TFDS would trust it."""
    if not path.is_file():
        return False
    if hashlib.sha256(path.read_bytes()).hexdigest() == checksum:
        return True
    logging.getLogger(__name__).warning("%s was damaged and is downloaded again", path)
    path.unlink()
    return False


def _download(name: str, urls: list[str], folder: Path) -> None:
    """Downloads files with TFDS, which verifies them, and moves each into ``folder`` once it is whole."""
    import requests
    from tensorflow_datasets.core.download import download_manager, util

    reason = _unreachable(urls[0])
    if reason:
        raise InputError(f"{name}: cannot download {urls[0]} ({reason}); {_INSTEAD}")
    folder.mkdir(parents=True, exist_ok=True)
    # TFDS leaves its half-written files behind when a download fails; in here they go with the folder.
    with tempfile.TemporaryDirectory(prefix="incomplete.", dir=folder.parent, ignore_cleanup_errors=True) as staging:
        manager = download_manager.DownloadManager(download_dir=staging, dataset_name=name, url_infos=_registered(name))
        for url in urls:
            try:
                path = Path(manager.download(url))
            except download_manager.NonMatchingChecksumError as error:
                raise InputError(f"{name}: {url} sent other bytes than the published ones; {_INSTEAD}") from error
            except (util.DownloadError, requests.RequestException) as error:
                reason = type(error).__name__
                raise InputError(
                    f"{name}: the download of {url} failed ({reason}): try again, or {_INSTEAD}"
                ) from error
            path.replace(folder / path.name)


def _unreachable(url: str) -> str | None:
    """Why ``url`` cannot be downloaded, or None; answers within ``_PROBE_SECONDS``, where TFDS retries for minutes."""
    import requests

    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            with requests.get(url, stream=True, timeout=_PROBE_SECONDS) as response:
                answers.put(None if response.ok else f"HTTP status {response.status_code}")
        except (OSError, ValueError) as error:
            answers.put(type(error).__name__)

    # In a thread because the timeout of requests does not cover the look-up of the host's address.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=_PROBE_SECONDS)
    except queue.Empty:
        return f"no answer within {_PROBE_SECONDS:g} seconds"
