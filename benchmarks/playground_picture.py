"""Take moving pictures of a page of gan-jax playground for README.md: a training, and an image that follows D uphill.

python benchmarks/playground_picture.py docs/playground.html --output docs/images/playground.gif

Needs Chromium, and Playwright from the dev extra.
"""

import argparse
import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH, HEIGHT = 560, 570
COLOURS = 32


def picture(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def training(page: Page) -> list[Image.Image]:
    """One picture of every moment."""
    page.evaluate("document.getElementById('training').scrollIntoView()")
    frames = []
    for moment in range(int(page.get_attribute("#moment", "max") or 0) + 1):
        move = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
        page.eval_on_selector("#moment", move, moment)
        step = page.inner_text("#moment-text").split()[1]
        while page.get_attribute("#grid", "data-step") != step:
            page.wait_for_timeout(100)
        frames.append(picture(page))
    return frames


def climb(page: Page, count: int = 14) -> list[Image.Image]:
    """An image that follows an untrained D uphill."""
    page.evaluate("document.getElementById('lesson').scrollIntoView()")
    page.eval_on_selector("#climb-rate", "s => { s.value = 1; s.dispatchEvent(new Event('input')); }")
    page.wait_for_timeout(500)
    frames = [picture(page)]
    page.click("#climb")
    for _ in range(count):
        frames.append(picture(page))
        page.wait_for_timeout(150)
    page.click("#climb")
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(arguments.page.resolve().as_uri())
        page.wait_for_selector("body[data-ready]")
        learned, climbed = training(page), climb(page)
        browser.close()
    times = [900] * (len(learned) - 1) + [2500] + [1200] + [200] * (len(climbed) - 2) + [2500]
    frames = [frame.quantize(COLOURS) for frame in (*learned, *climbed)]
    frames[0].save(arguments.output, save_all=True, append_images=frames[1:], duration=times, loop=0)


if __name__ == "__main__":
    main()
