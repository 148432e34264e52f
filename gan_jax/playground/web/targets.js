// What points are to look like, as gan_jax/plane/targets.py draws it with NumPy's random numbers of seed 0.

const Targets = (() => {
  "use strict";

  const COUNT = 128000;
  const WORD = 2n ** 64n - 1n, MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
  const STATE = 35399562948360463058890781895381311971n, STEP = 87136372517582989555478159403783844777n;

  /** numpy.random.default_rng(0): PCG64 (O'Neill 2014), bounds of Lemire 2019, and the ziggurat of Marsaglia & Tsang. */
  function numpyRandom() {
    let state = STATE, kept = null;
    function next() {
      state = BigInt.asUintN(128, state * MULTIPLIER + STEP);
      const turn = state >> 122n, mixed = (state >> 64n) ^ (state & WORD);
      return ((mixed >> turn) | (mixed << (64n - turn))) & WORD;
    }
    function half() {
      if (kept !== null) {
        const word = kept;
        kept = null;
        return word;
      }
      const both = next();
      kept = Number(both >> 32n);
      return Number(both & 0xffffffffn);
    }
    const uniform = () => Number(next() >> 11n) / 2 ** 53;
    function below(bound) {
      const refused = 2 ** 32 % bound;
      for (;;) {
        const product = half() * bound;
        if (product % 2 ** 32 >= refused) return Math.floor(product / 2 ** 32);
      }
    }
    function normal() {
      for (;;) {
        const bits = next(), layer = Number(bits & 0xffn), negative = bits & 0x100n;
        const size = Number((bits >> 9n) & (2n ** 52n - 1n));
        const place = (size / 2 ** 52) * WIDTHS[layer], x = negative ? -place : place;
        if (place < INNER[layer]) return x;
        if (layer === 0) {
          for (;;) {
            const beyond = -Math.log1p(-uniform()) / EDGE, drop = -Math.log1p(-uniform());
            if (2 * drop > beyond * beyond) return (size / 256) & 1 ? -(EDGE + beyond) : EDGE + beyond;
          }
        }
        if ((HEIGHTS[layer - 1] - HEIGHTS[layer]) * uniform() + HEIGHTS[layer] < Math.exp(-0.5 * x * x)) return x;
      }
    }
    return { uniform, below, normal };
  }

  const EDGE = 3.654152885361009, AREA = 0.00492867323397466; // of the ziggurat's 256 layers
  const bell = (x) => Math.exp(-0.5 * x * x);
  const WIDTHS = new Float64Array(256), HEIGHTS = new Float64Array(256), INNER = new Float64Array(256);
  WIDTHS[255] = EDGE;
  for (let layer = 254; layer > 0; layer--) {
    const wider = WIDTHS[layer + 1];
    WIDTHS[layer] = Math.sqrt(-2 * Math.log(AREA / wider + bell(wider)));
  }
  WIDTHS[0] = AREA / bell(EDGE);
  WIDTHS.forEach((width, layer) => {
    HEIGHTS[layer] = layer ? bell(width) : 1;
    INNER[layer] = layer > 1 ? WIDTHS[layer - 1] : layer ? 0 : EDGE;
  });

  /** Each: half the width of the square that is looked at, the modes and their standard deviation, or a curve's points. */
  const NAMED = {
    ring: { halfWidth: 1.6, std: 0.01, centres: centres(8, (k) => [Math.cos((Math.PI * k) / 4), Math.sin((Math.PI * k) / 4)]) },
    grid: { halfWidth: 5.6, std: 0.05, centres: centres(25, (k) => [2 * (k % 5) - 4, 2 * Math.floor(k / 5) - 4]) },
    moons: { halfWidth: 2, noise: 0.05, curve: moons },
    spiral: { halfWidth: 1.5, noise: 0.02, curve: spiral },
  };
  const DRAWN = { halfWidth: 2, std: 0.05 };

  function centres(count, place) {
    return Array.from({ length: count }, (_, k) => place(k)).flat();
  }

  function moons({ uniform }) {
    const angles = Array.from({ length: COUNT }, () => Math.PI * uniform());
    return angles.flatMap((angle) => {
      const x = Math.cos(angle) - 0.5, y = Math.sin(angle) - 0.25;
      return uniform() < 0.5 ? [x, y] : [-x, -y];
    });
  }

  function spiral({ uniform }) {
    const radii = Array.from({ length: COUNT }, () => Math.sqrt(0.01 + 0.99 * uniform()));
    return radii.flatMap((radius) => [radius * Math.cos(3 * Math.PI * radius), radius * Math.sin(3 * Math.PI * radius)]);
  }

  /** Normal distributions around centres, taken at random. */
  function mixture({ below }, places) {
    return Array.from({ length: COUNT }, () => below(places.length / 2)).flatMap((k) => [places[2 * k], places[2 * k + 1]]);
  }

  /** A target: {points, halfWidth, modes or null}, of a name, or of the centres that were drawn. */
  function load(name, drawn) {
    const { halfWidth, ...form } = NAMED[name] ?? { ...DRAWN, centres: drawn };
    const random = numpyRandom(), means = form.curve ? form.curve(random) : mixture(random, form.centres);
    const spread = form.noise ?? form.std;
    const points = Float32Array.from(means, (mean) => mean + spread * random.normal());
    const modes = form.curve || !(name in NAMED) ? null : { centres: form.centres, std: form.std };
    return { points, halfWidth, modes };
  }

  return { NAMES: Object.keys(NAMED), load, halfWidth: (name) => (NAMED[name] ?? DRAWN).halfWidth };
})();
