// What a worker answers of the training on digits: it begins one, changes its settings, and takes steps of it.

const DigitsAnswers = (() => {
  "use strict";

  let training = null;

  return {
    /** Begin a training; the reals that are shown beside, and how much all of them differ. */
    startDigits({ settings, stored, reals }) {
      training = Digits.start(settings, stored);
      return { reals: training.images.slice(0, reals * Trainer.SIDE ** 2), spread: training.spread };
    },

    changeDigits({ settings }) {
      Object.assign(training.settings, settings);
    },

    /** Train for so many steps, but no longer than so many milliseconds; what G makes then, and the steps' metrics. */
    trainDigits({ steps, milliseconds }) {
      const start = performance.now(), metrics = [];
      while (metrics.length < steps && (metrics.length === 0 || performance.now() < start + milliseconds)) {
        metrics.push(Digits.step(training));
      }
      const pixels = Digits.show(training), pace = (1000 * metrics.length) / (performance.now() - start);
      return { step: training.step, updates: training.discriminator.updates, pixels, metrics, pace };
    },
  };
})();
