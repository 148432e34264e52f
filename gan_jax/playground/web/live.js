// A small GAN on points, trained in the page with the steps of gan_jax/training/steps.py, from the same random numbers.
//
// settings: those of GanConfig by their names there, and hidden_layers, noise (normal or uniform), steps (the length of
// the run, at which schedules end) and seed. With critic_steps 0 D stays constant, as in generator_step.

const Live = (() => {
  "use strict";

  const { blank, forward, backward, last, normalized } = Dense;
  const PENALTY = 3 * 65536, CRITIC_STEP = 4 * 65536; // gan_jax/draws.py

  function player(layers) {
    return { layers, first: blank(layers), second: blank(layers), updates: 0 };
  }

  const copy = (layers) =>
    layers.map((layer) => ({ ...layer, kernel: Float64Array.from(layer.kernel), bias: Float64Array.from(layer.bias) }));

  /** A training before its first step; from given layers of both networks, if there are any. */
  function start(settings, points, given = null) {
    const [init, order, step, display] = Random.split(Random.key(settings.seed), 4), [forG, forD] = Random.split(init);
    const { latent_dim: dimensions, packing, normalization } = settings;
    const hidden = Array(settings.hidden_layers).fill(settings.width);
    const generator = given ? copy(given.generator) : Dense.init([dimensions, ...hidden, 2], forG, false);
    const discriminator = given
      ? copy(given.discriminator)
      : Dense.init([2 * packing, ...hidden, 1], forD, normalization === "spectral");
    return {
      settings: { ...settings },
      points,
      keys: { order, step, display },
      step: 0,
      generator: player(generator),
      discriminator: player(discriminator),
      average: settings.ema_half_life === null ? null : copy(generator),
      seen: {}, // of the step that is being taken
      report: {}, // its losses, and D's mean scores of reals and fakes
    };
  }

  // ---- What a step draws

  function drawLatents({ noise, latent_dim: dimensions }, key, count) {
    if (noise === "uniform") return Random.uniforms(key, count * dimensions).map((value) => 2 * value - 1);
    return Random.normals(key, count * dimensions);
  }

  /** Real points of a step: so many batches, dealt out in turn, or only the first points where D stays constant. */
  function drawReals({ settings: { batch_size: size, critic_steps: updates }, points, keys, step }, batches) {
    const each = size * batches, count = points.length / 2, perEpoch = Math.max(1, Math.floor(count / each));
    const key = Random.fold(keys.order, Math.floor(step / perEpoch));
    const rows = Random.integers(key, (step % perEpoch) * each, each, count), stride = updates === 0 ? 1 : batches;
    return Array.from({ length: updates === 0 ? 1 : batches }, (_, batch) => {
      const reals = new Float64Array(2 * size);
      for (let n = 0; n < size; n++) {
        const row = rows[n * stride + batch];
        reals.set(points.subarray(2 * row, 2 * row + 2), 2 * n);
      }
      return reals;
    });
  }

  /** The batches of D's updates, and that of G's, which is D's last one or G's own. */
  function draw(state) {
    const { settings, keys, step } = state, { batch_size: size, critic_steps: updates } = settings;
    const own = settings.generator_batch === "own", key = Random.fold(keys.step, step);
    const mixes = settings.penalties.includes("gradient_penalty");
    const dealt = drawReals(state, Math.max(1, updates) + (own ? 1 : 0));
    const batch = (from, reals) => ({
      reals,
      latents: drawLatents(settings, from, size),
      mixing: mixes && Random.uniforms(Random.fold(Random.fold(from, PENALTY), 0), size),
    });
    const last = batch(key, dealt[dealt.length - 1]), before = own ? updates : Math.max(0, updates - 1);
    const critic = Array.from({ length: before }, (_, index) => batch(Random.fold(key, CRITIC_STEP + index), dealt[index]));
    return { critic: own || updates === 0 ? critic : [...critic, last], generator: last };
  }

  // ---- A step in its parts: generators of their names, which leave in state.seen what one may look at

  function* takeParts(state, draws = draw(state)) {
    const settings = Objectives.settingsAt(state.settings, state.step);
    state.seen = {};
    state.report = {};
    let fed = null;
    for (const batch of draws.critic) {
      yield* makeFakes(state, batch);
      yield* learnToJudge(state, settings, batch);
      fed = batch;
    }
    if (fed !== draws.generator) yield* makeFakes(state, draws.generator);
    yield* learnToFool(state, settings, draws.critic.length > 0);
  }

  function* makeFakes(state, { reals, latents }) {
    state.seen = { reals, latents };
    yield "latents";
    state.seen.made = forward(state.generator.layers, latents, state.settings.batch_size);
    state.seen.fakes = last(state.seen.made);
    yield "fakes";
  }

  /** One update of D. */
  function* learnToJudge(state, settings, { mixing }) {
    const { discriminator, seen, report } = state, { layers } = discriminator, { reals, fakes } = seen;
    const count = settings.batch_size / settings.packing, onceMore = normalized(layers), twiceMore = normalized(layers, onceMore);
    const onReals = forward(onceMore, reals, count), onFakes = forward(twiceMore, fakes, count);
    seen.judged = onFakes;
    describe(report, settings, last(onReals), last(onFakes));
    yield "scores";
    const { loss, reals: up, fakes: down } = Objectives.discriminatorLoss(settings.objective, last(onReals), last(onFakes));
    const found = [onceMore, twiceMore].map(blank), gradients = blank(layers);
    backward(onceMore, onReals, up, count, found[0]);
    backward(twiceMore, onFakes, down, count, found[1]);
    const penalize = (how) => (slopes) => how(settings.penalty_weight, slopes), { zeroCentred, oneCentred } = Objectives;
    const passes = {
      r1: () => Dense.addPenalty(onceMore, onReals, penalize(zeroCentred), count, found[0]),
      r2: () => Dense.addPenalty(twiceMore, onFakes, penalize(zeroCentred), count, found[1]),
      gradient_penalty() {
        const mixed = fakes.map((fake, i) => fake + mixing[i >> 1] * (reals[i] - fake));
        return Dense.addPenalty(onceMore, forward(onceMore, mixed, count), penalize(oneCentred), count, found[0]);
      },
    };
    report.penalty = settings.penalties.reduce((sum, name) => sum + passes[name](), 0);
    Dense.addThrough(onceMore, found[0], gradients);
    Dense.addThrough(twiceMore, found[1], gradients);
    seen.gradients = gradients;
    report.d_loss = loss;
    yield "d_gradient";
    update(discriminator, gradients, settings.discriminator_learning_rate ?? settings.learning_rate, settings);
    Dense.keepDirections(layers, twiceMore);
    yield "d_update";
  }

  /** One update of G along what D, after its own update, says of the same fakes. */
  function* learnToFool(state, settings, learns) {
    const { generator, discriminator, seen, report } = state, { layers } = discriminator, { reals, fakes, made } = seen;
    const count = settings.batch_size / settings.packing, onceMore = normalized(layers);
    const judge = learns && settings.objective === "relativistic" ? normalized(layers, onceMore) : onceMore;
    const onReals = last(forward(onceMore, reals, count)), judged = forward(judge, fakes, count);
    seen.judged = judged;
    if (!learns) {
      report.d_loss = Objectives.discriminatorLoss(settings.objective, onReals, last(judged)).loss;
      describe(report, settings, onReals, last(judged));
    }
    report.d_g_z2 = Objectives.meanScore(last(judged));
    yield "rescored";
    const { loss, gradient } = Objectives.generatorLoss(settings.objective, last(judged), onReals);
    const gradients = blank(generator.layers), pull = backward(judge, judged, gradient, count);
    backward(generator.layers, made, pull, settings.batch_size, gradients);
    seen.pull = pull.map((value) => -value * settings.batch_size);
    seen.gradients = gradients;
    report.g_loss = loss;
    yield "g_gradient";
    update(generator, gradients, settings.learning_rate, settings);
    if (learns) Dense.keepDirections(layers, judge);
    moveAverage(state, settings);
    state.step += 1;
    yield "g_update";
  }

  function describe(report, settings, real, fake) {
    report.d_x = Objectives.meanScore(real);
    report.d_g_z1 = Objectives.meanScore(fake);
  }

  function update(player, gradients, rate, { optimizer, beta1, beta2 }) {
    player.updates += 1;
    const how = { rate, beta1, beta2, updates: player.updates };
    player.layers.forEach((layer, index) => {
      for (const name of ["kernel", "bias"]) {
        const [gradient, first, second] = [gradients, player.first, player.second].map((of) => of[index][name]);
        Objectives.OPTIMIZERS[optimizer](layer[name], gradient, first, second, how);
      }
    });
  }

  /** Of G's weights over the steps (gan_jax/objectives/ema.py). */
  function moveAverage({ average, generator, step }, { batch_size: size, ema_half_life: halfLife, ema_ramp: ramp }) {
    if (!average) return;
    const share = 1 - 0.5 ** (size / Math.min(halfLife, ramp * (step + 1) * size));
    average.forEach((layer, index) => {
      for (const name of ["kernel", "bias"]) {
        generator.layers[index][name].forEach((value, i) => { layer[name][i] += share * (value - layer[name][i]); });
      }
    });
  }

  /** Take a step, or what is left of one; returns its report. */
  function step(state, parts = takeParts(state)) {
    while (!parts.next().done);
    return state.report;
  }

  return { start, takeParts, step, player, drawLatents };
})();
