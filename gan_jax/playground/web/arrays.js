// Arrays by name out of one buffer: float32, float16 and bytes, the latter perhaps with a scale for each last index.

/** Returns a function from an array's name to {shape, data}; data is a Float32Array, or the bytes where they are pixels. */
function arrayReader(manifest, buffer) {
  const found = new Map();

  function read(name) {
    const { dtype, shape, offset, scale } = manifest[name];
    const length = shape.reduce((product, size) => product * size, 1);
    if (dtype === "float32") return { shape, data: new Float32Array(buffer, offset, length) };
    if (dtype === "uint8") return { shape, data: new Uint8Array(buffer, offset, length) };
    if (dtype === "float16") return { shape, data: Float32Array.from(new Uint16Array(buffer, offset, length), fromHalf) };
    const { data: scales } = get(scale), codes = new Int8Array(buffer, offset, length);
    return { shape, data: Float32Array.from(codes, (code, i) => code * scales[i % scales.length]) };
  }

  function get(name) {
    if (!found.has(name)) found.set(name, read(name));
    return found.get(name);
  }

  return get;
}

/** The number that sixteen bits are in IEEE 754. */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
