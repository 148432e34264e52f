"""Points in a plane in place of images, where one sees what a GAN does; trains with the same steps and loop."""

from gan_jax.plane.dynamics import dirac_field, eigenvalues, follow, joint_field
from gan_jax.plane.landscape import Frame, frame_of
from gan_jax.plane.modes import ModeScores, score_modes
from gan_jax.plane.targets import TARGETS, Modes, Target, load_target
from gan_jax.plane.training import for_points, frame_steps, plane_recipes, sample_many, train_many, train_states

__all__ = [
    "TARGETS",
    "Frame",
    "ModeScores",
    "Modes",
    "Target",
    "dirac_field",
    "eigenvalues",
    "follow",
    "for_points",
    "frame_of",
    "frame_steps",
    "joint_field",
    "load_target",
    "plane_recipes",
    "sample_many",
    "score_modes",
    "train_many",
    "train_states",
]
