"""Count the modes that recipes cover, over many seeds, on the ring of 8 and the grid of 25.

All seeds of a recipe train as one mapped program, which the cores share. Each generator is scored by 2,500 samples,
as VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) do. A run counts as collapsed if its samples spread
over the modes no better than evenly over half of them: if their KL divergence is above ln 2. Writes modes.json and
modes.md; started again, it resumes after the last recipe that is done.
"""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np

from gan_jax import GanConfig
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.config import require, require_count
from gan_jax.cores import usable_cores
from gan_jax.errors import InputError
from gan_jax.files import write_json, write_text
from gan_jax.pictures.tables import markdown_table
from gan_jax.plane import Target, load_target, plane_recipes, sample_many, score_modes, train_many
from gan_jax.plane.modes import NUM_SAMPLES
from gan_jax.plane.targets import Modes
from gan_jax.setting_groups import MAX_SEED


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is counted."""

    recipes: tuple[str, ...] = tuple(plane_recipes())
    """Recipes; those that are the same in the plane count once."""
    targets: tuple[str, ...] = ("ring", "grid")
    """ring, grid or both."""
    seeds: int = 100
    """Seeds of each recipe, from the first."""
    first_seed: int = 0
    """The first seed."""
    steps: int = 5000
    """Batches of 128, a multiple of 1,000."""
    output_dir: Path = Path("runs/plane_modes")
    """The folder for both files."""


def main(settings: Settings) -> None:
    require_count(settings, "seeds")
    require_count(settings, "steps")
    last = MAX_SEED + 1 - settings.seeds
    require(0 <= settings.first_seed <= last, "first_seed", settings.first_seed, f"from 0 to {last}")
    known = plane_recipes()
    if unknown := set(settings.recipes) - known.keys():
        raise InputError(f"recipes has {min(unknown)}; in the plane there are {', '.join(known)}.")
    targets = {name: load_target(name) for name in settings.targets}
    if without := [name for name, target in targets.items() if target.modes is None]:
        raise InputError(f"targets has {without[0]}, which has no modes; give ring, grid or both.")
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    path = settings.output_dir / "modes.json"
    asked = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _NOT_ASKED}
    rows: list[dict[str, Any]] = []
    if path.exists():
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"{path} is damaged ({error}); delete it, or give another --output-dir.") from None
        if found["settings"] != asked:
            raise InputError(f"{path} is of other settings ({found['settings']}); give another --output-dir.")
        rows = found["rows"]
    for target_name, target in targets.items():
        for name in settings.recipes:
            if any((row["target"], row["recipe"]) == (target_name, name) for row in rows):
                continue
            config = known[name]
            rows.append({"target": target_name, "recipe": name, **measure(settings, config, target)})
            write_json(path, {"settings": asked, "rows": rows})
            print(" ".join(table_row(rows[-1])), flush=True)
    write_text(settings.output_dir / "modes.md", table(rows))
    print(f"The table is in {settings.output_dir}")


_NOT_ASKED = ("recipes", "targets", "output_dir")


def measure(settings: Settings, config: GanConfig, target: Target) -> dict[str, Any]:
    """Every seed's scores, and the seconds that all took."""
    modes = cast(Modes, target.modes)
    seeds = range(settings.first_seed, settings.first_seed + settings.seeds)
    started = time.perf_counter()
    states, _ = train_many(config, target.points, seeds, settings.steps)
    points = jax.block_until_ready(sample_many(config, states, jax.random.key(0), NUM_SAMPLES))
    seconds = time.perf_counter() - started
    scores = jax.vmap(lambda sample: score_modes(modes, sample))(points)
    values = {name: np.asarray(value, float).round(4).tolist() for name, value in scores._asdict().items()}
    return {"modes": len(modes.centres), "seconds": round(seconds, 1), **values}


def table(rows: list[dict[str, Any]]) -> str:
    heads = ["target", "recipe", "near a mode", "modes found", "modes covered (20 of 2,500)", "KL, nats", "collapsed"]
    targets = list(dict.fromkeys(row["target"] for row in rows))
    return markdown_table(heads, [table_row(row) for target in targets for row in rows if row["target"] == target])


def table_row(row: dict[str, Any]) -> list[str]:
    def spread(name: str, digits: int) -> str:
        return f"{np.mean(row[name]):.{digits}f} ± {np.std(row[name]):.{digits}f}"

    scores = [spread("near", 2), spread("found", 1), spread("covered", 1), spread("divergence", 2)]
    collapsed = np.sum(np.array(row["divergence"]) > np.log(2))
    return [row["target"], row["recipe"], *scores, f"{collapsed} of {len(row['near'])}"]


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", usable_cores())
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
