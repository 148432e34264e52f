"""Signals at any moment of anything: an exit status, nothing half-written, and the same bits after ``--resume``."""

import pkgutil
import signal
import threading
from pathlib import Path

import pytest
from probes import SHORT, Moment, run
from small_runs import content

from gan_jax.runs.interrupts import StopRequest

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
STATUS = {INT: 130, TERM: 143, HUP: 129}

LOADING = "gan_jax.sweeps.run:load_images"
COMPILING = "jax._src.compiler:compile_or_get_cached"
CLAIMING = "gan_jax.runs.run:claim"
FIRST_RECORD = "gan_jax.storage.run_folder:write_run_json"
CHUNK = "gan_jax.runs.run:Run.record"
PICTURE = "gan_jax.pictures.grids:save_grid"
REPLACING = "pathlib:Path.replace"  # the last moment of every atomic write
SAVING = "orbax.checkpoint:CheckpointManager.save"
FINISHING = "gan_jax.runs.run:Run.finish"
WEIGHTS = "gan_jax.runs.watchers.results:save_weights"
ANIMATION = "gan_jax.pictures.grids:save_animation"
CLOSING = "gan_jax.storage.checkpoints:Checkpoints.close"
SCORING = "gan_jax.sweeps.run:trial_outcomes"

MOMENTS = [  # of one run
    Moment(SAVING, (KILL,), call=2, after=True),
    Moment(LOADING, (INT,)),
    Moment(COMPILING, (TERM,)),
    Moment(CLAIMING, (INT,)),
    Moment(PICTURE, (INT,), call=2),
    Moment(SAVING, (HUP,)),
    Moment(FINISHING, (TERM,)),
    Moment(CLOSING, (TERM,)),
    Moment(SAVING, (TERM, TERM), call=2),
    Moment(ANIMATION, (INT, TERM)),
    Moment(COMPILING, (KILL,), call=3),
    Moment(FIRST_RECORD, (KILL,)),
    Moment(REPLACING, (KILL,), call=2),
    Moment(WEIGHTS, (KILL,), after=True),
]


def ends(moment: Moment) -> set[int]:
    """The first signal is a request, which a second one does not wait for; nothing waits for SIGKILL."""
    numbers = moment.signals
    return {-numbers[-1]} if len(numbers) > 1 or numbers == (KILL,) else {STATUS[numbers[0]]}


def temporary_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if "partial" in path.name or "orbax-checkpoint-tmp" in path.name]


def interrupt_and_resume(folder: Path, moment: Moment, kind="drift", **options) -> dict[str, str]:
    """What a run leaves that was interrupted and then resumed."""
    status, _, err = run(folder, kind=kind, options=SHORT | options, moment=moment)
    assert {status} == ends(moment), err
    assert "Traceback" not in err
    if len(moment.signals) == 1 and moment.signals != (KILL,):
        assert not temporary_files(folder)
    if moment.function == LOADING:
        return content(folder)
    status, _, err = run(folder, kind=kind, options=SHORT | options)
    assert (status, err.replace(NO_CHECKPOINT.format(folder), "")) == (0, "")
    assert not temporary_files(folder)
    return content(folder)


NO_CHECKPOINT = "warning: {} has no checkpoint to resume from; training starts again from step 0\n"


def named(moment: Moment) -> str:
    signals = "-".join(signal.Signals(number).name for number in moment.signals)
    return f"{moment.function.rpartition(':')[2]}-{moment.call}{'-after' if moment.after else ''}-{signals}"


@pytest.mark.parametrize("function", sorted({moment.function for moment in MOMENTS} | {SCORING}))
def test_a_moment_is_that_of_a_function_that_is_there(function):
    assert callable(pkgutil.resolve_name(function))


FIRST, *OTHERS = MOMENTS


@pytest.mark.parametrize(
    "moment", [FIRST, *(pytest.param(other, marks=pytest.mark.soak) for other in OTHERS)], ids=named
)
def test_a_signal_at_any_moment_of_a_run_costs_no_bit(moment, short_run, tmp_path):
    found = interrupt_and_resume(tmp_path / "run", moment)
    assert found == ({} if moment.function == LOADING else content(short_run))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_every_training_saves_and_resumes_after_a_signal(kind, tmp_path):
    assert run(tmp_path / "whole", kind=kind, options={"steps": 14}).status == 0
    moment = Moment(CHUNK, (TERM,), call=2)
    assert interrupt_and_resume(tmp_path / "stopped", moment, kind, steps=14) == content(tmp_path / "whole")


def contents(folder: Path) -> dict[str, dict[str, str]]:
    """What each of many runs has left."""
    return {str(path.parent.relative_to(folder)): content(path.parent) for path in sorted(folder.rglob("run.json"))}


@pytest.fixture(scope="module")
def runs_in_peace(tmp_path_factory):
    """Where those that were not interrupted are."""
    return tmp_path_factory.mktemp("peace")


MANY = {"steps": 6, "checkpoint_every": 4, "log_every": 2}
MANY_RUNS = [
    ({"seeds": "0:2", "parallel": "in_turn"}, Moment("gan_jax.sweeps.run:_train", (TERM,), call=2), 143),
    ({"seeds": "0:2", "parallel": "side_by_side"}, Moment(SAVING, (KILL,), call=4), -9),
    ({"sweep": ("learning_rate=1e-4,2e-4",), "parallel": "in_turn"}, Moment(CHUNK, (INT,), call=4), 130),
]


@pytest.mark.soak
@pytest.mark.parametrize(("flags", "moment", "expected"), MANY_RUNS, ids=lambda value: str(value)[:60])
def test_many_runs_are_interrupted_anywhere_and_resumed_to_the_same_bits(
    flags, moment, expected, runs_in_peace, tmp_path
):
    """Each ends when the runs are to be scored, by a signal that must leave them as they are."""
    options, scoring = MANY | flags, Moment(SCORING, (INT,))
    whole = runs_in_peace / "_".join(map(str, flags.values()))
    if not whole.exists():
        assert run(whole, options=options, moment=scoring).status == 130
    status, _, err = run(tmp_path / "run", options=options, moment=moment)
    assert status == expected, err
    assert "Traceback" not in err
    assert run(tmp_path / "run", options=options, moment=scoring).status == 130
    assert contents(tmp_path / "run") == contents(whole)
    assert not temporary_files(tmp_path / "run")


COMMANDS = {  # and the moment at which a file of theirs is half there, or their work half done
    "sample --output samples.npz": "numpy:savez",
    "interpolate --rows 2 --columns 3 --output walk.gif": "PIL.Image:Image.save",
    "verify": "gan_jax.runs.verify:epoch_digest",
    "evaluate --num-images 20": "gan_jax.cli.scoring:load_features",
}


@pytest.mark.soak
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_stopped_leaves_nothing_behind(line, trained, tmp_path):
    name, *flags = line.split()
    before = content(trained)
    moment = Moment(COMMANDS[line], (INT,), after=name != "evaluate")
    status, out, err = run(tmp_path / "run", name, trained, *flags, moment=moment)
    assert (status, out, err) == (130, "", "")
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file()] == []
    assert content(trained) == before


def test_a_training_in_another_thread_leaves_signals_alone():
    found = []

    def train():
        with StopRequest() as stop:
            found.append(stop.is_set())

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [False]
