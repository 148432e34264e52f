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
      const layer = { inputs, outputs, kernel: kernel.map((value) => Math.fround(deviation * value)), bias: new Float64Array(outputs) };
      if (spectral) layer.direction = unit(Random.normals(Random.fold(key, DIRECTIONS[index]), inputs));
      return layer;
    });
  }

  /** What every layer puts out, the input first. */
  function forward(layers, input, count) {
    const outputs = [input];
    layers.forEach((layer, index) => {
      const { inputs, outputs: size, kernel, bias } = layer, from = outputs[index];
      const to = new Float64Array(count * size), last = index === layers.length - 1;
      for (let n = 0; n < count; n++) {
        const row = n * size;
        for (let o = 0; o < size; o++) to[row + o] = bias[o];
        for (let i = 0; i < inputs; i++) {
          const value = from[n * inputs + i], weight = i * size;
          for (let o = 0; o < size; o++) to[row + o] += value * kernel[weight + o];
        }
        if (!last) for (let o = 0; o < size; o++) if (to[row + o] < 0) to[row + o] *= SLOPE;
      }
      outputs.push(to);
    });
    return outputs;
  }

  const last = (outputs) => outputs[outputs.length - 1];

  /** The gradient of the input from that of the output; `gradients`, if given, collects those of the layers. */
  function backward(layers, outputs, gradient, count, gradients = null) {
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputs, outputs: size, kernel } = layers[index], from = outputs[index];
      if (index < layers.length - 1) gradient = masked(gradient, outputs[index + 1]);
      const next = new Float64Array(count * inputs);
      for (let n = 0; n < count; n++) {
        const row = n * size;
        if (gradients) for (let o = 0; o < size; o++) gradients[index].bias[o] += gradient[row + o];
        for (let i = 0; i < inputs; i++) {
          const weight = i * size, value = from[n * inputs + i];
          let sum = 0;
          for (let o = 0; o < size; o++) sum += gradient[row + o] * kernel[weight + o];
          next[n * inputs + i] = sum;
          if (gradients) for (let o = 0; o < size; o++) gradients[index].kernel[weight + o] += value * gradient[row + o];
        }
      }
      gradient = next;
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
      ahead.unshift(masked(times(layers[index], ahead[0], count, true), outputs[index]));
    }
    const { value: penalty, slope } = penalize(times(layers[0], ahead[0], count, true));
    let up = slope;
    layers.forEach((layer, index) => {
      const { inputs, outputs: size } = layer, { kernel } = gradients[index];
      for (let n = 0; n < count; n++) {
        for (let i = 0; i < inputs; i++) {
          const value = up[n * inputs + i], at = i * size;
          for (let o = 0; o < size; o++) kernel[at + o] += value * ahead[index][n * size + o];
        }
      }
      if (index < layers.length - 1) up = masked(times(layer, up, count, false), outputs[index + 1]);
    });
    return penalty;
  }

  /** Rows times a kernel, or its transpose. */
  function times(layer, rows, count, transposed) {
    const { inputs, outputs: size, kernel } = layer;
    const product = new Float64Array(count * (transposed ? inputs : size));
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < size; o++) {
          if (transposed) product[n * inputs + i] += rows[n * size + o] * kernel[i * size + o];
          else product[n * size + o] += rows[n * inputs + i] * kernel[i * size + o];
        }
      }
    }
    return product;
  }

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
      const right = unit(times(layer, from[index].direction, 1, false)), product = times(layer, right, 1, true);
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
