import numpy as np
import pytest
from colour_claims import FEW, by_arm_and_seed, claims, claims_table, few_scores_table, few_table, recipe_table
from colour_plan import AUGMENTATIONS, RECIPES, RULE, SEARCH_SEED, SEEDS, WEIGHTS, name_of

CHOSEN = {"width": 16, "penalty_weight": RULE}


def line(arm, seed, own, imagenet):
    networks = {"own": own, "imagenet": imagenet}
    scores = {name: {"frechet_distance": value, "precision": 0.5, "recall": 0.25} for name, value in networks.items()}
    return {"arm": arm, "seed": seed, "images": 1000 * (seed + 1), "authenticity": 0.9, **scores}


def study(**changes):
    """Distances of 10 everywhere, but of arms whose name holds a key: in the set's own features and ImageNet's."""
    arms = [f"{data} {name}" for data in ("cifar10", "emoji") for name in RECIPES]
    arms += [f"cifar10 {name} classes" for name in RECIPES] + [f"{few} {name}" for few in FEW for name in AUGMENTATIONS]
    lines = []
    for arm in arms:
        own, imagenet = next((values for key, values in changes.items() if arm == key.replace("_", " ")), (10.0, 10.0))
        lines += [line(arm, seed, own, imagenet) for seed in SEEDS]
    return by_arm_and_seed(lines)


def search(own=10.0, imagenet=10.0):
    """The search's weights: 10 everywhere, but for the rule's."""
    distances = {weight: (own, imagenet) if weight == RULE else (10.0, 10.0) for weight in WEIGHTS}
    lines = [
        line(name_of({**CHOSEN, "penalty_weight": weight}), SEARCH_SEED, *two) for weight, two in distances.items()
    ]
    return by_arm_and_seed(lines)


def judged(outcomes, trials=None):
    return {name: found["refuted"] for name, found in claims(outcomes, trials or search(), CHOSEN).items()}


def test_a_claim_is_refuted_by_either_network():
    assert judged(study()) == {"r3gan": True, "classes": False, "gamma": False, "few images": False}
    assert not judged(study(cifar10_r3gan=(6.9, 6.9)))["r3gan"]
    assert judged(study(cifar10_r3gan=(7.1, 6.9)))["r3gan"]
    assert judged(study(cifar10_r3gan=(6.9, 6.9), cifar10_fast=(10.0, 9.0)))["r3gan"]
    assert judged(study(cifar10_best_classes=(10.1, 9.0)))["classes"]
    assert judged(study(), search(own=11.1))["gamma"]
    assert not judged(study(), search(imagenet=10.9))["gamma"]


def test_some_augmentation_must_help_every_small_set():
    assert judged(study(**{"500_of_emoji_none": (9.0, 10.0)}))["few images"]
    assert not judged(study(**{"500_of_emoji_none": (9.0, 10.0), "500_of_emoji_ada": (8.0, 10.0)}))["few images"]
    assert not judged(study(**{"3000_of_emoji_none": (9.0, 9.0)}))["few images"]  # the claim is of fewer than 3,000


def test_a_run_that_diverged_is_infinitely_far():
    outcomes = dict(study())
    outcomes["cifar10 r3gan", 0] = {"arm": "cifar10 r3gan", "seed": 0, "images": 1, "diverged": "at step 3"}
    assert claims(outcomes, search(), CHOSEN)["r3gan"]["ratios"] == {"imagenet": np.inf, "own": np.inf}


def test_the_tables_have_the_nearest_first_and_the_least_in_bold():
    outcomes = study(emoji_best=(8.0, 7.0), **{"500_of_emoji_pipe": (5.0, 4.0)})
    assert recipe_table(outcomes, "emoji").splitlines()[2] == (
        "| best | 1,000 | 7 ± 0 | 8 ± 0 | 0.500 | 0.250 | 0.900 |"
    )
    assert "| 500 of emoji | ImageNet's features | 10 | 10 | **4** | 10 |" in few_table(outcomes)
    assert few_scores_table(outcomes, lambda one: one["authenticity"]).count("0.900") == 4 * len(FEW)
    assert claims_table(claims(outcomes, search(), CHOSEN)).count("| no |") == 3


@pytest.mark.parametrize("arm", ["cifar10 best", "emoji fast"])
def test_a_mean_is_of_the_seeds_that_are_there(arm):
    outcomes = {key: one for key, one in study().items() if key[1] == 0 or key[0] != arm}
    assert f"| {arm.split()[1]} | 1,000 | 10 | 10 |" in recipe_table(outcomes, arm.split()[0])
