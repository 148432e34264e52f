"""An exported generator, in a process that has jax and not this package."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from closeness import assert_close
from jax import export
from waiting import PATIENCE

from gan_jax import GanConfig, generate, init_state, run_keys
from gan_jax.inference.export import export_generator

# Wide enough for the CPU's own form of the convolutions.
CONFIG = GanConfig(latent_dim=8, width=16, initializer="he")

READER = """
import sys

import jax
import jax.export
import numpy as np

generator = jax.export.deserialize(open("generator.jax", "rb").read())
np.savez("images.npz", **{name: generator.call(latents) for name, latents in np.load("latents.npz").items()})
assert "jax" in sys.modules
assert not {"gan_jax", "flax", "optax"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def generator():
    return init_state(CONFIG, run_keys(0).init).generator.variables


@pytest.fixture(scope="module")
def exported(generator):
    return export_generator(CONFIG, generator)


def test_jax_alone_makes_the_same_images_of_any_batch(generator, exported, tmp_path):
    random = np.random.default_rng(0)
    latents = {f"batch_{size}": random.normal(size=(size, 8)).astype(np.float32) for size in (1, 5)}
    np.savez(tmp_path / "latents.npz", **latents)
    (tmp_path / "generator.jax").write_bytes(exported)
    command = [sys.executable, "-c", READER]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert process.returncode == 0, process.stderr
    with np.load(tmp_path / "images.npz") as images:
        assert set(images) == set(latents)
        for name, batch in latents.items():
            assert images[name].shape == (len(batch), 28, 28, 1)
            assert images[name].dtype == np.float32
            assert images[name].std() > 0.01
            assert_close(images[name], generate(CONFIG, generator, batch))


def test_it_tells_its_shapes_and_platforms(exported):
    reloaded = export.deserialize(exported)
    assert reloaded.platforms == ("cpu", "cuda", "tpu")
    assert [str(aval) for aval in (*reloaded.in_avals, *reloaded.out_avals)] == [
        "float32[b,8]",
        "float32[b,28,28,1]",
    ]


def test_export_generator_with_a_fixed_batch_takes_that_batch_alone(generator):
    """And it says so without a symbol, which JAX of 0.10 cannot read in files of 0.12."""
    fixed = export.deserialize(export_generator(CONFIG, generator, batch=3))
    assert [str(aval) for aval in (*fixed.in_avals, *fixed.out_avals)] == ["float32[3,8]", "float32[3,28,28,1]"]
    latents = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    np.testing.assert_allclose(fixed.call(latents), generate(CONFIG, generator, latents), rtol=0, atol=1e-5)


def test_a_machine_runs_its_own_convolutions_and_none_of_the_others(generator, exported):
    latents = jax.ShapeDtypeStruct((128, 8), np.float32)  # for fewer, a CPU's own program has another form
    everywhere = export.deserialize(exported)
    assert everywhere.mlir_module().count("stablehlo.convolution") >= 3
    here = jax.jit(everywhere.call).lower(latents).compile().as_text()
    usual = jax.jit(generate).lower(CONFIG, generator, latents).compile().as_text()
    assert here.count(" convolution(") == usual.count(" convolution(")
    assert "conditional" not in here


def test_it_holds_the_generators_weights_once_and_nothing_else(generator, exported):
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(generator))
    assert weights < len(exported) < weights + 60_000


def test_the_bytes_depend_on_the_weights_alone(generator, exported):
    limit = jax.config.jax_traceback_in_locations_limit
    assert (lambda: export_generator(CONFIG, generator))() == exported
    assert jax.config.jax_traceback_in_locations_limit == limit
    assert b".py" not in exported
