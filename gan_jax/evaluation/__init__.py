"""How good images are: the evaluator and its features, the scores (arrays in, numbers out), and the protocol."""

from gan_jax.evaluation.classes import class_divergence, class_histogram
from gan_jax.evaluation.distances import KernelDistance, frechet_distance, frechet_floor, kernel_distance
from gan_jax.evaluation.feature_network import FeatureNetwork, Features, Outputs, image_features
from gan_jax.evaluation.features import Evaluator, extract, train_evaluator
from gan_jax.evaluation.fresh_critic import critic_accuracy
from gan_jax.evaluation.intervals import FrechetEstimate, extrapolated_frechet
from gan_jax.evaluation.neighbours import (
    Authenticity,
    DensityCoverage,
    PrecisionRecall,
    authenticity,
    density_coverage,
    precision_recall,
)
from gan_jax.evaluation.protocol import ANCHORS, anchors, blur_images, sample_count, score_images
from gan_jax.evaluation.published import Spread, inception_score, kernel_subsets
from gan_jax.evaluation.registry import FEATURES, load_features
from gan_jax.evaluation.sliced import sliced_wasserstein
from gan_jax.evaluation.statistics import (
    Statistics,
    feature_statistics,
    read_statistics,
    save_statistics,
    statistics_distance,
)
from gan_jax.evaluation.store import load_anchors, load_evaluator, read_evaluator, save_evaluator

__all__ = [
    "ANCHORS",
    "FEATURES",
    "Authenticity",
    "DensityCoverage",
    "Evaluator",
    "FeatureNetwork",
    "Features",
    "FrechetEstimate",
    "KernelDistance",
    "Outputs",
    "PrecisionRecall",
    "Spread",
    "Statistics",
    "anchors",
    "authenticity",
    "blur_images",
    "class_divergence",
    "class_histogram",
    "critic_accuracy",
    "density_coverage",
    "extract",
    "extrapolated_frechet",
    "feature_statistics",
    "frechet_distance",
    "frechet_floor",
    "image_features",
    "inception_score",
    "kernel_distance",
    "kernel_subsets",
    "load_anchors",
    "load_evaluator",
    "load_features",
    "precision_recall",
    "read_evaluator",
    "read_statistics",
    "sample_count",
    "save_evaluator",
    "save_statistics",
    "score_images",
    "sliced_wasserstein",
    "statistics_distance",
    "train_evaluator",
]
