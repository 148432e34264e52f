// Runs the page's scripts in node on what Python gives, and prints what they find as JSON.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const zlib = require("node:zlib");

const { web, task, ...input } = JSON.parse(fs.readFileSync(0, "utf8"));
const SCRIPTS = ["arrays.js", "matrices.js", "engine.js", "random.js", "targets.js", "dense.js", "objectives.js", "live.js", "frames.js", "choices.js", "trainer.js", "digits.js"];
for (const name of SCRIPTS) {
  vm.runInThisContext(fs.readFileSync(path.join(web, name), "utf8").replace(/^const ([A-Z]\w+) = \(/m, "var $1 = ("));
}

/** All arrays of a network of the trainer, in the order of its layers. */
const arraysOf = ({ layers }) =>
  layers.flatMap(({ weights = {}, statistics = {} }) => [
    ...Object.values(weights).map(({ value }) => [...value]),
    ...Object.values(statistics).map((values) => [...values]),
  ]);

const TASKS = {
  /** Images of latents, D's logits of them, and the logits' gradients. */
  networks({ manifest, data, networks, latents, labels }) {
    const bytes = zlib.gunzipSync(Buffer.from(data, "base64"));
    const get = arrayReader(manifest, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const withArrays = (op) => ({
      ...op,
      ...op.options,
      arrays: Object.fromEntries(Object.entries(op.arrays).map(([name, key]) => [name, get(key)])),
      inner: op.inner.map(withArrays),
    });
    const [generator, discriminator] = [networks.generator, networks.discriminator].map((ops) => ops.map(withArrays));
    return latents.map((latent, n) => {
      const image = Engine.generate(generator, latent, labels[n]);
      const { logit, gradient } = Engine.judgeWithGradient(discriminator, image, labels[n]);
      const alone = Engine.judge(discriminator, image, labels[n]);
      return { image: [...image.data], logit, alone, gradient: [...gradient.data] };
    });
  },

  /** Steps of the plane's training from given weights, on given draws; settings may differ from step to step. */
  live({ settings, generator, discriminator, batches }) {
    const numbers = (values) => values && Float64Array.from(values.flat());
    const layers = (found) =>
      found.map(({ kernel, bias, direction }) => ({
        inputs: kernel.length,
        outputs: bias.length,
        kernel: numbers(kernel),
        bias: numbers(bias),
        ...(direction && { direction: numbers(direction) }),
      }));
    const given = { generator: layers(generator), discriminator: layers(discriminator) };
    const state = Live.start(settings, Float64Array.from([0, 0]), given);
    const batch = (found) => Object.fromEntries(Object.entries(found).map(([name, values]) => [name, numbers(values)]));
    const metrics = batches.map(({ critic, own }) => {
      const drawn = critic.map(batch), last = own ? batch(own) : drawn[drawn.length - 1];
      return Live.step(state, Live.takeParts(state, { critic: settings.critic_steps ? drawn : [], generator: last }));
    });
    const lists = (player) => player.map((layer) =>
      Object.fromEntries(["kernel", "bias", "direction"].map((name) => [name, [...(layer[name] ?? [])]])));
    return {
      metrics,
      generator: lists(state.generator.layers),
      discriminator: lists(state.discriminator.layers),
      average: state.average && lists(state.average),
    };
  },

  /** Steps of the training on images from given weights, on given batches, in float64. */
  images({ settings, generator, discriminator, batches }) {
    const given = (arrays) => (layer, array) => Float64Array.from(arrays[layer][array].flat(Infinity));
    const training = {
      settings,
      generator: Trainer.generator(settings.width, given(generator)),
      discriminator: Trainer.discriminator(settings.width, given(discriminator)),
    };
    const metrics = batches.map(({ reals, latents, frozen }) => {
      settings.frozen = frozen;
      return Trainer.stepOn(training, Float64Array.from(reals.flat(Infinity)), Float64Array.from(latents.flat()));
    });
    return { metrics, generator: arraysOf(training.generator), discriminator: arraysOf(training.discriminator) };
  },

  /** Steps of the training on the digits, from its seed alone, with what it starts from and the reals of a later step. */
  digits({ settings, pixels, folds, steps, later }) {
    const training = Digits.start(settings, { pixels: Uint8Array.from(pixels.flat(Infinity)), folds });
    const weights = () => ({ generator: arraysOf(training.generator), discriminator: arraysOf(training.discriminator) });
    const start = weights();
    const images = [...training.images], batches = [], metrics = [];
    for (let step = 0; step < steps; step++) {
      const { reals, latents } = Digits.batchOf(training);
      batches.push({ reals: [...reals], latents: [...latents] });
      metrics.push(Digits.step(training));
    }
    training.step = later;
    const { reals } = Digits.batchOf(training), shown = [...Digits.show(training)], { spread } = training;
    return { start, end: weights(), images, batches, metrics, shown, spread, later: [...reals] };
  },

  /** A training from a seed: its first reports, and what is seen of it then. */
  seed({ settings, target, steps }) {
    const { points, halfWidth, modes } = Targets.load(target), state = Live.start(settings, points);
    const reports = Array.from({ length: steps }, () => Live.step(state));
    const seen = { modes, halfWidth, shares: Frames.histogram(points, halfWidth) };
    const { landscape, arrows, map } = Frames.frame(state, { halfWidth, side: 5, count: 10, withMap: true });
    return {
      reports,
      map: { latents: [...map.latents], points: [...map.points], places: map.places },
      landscape: [...landscape],
      arrows: [...arrows],
      samples: [...Frames.sample(state, 2500)],
      quality: Frames.quality(state, seen),
    };
  },

  /** Points of a target, from a first one on. */
  target({ name, first, count }) {
    const { points, halfWidth, modes } = Targets.load(name);
    return { points: [...points.subarray(2 * first, 2 * (first + count))], count: points.length / 2, halfWidth, modes };
  },

  /** JAX's random numbers. */
  random({ seed, data, count, spans }) {
    const key = Random.fold(Random.key(seed), data);
    return {
      split: Random.split(key, 3),
      uniform: [...Random.uniforms(key, count)],
      normal: [...Random.normals(key, count)],
      latents: [...Live.drawLatents({ noise: "uniform", latent_dim: 2 }, key, count / 2)],
      integers: spans.map((span) => [...Random.integers(key, 3, count - 3, span)]),
    };
  },

  /** How far shares are from each other. */
  distance({ left, right, halfWidth }) {
    const shares = [left, right].map((points) => Frames.histogram(Float64Array.from(points.flat()), halfWidth));
    return { shares: shares.map((found) => [...found]), distance: Frames.jensenShannon(...shares) };
  },

  /** The command that trains the same in Python. */
  command({ recipes, settings, target }) {
    globalThis.contents = { recipes };
    return { command: pythonCommand(settings, target) };
  },

  /** What a step's parts are, and whether it is the step that is taken at once. */
  parts({ settings, target }) {
    const { points } = Targets.load(target), [slow, fast] = [0, 1].map(() => Live.start(settings, points));
    const names = [...Live.takeParts(slow)], report = Live.step(fast);
    return { names, slow: slow.report, fast: report, steps: [slow.step, fast.step] };
  },
};

process.stdout.write(JSON.stringify(TASKS[task](input)));
