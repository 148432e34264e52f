"""The page of ``gan-jax playground`` in a real browser, as a person uses it."""

import os
import shutil
import time

import jax
import numpy as np
import pytest
from in_process import assert_fine, command, script
from playwright.sync_api import sync_playwright
from waiting import PATIENCE

from gan_jax import GanConfig, init_state, save_weights
from gan_jax.pictures.pages import code, folded, paragraph, render_page, table

BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
STEPS = 60
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the path, and CHROMIUM names none"),
]


def make_page(folder, *flags):
    path = folder / "page.html"
    assert_fine(command("playground", *flags, "--output", path))
    return path


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("playground")
    small = ("--dataset", "digits", "--width", 8, "--batch-size", 50, "--steps", STEPS, "--log-every", 10)
    trained = command("train", *small, "--snapshots", 4, "--output-dir", folder / "run")
    plane = script("plane_lesson", "--steps", 100, "--frames", 4, "--output-dir", folder / "ring, seed 0")
    assert (trained.status, plane.status) == (0, 0)
    return make_page(folder, folder / "run", "--plane", folder / "ring, seed 0", "--images", 50)


@pytest.fixture(scope="module")
def browser(page_path):
    """Opened when the page is made: Playwright's loop of events leaves no place for that of a training."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_a_report_is_no_wider_than_the_screen(browser, tmp_path):
    digest, numbers = "0123456789abcdef" * 4, [f"{n}.25" for n in range(30)]
    pieces = [code(f"gan-jax train --output-dir /{digest}"), paragraph(f"The sha256 is {digest}."), table(numbers, [])]
    pieces.append(folded("Settings", table(["setting", "value"], [["sha256", digest]])))
    (tmp_path / "report.html").write_text(render_page("a_run_" + digest, {"Scores": pieces}), encoding="utf-8")
    for width in (390, 1400):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((tmp_path / "report.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        right = page.evaluate("[...document.querySelectorAll('details td')].at(-1).getBoundingClientRect().right")
        assert right <= width


class Visit:
    """A page that is open; its errors and what it asks for are noted."""

    def __init__(self, browser, path, address="", **options):
        self.said, self.asked = [], []
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("console", lambda message: message.type == "error" and self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{path.as_uri()}{address}")
        self.page.wait_for_selector("body[data-ready]")

    def text(self, selector):
        return self.page.inner_text(selector)

    def pixels(self, selector):
        script = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        return np.array(self.page.eval_on_selector(selector, script))

    def wait_for(self, condition):
        # Playwright's own way of waiting needs eval, which the page forbids.
        self.wait_until(lambda: self.page.evaluate(condition), condition)

    def wait_until(self, holds, what):
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, what
            self.page.wait_for_timeout(50)

    def changed(self, selector, before):
        """The pixels, once they are others than before."""
        self.wait_until(lambda: (self.pixels(selector) != before).any(), f"{selector} stays as it is")
        return self.pixels(selector)

    def slide(self, selector, value):
        move = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
        self.page.eval_on_selector(selector, move, value)


@pytest.fixture
def visit(browser, page_path):
    opened = []

    def open_page(path=page_path, address="", **options):
        opened.append(Visit(browser, path, address, **options))
        return opened[-1]

    yield open_page
    for visited in opened:
        visited.page.close()
        assert visited.said == []


def test_it_agrees_with_jax_and_asks_for_nothing(visit):
    opened = visit()
    assert "agrees with JAX" in opened.text("#self-check")
    assert int(opened.page.get_attribute("#self-check", "data-pixel")) <= 1
    assert {url.partition(":")[0] for url in opened.asked} == {"file", "blob"}


def test_the_training_is_rewound_and_the_address_keeps_it(visit):
    opened = visit()
    opened.wait_for(f"document.getElementById('grid').dataset.step === '{STEPS}'")
    late = opened.pixels("#grid canvas")
    opened.slide("#moment", 0)
    opened.wait_for("document.getElementById('grid').dataset.step === '0'")
    early = opened.pixels("#grid canvas")
    assert np.abs(late - early).mean() > 1
    opened.wait_for("location.hash.includes('moment=0')")
    again = visit(address=opened.page.evaluate("location.hash"))
    again.wait_for("document.getElementById('grid').dataset.step === '0'")
    np.testing.assert_array_equal(again.pixels("#grid canvas"), early)


def test_the_pad_and_the_directions_change_the_held_image(visit):
    opened = visit()
    start = opened.pixels("#held")
    opened.page.focus("#pad")
    opened.page.keyboard.press("ArrowRight")
    moved = opened.changed("#held", start)
    opened.slide("#directions input", 6)
    opened.changed("#held", moved)
    opened.page.check("#show-gradient")
    opened.wait_for(
        "(() => { const { data } = held.getContext('2d').getImageData(0, 0, held.width, held.height);"
        " return data.some((value, i) => i % 4 === 0 && value !== data[i + 2]); })()"
    )


def test_follow_d_uphill_ends_in_certainty_and_texture(visit):
    opened = visit()
    opened.wait_for("document.getElementById('climber-score').textContent !== ''")
    before = opened.pixels("#climber")
    opened.page.click("#climb")
    opened.wait_for("/with 100 % after/.test(document.getElementById('climber-score').textContent)")
    assert np.abs(opened.pixels("#climber") - before).mean() > 5
    opened.page.click("#climb-reset")
    opened.wait_for("document.getElementById('climber-score').textContent.includes('after 0 steps')")
    np.testing.assert_array_equal(opened.pixels("#climber"), before)


def test_the_panes_of_the_plane_move_together(visit):
    opened = visit()
    assert opened.page.locator("#panes canvas").count() == 4
    before = [opened.pixels(f"#panes > div:nth-child({index}) canvas") for index in (1, 2)]
    opened.slide("#plane-moment", 3)
    assert opened.text("#plane-text") == "step 100"
    after = [opened.pixels(f"#panes > div:nth-child({index}) canvas") for index in (1, 2)]
    assert all((pane != moved).any() for pane, moved in zip(before, after, strict=True))


def test_a_training_in_the_page_rewinds_to_the_same_start(visit):
    opened = visit()

    def three_steps():
        for step in (1, 2, 3):
            opened.page.click("#live-step")
            opened.wait_for(f"document.getElementById('live-text').textContent.startsWith('step {step},')")
        return opened.text("#live-text"), opened.pixels("#live-plane")

    text, pixels = three_steps()
    opened.page.click("#live-rewind")
    opened.wait_for("document.getElementById('live-text').textContent === 'step 0'")
    again, same_pixels = three_steps()
    assert text == again
    np.testing.assert_array_equal(pixels, same_pixels)
    opened.page.select_option("#live-objective", "hinge")
    opened.page.click("#live-run")
    opened.wait_for("+document.getElementById('live-text').textContent.match(/[0-9]+/)[0] > 20")
    opened.page.click("#live-run")


def test_a_target_is_drawn_and_kept_in_the_address(visit):
    opened = visit()
    opened.page.locator("#live-plane").scroll_into_view_if_needed()
    box = opened.page.locator("#live-plane").bounding_box()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 60)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 300, box["y"] + 250, steps=20)
    opened.page.mouse.up()
    opened.wait_for("location.hash.includes('target=drawn')")
    again = visit(address=opened.page.evaluate("location.hash"))
    drawn = opened.pixels("#live-plane")
    again.wait_until(lambda: np.array_equal(again.pixels("#live-plane"), drawn), "the target is not drawn again")


def test_a_narrow_screen_holds_it(visit):
    opened = visit(viewport={"width": 360, "height": 640}, color_scheme="dark")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_weights_of_another_recipe_make_a_page(visit, tmp_path):
    config = GanConfig(conditional=True, normalization="spectral", num_classes=3, latent_dim=6, width=4)
    save_weights(tmp_path / "weights.npz", init_state(config, jax.random.key(0)), config)
    opened = visit(make_page(tmp_path, tmp_path / "weights.npz"))
    assert "agrees with JAX" in opened.text("#self-check")
    assert not opened.page.is_visible("#moment")
    assert opened.page.locator("#classes button").count() == 3


def test_what_it_cannot_read_is_said_in_a_line(page_path, browser, tmp_path):
    text = page_path.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace("H4sI", "AAAA", 1), encoding="utf-8")
    page = browser.new_page()
    page.goto(broken.as_uri())
    page.get_by_text("This page cannot run here").wait_for(timeout=1000 * PATIENCE)
    assert page.locator("body[data-ready]").count() == 0
    page.close()
