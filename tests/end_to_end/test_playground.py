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
    assert float(opened.page.get_attribute("#self-check", "data-angle")) < 0.001  # degrees
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


def test_another_run_is_chosen_and_the_address_keeps_it(visit, page_path, tmp_path):
    config = GanConfig(image_shape=(32, 32, 3), latent_dim=4, width=2)
    save_weights(tmp_path / "colour.npz", init_state(config, jax.random.key(0)), config)
    both = make_page(tmp_path, page_path.parent / "run", "--beside", tmp_path / "colour.npz", "--images", 50)
    opened = visit(both, "#moment=1")
    grey = opened.pixels("#held")
    assert opened.page.is_visible("#run-choice")
    with opened.page.expect_navigation():
        opened.page.select_option("#run-choice", label="colour")
    opened.page.wait_for_selector("body[data-ready]")
    assert (len(grey), len(opened.pixels("#held"))) == (4 * 28 * 28, 4 * 32 * 32)
    assert "images 32×32×3" in opened.text("#about")
    assert "agrees with JAX" in opened.text("#self-check")
    assert not opened.page.is_visible("#moment")
    again = visit(both, opened.page.evaluate("location.hash"))
    assert again.page.input_value("#run-choice") == "1"
    assert not visit().page.is_visible("#run-choice")


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
    opened.wait_for("document.getElementById('live-text').textContent.startsWith('step 0')")
    again, same_pixels = three_steps()
    assert text == again
    np.testing.assert_array_equal(pixels, same_pixels)
    opened.page.select_option("#live-objective", "hinge")
    opened.page.click("#live-run")
    opened.wait_for("+document.getElementById('live-text').textContent.match(/[0-9]+/)[0] > 20")
    opened.page.click("#live-run")


def test_digits_train_in_the_page_and_rewind_to_the_same_start(visit):
    opened = visit(address="#digits_initializer=he&digits_frozen=1")

    def three_steps():
        for step in (1, 2, 3):
            opened.page.click("#digits-step")
            opened.wait_for(f"document.getElementById('digits-text').textContent.startsWith('step {step},')")
        return opened.text("#digits-text").partition("D(x)")[2], opened.pixels("#digits-fakes")

    scores, images = three_steps()
    assert opened.text("#digits-command").startswith("gan-jax standalone-generator --dataset digits --width 8")
    opened.page.click("#digits-rewind")
    opened.wait_for("document.getElementById('digits-text').textContent === 'step 0'")
    assert (opened.pixels("#digits-fakes") != images).any()
    again, same_images = three_steps()
    assert again == scores
    np.testing.assert_array_equal(images, same_images)


def test_digits_say_what_a_frozen_d_and_a_large_learning_rate_do(visit):
    opened = visit(address="#digits_initializer=he&digits_frozen=1")
    opened.page.click("#digits-run")
    opened.wait_for("document.getElementById('digits-note').textContent.includes('nothing corrects D')")
    opened.page.click("#digits-rewind")
    opened.page.uncheck("#digits-frozen")
    for name in ("rateD", "rateG"):
        opened.page.select_option(f"#digits-{name}", "0.3")
    assert "gan-jax train" in opened.text("#digits-command")
    assert "--learning-rate 0.3" in opened.text("#digits-command")
    opened.page.click("#digits-run")
    opened.wait_for("document.getElementById('digits-note').textContent.startsWith('It breaks')")
    opened.page.click("#digits-run")


def test_a_button_that_starts_something_then_says_that_it_stops_it(visit):
    opened = visit()
    for selector, resting in (("#live-run", "Train"), ("#climb", "Follow D uphill")):
        for text in (resting, "Stop", resting):
            assert opened.text(selector) == text
            opened.page.click(selector)
    opened.page.click("#play-training")
    assert opened.text("#play-training") == "Pause"
    opened.wait_until(lambda: opened.text("#play-training") == "Play", "it does not end")


def test_the_keyboard_alone_reaches_every_image(visit):
    opened = visit()
    assert opened.page.locator("#grid button[tabindex='0']").count() == 1
    opened.page.focus("#grid button")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Enter"):
        opened.page.keyboard.press(key)
    chosen = "[...document.querySelectorAll('#grid button')].findIndex(button => button === document.activeElement)"
    assert opened.page.evaluate(chosen) == 8
    assert "corner" in opened.page.get_attribute("#grid button:nth-child(9)", "class")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "other-seed"
    opened.page.focus("#moment")
    opened.page.keyboard.press("Home")
    assert opened.page.get_attribute("#moment", "aria-valuetext") == f"step 0 of {STEPS}"


def test_sliders_say_their_values_and_choices_are_seen_whole(visit):
    for width in (390, 1400):
        opened = visit(viewport={"width": width, "height": 844})
        opened.page.eval_on_selector_all("details", "parts => parts.forEach(part => { part.open = true; })")
        sliders = opened.page.locator("input[type=range]").all()
        assert all(slider.get_attribute("aria-valuetext") for slider in sliders)
        assert min(slider.bounding_box()["height"] for slider in sliders) >= 24
        short = "select => [select.offsetWidth, select.style.width = 'max-content', select.offsetWidth]"
        for select in opened.page.locator("select").all():
            given, _, wanted = select.evaluate(short)
            assert given >= wanted


def test_cause_and_effect_are_on_one_screen(visit):
    def height(*selectors):
        boxes = [box.bounding_box() for selector in selectors for box in opened.page.locator(selector).all()]
        return max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes)

    training, plane = ("#moment", "#grid", "#curves"), ("#plane-moment", "#panes")
    live = ("#live-run", "#live-plane", "#live-curve", "#live-settings")
    digits = ("#digits-run", "#digits-fakes", "#digits-scores", "#digits-losses", "#digits-settings")
    opened = visit(viewport={"width": 1400, "height": 900})
    assert height("body > header", *training) <= 900
    for width in (390, 800):
        opened = visit(viewport={"width": width, "height": 844})
        for parts in (training, live, digits, plane):
            assert height(*parts) <= 844
    assert opened.page.locator("main > section").last.get_attribute("id") != "live"


def test_points_beyond_the_square_are_drawn_at_its_edge(visit):
    opened = visit()
    draw = "drawPlane(find('live-plane'), {halfWidth: 1, side: 1, shades: [1], reals: [], points: %s})"
    red_at_the_edge = "find('live-plane').getContext('2d').getImageData(357, 180, 1, 1).data[0]"
    assert opened.page.evaluate(draw % "[0, 0]") == ""
    assert opened.page.evaluate(red_at_the_edge) > 100
    assert opened.page.evaluate(draw % "[1e9, 0]") == "1 of 1 outside"
    assert opened.page.evaluate(red_at_the_edge) == 0


def test_a_critic_without_bound_is_named(visit):
    opened = visit()
    assert opened.text("#live-note") == ""
    opened.page.select_option("#live-objective", "wasserstein")
    assert "without a penalty its logits and losses grow without end" in opened.text("#live-note")
    opened.page.click("#live-more summary")
    opened.page.select_option("#live-penalties", "r1")
    assert opened.text("#live-note") == ""


def test_a_part_is_reached_and_the_address_stays(visit):
    opened = visit(address="#plane_moment=1")
    opened.page.click("nav a[href='#live']")
    assert opened.page.evaluate("document.activeElement.id") == "live"
    assert opened.page.evaluate("location.hash").startswith("#plane_moment=1")


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


def test_a_target_is_drawn_with_the_keyboard_alone(visit):
    opened = visit()
    opened.page.focus("#live-plane")
    said = []
    for key in ("ArrowRight", "Shift+ArrowUp", " ", "Shift+ArrowLeft", " ", "ArrowDown", " ", "Backspace"):
        opened.page.keyboard.press(key)
        said.append(opened.page.text_content("#live-said"))
    assert said[0] == "0.1, 0.0"
    assert said[2:5] == ["Dot 1 at 0.1, 0.5", "-0.4, 0.5", "Dot 2 at -0.4, 0.5"]
    assert said[-1] == "The last dot is gone, 2 dots"
    opened.page.keyboard.press("Enter")
    assert opened.page.text_content("#live-said") == "The target has 2 dots."
    opened.wait_for("location.hash.includes('target=drawn')")
    assert opened.page.locator("#targets [aria-pressed=true]").count() == 0
    drawn = opened.page.evaluate("location.hash")
    opened.page.keyboard.press(" ")
    opened.page.keyboard.press("Escape")
    assert "the target stays" in opened.page.text_content("#live-said")
    opened.page.wait_for_timeout(400)  # after which the address would have another target
    assert opened.page.evaluate("location.hash") == drawn


def test_a_step_is_taken_in_parts_each_of_which_is_named(visit):
    opened = visit()
    opened.wait_for("document.getElementById('live-text').textContent.startsWith('step 0')")
    current = "document.querySelector('#live-parts [aria-current]')?.textContent"
    parts = opened.page.locator("#live-parts li").all_inner_texts()
    seen = []
    for part in parts:
        opened.page.click("#live-part")
        opened.wait_for(f"{current} === {part!r}" if '"' not in part else current)
        seen.append(opened.text("#live-part-text"))
    assert len(set(seen)) == len(parts) == 8
    assert seen[0] == "Latents are drawn from the noise."
    assert opened.text("#live-text").startswith("step 1, ")
    in_parts = opened.text("#live-text").partition(", ")[2].split(", ")[:2]
    opened.page.click("#live-rewind")
    opened.wait_for("document.getElementById('live-text').textContent.startsWith('step 0')")
    opened.page.click("#live-step")
    opened.wait_for("document.getElementById('live-text').textContent.startsWith('step 1,')")
    assert opened.text("#live-text").split(", ")[1:3] == in_parts
    before = opened.pixels("#live-graph")
    opened.page.click("#live-slow")
    opened.wait_for(f"{current} === {parts[1]!r}")
    opened.changed("#live-graph", before)
    opened.page.click("#live-run")  # which ends the slow motion
    assert opened.text("#live-slow") == "Slow motion"
    opened.wait_for("+document.getElementById('live-text').textContent.match(/[0-9]+/)[0] > 3")
    opened.page.click("#live-run")


def test_words_are_explained_by_hover_and_by_focus(visit):
    opened = visit()
    opened.page.hover("#live [data-word=latent]")
    assert opened.text("#explained").startswith("A latent z")
    opened.page.keyboard.press("Escape")
    assert opened.page.is_hidden("#explained")
    opened.page.keyboard.press("Tab")
    opened.page.focus("#live-objective")
    assert "what both networks minimize" in opened.text("#explained")
    assert opened.page.get_attribute("#live-objective", "aria-describedby") == "explained"
    words = opened.page.evaluate("[...document.querySelectorAll('[data-word]')].map(word => word.dataset.word)")
    assert opened.page.evaluate("words => words.filter(word => !GLOSSARY[word])", words) == []


def test_a_recipe_sets_its_choices_and_the_address_keeps_them(visit):
    opened = visit()
    opened.page.select_option("#live-recipe", "wgan-gp")
    assert opened.page.input_value("#live-critic_steps") == "5"
    opened.page.click("#live-more summary")
    opened.page.select_option("#live-penalties", "r1")
    opened.page.select_option("#live-latent_dim", "1")
    opened.page.check("#live-map")
    opened.wait_for("location.hash.includes('latent_dim=1') && location.hash.includes('map=1')")
    again = visit(address=opened.page.evaluate("location.hash"))
    for name, value in {"recipe": "wgan-gp", "objective": "wasserstein", "penalties": "r1", "latent_dim": "1"}.items():
        assert again.page.input_value(f"#live-{name}") == value
    command = "python experiments/plane.py --target ring --recipe wgan-gp --seed 0 --width 32 --batch-size 64 "
    assert again.text("#live-command") == command + "--latent-dim 1 --penalties r1"
    old = visit(address="#objective=hinge&stepsD=2&rateG=0.003&penalty=0.1&both=1&live_seed=4")
    kept = {"objective": "hinge", "critic_steps": "2", "learning_rate": "0.003", "penalties": "r1 r2", "seed": "4"}
    for name, value in (kept | {"penalty_weight": "0.1"}).items():
        assert old.page.input_value(f"#live-{name}") == value


def test_a_trained_start_covers_modes_from_its_first_step(visit):
    opened = visit(address="#width=8")
    opened.wait_for("document.getElementById('live-modes').textContent === '0 of 8'")
    opened.page.select_option("#live-start", "trained")
    opened.wait_for("parseInt(document.getElementById('live-modes').textContent) > 4")
    assert opened.text("#live-text").startswith("step 0")
    assert opened.page.input_value("#live-width") == "32"
    opened.page.click("#live-more summary")
    opened.page.select_option("#live-width", "16")
    opened.wait_for("document.getElementById('live-modes').textContent === '0 of 8'")
    assert opened.page.input_value("#live-start") == "untrained"


def test_a_narrow_screen_holds_it(visit):
    opened = visit(viewport={"width": 360, "height": 640}, color_scheme="dark")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_weights_of_another_recipe_make_a_page(visit, tmp_path):
    labelled = {"conditional": True, "num_classes": 3}
    config = GanConfig(normalization="spectral", objective="hinge", latent_dim=6, width=4, **labelled)
    save_weights(tmp_path / "weights.npz", init_state(config, jax.random.key(0)), config)
    noise = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8)
    np.savez(tmp_path / "own.npz", images=noise)
    opened = visit(make_page(tmp_path, tmp_path / "weights.npz", "--dataset", tmp_path / "own.npz", "--images", 5))
    assert "agrees with JAX" in opened.text("#self-check")
    assert not opened.page.is_visible("#moment")
    assert opened.page.locator("#classes button").count() == 3
    assert "above 1 for real images" in opened.text("#scale")
    opened.wait_for("document.getElementById('nearest-text').textContent !== ''")
    assert opened.text("#nearest-text") == "The nearest of 5 training images, pixel by pixel"


def test_what_it_cannot_read_is_said_in_a_line(page_path, browser, tmp_path):
    text = page_path.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace("H4sI", "AAAA", 1), encoding="utf-8")
    page = browser.new_page()
    page.goto(broken.as_uri())
    page.get_by_text("This page cannot run here").wait_for(timeout=1000 * PATIENCE)
    assert page.locator("body[data-ready]").count() == 0
    page.close()
