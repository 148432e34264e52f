"""The one driver of training: for a run alone and for many side by side."""

from collections.abc import Sequence

from gan_jax.files import warn
from gan_jax.runs.bars import progress_bar
from gan_jax.runs.interrupts import StopRequest
from gan_jax.runs.processes import is_main
from gan_jax.runs.run import Run
from gan_jax.training.games import find_game
from gan_jax.training.loop import Progress, train_together

_SHOWN_RUNS = 2  # beside the progress bar


def drive(runs: Sequence[Run], stop: StopRequest) -> None:
    """Train to the end, or until a stop is requested: record, draw and checkpoint each run after every chunk.

    A run that diverges ends at the step before, with all that it had until then, and the others continue.

    Args:
      runs: one, or several that differ in their seeds and traced settings alone.
      stop: asked at every pause.
    """
    for group in _groups(runs):
        _drive_group(group, stop)
        if stop.is_set():
            return


def _drive_group(runs: Sequence[Run], stop: StopRequest) -> None:
    step = _align(runs)
    if step == 0:
        for run in runs:
            run.draw(Progress(run.state))
    context = runs[0].context
    training = train_together(
        find_game(context.settings.game).step,
        [run.start._replace(state=run.state) for run in runs],
        num_steps=context.num_steps,
        log_every=context.settings.log_every,
        pause_every=context.settings.checkpoint_every,
    )
    quiet = context.settings.quiet or not is_main()
    images = context.config.images_per_step * len(runs)
    begin = {"initial": step * images, "unit_scale": True}
    with progress_bar(context.num_steps * images, "img", quiet=quiet, **begin) as bar:
        for reports in training:
            stopping = stop.is_set()
            for index, progress in reports.items():
                runs[index].record(progress)
                runs[index].draw(progress)
                runs[index].checkpoint(progress, stopping)
                if progress.error and runs[index].context.label:
                    warn(f"{runs[index].context.label}: {runs[index].diverged}")
            bar.set_postfix_str("; ".join(filter(None, (run.summary() for run in runs[:_SHOWN_RUNS]))), refresh=False)
            bar.update(max(progress.step for progress in reports.values()) * images - bar.n)
            if stopping:
                return


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    """Groups of runs that continue together: their newest checkpoints are at most one pause apart, as after a kill.

    A run that is ahead of the others by more, or at its end, keeps all of its steps.
    """
    context = runs[0].context
    pause = context.settings.checkpoint_every or context.steps_per_epoch
    groups: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: int(run.state.step)):
        first = int(groups[-1][0].state.step) if groups else -1
        step = int(run.state.step)
        if not groups or step > first + pause or (step == context.num_steps != first):
            groups.append([])
        groups[-1].append(run)
    return groups


def _align(runs: Sequence[Run]) -> int:
    """Take every run back to the newest step of which all have a checkpoint."""
    while len(steps := {int(run.state.step) for run in runs}) > 1:
        for run in runs:
            if int(run.state.step) > min(steps):
                run.resume(until=min(steps))
    return steps.pop()
