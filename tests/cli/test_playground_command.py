"""``gan-jax playground``: the file it writes, and the line it says instead."""

import base64
import dataclasses
import gzip
import json
import re
import shutil
import types

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, init_state, load_run, save_weights
from gan_jax.pictures.plane import palette
from gan_jax.playground.contents import Source
from gan_jax.playground.page import build_page
from gan_jax.storage.run_folder import RunFolder


def contents_of(path):
    """The page, what is beside its runs, and its runs."""
    page = path.read_text(encoding="utf-8")

    def text_of(name):
        return page.partition(f'id="{name}">')[2].partition("</script>")[0]

    common = json.loads(text_of("contents"))
    runs = common.pop("runs")
    for part, name in [(common, "data"), *((run, f"data-{at}") for at, run in enumerate(runs))]:
        data = gzip.decompress(base64.b64decode(text_of(name)))
        assert all(array["offset"] <= len(data) for array in part["manifest"].values())
    return page, common, runs


def test_the_page_holds_the_run_and_asks_for_nothing(trained, gan_jax, tmp_path):
    status, out, err = gan_jax("playground", trained, "--output", tmp_path / "page.html", "--images", 20)
    assert (status, err) == (0, "")
    assert "a double click opens it" in out
    page, common, (contents,) = contents_of(tmp_path / "page.html")
    assert not re.search(r"(src|href)=\"?https?:", page)
    assert not re.search(r"\{\{[A-Z]", page)
    assert contents["name"] == "run <1>"
    assert "<h1>run &lt;1>: what a GAN has learned</h1>" in page
    assert "<1>" not in page.partition('id="data"')[0]
    assert contents["manifest"]["reals"]["shape"] == [20, 28, 28, 1]
    assert (len(contents["real_labels"]), common["palette"]) == (20, palette())
    steps = [generator["step"] for generator in contents["generators"]]
    assert (steps[0], steps[-1], len(steps)) == (0, 12, 4)
    assert "UCI Machine Learning Repository" in contents["notice"]
    again = tmp_path / "again.html"
    assert gan_jax("playground", trained, "--output", again, "--images", 20)[0] == 0
    assert again.read_bytes() == (tmp_path / "page.html").read_bytes()


@pytest.mark.soak
def test_a_run_whose_images_are_gone_has_a_page_without_them(trained, gan_jax, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["run"]["dataset"] = str(tmp_path / "own.npz")
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    page = tmp_path / "page.html"
    status, _, err = gan_jax("playground", tmp_path / "run", "--output", page)
    assert (status, err.count("\n")) == (0, 1)
    assert err.startswith("warning: the page has no nearest training images")
    assert "own.npz is not there" in err
    written, _, (contents,) = contents_of(page)
    assert (contents["reals"], str(tmp_path) in written) == (False, False)
    assert "12 steps on own.npz, seed 0" in contents["about"]
    page.unlink()
    for asked in (("--images", 20), ("--dataset", tmp_path / "own.npz"), ("--data-dir", tmp_path)):
        status, _, err = gan_jax("playground", tmp_path / "run", "--output", page, *asked)
        assert (status, page.exists()) == (2, False)
        assert err.startswith("error: ")


@pytest.mark.soak
def test_the_run_that_ships_has_a_page_without_a_network(gan_jax, tmp_path, monkeypatch):
    monkeypatch.setattr("gan_jax.data.downloads._PROBE_SECONDS", 0.1)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nothing"))
    status, _, err = gan_jax("playground", "fashion_mnist", "--output", tmp_path / "page.html")
    assert (status, err.count("\n")) == (0, 1)
    assert "the page has no nearest training images (fashion_mnist: cannot download" in err


def test_snapshots_are_left_out_where_they_do_not_fit(trained, gan_jax, tmp_path):
    path = tmp_path / "page.html"

    def snapshots(max_megabytes):
        flags = ("--images", 0, "--max-megabytes", max_megabytes)
        status, _, err = gan_jax("playground", trained, "--output", path, *flags)
        assert (status, path.stat().st_size <= max_megabytes * 1e6) == (0, True)
        return len(contents_of(path)[2][0]["generators"]) - 1, err

    assert snapshots(10) == (3, "")
    count, err = snapshots(path.stat().st_size / 1e6 - 0.001)
    assert count < 3
    assert err == f"warning: {count} of 3 snapshots fit into the page; 0.1 more --max-megabytes would hold all\n"
    complaint = gan_jax("playground", trained, "--output", tmp_path / "no.html", "--max-megabytes", 0.01)
    assert complaint[0] == 2
    assert "MB without snapshots; give a larger --max-megabytes" in complaint[2]


def test_runs_beside_it_have_networks_images_and_snapshots_of_their_own(trained, gan_jax, tmp_path):
    config = GanConfig(image_shape=(32, 32, 3), latent_dim=4, width=2)
    save_weights(tmp_path / "colour.npz", init_state(config, jax.random.key(0)), config)
    path = tmp_path / "page.html"
    beside = ("--beside", tmp_path / "colour.npz", trained)
    status, _, err = gan_jax("playground", trained, *beside, "--images", 20, "--output", path)
    assert (status, err) == (0, "")
    page, _, runs = contents_of(path)
    assert "<h1>run &lt;1>, colour, run &lt;1>: what a GAN has learned</h1>" in page
    assert [run["shape"] for run in runs] == [[28, 28, 1], [32, 32, 3], [28, 28, 1]]
    assert [len(run["generators"]) for run in runs] == [4, 1, 4]
    assert [run["reals"] for run in runs] == [True, False, True]
    assert runs[0] == runs[2]
    flags = ("--images", 20, "--output", path, "--max-megabytes", path.stat().st_size / 1e6 - 0.001)
    status, _, err = gan_jax("playground", trained, *beside, *flags)
    kept = [len(run["generators"]) - 1 for run in contents_of(path)[2]]
    assert (status, kept[1], kept[0]) == (0, 0, kept[2])
    assert 0 < kept[0] < 3
    assert err.startswith(f"warning: {sum(kept)} of 6 snapshots fit into the page; ")


def test_a_folder_of_published_files_is_not_for_a_run_beside_that_has_images_of_its_own(trained, gan_jax, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["run"]["dataset"] = str(tmp_path / "own.npz")
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    np.savez(tmp_path / "own.npz", images=np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8))
    config = GanConfig(latent_dim=4, width=2)
    save_weights(tmp_path / "weights.npz", init_state(config, jax.random.key(0)), config)
    page, weights = tmp_path / "page.html", tmp_path / "weights.npz"
    status, _, err = gan_jax(
        "playground", weights, "--beside", tmp_path / "run", "--output", page, "--data-dir", tmp_path
    )
    assert (status, err) == (0, "")
    assert [run["reals"] for run in contents_of(page)[2]] == [False, True]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--output", "page.html", "--beside", "nowhere"), "nowhere"),
        (("--output", "page.html", "--dataset", "digits", "--beside", "."), "it must be the runs' own where --beside"),
        (("--output", "page.txt"), "page.txt must end in .html"),
        (("--output", "page.html", "--images", -1), "images is -1; it must be from 0"),
        (("--output", "page.html", "--max-megabytes", "nan"), "max-megabytes is nan; it must be above 0"),
        (("--output", "page.html", "--plane", "nowhere"), "nowhere holds no training in the plane"),
        (("--output", "page.html", "--lesson", "nowhere"), "nowhere holds no lesson"),
    ],
)
def test_a_mistake_gets_one_line_and_no_page(flags, complaint, trained, gan_jax, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = gan_jax("playground", trained, *flags)
    assert (status, err.count("\n")) == (2, 1)
    assert complaint in err
    assert list(tmp_path.iterdir()) == []


def test_a_game_of_another_state_has_no_page(trained):
    run = load_run(trained)._replace(state=types.SimpleNamespace(step=12))
    source = Source(run, RunFolder(trained), "run", None)
    with pytest.raises(InputError, match="game is not one of a generator and a discriminator; the page shows only"):
        build_page([source], num_images=0, max_megabytes=10)


def test_points_and_damaged_files_are_refused_in_a_line(gan_jax, tmp_path):
    config = GanConfig(image_shape=(2,), network="dense", normalization="none", latent_dim=2, width=4)
    save_weights(tmp_path / "points.npz", init_state(config, jax.random.key(0)), config)
    (tmp_path / "damaged.npz").write_bytes(b"PK")
    np.savez(tmp_path / "frames.npz", steps=[0])
    for name, complaint in (("points", "the run makes points"), ("damaged", "cannot be read as weights")):
        status, _, err = gan_jax("playground", tmp_path / f"{name}.npz", "--output", tmp_path / "page.html")
        assert (status, err.count("\n")) == (2, 1)
        assert complaint in err
    config = GanConfig(latent_dim=4, width=2)
    save_weights(tmp_path / "weights.npz", init_state(config, jax.random.key(0)), config)
    planes = ("--plane", tmp_path / "frames.npz")
    status, _, err = gan_jax("playground", tmp_path / "weights.npz", "--output", tmp_path / "page.html", *planes)
    assert (status, err.count("\n")) == (2, 1)
    assert "holds no frames: arrows is missing" in err


@pytest.mark.soak
def test_what_the_page_compares_itself_with_is_in_32_bits(tmp_path):
    stages = {"stage_widths": (2,), "stage_cardinalities": (1,), "stage_blocks": (1,)}
    config = GanConfig(image_shape=(8, 8, 3), network="r3gan", normalization="none", latent_dim=2, **stages)
    save_weights(tmp_path / "weights.npz", init_state(config, jax.random.key(0)), config)
    run = load_run(tmp_path / "weights.npz")
    reduced = run._replace(config=dataclasses.replace(config, bfloat16_stages=2))
    pages = [build_page([Source(one, None, "run", None)], num_images=0) for one in (run, reduced)]
    assert pages[0] == pages[1]


def test_images_of_another_shape_are_refused(trained, gan_jax, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "wide.npz", images=noise)
    page = tmp_path / "page.html"
    status, _, err = gan_jax("playground", trained, "--output", page, "--dataset", tmp_path / "wide.npz")
    assert (status, page.exists()) == (2, False)
    assert "has images of (28, 28, 1), wide of (32, 32, 3); name its --dataset" in err
