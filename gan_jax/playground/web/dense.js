// Dense networks on rows of numbers: forward, backward, gradient penalties and spectral normalization.
//
// A layer is {inputs, outputs, kernel [inputs, outputs], bias [outputs]}, and in a D with spectral normalization a
// direction [inputs] too. Rows are Float64Arrays [count, size].

const Dense = (() => {
  "use strict";

  const SLOPE = 0.2;

  // The first four bytes of SHA-1 of "dense_0" and 1, "dense_1" and 1, ...: how Flax folds a layer's name, and how many
  // arrays it has drawn, into its key.
  const KERNELS = [0x5de66efe, 0x105c49cc, 0x03f91609, 0xdb4e067f], DIRECTIONS = [0xf995010d, 0x9ddc8a62, 0xce96e1d, 0x59822708];

  /** He's initial weights, those of gan_jax/nn/dense.py of the same key. */
  function init(sizes, key, spectral) {
    return sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index], deviation = Math.fround(Math.sqrt(2 / (1 + SLOPE * SLOPE) / inputs));
      const kernel = Random.normals(Random.fold(key, KERNELS[index]), inputs * outputs);
      const scaled = kernel.map((value) => Math.fround(deviation * value));
      const layer = { inputs, outputs, kernel: scaled, bias: new Float64Array(outputs) };
      if (spectral) layer.direction = unit(Random.normals(Random.fold(key, DIRECTIONS[index]), inputs));
      return layer;
    });
  }

  // ---- The three products of rows [count, inputs] or [count, outputs] and a kernel, four terms at a time

  /** Add rows times the kernel to `to`, [count, outputs]. */
  function multiply({ inputs, outputs, kernel }, rows, count, to) {
    const whole = inputs - (inputs % 4);
    for (let n = 0; n < count; n++) {
      const row = n * outputs, from = n * inputs;
      for (let i = 0; i < whole; i += 4) {
        const a = rows[from + i], b = rows[from + i + 1], c = rows[from + i + 2], d = rows[from + i + 3], at = i * outputs;
        for (let o = 0; o < outputs; o++) {
          const k = at + o;
          to[row + o] += a * kernel[k] + b * kernel[k + outputs] + c * kernel[k + 2 * outputs] + d * kernel[k + 3 * outputs];
        }
      }
      for (let i = whole; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) to[row + o] += rows[from + i] * kernel[i * outputs + o];
      }
    }
    return to;
  }

  /** Rows of outputs times the transposed kernel, [count, inputs]. */
  function multiplyBack({ inputs, outputs, kernel }, rows, count) {
    const to = new Float64Array(count * inputs), whole = outputs - (outputs % 4);
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < inputs; i++) {
        const row = n * outputs, at = i * outputs;
        let a = 0, b = 0, c = 0, d = 0;
        for (let o = 0; o < whole; o += 4) {
          a += rows[row + o] * kernel[at + o];
          b += rows[row + o + 1] * kernel[at + o + 1];
          c += rows[row + o + 2] * kernel[at + o + 2];
          d += rows[row + o + 3] * kernel[at + o + 3];
        }
        for (let o = whole; o < outputs; o++) a += rows[row + o] * kernel[at + o];
        to[n * inputs + i] = a + b + (c + d);
      }
    }
    return to;
  }

  /** Add the sum over rows of inputs times outputs to `to`, which is like a kernel. */
  function addProducts({ inputs, outputs }, rows, out, count, to) {
    const whole = count - (count % 4);
    for (let i = 0; i < inputs; i++) {
      const at = i * outputs;
      for (let n = 0; n < whole; n += 4) {
        const row = n * outputs, from = n * inputs + i;
        const a = rows[from], b = rows[from + inputs], c = rows[from + 2 * inputs], d = rows[from + 3 * inputs];
        for (let o = 0; o < outputs; o++) {
          const k = row + o;
          to[at + o] += a * out[k] + b * out[k + outputs] + c * out[k + 2 * outputs] + d * out[k + 3 * outputs];
        }
      }
      for (let n = whole; n < count; n++) {
        for (let o = 0; o < outputs; o++) to[at + o] += rows[n * inputs + i] * out[n * outputs + o];
      }
    }
  }

  // ---- Forward and backward

  /** What every layer puts out, the input first. */
  function forward(layers, input, count) {
    const outputs = [input];
    layers.forEach((layer, index) => {
      const to = new Float64Array(count * layer.outputs);
      for (let n = 0; n < count; n++) to.set(layer.bias, n * layer.outputs);
      multiply(layer, outputs[index], count, to);
      if (index < layers.length - 1) for (let k = 0; k < to.length; k++) if (to[k] < 0) to[k] *= SLOPE;
      outputs.push(to);
    });
    return outputs;
  }

  const last = (outputs) => outputs[outputs.length - 1];

  /** The gradient of the input from that of the output; `gradients`, if given, collects those of the layers. */
  function backward(layers, outputs, gradient, count, gradients = null) {
    for (let index = layers.length - 1; index >= 0; index--) {
      const layer = layers[index], size = layer.outputs;
      if (index < layers.length - 1) gradient = masked(gradient, outputs[index + 1]);
      if (gradients) {
        const { kernel, bias } = gradients[index];
        addProducts(layer, outputs[index], gradient, count, kernel);
        for (let k = 0; k < gradient.length; k++) bias[k % size] += gradient[k];
      }
      gradient = multiplyBack(layer, gradient, count);
    }
    return gradient;
  }

  /** Back through a leaky rectifier, whose output has the sign of its input. */
  function masked(gradient, output) {
    return gradient.map((value, i) => (output[i] > 0 ? value : SLOPE * value));
  }

  /**
   * Add the gradient of a penalty on D's gradients at points, and return the penalty.
   *
   * penalize: takes D's gradient at every point, two numbers each, and gives {value, slope}: the penalty and its
   * derivative by these. With its rectifiers' signs held, D's gradient is a product of the kernels: ahead[k] is the part
   * of that product after layer k, and `up` the product before it, started with the derivative.
   */
  function addPenalty(layers, outputs, penalize, count, gradients) {
    const ahead = [new Float64Array(count).fill(1)]; // of each layer's output, the last first
    for (let index = layers.length - 1; index > 0; index--) {
      ahead.unshift(masked(multiplyBack(layers[index], ahead[0], count), outputs[index]));
    }
    const { value: penalty, slope } = penalize(multiplyBack(layers[0], ahead[0], count));
    let up = slope;
    layers.forEach((layer, index) => {
      addProducts(layer, up, ahead[index], count, gradients[index].kernel);
      if (index < layers.length - 1) up = masked(times(layer, up, count), outputs[index + 1]);
    });
    return penalty;
  }

  const times = (layer, rows, count) => multiply(layer, rows, count, new Float64Array(count * layer.outputs));

  const blank = (layers) =>
    layers.map(({ kernel, bias }) => ({ kernel: new Float64Array(kernel.length), bias: new Float64Array(bias.length) }));

  // ---- Spectral normalization (Miyato et al. 2018)

  function unit(vector) {
    const length = Math.max(1e-12, Math.hypot(...vector));
    return vector.map((value) => value / length);
  }

  /**
   * The layers divided by their largest singular values as one more power iteration finds them; others as they are.
   * The iteration begins where that of `from` ended.
   */
  function normalized(layers, from = layers) {
    return layers.map((layer, index) => {
      if (!layer.direction) return layer;
      const right = unit(times(layer, from[index].direction, 1)), product = multiplyBack(layer, right, 1);
      const direction = unit(product);
      const norm = product.reduce((sum, value, i) => sum + value * direction[i], 0);
      return { ...layer, kernel: layer.kernel.map((value) => value / norm), direction, right, norm };
    });
  }

  /** Add to gradients of layers those of what `normalized` made of them, the singular vectors held. */
  function addThrough(divided, found, gradients) {
    divided.forEach(({ outputs, kernel, direction, right, norm }, index) => {
      const own = found[index].kernel, along = direction ? own.reduce((sum, value, i) => sum + value * kernel[i], 0) : 0;
      own.forEach((value, i) => {
        const reach = direction ? along * direction[Math.floor(i / outputs)] * right[i % outputs] : 0;
        gradients[index].kernel[i] += direction ? (value - reach) / norm : value;
      });
      found[index].bias.forEach((value, i) => { gradients[index].bias[i] += value; });
    });
  }

  /** Go on from where `normalized` ended. */
  function keepDirections(layers, divided) {
    layers.forEach((layer, index) => { if (layer.direction) layer.direction = divided[index].direction; });
  }

  return { init, forward, backward, last, addPenalty, blank, normalized, addThrough, keepDirections };
})();
