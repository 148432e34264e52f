"""Whatever value a flag is given, the command uses it or says in one line what is wrong, and then leaves nothing."""

import dataclasses
import math

import jax
import numpy as np
import pytest
from in_process import assert_mistake, command
from PIL import Image
from run_damage import everything
from small_runs import GAN, write_record

import gan_jax.cli.next_command
from gan_jax import GanConfig, RunConfig, init_state, save_weights

TRAIN = ["train", "--dataset", "digits", "--width", "2", "--latent-dim", "4", "--output-dir", "run"]
TOO_MANY = "99999999999999999999"
FIELDS = [*dataclasses.fields(RunConfig), *dataclasses.fields(GanConfig)]
TAKE_VALUES = {field.name for field in FIELDS if not isinstance(field.default, bool)}
FLAGS = sorted(TAKE_VALUES - {"gan", "image_shape", "num_classes", "class_counts"})
VALUES = ["-1", "1.5", "nan", "é", TOO_MANY]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A run that has taken no step, though it has weights, weights, samples and a picture."""
    folder = tmp_path_factory.mktemp("inputs")
    write_record(folder / "run", steps=4)
    for path in (folder / "weights.npz", folder / "run" / "weights.npz"):
        save_weights(path, init_state(GAN, jax.random.key(0)), GAN)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    np.savez(folder / "samples.npz", arr_0=images)
    Image.fromarray(images[0, ..., 0]).save(folder / "image.png")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_refused(here, arguments, complaint):
    assert_mistake(command(*arguments), complaint)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (f"--steps {TOO_MANY}", f"steps is {TOO_MANY}; it must be a whole number of at least 1 and at most"),
        ("--steps 2147483647", "2,147,483,647 steps; the most is 1,073,741,824"),
        ("--seed -1", "seed is -1; it must be from 0 to 4294967295"),
        ("--snapshots 2147483647", "snapshots is 2147483647; it must be at least 2 and at most 10,000"),
        ("--evaluate-every 0", "evaluate_every is 0"),
        ("--devices 4096", "devices is 4096, but there are"),
        ("--num-processes 2", "--coordinator, --num-processes and --process-id go together"),
        ("--num-processes 1 --process-id 0 --coordinator é", "coordinator is 'é'; it must be host:port"),
        ("--num-processes 1 --process-id 0 --coordinator a:99999999", "it must be host:port, such as"),
        ("--distributed --coordinator a:1", "or give --distributed alone"),
        ("--tracker é", "tracker is 'é'; it must be one of tensorboard, wandb"),
        ("--seeds -1", "each seed must be from 0"),
        ("--sweep", "--sweep is empty"),
        ("--sweep seed=1,2", "sweep is 'seed=1,2'"),
        ("--sweep learning_rate=0.1,0", "learning_rate is 0.0; it must be a number above 0"),
        ("--sweep width=2,65536", "width is 65536"),
        ("--recipe é", "recipe is 'é'; it must be one of dcgan"),
        ("--learning-rate 1e-300", "a number above 0, and so when it is rounded to float32"),
        ("--real-weight 1e300", "real_weight is 1e+300; it must be a number of at least 0, and so"),
        ("--beta2 0.99999999999", "below 1, and so when it is rounded to float32"),
        (f"--schedules learning_rate=cosine:x0.05 --schedule-steps {TOO_MANY}", f"schedule_steps is {TOO_MANY}"),
        ("--schedules learning_rate=cosine", "schedules has 'learning_rate=cosine'; a schedule is SETTING=CURVE:END"),
        (
            "--schedules learning_rate=linear:-1",
            "learning_rate in schedules is -1.0; it must be 0, or a number above 0",
        ),
        ("--schedules beta2=linear:x2", "beta2 in schedules is 1.998; it must be 0, or at least 0 and below 1"),
        ("--critic-steps 65536", "times critic_steps 65536, but there are 1500 training images"),
        ("--batch-size 1501", "batch_size is 1501, but there are 1500 training images"),
        ("--stream", "train on it without --stream"),
        ("--data-dir .", "leave out --data-dir"),
        ("--dataset é", "TensorFlow Datasets cannot read 'é'"),
        ("--output-dir /dev/null", "/dev/null is a file"),
        (f"--output-dir {'x' * 300}", "cannot be read or written (File name too long); correct that"),
    ],
)
def test_a_training_refuses_a_value_before_it_begins(flags, complaint, here):
    assert_refused(here, [*TRAIN, *flags.split()], complaint)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ("--resume --overwrite", "give one of them"),
        ("--sweep beta1=0,0.5 --sweep learning_rate=1e-3", "--sweep is given twice"),
        ("--steps 5 --epochs 3", "--steps and --epochs both say how long"),
        ("--seeds=1:3 --seed=0", "--seed and --seeds both say which"),
        ("--parallel side_by_side", "give --seeds or --sweep too"),
        ("--penalty-weight 2", "penalty_weight has no effect here; give --penalties too"),
        ("--penalty_share=0.5", "penalty_share has no effect here"),
        ("--schedule-steps 5", "schedule_steps has no effect here; give --schedules too"),
        ("--schedules beta2=linear:0.9:1e6 --schedule-steps 5", "schedule_steps has no effect here"),
        ("--generator-penalty-every 5", "give --generator-penalties too"),
        ("--augmentation-probability 0.5", "give --augmentations too"),
        ("--ema-statistics recalibrated", "give --ema-half-life too"),
        ("--sweep penalty-weight=1,2", "penalty_weight has no effect here"),
    ],
)
def test_a_training_ignores_no_flag(flags, complaint, here):
    assert_refused(here, [*TRAIN, *flags.split()], complaint)


def test_many_runs_do_not_begin_where_one_of_them_could_not(here):
    (here / "run" / "seed_1").mkdir(parents=True)
    (here / "run" / "seed_1" / "thesis.tex").touch()
    assert_mistake(command(*TRAIN, "--seeds", "0:2"), "seed_1 holds files but no run")
    assert [path.name for path in (here / "run").iterdir()] == ["seed_1"]


def test_what_enables_a_setting_may_be_swept_with_it(here, monkeypatch):
    trained = []
    monkeypatch.setattr(gan_jax.cli.next_command, "run_experiment", lambda asked, *_, **__: trained.append(asked))
    for flags in (["--sweep", "ema_half_life=9,99", "ema_ramp=0.1"], ["--recipe", "r1", "--penalty-weight=2"]):
        assert command(*TRAIN, *flags).status == 0
    assert len(trained) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("trian", "there is no subcommand 'trian'; give one of train, standalone-generator"),
        ("sample {in}/weights.npz --num-images 10001 --output x.png", "the picture would have 10,001 images"),
        ("reals --dataset digits --num-images 10001 --output x.png", "the most is 10,000"),
        ("interpolate {in}/weights.npz --rows 1000000 --columns 1000000 --output x.gif", "the picture"),
        ("sample {in}/weights.npz --label 0 --output x.npz", "the run is not conditional"),
        ("sample {in}/image.png --output x.npz", "image.png cannot be read as weights"),
        ("sample /dev/null --output x.npz", "/dev/null holds no run"),
        ("project {in}/weights.npz {in}/image.png --restarts 1001 --output x.png", "from 1 to 1,000"),
        ("project {in}/weights.npz {in}/samples.npz --output x.png", "cannot be read as an image"),
        ("export {in}/weights.npz --model discriminator --output x", "give --format onnx too"),
        ("export {in}/weights.npz --model discriminator --format onnx --no-ema --output x", "--no-ema is about"),
        ("playground {in}/weights.npz --max-megabytes nan --output x.html", "max-megabytes is nan"),
        ("playground {in}/weights.npz --plane é --output x.html", "é holds no training in the plane"),
        ("evaluate {in}/run --num-images 3", "num-images is 3"),
        ("evaluate {in}/run --figure s.xyz", "s.xyz must end in one of .png, .pdf, .svg"),
        ("evaluate {in}/weights.npz", "give --dataset"),
        ("evaluate {in}/run --json {in}/run/run.json/s.json", "cannot be written"),
        ("sample {in}/weights.npz --num-images 1000001 --output x.npz", "it must be from 1 to 1,000,000"),
        ("sample {in}/weights.npz --output x.jpg", "ends in .jpg"),
        ("sample {in}/weights.npz --truncation 1.5 --output x.npz", "truncation is 1.5; it must be from"),
        ("sample {in}/weights.npz --output {in}/run/run.json/x.png", "x.png cannot be written"),
        ("sample {in}/weights.npz --output {in}/run/weights.npz", "is a run's own file, which would be lost"),
        ("sample {in}/weights.npz --output {in}/run", "is a folder that holds something"),
        ("export {in}/weights.npz --output {in}/run", "cannot be written"),
        ("export {in}/weights.npz --batch 8 --format onnx --output x", "ONNX files take any number"),
        ("interpolate {in}/weights.npz --rows 1 --output x.gif", "rows is 1"),
        ("verify {in}/run --epochs 1:2:3", "epochs is '1:2:3'"),
        ("verify {in}/run --epochs 0:0", "no epoch after 0 and up to 0 is recorded"),
        ("report {in}/run --no-scores --num-images 9", "leave out --num-images"),
        (f"replay {{in}}/run --step {TOO_MANY} --output x.npz", "the run has steps 1 to 4"),
        ("evaluate {in}/samples.npz --dataset digits --no-ema --figure x.png", "holds samples"),
    ],
)
def test_a_command_refuses_a_value_and_writes_nothing(arguments, complaint, inputs, here):
    before = everything(inputs)
    assert_refused(here, arguments.replace("{in}", str(inputs)).split(), complaint)
    assert everything(inputs) == before


@pytest.mark.soak
@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_of_a_training_takes_a_value_as_it_is_or_not_at_all(name, here, monkeypatch):
    """The settings that a training would begin with hold what was given, and nothing that is not finite."""
    trained = []
    monkeypatch.setattr(gan_jax.cli.next_command, "run_experiment", lambda asked, *_, **__: trained.append(asked))
    for value in VALUES:
        trained.clear()
        status, _, err = command("train", f"--{name.replace('_', '-')}={value}")
        assert (status, bool(trained)) in ((0, True), (2, False))
        if not trained:
            assert err.startswith("error: ")
            assert err.count("\n") == 1
            continue
        chosen = getattr(trained[0], name, None) or getattr(trained[0].gan, name, None)
        if isinstance(chosen, float):
            assert math.isfinite(chosen)
            assert chosen == float(value)
    assert not list(here.iterdir())
