"""Flags that several subcommands have."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

NUM_IMAGES: Any = tyro.conf.arg(aliases=["--num", "--num-samples"])
"""How many images, as other tools call it too."""


@dataclasses.dataclass(frozen=True)
class ReadingFlags:
    """How the image files of a data set are read, as gan-jax train reads them; by default as the run read them."""

    image_size: int | None = None
    """Crop the data set's centres to squares, and resize them to so many pixels."""
    channels: Literal[1, 3] | None = None
    """Make the data set's images grey (1) or RGB (3)."""
    pixel_range: tuple[float, float] | None = None
    """The values in the data set's files that become black and white."""
    skip_broken: bool = False
    """Leave image files of the data set that cannot be read out."""

    @property
    def options(self) -> dict[str, Any]:
        """The flags that are given, for ``load_dataset``."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


@dataclasses.dataclass(frozen=True)
class MeasuringFlags:
    """In which features images are scored, and beside which reals."""

    features: str = "classifier"
    """classifier (small, of the data set), inception (as papers), onnx:FILE, MODULE:FUNCTION or FILE.py:FUNCTION."""
    feature_weights: Path | None = None
    """The weights of --features inception, in place of a download."""
    split: Literal["test", "train"] = "test"
    """The reals: the test images, between the anchors, or the training images, as most papers do."""
    reference: Path | None = None
    """An .npz with mu and sigma, as pytorch-fid and clean-fid write it: the Fréchet distance to it is added."""


Measuring = Annotated[MeasuringFlags, tyro.conf.arg(name="")]
AS_ALWAYS = MeasuringFlags()
Reading = Annotated[ReadingFlags, tyro.conf.arg(name="")]
READ_AS_THEY_ARE = ReadingFlags()
