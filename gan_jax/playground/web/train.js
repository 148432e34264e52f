// The digits' DCGAN, which trains in the page: its settings, its images and curves, and what to see in them.

const DIGITS_RATES = [0.0001, 0.0002, 0.0005, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
/** The settings of a training: a name, what it is called, its default, what it may be, and how that is said if not as it is.
 * @type {[string, string, any, any[], any?][]} */
const DIGITS_CHOICES = [
  ["rateD", "Learning rate of D", 0.001, DIGITS_RATES],
  ["rateG", "Learning rate of G", 0.001, DIGITS_RATES],
  ["initializer", "Initial weights", "dcgan", ["dcgan", "he"], { dcgan: "N(0, 0.02)", he: "He's" }],
  ["width", "Width", 8, [8, 16]],
];
const GAP = 1; // pixels between images
const POINTS = 600; // of a curve, at most
const GUESSING = 2 * Math.LN2; // D's loss where it says 0.5 of everything
const DIGITS_AT_START = ["initializer", "width"]; // a change of these rewinds

function startDigits(arrays) {
  const { pixels, folds } = contents.digits, stored = { pixels: arrays(pixels).data, folds };
  const side = 28, columns = 8, batch = 32, recent = 20; // steps that a remark looks at
  const settings = { batch, seed: Math.max(0, Math.round(View.number("digits_seed", 0))), frozen: View.number("digits_frozen", 0) > 0 };
  let ask = null, begun = null; // the worker and the start, from when they are first in view
  let shown = null, metrics = [], start = null;

  // ---- Settings

  /** Keep a setting in the address; start anew where it counts from the start on. */
  function set(name, value, otherwise, rewinds) {
    settings[name] = value;
    View.set(`digits_${name}`, value === otherwise ? null : typeof value === "boolean" ? +value : value);
    showCommand();
    if (rewinds) return rewind();
    drawRemark();
    return ask?.("changeDigits", { settings });
  }

  for (const [name, text, otherwise, allowed, said = {}] of DIGITS_CHOICES) {
    const kept = View.text(`digits_${name}`, String(otherwise)), parse = (text) => allowed.find((value) => String(value) === text);
    settings[name] = parse(kept) ?? otherwise;
    const select = make("select", { id: `digits-${name}` });
    for (const value of allowed) select.append(make("option", { value, textContent: said[value] ?? value, selected: value === settings[name] }));
    select.addEventListener("change", () => set(name, parse(select.value), otherwise, DIGITS_AT_START.includes(name)));
    find("digits-settings").append(make("label", {}, text, select));
  }
  const seed = make("input", { type: "number", min: 0, step: 1, value: settings.seed, id: "digits-seed" });
  seed.addEventListener("change", () => {
    seed.value = Math.max(0, Math.round(+seed.value) || 0);
    set("seed", +seed.value, 0, true);
  });
  find("digits-settings").append(make("label", {}, "Seed", seed));
  find("digits-frozen").checked = settings.frozen;
  find("digits-frozen").addEventListener("change", (event) => set("frozen", event.target.checked, false, false));

  /** The command of a shell that takes the same steps. */
  function showCommand() {
    const { frozen, initializer, width, rateD, rateG, seed } = settings;
    const given = [frozen ? "standalone-generator" : "train", "--dataset digits", `--width ${width}`, `--batch-size ${batch}`];
    if (initializer !== (frozen ? "he" : "dcgan")) given.push(`--initializer ${initializer}`);
    given.push(`--learning-rate ${rateG}`);
    if (!frozen && rateD !== rateG) given.push(`--discriminator-learning-rate ${rateD}`);
    if (seed) given.push(`--seed ${seed}`);
    find("digits-command").textContent = `gan-jax ${given.join(" ")}`;
  }

  // ---- Training

  async function begin() {
    ask ??= startWorker();
    start = await ask("startDigits", { settings, stored, reals: columns });
    metrics = [];
  }

  async function train(steps, milliseconds) {
    await (begun ??= begin());
    shown = await ask("trainDigits", { steps, milliseconds });
    metrics.push(...shown.metrics);
    draw();
  }

  function rewind() {
    running.stop();
    begun = begin();
    return train(0, 0);
  }

  const running = playButton(find("digits-run"), async () => {
    await train(100, 250);
    return finite();
  });
  find("digits-step").addEventListener("click", () => train(1, 0));
  find("digits-rewind").addEventListener("click", rewind);

  // ---- What is seen

  /** Images side by side in rows, with a gap between them. */
  function drawTiles(canvas, images) {
    const bytes = toBytes(images), each = side + GAP;
    canvas.width = columns * each - GAP;
    canvas.height = Math.ceil(bytes.length / side ** 2 / columns) * each - GAP;
    const context = canvas.getContext("2d"), picture = context.createImageData(canvas.width, canvas.height);
    bytes.forEach((value, i) => {
      const n = Math.floor(i / side ** 2), x = (n % columns) * each + (i % side);
      const y = Math.floor(n / columns) * each + (Math.floor(i / side) % side);
      picture.data.set([value, value, value, 255], 4 * (y * canvas.width + x));
    });
    context.putImageData(picture, 0, 0);
  }

  function draw() {
    if (!shown) return;
    drawTiles(find("digits-fakes"), shown.pixels);
    drawTiles(find("digits-reals"), start.reals);
    const every = Math.ceil(metrics.length / POINTS), drawn = metrics.filter((_, k) => k % every === 0);
    const places = drawn.length ? drawn.map((_, k) => 1 + k * every) : [0];
    const line = (name, colour) => ({ values: drawn.map((one) => one[name]), colour });
    drawCurves(find("digits-scores"), places, [line("d_x", "first"), line("d_g_z1", "second")], { range: [0, 1] });
    drawCurves(find("digits-losses"), places, [line("d_loss", "first"), line("g_loss", "second")]);
    const { d_x: real, d_g_z1: fake } = means(), pace = shown.metrics.length ? `, ${shown.pace.toFixed(1)} steps a second` : "";
    const text = metrics.length ? `D(x) ${real.toFixed(2)}, D(G(z)) ${fake.toFixed(2)}` : "";
    find("digits-text").textContent = `step ${shown.step}${pace}${text && `, ${text}`}`;
    find("digits-scores").ariaLabel = `D's mean scores up to step ${shown.step}. ${text}`;
    drawRemark();
  }

  const last = () => metrics[metrics.length - 1];
  const finite = () => !last() || Object.values(last()).every(Number.isFinite);

  /** The means of the last steps' metrics. */
  function means() {
    const some = metrics.slice(-recent), mean = (name) => some.reduce((sum, one) => sum + one[name], 0) / some.length;
    return Object.fromEntries(Object.keys(last() ?? {}).map((name) => [name, mean(name)]));
  }

  function drawRemark() {
    const text = remark(means());
    if (find("digits-note").textContent !== text) find("digits-note").textContent = text;
  }

  /** What one sees, in a sentence or two, with the limits of gan_jax/runs/health.py, and without numbers that change all the time. */
  function remark(/** @type {any} */ { d_x: real, d_g_z1: fake, fake_std: spread, d_loss: lossD, g_loss: lossG }) {
    if (!finite()) return "The losses are no numbers any more: a learning rate was too large. Rewind, and take a smaller one.";
    if (settings.frozen) {
      if (fake > 0.9) {
        return "The frozen D says “real” with more than 90 %, and the images are not. G has found what this D takes for real, and " +
          "nothing corrects D: that is why D must learn too.";
      }
      if (shown?.updates === 0 && settings.initializer === "dcgan") {
        return "D is frozen before it learned anything, and with these small weights has hardly an opinion that G could follow. " +
          "Train D for a while first, or take He's initial weights.";
      }
      return "D is frozen: G changes its images until this one D says “real”, whatever they look like.";
    }
    if (lossD > 1.5 * GUESSING || lossG > 20) {
      return `It breaks: the losses are far above ${GUESSING.toFixed(1)}, which D has by guessing. With learning rates this large every ` +
        "step goes too far. Rewind, and take smaller ones.";
    }
    if (real > 0.99 && fake < 0.01) return "D tells reals from fakes without fail, so that its gradient teaches G little. Take a smaller learning rate of D.";
    if (shown?.step >= 200 && spread < 0.2 * start.spread) return "All images have become alike: G has collapsed. Rewind, and take smaller learning rates.";
    return "D says “real” of reals and “fake” of fakes, as far as it can, and G follows D: watch the images become digits.";
  }

  redraws.push(draw);
  showCommand();
  whenVisible(find("digits"), () => begun ?? train(0, 0));
}
