"""The ranking of sets of images by their Fréchet distances."""

from gan_jax.pictures.scores import told_ranking


def row(value, margin, features="a"):
    return {
        "frechet_extrapolated": value,
        "frechet_interval": [value - margin, value + margin],
        "evaluator_sha256": features,
    }


def test_told_ranking_calls_overlapping_intervals_undecided():
    assert told_ranking({"late": row(5, 1), "best": row(1, 0.5), "second": row(3.2, 1)}) == (
        "By Fréchet ∞ (95 % interval): best 1 (0.5 to 1.5) < second 3.2 (2.2 to 4.2) ? late 5 (4 to 6)"
        "; ? is undecided, as the intervals overlap."
    )
    assert "undecided" not in told_ranking({"a": row(1, 0.1), "b": row(2, 0.1)})


def test_told_ranking_is_empty_where_scores_do_not_compare():
    assert told_ranking({"a": row(1, 0.1), "b": row(2, 0.1, "b")}) == ""
    assert told_ranking({"a": row(1, 0.1), "b": {"frechet_distance": 1.0}}) == ""
    assert told_ranking({"a": row(1, 0.1)}) == ""
