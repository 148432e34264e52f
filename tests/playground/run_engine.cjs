// Runs the page's scripts in node on what Python gives, and prints what they find as JSON.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const zlib = require("node:zlib");

const { web, task, ...input } = JSON.parse(fs.readFileSync(0, "utf8"));
for (const name of ["arrays.js", "engine.js", "random.js", "live.js", "trainer.js", "digits.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(web, name), "utf8").replace(/^const (Engine|Random|Live|Trainer|Digits)/m, "var $1"));
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

  /** Steps of the plane's training from given weights, on given batches. */
  live({ settings, generator, discriminator, batches }) {
    const layers = (found) =>
      found.map(({ kernel, bias }) => ({
        inputs: kernel.length,
        outputs: bias.length,
        kernel: Float64Array.from(kernel.flat()),
        bias: Float64Array.from(bias),
      }));
    const state = Live.start(settings, Float64Array.from([0, 0]));
    state.generator = Live.player(layers(generator));
    state.discriminator = Live.player(layers(discriminator));
    const metrics = batches.map(({ reals, latents }) =>
      Live.stepOn(state, Float64Array.from(reals.flat()), Float64Array.from(latents.flat())));
    const weights = (player) => player.layers.map(({ kernel, bias }) => ({ kernel: [...kernel], bias: [...bias] }));
    return { metrics, generator: weights(state.generator), discriminator: weights(state.discriminator) };
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

  /** Steps of the training on the digits, from its seed alone, with what it starts from. */
  digits({ settings, pixels, folds, steps }) {
    const training = Digits.start(settings, { pixels: Uint8Array.from(pixels.flat(Infinity)), folds });
    const weights = () => ({ generator: arraysOf(training.generator), discriminator: arraysOf(training.discriminator) });
    const start = weights();
    const images = [...training.images], batches = [], metrics = [];
    for (let step = 0; step < steps; step++) {
      const { reals, latents } = Digits.batchOf(training);
      batches.push({ reals: [...reals], latents: [...latents] });
      metrics.push(Digits.step(training));
    }
    return { start, end: weights(), images, batches, metrics, shown: [...Digits.show(training)], spread: training.spread };
  },

  /** Whether a training that is started anew takes the same steps, and what its numbers are drawn from. */
  seeds({ settings, points, steps }) {
    const run = (seed) => {
      const state = Live.start({ ...settings, seed }, Float64Array.from(points.flat()));
      return Array.from({ length: steps }, () => Live.step(state).g_loss);
    };
    const random = Live.randomSource(3);
    return { runs: [run(0), run(0), run(1)], normal: Array.from({ length: 4000 }, random.normal) };
  },
};

process.stdout.write(JSON.stringify(TASKS[task](input)));
