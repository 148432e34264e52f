"""What surrounds a training step with a run: ``RunConfig``."""

import dataclasses
from dataclasses import field

from gan_jax.config import MAX_IMAGE, GanConfig, require, require_count
from gan_jax.cores import MAX_THREADS
from gan_jax.errors import InputError
from gan_jax.field_types import convert_fields
from gan_jax.fields import explain_fields
from gan_jax.parts import import_parts, imported_names
from gan_jax.setting_groups import MAX_SEED, MAX_SNAPSHOTS, MAX_STEPS, RunSettings


@explain_fields
@dataclasses.dataclass(frozen=True)
class RunConfig(RunSettings):
    """One run, or many, and where the files go.

    It is made of small parts, and a function that needs one of them asks for that part. Every field says, where it is
    declared, whether it may change when the run is resumed.

    Raises:
      InputError: a value is of another type or outside its range; the message names the value and what is allowed.
    """

    gan: GanConfig = field(default_factory=GanConfig)
    """Networks and optimizer."""

    def __post_init__(self) -> None:
        convert_fields(self, RunConfig)
        for name in set(self.imports).difference(imported_names()):
            import_parts(name)
        for name in ("log_every", "keep_checkpoints"):
            require_count(self, name)
        for name in ("epochs", "steps", "evaluate_every", "checkpoint_every", "devices", "num_processes"):
            if getattr(self, name) is not None:
                require_count(self, name)
        for name, most in (("schedule_steps", MAX_STEPS), ("image_size", MAX_IMAGE), ("threads", MAX_THREADS)):
            if getattr(self, name) is not None:
                require_count(self, name, most=most)
        few = self.snapshots is None or 2 <= self.snapshots <= MAX_SNAPSHOTS
        require(few, "snapshots", self.snapshots, f"at least 2 and at most {MAX_SNAPSHOTS:,}")
        require(0 <= self.seed <= MAX_SEED, "seed", self.seed, f"from 0 to {MAX_SEED}")
        if self.discriminator and self.start_from:
            raise InputError("--discriminator and --start-from both give trained weights; give one of them.")
        if self.resume and self.overwrite:
            raise InputError("--resume continues a run and --overwrite replaces it; give one of them.")
