// The package's DCGAN on grey images, trained in the page: convolutions as products of matrices, batch normalization by
// the batch, the non-saturating loss, Adam. Nothing here draws at random.
//
// A step is that of gan_jax/training/steps.py. Numbers are of the type of the weights that one starts with.

const Trainer = (() => {
  "use strict";

  const SLOPE = 0.2, MOMENTUM = 0.9, EPSILON = 1e-5; // as in gan_jax/nn/layers.py
  const LATENTS = 100, SIDE = 28;

  const like = (array, length) => new array.constructor(length);

  // ---- Matrices, row after row

  /** Add [rows, inner] times [inner, columns] to a sum; the left one's entries lie `across` and `down` apart in a. */
  function addProduct(sum, a, across, down, b, rows, inner, columns) {
    const fullRows = rows - (rows % 4), fullColumns = columns - (columns % 4);
    for (let row = 0; row < fullRows; row += 4) {
      for (let c = 0; c < fullColumns; c += 4) addTile(sum, a, row * across, across, down, b, row * columns + c, inner, columns, c);
    }
    for (let row = 0; row < rows; row++) {
      for (let c = row < fullRows ? fullColumns : 0; c < columns; c++) {
        let entry = 0;
        for (let k = 0; k < inner; k++) entry += a[row * across + k * down] * b[k * columns + c];
        sum[row * columns + c] += entry;
      }
    }
  }

  /** The same of four rows and four columns, whose sixteen sums stay in the processor's registers. */
  function addTile(sum, a, from, across, down, b, to, inner, columns, column) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    let u0 = 0, u1 = 0, u2 = 0, u3 = 0, v0 = 0, v1 = 0, v2 = 0, v3 = 0;
    for (let k = 0, at = from, place = column; k < inner; k++, at += down, place += columns) {
      const b0 = b[place], b1 = b[place + 1], b2 = b[place + 2], b3 = b[place + 3];
      const s = a[at], t = a[at + across], u = a[at + 2 * across], v = a[at + 3 * across];
      s0 += s * b0; s1 += s * b1; s2 += s * b2; s3 += s * b3;
      t0 += t * b0; t1 += t * b1; t2 += t * b2; t3 += t * b3;
      u0 += u * b0; u1 += u * b1; u2 += u * b2; u3 += u * b3;
      v0 += v * b0; v1 += v * b1; v2 += v * b2; v3 += v * b3;
    }
    sum[to] += s0; sum[to + 1] += s1; sum[to + 2] += s2; sum[to + 3] += s3;
    to += columns;
    sum[to] += t0; sum[to + 1] += t1; sum[to + 2] += t2; sum[to + 3] += t3;
    to += columns;
    sum[to] += u0; sum[to + 1] += u1; sum[to + 2] += u2; sum[to + 3] += u3;
    to += columns;
    sum[to] += v0; sum[to + 1] += v1; sum[to + 2] += v2; sum[to + 3] += v3;
  }

  /** [rows, inner] times [inner, columns]. */
  function multiply(a, b, rows, inner, columns) {
    const found = like(a, rows * columns);
    addProduct(found, a, inner, 1, b, rows, inner, columns);
    return found;
  }

  /** Add the transpose of [rows, left] times [rows, right] to a sum. */
  function addTransposed(sum, a, b, rows, left, right) {
    addProduct(sum, a, 1, left, b, left, rows, right);
  }

  function transposed(a, rows, columns) {
    const turned = like(a, a.length);
    for (let row = 0; row < rows; row++) for (let k = 0; k < columns; k++) turned[k * rows + row] = a[row * columns + k];
    return turned;
  }

  // ---- Patches: what a kernel sees of the image side, a row for each place of the latent side

  /** The pieces that lie side by side in both: triples of a place in the patches, one in the image, and a length. */
  function piecesOf({ size, stride, padding, image: [height, width, channels], latent: [rows, columns] }) {
    const pieces = [];
    for (let place = 0; place < rows * columns; place++) {
      const top = Math.floor(place / columns) * stride - padding, left = (place % columns) * stride - padding;
      const first = Math.max(0, -left), last = Math.min(size, width - left);
      for (let k = Math.max(0, -top); k < Math.min(size, height - top); k++) {
        const at = (place * size + k) * size + first, from = (top + k) * width + left + first;
        pieces.push(at * channels, from * channels, (last - first) * channels);
      }
    }
    return Int32Array.from(pieces);
  }

  function patchesOf({ pieces, pixels, places, taps }, x, count) {
    const patches = like(x, count * places * taps);
    for (let n = 0; n < count; n++) {
      const to = n * places * taps, from = n * pixels;
      for (let k = 0; k < pieces.length; k += 3) {
        const at = to + pieces[k], start = from + pieces[k + 1], length = pieces[k + 2];
        for (let i = 0; i < length; i++) patches[at + i] = x[start + i];
      }
    }
    return patches;
  }

  /** The adjoint of `patchesOf`. */
  function sumOfPatches({ pieces, pixels, places, taps }, patches, count) {
    const x = like(patches, count * pixels);
    for (let n = 0; n < count; n++) {
      const from = n * places * taps, to = n * pixels;
      for (let k = 0; k < pieces.length; k += 3) {
        const at = from + pieces[k], start = to + pieces[k + 1], length = pieces[k + 2];
        for (let i = 0; i < length; i++) x[start + i] += patches[at + i];
      }
    }
    return x;
  }

  // ---- Layers. Each kind has forward(layer, x, count, train), which returns its output y and what its way back keeps,
  // ---- and back(layer, {x, y, kept}, gradient, count), which adds to the gradients of the weights if there are any.

  const KINDS = {
    convolve: {
      forward(layer, x, count) {
        const { places, taps, outer } = layer, patches = patchesOf(layer, x, count);
        return { y: multiply(patches, layer.weights.kernel.value, count * places, taps, outer), kept: patches };
      },
      learn({ places, taps, outer, weights }, { kept }, g, count) {
        addTransposed(weights.kernel.gradient, kept, g, count * places, taps, outer);
      },
      back(layer, _, g, count) {
        const { places, taps, outer } = layer, turned = transposed(layer.weights.kernel.value, taps, outer);
        return sumOfPatches(layer, multiply(g, turned, count * places, outer, taps), count);
      },
    },
    transpose: {
      forward: (layer, x, count) => ({ y: KINDS.convolve.back(layer, null, x, count), kept: null }),
      learn(layer, { x }, g, count) {
        const { places, taps, outer, weights } = layer;
        addTransposed(weights.kernel.gradient, patchesOf(layer, g, count), x, count * places, taps, outer);
      },
      back: (layer, _, g, count) => KINDS.convolve.forward(layer, g, count).y,
    },
    norm: {
      forward(layer, x, count, train) {
        const { weights, statistics } = layer, channels = weights.scale.value.length;
        const { mean, variance } = train ? momentsOf(x, channels) : statistics;
        if (train) {
          for (let c = 0; c < channels; c++) {
            statistics.mean[c] = MOMENTUM * statistics.mean[c] + (1 - MOMENTUM) * mean[c];
            statistics.variance[c] = MOMENTUM * statistics.variance[c] + (1 - MOMENTUM) * variance[c];
          }
        }
        const centre = mean.slice(), inverse = variance.map((value) => 1 / Math.sqrt(value + EPSILON));
        const factor = inverse.map((value, c) => value * weights.scale.value[c]), y = like(x, x.length);
        for (let i = 0; i < x.length; i += channels) {
          for (let c = 0; c < channels; c++) y[i + c] = (x[i + c] - centre[c]) * factor[c] + weights.bias.value[c];
        }
        return { y, kept: { centre, inverse, factor, train } };
      },
      learn({ weights }, { x, kept }, g) {
        const { alongX, sum } = sumsOf(x, g, kept);
        for (let c = 0; c < sum.length; c++) {
          weights.scale.gradient[c] += alongX[c];
          weights.bias.gradient[c] += sum[c];
        }
      },
      back(_, { x, kept }, g) {
        const { centre, inverse, factor, train } = kept, channels = factor.length, back = like(g, g.length);
        const { alongX, sum } = sumsOf(x, g, kept), rows = train ? g.length / channels : Infinity; // constant statistics
        for (let i = 0; i < g.length; i += channels) {
          for (let c = 0; c < channels; c++) {
            const normal = (x[i + c] - centre[c]) * inverse[c];
            back[i + c] = factor[c] * (g[i + c] - (sum[c] + normal * alongX[c]) / rows);
          }
        }
        return back;
      },
    },
    rectify: {
      forward({ slope }, x) {
        const y = like(x, x.length);
        for (let i = 0; i < x.length; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
        return { y, kept: null };
      },
      back({ slope }, { x }, g) {
        const back = like(g, g.length);
        for (let i = 0; i < g.length; i++) back[i] = x[i] > 0 ? g[i] : slope * g[i];
        return back;
      },
    },
    tanh: {
      forward: (_, x) => ({ y: x.map(Math.tanh), kept: null }),
      back: (_, { y }, g) => g.map((value, i) => value * (1 - y[i] * y[i])),
    },
  };

  function momentsOf(x, channels) {
    const rows = x.length / channels, mean = like(x, channels), variance = like(x, channels);
    for (let i = 0; i < x.length; i += channels) for (let c = 0; c < channels; c++) mean[c] += x[i + c] / rows;
    for (let i = 0; i < x.length; i += channels) {
      for (let c = 0; c < channels; c++) variance[c] += (x[i + c] - mean[c]) ** 2 / rows;
    }
    return { mean, variance };
  }

  /** Of each channel, the gradients' sum, and that of their products with the normalized inputs. */
  function sumsOf(x, g, { centre, inverse }) {
    const channels = centre.length, sum = like(g, channels), alongX = like(g, channels);
    for (let i = 0; i < g.length; i += channels) {
      for (let c = 0; c < channels; c++) {
        sum[c] += g[i + c];
        alongX[c] += g[i + c] * (x[i + c] - centre[c]) * inverse[c];
      }
    }
    return { sum, alongX };
  }

  // ---- Networks

  /** D's convolutions, as dcgan_layers has them: sizes of a kernel, of its image side and of its latent side. */
  function sizes(width) {
    const found = [];
    let side = SIDE, inner = 1;
    while (side > 4) {
      const half = Math.ceil(side / 2), outer = width * 2 ** found.length;
      const image = [side, side, inner], latent = [half, half, outer];
      found.push({ size: side === 7 ? 3 : 4, stride: 2, padding: 1, image, latent });
      [side, inner] = [half, outer];
    }
    return [...found, { size: 4, stride: 1, padding: 0, image: [4, 4, inner], latent: [1, 1, 1] }];
  }

  const product = (numbers) => numbers.reduce((found, number) => found * number, 1);

  /** A network whose initial arrays are draw(layer, array, shape). */
  function network(draw) {
    const layers = [];
    const weight = (value) => ({ value, ...Object.fromEntries(["gradient", "first", "second"].map((name) => [name, like(value, value.length)])) });
    return {
      layers,
      updates: 0,
      convolution(kind, index, form) {
        const { size, image, latent } = form, outer = latent[2], taps = size * size * image[2], name = `conv_${index}`;
        const kernel = weight(draw(name, "kernel", [size, size, image[2], outer], kind));
        const pixels = product(image), places = latent[0] * latent[1];
        layers.push({ kind, ...form, pieces: piecesOf(form), pixels, places, taps, outer, weights: { kernel } });
      },
      norm(index, channels) {
        const at = (array) => draw(`norm_${index}`, array, [channels]);
        const weights = { scale: weight(at("scale")), bias: weight(at("bias")) };
        layers.push({ kind: "norm", weights, statistics: { mean: at("mean"), variance: at("var") } });
      },
    };
  }

  function discriminator(width, draw) {
    const made = network(draw), forms = sizes(width), last = forms.length - 1;
    forms.forEach((form, index) => {
      made.convolution("convolve", index, form);
      if (index > 0 && index < last) made.norm(index, form.latent[2]);
      if (index < last) made.layers.push({ kind: "rectify", slope: SLOPE });
    });
    return made;
  }

  function generator(width, draw) {
    const made = network(draw), forms = sizes(width).reverse(), last = forms.length - 1;
    forms[0].latent = [1, 1, LATENTS];
    forms.forEach((form, index) => {
      made.convolution("transpose", index, form);
      if (index < last) made.norm(index, form.image[2]);
      made.layers.push(index < last ? { kind: "rectify", slope: 0 } : { kind: "tanh" });
    });
    return made;
  }

  /** Apply a network to a batch; what the way back needs of each layer is put into `tape`. */
  function forward({ layers }, x, count, train, tape = []) {
    for (const layer of layers) {
      const { y, kept } = KINDS[layer.kind].forward(layer, x, count, train);
      tape.push({ layer, x, y, kept });
      x = y;
    }
    return x;
  }

  /** The gradient of what a network took in from that of what it put out. */
  function back(tape, g, count) {
    for (const step of [...tape].reverse()) g = KINDS[step.layer.kind].back(step.layer, step, g, count);
    return g;
  }

  /** The gradients of a network's weights, added to those that it has. */
  function learn(tape, g, count) {
    for (const step of [...tape].reverse()) {
      const { layer } = step, kind = KINDS[layer.kind];
      if (layer.weights) kind.learn(layer, step, g, count);
      if (step !== tape[0]) g = kind.back(layer, step, g, count);
    }
  }

  /** Adam (Kingma & Ba 2015) along the gradients, which are zeros then. */
  function update(made, rate, { beta1, beta2 }) {
    made.updates += 1;
    const fix1 = 1 - beta1 ** made.updates, fix2 = 1 - beta2 ** made.updates;
    for (const { weights = {} } of made.layers) {
      for (const { value, gradient, first, second } of Object.values(weights)) {
        for (let i = 0; i < value.length; i++) {
          const g = gradient[i];
          first[i] = beta1 * first[i] + (1 - beta1) * g;
          second[i] = beta2 * second[i] + (1 - beta2) * g * g;
          value[i] -= (rate * (first[i] / fix1)) / (Math.sqrt(second[i] / fix2) + 1e-8);
        }
        gradient.fill(0);
      }
    }
  }

  // ---- Training

  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const mean = (values, f) => values.reduce((sum, value) => sum + f(value), 0) / values.length;

  /** The mean cross-entropy of logits and "real", 1, or "fake", -1; its derivative by each logit; the mean score. */
  function entropy(logits, sign) {
    const loss = mean(logits, (logit) => softplus(-sign * logit)), score = mean(logits, sigmoid);
    return { loss, score, slopes: logits.map((logit) => (-sign * sigmoid(-sign * logit)) / logits.length) };
  }

  /** How much images differ, as the package's pixel_std. */
  function spread(images, count) {
    return Math.sqrt(mean(momentsOf(images, images.length / count).variance, (value) => value));
  }

  /**
   * One update of D, unless it is frozen, and one of G, on a batch of reals and one of latents.
   *
   * training: {settings, generator, discriminator}; settings: batch, frozen, rateD, rateG, beta1, beta2. A frozen D is in
   * eval mode, as for the package's generator_step.
   */
  function stepOn({ settings, generator: g, discriminator: d }, reals, latents) {
    const { batch, frozen } = settings, made = [], fakes = forward(g, latents, batch, true, made);
    const onReals = [], onFakes = [], again = [];
    const real = entropy(forward(d, reals, batch, !frozen, onReals), 1);
    const fake = entropy(forward(d, fakes, batch, !frozen, onFakes), -1);
    if (!frozen) {
      learn(onReals, real.slopes, batch);
      learn(onFakes, fake.slopes, batch);
      update(d, settings.rateD, settings);
    }
    const wanted = entropy(forward(d, fakes, batch, !frozen, again), 1);
    learn(made, back(again, wanted.slopes, batch), batch);
    update(g, settings.rateG, settings);
    const scores = { d_x: real.score, d_g_z1: fake.score, d_g_z2: wanted.score };
    return { d_loss: real.loss + fake.loss, g_loss: wanted.loss, ...scores, fake_std: spread(fakes, batch) };
  }

  return { generator, discriminator, forward, stepOn, spread, LATENTS, SIDE };
})();
