// Both networks as one graph: G's latents on the left, its points in the middle, D's logit of them on the right.

/**
 * The parts of a step: what flows in each, 1 from left to right, -1 back, 0 where weights move; what is said of it, and of
 * its numbers.
 */
const PARTS = {
  latents: { name: "latents", flows: {}, text: "Latents are drawn from the noise." },
  fakes: { name: "fakes", flows: { generator: 1 }, text: "G turns every latent into a point: a fake." },
  scores: {
    name: "scores", flows: { discriminator: 1 }, reals: true,
    text: "D scores real points and fakes.",
    numbers: ({ d_x: real, d_g_z1: fake }) => `Mean scores: ${real.toFixed(2)} of reals, ${fake.toFixed(2)} of fakes.`,
  },
  d_gradient: {
    name: "D's gradient", flows: { discriminator: -1 },
    text: "D's loss says how wrong these scores are, and its gradient flows back through D.",
    numbers: ({ d_loss: loss }) => `The loss is ${loss.toFixed(2)}.`,
  },
  d_update: { name: "D's update", flows: { discriminator: 0 }, text: "D's weights take a step against that gradient." },
  rescored: {
    name: "scores again", flows: { discriminator: 1 },
    text: "D, as it is now, scores the fakes once more.",
    numbers: ({ d_g_z2: fake }) => `Mean score: ${fake.toFixed(2)}.`,
  },
  g_gradient: {
    name: "G's gradient", flows: { discriminator: -1, generator: -1 },
    text: "The gradient of G's loss flows back through D, whose weights stay, to the fakes, and on through G.",
    numbers: ({ g_loss: loss }) => `The loss is ${loss.toFixed(2)}.`,
  },
  g_update: { name: "G's update", flows: { generator: 0 }, text: "G's weights take a step against that gradient. The step is done." },
};

const FLOW_SECONDS = 1.4; // that a part is seen moving

/** Draw the graph of a frame, and its flow after so many seconds. */
function drawGraph(canvas, { part, generator, discriminator }, seconds = 0) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d"), flows = PARTS[part]?.flows ?? {};
  const shades = Object.fromEntries(["first", "second", "text", "soft", "ground", "accent"].map((name) => [name, colour(name)]));
  context.scale(ratio, ratio);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  const count = generator.layers.length + discriminator.layers.length, [top, bottom] = [22, height - 24];
  const x = (column) => 30 + ((width - 60) * column) / count;
  const y = (node, of) => (top + bottom) / 2 + (node - (of - 1) / 2) * Math.min((bottom - top) / of, 22);

  const middle = generator.layers.length;
  drawEdges(generator.layers, 0, flows.generator);
  drawEdges(discriminator.layers, middle, flows.discriminator);
  drawNodes(discriminator, middle);
  drawNodes(generator, 0);
  write("G", x(middle / 2), 12, "text");
  write("D", x((middle + count) / 2), 12, "text");
  write("latents", x(0), height - 6);
  write("points", x(middle), height - 6);
  write("D's logit", Math.min(x(count), width - 26), height - 6);
  if (PARTS[part]?.reals) {
    context.fillStyle = contents.palette.real;
    for (const [n, at] of [[-14, 0], [-9, 8], [-18, 7]]) disc(x(middle) + n, bottom - 14 + at, 2.2);
    if (x(1) - x(0) > 80) write("reals too", x(middle) - 48, bottom - 5);
  }

  function drawEdges(layers, first, flow) {
    const quiet = part && flow === undefined;
    layers.forEach(({ outputs, edges }, index) => {
      const most = edges.flat().reduce((max, value) => Math.max(max, Math.abs(value)), 1e-12);
      edges.forEach((row, i) => row.forEach((value, o) => {
        const share = Math.abs(value) / most;
        context.beginPath();
        context.moveTo(x(first + index), y(i, edges.length));
        context.lineTo(x(first + index + 1), y(o, row.length));
        context.globalAlpha = quiet ? 0.15 : 0.25 + 0.6 * share;
        context.strokeStyle = shades[value > 0 ? "first" : "second"];
        const swell = flow === 0 ? 1 + 0.8 * Math.sin((Math.PI * Math.min(1, seconds / FLOW_SECONDS))) : 1;
        context.lineWidth = swell * (0.4 + 2.4 * share);
        context.stroke();
        if (!flow || share < 0.4) return;
        context.globalAlpha = 1;
        context.strokeStyle = shades.text;
        context.lineWidth = 2.4;
        context.setLineDash([3, 17]);
        context.lineDashOffset = -flow * 40 * seconds;
        context.stroke();
        context.setLineDash([]);
      }));
      const nodes = edges[0].length;
      if (index < layers.length - 1 && outputs > nodes) write(`${nodes} of ${outputs}`, x(first + index + 1), height - 6);
    });
    context.globalAlpha = 1;
  }

  function drawNodes({ layers, activity }, first) {
    [layers[0].edges.length, ...layers.map(({ edges }) => edges[0].length)].forEach((nodes, column) => {
      const values = activity?.[column], most = values ? Math.max(1e-12, ...values) : 1;
      for (let node = 0; node < nodes; node++) {
        context.fillStyle = shades.ground;
        disc(x(first + column), y(node, nodes), 5);
        context.globalAlpha = values ? values[node] / most : 0;
        context.fillStyle = shades.accent;
        disc(x(first + column), y(node, nodes), 5);
        context.globalAlpha = 1;
        context.strokeStyle = shades.soft;
        context.lineWidth = 1;
        context.stroke();
      }
    });
  }

  function disc(atX, atY, radius) {
    context.beginPath();
    context.arc(atX, atY, radius, 0, 2 * Math.PI);
    context.fill();
  }

  function write(text, atX, atY, shade = "soft") {
    context.globalAlpha = 1;
    context.fillStyle = shades[shade];
    context.fillText(text, atX, atY);
  }
}

const MAP_SHADES = ["#00694b", "#8a0f5c"], INSET = 64; // of lines along the latents' axes; pixels

/** G's map: where it takes the lines of a grid over the latents, which a corner shows as it is. */
function drawMap(context, { latents, points, places, dimensions, reach }, x, y) {
  const count = points.length / 2 / places, inset = (value) => 6 + (INSET * (1 + value / reach)) / 2;
  context.lineWidth = 0.9;
  context.fillStyle = "rgb(255 255 255 / 0.85)";
  context.fillRect(0, 0, INSET + 12, INSET + 26);
  for (let line = 0; line < count; line++) {
    context.strokeStyle = MAP_SHADES[line < count / 2 ? 0 : 1];
    trace((n) => [x(points[2 * n]), y(points[2 * n + 1])]);
    trace((n) => [inset(latents[dimensions * n]), dimensions === 1 ? 6 + INSET / 2 : 12 + INSET - inset(latents[2 * n + 1])]);

    function trace(place) {
      context.beginPath();
      for (let n = line * places; n < (line + 1) * places; n++) context.lineTo(...place(n));
      context.stroke();
    }
  }
  context.fillStyle = "#1c1c1c";
  context.font = "12px system-ui, sans-serif";
  context.fillText("latents", 6, INSET + 22);
}

/** Draws the graph of the latest frame, and lets a part of a step flow for a moment. */
function graphView(canvas) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let graph = null, began = 0;

  function draw(now = performance.now()) {
    if (!graph) return;
    const seconds = (now - began) / 1000, moves = graph.part && !still.matches && seconds < FLOW_SECONDS;
    drawGraph(canvas, graph, graph.part ? Math.max(0, Math.min(seconds, FLOW_SECONDS)) : 0);
    if (moves) requestAnimationFrame(draw);
  }

  new ResizeObserver(() => draw()).observe(canvas);
  return {
    draw: () => draw(),
    show(next) {
      const moving = graph?.part && performance.now() - began < 1000 * FLOW_SECONDS && !still.matches;
      graph = next;
      began = performance.now();
      if (!moving || !graph.part) draw(); // else the last one's movement goes on with this one
    },
  };
}
