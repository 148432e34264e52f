"""Reading what a run has trained."""

from pathlib import Path
from typing import Any, NamedTuple

from gan_jax.config import GanConfig
from gan_jax.data.published import PUBLISHED
from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.storage.checkpoints import SavedCheckpoints, checkpoint_steps
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import (
    PRETRAINED,
    first_of_many,
    has_run_json,
    identity,
    matches_digests,
    read_run_json,
    read_settings,
)
from gan_jax.storage.weights import abstract_state, load_weights, weights_of
from gan_jax.training.games import GAMES, Game, find_game
from gan_jax.training.state import Variables

_SHIPPED = Path(__file__).parent / "pretrained"


class TrainedRun(NamedTuple):
    """A run's configuration, its last state, and its record, which is empty where there is only a weights file."""

    config: GanConfig
    state: Any
    record: dict[str, Any]
    game: Game = GAMES["joint"]

    @property
    def class_names(self) -> tuple[str, ...]:
        """What each label of a conditional run means; empty where that is not known."""
        if not (self.config.conditional and self.record):
            return ()
        recorded = self.record["dataset"].get("class_names") or PUBLISHED.get(self.record["run"]["dataset"])
        names = tuple(map(str, recorded)) if isinstance(recorded, list | tuple) else ()
        return names if len(names) == self.config.num_classes else ()

    @property
    def generator(self) -> Variables:
        """What the game samples with, for ``generate`` and ``sample_images``: the average where there is one."""
        return self.game.sampler(self.config, self.state)


def load_run(path: str | Path, *, optimizers: bool = False) -> TrainedRun:
    """Read a run's folder, a weights file alone, or a run of ``PRETRAINED`` by its name.

    The newest state counts: that of ``weights.npz``, or of a later checkpoint of a run that was killed before it wrote
    its weights. Weights that are damaged, or not those that the run recorded, are passed over with a warning.

    Args:
      path: the folder, file or name.
      optimizers: read the state from a checkpoint, with which ``train`` goes on to the bits of a resumed run;
        ``weights.npz`` has no optimizers' moments, which are zero then.

    Raises:
      InputError: there is no such run, no state of it can be read, or a later version of the package wrote it.

    Examples:
      >>> run = load_run("runs/fashion_mnist")  # doctest: +SKIP
      >>> images = generate(run.config, run.generator, latents)  # doctest: +SKIP
    """
    path = Path(path)
    if str(path) in PRETRAINED and not (path.is_file() or has_run_json(path) or first_of_many(path)):
        if path.exists():
            warn(f"{path} is taken as the run that ships with the package, as the folder here holds no run")
        path = _SHIPPED / path
    if path.is_file() and not optimizers:
        return TrainedRun(*load_weights(path), {})
    folder, record = RunFolder(path), read_run_json(path)
    settings, config = read_settings(record)
    game = find_game(settings.game)
    steps = checkpoint_steps(folder.checkpoints)
    if not steps and not folder.weights.exists():
        raise InputError(
            f"{path} has no weights.npz and no checkpoint yet; wait for one, or continue the training with --resume."
        )
    if optimizers and not steps:
        raise InputError(f"{path} has no checkpoint, and so no optimizers' moments; train on with them at zero.")
    if not steps:
        return TrainedRun(config, load_recorded_weights(folder, record, config, game), record, game)
    if folder.weights.exists() and not optimizers:
        try:
            state = load_recorded_weights(folder, record, config, game)
        except InputError as error:
            warn(f"{error} Using the newest checkpoint.")
        else:
            if int(state.step) >= steps[-1]:
                return TrainedRun(config, state, record, game)
    saved = SavedCheckpoints(folder.checkpoints, identity(record))
    found, complaints = saved.restore_newest(abstract_state(config, game))
    if found is None:
        raise InputError(" ".join([f"{path} has neither weights nor a checkpoint that can be read.", *complaints]))
    return TrainedRun(config, found.state, record, game)


def load_pretrained(name: str) -> TrainedRun:
    """Read a run that ships with the package: its record, and its weights rounded to float16.

    ``experiments/train_pretrained.py`` made it; ``record`` says with which settings and from which images.

    Args:
      name: one of ``PRETRAINED``.

    Raises:
      InputError: there is none of that name, or its files are damaged.

    Examples:
      >>> run = load_pretrained("fashion_mnist")
      >>> from gan_jax import sample_images
      >>> sample_images(run.config, run.generator, 2).shape
      (2, 28, 28, 1)
    """
    if name not in PRETRAINED:
        raise InputError(f"the pretrained run is {name!r}; it must be one of {', '.join(PRETRAINED)}.")
    return load_run(_SHIPPED / name)


def load_recorded_weights(folder: RunFolder, record: dict[str, Any], config: GanConfig, game: Game) -> Any:
    """Read ``weights.npz`` and compare it with the digests that the run recorded.

    Raises:
      InputError: it is missing or damaged, or its weights are not the run's.
    """
    state = load_weights(folder.weights, config, game)[1]
    if matches_digests(record, int(state.step), weights_of(state)) is False:
        raise InputError(f"{folder.weights} does not hold the weights that the run recorded.")
    return state
