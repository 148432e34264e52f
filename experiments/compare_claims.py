"""The comparison of recipes as numbers: best of k trials, paired ratios with intervals, and the claims of the plan."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from compare_plan import CLAIMS, COLLAPSE_SEEDS, COURSE, FINAL_SEEDS, counted

BOOTSTRAPS = 10_000
QUARTER = 0.25

# The scores of a final run; the first two are the Fréchet distances in the features of either network.
DISTANCES = {"frechet_distance": "Fréchet ↓", "second_frechet_distance": "Fréchet, second network ↓"}
SCORES = DISTANCES | {
    "precision": "precision ↑",
    "recall": "recall ↑",
    "coverage": "coverage ↑",
    "sliced_wasserstein": "pixel W1 ↓",
    "authenticity": "authenticity",
    "critic_accuracy": "critic ↓",
    "second_critic_accuracy": "second critic ↓",
}
BETTER_IF_MORE = ("precision", "recall", "coverage")
MUST_IMPROVE = ("recall", "coverage", "sliced_wasserstein", "critic_accuracy", "second_critic_accuracy")

Runs = Sequence[Mapping[str, Any]]


def best_of(distances: Sequence[float | None]) -> list[float]:
    """The expected least distance of k trials, for k from 1 to all, if they had been drawn in another order.

    A trial that diverged counts as infinitely far.

    Examples:
      >>> best_of([3.0, 1.0])
      [2.0, 1.0]
    """
    values, count = sorted(math.inf if entry is None else entry for entry in distances), len(distances)
    expected = []
    for k in range(1, count + 1):
        weights = [math.comb(count - 1 - place, k - 1) / math.comb(count, k) for place in range(count)]
        expected.append(sum(weight * value for weight, value in zip(weights, values, strict=True) if weight))
    return expected


def trials_of(trials: Runs, arm: str) -> list[float | None]:
    """The distances of an arm's trials, of the generator that counts."""
    return [entry[counted(arm)] for entry in trials if entry["arm"] == arm]


def values_of(finals: Runs, name: str, part: str, score: str, kind: str | None = None) -> dict[int, float]:
    """A score by seed; infinite for a run that diverged."""
    found = {}
    for run in finals:
        if (run["name"], run["part"]) == (name, part):
            scores = run[kind or counted(arm_of(name))]
            found[run["seed"]] = math.inf if scores is None else scores[score]
    return found


def arm_of(name: str) -> str:
    """The arm of a finalist."""
    return name.partition(",")[0]


def ratio(values: Mapping[int, float], others: Mapping[int, float]) -> dict[str, float]:
    """The geometric mean over common seeds of the ratio of two scores, with a bootstrap interval of 95 %.

    The logarithms of the ratios are drawn again with replacement, and the interval holds the middle 95 % of the means.
    Without common seeds there are no numbers.

    Examples:
      >>> round(ratio({0: 1.0, 1: 2.0}, {0: 2.0, 1: 4.0})["ratio"], 6)
      0.5
    """
    seeds = sorted(values.keys() & others.keys())
    if not seeds:
        return dict.fromkeys(("ratio", "low", "high"), math.nan)
    logs = np.log([values[seed] / others[seed] for seed in seeds])
    drawn = np.random.default_rng(0).choice(logs, (BOOTSTRAPS, len(logs))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    return {"ratio": float(np.exp(logs.mean())), "low": float(np.exp(low)), "high": float(np.exp(high))}


def finalists_of(finals: Runs) -> list[tuple[str, str]]:
    """Names and parts of the final runs, the longer part first."""
    return sorted(dict.fromkeys((run["name"], run["part"]) for run in finals), key=lambda entry: entry[1] != "whole")


def winner(finals: Runs) -> str:
    """The finalist with the least mean logarithm of the Fréchet distance at the whole time."""

    def mean_log(name: str) -> float:
        return float(np.mean(np.log(list(values_of(finals, name, "whole", "frechet_distance").values()))))

    return min((name for name, part in finalists_of(finals) if part == "whole"), key=mean_log)


def verdicts(finals: Runs, name: str) -> dict[str, tuple[bool | None, str]]:
    """Whether each claim of the plan holds for a finalist, None where it is not tested yet, and the numbers."""
    judged: dict[str, Callable[[Runs, str], tuple[bool | None, str]]] = {
        "a third of the time": _third_is_enough,
        "the same time": _better_at_the_same_time,
        "every seed": _no_collapse,
    }
    return {claim: judged[claim](finals, name) for claim in CLAIMS}


def beside(finals: Runs, run: tuple[str, str], other: tuple[str, str], score: str) -> dict[str, float]:
    """The ratio of a score of a finalist and part to that of another."""
    return ratio(values_of(finals, *run, score), values_of(finals, *other, score))


def _third_is_enough(finals: Runs, name: str) -> tuple[bool, str]:
    found = [beside(finals, (name, "third"), (COURSE, "whole"), score) for score in DISTANCES]
    return all(entry["ratio"] <= 1 for entry in found), "; ".join(map(interval, found))


def _better_at_the_same_time(finals: Runs, name: str) -> tuple[bool, str]:
    found = [beside(finals, (name, "whole"), (COURSE, "whole"), score) for score in DISTANCES]
    means = {
        score: [np.mean(list(values_of(finals, entry, "whole", score).values())) for entry in (name, COURSE)]
        for score in MUST_IMPROVE
    }
    improved = {
        score: own > course if score in BETTER_IF_MORE else own < course for score, (own, course) in means.items()
    }
    texts = [
        *map(interval, found),
        *(f"{SCORES[score]} {own:.3g} : {course:.3g}" for score, (own, course) in means.items()),
    ]
    return all(entry["ratio"] <= QUARTER for entry in found) and all(improved.values()), "; ".join(texts)


def _no_collapse(finals: Runs, name: str) -> tuple[bool | None, str]:
    own = values_of(finals, name, "whole", "frechet_distance")
    course = values_of(finals, COURSE, "whole", "frechet_distance")
    collapsed = [seed for seed, value in own.items() if not value <= course.get(seed, max(course.values()))]
    asked = len(FINAL_SEEDS) + len(COLLAPSE_SEEDS)
    holds = False if collapsed else True if len(own) >= asked else None
    return holds, f"{len(collapsed)} of {len(own)} seeds collapsed; {asked} are asked for"


def interval(found: Mapping[str, float]) -> str:
    """A ratio with its interval in words; without one where there is a single seed.

    Examples:
      >>> interval({"ratio": 0.25, "low": 0.2, "high": 0.3})
      '0.25 (0.2 to 0.3)'
    """
    if math.isnan(found["ratio"]):
        return ""
    spread = f" ({found['low']:.3g} to {found['high']:.3g})" if found["low"] < found["high"] else ""
    return f"{found['ratio']:.3g}{spread}"


def spread(values: Mapping[int, float], form: str = ".3g") -> str:
    """Mean and standard deviation over the seeds, in a form of Python's format specifications.

    Examples:
      >>> spread({0: 1.0, 1: 2.0})
      '1.5 ± 0.707'
    """
    numbers = list(values.values())
    found = [np.mean(numbers), np.std(numbers, ddof=1)] if len(numbers) > 1 else numbers
    return " ± ".join(f"{entry:{form}}" for entry in found)
