"""The folder of many runs: begun, continued and replaced together, and whole until then."""

import json
from unittest import mock

import pytest
from run_damage import everything
from small_runs import settings

from gan_jax import InputError, load_dataset
from gan_jax.cli.report import report
from gan_jax.cli.train import parse_flags
from gan_jax.cli.trainings import TRAININGS
from gan_jax.storage.run_folder import RunFolder, claim
from gan_jax.storage.run_json import make_run_json, run_digest, write_run_json
from gan_jax.sweeps import folder as module
from gan_jax.sweeps.folder import SweepFolder
from gan_jax.sweeps.plan import list_trials

SCORES = {"frechet_distance": 1.0, "kernel_distance": 1.0, "precision": 1.0, "recall": 1.0}


def record_of(path, **options):
    asked = settings(path, **options)
    return make_run_json(asked, asked.gan, load_dataset("digits"), None)


def sweep(path, seeds, resume=False, overwrite=False):
    return SweepFolder(path, [f"seed_{seed}" for seed in seeds], resume=resume, overwrite=overwrite)


def write_runs(path, seeds):
    """Finished runs, and their summary."""
    opened = sweep(path, seeds)
    outcomes = []
    for seed in seeds:
        record = record_of(path / f"seed_{seed}", seed=seed)
        opened.begin(record)
        (path / f"seed_{seed}" / "grids").mkdir(parents=True)
        write_run_json(path / f"seed_{seed}", record)
        ended = {"diverged": None, "collapsed": None, "scores": SCORES}
        outcomes.append({"name": f"seed_{seed}", "run_sha256": run_digest(record)} | ended)
    (path / "summary.json").write_text(json.dumps(outcomes))
    opened.close()


@pytest.fixture
def path(tmp_path):
    write_runs(tmp_path / "runs", (0, 1, 2))
    return tmp_path / "runs"


def names(path):
    return {str(found.relative_to(path)) for found in path.rglob("*") if found.name != ".lock"}


def test_runs_that_are_replaced_are_whole_until_the_first_new_one_begins_and_go_together(path):
    (path / "notes.md").touch()
    (path / "seed_1" / "favourite.png").touch()
    before = everything(path)
    new = sweep(path, (2, 3), overwrite=True)
    new.require_claimable()
    assert everything(path) == before
    new.begin(record_of(path / "seed_2", seed=2))
    assert names(path) == {"runs.json", "notes.md", "seed_1", "seed_1/favourite.png"}
    found = json.loads((path / "runs.json").read_text())
    assert (found["runs"], found["replaced"]) == (["seed_2", "seed_3"], [])
    (path / "seed_2").mkdir()
    write_run_json(path / "seed_2", record_of(path / "seed_2", seed=2))
    new.begin(record_of(path / "seed_3", seed=3))
    assert (path / "seed_2" / "run.json").exists()


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_replacement_that_was_killed_is_told_and_goes_on_with_the_new_settings(removed, path):
    new, ends = sweep(path, (0, 1), overwrite=True), [mock.DEFAULT] * removed + [KeyboardInterrupt]
    with mock.patch.object(module, "remove_run", wraps=module.remove_run, side_effect=ends):
        with pytest.raises(KeyboardInterrupt):
            new.begin(record_of(path / "seed_0", log_every=7))
        new.close()
    with pytest.raises(InputError, match="not all trained and scored; continue the training with --resume"):
        report(path)
    flags = parse_flags(TRAININGS["train"], ["--resume", "--seeds", "0:2", "--output-dir", str(path)])
    assert (flags.dataset, flags.log_every, flags.gan.width) == ("digits", 7, 2)
    again = sweep(path, (0, 1), resume=True)
    again.begin(record_of(path / "seed_0", log_every=7))
    assert names(path) == {"runs.json"}


def test_a_run_that_another_process_trains_keeps_all_from_being_replaced(path):
    before = everything(path)
    lock = claim(RunFolder(path / "seed_1"), resume=True)
    new = sweep(path, (0,), overwrite=True)
    with pytest.raises(InputError, match=r"another process is at work in .*seed_1"):
        new.begin(record_of(path / "seed_0"))
    lock.release()
    new.close()
    assert everything(path).items() >= before.items()
    assert json.loads((path / "runs.json").read_text())["runs"] == ["seed_0", "seed_1", "seed_2"]


@pytest.mark.parametrize(
    ("seeds", "flags", "complaint"),
    [
        ((3, 4), {}, "holds many runs; .* --resume to continue them, or --overwrite to replace them all"),
        ((3, 4), {"resume": True}, "also holds seed_0, which its summary would lose; give the values of all runs"),
        ((0, 1, 3), {"resume": True}, "also holds seed_2"),
    ],
)
def test_runs_beside_those_that_are_there_do_not_take_their_summary(seeds, flags, complaint, path):
    before = everything(path)
    with pytest.raises(InputError, match=complaint):
        sweep(path, seeds, **flags).require_claimable()
    assert everything(path) == before


def test_more_runs_join_those_that_are_there(path):
    more = sweep(path, (0, 1, 2, 3), resume=True)
    more.begin(record_of(path / "seed_0"))
    more.close()
    assert json.loads((path / "runs.json").read_text())["runs"] == ["seed_0", "seed_1", "seed_2", "seed_3"]
    assert (path / "seed_2" / "run.json").exists()
    with pytest.raises(InputError, match=r"summary\.json is not of the runs as they are now"):
        report(path)


def test_list_trials_in_a_runs_own_folder_is_refused(path):
    with pytest.raises(InputError, match="holds a single run"):
        list_trials(settings(path / "seed_1", seeds="0:2"))


def test_a_page_has_no_scores_of_other_runs_than_those_in_the_folder(path):
    report(path)
    write_run_json(path / "seed_1", record_of(path / "seed_1", seed=1, log_every=7))
    with pytest.raises(
        InputError, match=r"summary\.json is not of the runs as they are now; continue the training with"
    ):
        report(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"run": {}, "runs": ["../x"], "replaced": []}', '{"run": {}, "runs": 3}']
)
def test_a_list_of_runs_of_another_form_is_refused(text, path):
    (path / "runs.json").write_text(text)
    with pytest.raises(InputError, match=r"runs\.json is no list of runs .*; restore it from a copy"):
        sweep(path, (0, 1, 2), resume=True).require_claimable()
