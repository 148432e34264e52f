"""The commands of the README and of every page, copied line by line into one folder."""

import contextlib
import gzip
import itertools
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from docs_blocks import blocks_of, commands_of, write_files_of
from docs_pages import DOCS, PAGES, ROOT
from in_process import command, script
from own_parts import own_parts
from PIL import Image

from gan_jax import load_dataset
from gan_jax.cli.commands import find_command
from gan_jax.cli.parsing import parse_call
from gan_jax.cli.train import parse_flags
from gan_jax.cli.trainings import TRAININGS

README = ROOT / "README.md"
WITHOUT_IMAGES = ("sample", "interpolate", "project", "export", "import")
SCRIPTS = {"train_gan": "train", "standalone_generator": "standalone-generator"}
SCRIPTS |= {"standalone_discriminator": "standalone-discriminator"}


def as_training(words):
    """The name of the training that a command starts, and its flags; None if it starts none."""
    _, what, *flags = words
    name = SCRIPTS.get(Path(what).stem, what)
    return (name, flags) if name in TRAININGS else None


def of_another_process(words):
    """Whether a command starts one more process of the run before."""
    return ("--process-id", "1") in itertools.pairwise(words)


def folder_of(name, flags):
    return parse_flags(TRAININGS[name], flags).folder


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_each_training_of_a_page_has_a_folder_and_what_is_used_was_made(page, tmp_path):
    write_files_of(page, tmp_path)
    for folder in ("photos", "few"):  # the recipe of pictures of one's own depends on their size
        (tmp_path / folder).mkdir()
        for shade in range(8):
            Image.new("RGB", (64, 64), (shade, 0, 0)).save(tmp_path / folder / f"{shade}.png")
    made = set()
    with contextlib.chdir(tmp_path), own_parts():
        for language, text in blocks_of(page):
            for words in commands_of(text, tmp_path) if language == "bash" else []:
                training = as_training(words)
                given = [Path(value) for flag, value in itertools.pairwise(words) if flag == "--output-dir"]
                if training:
                    folder = folder_of(*training)
                    again = {"--resume", "--overwrite"} & set(words) or of_another_process(words)
                    assert again or folder not in made, words
                    given = [folder]
                elif words[0] == "gan-jax":
                    parse_call(find_command(words[1]), words[2:])
                elif words[0] == "python" and words[1].startswith("experiments/"):
                    defaults = re.findall(r'Path\("(runs/\w+)"\)', (ROOT / words[1]).read_text())
                    given = given or [Path(default) for default in defaults]
                used = {Path(word.removesuffix("/*")) for word in words if word.startswith("runs/")} - set(given)
                for path in used:
                    assert any(path == known or known in path.parents or path in known.parents for known in made), words
                made |= set(given)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Few digits in the files of Fashion-MNIST."""
    folder, digits = tmp_path_factory.mktemp("images"), load_dataset("digits")
    for part, rows in (("train", slice(240)), ("t10k", slice(240, 300))):
        for kind, array in (("images-idx3", digits.train_images[..., 0]), ("labels-idx1", digits.train_labels)):
            array = array[rows].astype(np.uint8)
            header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder


FEWER = {  # flags for less work, of what is no training of one network or two
    "evaluate": ["--num-images", "20"],
    "reals": ["--num-images", "8"],
    "project": ["--steps", "2", "--restarts", "2"],
    "experiments/plane_lesson.py": ["--steps", "200", "--frames", "3"],
}


def smaller(words, images):
    """The same command with small networks and few images."""
    reads_files = words[1] == "reals" or words[2:3] == ["fashion_mnist"]
    if as_training(words):
        reads_files = "--dataset" not in words
        words += ["--batch-size", "20", "--epochs", "1", "--width", "2"]
    of_files = ["--data-dir", str(images)] if reads_files and words[1] not in WITHOUT_IMAGES else []
    return [*words, *FEWER.get(words[1], []), *of_files]


def start(words):
    """Run a command in this process; it must end well."""
    ended = command(*words[1:]) if words[0] == "gan-jax" else script(Path(words[1]).stem, *words[2:])
    assert ended.status == 0, (words, ended.err)


@pytest.mark.soak
@pytest.mark.usefixtures("preview_keys_are_used_again", "scores_cost_little")
@pytest.mark.parametrize("page", [README, DOCS / "use" / "export.md"], ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_their_order(page, images, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gan_jax.evaluation.features._LEAST_STEPS", 60)
    (tmp_path / "photos").mkdir()
    for index, image in enumerate(load_dataset("digits").train_images[:60]):
        Image.fromarray(image.squeeze()).save(tmp_path / "photos" / f"{index}.png")
    names = {"__name__": "page"}
    with contextlib.chdir(tmp_path):
        for language, text in blocks_of(page):
            if language == "python":
                exec(compile(text, str(page), "exec"), names)
            for words in commands_of(text, tmp_path) if language == "bash" else ():
                if words[1] != "experiments/train_pretrained.py":  # of many minutes
                    start(smaller(words, images))
