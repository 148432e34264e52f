"""Train the classifier whose features the scores compare, and write its weights.

The package includes one for Fashion-MNIST, gan_jax/evaluation/fd-fmnist64-v1.npz. It was trained in this way on the
first 55,000 training images of a shuffled file and measured on the last 5,000; now these are drawn for each class, so
that the same command gives another evaluator:

  python experiments/train_evaluator.py --name fd-fmnist64 --output fd-fmnist64.npz
"""

import dataclasses
from pathlib import Path

from gan_jax import load_dataset
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse_call
from gan_jax.evaluation import save_evaluator, train_evaluator
from gan_jax.evaluation.features import measure_accuracy, require_accurate


def main(
    output: Path,
    name: str | None = None,
    dataset: str = "fashion_mnist",
    data_dir: Path | None = None,
    seed: int = 0,
    kernel_size: int = 4,
) -> None:
    """Train an evaluator and write it.

    Args:
      output: The .npz file to write.
      name: The name that is printed beside a score; by default made of the data set's name and content.
      dataset: fashion_mnist, mnist, kmnist (downloaded once), or digits (embedded).
      data_dir: A folder with the data set's published files, used in place of a download.
      seed: Decides the initial weights and the order of the images.
      kernel_size: 4, or 3 for a network of another kind.
    """
    images = load_dataset(dataset, data_dir)
    evaluator = train_evaluator(images, seed, kernel_size)
    evaluator = dataclasses.replace(evaluator, name=name or evaluator.name)
    require_accurate(evaluator)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_evaluator(output, evaluator)
    test_accuracy = measure_accuracy(evaluator, images.test_images, images.test_labels)
    print(f"{evaluator.name}: {evaluator.training}")
    print(f"  accuracy  {evaluator.accuracy:.2%} of the held-out training images")
    print(f"            {test_accuracy:.2%} of the test images, which training did not use")
    print(f"  sha256    {evaluator.sha256}")
    print(f"  file      {output}")


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        parse_call(main, description=__doc__)()
