#!/usr/bin/env bash
# Guess: a training that saves a checkpoint with Orbax again and again, and keeps two of them, needs no more memory after
# a thousand saves than after ten.
#
# Seen with orbax-checkpoint 0.12.8 and tensorstore 0.1.86: each save keeps memory, in proportion to the number of
# arrays. The strings in what TensorStore's to_json() returns, keys and values, have one reference too many, so that they
# are never freed; and Orbax asks for the JSON of a spec for every array that it saves. About 590 blocks of memory stay
# with each save of 80 arrays. An item saved as JSON, which does not pass through TensorStore, keeps nothing. to_json() is
# the same in tensorstore 0.1.65, 0.1.72, 0.1.78, 0.1.82 and 0.1.84.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2" "orbax-checkpoint==0.12.8" "tensorstore==0.1.86"
cat > "$folder/save.py" <<'PYTHON'
import gc
import logging
import sys
import tempfile

import jax.numpy as jnp
import orbax.checkpoint as ocp
import tensorstore

logging.getLogger("absl").setLevel(logging.CRITICAL)
SAVES, CALLS = 40, 10_000

spec = tensorstore.KvStore.Spec({"driver": "file", "path": "/some/folder/"})
spec.to_json()
begun = sys.getallocatedblocks()
for _ in range(CALLS):
    spec.to_json()
gc.collect()
strings = (sys.getallocatedblocks() - begun) / CALLS
print(f"{strings:.1f} blocks stay with each {spec.to_json()}, which has two keys and two values")


def blocks_kept(item):
    """Blocks of memory that a save of an item keeps."""
    manager = ocp.CheckpointManager(tempfile.mkdtemp(), options=ocp.CheckpointManagerOptions(max_to_keep=2))
    for step in range(10 + SAVES):
        if step == 10:
            gc.collect()
            begun = sys.getallocatedblocks()
        manager.save(step, args=ocp.args.Composite(item=item))
        manager.wait_until_finished()
    gc.collect()
    kept = (sys.getallocatedblocks() - begun) / SAVES
    manager.close()
    return kept


arrays = blocks_kept(ocp.args.StandardSave({f"a{index}": jnp.ones((8, 8)) for index in range(80)}))
text = blocks_kept(ocp.args.JsonSave({"a": 1}))
print(f"blocks of memory that stay with each save: {arrays:.0f} of 80 arrays, {text:.0f} of JSON")
assert 3.5 < strings < 4.5, strings
assert arrays > 300 and text < 60, (arrays, text)
PYTHON
"$folder/venv/bin/python" "$folder/save.py" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
echo "as seen: what TensorStore returns as JSON is never freed, and every save of Orbax asks for it"
