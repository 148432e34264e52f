#!/usr/bin/env bash
# Guess: XLA divides a sum on a CPU among its threads, so that every number of threads rounds in its own way, and
# XLA_FLAGS=--xla_cpu_multi_thread_eigen=false gives the bits of a single thread.
#
# Seen with jax 0.10.2 on Linux, on a processor with two cores: a float32 sum of 800,000 numbers has one result with one
# thread and another with two, and with four or eight it has that of two. The flag changes nothing. What counts is the
# number of cores that the process may use when JAX starts, so that taskset to one core changes the last bits of a
# result. The environment variable NPROC takes the place of that number, though nothing in JAX's Python code names it: a
# process on one core with NPROC=2 has the bits of two. With jax 0.12.0.1 the sums of 1, 2, 4 and 8 threads agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2"
cat > "$folder/total.py" <<'PYTHON'
import os
import sys

if sys.argv[1:] == ["one core"]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import jax.numpy as jnp
import numpy as np

numbers = np.random.default_rng(0).standard_normal((64, 28, 28, 16)).astype(np.float32)
print(np.asarray(jnp.sum(jnp.asarray(numbers))).tobytes().hex())
PYTHON
total() { env -u NPROC "JAX_ENABLE_COMPILATION_CACHE=false" "$@"; }
python="$folder/venv/bin/python"
one=$(total NPROC=1 "$python" "$folder/total.py")
two=$(total NPROC=2 "$python" "$folder/total.py")
four=$(total NPROC=4 "$python" "$folder/total.py")
eight=$(total NPROC=8 "$python" "$folder/total.py")
flag=$(total NPROC=2 XLA_FLAGS=--xla_cpu_multi_thread_eigen=false "$python" "$folder/total.py")
core=$(total "$python" "$folder/total.py" "one core")
core_two=$(total NPROC=2 "$python" "$folder/total.py" "one core")
echo "1 thread $one, 2 $two, 4 $four, 8 $eight, flag $flag, one core $core, one core with NPROC=2 $core_two"
[ "$one" != "$two" ] || { echo "one thread now has the bits of two"; exit 1; }
[ "$two $two" = "$four $eight" ] || { echo "four or eight threads now differ from two"; exit 1; }
[ "$flag" = "$two" ] || { echo "the flag now has an effect"; exit 1; }
[ "$core $core_two" = "$one $two" ] || { echo "the usable cores, or NPROC, no longer count"; exit 1; }
echo "as seen: one thread sums in another order than several, and NPROC says how many there are"
