"""The page's scripts as TypeScript sees them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from waiting import PATIENCE

TSC = shutil.which("tsc")


@pytest.mark.skipif(TSC is None, reason="there is no tsc on the path (npm install --global typescript)")
def test_the_types_of_the_scripts_fit():
    config = Path(__file__).with_name("jsconfig.json")
    found = subprocess.run([str(TSC), "--project", str(config)], capture_output=True, text=True, timeout=PATIENCE)
    assert found.stdout == ""
    assert found.returncode == 0
