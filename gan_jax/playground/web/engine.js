// Networks as lists of operations, forward and back to their inputs; see gan_jax/inference/operations.py.
//
// A tensor is {h, w, c, data}: one image, channels last, Float32Array. Nothing here touches the page, so that a worker
// and node can run it.

const Engine = (() => {
  "use strict";

  /** @typedef {{h: number, w: number, c: number, data: Float32Array}} Tensor */

  /** @returns {Tensor} */
  function zeros(h, w, c) {
    return { h, w, c, data: new Float32Array(h * w * c) };
  }

  /** Some of the channels of rows of `all`, from a first one on. */
  function channelsOf(data, all, first, count) {
    if (count === all) return data;
    const found = new Float32Array((data.length / all) * count);
    for (let k = 0; k < found.length; k++) found[k] = data[Math.floor(k / count) * all + first + (k % count)];
    return found;
  }

  /** A tensor whose channels are group after group; of(group) has those of each. @returns {Tensor} */
  function grouped(h, w, c, groups, of) {
    if (groups === 1) return { h, w, c, data: of(0) };
    const y = zeros(h, w, c), count = c / groups;
    for (let group = 0; group < groups; group++) {
      of(group).forEach((value, k) => { y.data[Math.floor(k / count) * c + group * count + (k % count)] = value; });
    }
    return y;
  }

  /** A convolution: the latent side from the image side. Kernel [size, size, image side / groups, latent side]. */
  function convolve(/** @type {Tensor} */ x, kernel, stride, padding, groups = 1) {
    const [size, , inner, outer] = kernel.shape, part = outer / groups;
    const [h, w] = [x.h, x.w].map((length) => Math.floor((length + 2 * padding - size) / stride) + 1);
    const form = Matrices.formOf({ size, stride, padding, image: [x.h, x.w, inner], latent: [h, w, part] });
    return grouped(h, w, outer, groups, (group) => {
      const patches = Matrices.patchesOf(form, channelsOf(x.data, x.c, group * inner, inner), 1);
      return Matrices.multiply(patches, channelsOf(kernel.data, outer, group * part, part), form.places, form.taps, part);
    });
  }

  /** The adjoint of a convolution: an image side of h by w from the latent side. */
  function convolveTranspose(/** @type {Tensor} */ y, kernel, stride, padding, h, w, groups = 1) {
    const [size, , inner, outer] = kernel.shape, part = outer / groups;
    const form = Matrices.formOf({ size, stride, padding, image: [h, w, inner], latent: [y.h, y.w, part] });
    return grouped(h, w, inner * groups, groups, (group) => {
      const turned = Matrices.transposed(channelsOf(kernel.data, outer, group * part, part), form.taps, part);
      const own = channelsOf(y.data, outer, group * part, part);
      return Matrices.sumOfPatches(form, Matrices.multiply(own, turned, form.places, part, form.taps), 1);
    });
  }

  function addBias(x, bias) {
    if (bias) for (let i = 0; i < x.data.length; i++) x.data[i] += bias.data[i % x.c];
    return x;
  }

  /** A tensor of the same shape whose numbers are f(value, index). */
  function mapped(x, f) {
    return { ...x, data: x.data.map(f) };
  }

  function sumWith(x, y) {
    return mapped(x, (value, i) => value + y.data[i]);
  }

  function classVector(vectors, label) {
    const size = vectors.shape[1];
    return vectors.data.subarray(label * size, (label + 1) * size);
  }

  // Each kind has forward(op, x, label), which returns the output and may leave what its way back needs in `kept`, and
  // back(op, x, gradient, kept), from the gradient of the output to that of x.
  const OPERATIONS = {
    convolve: {
      forward: (op, x) => addBias(convolve(x, op.arrays.kernel, op.stride, op.padding, op.groups), op.arrays.bias),
      back: (op, x, g) => convolveTranspose(g, op.arrays.kernel, op.stride, op.padding, x.h, x.w, op.groups),
    },
    convolve_transpose: {
      forward: (op, x) => {
        const size = op.arrays.kernel.shape[0];
        const [h, w] = [x.h, x.w].map((length) => (length - 1) * op.stride + size - 2 * op.padding);
        return addBias(convolveTranspose(x, op.arrays.kernel, op.stride, op.padding, h, w, op.groups), op.arrays.bias);
      },
      back: (op, x, g) => convolve(g, op.arrays.kernel, op.stride, op.padding, op.groups),
    },
    scale_shift: {
      forward: (op, x) => {
        const { scale, shift } = op.arrays;
        return mapped(x, (value, i) => value * scale.data[i % x.c] + shift.data[i % x.c]);
      },
      back: (op, x, g) => mapped(g, (value, i) => value * op.arrays.scale.data[i % x.c]),
    },
    leaky_relu: {
      forward: (op, x) => mapped(x, (value) => (value > 0 ? value : op.slope * value)),
      back: (op, x, g) => mapped(g, (value, i) => (x.data[i] > 0 ? value : op.slope * value)),
    },
    tanh: {
      forward: (op, x) => mapped(x, Math.tanh),
      back: (op, x, g) => mapped(g, (value, i) => value * (1 - Math.tanh(x.data[i]) ** 2)),
    },
    reshape: {
      forward: (op, x) => ({ h: op.shape[0], w: op.shape[1], c: op.shape[2], data: x.data }),
      back: (op, x, g) => ({ ...x, data: g.data }),
    },
    residual: {
      forward: (op, x, label, kept) => sumWith(x, forward(op.inner, x, label, kept)),
      back: (op, x, g, label, kept) => sumWith(g, back(op.inner, g, label, kept)),
    },
    embed: {
      forward: (op, x, label) => {
        const vector = classVector(op.arrays.vectors, label);
        const data = new Float32Array(x.c + vector.length);
        data.set(x.data);
        data.set(vector, x.c);
        return { h: 1, w: 1, c: data.length, data };
      },
      back: (op, x, g) => ({ ...x, data: g.data.subarray(0, x.c) }),
    },
    project: {
      forward: (op, x, label, kept) => {
        const logit = forward(op.inner, x, label, kept), vector = classVector(op.arrays.vectors, label);
        let sum = 0;
        for (let i = 0; i < x.data.length; i++) sum += x.data[i] * vector[i % x.c];
        return mapped(logit, (value) => value + sum);
      },
      back: (op, x, g, label, kept) => {
        const vector = classVector(op.arrays.vectors, label);
        const through = back(op.inner, g, label, kept);
        return mapped(through, (value, i) => value + g.data[0] * vector[i % x.c]);
      },
    },
    select: {
      forward: (op, x, label) => {
        const vector = classVector(op.arrays.vectors, label), y = zeros(1, 1, 1);
        y.data[0] = x.data.reduce((sum, value, i) => sum + value * vector[i], 0);
        return y;
      },
      back: (op, x, g, label) => mapped(x, (_, i) => g.data[0] * classVector(op.arrays.vectors, label)[i]),
    },
  };

  /** Apply operations; each one's input is put into `tape`, if there is one, for `back`. */
  function forward(operations, x, label = 0, tape = null) {
    for (const op of operations) {
      const kept = [];
      if (tape) tape.push({ op, x, kept });
      x = OPERATIONS[op.name].forward(op, x, label, tape ? kept : null);
    }
    return x;
  }

  /** From the gradient of what operations put out to the gradient of what they took in. */
  function back(operations, gradient, label, tape) {
    for (const { op, x, kept } of [...tape].reverse()) gradient = OPERATIONS[op.name].back(op, x, gradient, label, kept);
    return gradient;
  }

  function vector(values) {
    return { h: 1, w: 1, c: values.length, data: Float32Array.from(values) };
  }

  /** The image that a generator makes of a latent vector. */
  function generate(generator, latent, label) {
    return forward(generator, vector(latent), label);
  }

  /** A discriminator's logit of an image. */
  function judge(discriminator, image, label) {
    return forward(discriminator, image, label).data[0];
  }

  /** A discriminator's logit of an image, and the gradient of the logit with respect to the image. */
  function judgeWithGradient(discriminator, image, label) {
    const tape = [], logit = forward(discriminator, image, label, tape);
    return { logit: logit.data[0], gradient: back(discriminator, mapped(logit, () => 1), label, tape) };
  }

  /** Pixels 0 to 255, rounded as the package rounds them. */
  function quantize(image) {
    return Uint8ClampedArray.from(image.data, (value) => Math.round(127.5 * (value + 1)));
  }

  return { convolve, convolveTranspose, forward, generate, judge, judgeWithGradient, quantize, vector };
})();
