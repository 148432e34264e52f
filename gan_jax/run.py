"""A run as its user sees it: the folder, what is in it however the run ends, and going on with it."""

import signal
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
from jax.typing import ArrayLike
from tqdm import tqdm

from gan_jax import curves, grids
from gan_jax.checkpoints import Checkpoint, Checkpoints
from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import load_evaluator, score_images
from gan_jax.evaluation.summary import HEADINGS, save_score_curves
from gan_jax.files import save_arrays
from gan_jax.folder import claim
from gan_jax.journal import Journal, history_names
from gan_jax.loop import NonFiniteError, Progress, ResidentImages, run_keys, train
from gan_jax.pixels import quantize_images
from gan_jax.records import (
    epoch_digest,
    make_record,
    other_circumstances,
    read_record,
    require_same_run,
    write_record,
)
from gan_jax.sampling import sample_images
from gan_jax.sentinel import image_set_spread
from gan_jax.starts import initial_state
from gan_jax.steps import Step
from gan_jax.weights import save_weights


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """A signal asked the run to end; all is saved."""

    def __init__(self, signum: int) -> None:
        self.status = 128 + signum
        super().__init__(f"stopped by {signal.Signals(signum).name}")


class Run:
    """A context that claims the output folder, trains, and leaves a whole record however it ends.

    SIGINT (Ctrl-C) and SIGTERM end the training at the next pause, with a checkpoint; a second one ends it at once.
    Whatever belongs to a step is on disk before the checkpoint of that step, so that going on from a checkpoint
    means to drop what is newer than it.

    Args:
      settings: the run.
      config: its networks' configuration.
      dataset: its images.
      step: what it trains with.

    Raises:
      InputError: the folder is another process's, another run's, or no run's; its checkpoints are all damaged.
      OSError: the folder cannot be written.
    """

    def __init__(self, settings: RunConfig, config: GanConfig, dataset: Dataset, step: Step) -> None:
        self.config, self.folder = config, settings.output_dir
        self.keys = run_keys(settings.seed)
        self.source = ResidentImages(config, dataset.train_images, self.keys)
        self.per_epoch = self.source.steps_per_epoch
        self.num_steps = settings.num_steps(self.per_epoch)
        self._settings, self._dataset, self._step = settings, dataset, step
        self._evaluator = load_evaluator(dataset) if settings.evaluate_every else None
        self.state = initial_state(settings, config, self.keys)
        self._record = make_record(settings, config, dataset, getattr(step, "__name__", str(step)))
        spread = image_set_spread(dataset.train_images[:: len(dataset.train_images) // 5000 + 1])
        self._lock = claim(self.folder, resume=settings.resume, overwrite=settings.overwrite)
        try:
            self._journal = Journal(self.folder / "metrics.jsonl", self._place, spread)
            self._go_on() if (self.folder / "run.json").exists() else write_record(self.folder, self._record)
            self._checkpoints = Checkpoints(self.folder / "checkpoints", settings.keep_checkpoints)
            self._restore()
        except BaseException:
            self._lock.release()
            raise
        self._signal: int | None = None

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, OSError):
                self._finish()
                self._checkpoints.close()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._lock.release()
        if self._signal and error is None:
            raise Stopped(self._signal)

    def train(self) -> Iterator[Progress]:
        """Train to the end; yields at the start, unless the run goes on, and after each chunk.

        What the caller does with a ``Progress`` is done before that step's checkpoint is written.

        Raises:
          InputError: a metric is not finite; the state before that step is saved.
        """
        if int(self.state.step) == 0:
            yield Progress(self.state)
        settings = self._settings
        training = train(
            self.config,
            self._step,
            self.state,
            self.source,
            self.keys,
            num_steps=self.num_steps,
            log_every=settings.log_every,
            pause_every=settings.checkpoint_every,
        )
        with tqdm(total=self.num_steps, initial=int(self.state.step), unit="batch", disable=None) as bar:
            try:
                for progress in training:
                    self.note(progress)
                    bar.update(progress.step - bar.n)
                    yield progress
                    self.keep(progress)
                    if self._signal:
                        return
            except NonFiniteError as error:
                if self._journal.metrics():
                    self._save()
                raise InputError(f"{error}; the state before it is saved. Try a lower --learning-rate.") from None

    def note(self, progress: Progress) -> None:
        """Take over a chunk: its state, metrics, lines and scores."""
        self.state = progress.state
        self._journal.add(progress)
        every = self._settings.evaluate_every
        if every and progress.batch == self.per_epoch and progress.epoch % every == 0:
            self._evaluate(progress)

    def keep(self, progress: Progress) -> None:
        """Save, where a checkpoint is due."""
        every = self._settings.checkpoint_every
        if progress.epoch_end:
            self._record["epochs"].append(epoch_digest(progress.epoch, progress.state))
            write_record(self.folder, self._record)
        if progress.epoch_end or self._signal or (every and progress.step % every == 0):
            self._save()

    def draw(self, step: int, images: ArrayLike) -> None:
        """Write a grid of 64 images, ``[64, height, width, channels]`` float in [-1, 1], as they are after ``step``."""
        fakes = quantize_images(images)
        title = f"epoch {step / self.per_epoch:.2f}   step {step}"
        grids.save_grid(self.folder / "grids" / f"step_{step:07d}.png", fakes, title)
        images = self._dataset.train_images  # taken evenly: the files of some data sets are in groups of one kind
        reals = images[np.linspace(0, len(images) - 1, len(fakes), dtype=int)]
        grids.save_comparison(self.folder / "real_vs_fake.png", reals, fakes)

    def _go_on(self) -> None:
        found = read_record(self.folder)
        require_same_run(found, self._record)
        for difference in other_circumstances(found):
            print(f"warning: {difference}; the last bits may come out otherwise", file=sys.stderr)
        self._record["epochs"] = found["epochs"]

    def _restore(self) -> None:
        found, complaints = self._checkpoints.restore_newest(self.state)
        for complaint in complaints:
            print(f"warning: {complaint} Using the one before it.", file=sys.stderr)
        step = int(found.state.step) if found else 0
        self._checkpoints.drop_after(step)
        self._rewind(step, found.metrics if found else {})
        if found:
            self.state = found.state
            print(f"Going on after step {step} of {self.num_steps}")

    def _rewind(self, step: int, metrics: dict[str, np.ndarray]) -> None:
        """Drop what is newer than a step, or was written only because an earlier, shorter run ended there."""

        def keep(at: int) -> bool:
            batch = at % self.per_epoch
            return at <= step and (at == self.num_steps or batch % self._settings.log_every == 0)

        batch = step % self.per_epoch
        window_start = step - (0 if step == self.num_steps else batch % self._settings.log_every)
        self._journal.restore(metrics, window_start, keep)
        for path in [*self.folder.glob(".*-*"), *(self.folder / "grids").glob(".*-*")]:
            path.unlink()
        for path in (self.folder / "grids").glob("step_*.png"):
            if not keep(int(path.stem.removeprefix("step_"))):
                path.unlink()
        ends = (at for at in self._record["epochs"] if at["step"] <= step)
        self._record["epochs"] = [at for at in ends if at["step"] in (self.num_steps, at["epoch"] * self.per_epoch)]
        write_record(self.folder, self._record)

    def _save(self) -> None:
        scores = [line for line in self._journal.scores() if line["step"] == int(self.state.step)]
        self._checkpoints.save(Checkpoint(self.state, self._journal.metrics()), scores[0] if scores else None)

    def _evaluate(self, progress: Progress) -> None:
        assert self._evaluator
        fakes = sample_images(self.config, progress.state.generator, 10_000)
        scores = score_images(self._evaluator, fakes, self._dataset)
        text = "  ".join(f"{HEADINGS[key]} {scores[key]:.3g}" for key in HEADINGS)
        self._journal.add_scores(progress, scores, text)
        save_score_curves(self.folder / "evaluation.png", self._journal.scores())

    def _finish(self) -> None:
        metrics = self._journal.metrics()
        drawn = sorted((self.folder / "grids").glob("step_*.png"))
        save_weights(self.folder / "weights.npz", self.state)
        if drawn:
            grids.save_animation(self.folder / "progress.gif", drawn)
        if metrics:
            history = history_names(metrics)
            save_arrays(self.folder / "history.npz", history)
            curves.save_losses(self.folder / "losses.png", history, self.per_epoch)
            curves.save_scores(self.folder / "scores.png", history, self.per_epoch)
        print(f"Pictures, numbers and weights are in {self.folder}")

    def _place(self, step: int) -> str:
        epoch, batch = divmod(step - 1, self.per_epoch)
        return f"epoch {epoch + 1}/{-(-self.num_steps // self.per_epoch)}  batch {batch + 1}/{self.per_epoch}"

    def _interrupt(self, signum: int, frame: Any) -> None:
        self._signal = signum
        for number in self._handlers:
            signal.signal(number, signal.SIG_DFL)
        tqdm.write("Stopping at the next pause, with a checkpoint; once more to stop at once.")
