// What a worker answers of the training in the plane: it begins one, changes its settings, and takes steps of it.

const PlaneAnswers = (() => {
  "use strict";

  const REALS = 1200; // that are drawn
  let chosen = null, target = null; // its name or its centres, and its points
  let live = null, parts = null, part = null; // the training, the step of it that is taken in parts, and the last part's name

  function load(name, drawn) {
    const wanted = drawn ? drawn.join() : name;
    if (wanted === chosen) return;
    target = Targets.load(name, drawn);
    target.shares = Frames.histogram(target.points, target.halfWidth);
    chosen = wanted;
  }

  /** Take what is left of a step that was taken in parts; its report, unless it was seen already. */
  function finish() {
    const before = live.step;
    if (parts) Live.step(live, parts);
    parts = part = null;
    return live.step > before ? [live.report] : [];
  }

  function look(view) {
    return { ...Frames.frame(live, { ...view, halfWidth: target.halfWidth }, part), report: { ...live.report } };
  }

  return {
    /** Begin a training, from given layers if there are any; what is to be drawn of its target. */
    start({ settings, name, drawn, given }) {
      load(name, drawn);
      live = Live.start(settings, target.points, given);
      parts = part = null;
      return { reals: target.points.slice(0, 2 * REALS), halfWidth: target.halfWidth };
    },

    change({ settings }) {
      Object.assign(live.settings, settings);
    },

    /**
     * Train for so many steps, but no longer than so many milliseconds, and look; a step in parts is one of them. A
     * frame, the steps' reports, and the quality.
     */
    train({ steps, milliseconds, view, withQuality }) {
      const end = performance.now() + milliseconds, metrics = steps > 0 ? finish() : [];
      for (let taken = metrics.length; taken < steps && (taken === 0 || performance.now() < end); taken++) {
        metrics.push(Live.step(live));
      }
      return { ...look(view), metrics, quality: withQuality && Frames.quality(live, target) };
    },

    /** Take the next part of a step, and look; the report and the quality where it was the last. */
    part({ view }) {
      if (part === "g_update") parts = null;
      parts ??= Live.takeParts(live);
      part = parts.next().value;
      const ends = part === "g_update";
      return { ...look(view), metrics: ends ? [{ ...live.report }] : [], quality: ends && Frames.quality(live, target) };
    },
  };
})();
