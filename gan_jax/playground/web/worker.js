// Runs in a worker: answers the page's requests one after the other, so that the page itself never waits.

"use strict";

const Answers = (() => {
  let networks = {}; // by name, as the page describes them: operations with the names of their arrays
  let arrays = arrayReader({}, new ArrayBuffer(0));
  const ready = new Map(); // networks whose arrays were read

  function network(name) {
    if (!ready.has(name)) ready.set(name, networks[name].map(withArrays));
    return ready.get(name);
  }

  function withArrays(operation) {
    const found = Object.entries(operation.arrays).map(([name, key]) => [name, arrays(key)]);
    return { ...operation, ...operation.options, arrays: Object.fromEntries(found), inner: operation.inner.map(withArrays) };
  }

  function tensor(shape, data) {
    return { h: shape[0], w: shape[1], c: shape[2], data };
  }

  return {
    load(message) {
      networks = message.networks;
      arrays = arrayReader(message.manifest, message.buffer);
    },

    /** An image of a latent, D's logit of it, and the logit's gradient by the pixels, as far as they are asked for. */
    image({ generator, critic, latent, label, withGradient }) {
      const image = Engine.generate(network(generator), latent, label);
      if (!critic) return { pixels: image.data };
      if (!withGradient) return { pixels: image.data, logit: Engine.judge(network(critic), image, label) };
      const { logit, gradient } = Engine.judgeWithGradient(network(critic), image, label);
      return { pixels: image.data, logit, gradient: gradient.data };
    },

    /** Move an image so many steps along the gradient of a constant D, each of a given size in pixels' root mean square. */
    climb({ critic, pixels, shape, label, rate, steps }) {
      const image = tensor(shape, Float32Array.from(pixels)), logits = [];
      for (let count = 0; count < steps; count++) {
        const { gradient } = Engine.judgeWithGradient(network(critic), image, label);
        const size = Math.sqrt(gradient.data.reduce((sum, g) => sum + g * g, 0) / gradient.data.length) || 1;
        image.data.forEach((value, i) => {
          image.data[i] = Math.max(-1, Math.min(1, value + (rate * gradient.data[i]) / size));
        });
        logits.push(Engine.judge(network(critic), image, label));
      }
      return { pixels: image.data, logits };
    },

    /** D's logit of an image, and its gradient by the pixels. */
    judge({ critic, pixels, shape, label }) {
      const { logit, gradient } = Engine.judgeWithGradient(network(critic), tensor(shape, pixels), label);
      return { logit, gradient: gradient.data };
    },

    ...PlaneAnswers,
    ...DigitsAnswers,
  };
})();

onmessage = ({ data: { id, method, ...message } }) => {
  let reply;
  try {
    reply = { id, result: Answers[method](message) };
  } catch (error) {
    reply = { id, error: String(error) };
  }
  postMessage(reply);
};
