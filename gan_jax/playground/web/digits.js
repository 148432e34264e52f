// The digits that `gan-jax train --dataset digits` trains on, and all that is random in that training, from its seed.

const Digits = (() => {
  "use strict";

  const SIDE = Trainer.SIDE, STORED = 8, SHOWN = 32;
  const BETAS = { beta1: 0.5, beta2: 0.999 };
  const HE = 2 / (1 + 0.2 ** 2); // times 1 / fan-in, as in gan_jax/nn/layers.py

  // ---- The images: from 8x8 to 28x28, as Pillow's bicubic filter does it in integers

  const BITS = 22;

  /** For each new pixel of a line, the old ones that it is made of, and their weights. */
  const FILTER = Array.from({ length: SIDE }, (_, k) => {
    const centre = ((k + 0.5) * STORED) / SIDE, first = Math.max(0, Math.trunc(centre - 1.5));
    const weights = Array.from({ length: Math.min(STORED, Math.trunc(centre + 2.5)) - first }, (_, i) =>
      bicubic(Math.abs(i + first - centre + 0.5)));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return { first, weights: weights.map((weight) => Math.round((weight / sum) * 2 ** BITS)) };
  });

  function bicubic(x) {
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  }

  /** Filter lines of stored pixels, of which `lines` lie side by side, and lay each result along the other axis. */
  function filtered(pixels, lines) {
    const found = new Uint8ClampedArray(lines * SIDE);
    for (let line = 0; line < lines; line++) {
      FILTER.forEach(({ first, weights }, k) => {
        let sum = 2 ** (BITS - 1);
        weights.forEach((weight, i) => { sum += weight * pixels[line * STORED + first + i]; });
        found[k * lines + line] = sum >> BITS;
      });
    }
    return found;
  }

  /** An image of 28x28 bytes from one of 8x8 numbers up to 16. */
  function enlarge(pixels) {
    const bytes = Uint8Array.from(pixels, (value) => Math.round((value * 255) / 16));
    return filtered(filtered(bytes, STORED), SIDE);
  }

  // ---- What is random

  /** jax.random.permutation. */
  function permutation(key, count) {
    let order = Array.from({ length: count }, (_, k) => k);
    for (let round = Math.ceil((3 * Math.log(count)) / Math.log(2 ** 32 - 1)); round > 0; round--) {
      const [next, own] = /** @type {any} */ (Random.split(key)), at = Array.from({ length: count }, (_, k) => k);
      const words = at.map((k) => Random.fold(own, k)).map(([x, y]) => (x ^ y) >>> 0), before = order;
      order = at.sort((k, other) => words[k] - words[other]).map((k) => before[k]);
      key = next;
    }
    return order;
  }

  /** A network's initial arrays; `folds` has the number that Flax folds into the key of each layer. */
  function drawn(key, folds, initializer) {
    return (layer, array, shape, kind) => {
      const count = shape.reduce((product, size) => product * size, 1), own = Random.fold(key, folds[layer]);
      if (array === "bias" || array === "mean") return new Float32Array(count);
      if (array === "var") return new Float32Array(count).fill(1);
      if (array === "scale") return Float32Array.from(Random.normals(own, count), (value) => 1 + 0.02 * value);
      const [size, , image, latent] = shape, inputs = size * size * (kind === "convolve" ? image : latent);
      const deviation = initializer === "he" ? Math.sqrt(HE / inputs) : 0.02;
      return Float32Array.from(Random.normals(own, count), (value) => deviation * value);
    };
  }

  /**
   * The training of a seed before its first step.
   *
   * settings: seed, width, batch, initializer, and those that Trainer.stepOn names, which may change on the way.
   */
  function start(settings, { pixels, folds }) {
    const count = pixels.length / STORED ** 2, area = SIDE * SIDE, images = new Float32Array(count * area);
    for (let n = 0; n < count; n++) {
      const bytes = enlarge(pixels.subarray(n * STORED ** 2, (n + 1) * STORED ** 2));
      images.set(Float32Array.from(bytes, (value) => value / 127.5 - 1), n * area);
    }
    const [init, order, step, display] = Random.split(Random.key(settings.seed), 4), [first, second] = Random.split(init);
    return {
      settings: { ...BETAS, ...settings },
      images,
      count,
      keys: { order, step },
      step: 0,
      order: null,
      shown: Float32Array.from(Random.normals(display, SHOWN * Trainer.LATENTS)),
      spread: Trainer.spread(images, count),
      generator: Trainer.generator(settings.width, drawn(first, folds, settings.initializer)),
      discriminator: Trainer.discriminator(settings.width, drawn(second, folds, settings.initializer)),
    };
  }

  function batchOf(training) {
    const { settings: { batch }, images, count, keys, step } = training, area = SIDE * SIDE;
    const perEpoch = Math.floor(count / batch), at = step % perEpoch, epoch = (step - at) / perEpoch;
    if (training.order?.epoch !== epoch) training.order = { epoch, rows: permutation(Random.fold(keys.order, epoch), count) };
    const reals = new Float32Array(batch * area);
    training.order.rows.slice(at * batch, (at + 1) * batch).forEach((row, n) => {
      reals.set(images.subarray(row * area, (row + 1) * area), n * area);
    });
    const latents = Random.normals(Random.fold(keys.step, step), batch * Trainer.LATENTS);
    return { reals, latents: Float32Array.from(latents) };
  }

  function step(training) {
    const { reals, latents } = batchOf(training), metrics = Trainer.stepOn(training, reals, latents);
    training.step += 1;
    return metrics;
  }

  /** What G makes of the latents of the run's grids, in eval mode. */
  function show({ generator, shown }) {
    return Trainer.forward(generator, shown, SHOWN, false);
  }

  return { start, batchOf, step, show };
})();
