"""How good images are: the evaluator and its features, the scores (arrays in, numbers out), and the protocol."""

from gan_jax.evaluation.classes import class_divergence, class_histogram
from gan_jax.evaluation.distances import KernelDistance, frechet_distance, frechet_floor, kernel_distance
from gan_jax.evaluation.features import Evaluator, extract, train_evaluator
from gan_jax.evaluation.fresh_critic import critic_accuracy
from gan_jax.evaluation.neighbours import (
    Authenticity,
    DensityCoverage,
    PrecisionRecall,
    authenticity,
    density_coverage,
    precision_recall,
)
from gan_jax.evaluation.protocol import ANCHORS, anchors, blur_images, sample_count, score_images
from gan_jax.evaluation.sliced import sliced_wasserstein
from gan_jax.evaluation.store import load_anchors, load_evaluator, read_evaluator, save_evaluator

__all__ = [
    "ANCHORS",
    "Authenticity",
    "DensityCoverage",
    "Evaluator",
    "KernelDistance",
    "PrecisionRecall",
    "anchors",
    "authenticity",
    "blur_images",
    "class_divergence",
    "class_histogram",
    "critic_accuracy",
    "density_coverage",
    "extract",
    "frechet_distance",
    "frechet_floor",
    "kernel_distance",
    "load_anchors",
    "load_evaluator",
    "precision_recall",
    "read_evaluator",
    "sample_count",
    "save_evaluator",
    "score_images",
    "sliced_wasserstein",
    "train_evaluator",
]
