"""The weights that a run keeps of its training."""

import pytest
from small_runs import content, interrupted, settings

from gan_jax import load_run, run_experiment
from gan_jax.storage.run_folder import RunFolder
from gan_jax.training.loop import plan_chunks, spaced_pauses

KEPT = {"snapshots": 4, "keep_checkpoints": 20}


@pytest.fixture(scope="module")
def complete(tmp_path_factory, preview_keys_are_used_again):
    folder = tmp_path_factory.mktemp("snapshots") / "run"
    run_experiment(settings(folder, **KEPT, game="drift"))
    return RunFolder(folder)


def test_they_are_weights_from_the_start_to_the_end_more_at_first(complete):
    steps = complete.snapshot_steps()
    assert (steps[0], steps[-1], len(steps)) == (0, 24, 4)
    assert steps[1] - steps[0] < steps[-1] - steps[-2]
    assert [int(load_run(complete.snapshot(step)).state.step) for step in steps] == steps


def test_a_resumed_run_keeps_the_same(complete, tmp_path):
    folder = RunFolder(interrupted(complete.path, tmp_path / "run", step=8))
    folder.snapshot(10).write_bytes(b"of an interrupted training")
    run_experiment(settings(folder.path, **KEPT, game="drift"))
    assert content(folder.path) == content(complete.path)


@pytest.mark.parametrize("done", range(0, 60, 7))
def test_a_training_pauses_at_the_same_steps_wherever_it_begins(done):
    def pauses(start, pause_every=None):
        chunks = plan_chunks(start, 60, 25, log_every=10, pause_every=pause_every, chunk_steps=4)
        return {chunk.first_step + chunk.stop - chunk.start - 1 for chunk in chunks}

    assert pauses(done) == {step for step in pauses(0) if step > done}
    assert pauses(done, pause_every=7) >= pauses(done)
    assert set(spaced_pauses(60, 25, 6, log_every=10, chunk_steps=4)) <= pauses(0) | {0}
