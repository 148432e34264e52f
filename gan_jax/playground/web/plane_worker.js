// What a worker answers of the training in the plane: it begins one, changes its settings, and takes steps of it.

const PlaneAnswers = (() => {
  "use strict";

  const REALS = 1200; // that are drawn
  let chosen = null, target = null; // its name or its centres, and its points
  let live = null, parts = null; // the training, and the step of it that is taken in parts

  function load(name, drawn) {
    const wanted = drawn ? drawn.join() : name;
    if (wanted === chosen) return;
    target = Targets.load(name, drawn);
    target.shares = Frames.histogram(target.points, target.halfWidth);
    chosen = wanted;
  }

  /** Take what is left of a step that was taken in parts. */
  function finish() {
    if (!parts) return [];
    const before = live.step;
    Live.step(live, parts);
    parts = null;
    return live.step > before ? [live.report] : [];
  }

  return {
    /** Begin a training, from given layers if there are any; what is to be drawn of its target. */
    start({ settings, name, drawn, given }) {
      load(name, drawn);
      live = Live.start(settings, target.points, given);
      parts = null;
      return { reals: target.points.slice(0, 2 * REALS), halfWidth: target.halfWidth };
    },

    change({ settings }) {
      Object.assign(live.settings, settings);
    },

    /** Train for so many steps, but no longer than so many milliseconds; a frame, the steps' reports, and the quality. */
    train({ steps, milliseconds, view, withQuality }) {
      const end = performance.now() + milliseconds, metrics = finish();
      for (let taken = metrics.length; taken < steps && (taken === 0 || performance.now() < end); taken++) {
        metrics.push(Live.step(live));
      }
      return { ...Frames.frame(live, { ...view, halfWidth: target.halfWidth }), metrics, quality: withQuality && Frames.quality(live, target) };
    },

    /** Take the next part of a step; a frame of it, and the report where it was the last. */
    part({ view }) {
      parts ??= Live.takeParts(live);
      let { value: name, done } = parts.next();
      if (done) {
        parts = Live.takeParts(live);
        name = parts.next().value;
      }
      const ends = name === "g_update", frame = Frames.frame(live, { ...view, halfWidth: target.halfWidth }, name);
      const report = { ...live.report }; // as far as it goes
      return { ...frame, report, metrics: ends ? [report] : [], quality: ends && Frames.quality(live, target) };
    },
  };
})();
