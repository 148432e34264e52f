// Convolutions as products of matrices: what a kernel sees of an image is a row, and the kernel a matrix.
//
// A form of a convolution is {size, stride, padding, image, latent}: of its kernel, and [height, width, channels] of both
// of its sides, the larger one and the smaller one. Arrays are of any type; sums are of 64 bits.

const Matrices = (() => {
  "use strict";

  const like = (array, length) => new array.constructor(length);

  // ---- Matrices, row after row

  /** Add [rows, inner] times [inner, columns] to a sum; the left one's entries lie `across` and `down` apart in a. */
  function addProduct(sum, a, across, down, b, rows, inner, columns) {
    const fullRows = rows - (rows % 4), fullColumns = columns - (columns % 4);
    for (let row = 0; row < fullRows; row += 4) {
      for (let c = 0; c < fullColumns; c += 4) addTile(sum, a, row * across, across, down, b, row * columns + c, inner, columns, c);
    }
    for (let row = 0; row < rows; row++) {
      for (let c = row < fullRows ? fullColumns : 0; c < columns; c++) {
        let entry = 0;
        for (let k = 0; k < inner; k++) entry += a[row * across + k * down] * b[k * columns + c];
        sum[row * columns + c] += entry;
      }
    }
  }

  /** The same of four rows and four columns, whose sixteen sums stay in the processor's registers. */
  function addTile(sum, a, from, across, down, b, to, inner, columns, column) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    let u0 = 0, u1 = 0, u2 = 0, u3 = 0, v0 = 0, v1 = 0, v2 = 0, v3 = 0;
    for (let k = 0, at = from, place = column; k < inner; k++, at += down, place += columns) {
      const b0 = b[place], b1 = b[place + 1], b2 = b[place + 2], b3 = b[place + 3];
      const s = a[at], t = a[at + across], u = a[at + 2 * across], v = a[at + 3 * across];
      s0 += s * b0; s1 += s * b1; s2 += s * b2; s3 += s * b3;
      t0 += t * b0; t1 += t * b1; t2 += t * b2; t3 += t * b3;
      u0 += u * b0; u1 += u * b1; u2 += u * b2; u3 += u * b3;
      v0 += v * b0; v1 += v * b1; v2 += v * b2; v3 += v * b3;
    }
    sum[to] += s0; sum[to + 1] += s1; sum[to + 2] += s2; sum[to + 3] += s3;
    to += columns;
    sum[to] += t0; sum[to + 1] += t1; sum[to + 2] += t2; sum[to + 3] += t3;
    to += columns;
    sum[to] += u0; sum[to + 1] += u1; sum[to + 2] += u2; sum[to + 3] += u3;
    to += columns;
    sum[to] += v0; sum[to + 1] += v1; sum[to + 2] += v2; sum[to + 3] += v3;
  }

  /** [rows, inner] times [inner, columns]. */
  function multiply(a, b, rows, inner, columns) {
    const found = like(a, rows * columns);
    addProduct(found, a, inner, 1, b, rows, inner, columns);
    return found;
  }

  /** Add the transpose of [rows, left] times [rows, right] to a sum. */
  function addTransposed(sum, a, b, rows, left, right) {
    addProduct(sum, a, 1, left, b, left, rows, right);
  }

  function transposed(a, rows, columns) {
    const turned = like(a, a.length);
    for (let row = 0; row < rows; row++) for (let k = 0; k < columns; k++) turned[k * rows + row] = a[row * columns + k];
    return turned;
  }

  // ---- Patches

  /**
   * A form with its numbers of pixels, places and taps, and the pieces that lie side by side in an image and its patches:
   * triples of a place in the patches, one in the image, and a length.
   */
  function formOf(form) {
    const { size, stride, padding, image: [height, width, channels], latent: [rows, columns] } = form, pieces = [];
    for (let place = 0; place < rows * columns; place++) {
      const top = Math.floor(place / columns) * stride - padding, left = (place % columns) * stride - padding;
      const first = Math.max(0, -left), last = Math.min(size, width - left);
      for (let k = Math.max(0, -top); k < Math.min(size, height - top); k++) {
        const at = (place * size + k) * size + first, from = (top + k) * width + left + first;
        pieces.push(at * channels, from * channels, (last - first) * channels);
      }
    }
    const numbers = { pixels: height * width * channels, places: rows * columns, taps: size * size * channels };
    return { ...form, ...numbers, pieces: Int32Array.from(pieces) };
  }

  /** Of a batch, a row for each place of the smaller side: what the kernel sees there. */
  function patchesOf({ pieces, pixels, places, taps }, x, count) {
    const patches = like(x, count * places * taps);
    for (let n = 0; n < count; n++) {
      const to = n * places * taps, from = n * pixels;
      for (let k = 0; k < pieces.length; k += 3) {
        const at = to + pieces[k], start = from + pieces[k + 1], length = pieces[k + 2];
        for (let i = 0; i < length; i++) patches[at + i] = x[start + i];
      }
    }
    return patches;
  }

  /** The adjoint of `patchesOf`. */
  function sumOfPatches({ pieces, pixels, places, taps }, patches, count) {
    const x = like(patches, count * pixels);
    for (let n = 0; n < count; n++) {
      const from = n * places * taps, to = n * pixels;
      for (let k = 0; k < pieces.length; k += 3) {
        const at = from + pieces[k], start = to + pieces[k + 1], length = pieces[k + 2];
        for (let i = 0; i < length; i++) x[start + i] += patches[at + i];
      }
    }
    return x;
  }

  return { like, multiply, addTransposed, transposed, formOf, patchesOf, sumOfPatches };
})();
