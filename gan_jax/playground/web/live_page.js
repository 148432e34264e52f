// "Now you": a training in the plane, step by step or as fast as it goes.

const SIDE = 48, SHOWN = 300; // places of a landscape along each axis, and samples
const PAUSE = 1800; // milliseconds from one part of a step to the next, in slow motion
const QUALITY_EVERY = 250; // milliseconds

function startLive(ask, arrays) {
  startGlossary();
  find("live").append(planeLegend());
  const canvas = find("live-plane"), graph = graphView(find("live-graph"));
  let target = View.text("target", "ring"), centres = null; // of a target that was drawn
  let reals = [], halfWidth = 1, latestFrame = null, losses = [], scored = [], scoredAt = 0, round = 0;

  // ---- The target

  function choose(name) {
    centres = Targets.NAMES.includes(name) ? null : Drawing.decode(name.replace(/^drawn:/, ""));
    if (centres?.length === 0) return choose("ring");
    target = centres ? "drawn" : name;
    View.set("target", centres ? `drawn:${Drawing.encode(centres)}` : target === "ring" ? null : target);
    for (const button of find("targets").children) button.setAttribute("aria-pressed", String(button.value === target));
    return rewind();
  }

  for (const name of Targets.NAMES) {
    const button = make("button", { type: "button", value: name, textContent: name });
    button.addEventListener("click", () => choose(name));
    find("targets").append(button);
  }

  const drawing = startDrawing(canvas, {
    begin: stop,
    draw: (dots, cursor) => (dots ? drawPlane(canvas, { halfWidth: DRAWN_WIDTH, side: SIDE, reals: dots, cursor }) : draw()),
    done: (dots) => choose(`drawn:${Drawing.encode(dots)}`),
    say: (text) => { find("live-said").textContent = text; },
  });

  // ---- Settings

  const settings = startChoices((anew) => {
    if (anew) return rewind();
    find("live-note").textContent = remark();
    showCommand();
    return ask("change", { settings });
  });

  function showCommand() {
    const command = pythonCommand(settings, target);
    const flags = (command ?? "").split(/ (?=--)/).map((text) => make("span", { textContent: text }));
    find("live-command").replaceChildren(...flags.flatMap((flag) => [flag, " "]));
    find("live-command").parentElement.hidden = command === null;
    find("live-alone").hidden = command !== null;
  }

  const withMap = find("live-map");
  withMap.checked = View.text("map", "") === "1";
  withMap.addEventListener("change", () => {
    View.set("map", withMap.checked ? 1 : null);
    if (latestFrame) train(0, 0);
  });

  /** The layers of the trained start, of which the page holds one for each target that has a name. */
  function trainedLayers() {
    const kept = settings.start === "trained" && contents.trained_starts[target];
    return kept && Object.fromEntries(Object.entries(kept).map(([network, layers]) => [network, layers.map((layer) => {
      const { data: kernel, shape: [inputs, outputs] } = arrays(layer.kernel);
      return { inputs, outputs, kernel, bias: arrays(layer.bias).data };
    })]));
  }

  // ---- Training

  const view = () => ({ side: SIDE, count: SHOWN, withMap: withMap.checked });

  function train(steps, milliseconds) {
    const now = performance.now(), withQuality = steps <= 1 || now - scoredAt > QUALITY_EVERY;
    if (withQuality) scoredAt = now;
    return show("train", { steps, milliseconds, withQuality });
  }

  const takePart = () => show("part", {});

  /** Show what the worker answers, unless the training has begun anew meanwhile. */
  async function show(method, message) {
    const own = round, frame = await ask(method, { ...message, view: view() });
    if (own !== round) return;
    latestFrame = frame;
    losses.push(...frame.metrics);
    if (frame.quality && scored[scored.length - 1]?.step !== frame.step) scored.push(frame.quality);
    if (frame.part || !running.isOn()) showPart(frame);
    graph.show(frame.graph);
    draw();
  }

  async function rewind() {
    stop();
    round += 1;
    [losses, scored] = [[], []];
    showCommand();
    const given = trainedLayers() || null;
    ({ reals, halfWidth } = await ask("start", { settings, name: target, drawn: centres, given }));
    await train(0, 0);
  }

  function stop() {
    for (const moving of [running, slowly]) moving.stop();
  }

  // ---- What one sees

  function draw() {
    if (!latestFrame || drawing.isOn()) return;
    const { points, arrows, map, step } = latestFrame, last = losses[losses.length - 1];
    const shown = { reals: latestFrame.reals ?? reals, points, arrows, map };
    const beyond = drawPlane(canvas, { halfWidth, side: SIDE, shades: shaded(latestFrame.landscape), ...shown });
    const text = last ? `, D's loss ${last.d_loss.toFixed(2)}, G's ${last.g_loss.toFixed(2)}` : "";
    find("live-text").textContent = `step ${step}${text}${beyond && `, ${beyond}`}`;
    const recent = losses.slice(-600), first = losses.length - recent.length;
    const line = (name, shade) => ({ values: recent.map((one) => one[name]), colour: shade });
    curves(find("live-curve"), recent.map((_, k) => first + k + 1), [line("d_loss", "first"), line("g_loss", "second")]);
    find("live-curve").ariaLabel = `Losses from step ${first} on${text}`;
    drawQuality();
    find("live-note").textContent = remark(last);
  }

  function drawQuality() {
    const recent = scored.slice(-600), last = recent[recent.length - 1];
    const lines = [{ values: recent.map(({ distance }) => distance), colour: "third" }];
    if (last?.modes) lines.push({ values: recent.map(({ covered, modes }) => covered / modes), colour: "first" });
    curves(find("live-quality"), recent.map(({ step }) => step), lines, { range: [0, 1] });
    const distance = last ? `${last.distance.toFixed(2)} bits` : "";
    const modes = last?.modes ? `${last.covered} of ${last.modes}` : "–";
    find("live-distance").textContent = distance;
    find("live-modes").textContent = modes;
    find("live-quality").ariaLabel = `The distance of the target and G's points, ${distance}; modes covered: ${modes}`;
  }

  function curves(where, places, lines, options) {
    drawCurves(where, places.length ? places : [0], lines, options);
  }

  for (const [name, part] of Object.entries(PARTS)) {
    const item = make("li", { textContent: part.name });
    item.dataset.part = name;
    find("live-parts").append(item);
  }

  function showPart({ part, report }) {
    for (const item of find("live-parts").children) {
      if (item.dataset.part === part) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    const constant = part === "rescored" && settings.critic_steps === 0;
    const text = part ? (constant ? "D, which stays constant, scores the fakes." : PARTS[part].text) : PARTS_UNSEEN;
    find("live-part-text").textContent = [text, part && PARTS[part].numbers?.(report)].filter(Boolean).join(" ");
    find("live-graph").ariaLabel = `Both networks as a graph. ${part ? text : ""}`;
  }

  /** What one should know of numbers that grow without end. */
  function remark(last) {
    if (last && !(Number.isFinite(last.d_loss) && Number.isFinite(last.g_loss))) {
      return "The losses are no numbers any more. Rewind, and take smaller learning rates.";
    }
    if (settings.start === "trained" && centres) {
      return "There is no trained start for a target that was drawn: the networks are untrained.";
    }
    if (settings.objective !== "wasserstein" || settings.penalties.length > 0) return "";
    return "Nothing bounds this critic: without a penalty its logits and losses grow without end. Choose one.";
  }

  /** D's scores, or its logits from low to high where they have no scale. */
  function shaded(logits) {
    const logistic = ["non_saturating", "saturating"].includes(settings.objective);
    const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
    const std = Math.sqrt(logits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logits.length) || 1;
    return Array.from(logits, (value) => 1 / (1 + Math.exp(logistic ? -value : (-1.5 * (value - mean)) / std)));
  }

  let takenAt = 0;
  const running = playButton(find("live-run"), () => train(1000, 50));
  const slowly = playButton(find("live-slow"), async (time) => {
    if (time - takenAt < PAUSE) return;
    takenAt = time;
    await takePart();
  });
  find("live-run").addEventListener("click", () => slowly.stop());
  find("live-slow").addEventListener("click", () => running.stop());
  for (const [id, act] of Object.entries({ "live-step": () => train(1, 1000), "live-part": takePart })) {
    find(id).addEventListener("click", () => {
      stop();
      return act();
    });
  }
  find("live-rewind").addEventListener("click", rewind);
  redraws.push(draw, graph.draw);
  showPart({ part: null, report: {} });
  choose(target);
}

const PARTS_UNSEEN = "“Next part” goes through one step slowly: first D learns, then G.";
