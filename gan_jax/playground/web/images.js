// The training, the latents, and the lesson by hand: all that the run's own networks do.

const shape = contents.shape;

/** Latents: those of the run, or others that follow from a seed. */
const Latents = (() => {
  const size = contents.latent_dim, count = contents.labels.length;
  let own = null, seed = Math.max(0, Math.round(View.number("seed", 0))), found = null;

  function drawn() {
    const { normal } = Live.randomSource(seed);
    return Array.from({ length: count }, () => Float32Array.from({ length: size }, normal));
  }

  return {
    count,
    load(array) {
      own = Array.from({ length: count }, (_, n) => array.data.slice(n * size, (n + 1) * size));
      this.choose(seed);
    },
    choose(value) {
      seed = value;
      found = seed === 0 ? own : drawn();
      View.set("seed", seed || null);
      find("seed-text").textContent = seed === 0 ? "The latents of the run's own grids." : `Latents of seed ${seed}.`;
    },
    seed: () => seed,
    at: (index) => found[index],
  };
})();

const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

/** The angle between two vectors, in degrees. */
function angleBetween(start, end) {
  const cosine = start.reduce((sum, value, i) => sum + value * end[i], 0) / (norm(start) * norm(end) || 1);
  return (180 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, cosine)));
}

/** Between two latents along a great circle, at an even pace (Shoemake 1985). */
function between(start, end, share) {
  const [a, b] = [norm(start), norm(end)];
  const angle = (Math.PI / 180) * angleBetween(start, end), sine = Math.sin(angle);
  if (sine < 1e-6) return start.map((value, i) => value + share * (end[i] - value));
  const size = a + share * (b - a), left = Math.sin((1 - share) * angle) / sine, right = Math.sin(share * angle) / sine;
  return start.map((value, i) => size * ((left * value) / a + (right * end[i]) / b));
}

function startImages(ask, arrays, common) {
  const moments = contents.generators, lastMoment = moments.length - 1;
  Latents.load(arrays("latents"));

  let moment = Math.min(lastMoment, Math.max(0, Math.round(View.number("moment", lastMoment))));
  const corners = View.numbers("corners", [0, 1, 2]).map((index) => Math.min(Latents.count - 1, Math.max(0, Math.round(index))));
  let pad = View.numbers("pad", [0, 0]).map((share) => Math.max(0, Math.min(1, share)));
  const directionCount = arrays("directions").shape[0];
  let pushes = View.numbers("directions", Array(directionCount).fill(0));
  let label = Math.round(View.number("label", contents.labels[corners[0]]));
  if (label >= Math.max(1, contents.classes.length) || !contents.trained.includes(label)) label = contents.labels[corners[0]];
  let heldPixels = null;

  // ---- The grid

  const tiles = Array.from({ length: Latents.count }, (_, index) => {
    const canvas = make("canvas"), score = make("span", { className: "score" });
    const kind = contents.conditional ? `, ${contents.classes[contents.labels[index]]}` : "";
    const ariaLabel = `Image ${index + 1}${kind}`, button = make("button", { type: "button", ariaLabel }, canvas, score);
    button.addEventListener("click", () => hold(index));
    find("grid").append(button);
    return { canvas, score, button, ariaLabel };
  });
  shareTabStop(find("grid"));

  const drawGrid = latest(async () => {
    const shown = moment, seed = Latents.seed();
    for (let index = 0; index < tiles.length; index++) {
      const { pixels, logit } = await ask("image", {
        generator: moments[shown].name, critic: "trained", latent: Latents.at(index), label: contents.labels[index],
      });
      const { canvas, score, button, ariaLabel } = tiles[index];
      drawImage(canvas, shape, toBytes(pixels));
      score.textContent = describeLogit(logit);
      button.ariaLabel = `${ariaLabel}; ${scoreName} ${describeLogit(logit)}`;
      if (shown !== moment || seed !== Latents.seed()) return;
    }
    find("grid").dataset.step = moments[shown].step;
  });

  const gridVisible = whenVisible(find("grid"), () => drawGrid());

  function showMoment(value) {
    moment = value;
    setSlider(find("moment"), moment, `step ${moments[moment].step} of ${moments[lastMoment].step}`);
    View.set("moment", moment === lastMoment ? null : moment);
    if (gridVisible()) drawGrid();
    drawHeld();
    drawLosses();
    drawArms();
  }

  for (const element of findAll(".when-snapshots")) element.hidden = lastMoment === 0;
  for (const element of findAll(".when-no-snapshots")) element.hidden = lastMoment > 0;
  find("moment").max = lastMoment;
  find("moment").addEventListener("input", (event) => showMoment(+event.target.value));
  let shownAt = 0;
  playButton(find("play-training"), async (time) => {
    if (time - shownAt < 700) return true;
    shownAt = time;
    showMoment(moment === lastMoment ? 0 : moment + 1);
    return moment !== lastMoment;
  });

  function chooseSeed(seed) {
    Latents.choose(seed);
    drawGrid();
    showHeld();
  }
  find("other-seed").addEventListener("click", () => chooseSeed(Latents.seed() + 1));
  find("own-seed").addEventListener("click", () => chooseSeed(0));

  // ---- Losses and scores

  const panels = contents.curves.map(({ title, range, lines }) => {
    const canvas = make("canvas", { role: "img", ariaLabel: `${title} over the training` });
    const keys = lines.map(({ name, colour: shade }) => {
      const key = make("span", { className: "key", textContent: name });
      key.style.setProperty("--shade", `var(--${shade})`);
      return key;
    });
    find("curves").append(make("div", { className: "curve" }, make("div", {}, `${title}: `, ...keys), canvas));
    const drawn = lines.map(({ array, colour: shade }) => ({ values: arrays(array).data, colour: shade }));
    const panel = { canvas, draw: () => drawCurves(canvas, contents.curve_steps, drawn, { range, mark: moments[moment].step }) };
    canvas.addEventListener("click", (event) => {
      const step = panel.draw()(event.clientX);
      const distances = moments.map((one) => Math.abs(one.step - step));
      showMoment(distances.indexOf(Math.min(...distances)));
    });
    return panel;
  });

  function drawLosses() {
    for (const panel of panels) panel.draw();
  }

  // ---- The held latent

  function heldLatent() {
    const [a, b, c] = corners.map((index) => Latents.at(index));
    const [right, up] = pad, straight = a.map((value, i) => value + right * (b[i] - value) + up * (c[i] - value));
    const wanted = norm(a) + right * (norm(b) - norm(a)) + up * (norm(c) - norm(a));
    return pushed(straight.map((value) => (value * wanted) / (norm(straight) || 1)));
  }

  function pushed(latent) {
    const { data } = arrays("directions"), size = latent.length;
    return latent.map((value, i) => pushes.reduce((sum, push, k) => sum + push * data[k * size + i], value));
  }

  const drawHeld = latest(async (latent = heldLatent()) => {
    const { pixels, logit, gradient } = await ask("image", {
      generator: moments[moment].name, critic: "trained", latent, label, withGradient: find("show-gradient").checked,
    });
    heldPixels = pixels;
    drawImage(find("held"), shape, toBytes(pixels), gradient ?? null);
    find("held-score").textContent = `${scoreName} ${describeLogit(logit)}`;
    showNearest(toBytes(pixels));
    if (!climbing.isOn() && climbed.length === 0) resetClimb();
  });

  /** Another image is held: what followed D uphill starts again from it. */
  function showHeld() {
    climbing.stop();
    climbed.length = 0;
    drawHeld();
  }

  function showNearest(bytes) {
    if (!contents.reals) return;
    const { data, shape: [count] } = arrays("reals"), size = bytes.length;
    let best = 0, least = Infinity;
    for (let n = 0; n < count; n++) {
      let distance = 0;
      for (let i = 0, at = n * size; i < size && distance < least; i++, at++) distance += (data[at] - bytes[i]) ** 2;
      if (distance < least) [best, least] = [n, distance];
    }
    drawImage(find("nearest"), shape, data.subarray(best * size, (best + 1) * size));
    const name = contents.real_labels[best];
    find("nearest-text").textContent = `The nearest of ${count} training images, pixel by pixel${name ? `: ${name}` : ""}`;
  }
  find("nearest-box").hidden = !contents.reals;

  function hold(index) {
    const corner = +findAll("input[name=corner]:checked")[0].value;
    corners[corner] = index;
    if (corner === 0) {
      pad = [0, 0];
      setPushes(Array(directionCount).fill(0));
      if (contents.conditional) setLabel(contents.labels[index]);
    }
    showPad();
  }

  function setLabel(value) {
    label = value;
    View.set("label", contents.conditional ? label : null);
    for (const [k, button] of [...find("classes").children].entries()) button.setAttribute("aria-pressed", String(k === label));
    showHeld();
  }
  if (contents.conditional) {
    contents.classes.forEach((name, k) => {
      const button = make("button", { type: "button", textContent: name, disabled: !contents.trained.includes(k) });
      button.addEventListener("click", () => setLabel(k));
      find("classes").append(button);
    });
    shareTabStop(find("classes"));
  }

  find("show-gradient").addEventListener("change", () => drawHeld());

  // ---- The pad

  const padCanvas = find("pad");

  function showPad() {
    const context = padCanvas.getContext("2d"), size = padCanvas.width, edge = 18, reach = size - 2 * edge;
    context.clearRect(0, 0, size, size);
    context.font = "bold 14px system-ui, sans-serif";
    context.fillStyle = colour("text");
    context.strokeStyle = colour("line");
    const places = { A: [0, 0], B: [1, 0], C: [0, 1] };
    context.beginPath();
    for (const [x, y] of Object.values(places)) context.lineTo(edge + x * reach, size - edge - y * reach);
    context.closePath();
    context.stroke();
    for (const [name, [x, y]] of Object.entries(places)) {
      context.fillText(name, edge + x * reach - 5, size - edge - y * reach + (y ? -5 : 16));
    }
    context.fillStyle = colour("accent");
    context.beginPath();
    context.arc(edge + pad[0] * reach, size - edge - pad[1] * reach, 7, 0, 2 * Math.PI);
    context.fill();
    tiles.forEach(({ button }, index) => button.classList.toggle("corner", corners.includes(index)));
    View.set("corners", corners);
    View.set("pad", pad);
    showHeld();
  }

  function movePad(x, y) {
    pad = [x, y].map((share) => Math.max(0, Math.min(1, share)));
    showPad();
  }

  padCanvas.addEventListener("pointerdown", (event) => {
    padCanvas.setPointerCapture(event.pointerId);
    walking.stop();
    dragPad(event);
  });
  padCanvas.addEventListener("pointermove", (event) => event.buttons && dragPad(event));
  function dragPad(event) {
    const box = padCanvas.getBoundingClientRect(), edge = 18 / padCanvas.width;
    const x = (event.clientX - box.left) / box.width, y = 1 - (event.clientY - box.top) / box.height;
    movePad((x - edge) / (1 - 2 * edge), (y - edge) / (1 - 2 * edge));
  }
  padCanvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    movePad(pad[0] + 0.05 * move[0], pad[1] + 0.05 * move[1]);
  });

  let walkStart = 0;
  const walking = playButton(find("walk"), async (time) => {
    walkStart ||= time;
    const place = ((time - walkStart) / 2500) % 3, from = Math.floor(place);
    const [start, end] = [corners[from], corners[(from + 1) % 3]].map((index) => Latents.at(index));
    await drawHeld(pushed(between(start, end, place - from)));
  });

  // ---- Directions

  const sliders = pushes.map((push, k) => {
    const input = make("input", { type: "range", min: -8, max: 8, step: 0.25, value: push, ariaLabel: `Direction ${k + 1}` });
    const output = make("span");
    input.addEventListener("input", () => {
      pushes[k] = +input.value;
      setPushes(pushes);
    });
    find("directions").append(make("label", {}, String(k + 1), input, output));
    return input;
  });

  function setPushes(values) {
    pushes = [...values];
    sliders.forEach((slider, k) => setSlider(slider, pushes[k], pushes[k].toFixed(2)));
    View.set("directions", pushes.some(Boolean) ? pushes : null);
    showHeld();
  }
  find("reset-directions").addEventListener("click", () => setPushes(Array(directionCount).fill(0)));

  // ---- The lesson by hand

  const climbed = []; // D's logits, one for each step
  let climber = null, startLogit = 0, attempt = 0;
  const chosenCritic = () => findAll("input[name=critic]:checked")[0].value;
  const rate = () => find("climb-rate").value / 100;

  async function resetClimb() {
    const own = ++attempt;
    climbing.stop();
    climbed.length = 0;
    if (!heldPixels) return;
    climber = heldPixels.slice();
    const { logit } = await ask("judge", { critic: chosenCritic(), pixels: climber, shape, label });
    if (own !== attempt) return;
    startLogit = logit;
    drawClimb();
  }

  function drawClimb() {
    drawImage(find("climber"), shape, toBytes(climber));
    const logits = climbed.length ? climbed : [startLogit];
    const last = logits[logits.length - 1];
    find("climber-score").textContent = `${scoreName} ${describeLogit(last)} after ${climbed.length ? climbed.length - 1 : 0} steps`;
    const values = logits.map((logit) => (contents.logistic ? 1 / (1 + Math.exp(-logit)) : logit));
    drawCurves(find("climb-curve"), values.map((_, k) => k), [{ values, colour: "first" }], { range: contents.logistic ? [0, 1] : null });
  }

  const climbing = playButton(find("climb"), async () => {
    if (!climber) return false;
    const own = attempt;
    if (climbed.length === 0) climbed.push(startLogit);
    const { pixels, logits } = await ask("climb", { critic: chosenCritic(), pixels: climber, shape, label, rate: rate(), steps: 1 });
    if (own !== attempt) return false; // it was taken back meanwhile
    climber = pixels;
    climbed.push(...logits);
    drawClimb();
    return climbed.length <= 300;
  });
  find("climb-reset").addEventListener("click", resetClimb);
  for (const input of findAll("input[name=critic]")) input.addEventListener("change", resetClimb);
  function showRate() {
    setSlider(find("climb-rate"), 100 * rate(), `${(127.5 * rate()).toFixed(0)} of 255 a pixel`);
  }
  find("climb-rate").addEventListener("input", showRate);
  showRate();

  // ---- The arms of the lesson on images

  if (contents.lesson.length) {
    find("arms").append(make("p", {
      className: "wide",
      textContent: "The same with G: four trainings, each at its step nearest to the slider's above, from four latents.",
    }));
  }
  const arms = contents.lesson.map(({ label: name, steps, array }) => {
    const canvas = make("canvas", { role: "img", ariaLabel: name }), text = make("p");
    find("arms").append(make("div", {}, text, canvas));
    return { name, steps, array, canvas, text };
  });

  function drawArms() {
    for (const { name, steps, array, canvas, text } of arms) {
      const near = steps.map((step) => Math.abs(step - moments[moment].step)), index = near.indexOf(Math.min(...near));
      const { data, shape: [, count, h, w, c] } = common(array), size = h * w * c;
      const row = new Uint8ClampedArray(h * w * count * c);
      for (let n = 0; n < count; n++) {
        for (let y = 0; y < h; y++) {
          const from = (index * count + n) * size + y * w * c;
          row.set(data.subarray(from, from + w * c), (y * count + n) * w * c);
        }
      }
      drawImage(canvas, [h, count * w, c], row);
      text.textContent = `${name}, step ${steps[index]}`;
    }
  }

  redraws.push(drawLosses, showPad, () => climber && drawClimb());
  addEventListener("resize", drawLosses);
  setLabel(label);
  setPushes(pushes);
  showPad();
  showMoment(moment);
}

/** Compare the worker's images, logits and gradients with those that JAX wrote into the page. */
async function selfCheck(ask, arrays) {
  const [images, logits, gradients] = ["images", "logits", "gradients"].map((name) => arrays(`check/${name}`));
  const size = shape[0] * shape[1] * shape[2], of = (array, n) => array.data.subarray(n * size, (n + 1) * size);
  let pixel = 0, logit = 0, angle = 0;
  for (let n = 0; n < logits.data.length; n++) {
    const label = contents.labels[n], latent = arrays("latents").data.slice(n * contents.latent_dim, (n + 1) * contents.latent_dim);
    const { pixels } = await ask("image", { generator: "generator", latent, label }), wanted = toBytes(of(images, n));
    toBytes(pixels).forEach((value, i) => { pixel = Math.max(pixel, Math.abs(value - wanted[i])); });
    // D judges JAX's image: another last bit of a pixel may turn a rectifier, and with it the gradient.
    const judged = await ask("judge", { critic: "trained", pixels: of(images, n), shape, label });
    logit = Math.max(logit, Math.abs(judged.logit - logits.data[n]));
    angle = Math.max(angle, angleBetween(judged.gradient, of(gradients, n)));
  }
  const agrees = pixel <= 1 && logit < 0.01 && angle < 1;
  const element = find("self-check");
  Object.assign(element.dataset, { pixel, logit, angle, agrees });
  element.textContent =
    `This page ${agrees ? "agrees" : "does not agree"} with JAX: largest difference ${pixel} of 255 in images, ` +
    `${logit.toFixed(4)} in D's logits, ${angle.toFixed(1)}° between gradients.`;
}
