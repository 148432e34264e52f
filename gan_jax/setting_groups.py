"""The settings by group: names, types, defaults and texts. ``config.py`` and ``settings.py`` check their values."""

import dataclasses
from dataclasses import field
from pathlib import Path
from typing import Literal, Self

from gan_jax.errors import InputError

TRACED_OPERAND = {"traced": True}  # a compiled step takes it as an operand: changing it does not compile again
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
class NetworkConfig:
    """What the networks are, and what they make."""

    image_shape: tuple[int, ...] = (28, 28, 1)
    """Height, width, channels; the data set decides. ``(D,)`` for points of D dimensions in place of images."""
    latent_dim: int = 100
    """Entries of a latent vector z ~ N(0, 1)."""
    network: str = "dcgan"
    """Layers of both networks: dcgan, infogan, r3gan or dense."""
    width: int = 64
    """Channels next to the image; inner layers have 2 and 4 times as many."""
    discriminator_width: int | None = None
    """D's channels next to the image, where they are not as many as G's."""
    max_channels: int | None = None
    """No layer of dcgan and r3gan has more; large images need it, whose inner layers double their channels often."""
    initializer: Literal["dcgan", "lecun", "he"] = "dcgan"
    """Kernels of dcgan and infogan: N(0, 0.02), LeCun (variance 1 / fan-in) or He (2 / (1 + 0.2**2) / fan-in)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type of the layers' inputs and products; weights, statistics, losses and the optimizer stay float32."""
    normalization: Literal["batch", "spectral", "none"] = "batch"
    """Of D's layers; r3gan's have none, dense ones none or spectral."""
    conditional: bool = False
    """Tell both networks each image's class."""
    num_classes: int = 10
    """Kinds of images, of which a conditional network is told; the data set decides."""
    class_counts: tuple[int, ...] = ()
    """Training images of each class, where one has none, or uneven ones are recalibrated; the data set decides."""
    packing: int = 1
    """Images that D judges together, as one with so many times the channels (PacGAN, Lin et al. 2018)."""

    stage_widths: tuple[int, ...] = ()
    """r3gan's channels at each size of images, from the smallest up, or one number for all; by default of width."""
    stage_cardinalities: tuple[int, ...] = ()
    """Groups of r3gan's 3x3 convolutions at each size, or one number for all; by default of 16 channels each."""
    stage_blocks: tuple[int, ...] = (2,)
    """r3gan's residual blocks at each size, or one number for all."""
    expansion: int = 2
    """How many times as many channels there are within one of r3gan's blocks as between them."""
    bfloat16_stages: int = 0
    """At how many of the largest sizes r3gan's layers compute in bfloat16, as with that precision they do at all."""

    def channels(self, halvings: int) -> int:
        """Channels of a layer after so many halvings of the image."""
        channels = self.width * 2**halvings
        return channels if self.max_channels is None else min(channels, self.max_channels)


@dataclasses.dataclass(frozen=True)
class ObjectiveConfig:
    """What both networks minimize."""

    objective: str = "non_saturating"
    """What both networks minimize: non_saturating, saturating, least_squares, hinge, wasserstein or relativistic."""
    real_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of the loss on reals in D's loss."""
    fake_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of the loss on fakes in D's loss."""
    penalties: tuple[str, ...] = ()
    """Added to D's loss: any of r1, r2 and gradient_penalty."""
    penalty_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of the penalties."""
    penalty_share: float = 1.0
    """The part of each batch that is penalized, above 0; a small one costs less."""
    penalty_every: int = 1
    """Penalize every so many steps, with so many times the weight (StyleGAN2's lazy regularization)."""
    generator_penalties: tuple[str, ...] = ()
    """Added to G's loss: mode_seeking."""
    generator_penalty_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of G's penalties."""
    generator_penalty_every: int = 1
    """Penalize G every so many steps, with so many times the weight."""


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """How what D sees is changed, and what adapts while it trains."""

    mirror: bool = False
    """Mirror each training image, left to right, with probability one half, anew whenever it is used."""
    augmentations: tuple[str, ...] = ()
    """What D sees is changed at random, reals and fakes alike: translation, cutout, or pipe (Karras et al. 2020)."""
    augmentation_probability: float | None = field(default=None, metadata=TRACED_OPERAND)
    """Change each image with this probability, separately by each augmentation and by each part of pipe; by default
    always."""
    controllers: tuple[str, ...] = ()
    """Adapt settings to what is seen: ada moves augmentation_probability (Karras et al. 2020)."""


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """How both networks learn."""

    batch_size: int = 128
    """Real images, and as many fakes, in an update of D."""
    critic_steps: int = 1
    """Updates of D before each one of G, each on a batch of its own."""
    generator_batch: Literal["shared", "own"] = "shared"
    """G learns from the images and latents of D's last update, or from a batch of its own, as in R3GAN."""
    micro_batch: int | None = None
    """Take each batch in parts of so many images and add up the gradients, in the memory that a part needs."""
    optimizer: str = "adam"
    """How gradients move the weights: adam, rmsprop or sgd."""
    learning_rate: float = field(default=2e-4, metadata=TRACED_OPERAND)
    """The optimizer's step size, for both networks if D has none of its own."""
    discriminator_learning_rate: float | None = field(default=None, metadata=TRACED_OPERAND)
    """D's step size, where it is not G's."""
    beta1: float = field(default=0.5, metadata=TRACED_OPERAND)
    """The optimizer's decay of the first moment."""
    beta2: float = field(default=0.999, metadata=TRACED_OPERAND)
    """The optimizer's decay of the second moment."""
    schedules: tuple[str, ...] = ()
    """Settings that move while it trains, such as learning_rate=cosine:x0.05 (along half a cosine to a twentieth of its
    value at the end of the run) or beta2=linear:0.99:1e6 (to 0.99 after a million images). Curves: cosine, linear, and
    warmup, which begins at the number given. Any setting that is a number and compiles nothing anew may move."""


@dataclasses.dataclass(frozen=True)
class EmaConfig:
    """The average of G's weights over the steps."""

    ema_half_life: float | None = field(default=None, metadata=TRACED_OPERAND)
    """Average G's weights over the steps, with this half-life in images; what samples uses the average."""
    ema_ramp: float = field(default=0.05, metadata=TRACED_OPERAND)
    """The half-life is at most this part of the images seen so far, above 0."""
    ema_statistics: Literal["averaged", "recalibrated"] = "averaged"
    """The average's batch statistics: averaged like its weights, or measured anew on its own images when it is used."""


@dataclasses.dataclass(frozen=True)
class GanSettings(EmaConfig, AugmentationConfig, OptimizerConfig, ObjectiveConfig, NetworkConfig):
    """The fields of ``GanConfig``, whose values are not checked."""


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What is trained, for how long, from which seed and images."""

    gan: GanSettings = field(default_factory=GanSettings)
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
    """Which devices share a batch, a CPU's threads, and which of several processes this is."""

    devices: int | None = field(default=None, metadata=MAY_CHANGE)
    """Share each batch among so many local devices; by default one, and all in a run of several processes."""
    threads: int | None = field(default=None, metadata=MAY_CHANGE)
    """Worker threads on a CPU, which decide the last bits; by default one for each usable core, and of a run that is
    resumed, verified or replayed as many as it had."""
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


@dataclasses.dataclass(frozen=True)
class RunSettings(SavingConfig, DeviceConfig, SweepConfig, TrainingConfig):
    """The fields of ``RunConfig``, whose values are not checked."""
