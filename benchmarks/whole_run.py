"""Time a training of Fashion-MNIST from the shell to its last picture, beside the course's loop in PyTorch.

python benchmarks/whole_run.py --data-dir FOLDER --json docs/results/whole_run.json --figure docs/images/whole_run.png

Each form is a process of its own, and they take turns. Every one reads the published files, prints the means of every
100 steps, and after every epoch draws a grid of the same latents and saves a checkpoint; at the end it draws its
losses. gan_jax finds no compiled program of an earlier run. The times at which the lines are printed tell where the
time goes. PyTorch must be installed: pip install -e ".[benchmark]".
"""

import dataclasses
import importlib.util
import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
import tyro
from machine import describe_machine, write_figures
from matplotlib.figure import Figure
from tables import whole_run_table
from timing import timed_lines

from gan_jax.pictures.figures import save_figure

HERE = Path(__file__).parent
COURSE = [str(HERE / "torch_course.py")]
FORMS = {
    "gan_jax": [str(HERE.parent / "experiments" / "train_gan.py"), "--dataset", "fashion_mnist"],
    "PyTorch, the course's loop": COURSE,
    "PyTorch, best form": [*COURSE, "--best"],
}
IMAGES = "train-images-idx3-ubyte.gz"
PARTS = {"start": "tab:orange", "steps, grids, checkpoints": "tab:blue", "end": "tab:red"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    data_dir: Path
    """A folder with Fashion-MNIST's published files."""
    epochs: int = 5
    """Passes over the training images, at least 2."""
    rounds: int = 1
    """Turns of each form."""
    json: Path | None = None
    """Write all figures to this file."""
    figure: Path | None = None
    """Draw the parts as bars."""


def main(settings: Settings) -> int:
    if importlib.util.find_spec("torch") is None:
        print('error: this compares with PyTorch; install it with pip install -e ".[benchmark]"', file=sys.stderr)
        return 2
    if settings.epochs < 2 or not (settings.data_dir / IMAGES).is_file():
        print(f"error: give at least 2 --epochs, and as --data-dir a folder with {IMAGES}", file=sys.stderr)
        return 2
    print(describe_machine(), flush=True)
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in FORMS}
    for _ in range(settings.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, command in FORMS.items():
                turns[name].append(run([sys.executable, *command], settings, Path(folder)))
                print(f"{name}: {sum(turns[name][-1].values()):.1f} s", flush=True)
    medians = {
        name: {part: float(np.median([turn[part] for turn in taken])) for part in PARTS}
        for name, taken in turns.items()
    }
    print(f"\n{whole_run_table(medians)}")
    write_figures(dataclasses.replace(settings, data_dir=Path(settings.data_dir.name)), seconds=medians, turns=turns)
    if settings.figure:
        save_figure(settings.figure, draw(medians))
    return 0


def run(command: list[str], settings: Settings, folder: Path) -> dict[str, float]:
    """Run a training, and return the seconds of its parts."""
    output = folder / f"run_{len(list(folder.glob('run_*')))}"
    command = [*command, "--data-dir", str(settings.data_dir), "--epochs", str(settings.epochs)]
    command += ["--output-dir", str(output)]
    lines, total = timed_lines(command, JAX_COMPILATION_CACHE_DIR=str(folder / "cache"))
    printed = {
        tuple(int(word.split("/")[0]) for word in (words[1], words[3])): seconds
        for seconds, words in ((seconds, line.split()) for seconds, line in reversed(lines))  # a batch's first line
        if words[:1] == ["epoch"]
    }
    return parts_of(dict(sorted(printed.items())), total)


def parts_of(printed: dict[tuple[int, ...], float], total: float) -> dict[str, float]:
    """The seconds of a training's parts: before the first step, from there to the last line, and what comes after it.

    Args:
      printed: the seconds from the start at which the line of an epoch and batch was printed, in order.
      total: seconds from the start to the end of the process.
    """
    places = list(printed)
    gaps = {after: printed[after] - printed[before] for before, after in itertools.pairwise(places)}
    window = float(np.median([gaps[place] for place in places if place[1] == 2 * places[0][1]]))
    start, end = printed[places[0]] - window, total - printed[places[-1]]
    return dict(zip(PARTS, (start, total - start - end, end), strict=True))


def draw(seconds: dict[str, dict[str, float]]) -> Figure:
    """A bar for each form, of its parts."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    axes = figure.add_subplot()
    names, before, bars = list(seconds), np.zeros(len(seconds)), None
    for part, colour in PARTS.items():
        lengths = np.array([seconds[name][part] for name in names])
        bars = axes.barh(names, lengths, left=before, color=colour, label=part)
        before += lengths
    assert bars is not None
    axes.bar_label(bars, [f"{total:.0f} s" for total in before], padding=3)
    axes.invert_yaxis()
    axes.set(xlabel="seconds from the shell to the end", xlim=(0, 1.12 * before.max()))
    axes.legend(ncols=len(PARTS), loc="lower center", bbox_to_anchor=(0.4, 1), frameon=False)
    return figure


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__)))
