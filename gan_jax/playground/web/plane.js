// The plane: recorded trainings side by side, and one that runs in the page.

function startPlanes(arrays) {
  const section = find("planes");
  section.hidden = contents.planes.length === 0;
  if (section.hidden) return;

  let chosen = Math.min(contents.planes.length - 1, Math.max(0, Math.round(View.number("plane", 0)))), at = 0, panes = [];
  const select = find("plane-choice"), slider = find("plane-moment");
  contents.planes.forEach(({ name }, index) => select.append(make("option", { value: index, textContent: name })));

  function choose(index) {
    chosen = index;
    select.value = index;
    View.set("plane", index || null);
    find("panes").replaceChildren();
    panes = contents.planes[chosen].arms.map((arm) => {
      const canvas = make("canvas", { width: 300, height: 300, role: "img", ariaLabel: `The plane: ${arm.label}` });
      const text = make("p");
      find("panes").append(make("div", {}, text, canvas));
      return { arm, canvas, text };
    });
    slider.max = panes[0].arm.steps.length - 1;
    show(Math.min(at, +slider.max));
  }

  function show(moment) {
    at = moment;
    setSlider(slider, at, `step ${panes[0].arm.steps[at]}`);
    View.set("plane_moment", at || null);
    const { half_width: halfWidth, reals } = contents.planes[chosen];
    for (const { arm, canvas, text } of panes) {
      const { data, shape: [, side] } = arrays(arm.landscapes);
      const slice = (name) => {
        const { data: values, shape: [, count] } = arrays(name);
        return values.subarray(2 * at * count, 2 * (at + 1) * count);
      };
      const shades = Array.from(data.subarray(at * side * side, (at + 1) * side * side), (value) => value / 255);
      const points = slice(arm.points), arrows = slice(arm.arrows);
      const beyond = drawPlane(canvas, { halfWidth, side, shades, reals: arrays(reals).data, points, arrows });
      const score = arm.scores && `D's score of fakes: ${arm.scores[at].toFixed(2)}`;
      text.textContent = [arm.label, score, beyond].filter(Boolean).join("\n");
    }
  }

  select.addEventListener("change", () => choose(+select.value));
  slider.addEventListener("input", () => {
    playing.stop();
    show(+slider.value);
  });
  let shownAt = 0;
  const playing = playButton(find("play-plane"), async (time) => {
    if (time - shownAt < 150) return true;
    shownAt = time;
    show(at >= +slider.max ? 0 : at + 1);
    return at < +slider.max;
  });
  section.append(planeLegend());
  at = Math.max(0, Math.round(View.number("plane_moment", 0)));
  choose(chosen);
}

// ---- A training of one's own

const HALF_WIDTH = 2, SIDE = 48, SHOWN = 300;

/** Points of the targets that one can take, and of what was drawn. */
const TARGETS = {
  ring: (random) => cluster(random, 8, (k) => [1.4 * Math.cos((Math.PI * k) / 4), 1.4 * Math.sin((Math.PI * k) / 4)], 0.06),
  grid: (random) => cluster(random, 25, (k) => [0.7 * ((k % 5) - 2), 0.7 * (Math.floor(k / 5) - 2)], 0.05),
  moons: (random) =>
    cluster(random, 600, (k) => {
      const turn = (Math.PI * (k % 300)) / 300;
      return k < 300 ? [Math.cos(turn) - 0.5, Math.sin(turn) - 0.25] : [0.5 - Math.cos(turn), 0.25 - Math.sin(turn)];
    }, 0.05),
  spiral: (random) =>
    cluster(random, 600, (k) => {
      const turn = 4 * Math.PI * Math.sqrt(k / 600);
      return [(1.6 * turn * Math.cos(turn)) / (4 * Math.PI), (1.6 * turn * Math.sin(turn)) / (4 * Math.PI)];
    }, 0.04),
};

function cluster(random, count, centre, deviation) {
  const points = [];
  for (let n = 0; n < 1200; n++) {
    const [x, y] = centre(n % count);
    points.push(x + deviation * random.normal(), y + deviation * random.normal());
  }
  return points;
}

/** The settings of a training: a name, what it is called, its default, and what it may be. @type {[string, string, any, any[]][]} */
const CHOICES = [
  ["objective", "Objective", "non_saturating", Live.OBJECTIVES],
  ["stepsD", "D's updates per G's", 1, [0, 1, 2, 3, 5]],
  ["rateD", "Learning rate of D", 0.001, [0.0001, 0.0003, 0.001, 0.003, 0.01]],
  ["rateG", "Learning rate of G", 0.001, [0, 0.0001, 0.0003, 0.001, 0.003, 0.01]],
  ["penalty", "Weight of R1 on D", 0, [0, 0.01, 0.1, 1, 10]],
  ["both", "R2 too", 0, [0, 1]],
  ["beta1", "Adam's beta1", 0.5, [0, 0.5, 0.9]],
  ["width", "Width", 32, [8, 16, 32, 64]],
  ["batch", "Batch", 64, [16, 32, 64, 128]],
];
const AT_START = ["width", "batch"]; // a change of these rewinds

function startLive(ask) {
  find("live").append(planeLegend());
  const canvas = find("live-plane"), settings = { seed: Math.max(0, Math.round(View.number("live_seed", 0))), beta2: 0.99 };
  let target = View.text("target", "ring"), points = [], latestFrame = null, losses = [];

  // ---- The target

  function decode(text) {
    const places = text.match(/../g) ?? [];
    return places.flatMap((pair) => [...pair].map((digit) => (HALF_WIDTH * (parseInt(digit, 36) - 17.5)) / 17.5));
  }

  function encode(drawn) {
    return drawn.map((value) => Math.max(0, Math.min(35, Math.round((value / HALF_WIDTH) * 17.5 + 17.5))).toString(36)).join("");
  }

  function choose(name) {
    target = name in TARGETS ? name : "drawn";
    if (target === "drawn") {
      const random = Live.randomSource(1), centres = decode(name.replace(/^drawn:/, ""));
      if (centres.length < 2) return choose("ring");
      points = cluster(random, centres.length / 2, (k) => [centres[2 * k], centres[2 * k + 1]], 0.05);
      View.set("target", `drawn:${encode(centres)}`);
    } else {
      points = TARGETS[target](Live.randomSource(1));
      View.set("target", target === "ring" ? null : target);
    }
    for (const button of find("targets").children) button.setAttribute("aria-pressed", String(button.value === target));
    return rewind();
  }

  for (const name of Object.keys(TARGETS)) {
    const button = make("button", { type: "button", value: name, textContent: name });
    button.addEventListener("click", () => choose(name));
    find("targets").append(button);
  }

  let strokes = null; // while one draws
  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [
      HALF_WIDTH * ((2 * (event.clientX - box.left)) / box.width - 1),
      HALF_WIDTH * (1 - (2 * (event.clientY - box.top)) / box.height),
    ];
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    running.stop();
    strokes = place(event);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!strokes) return;
    const [x, y] = place(event), count = strokes.length;
    if (Math.hypot(x - strokes[count - 2], y - strokes[count - 1]) < 0.12 || count >= 400) return;
    strokes.push(x, y);
    draw();
  });
  canvas.addEventListener("pointerup", () => {
    const drawn = strokes;
    strokes = null;
    if (drawn) choose(`drawn:${encode(drawn)}`);
  });

  // ---- Settings

  for (const [name, text, otherwise, allowed] of CHOICES) {
    const kept = View.text(name, String(otherwise));
    settings[name] = allowed.find((value) => String(value) === kept) ?? otherwise;
    const select = make("select", { id: `live-${name}` });
    for (const value of allowed) {
      const shown = name === "both" ? (value ? "yes" : "no") : String(value).replaceAll("_", " ");
      select.append(make("option", { value, textContent: shown, selected: value === settings[name] }));
    }
    select.addEventListener("change", () => {
      settings[name] = allowed.find((value) => String(value) === select.value);
      View.set(name, settings[name] === otherwise ? null : settings[name]);
      find("live-note").textContent = remark();
      if (AT_START.includes(name)) rewind();
      else ask("change", { settings });
    });
    find("live-settings").append(make("label", {}, text, select));
  }
  const seed = make("input", { type: "number", min: 0, step: 1, value: settings.seed, id: "live-seed" });
  seed.addEventListener("change", () => {
    settings.seed = Math.max(0, Math.round(+seed.value) || 0);
    seed.value = settings.seed;
    View.set("live_seed", settings.seed || null);
    rewind();
  });
  find("live-settings").append(make("label", {}, "Seed", seed));

  // ---- Training

  async function train(steps, milliseconds) {
    const frame = await ask("train", { steps, milliseconds, halfWidth: HALF_WIDTH, side: SIDE, count: SHOWN });
    latestFrame = frame;
    losses.push(...frame.metrics);
    draw();
  }

  async function rewind() {
    running.stop();
    losses = [];
    await ask("start", { settings, points });
    await train(0, 0);
  }

  function draw() {
    const shades = latestFrame && shaded(latestFrame.landscape);
    const shown = strokes ? { reals: strokes } : { reals: points, points: latestFrame?.points, arrows: latestFrame?.arrows };
    const beyond = drawPlane(canvas, { halfWidth: HALF_WIDTH, side: SIDE, shades: strokes ? null : shades, ...shown });
    if (!latestFrame) return;
    const recent = losses.slice(-600), first = losses.length - recent.length;
    const places = recent.map((_, k) => first + k + 1), last = recent[recent.length - 1];
    const lines = [["d_loss", "first"], ["g_loss", "second"]].map(([name, shade]) => ({
      values: recent.map((one) => one[name]), colour: shade,
    }));
    drawCurves(find("live-curve"), places.length ? places : [0], lines);
    const text = last ? `, D's loss ${last.d_loss.toFixed(2)}, G's ${last.g_loss.toFixed(2)}` : "";
    find("live-text").textContent = `step ${latestFrame.step}${text}${beyond && `, ${beyond}`}`;
    find("live-curve").ariaLabel = `Losses from step ${first} on${text}`;
    find("live-note").textContent = remark(last);
  }

  /** What one should know of numbers that grow without end. */
  function remark(last) {
    if (last && !(Number.isFinite(last.d_loss) && Number.isFinite(last.g_loss))) {
      return "The losses are no numbers any more. Rewind, and take smaller learning rates.";
    }
    if (settings.objective !== "wasserstein" || settings.penalty > 0) return "";
    return "Nothing bounds this critic: without a penalty its logits and losses grow without end. Give R1 a weight.";
  }

  /** D's scores, or its logits from low to high where they have no scale. */
  function shaded(logits) {
    const logistic = ["non_saturating", "saturating", "relativistic"].includes(settings.objective);
    const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
    const std = Math.sqrt(logits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logits.length) || 1;
    const relative = settings.objective === "relativistic" || !logistic;
    return Array.from(logits, (value) => 1 / (1 + Math.exp(relative ? (-1.5 * (value - mean)) / std : -value)));
  }

  const running = playButton(find("live-run"), async () => {
    await train(1000, 30);
  });
  find("live-step").addEventListener("click", () => train(1, 1000));
  find("live-rewind").addEventListener("click", rewind);
  redraws.push(draw);
  choose(target);
}
