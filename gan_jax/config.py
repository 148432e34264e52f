"""What a person chooses: ``GanConfig`` decides the steps, ``RunConfig`` surrounds them."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import jax
from tyro.conf import Suppress

from gan_jax.errors import InputError

IMAGE_SIZES = (28, 32)
MAX_SEED = 2**32 - 1
TRACED = ("learning_rate", "beta1", "real_weight", "fake_weight")
STATIC = ("image_shape", "latent_dim", "width", "batch_size", "initializer", "precision")


@partial(jax.tree_util.register_dataclass, data_fields=TRACED, meta_fields=STATIC)
@dataclasses.dataclass(frozen=True)
class GanConfig:
    """Networks, initial weights, losses and optimizer: everything that decides a step.

    A step is compiled for the fields in ``STATIC`` and takes those in ``TRACED`` as operands, so that one compilation
    serves all their values, several at a time under ``jax.vmap``. The defaults are DCGAN's (Radford et al. 2016), as
    the course uses them.

    Raises:
      InputError: a value is outside its range; the message names the value and what is allowed.
    """

    image_shape: Annotated[tuple[int, int, int], Suppress] = (28, 28, 1)
    """Height, width, channels; the data set decides."""
    latent_dim: int = 100
    """Entries of a latent vector z ~ N(0, 1)."""
    width: int = 64
    """Channels next to the image; inner layers have 2 and 4 times as many."""
    batch_size: int = 128
    """Real images, and as many fakes, in a step."""
    learning_rate: float = 2e-4
    """Adam's step size, for both networks."""
    beta1: float = 0.5
    """Adam's decay of the first moment; the second's is 0.999."""
    real_weight: float = 1.0
    """Factor of the loss on reals in D's loss."""
    fake_weight: float = 1.0
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
            _require(getattr(self, name) >= 1, name, getattr(self, name), "a whole number of at least 1")
        _require(
            self.batch_size >= 2, "batch_size", self.batch_size, "at least 2: batch normalization needs two images"
        )
        if all(isinstance(getattr(self, name), float | int) for name in TRACED):
            self._require_traced()
        _require(
            self.initializer in ("dcgan", "lecun", "he"), "initializer", self.initializer, "'dcgan', 'lecun' or 'he'"
        )
        _require(self.precision in ("float32", "bfloat16"), "precision", self.precision, "'float32' or 'bfloat16'")

    def _require_traced(self) -> None:
        """Check what has a value outside of a compiled function only."""
        _require(0 < self.learning_rate < float("inf"), "learning_rate", self.learning_rate, "a number above 0")
        _require(0 <= self.beta1 < 1, "beta1", self.beta1, "at least 0 and below 1")
        for name in ("real_weight", "fake_weight"):
            _require(0 <= getattr(self, name) < float("inf"), name, getattr(self, name), "a number of at least 0")


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """One run of a script: data, length, seed and where its files go.

    Raises:
      InputError: a value is outside its range; the message names the value and what is allowed.
    """

    gan: GanConfig = dataclasses.field(default_factory=GanConfig)
    """Networks and optimizer."""
    dataset: str = "fashion_mnist"
    """fashion_mnist, mnist, kmnist (downloaded once), or digits (embedded)."""
    data_dir: Path | None = None
    """A folder with the four IDX files, used in place of a download."""
    epochs: int = 40
    """Passes over the training images."""
    steps: int | None = None
    """Stop after this many batches; overrides epochs."""
    seed: int = 0
    """Decides initial weights, order of images and latents."""
    log_every: int = 100
    """Batches from one logged line to the next."""
    evaluate_every: int | None = None
    """Score 10,000 fakes (of digits 1,000) after every so many epochs; takes most of a minute each time on a laptop."""
    checkpoint_every: int | None = None
    """Save every so many batches too; a run is always saved at the end of an epoch and when it is stopped."""
    keep_checkpoints: int = 2
    """The newest so many stay, and the best by Fréchet distance where there are scores."""
    discriminator: Path | None = None
    """A finished run whose discriminator to start from, in place of an untrained one."""
    seeds: str | None = None
    """Train many seeds, each in a folder of its own: 0:8 for seeds 0 to 7, or a list such as 0,3,5."""
    sweep: tuple[str, ...] = ()
    """Train each value, times seeds: name=value,value of learning_rate, beta1, real_weight or fake_weight."""
    schedule: Literal["auto", "in_turn", "side_by_side"] = "auto"
    """Train many runs one after another, or side by side in one program; auto takes them in turn on a CPU."""
    devices: int | None = None
    """Share each batch among so many local devices; by default one, and all in a run of several processes."""
    distributed: bool = False
    """One of several processes; SLURM, Open MPI 4, Kubernetes or Cloud TPU tells which."""
    coordinator: str | None = None
    """One of several processes: the host:port of process 0."""
    num_processes: int | None = None
    """How many processes there are."""
    process_id: int | None = None
    """Which of them this is, from 0; process 0 alone prints, draws and writes."""
    output_dir: Path = Path("runs/gan")
    """The run's folder; refused if it already holds something."""
    resume: bool = False
    """Go on with the run in the output folder from its newest checkpoint; start it if there is none."""
    overwrite: bool = False
    """Replace the run that is in the output folder."""

    def __post_init__(self) -> None:
        intervals = ("log_every", "evaluate_every", "checkpoint_every")
        for name in ("epochs", "steps", *intervals, "keep_checkpoints", "devices"):
            value = getattr(self, name)
            _require(value is None or value >= 1, name, value, "a whole number of at least 1")
        _require(0 <= self.seed <= MAX_SEED, "seed", self.seed, f"from 0 to {MAX_SEED}")
        if self.resume and self.overwrite:
            raise InputError("--resume goes on with a run and --overwrite replaces it; give one of them.")

    def num_steps(self, steps_per_epoch: int) -> int:
        """Batches in the whole run."""
        return self.steps or self.epochs * steps_per_epoch


def _require(condition: bool, name: str, value: object, allowed: str) -> None:
    if not condition:
        raise InputError(f"{name} is {value!r}; it must be {allowed}.")
