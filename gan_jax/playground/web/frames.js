// What is to be seen of a training: D's landscape, what G makes, how good it is, G's map, and both networks as a graph.

const Frames = (() => {
  "use strict";

  const { forward, backward, last, normalized } = Dense;
  const SAMPLES = 2500; // that are scored, as papers do
  const FEW = 20; // samples below which a mode hardly counts
  const CELLS = 24; // of the square along each axis, where distributions are compared
  const NODES = 8; // of a layer that are drawn

  const maker = (state) => state.average ?? state.generator.layers;

  /** Samples of the same latents in every frame. */
  function sample(state, count) {
    return last(forward(maker(state), Live.drawLatents(state.settings, state.keys.display, count), count));
  }

  /** D's logits over the square, rows upwards, of points alone: where D judges packs, of the point repeated. */
  function landscape(state, halfWidth, side) {
    const { packing } = state.settings, at = (k) => halfWidth * ((2 * k) / (side - 1) - 1);
    const grid = new Float64Array(2 * packing * side * side);
    for (let k = 0; k < side * side; k++) {
      for (let copy = 0; copy < packing; copy++) grid.set([at(k % side), at(Math.floor(k / side))], 2 * (k * packing + copy));
    }
    return last(forward(normalized(state.discriminator.layers), grid, side * side));
  }

  /** Where each point's own term of G's loss falls fastest. */
  function descent(state, points) {
    const { objective, packing } = state.settings, count = points.length / 2 / packing;
    const judge = normalized(state.discriminator.layers);
    const reals = Float64Array.from(points, (_, i) => state.points[i % state.points.length]);
    const judged = forward(judge, points, count), onReals = last(forward(judge, reals, count));
    const { gradient } = Objectives.generatorLoss(objective, last(judged), onReals);
    return backward(judge, judged, gradient.map((value) => -value * points.length / 2), count);
  }

  // ---- How good it is

  /** gan_jax/plane/modes.py: samples near their modes, modes with one or with twenty of those, KL of shares in nats. */
  function scoreModes({ centres, std }, points) {
    const modes = centres.length / 2, all = new Float64Array(modes), near = new Float64Array(modes);
    for (let n = 0; n < points.length; n += 2) {
      let nearest = 0, least = Infinity;
      for (let k = 0; k < modes; k++) {
        const distance = Math.hypot(points[n] - centres[2 * k], points[n + 1] - centres[2 * k + 1]);
        if (distance < least) [nearest, least] = [k, distance];
      }
      all[nearest] += 1;
      if (least <= 3 * std) near[nearest] += 1;
    }
    const count = points.length / 2, shares = all.map((number) => number / count);
    return {
      modes,
      near: near.reduce((sum, number) => sum + number, 0) / count,
      found: near.filter((number) => number > 0).length,
      covered: near.filter((number) => number >= FEW).length,
      divergence: shares.reduce((sum, share) => sum + (share && share * Math.log(share * modes)), 0),
    };
  }

  /** Shares of points in the cells of a square, and of those outside as the last one. */
  function histogram(points, halfWidth) {
    const shares = new Float64Array(CELLS * CELLS + 1), each = 2 / points.length;
    const cell = (value) => Math.floor((CELLS * (value / halfWidth + 1)) / 2);
    for (let n = 0; n < points.length; n += 2) {
      const x = cell(points[n]), y = cell(points[n + 1]), inside = x >= 0 && y >= 0 && x < CELLS && y < CELLS;
      shares[inside ? y * CELLS + x : CELLS * CELLS] += each;
    }
    return shares;
  }

  /** The Jensen-Shannon divergence of two lists of shares, in bits: from 0, where they agree, to 1. */
  function jensenShannon(left, right) {
    return left.reduce((sum, p, k) => {
      const q = right[k], middle = (p + q) / 2;
      return sum + ((p && p * Math.log2(p / middle)) + (q && q * Math.log2(q / middle))) / 2;
    }, 0);
  }

  /** target: {modes or null, shares, halfWidth}. */
  function quality(state, target) {
    const points = sample(state, SAMPLES), divergence = jensenShannon(target.shares, histogram(points, target.halfWidth));
    return { step: state.step, distance: divergence, ...(target.modes && scoreModes(target.modes, points)) };
  }

  // ---- G's map

  const LINES = 13, PLACES = 33;

  /** A grid over the latents, and where G takes it: lines of equally many points, {latents, points, places}. */
  function map(state) {
    const { latent_dim: dimensions, noise } = state.settings, reach = noise === "uniform" ? 1 : 2.4;
    const at = (k, count) => reach * ((2 * k) / (count - 1) - 1);
    const line = (f, places) => Array.from({ length: places }, (_, k) => f(at(k, places))).flat();
    const lines = (f) => Array.from({ length: LINES }, (_, k) => line((z) => f(at(k, LINES), z), PLACES)).flat();
    const places = dimensions === 1 ? 8 * PLACES : PLACES;
    const grid = () => [...lines((x, y) => [x, y]), ...lines((y, x) => [x, y])];
    const latents = Float64Array.from(dimensions === 1 ? line((z) => [z], places) : grid());
    return { latents, points: last(forward(maker(state), latents, latents.length / dimensions)), places, dimensions, reach };
  }

  // ---- The networks as a graph

  /** Of each layer: how large it is, and the edges between the nodes that are drawn: weights, or their gradients. */
  function edges(layers, gradients) {
    return layers.map(({ inputs, outputs, kernel }, index) => {
      const from = Math.min(inputs, index ? NODES : 2), to = Math.min(outputs, NODES);
      const values = gradients ? gradients[index].kernel : kernel;
      const shown = Array.from({ length: from }, (_, i) => [...values.subarray(i * outputs, i * outputs + to)]);
      return { inputs, outputs, edges: shown };
    });
  }

  /** How active the drawn nodes of each layer are over a batch. */
  function activity(layers, outputs) {
    return outputs && outputs.map((rows, index) => {
      const size = index ? layers[index - 1].outputs : layers[0].inputs, count = rows.length / size;
      return Array.from({ length: Math.min(size, index ? NODES : 2) }, (_, node) => {
        let sum = 0;
        for (let n = 0; n < count; n++) sum += Math.abs(rows[n * size + node]);
        return sum / count;
      });
    });
  }

  function graph({ generator, discriminator, seen }, part) {
    const of = (name, gradient, layers, outputs) =>
      ({ layers: edges(layers, part === gradient && seen.gradients), activity: activity(layers, part && outputs) });
    return {
      part,
      generator: of("generator", "g_gradient", generator.layers, seen.made),
      discriminator: of("discriminator", "d_gradient", discriminator.layers, seen.judged),
    };
  }

  /** A picture of a state, after a whole step or after a part of one. */
  function frame(state, { halfWidth, side, count, withMap }, part = null) {
    const { seen } = state, points = part ? seen.fakes ?? new Float64Array(0) : sample(state, count);
    return {
      step: state.step,
      part,
      landscape: landscape(state, halfWidth, side),
      points,
      arrows: part ? seen.pull ?? null : descent(state, points),
      reals: part && seen.reals,
      map: withMap && state.settings.latent_dim <= 2 ? map(state) : null,
      graph: graph(state, part),
    };
  }

  return { frame, quality, scoreModes, histogram, jensenShannon, sample };
})();
