"""Compile the joint step for an NVIDIA H200 on a machine without one, and count what it starts.

A GPU's time goes into the start of kernels where images are as small as here. XLA records kernels that follow each
other as CUDA graphs, which are started at once; this counts both in the loop over the steps, with XLA's options as they
are and with those that record more.

pip install "jax-cuda13-plugin==$(python -c 'import jax; print(jax.__version__)')"
python benchmarks/gpu_kernels.py --json ../docs/results/gpu_kernels.json
"""

import dataclasses
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro
from machine import write_figures

from gan_jax import Batch, GanConfig, gan_step, init_state, recipe, run_keys, scan_steps

STEPS = 50
_GRAPHED = "FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL"  # what is recorded by default
OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "convolutions as fusions": {"xla_gpu_experimental_enable_conv_fusion": True},
    "and the loop in the graph": {
        "xla_gpu_experimental_enable_conv_fusion": True,
        "xla_gpu_enable_command_buffer": f"{_GRAPHED},WHILE",
    },
}
"""XLA's options for a program, by what they change."""

H200 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 4800000000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98
  device_memory_size: 150000000000 shared_memory_per_block_optin: 232448 cuda_compute_capability { major: 9 minor: 0 }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 10 patch: 0 } device_description_str: "NVIDIA H200"
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to count."""

    recipes: tuple[str, ...] = ("dcgan", "r1", "r3gan-dcgan", "best")
    """Which recipes' steps."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    dump = Path(tempfile.mkdtemp())
    os.environ["XLA_FLAGS"] = f"--xla_dump_to={dump}"
    device = an_h200()
    found: dict[str, Any] = {}
    for name in settings.recipes:
        for form, options in OPTIONS.items():
            lower(recipe(name), device).compile(compiler_options=options)
            found.setdefault(name, {})[form] = counted(dump)
            print(name, form, found[name][form], flush=True)
    write_figures(settings, recipes=found)


def an_h200() -> Any:
    """A device that programs can be compiled for."""
    jax.config.update("jax_platforms", "cpu")  # else JAX looks for NVIDIA's libraries, and has no CUDA without them
    from jax.experimental import topologies

    return topologies.get_topology_desc("", platform="cuda", topology="1x1x1", target_config=H200).devices[0]


def lower(config: GanConfig, device: Any, steps: int = STEPS) -> jax.stages.Lowered:
    """The scan over steps for a device that need not be there."""
    keys = run_keys(0)
    place = jax.sharding.SingleDeviceSharding(device)
    shape = (steps, config.images_per_step, *config.image_shape)
    labels = jax.ShapeDtypeStruct(shape[:2], jnp.int32) if config.conditional else None
    state = jax.eval_shape(lambda key: init_state(config, key), keys.init)
    arguments = jax.tree.map(
        lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=place),
        (state, Batch(jax.ShapeDtypeStruct(shape, jnp.uint8), labels), keys.step),
    )
    program = jax.jit(lambda state, batches, key: scan_steps(config, gan_step, state, batches, key, 10_000))
    return program.trace(*arguments).lower(lowering_platforms=("cuda",))


def counted(dump: Path) -> dict[str, int]:
    """What a step starts, from XLA's list of a program's thunks; the folder is then removed."""
    path = max(dump.glob("*.thunk_sequence_after_thunk_passes.txt"), key=lambda path: path.stat().st_size)
    before, _, after = path.read_text().partition(" body:\n")
    shutil.rmtree(dump)
    body, thunks = len(after) - len(after.lstrip(" ")), []
    for line in after.splitlines():
        found = re.match(r"( *)\d+: k(\w+)", line)
        if found is None or len(found[1]) < body:
            break
        thunks.append((len(found[1]) > body, found[2]))
    graphs = sum(kind == "CommandBuffer" for _, kind in thunks)
    loop = re.findall(r"^( *)\d+: kWhile", before, re.MULTILINE)[-1]
    return {
        "kernels": len(thunks) - graphs,
        "convolutions": sum(kind == "Convolution" for _, kind in thunks),
        "graphs": graphs,
        "starts": 0 if loop else sum(not inside for inside, _ in thunks),
    }


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
