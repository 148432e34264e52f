"""What surrounds a training step with a run: ``RunConfig``."""

import dataclasses
from dataclasses import field
from pathlib import Path
from typing import Literal, Self

from gan_jax.config import MAX_IMAGE, GanConfig, require, require_count
from gan_jax.errors import InputError
from gan_jax.field_types import convert_fields
from gan_jax.fields import explain_fields
from gan_jax.parts import import_parts, imported_names

MAX_SEED = 2**32 - 1
MAX_STEPS = 2**30  # of a run, which counts them in int32
MAX_SNAPSHOTS = 10_000  # a file each
EPOCHS = 40  # by default, where there are many images
# Of 400 pictures of Fashion-MNIST, width 32 and batches of 128: before FEW_UPDATES fakes are grey or striped, and after
# ENOUGH_IMAGES in all epochs together they are clothes.
FEW_UPDATES = 300
ENOUGH_IMAGES = 100_000

# What is said of a field where it is declared.
MAY_CHANGE = {"may_change": True}  # may differ when a run is resumed: it changes no step that the run has taken
OF_THIS_PROCESS = MAY_CHANGE | {"unrecorded": True}  # of the process rather than of the run


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What is trained, for how long, from which seed and images."""

    gan: GanConfig = field(default_factory=GanConfig)
    """Networks and optimizer."""
    game: str = "joint"
    """What is trained: joint (G and D), generator (G alone, against a constant D) or discriminator (D alone)."""
    dataset: str = "fashion_mnist"
    """fashion_mnist, mnist, kmnist, cifar10, svhn_cropped (downloaded once), digits (embedded), a folder, .zip or .npz
    of images, or a name in TensorFlow Datasets."""
    data_dir: Path | None = field(default=None, metadata=MAY_CHANGE)
    """A folder with the data set's published files, used in place of a download."""
    image_size: int | None = None
    """Crop the images' centres to squares, and resize them to so many pixels, such as 28, 32, 64 or 128."""
    channels: Literal[1, 3] | None = None
    """Make the images grey (1) or RGB (3); by default they are as the files' modes are, whatever the pixels."""
    pixel_range: tuple[float, float] | None = None
    """The values in the files that become black and white, such as 0 4095 of 12-bit data in 16-bit files."""
    skip_broken: bool = field(default=False, metadata=MAY_CHANGE)
    """Leave image files that cannot be read out."""
    stream: bool = field(default=False, metadata=MAY_CHANGE)
    """Keep the training images on disk, and read them ahead of the training (a folder, zip, or TensorFlow Datasets)."""
    epochs: int | None = field(default=None, metadata=MAY_CHANGE)
    """Passes over the training images; by default 40, or with few images as many as make 100,000 images."""
    steps: int | None = field(default=None, metadata=MAY_CHANGE)
    """Stop after this many batches, in place of epochs."""
    schedule_steps: int | None = None
    """The step at which schedules end that have no end of their own; by default the end of the run."""
    seed: int = 0
    """Decides initial weights, order of images and latents."""
    discriminator: Path | None = None
    """A finished run whose discriminator to start from, in place of an untrained one."""
    start_from: Path | None = None
    """A finished run whose networks to start from, such as one on other images; optimizer and step begin anew."""
    imports: tuple[str, ...] = field(default=(), metadata=OF_THIS_PROCESS)
    """Python files and installed modules that add the parts that other settings name, as --import takes them."""

    def with_length(self, num_images: int) -> Self:
        """The same with the default length for so many training images, if none is given.

        Examples:
          >>> TrainingConfig().with_length(60_000).epochs, TrainingConfig().with_length(400).epochs
          (40, 250)
        """
        if self.steps or self.epochs:
            return self
        return dataclasses.replace(self, epochs=max(EPOCHS, -(-ENOUGH_IMAGES // num_images)))

    def num_steps(self, steps_per_epoch: int) -> int:
        """Batches in the complete run; ``with_length`` comes first where there may be few images.

        Raises:
          InputError: the epochs are more than a state can count.
        """
        steps = self.steps or (self.epochs or EPOCHS) * steps_per_epoch
        if steps > MAX_STEPS:
            raise InputError(
                f"the run would have {steps:,} steps; the most is {MAX_STEPS:,}: give fewer --epochs or --steps."
            )
        return steps


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """Many runs from one set of flags."""

    seeds: str | None = field(default=None, metadata=MAY_CHANGE)
    """Train many seeds, each in a folder of its own: 0:8 for seeds 0 to 7, or a list such as 0,3,5."""
    sweep: tuple[str, ...] = field(default=(), metadata=MAY_CHANGE)
    """Train each value, times seeds: name=value,value of a number that decides the step, such as learning_rate."""
    parallel: Literal["auto", "in_turn", "side_by_side"] = field(default="auto", metadata=MAY_CHANGE)
    """Train many runs one after another, or side by side; auto chooses what is faster."""

    @property
    def has_many_runs(self) -> bool:
        """Whether these settings ask for more than one run."""
        return self.seeds is not None or bool(self.sweep)


@dataclasses.dataclass(frozen=True)
class DeviceConfig:
    """Which devices share a batch, and which of several processes this is."""

    devices: int | None = field(default=None, metadata=MAY_CHANGE)
    """Share each batch among so many local devices; by default one, and all in a run of several processes."""
    distributed: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """One of several processes; SLURM, Open MPI 4, Kubernetes or Cloud TPU tells which."""
    coordinator: str | None = field(default=None, metadata=OF_THIS_PROCESS)
    """One of several processes: the host:port of process 0."""
    num_processes: int | None = field(default=None, metadata=OF_THIS_PROCESS)
    """How many processes there are."""
    process_id: int | None = field(default=None, metadata=OF_THIS_PROCESS)
    """Which of them this is, from 0; process 0 alone prints, draws and writes."""


@dataclasses.dataclass(frozen=True)
class SavingConfig:
    """When a run reports, is scored and is saved, and where its files go."""

    log_every: int = 100
    """Batches from one logged line to the next."""
    evaluate_every: int | None = None
    """Score 10,000 fakes (of digits 1,000) after every so many epochs; takes most of a minute each time on a laptop."""
    features: str = "classifier"
    """What the scores compare: classifier (small, of the data set), inception (as papers), onnx:FILE, MODULE:FUNCTION
    or FILE.py:FUNCTION."""
    feature_weights: Path | None = field(default=None, metadata=MAY_CHANGE)
    """The weights of --features inception, in place of a download."""
    checkpoint_every: int | None = field(default=None, metadata=MAY_CHANGE)
    """Save every so many batches too; a run is always saved at the end of an epoch and when it is stopped."""
    keep_checkpoints: int = field(default=2, metadata=MAY_CHANGE)
    """The newest so many stay, and the best by Fréchet distance where there are scores."""
    snapshots: int | None = field(default=None, metadata=MAY_CHANGE)
    """Keep the weights of so many moments of the training, more at first, for gan-jax playground."""
    tracker: tuple[str, ...] = field(default=(), metadata=MAY_CHANGE)
    """Also show the run in tensorboard or wandb (in its folder's trackers/); may be given several times."""
    output_dir: Path | None = field(default=None, metadata=MAY_CHANGE)
    """The run's folder, refused if it already holds something; by default runs/DATASET, with the recipe, what is
    trained alone, and seeds or the swept settings in its name, such as runs/digits-r3gan-generator-seeds."""
    resume: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """Resume the run in the output folder from its newest checkpoint; start it if there is none."""
    quiet: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """Print warnings and errors alone."""
    overwrite: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """Replace the run that is in the output folder."""

    @property
    def folder(self) -> Path:
        """``output_dir``; ``run_experiment`` and the commands choose one where it is not given."""
        return self.output_dir or Path("runs")


@explain_fields
@dataclasses.dataclass(frozen=True)
class RunConfig(SavingConfig, DeviceConfig, SweepConfig, TrainingConfig):
    """One run, or many, and where the files go.

    It is made of small parts, and a function that needs one of them asks for that part. Every field says, where it is
    declared, whether it may change when the run is resumed.

    Raises:
      InputError: a value is of another type or outside its range; the message names the value and what is allowed.
    """

    def __post_init__(self) -> None:
        convert_fields(self, RunConfig)
        for name in set(self.imports).difference(imported_names()):
            import_parts(name)
        for name in ("log_every", "keep_checkpoints"):
            require_count(self, name)
        for name in ("epochs", "steps", "evaluate_every", "checkpoint_every", "devices", "num_processes"):
            if getattr(self, name) is not None:
                require_count(self, name)
        for name, most in (("schedule_steps", MAX_STEPS), ("image_size", MAX_IMAGE)):
            if getattr(self, name) is not None:
                require_count(self, name, most=most)
        few = self.snapshots is None or 2 <= self.snapshots <= MAX_SNAPSHOTS
        require(few, "snapshots", self.snapshots, f"at least 2 and at most {MAX_SNAPSHOTS:,}")
        require(0 <= self.seed <= MAX_SEED, "seed", self.seed, f"from 0 to {MAX_SEED}")
        if self.discriminator and self.start_from:
            raise InputError("--discriminator and --start-from both give trained weights; give one of them.")
        if self.resume and self.overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it; give one of them.")
