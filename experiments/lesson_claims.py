"""The lesson's claims, tested on its numbers, and its tables: numbers in, numbers and markdown out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.pictures.tables import markdown_table

THRESHOLD = 0.99  # with such a mean score, D takes nearly every fake for real
WINDOW = 50  # steps; a mean over so many must pass the threshold, so that one lucky batch does not
POOLED_STDS = 3  # how far apart two arms must be
LEAST_SEEDS = 3  # for a standard deviation to mean something
NOISE_SHARE = 0.5  # images count as far as noise from this share of the noise anchor's distance on
SETTLED_CHANGE = 0.1  # a distance that changed by less than this share counts as unchanged
DISTANCES = {"frechet_distance": "Fréchet", "sliced_wasserstein": "pixel W1"}
CONSTANT, LEARNING = ("untrained_critic", "trained_critic"), ("joint", "discriminator")  # the arms, by their D
LABELLED = {"untrained_critic": "an untrained critic", "trained_critic": "a trained critic that stays constant"}

Lesson = Mapping[str, Any]


def claims(lesson: Lesson) -> dict[str, dict[str, Any]]:
    """Each claim in words, whether it holds (None where there are too few seeds to tell), and its numbers."""
    return {
        "the_score_rises": score_rises(lesson),
        "the_images_stay_as_far_as_noise": stays_as_far_as_noise(lesson),
        "the_images_stay_far_from_joint_training": far_from_joint(lesson, "untrained_critic"),
        "a_trained_critic_that_stays_constant_does_not_help_either": trained_critic(lesson),
        "the_constant_critics_stay_constant": critics_stay_constant(lesson),
        "without_a_generator_step_the_images_stay": images_stay(lesson),
    }


def score_rises(lesson: Lesson) -> dict[str, Any]:
    arm = lesson["arms"]["untrained_critic"]
    passed, last = [step_passed(seed["own_scores"]) for seed in arm], [last_score(seed) for seed in arm]
    return {
        "claim": f"An untrained critic's mean score of the fakes over {WINDOW} steps passes {THRESHOLD} in every seed.",
        "holds": None not in passed,
        "summary": f"at step {listed(passed)}; at the end {listed(last)}",
        "steps_passed": passed,
        "last_scores": last,
    }


def stays_as_far_as_noise(lesson: Lesson) -> dict[str, Any]:
    arm = lesson["arms"]["untrained_critic"]
    shares = {name: [noise_shares(lesson, seed, name) for seed in arm] for name in DISTANCES}
    least = {name: [min(seed) for seed in seeds] for name, seeds in shares.items()}
    last = {name: [seed[-1] for seed in seeds] for name, seeds in shares.items()}
    return {
        "claim": f"Against it both distances are at least {NOISE_SHARE} of the noise anchor's wherever they were "
        "measured, in every seed.",
        "holds": all(share >= NOISE_SHARE for seeds in least.values() for share in seeds),
        "summary": "; ".join(f"{DISTANCES[name]}: at least {listed(least[name])}" for name in DISTANCES),
        "least_share_of_noise": least,
        "last_share_of_noise": last,
    }


def far_from_joint(lesson: Lesson, arm: str) -> dict[str, Any]:
    gaps = {name: gap(lesson, "joint", arm, name) for name in DISTANCES}
    verdicts = [entry["holds"] for entry in gaps.values()]
    return {
        "claim": f"Against {LABELLED[arm]} both distances end more than {POOLED_STDS} pooled standard deviations above "
        "those of joint training.",
        "holds": None if None in verdicts else all(verdicts),
        "summary": "; ".join(f"{DISTANCES[name]}: {gap_text(entry)}" for name, entry in gaps.items()),
        **gaps,
    }


def trained_critic(lesson: Lesson) -> dict[str, Any]:
    """The verdict is about the distance to joint training; the other numbers are reported without one."""
    arm = lesson["arms"]["trained_critic"]
    tested = far_from_joint(lesson, "trained_critic")
    passed, last = [step_passed(seed["own_scores"]) for seed in arm], [last_score(seed) for seed in arm]
    best = [int(np.argmin(seed["frechet_distance"])) for seed in arm]
    least = [seed["frechet_distance"][at] for seed, at in zip(arm, best, strict=True)]
    least_at = [seed["steps"][at] for seed, at in zip(arm, best, strict=True)]
    below = gap(lesson, "trained_critic", "untrained_critic", "frechet_distance")
    summary = [
        tested["summary"],
        f"its score passes {THRESHOLD} at step {listed(passed)}; at the end {listed(last)}",
        f"least Fréchet {listed(least)} at step {listed(least_at)}",
        f"the untrained critic's last Fréchet less this one's: {gap_text(below)}",
    ]
    return {
        **tested,
        "summary": "; ".join(summary),
        "steps_passed": passed,
        "last_scores": last,
        "least_frechet_distance": least,
        "least_frechet_distance_at": least_at,
        "last_share_of_noise": {name: [noise_shares(lesson, seed, name)[-1] for seed in arm] for name in DISTANCES},
        "below_untrained_critic": below,
    }


def critics_stay_constant(lesson: Lesson) -> dict[str, Any]:
    arms = lesson["arms"]
    ends = {name: [seed["discriminator_sha256"] for seed in seeds] for name, seeds in arms.items()}
    equal = {name: [pair[0] == pair[-1] for pair in pairs] for name, pairs in ends.items()}
    taken = [given[0] == joint[-1] for given, joint in zip(ends["trained_critic"], ends["joint"], strict=True)]
    constant = all(same for name in CONSTANT for same in equal[name])
    learning = not any(same for name in LEARNING for same in equal[name])
    counts = [f"{lesson['labels'][name]}: {sum(same)} of {len(same)} equal" for name, same in equal.items()]
    return {
        "claim": "The sha256 of D's parameters and statistics is the same before and after where D is constant and "
        "another where D learns, and the trained critic's is that of the joint run's last D.",
        "holds": constant and learning and all(taken),
        "summary": "; ".join([*counts, f"taken from the joint run: {sum(taken)} of {len(taken)}"]),
        "equal_before_and_after": equal,
        "trained_critic_is_the_joint_runs": taken,
    }


def images_stay(lesson: Lesson) -> dict[str, Any]:
    """From the first point after the start: at the start G's running statistics are not yet those of any batch."""
    arm = lesson["arms"]["discriminator"]
    first = min(1, len(arm[0]["steps"]) - 1)
    changes = {name: [seed[name][-1] / seed[name][first] - 1 for seed in arm] for name in DISTANCES}
    last = [last_score(seed) for seed in arm]
    parts = [f"{DISTANCES[name]}: {', '.join(f'{change:+.2%}' for change in seeds)}" for name, seeds in changes.items()]
    return {
        "claim": f"With D alone both distances change by less than {SETTLED_CHANGE:.0%} from the first point after the "
        "start to the last, in every seed.",
        "holds": all(abs(change) < SETTLED_CHANGE for seeds in changes.values() for change in seeds),
        "summary": "; ".join([*parts, f"D's last score of the fakes {listed(last)}"]),
        "from_step": arm[0]["steps"][first],
        "relative_change": changes,
        "last_scores": last,
    }


def gap(lesson: Lesson, near: str, far: str, score: str) -> dict[str, Any]:
    """How far the second arm's last scores are above the first's, in pooled standard deviations."""
    near_scores, far_scores = (np.array([seed[score][-1] for seed in lesson["arms"][arm]]) for arm in (near, far))
    difference = float(far_scores.mean() - near_scores.mean())
    if len(near_scores) < LEAST_SEEDS:
        note = f"not tested: {len(near_scores)} seed(s), and a spread needs {LEAST_SEEDS}"
        return {"difference": difference, "pooled_std": None, "in_pooled_stds": None, "holds": None, "note": note}
    pooled = float(np.sqrt((near_scores.var(ddof=1) + far_scores.var(ddof=1)) / 2))
    return {
        "difference": difference,
        "pooled_std": pooled,
        "in_pooled_stds": difference / pooled if pooled else None,
        "holds": difference > POOLED_STDS * pooled,
    }


def noise_shares(lesson: Lesson, seed: Mapping[str, Any], distance: str) -> list[float]:
    """A seed's distances as shares of the noise anchor's."""
    return [value / lesson["anchors"]["noise"][distance] for value in seed[distance]]


def trailing_means(scores: Sequence[float]) -> np.ndarray:
    """Means over the last ``WINDOW`` steps, or over all where there are fewer: one for each step that has as many."""
    window = min(WINDOW, len(scores))
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(scores, np.float64))])
    return (sums[window:] - sums[:-window]) / window


def step_passed(scores: Sequence[float]) -> int | None:
    """The first step at which the trailing mean is above ``THRESHOLD``."""
    means = trailing_means(scores)
    above = np.flatnonzero(means > THRESHOLD)
    return int(above[0]) + len(scores) - len(means) + 1 if len(above) else None


def last_score(seed: Mapping[str, Any]) -> float:
    """D's mean score of the fakes over the last ``WINDOW`` steps."""
    return float(trailing_means(seed["own_scores"])[-1])


def tables(lesson: Lesson) -> str:
    """Markdown: last scores, cross-play, claims, initializers."""
    parts = {
        "At the end": last_scores_table(lesson),
        "Cross-play": cross_play_table(lesson),
        "The claims": claims_table(lesson),
        "The initial weights": initializers_table(lesson),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def last_scores_table(lesson: Lesson) -> str:
    columns = [*DISTANCES, "critic_accuracy"]
    rows = {lesson["labels"][name]: seeds for name, seeds in lesson["arms"].items()}
    body = [
        [label, *(spread([seed[score][-1] for seed in seeds]) for score in columns), spread(map(last_score, seeds))]
        for label, seeds in rows.items()
    ]
    real, noise = ([f"{lesson['anchors'][name][score]:.3g}" for score in columns] for name in ("real", "noise"))
    heading = ["", *(f"{name} ↓" for name in DISTANCES.values()), "fresh critic ↓", "own D's score"]
    return markdown_table(heading, [["real images (floor)", *real, ""], *body, ["noise", *noise, ""]])


def cross_play_table(lesson: Lesson) -> str:
    matrices = np.array(lesson["cross_play"])
    labels = [lesson["labels"][name] for name in lesson["arms"]]
    body = [
        [f"G of: {label}", *(spread(matrices[:, row, column], 2) for column in range(len(labels)))]
        for row, label in enumerate(labels)
    ]
    return markdown_table(["", *(f"D of: {label}" for label in labels)], body)


def claims_table(lesson: Lesson) -> str:
    verdict = {True: "holds", False: "does not hold", None: "not tested"}
    body = [[entry["claim"], entry["summary"], verdict[entry["holds"]]] for entry in lesson["claims"].values()]
    return markdown_table(["claim", "numbers, one per seed", ""], body, numbers=False)


def gap_text(entry: Mapping[str, Any]) -> str:
    if entry["holds"] is None:
        return f"{entry['difference']:.3g} apart, {entry['note']}"
    stds = "no spread" if entry["in_pooled_stds"] is None else f"{entry['in_pooled_stds']:.3g} pooled std"
    return f"{entry['difference']:.3g} apart, {stds}"


def initializers_table(lesson: Lesson) -> str:
    batches = lesson["initializer_batches"]
    body = [
        [name, *(spread(np.array(seeds)[:, at]) for at in range(len(batches)))]
        for name, seeds in lesson["initializers"].items()
    ]
    return markdown_table(["d_g_z2 at batch", *map(str, batches)], body)


def spread(values: Any, digits: int = 3) -> str:
    """Mean ± standard deviation over the seeds; the mean alone for one seed."""
    values = np.array(list(values), np.float64)
    mean = f"{values.mean():.{digits}g}" if digits == 3 else f"{values.mean():.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {values.std(ddof=1):.2g}"


def listed(values: Sequence[Any]) -> str:
    return ", ".join(
        "never" if entry is None else f"{entry:,}" if isinstance(entry, int) else f"{entry:.3g}" for entry in values
    )
