#!/usr/bin/env bash
# Guess: XLA records a GPU's kernels as CUDA graphs by default, so that a scan over the steps of a small convolutional
# network starts each step once; and to see what it compiles for a GPU takes a GPU, or at least NVIDIA's libraries.
#
# Seen with jax 0.10.2: convolutions are not recorded. The four layers' 11 convolutions, forward and backward, end a
# graph each, and between them too few kernels follow each other for another graph, so that most of a step's kernels
# are started one by one. With the option xla_gpu_experimental_enable_conv_fusion, which a program accepts among its
# compiler options, convolutions become fusions, and a step is one copy of its batch and one graph.
# All of this is seen without a GPU: with the package jax-cuda13-plugin alone and "jax_platforms" set to "cpu", a
# topology made from a description of the GPU compiles the program. With "jax_platforms" left as it is the plugin
# looks for NVIDIA's libraries, and without them there is "topology not implemented for cuda".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "the plugin is for Linux"; exit 0; }
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2" "jax-cuda13-plugin==0.10.2" \
  "jax-cuda13-pjrt==0.10.2"
cat > "$folder/count.py" <<'PYTHON'
import os
import re
import sys
from pathlib import Path

dump = sys.argv[1]
os.environ["XLA_FLAGS"] = f"--xla_dump_to={dump}"
import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import topologies

jax.config.update("jax_platforms", "cpu")
TARGET = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98
  device_memory_size: 84929347584 shared_memory_per_block_optin: 232448 cuda_compute_capability { major: 9 minor: 0 }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 10 patch: 0 } device_description_str: "NVIDIA H100"
"""
topology = topologies.get_topology_desc("", platform="cuda", topology="1x1x1", target_config=TARGET)
place = jax.sharding.SingleDeviceSharding(topology.devices[0])


def train(kernels, images):
    def loss(kernels, batch):
        for kernel in kernels:
            batch = lax.conv_general_dilated(batch, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            batch = jnp.tanh(batch - batch.mean((0, 1, 2)))
        return (batch**2).mean()

    def step(kernels, batch):
        value, gradients = jax.value_and_grad(loss)(kernels, batch)
        return [kernel - 0.1 * gradient for kernel, gradient in zip(kernels, gradients)], value

    return lax.scan(step, kernels, images)


def like(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=place)


arguments = [like(3, 3, 16, 16)] * 4, like(20, 64, 16, 16, 16)
lowered = jax.jit(train).trace(*arguments).lower(lowering_platforms=("cuda",))
found = []
for options in ({}, {"xla_gpu_experimental_enable_conv_fusion": True}):
    lowered.compile(compiler_options=options)
    path = max(Path(dump).glob("*.thunk_sequence_after_thunk_passes.txt"), key=lambda path: path.stat().st_mtime)
    body = path.read_text().partition(" body:\n")[2].splitlines()
    outside = [line for line in body if re.match(r" {4}\d+: k", line)]
    found.append((sum("kConvolution" in line for line in body), len(outside)))
    print(f"{options or 'as it comes'}: {found[-1][0]} convolutions outside graphs; a step is {found[-1][1]} starts")
assert found[0][0] == 11 and found[0][1] > 20, found
assert found[1] == (0, 2), found
PYTHON
"$folder/venv/bin/python" "$folder/count.py" "$folder/dump" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
echo "as seen: convolutions end CUDA graphs, unless they are fusions"
