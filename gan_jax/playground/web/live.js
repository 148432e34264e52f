// A small GAN on points, trained in the page: dense networks, the package's objectives, R1 and R2, Adam.
//
// The step is that of gan_jax/training/steps.py: D learns from reals and fakes, and the same fakes are then judged by
// the updated D for G's update. Everything random comes from one seed, so that a run can be taken back to its start.

const Live = (() => {
  "use strict";

  const SLOPE = 0.2;

  /** Numbers that follow from a seed: uniform() in [0, 1) and normal(); sfc32 of Doty-Humphrey, and Box-Muller. */
  function randomSource(seed) {
    let a = 0x9e3779b9, b = 0x243f6a88, c = 0xb7e15162, d = (seed ^ 0xdeadbeef) >>> 0;
    function uniform() {
      const t = (a + b + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (c << 21) | (c >>> 11);
      c = (c + t) | 0;
      return (t >>> 0) / 4294967296;
    }
    for (let i = 0; i < 20; i++) uniform();
    function normal() {
      return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    }
    return { uniform, normal };
  }

  // ---- Dense networks: layers of {inputs, outputs, kernel [inputs, outputs], bias [outputs]}

  function initLayers(sizes, random) {
    return sizes.slice(1).map((outputs, i) => {
      const inputs = sizes[i], deviation = Math.sqrt(2 / (1 + SLOPE * SLOPE) / inputs);
      const kernel = Float64Array.from({ length: inputs * outputs }, () => deviation * random.normal());
      return { inputs, outputs, kernel, bias: new Float64Array(outputs) };
    });
  }

  /** What every layer puts out, the input first: arrays of [count, size]. */
  function forward(layers, input, count) {
    const outputs = [input];
    layers.forEach((layer, index) => {
      const { inputs, outputs: size, kernel, bias } = layer, from = outputs[index];
      const to = new Float64Array(count * size), last = index === layers.length - 1;
      for (let n = 0; n < count; n++) {
        const row = n * size;
        for (let o = 0; o < size; o++) to[row + o] = bias[o];
        for (let i = 0; i < inputs; i++) {
          const value = from[n * inputs + i], weight = i * size;
          for (let o = 0; o < size; o++) to[row + o] += value * kernel[weight + o];
        }
        if (!last) for (let o = 0; o < size; o++) if (to[row + o] < 0) to[row + o] *= SLOPE;
      }
      outputs.push(to);
    });
    return outputs;
  }

  function last(outputs) {
    return outputs[outputs.length - 1];
  }

  /** The gradient of the input from that of the output; `gradients`, if given, collects those of the layers. */
  function backward(layers, outputs, gradient, count, gradients = null) {
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputs, outputs: size, kernel } = layers[index], from = outputs[index];
      if (index < layers.length - 1) gradient = masked(gradient, outputs[index + 1]);
      const next = new Float64Array(count * inputs);
      for (let n = 0; n < count; n++) {
        const row = n * size;
        if (gradients) for (let o = 0; o < size; o++) gradients[index].bias[o] += gradient[row + o];
        for (let i = 0; i < inputs; i++) {
          const weight = i * size, value = from[n * inputs + i];
          let sum = 0;
          for (let o = 0; o < size; o++) sum += gradient[row + o] * kernel[weight + o];
          next[n * inputs + i] = sum;
          if (gradients) for (let o = 0; o < size; o++) gradients[index].kernel[weight + o] += value * gradient[row + o];
        }
      }
      gradient = next;
    }
    return gradient;
  }

  /** Back through a leaky rectifier, whose output has the sign of its input. */
  function masked(gradient, output) {
    return gradient.map((value, i) => (output[i] > 0 ? value : SLOPE * value));
  }

  /**
   * Add the gradient of weight / 2 * mean of |gradient of D at a point|^2, and return its value.
   *
   * With its rectifiers' signs held, D's gradient is a product of the kernels: backward[k] is the part of that product
   * after layer k, and `up` the product before it, started with the gradient itself.
   */
  function addPenalty(layers, outputs, weight, count, gradients) {
    const ahead = [new Float64Array(count).fill(1)]; // of each layer's output, the last first
    for (let index = layers.length - 1; index > 0; index--) {
      ahead.unshift(masked(times(layers[index], ahead[0], count, true), outputs[index]));
    }
    const slope = times(layers[0], ahead[0], count, true);
    let up = slope.map((value) => (weight * value) / count);
    layers.forEach((layer, index) => {
      const { inputs, outputs: size } = layer, { kernel } = gradients[index];
      for (let n = 0; n < count; n++) {
        for (let i = 0; i < inputs; i++) {
          const value = up[n * inputs + i], at = i * size;
          for (let o = 0; o < size; o++) kernel[at + o] += value * ahead[index][n * size + o];
        }
      }
      if (index < layers.length - 1) up = masked(times(layer, up, count, false), outputs[index + 1]);
    });
    return ((weight / 2) * slope.reduce((sum, value) => sum + value * value, 0)) / count;
  }

  /** Rows times a kernel, or its transpose. */
  function times(layer, rows, count, transposed) {
    const { inputs, outputs: size, kernel } = layer;
    const product = new Float64Array(count * (transposed ? inputs : size));
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < size; o++) {
          if (transposed) product[n * inputs + i] += rows[n * size + o] * kernel[i * size + o];
          else product[n * size + o] += rows[n * inputs + i] * kernel[i * size + o];
        }
      }
    }
    return product;
  }

  // ---- Objectives: functions of logits that give a loss and its derivative by each logit (gan_jax/objectives/losses.py)

  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  /** Each entry: a term of the loss and its derivative, as functions of one logit. */
  const TERMS = {
    non_saturating: {
      real: [(r) => softplus(-r), (r) => -sigmoid(-r)],
      fake: [softplus, sigmoid],
      generator: [(f) => softplus(-f), (f) => -sigmoid(-f)],
    },
    saturating: {
      real: [(r) => softplus(-r), (r) => -sigmoid(-r)],
      fake: [softplus, sigmoid],
      generator: [(f) => -softplus(f), (f) => -sigmoid(f)],
    },
    least_squares: {
      real: [(r) => (r - 1) ** 2, (r) => 2 * (r - 1)],
      fake: [(f) => f * f, (f) => 2 * f],
      generator: [(f) => (f - 1) ** 2, (f) => 2 * (f - 1)],
    },
    hinge: {
      real: [(r) => Math.max(0, 1 - r), (r) => (r < 1 ? -1 : 0)],
      fake: [(f) => Math.max(0, 1 + f), (f) => (f > -1 ? 1 : 0)],
      generator: [(f) => -f, () => -1],
    },
    wasserstein: {
      real: [(r) => -r, () => -1],
      fake: [(f) => f, () => 1],
      generator: [(f) => -f, () => -1],
    },
  };
  const PAIRED = "relativistic"; // terms of differences of pairs

  function meanOf(logits, /** @type {Function[]} */ [value, slope]) {
    const count = logits.length;
    let loss = 0;
    for (const logit of logits) loss += value(logit) / count;
    return { loss, gradient: logits.map((logit) => slope(logit) / count) };
  }

  const minus = (left, right) => left.map((value, i) => value - right[i]);
  const negative = (values) => values.map((value) => -value);

  function discriminatorLoss(objective, reals, fakes) {
    if (objective === PAIRED) {
      const { loss, gradient } = meanOf(minus(reals, fakes), TERMS.non_saturating.generator);
      return { loss, reals: gradient, fakes: negative(gradient) };
    }
    const real = meanOf(reals, TERMS[objective].real), fake = meanOf(fakes, TERMS[objective].fake);
    return { loss: real.loss + fake.loss, reals: real.gradient, fakes: fake.gradient };
  }

  function generatorLoss(objective, fakes, reals) {
    if (objective === PAIRED) return meanOf(minus(fakes, reals), TERMS.non_saturating.generator);
    return meanOf(fakes, TERMS[objective].generator);
  }

  // ---- Training

  const blank = (layers) =>
    layers.map(({ kernel, bias }) => ({ kernel: new Float64Array(kernel.length), bias: new Float64Array(bias.length) }));

  function player(layers) {
    return { layers, first: blank(layers), second: blank(layers), updates: 0 };
  }

  /** Adam (Kingma & Ba 2015). */
  function update(player, gradients, rate, beta1, beta2) {
    player.updates += 1;
    const fix1 = 1 - beta1 ** player.updates, fix2 = 1 - beta2 ** player.updates;
    player.layers.forEach((layer, index) => {
      for (const name of ["kernel", "bias"]) {
        const g = gradients[index][name], m = player.first[index][name], v = player.second[index][name];
        for (let i = 0; i < g.length; i++) {
          m[i] = beta1 * m[i] + (1 - beta1) * g[i];
          v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
          layer[name][i] -= (rate * (m[i] / fix1)) / (Math.sqrt(v[i] / fix2) + 1e-8);
        }
      }
    });
  }

  /**
   * A training before its first step.
   *
   * settings: seed, width, batch, objective, penalty (weight of R1), both (R2 too), rateD, rateG, beta1, beta2, stepsD.
   */
  function start(settings, points) {
    const random = randomSource(settings.seed), { width } = settings;
    return {
      settings: { ...settings },
      points,
      random,
      step: 0,
      generator: player(initLayers([2, width, width, 2], random)),
      discriminator: player(initLayers([2, width, width, 1], random)),
    };
  }

  function drawLatents(state) {
    return Float64Array.from({ length: 2 * state.settings.batch }, state.random.normal);
  }

  function drawReals(state) {
    const { points, random, settings } = state, reals = new Float64Array(2 * settings.batch);
    for (let n = 0; n < settings.batch; n++) {
      const at = Math.floor((random.uniform() * points.length) / 2);
      reals.set(points.subarray(2 * at, 2 * at + 2), 2 * n);
    }
    return reals;
  }

  /** Take a step; returns both losses and D's mean scores of reals and fakes. */
  function step(state) {
    const critics = state.settings.stepsD;
    for (let extra = 1; extra < critics; extra++) {
      const fakes = last(forward(state.generator.layers, drawLatents(state), state.settings.batch));
      learnToJudge(state, drawReals(state), fakes);
    }
    return stepOn(state, drawReals(state), drawLatents(state));
  }

  /** One update of D, unless it stays constant, and one of G, on given reals and latents. */
  function stepOn(state, reals, latents) {
    const { settings, generator, discriminator } = state, count = settings.batch;
    const made = forward(generator.layers, latents, count), fakes = last(made);
    const judged = settings.stepsD > 0 ? learnToJudge(state, reals, fakes) : look(state, reals, fakes);
    const again = forward(discriminator.layers, fakes, count);
    const realLogits = last(forward(discriminator.layers, reals, count));
    const { loss, gradient } = generatorLoss(settings.objective, last(again), realLogits);
    const gradients = blank(generator.layers);
    backward(generator.layers, made, backward(discriminator.layers, again, gradient, count), count, gradients);
    update(generator, gradients, settings.rateG, settings.beta1, settings.beta2);
    state.step += 1;
    return { ...judged, g_loss: loss };
  }

  function look(state, reals, fakes) {
    const { settings, discriminator } = state, count = settings.batch;
    const [real, fake] = [reals, fakes].map((points) => last(forward(discriminator.layers, points, count)));
    const { loss } = discriminatorLoss(settings.objective, real, fake);
    return { d_loss: loss, ...scores(real, fake) };
  }

  function scores(real, fake) {
    const mean = (logits) => logits.reduce((sum, logit) => sum + sigmoid(logit), 0) / logits.length;
    return { d_x: mean(real), d_g_z1: mean(fake) };
  }

  /** One update of D. */
  function learnToJudge(state, reals, fakes) {
    const { settings, discriminator } = state, { layers } = discriminator, count = settings.batch;
    const onReals = forward(layers, reals, count), onFakes = forward(layers, fakes, count);
    const { loss, reals: up, fakes: down } = discriminatorLoss(settings.objective, last(onReals), last(onFakes));
    const gradients = blank(layers);
    backward(layers, onReals, up, count, gradients);
    backward(layers, onFakes, down, count, gradients);
    let penalty = 0;
    if (settings.penalty > 0) penalty += addPenalty(layers, onReals, settings.penalty, count, gradients);
    if (settings.penalty > 0 && settings.both) penalty += addPenalty(layers, onFakes, settings.penalty, count, gradients);
    update(discriminator, gradients, settings.rateD, settings.beta1, settings.beta2);
    return { d_loss: loss, penalty, ...scores(last(onReals), last(onFakes)) };
  }

  /** D's logits over the square, rows upwards; fakes of the same latents every time; G's pull on each. */
  function frame(state, halfWidth, side, count) {
    const grid = new Float64Array(2 * side * side), at = (k) => halfWidth * ((2 * k) / (side - 1) - 1);
    for (let k = 0; k < side * side; k++) grid.set([at(k % side), at(Math.floor(k / side))], 2 * k);
    const random = randomSource(state.settings.seed + 1);
    const latents = Float64Array.from({ length: 2 * count }, random.normal);
    const points = last(forward(state.generator.layers, latents, count));
    const { layers } = state.discriminator, judged = forward(layers, points, count);
    const reals = last(forward(layers, Float64Array.from(points, (_, i) => state.points[i % state.points.length]), count));
    const { gradient } = generatorLoss(state.settings.objective, last(judged), reals);
    const arrows = backward(layers, judged, negative(gradient.map((value) => value * count)), count);
    return { step: state.step, landscape: last(forward(layers, grid, side * side)), points, arrows };
  }

  return { start, step, stepOn, frame, randomSource, initLayers, player, OBJECTIVES: [...Object.keys(TERMS), PAIRED] };
})();
