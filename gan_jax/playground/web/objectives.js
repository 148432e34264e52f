// Objectives, penalties, optimizers and schedules, as functions of numbers: gan_jax/objectives, optimizers.py, schedules.py.

const Objectives = (() => {
  "use strict";

  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  const LOGISTIC = { real: [(r) => softplus(-r), (r) => -sigmoid(-r)], fake: [softplus, sigmoid] };
  const NEGATED = [(f) => -f, () => -1];

  /** Each entry: a term of the loss and its derivative, as functions of one logit. */
  const TERMS = {
    non_saturating: { ...LOGISTIC, generator: [(f) => softplus(-f), (f) => -sigmoid(-f)] },
    saturating: { ...LOGISTIC, generator: [(f) => -softplus(f), (f) => -sigmoid(f)] },
    least_squares: {
      real: [(r) => (r - 1) ** 2, (r) => 2 * (r - 1)],
      fake: [(f) => f * f, (f) => 2 * f],
      generator: [(f) => (f - 1) ** 2, (f) => 2 * (f - 1)],
    },
    hinge: {
      real: [(r) => Math.max(0, 1 - r), (r) => (r < 1 ? -1 : 0)],
      fake: [(f) => Math.max(0, 1 + f), (f) => (f > -1 ? 1 : 0)],
      generator: NEGATED,
    },
    wasserstein: { real: NEGATED, fake: [(f) => f, () => 1], generator: NEGATED },
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

  const meanScore = (logits) => logits.reduce((sum, logit) => sum + sigmoid(logit), 0) / logits.length;

  // ---- Penalties of D's gradients at points, two numbers each: weight times the value, and its derivative

  /** R1 and R2: half the mean square of their lengths. */
  function zeroCentred(weight, gradients) {
    const count = gradients.length / 2, sum = gradients.reduce((total, value) => total + value * value, 0);
    return { value: (weight * sum) / 2 / count, slope: gradients.map((value) => (weight * value) / count) };
  }

  /** WGAN-GP's: the mean square of their lengths less 1. */
  function oneCentred(weight, gradients) {
    const count = gradients.length / 2, slope = new Float64Array(gradients.length);
    let value = 0;
    for (let n = 0; n < slope.length; n += 2) {
      const length = Math.hypot(gradients[n], gradients[n + 1]);
      value += (weight * (length - 1) ** 2) / count;
      if (length === 0) continue; // where the root has no derivative
      for (const at of [n, n + 1]) slope[at] = (2 * weight * (length - 1) * gradients[at]) / length / count;
    }
    return { value, slope };
  }

  // ---- Optimizers: each moves one weight's values along its gradient, with two arrays that it remembers

  const EPSILON = 1e-8;
  const OPTIMIZERS = {
    /** Kingma & Ba 2015. */
    adam(values, g, m, v, { rate, beta1, beta2, updates }) {
      const fix1 = 1 - beta1 ** updates, fix2 = 1 - beta2 ** updates;
      for (let i = 0; i < g.length; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        values[i] -= (rate * (m[i] / fix1)) / (Math.sqrt(v[i] / fix2) + EPSILON);
      }
    },
    rmsprop(values, g, m, v, { rate, beta1, beta2 }) {
      for (let i = 0; i < g.length; i++) {
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        m[i] = beta1 * m[i] - (rate * g[i]) / Math.sqrt(v[i] + EPSILON);
        values[i] += m[i];
      }
    },
    sgd(values, g, m, v, { rate, beta1 }) {
      for (let i = 0; i < g.length; i++) {
        m[i] = beta1 * m[i] + g[i];
        values[i] -= rate * m[i];
      }
    },
  };

  // ---- Schedules, as Python writes them: learning_rate=cosine:x0.05, with the images until their end after a colon

  const CURVES = {
    cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
    linear: (done) => 1 - done,
    warmup: (done) => done,
  };

  /** The settings of a step, in which every schedule's setting is a number. */
  function settingsAt(settings, step) {
    const now = { ...settings };
    for (const text of settings.schedules) {
      const [, name, curve, factor, number, images] = /^(\w+)=(\w+):(x?)([^:]+)(?::(.+))?$/.exec(text);
      const done = images ? (step * settings.batch_size) / +images : step / settings.steps, own = settings[name];
      const other = factor ? own * +number : +number;
      now[name] = other + (own - other) * CURVES[curve](Math.min(1, done));
    }
    return now;
  }

  return {
    NAMES: [...Object.keys(TERMS), PAIRED], OPTIMIZERS,
    discriminatorLoss, generatorLoss, meanScore, negative, zeroCentred, oneCentred, settingsAt,
  };
})();
