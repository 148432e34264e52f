"""The colour study's claims, judged by its figures, and its tables: outcomes in, numbers and markdown out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from colour_plan import (
    AUGMENTATIONS,
    BATCH_NORMALIZED,
    CLAIMS,
    EMOJI,
    FEW_CIFAR,
    RECIPES,
    RULE,
    SEARCH_SEED,
    WEIGHTS,
    name_of,
)

from gan_jax.pictures.tables import markdown_table

NETWORKS = {"imagenet": "ImageNet's features", "own": "the set's own"}
FEW = {f"{count} of {data}": (data, count) for data, count in [*(("emoji", n) for n in EMOJI), ("cifar10", FEW_CIFAR)]}

Outcomes = Mapping[tuple[str, int], Mapping[str, Any]]


def by_arm_and_seed(lines: Iterable[Mapping[str, Any]]) -> Outcomes:
    """The outcomes by arm and seed."""
    return {(line["arm"], line["seed"]): line for line in lines}


def seeds_of(outcomes: Outcomes, arms: Iterable[str]) -> list[int]:
    """The seeds with which all of these arms were trained."""
    return sorted(set.intersection(*({seed for name, seed in outcomes if name == arm} for arm in arms)))


def distances(outcomes: Outcomes, arm: str, network: str, seeds: Iterable[int]) -> np.ndarray:
    """The Fréchet distances of an arm; infinite where it diverged."""
    found = (outcomes[arm, seed] for seed in seeds)
    return np.array([np.inf if "diverged" in one else one[network]["frechet_distance"] for one in found])


def log_ratio(outcomes: Outcomes, arm: str, other: str, network: str) -> float:
    """The mean over seeds of the logarithm of the ratio of two arms' distances; two that diverged are equally far."""
    seeds = seeds_of(outcomes, (arm, other))
    logs, other_logs = (np.log(distances(outcomes, name, network, seeds)) for name in (arm, other))
    equal = np.isinf(logs) & np.isinf(other_logs)
    return float(np.subtract(logs, other_logs, where=~equal, out=np.zeros(len(seeds))).mean())


def claims(outcomes: Outcomes, search: Outcomes, chosen: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each claim of the plan: in words, whether it was refuted, and its figures by network."""
    figures = {
        "r3gan": {
            network: max(
                np.exp(log_ratio(outcomes, "cifar10 r3gan", f"cifar10 {name}", network)) for name in BATCH_NORMALIZED
            )
            for network in NETWORKS
        },
        "classes": {
            network: np.exp(
                np.mean(
                    [log_ratio(outcomes, f"cifar10 {name} classes", f"cifar10 {name}", network) for name in RECIPES]
                )
            )
            for network in NETWORKS
        },
        "gamma": {network: rule_to_best(search, chosen, network) for network in NETWORKS},
        "few images": {
            network: max(
                min(
                    np.exp(log_ratio(outcomes, f"{few} {name}", f"{few} none", network))
                    for name in AUGMENTATIONS
                    if name != "none"
                )
                for few, (_, count) in FEW.items()
                if count < 3_000
            )
            for network in NETWORKS
        },
    }
    limits = {"r3gan": 0.7, "classes": 1.0, "gamma": 1.1, "few images": 1.0}
    return {
        name: {
            "claim": CLAIMS[name][0],
            "refuted": any(value > limits[name] for value in values.values()),
            "ratios": {network: float(value) for network, value in values.items()},
        }
        for name, values in figures.items()
    }


def rule_to_best(search: Outcomes, chosen: Mapping[str, Any], network: str) -> float:
    """The distance of the search's trial with the rule's penalty weight, as a multiple of the best of five."""
    found = {
        weight: distances(search, name_of({**chosen, "penalty_weight": weight}), network, [SEARCH_SEED])[0]
        for weight in WEIGHTS
    }
    return found[RULE] / min(found.values())


def recipe_table(outcomes: Outcomes, data: str) -> str:
    """Every recipe on a set, the nearest in ImageNet's features first.

    Args:
      outcomes: by arm and seed.
      data: ``cifar10`` or ``emoji``.
    """
    arms = {name for name, _ in outcomes if name.split()[0] == data}
    heading = ["recipe", "images seen", *(f"Fréchet distance, {name}" for name in NETWORKS.values())]
    heading += ["precision", "recall", "authenticity"]
    rows = sorted((_cells(outcomes, arm) for arm in arms), key=lambda row: row[0])
    return markdown_table(heading, [[arm.removeprefix(f"{data} "), *cells] for _, (arm, *cells) in rows])


def few_table(outcomes: Outcomes) -> str:
    """The Fréchet distances of few images with each augmentation, in both networks; the least of each in bold."""
    rows = []
    for few in FEW:
        for network, shown in NETWORKS.items():
            means = {
                name: distances(outcomes, f"{few} {name}", network, seeds_of(outcomes, [f"{few} {name}"])).mean()
                for name in AUGMENTATIONS
            }
            least = min(means.values())
            rows.append(
                [few, shown, *(f"**{_short(mean)}**" if mean == least else _short(mean) for mean in means.values())]
            )
    return markdown_table(["images", "features", *AUGMENTATIONS], rows)


def few_scores_table(outcomes: Outcomes, score: Callable[[Mapping[str, Any]], float]) -> str:
    """One score of few images with each augmentation: means over seeds."""
    rows = []
    for few in FEW:
        arms = [f"{few} {name}" for name in AUGMENTATIONS]
        means = [_mean(score(outcomes[arm, seed]) for seed in seeds_of(outcomes, [arm])) for arm in arms]
        rows.append([few, *(f"{mean:.3f}" for mean in means)])
    return markdown_table(["images", *AUGMENTATIONS], rows)


def claims_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Each claim, its figure in each network, and whether it was refuted."""
    rows = [
        [one["claim"], *(f"{one['ratios'][network]:.2f}" for network in NETWORKS), "yes" if one["refuted"] else "no"]
        for one in found.values()
    ]
    return markdown_table(["claim", *NETWORKS.values(), "refuted"], rows)


def _cells(outcomes: Outcomes, arm: str) -> tuple[float, list[str]]:
    """What a row is sorted by, and its texts."""
    seeds = seeds_of(outcomes, [arm])
    found = [outcomes[arm, seed] for seed in seeds if "diverged" not in outcomes[arm, seed]]
    texts = [arm, f"{outcomes[arm, seeds[0]]['images']:,}"]
    for network in NETWORKS:
        values = distances(outcomes, arm, network, seeds)
        spread = f" ± {values.std(ddof=1):.1g}" if len(seeds) > 1 and np.isfinite(values).all() else ""
        texts.append(f"{_short(values.mean())}{spread}")
    texts += [f"{_mean(one['imagenet'][score] for one in found):.3f}" for score in ("precision", "recall")]
    texts.append(f"{_mean(one['authenticity'] for one in found):.3f}")
    return float(distances(outcomes, arm, "imagenet", seeds).mean()), texts


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
