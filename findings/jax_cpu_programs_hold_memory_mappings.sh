#!/usr/bin/env bash
# Guess: how many programs a process may compile for a CPU is a question of its memory alone.
#
# Seen with jax 0.10.2 on Linux: each compiled program also holds mappings of memory, here about 15, and the training
# step of a small convolutional GAN several hundred. Linux allows a process 65,530 of them (vm.max_map_count). A process
# that has compiled a few hundred training programs, such as a sweep over widths or a test suite, reaches the limit with
# most of its memory free, and then ends with a segmentation fault while a program is compiled or written to the
# compilation cache. The mappings are freed where the jitted function is dropped, or by jax.clear_caches(). This script
# stays far below the limit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2"
cat > "$folder/count.py" <<'PYTHON'
import gc

import jax
import jax.numpy as jnp


def mappings():
    with open("/proc/self/maps", "rb") as file:
        return sum(1 for _ in file)


def make(number):
    @jax.jit
    def program(x):
        for _ in range(8):
            x = jnp.sort(jnp.tanh(x @ x.T + number), axis=0)
            x = x / (1 + x.sum(0))
        return x

    return program


x = jnp.ones((32, 32))
make(-1)(x).block_until_ready()
gc.collect()
before = mappings()
for number in range(20):
    make(number)(x).block_until_ready()
gc.collect()
dropped = mappings()
programs = [make(number) for number in range(20, 40)]
for program in programs:
    program(x).block_until_ready()
kept = mappings()
jax.clear_caches()
gc.collect()
cleared = mappings()
print(f"before {before}, 20 programs dropped {dropped}, 20 kept {kept}, after clear_caches {cleared}")
assert dropped - before < 40, "a dropped program no longer frees its mappings"
assert kept - dropped > 20 * 5, "a program no longer holds mappings"
assert cleared - dropped < 40, "clear_caches no longer frees them"
PYTHON
"$folder/venv/bin/python" "$folder/count.py"
echo "as seen: mappings grow with the programs that are kept"
