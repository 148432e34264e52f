"""Scores as torch-fidelity 0.4.0 computes them: against its numbers for the same features, and against it."""

import dataclasses
import hashlib

import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.evaluation import (
    frechet_distance,
    image_features,
    inception_score,
    kernel_subsets,
    load_features,
    precision_recall,
)

# What the functions of torch_fidelity 0.4.0 return for ``features_and_logits``, with subsets of 100.
THEIRS = {
    "frechet_inception_distance": 7.8453798883675745,
    "kernel_inception_distance_mean": 8.494928436279297,
    "kernel_inception_distance_std": 13.587509856399295,
    "inception_score_mean": 1.4217202932768715,
    "inception_score_std": 0.02493779027472083,
    "precision": 0.9133333563804626,
    "recall": 0.75,
}


def features_and_logits():
    generator = np.random.RandomState(7)  # whose numbers are the same in every version of NumPy
    mixing = generator.standard_normal((16, 16))
    fakes, reals = (generator.standard_normal((count, 16)) @ mixing for count in (300, 400))
    fakes = 0.9 * fakes + 0.5
    return fakes.astype(np.float32), reals.astype(np.float32), generator.standard_normal((300, 10)).astype(np.float32)


def our_scores(fakes, reals, logits, subset_size=100):
    kernel, score = kernel_subsets(reals, fakes, subset_size=subset_size), inception_score(logits)
    precision, recall = precision_recall(reals, fakes)
    return {
        "frechet_inception_distance": frechet_distance(reals, fakes),
        "kernel_inception_distance_mean": kernel.mean,
        "kernel_inception_distance_std": kernel.std,
        "inception_score_mean": score.mean,
        "inception_score_std": score.std,
        "precision": precision,
        "recall": recall,
    }


def their_scores(fakes, reals, logits, subset_size=100):
    metric_fid, metric_isc, metric_kid, metric_prc = (
        pytest.importorskip(f"torch_fidelity.metric_{name}") for name in ("fid", "isc", "kid", "prc")
    )
    torch = pytest.importorskip("torch")
    fakes, reals, logits = map(torch.from_numpy, (fakes, reals, logits))
    statistics = [metric_fid.fid_features_to_statistics(features) for features in (fakes, reals)]
    found = metric_fid.fid_statistics_to_metric(*statistics, False)
    found |= metric_kid.kid_features_to_metric(fakes, reals, kid_subset_size=subset_size, verbose=False)
    found |= metric_isc.isc_features_to_metric(logits)
    return found | metric_prc.prc_features_to_metric(fakes, reals, verbose=False)


def test_scores_are_torch_fidelitys_recorded_numbers():
    assert our_scores(*features_and_logits()) == pytest.approx(THEIRS, rel=1e-6)


def test_scores_are_torch_fidelitys_own():
    pytest.importorskip("torch_fidelity")
    theirs = their_scores(*features_and_logits())
    del theirs["f_score"]
    assert our_scores(*features_and_logits()) == pytest.approx(theirs, rel=1e-6)


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """A file of the Inception network's weights, He-normal."""
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save({}, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        network = module.FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(path))
    generator = torch.Generator().manual_seed(0)
    for array in (state := network.state_dict()).values():
        if array.ndim > 1:
            array.normal_(0, (2 / array[0].numel()) ** 0.5, generator=generator)
    torch.save(state, path)
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_features_are_torch_fidelitys(channels, random_weights):
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("torch_fidelity.utils")
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels), np.uint8)
    network = load_features("inception", None, random_weights)
    found = image_features(dataclasses.replace(network, batch_size=2), images)
    layers, cuda = ["2048", "logits_unbiased"], torch.cuda.is_available()
    theirs = utils.create_feature_extractor(
        "inception-v3-compat", layers, cuda=cuda, feature_extractor_weights_path=str(random_weights), verbose=False
    )

    class Images(torch.utils.data.Dataset):
        def __len__(self):
            return len(images)

        def __getitem__(self, at):
            return torch.from_numpy(np.repeat(images[at], 3 // channels, axis=2).transpose(2, 0, 1).copy())

    expected = utils.get_featuresdict_from_dataset(Images(), theirs, 2, cuda, True, False)
    for layer, ours in zip(layers, found, strict=True):
        np.testing.assert_allclose(ours, expected[layer].numpy(), rtol=1e-6, atol=1e-6 * np.abs(ours).max())
    assert network.sha256 == hashlib.sha256(random_weights.read_bytes()).hexdigest()


def test_inception_without_weights_is_one_line(monkeypatch, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch_fidelity")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def fail(*given, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(InputError, match=r"cannot be downloaded \(no route to host\); give --feature-weights FILE"):
        load_features("inception", None)
    (tmp_path / "wrong.pth").write_bytes(b"no weights")
    with pytest.raises(InputError, match="cannot be read as the weights"):
        load_features("inception", None, tmp_path / "wrong.pth")


def test_inception_without_its_package_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity", None)
    with pytest.raises(InputError, match=r"install gan_jax\[inception\]"):
        load_features("inception", None)


def test_inception_score_has_its_closed_forms():
    sure = 100 * np.eye(10)[np.arange(1000) % 10]
    assert inception_score(sure, num_splits=1).mean == pytest.approx(10, rel=1e-9)
    assert inception_score(np.zeros((100, 10))) == pytest.approx((1, 0), abs=1e-12)
    with pytest.raises(InputError, match="at least 10"):
        inception_score(sure[:9])


def test_kernel_subsets_of_one_subset_of_all_is_the_kernel_distance():
    from gan_jax.evaluation import kernel_distance

    fakes, reals, _ = (array.astype(np.float64) for array in features_and_logits())
    once = kernel_subsets(reals[:300], fakes, num_subsets=2, subset_size=1000)
    assert once.mean == pytest.approx(kernel_distance(reals[:300], fakes).value, rel=1e-9)
    assert once.std == pytest.approx(0, abs=1e-9 * once.mean)
