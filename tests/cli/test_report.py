"""``gan-jax report``: a page of a run, and of many."""

import base64
import contextlib
import dataclasses
import json
import re
import shlex
from html.parser import HTMLParser
from unittest import mock

import pytest
from own_parts import own_parts
from small_runs import GAN, settings

from gan_jax import InputError, RunConfig, load_dataset, run_experiment
from gan_jax.cli.report import report
from gan_jax.cli.train import parse_flags
from gan_jax.cli.trainings import TRAININGS, command_of
from gan_jax.pictures.scores import HEADINGS
from gan_jax.storage.run_json import make_run_json, read_run_json


class Page(HTMLParser):
    """The headings, tags that are open, and addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.open, self.sources, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.sources += [values[name] for name in ("src", "href") if name in values]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)
        if self.open and self.open[-1] == "h2":
            self.headings.append(text)


def test_a_page_of_a_run_needs_nothing_else(trained, tmp_path, capsys):
    report(trained, scores=False, output=tmp_path / "page.html")
    assert str(tmp_path / "page.html") in capsys.readouterr().out
    page = Page((tmp_path / "page.html").read_text())
    assert page.open == []
    assert page.headings == ["How to repeat it", "Images", "Losses and D's scores", "Settings", "Where it was made"]
    pictures = [base64.b64decode(source.partition("base64,")[2]) for source in page.sources]
    assert len(pictures) == 5
    assert pictures[0] == max((trained / "grids").iterdir()).read_bytes()
    assert "run <1>" in page.texts
    assert any(command_of(read_run_json(trained)) in text for text in page.texts)


def test_images_that_have_moved_are_named(trained, tmp_path, monkeypatch):
    rows = {"real": {"frechet_distance": 1.0, "evaluator": "e", "evaluator_sha256": "0" * 64}}
    score = mock.Mock(return_value=mock.Mock(rows=rows))
    monkeypatch.setattr("gan_jax.cli.report_page.score", score)
    report(trained, output=tmp_path / "page.html", dataset="elsewhere", data_dir=tmp_path)
    assert "Scores between anchors" in Page((tmp_path / "page.html").read_text()).headings
    assert score.call_args.kwargs.items() >= {"dataset": "elsewhere", "data_dir": tmp_path, "num_images": None}.items()
    with pytest.raises(InputError, match="is not scored here; leave out --num-images, --features, --dataset"):
        report(trained, scores=False, dataset="elsewhere")


def test_a_page_of_many_runs_says_which_diverged_and_which_collapsed(tmp_path):
    scores = dict.fromkeys(HEADINGS, 1.5)
    ends = [("d_loss is inf at step 7", True), (None, True), (None, False), (None, None)]
    runs = [
        {"name": f"seed_{seed}", "scores": scores, "diverged": diverged, "collapsed": collapsed}
        for seed, (diverged, collapsed) in enumerate(ends)
    ]
    (tmp_path / "summary.json").write_text(json.dumps(runs))
    report(tmp_path)
    text = (tmp_path / "report.html").read_text()
    rows = re.findall(r"<tr><td>(seed_\d)</td>.*?<td>([a-z ]+)</td></tr>", text)
    assert rows == [("seed_0", "diverged"), ("seed_1", "yes"), ("seed_2", "no"), ("seed_3", "too early")]
    assert "seed_0: d_loss is inf at step 7" in text
    del runs[2]["collapsed"]
    (tmp_path / "summary.json").write_text(json.dumps(runs))
    with pytest.raises(InputError, match=r"no summary of runs \(KeyError: 'collapsed'"):
        report(tmp_path)


@pytest.mark.soak
def test_a_page_of_many_runs_has_them_beside_each_other(tmp_path, quick_scores):
    quick_scores["critic_accuracy"] = 0.75
    run_experiment(settings(tmp_path / "many", steps=3, seeds="0:2", game="drift"))
    report(tmp_path / "many", output=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    page = Page(text)
    assert page.headings == ["Scores", "Curves", "Images", "How to repeat each"]
    assert len(page.sources) == 3
    assert "The runs' median and quartiles, step by step." in page.texts
    assert re.findall(r"--seed \d", text) == ["--seed 1"]
    assert text.count("<td>0.75</td>") == 2


@pytest.mark.parametrize("game", ["joint", "generator", "discriminator", "drift"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed": 7, "epochs": 3, "evaluate_every": 2, "tracker": ("tensorboard", "wandb"), "snapshots": 4},
        {"gan": dataclasses.replace(GAN, penalties=("r1", "r2"), normalization="none", conditional=True)},
        {
            "gan": dataclasses.replace(GAN, schedules=("beta2=linear:0.99", "learning_rate=warmup:0:1e3")),
            "schedule_steps": 9,
        },
    ],
)
def test_the_command_gives_the_same_settings(game, changes, tmp_path):
    asked = RunConfig(**{"game": game, "dataset": "digits", "output_dir": tmp_path / "a folder"} | changes)
    record = make_run_json(asked, asked.gan, load_dataset("digits"), asked.schedule_steps)
    program, name, *flags = shlex.split(command_of(record))
    assert program == "gan-jax"
    assert name == {"generator": "standalone-generator", "discriminator": "standalone-discriminator"}.get(game, "train")
    assert parse_flags(TRAININGS[name], flags) == asked


def test_the_command_imports_the_parts_of_the_run(tmp_path):
    (tmp_path / "a part.py").write_text("from gan_jax import GAMES\nGAMES['own'] = GAMES['joint']\n")
    with own_parts():
        asked = parse_flags(RunConfig(), ["--import", str(tmp_path / "a part.py"), "--game", "own"])
        record = make_run_json(asked, asked.gan, load_dataset("digits"), schedule_steps=None)
        program, name, *flags = shlex.split(command_of(record))
    assert (program, name) == ("gan-jax", "train")
    with own_parts(forget=True), contextlib.chdir(tmp_path):
        again = parse_flags(TRAININGS[name], flags)
        assert again == dataclasses.replace(asked, imports=("a part.py",))
