// The package's DCGAN on grey images, trained in the page, with batch normalization by the batch, the non-saturating loss
// and Adam. Nothing here draws at random.
//
// A step is that of gan_jax/training/steps.py. Numbers are of the type of the weights that one starts with.

const Trainer = (() => {
  "use strict";

  const SLOPE = 0.2, MOMENTUM = 0.9, EPSILON = 1e-5; // as in gan_jax/nn/layers.py
  const LATENTS = 100, SIDE = 28, OBJECTIVE = "non_saturating";

  const { like, multiply, addTransposed, transposed, patchesOf, sumOfPatches } = Matrices;

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

  /** A network whose initial arrays are draw(layer, array, shape). */
  function network(draw) {
    const layers = [];
    const weight = (value) => ({ value, ...Object.fromEntries(["gradient", "first", "second"].map((name) => [name, like(value, value.length)])) });
    return {
      layers,
      updates: 0,
      convolution(kind, index, form) {
        const { size, image, latent } = form, outer = latent[2], shape = [size, size, image[2], outer];
        const kernel = weight(draw(`conv_${index}`, "kernel", shape, kind));
        layers.push({ kind, ...Matrices.formOf(form), outer, weights: { kernel } });
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

  /** A step of Adam along the gradients, which are zeros then. */
  function update(made, rate, { beta1, beta2 }) {
    made.updates += 1;
    for (const { weights = {} } of made.layers) {
      for (const { value, gradient, first, second } of Object.values(weights)) {
        Objectives.OPTIMIZERS.adam(value, gradient, first, second, { rate, beta1, beta2, updates: made.updates });
        gradient.fill(0);
      }
    }
  }

  // ---- Training

  /** How much images differ, as the package's pixel_std. */
  function spread(images, count) {
    const { variance } = momentsOf(images, images.length / count);
    return Math.sqrt(variance.reduce((sum, value) => sum + value, 0) / variance.length);
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
    const logits = [[reals, onReals], [fakes, onFakes]].map(([images, tape]) => forward(d, images, batch, !frozen, tape));
    const judged = Objectives.discriminatorLoss(OBJECTIVE, ...logits);
    if (!frozen) {
      learn(onReals, judged.reals, batch);
      learn(onFakes, judged.fakes, batch);
      update(d, settings.rateD, settings);
    }
    logits.push(forward(d, fakes, batch, !frozen, again));
    const wanted = Objectives.generatorLoss(OBJECTIVE, logits[2]);
    learn(made, back(again, wanted.gradient, batch), batch);
    update(g, settings.rateG, settings);
    const [d_x, d_g_z1, d_g_z2] = logits.map(Objectives.meanScore);
    return { d_loss: judged.loss, g_loss: wanted.loss, d_x, d_g_z1, d_g_z2, fake_std: spread(fakes, batch) };
  }

  return { generator, discriminator, forward, stepOn, spread, LATENTS, SIDE };
})();
