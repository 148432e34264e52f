"""A run as its user sees it: the folder, what is in it however the run ends, and going on with it."""

import sys
from collections.abc import Iterator
from types import TracebackType
from typing import NoReturn, Self

import numpy as np
from filelock import FileLock
from jax.sharding import Mesh
from jax.typing import ArrayLike
from tqdm import tqdm

from gan_jax import curves, grids
from gan_jax.checkpoints import Checkpoint, Checkpoints
from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import load_evaluator, sample_count, score_images
from gan_jax.evaluation.summary import HEADINGS, save_score_curves
from gan_jax.files import save_arrays
from gan_jax.folder import claim
from gan_jax.hosts import is_main, on_main
from gan_jax.journal import Journal, history_names
from gan_jax.loop import NonFiniteError, Progress, train
from gan_jax.pixels import quantize_images
from gan_jax.records import (
    epoch_digest,
    has_record,
    make_record,
    other_circumstances,
    read_record,
    require_same_run,
    write_record,
)
from gan_jax.sampling import sample_images
from gan_jax.sentinel import image_set_spread
from gan_jax.sharding import local_copy
from gan_jax.starts import prepare_start
from gan_jax.steps import Step
from gan_jax.stopping import StopRequest
from gan_jax.weights import save_weights


class Diverged(InputError):  # noqa: N818 - how a run ended
    """A metric is not finite; the state before that step is saved."""


class Run:
    """A context that claims the output folder, trains, and leaves a whole record however it ends.

    Whatever belongs to a step is on disk before the checkpoint of that step, so that going on from a checkpoint means
    to drop what is newer than it. Of several processes all train and checkpoint together, and process 0 does the rest.

    Args:
      settings: the run.
      config: its networks' configuration.
      dataset: its images.
      step: what it trains with.
      stop: asked at every pause.
      mesh: the devices that share each batch; None for one.
      label: what its lines on screen start with.

    Raises:
      InputError: the folder is another process's, another run's, or no run's; or another setting is wrong.
      Diverged: the run that was to go on had ended so.
      OSError: the folder cannot be written.
    """

    def __init__(
        self,
        settings: RunConfig,
        config: GanConfig,
        dataset: Dataset,
        step: Step,
        stop: StopRequest,
        *,
        mesh: Mesh | None = None,
        label: str = "",
    ) -> None:
        self.config, self.step, self.folder = config, step, settings.output_dir
        self.keys, self.source, self._start = prepare_start(settings, config, dataset.train_images, mesh)
        self.per_epoch = self.source.steps_per_epoch
        self.num_steps = settings.num_steps(self.per_epoch)
        self._settings, self._dataset, self._stop = settings, dataset, stop
        self._evaluator = load_evaluator(dataset) if settings.evaluate_every else None
        self._record = make_record(settings, config, dataset, getattr(step, "__name__", str(step)))
        spread = image_set_spread(dataset.train_images)
        self._journal = Journal(self.folder / "metrics.jsonl", self._place, spread, label)
        self._lock: FileLock | None = None
        try:
            on_main(self._open_folder)
            self._checkpoints = Checkpoints(self.folder / "checkpoints", settings.keep_checkpoints)
            self._restore()
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, OSError):
                self._finish()
                self._checkpoints.close()
        finally:
            self._release()

    def train(self) -> Iterator[Progress]:
        """Train to the end; yields at the start, unless the run goes on, and after each chunk.

        What the caller does with a ``Progress`` is done before that step's checkpoint is written.

        Raises:
          Diverged: a metric is not finite.
        """
        if int(self.state.step) == 0:
            yield self.beginning()
        settings = self._settings
        training = train(
            *(self.config, self.step, self.state, self.source, self.keys),
            num_steps=self.num_steps,
            log_every=settings.log_every,
            pause_every=settings.checkpoint_every,
        )
        quiet = None if is_main() else True  # None: where the screen is no terminal
        with tqdm(total=self.num_steps, initial=int(self.state.step), unit="batch", disable=quiet) as bar:
            try:
                for progress in training:
                    self.note(progress)
                    bar.update(progress.step - bar.n)
                    yield progress
                    stopping = self._stop.heard()
                    self.keep(progress, stopping)
                    if stopping:
                        return
            except NonFiniteError as error:
                self.diverge(error)

    def beginning(self) -> Progress:
        """Where a run stands that has taken no step."""
        return Progress(self.state)

    def note(self, progress: Progress) -> None:
        """Take over a chunk: its state, metrics, lines and scores."""
        self.state = progress.state
        self._journal.add(progress, aloud=is_main())
        every = self._settings.evaluate_every
        if is_main() and every and progress.batch == self.per_epoch and progress.epoch % every == 0:
            self._evaluate(progress)

    def keep(self, progress: Progress, stopping: bool) -> None:
        """Save, where a checkpoint is due or the training stops."""
        every = self._settings.checkpoint_every
        if progress.epoch_end and is_main():
            self._record["epochs"].append(epoch_digest(progress.epoch, local_copy(progress.state)))
            write_record(self.folder, self._record)
        if progress.epoch_end or stopping or (every and progress.step % every == 0):
            self._save()

    def diverge(self, error: NonFiniteError) -> NoReturn:
        """End because of a step whose metrics are not finite.

        Raises:
          Diverged: always.
        """
        message = f"{error}; the state before it is saved. Try a lower --learning-rate."
        self._record["diverged"] = message
        if is_main():
            write_record(self.folder, self._record)
        if self._journal.metrics():
            self._save()
        raise Diverged(message) from None

    def go_back(self, step: int) -> None:
        """Give up what is newer than a step, as far as there are checkpoints to go back to."""
        self._restore(until=step)

    def draw(self, step: int, images: ArrayLike) -> None:
        """Write a grid of 64 images, ``[64, height, width, channels]`` float in [-1, 1], as they are after ``step``."""
        fakes = quantize_images(images)
        title = f"epoch {step / self.per_epoch:.2f}   step {step}"
        grids.save_grid(self.folder / "grids" / f"step_{step:07d}.png", fakes, title)
        images = self._dataset.train_images  # taken evenly: the files of some data sets are in groups of one kind
        reals = images[np.linspace(0, len(images) - 1, len(fakes), dtype=int)]
        grids.save_comparison(self.folder / "real_vs_fake.png", reals, fakes)

    def _open_folder(self) -> None:
        self._lock = claim(self.folder, resume=self._settings.resume, overwrite=self._settings.overwrite)
        if not has_record(self.folder):
            return write_record(self.folder, self._record)
        found = read_record(self.folder)
        require_same_run(found, self._record)
        for difference in other_circumstances(found):
            print(f"warning: {difference}; the last bits may come out otherwise", file=sys.stderr)
        self._record["epochs"] = found["epochs"]
        if "diverged" in found:
            raise Diverged(found["diverged"])

    def _restore(self, until: int | None = None) -> None:
        found, complaints = self._checkpoints.restore_newest(self._start, until)
        step = int(found.state.step) if found else 0
        self.state = found.state if found else self._start
        self._checkpoints.drop_after(step)
        self._journal.restore(found.metrics if found else {}, self._window_start(step))
        if is_main():
            for complaint in complaints:
                print(f"warning: {complaint} Using the one before it.", file=sys.stderr)
            self._rewind(step)
            if found:
                print(f"Going on after step {step} of {self.num_steps}")

    def _rewind(self, step: int) -> None:
        """Drop what is newer than a step, or was written only because an earlier, shorter run ended there."""

        def keep(at: int) -> bool:
            batch = at % self.per_epoch
            return at <= step and (at == self.num_steps or batch % self._settings.log_every == 0)

        self._journal.rewind(keep)
        for path in [*self.folder.glob(".*-*"), *(self.folder / "grids").glob(".*-*")]:
            path.unlink()
        for path in (self.folder / "grids").glob("step_*.png"):
            if not keep(int(path.stem.removeprefix("step_"))):
                path.unlink()
        ends = (at for at in self._record["epochs"] if at["step"] <= step)
        self._record["epochs"] = [at for at in ends if at["step"] in (self.num_steps, at["epoch"] * self.per_epoch)]
        write_record(self.folder, self._record)

    def _window_start(self, step: int) -> int:
        """The step after which the window that a step is in began."""
        return step if step == self.num_steps else step - step % self.per_epoch % self._settings.log_every

    def _save(self) -> None:
        scores = [line for line in self._journal.scores() if line["step"] == int(self.state.step)]
        self._checkpoints.save(Checkpoint(self.state, self._journal.metrics()), scores[0] if scores else None)

    def _evaluate(self, progress: Progress) -> None:
        assert self._evaluator
        generator = local_copy(progress.state.generator)
        fakes = sample_images(self.config, generator, sample_count(self._dataset))
        scores = score_images(self._evaluator, fakes, self._dataset)
        text = "  ".join(f"{HEADINGS[key]} {scores[key]:.3g}" for key in HEADINGS)
        self._journal.add_scores(progress, scores, text)
        save_score_curves(self.folder / "evaluation.png", self._journal.scores())

    def _finish(self) -> None:
        if not is_main():
            return
        metrics = self._journal.metrics()
        drawn = sorted((self.folder / "grids").glob("step_*.png"))
        save_weights(self.folder / "weights.npz", local_copy(self.state))
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

    def _release(self) -> None:
        if self._lock:
            self._lock.release()
