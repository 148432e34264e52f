"""Texts of seeds, sweeps and JSON: a value or one line, whatever they say."""

import contextlib
import json
import string

import numpy as np
import pytest
from damaged import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import InputError, RunConfig
from gan_jax.config import SWEEPABLE
from gan_jax.files import parse_json
from gan_jax.setting_groups import MAX_SEED
from gan_jax.sweeps.plan import format_value, list_trials, parse_sweep

# Not st.text() of all characters, whose table takes seconds to make.
ANY = st.binary(max_size=30).map(lambda content: content.decode("utf-8", "replace"))
TEXTS = st.one_of(ANY, st.text("0123456789:,-+_eE.= \u0663", max_size=30))


@EXAMPLES
def test_any_text_is_a_sweep_of_valid_settings_or_a_line(examples):
    names = st.sampled_from([*SWEEPABLE, "learning-rate", "seed", "gan", ""])

    @settings(max_examples=examples)
    @given(st.one_of(TEXTS, st.builds("{}={}".format, names, st.text("0123456789,.-+einfa_ ", max_size=20))))
    def holds(text):
        for asked in ({"sweep": (text,)}, {"seeds": text}):
            try:
                trials = list_trials(RunConfig(**asked))
            except InputError:
                continue
            assert len({trial.name for trial in trials}) == len(trials) > 0
            assert all(set(trial.name) <= set(string.ascii_letters + string.digits + "=_/.-+") for trial in trials)
            assert len(trials) <= 10_000
            assert all(0 <= trial.settings.seed <= MAX_SEED for trial in trials)

    holds()


@EXAMPLES
def test_swept_values_are_read_back_from_their_names(examples):
    @settings(max_examples=examples)
    @given(st.lists(st.floats(0, 1e30, allow_subnormal=False), min_size=1, max_size=5, unique_by=np.float32))
    def holds(values):
        assert parse_sweep(f"real_weight={','.join(map(format_value, values))}") == ("real_weight", values)

    holds()


def test_more_runs_than_anybody_trains_are_refused_before_they_are_listed():
    many = ",".join(f"0.{number:03d}" for number in range(1000))
    with pytest.raises(InputError, match=r"ask for 10,000,000,000 runs; it must be 10,000 at most"):
        list_trials(RunConfig(seeds="0:10000", sweep=(f"beta1={many}", f"real_weight={many}")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_subnormal=False) | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=8,
)


@EXAMPLES
def test_json_is_read_back_and_anything_else_is_a_value_error(examples):
    @settings(max_examples=examples)
    @given(JSON, ANY | st.text('{}[]":,0eE-.\\untrfalse', max_size=20))
    def holds(value, text):
        assert parse_json(json.dumps(value)) == value
        with contextlib.suppress(ValueError):
            parse_json(text)

    holds()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_that_is_nested_too_deeply_is_a_value_error(opening):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(opening * 100_000)
