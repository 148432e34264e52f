#!/usr/bin/env bash
# Guess: with XLA's xla_cpu_max_isa at SSE4_2, which lets one machine stand for an older one, programs for a CPU are
# slower, and all of them still compile.
#
# Seen with jax 0.10.2 on x86-64: a conversion from float32 to float16 does not compile there. It ends in
# "INTERNAL: Failed to materialize symbols", and the log names the missing function, __truncsfhf2. Conversions to
# bfloat16, and from float16 to float32, compile, as does everything at AVX. So a suite that is run with this flag, and
# weights that are stored in half precision, need the conversion in NumPy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ "$(uname -m)" = x86_64 ] || { echo "this is about x86-64"; exit 0; }
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2"
cat > "$folder/convert.py" <<'PYTHON'
import sys

import jax
import jax.numpy as jnp

CONVERSIONS = {
    "float32 to float16": lambda x: x.astype(jnp.float16),
    "float32 to bfloat16": lambda x: x.astype(jnp.bfloat16),
    "float16 to float32": lambda x: jnp.zeros(3, jnp.float16).astype(jnp.float32) + x,
}
failed = []
for name, convert in CONVERSIONS.items():
    try:
        jax.jit(convert)(jnp.arange(3.0)).block_until_ready()
    except jax.errors.JaxRuntimeError as error:
        assert "Failed to materialize symbols" in str(error), error
        failed.append(name)
print(f"{sys.argv[1]}: fails for {failed or 'none'}")
assert failed == (["float32 to float16"] if sys.argv[1] == "SSE4_2" else [])
PYTHON
for isa in SSE4_2 AVX; do
  XLA_FLAGS="--xla_cpu_max_isa=$isa" "$folder/venv/bin/python" "$folder/convert.py" "$isa" 2> "$folder/log"
done
echo "as seen: float32 to float16 needs AVX"
