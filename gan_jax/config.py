"""What a person chooses: ``GanConfig`` decides the training step, ``RunConfig`` surrounds it with a run."""

import dataclasses
import numbers
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import jax

from gan_jax.errors import InputError

IMAGE_SIZES = (28, 32)
MAX_SEED = 2**32 - 1
MAX_SIZE = 2**16  # of a latent vector, a layer or a batch; larger ones only abort in XLA


# What is said of a field where it is declared.
TRACED_OPERAND = {"traced": True}  # a compiled step takes it as an operand: changing it does not compile again
MAY_CHANGE = {"may_change": True}  # may differ when a run is resumed: it changes no step that the run has taken
OF_THIS_PROCESS = MAY_CHANGE | {"unrecorded": True}  # of the process rather than of the run


@dataclasses.dataclass(frozen=True)
class GanConfig:
    """Networks, initial weights, losses and optimizer: everything that decides a training step.

    A pytree. A step is compiled for the fields in ``STATIC`` and takes those in ``TRACED`` as operands, so that one
    compilation serves all their values, several at a time under ``jax.vmap``. The defaults are DCGAN's (Radford et al.
    2016), as the course uses them.

    Raises:
      InputError: a value is outside its range; the message names the value and what is allowed. Arrays, which only a
        program puts here, are not checked.
    """

    image_shape: tuple[int, int, int] = (28, 28, 1)
    """Height, width, channels; the data set decides."""
    latent_dim: int = 100
    """Entries of a latent vector z ~ N(0, 1)."""
    width: int = 64
    """Channels next to the image; inner layers have 2 and 4 times as many."""
    batch_size: int = 128
    """Real images, and as many fakes, in a step."""
    learning_rate: float = field(default=2e-4, metadata=TRACED_OPERAND)
    """Adam's step size, for both networks."""
    beta1: float = field(default=0.5, metadata=TRACED_OPERAND)
    """Adam's decay of the first moment; the second's is 0.999."""
    real_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of the loss on reals in D's loss."""
    fake_weight: float = field(default=1.0, metadata=TRACED_OPERAND)
    """Factor of the loss on fakes in D's loss."""
    initializer: Literal["dcgan", "lecun", "he"] = "dcgan"
    """Convolution kernels: N(0, 0.02), LeCun-normal (variance 1 / fan-in), He-normal (2 / (1 + 0.2**2) / fan-in)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type of the layers' inputs and products; weights, statistics, losses and Adam stay float32."""

    def __post_init__(self) -> None:
        height, width, channels = self.image_shape
        _require(
            height == width and height in IMAGE_SIZES and channels >= 1,
            "image_shape",
            self.image_shape,
            "(28, 28, C) or (32, 32, C); resize the images",
        )
        for name in ("latent_dim", "width", "batch_size"):
            _require_count(self, name, most=MAX_SIZE)
        _require(
            self.batch_size >= 2, "batch_size", self.batch_size, "at least 2: batch normalization needs two images"
        )
        _require_number(self, "learning_rate", lambda value: 0 < value < float("inf"), "a number above 0")
        _require_number(self, "beta1", lambda value: 0 <= value < 1, "at least 0 and below 1")
        for name in ("real_weight", "fake_weight"):
            _require_number(self, name, lambda value: 0 <= value < float("inf"), "a number of at least 0")
        _require(
            self.initializer in ("dcgan", "lecun", "he"), "initializer", self.initializer, "'dcgan', 'lecun' or 'he'"
        )
        _require(self.precision in ("float32", "bfloat16"), "precision", self.precision, "'float32' or 'bfloat16'")


_FIELDS = dataclasses.fields(GanConfig)
TRACED = tuple(one.name for one in _FIELDS if one.metadata.get("traced"))
STATIC = tuple(one.name for one in _FIELDS if not one.metadata.get("traced"))


def _flatten(config: GanConfig) -> tuple[tuple[tuple[Any, Any], ...], tuple[Any, ...]]:
    traced = tuple((jax.tree_util.GetAttrKey(name), getattr(config, name)) for name in TRACED)
    return traced, tuple(getattr(config, name) for name in STATIC)


def _unflatten(static: tuple[Any, ...], traced: Iterable[Any]) -> GanConfig:
    """Rebuild a configuration around whatever a transformation puts in its place; nothing is checked here."""
    config = object.__new__(GanConfig)
    config.__dict__.update(zip(STATIC, static, strict=True), **dict(zip(TRACED, traced, strict=True)))
    return config


jax.tree_util.register_pytree_with_keys(GanConfig, _flatten, _unflatten)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What is trained, for how long, from which seed and images."""

    gan: GanConfig = field(default_factory=GanConfig)
    """Networks and optimizer."""
    dataset: str = "fashion_mnist"
    """fashion_mnist, mnist, kmnist (downloaded once), or digits (embedded)."""
    data_dir: Path | None = field(default=None, metadata=MAY_CHANGE)
    """A folder with the four IDX files, used in place of a download."""
    epochs: int = field(default=40, metadata=MAY_CHANGE)
    """Passes over the training images."""
    steps: int | None = field(default=None, metadata=MAY_CHANGE)
    """Stop after this many batches; overrides epochs."""
    seed: int = 0
    """Decides initial weights, order of images and latents."""
    discriminator: Path | None = None
    """A finished run whose discriminator to start from, in place of an untrained one."""

    def num_steps(self, steps_per_epoch: int) -> int:
        """Batches in the complete run."""
        return self.steps or self.epochs * steps_per_epoch


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """Many runs from one set of flags."""

    seeds: str | None = field(default=None, metadata=MAY_CHANGE)
    """Train many seeds, each in a folder of its own: 0:8 for seeds 0 to 7, or a list such as 0,3,5."""
    sweep: tuple[str, ...] = field(default=(), metadata=MAY_CHANGE)
    """Train each value, times seeds: name=value,value of learning_rate, beta1, real_weight or fake_weight."""
    schedule: Literal["auto", "in_turn", "side_by_side"] = field(default="auto", metadata=MAY_CHANGE)
    """Train many runs one after another, or side by side in one program; auto takes them in turn on a CPU."""

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
    checkpoint_every: int | None = field(default=None, metadata=MAY_CHANGE)
    """Save every so many batches too; a run is always saved at the end of an epoch and when it is stopped."""
    keep_checkpoints: int = field(default=2, metadata=MAY_CHANGE)
    """The newest so many stay, and the best by Fréchet distance where there are scores."""
    output_dir: Path = field(default=Path("runs/gan"), metadata=MAY_CHANGE)
    """The run's folder; refused if it already holds something."""
    resume: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """Resume the run in the output folder from its newest checkpoint; start it if there is none."""
    overwrite: bool = field(default=False, metadata=OF_THIS_PROCESS)
    """Replace the run that is in the output folder."""


@dataclasses.dataclass(frozen=True)
class RunConfig(SavingConfig, DeviceConfig, SweepConfig, TrainingConfig):
    """One run, or many, and where the files go.

    It is made of small parts, and a function that needs one of them asks for that part. Every field says, where it is
    declared, whether it may change when the run is resumed.

    Raises:
      InputError: a value is outside its range; the message names the value and what is allowed.
    """

    def __post_init__(self) -> None:
        for name in ("epochs", "log_every", "keep_checkpoints"):
            _require_count(self, name)
        for name in ("steps", "evaluate_every", "checkpoint_every", "devices", "num_processes"):
            if getattr(self, name) is not None:
                _require_count(self, name)
        _require(0 <= self.seed <= MAX_SEED, "seed", self.seed, f"from 0 to {MAX_SEED}")
        if self.resume and self.overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it; give one of them.")


def _require(condition: bool, name: str, value: object, allowed: str) -> None:
    if not condition:
        raise InputError(f"{name} is {value!r}; it must be {allowed}.")


def _require_count(config: object, name: str, most: int = 2**31 - 1) -> None:
    value = getattr(config, name)
    whole = isinstance(value, numbers.Integral) and 1 <= int(value) <= most
    _require(whole, name, value, f"a whole number of at least 1{f' and at most {most}' if most < 2**31 - 1 else ''}")


def _require_number(config: object, name: str, holds: Any, allowed: str) -> None:
    value = getattr(config, name)
    if isinstance(value, numbers.Real):
        _require(holds(value), name, value, allowed)
