// JAX's random numbers: Threefry (Salmon et al. 2011) and what jax.random makes of it, float32 as there.

const Random = (() => {
  "use strict";

  const ROTATIONS = [[13, 15, 26, 6], [17, 29, 16, 24]];

  /** A key is two words of 32 bits. The block of a counter is a key too: that of jax.random.fold_in. @param {number[]} from */
  function fold(from, counter) {
    const [first, second] = from, parts = [first, second, first ^ second ^ 0x1bd11bda];
    let x = first | 0, y = (counter + second) | 0;
    for (let group = 0; group < 5; group++) {
      for (const turn of ROTATIONS[group % 2]) {
        x = (x + y) | 0;
        y = ((y << turn) | (y >>> (32 - turn))) ^ x;
      }
      x = (x + parts[(group + 1) % 3]) | 0;
      y = (y + parts[(group + 2) % 3] + group + 1) | 0;
    }
    return [x >>> 0, y >>> 0];
  }

  const key = (seed) => [0, seed >>> 0];
  const split = (from, count = 2) => Array.from({ length: count }, (_, index) => fold(from, index));

  /** The bits of one entry of a random array. */
  function bits(from, index) {
    const [x, y] = fold(from, index);
    return (x ^ y) >>> 0;
  }

  /** An entry of jax.random.uniform: in [0, 1), of 23 bits. */
  const uniform = (from, index) => (bits(from, index) >>> 9) / 2 ** 23;

  const LEAST = -1 + 2 ** -24; // above -1, as the inverse of erf needs it
  const SPREAD = Math.fround(Math.SQRT2);

  /** An entry of jax.random.normal. */
  function normal(from, index) {
    const place = Math.fround(Math.fround(uniform(from, index) * 2) + LEAST);
    return Math.fround(SPREAD * Math.fround(inverseErf(Math.max(LEAST, place))));
  }

  const CENTRAL = [2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
    -0.00417768164, 0.246640727, 1.50140941];
  const TAILS = [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
    0.00943887047, 1.00167406, 2.83297682];

  /** Giles 2010, in single precision as XLA has it. */
  function inverseErf(x) {
    const w = -Math.log1p(-Math.fround(x * x)), central = w < 5, at = central ? w - 2.5 : Math.sqrt(w) - 3;
    return x * (central ? CENTRAL : TAILS).reduce((sum, factor) => sum * at + factor, 0);
  }

  const normals = (from, count) => Float64Array.from({ length: count }, (_, index) => normal(from, index));
  const uniforms = (from, count) => Float64Array.from({ length: count }, (_, index) => uniform(from, index));

  /** Entries of jax.random.randint(key, shape, 0, span), from a first one on. */
  function integers(from, first, count, span) {
    const [upper, lower] = split(from), half = 65536 % span, factor = (Math.imul(half, half) >>> 0) % span;
    return Uint32Array.from({ length: count }, (_, k) => {
      const high = factor ? Math.imul(bits(upper, first + k) % span, factor) >>> 0 : 0;
      return ((high + (bits(lower, first + k) % span)) >>> 0) % span;
    });
  }

  return { key, fold, split, uniform, normals, uniforms, integers };
})();
