"""The weights that a run keeps of its training."""

import pytest

from gan_jax import load_run
from gan_jax.training.loop import plan_chunks, spaced_pauses


def test_snapshots_are_weights_from_the_start_to_the_end_more_at_first(complete):
    steps = complete.snapshot_steps()
    assert (steps[0], steps[-1], len(steps)) == (0, 24, 4)
    assert steps[1] - steps[0] < steps[-1] - steps[-2]
    assert [int(load_run(complete.snapshot(step)).state.step) for step in steps] == steps


@pytest.mark.parametrize("done", [0, 7, 21, 49])
def test_a_training_pauses_at_the_same_steps_wherever_it_begins(done):
    def pauses(start, pause_every=None):
        chunks = plan_chunks(start, 60, 25, log_every=10, pause_every=pause_every, chunk_steps=4)
        return {chunk.first_step + chunk.stop - chunk.start - 1 for chunk in chunks}

    assert pauses(done) == {step for step in pauses(0) if step > done}
    assert pauses(done, pause_every=7) >= pauses(done)
    assert set(spaced_pauses(60, 25, 6, log_every=10, chunk_steps=4)) <= pauses(0) | {0}
