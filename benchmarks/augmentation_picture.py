"""Draw one image as the discriminator sees it under the augmentation pipe, at three probabilities.

python benchmarks/augmentation_picture.py --output docs/images/augmentation.png
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw

from gan_jax import AUGMENTATIONS
from gan_jax.data.pixels import quantize_images
from gan_jax.pictures.grids import save_strips

SIZE, COUNT = 64, 12


def drawn() -> Image.Image:
    """A house, a tree and the sun."""
    large = Image.new("RGB", (256, 256), (126, 190, 232))
    draw = ImageDraw.Draw(large)
    draw.rectangle((0, 190, 256, 256), fill=(98, 168, 74))
    draw.ellipse((190, 18, 236, 64), fill=(250, 216, 84))
    draw.rectangle((40, 120, 140, 210), fill=(214, 92, 70))
    draw.polygon(((28, 120), (152, 120), (90, 62)), fill=(92, 58, 52))
    draw.rectangle((76, 160, 104, 210), fill=(250, 240, 220))
    draw.rectangle((190, 150, 204, 214), fill=(110, 74, 44))
    draw.ellipse((162, 92, 232, 166), fill=(44, 118, 62))
    return large


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, help="a picture in the place of the drawn one")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    picture = Image.open(arguments.image).convert("RGB") if arguments.image else drawn()
    pixels = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS), np.float32) / 127.5 - 1
    images = jnp.repeat(pixels[None], COUNT, axis=0)
    pipe, key = jax.jit(AUGMENTATIONS["pipe"]), jax.random.key(0)
    seen = {f"p = {probability:g}": pipe(key, images, probability) for probability in (0.0, 0.3, 1.0)}
    save_strips(arguments.output, {name: quantize_images(strip) for name, strip in seen.items()})


if __name__ == "__main__":
    main()
