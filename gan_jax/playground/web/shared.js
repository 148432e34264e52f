// What all parts of the page share: its contents, the address, workers, and drawing.

"use strict";

/** The element of an id. @returns {any} */
const find = (id) => document.getElementById(id);

/** The elements that a selector finds. @returns {any[]} */
const findAll = (selector) => [...document.querySelectorAll(selector)];

/** An element with properties and children. @returns {any} */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The arrays of a part of the page as one buffer. */
async function unpack(id) {
  const text = atob(find(id).textContent.trim()), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// ---- The address: what one sees, as names and values after the #

const View = (() => {
  const values = new Map(new URLSearchParams(location.hash.slice(1)));
  let waiting = null;

  function write() {
    waiting = null;
    const text = new URLSearchParams([...values]).toString();
    history.replaceState(null, "", `#${text}`);
  }

  return {
    text: (name, otherwise) => values.get(name) ?? otherwise,
    number(name, otherwise) {
      const value = parseFloat(values.get(name));
      return Number.isFinite(value) ? value : otherwise;
    },
    numbers(name, otherwise) {
      const found = (values.get(name) ?? "").split(",").map(parseFloat);
      return found.length === otherwise.length && found.every(Number.isFinite) ? found : otherwise;
    },
    /** Show the page anew with this value alone. */
    startWith(name, value) {
      clearTimeout(waiting);
      values.clear();
      values.set(name, value);
      write();
      location.reload();
    },
    /** Keep a value; numbers with four decimals. Nothing is kept of what is null. */
    set(name, value) {
      const short = (one) => (typeof one === "number" ? String(+one.toFixed(4)) : String(one));
      if (value === null) values.delete(name);
      else values.set(name, Array.isArray(value) ? value.map(short).join(",") : short(value));
      waiting ??= setTimeout(write, 250); // browsers refuse a change at every movement
    },
  };
})();

// ---- What is in the page, and of its runs the one that is shown

const everything = JSON.parse(find("contents").textContent);
const chosenRun = Math.min(everything.runs.length - 1, Math.max(0, Math.round(View.number("run", 0))));
const contents = { ...everything, ...everything.runs[chosenRun] };

// ---- Workers

/** A worker that answers calls in their order. */
function startWorker() {
  const source = new Blob([find("worker").textContent], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(source));
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  return (method, message = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, method, ...message });
    });
}

/** Wraps an asynchronous function so that one call runs at a time, and of the calls that wait only the last one runs. */
function latest(f) {
  let running = false, next = null;
  return async function call(...args) {
    if (running) {
      next = args;
      return;
    }
    running = true;
    try {
      await f(...args);
    } finally {
      running = false;
    }
    if (next) {
      const waiting = next;
      next = null;
      call(...waiting);
    }
  };
}

/** Calls f whenever an element comes into view, and tells whether it is in view. */
function whenVisible(element, f) {
  let visible = false;
  new IntersectionObserver(([entry]) => {
    visible = entry.isIntersecting;
    if (visible) f();
  }, { rootMargin: "100px" }).observe(element);
  return () => visible;
}

/** A button that starts and stops something that moves, and says which: f is called for every picture meanwhile. */
function playButton(button, f) {
  const resting = button.textContent;
  let moving = false;
  function set(value) {
    moving = value;
    button.textContent = value ? button.dataset.moving : resting;
    if (value) requestAnimationFrame(move);
  }
  async function move(time) {
    if (!moving) return;
    if ((await f(time)) === false) set(false);
    else requestAnimationFrame(move);
  }
  button.addEventListener("click", () => set(!moving));
  return { stop: () => set(false), isOn: () => moving };
}

/** Set a slider, and say its value in words, to those who see the text behind it and to those who hear it. */
function setSlider(slider, value, text) {
  slider.value = value;
  slider.ariaValueText = text;
  slider.nextElementSibling.textContent = text;
}

/** Many buttons as one tab stop, among which the arrow keys, Home and End move. */
function shareTabStop(group) {
  const buttons = [...group.children].filter((button) => !button.disabled);
  const columns = () => buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
  const enter = (chosen) => buttons.forEach((button) => { button.tabIndex = button === chosen ? 0 : -1; });
  enter(buttons[0]);
  group.addEventListener("focusin", (event) => enter(event.target));
  group.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target), row = columns(), end = buttons.length - 1;
    const places = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: end };
    const to = buttons[places[event.key]];
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
}

// ---- Drawing

const STROKES = 150; // of a plane, as in the documents

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const redraws = [];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((f) => f()));

/** Draw [h, w, c] pixels from 0 to 255, or with `overlay` a gradient in colour on top of them. */
function drawImage(canvas, [h, w, c], bytes, overlay = null) {
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d"), picture = context.createImageData(w, h);
  const most = overlay ? overlay.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-12) : 1;
  for (let pixel = 0; pixel < h * w; pixel++) {
    const rgb = [0, 1, 2].map((k) => bytes[pixel * c + (c === 1 ? 0 : Math.min(k, c - 1))]);
    if (overlay) {
      let pull = 0;
      for (let k = 0; k < c; k++) pull += overlay[pixel * c + k] / most / c;
      const share = Math.min(1, Math.sqrt(Math.abs(pull))), towards = pull > 0 ? [213, 94, 0] : [0, 114, 178];
      rgb.forEach((value, k) => { rgb[k] = value + share * (towards[k] - value); });
    }
    picture.data.set([...rgb, 255], 4 * pixel);
  }
  context.putImageData(picture, 0, 0);
}

/** Pixels 0 to 255 from numbers in [-1, 1]. */
function toBytes(pixels) {
  return Uint8ClampedArray.from(pixels, (value) => Math.round(127.5 * (value + 1)));
}

/** The colour of a share in [0, 1] among those of the documents' landscapes, which are even stops. */
function landscapeColour(share) {
  const stops = contents.palette.landscape;
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1), at = Math.min(stops.length - 2, Math.floor(place));
  return stops[at].map((low, k) => low + (place - at) * (stops[at + 1][k] - low));
}

/** What the colours of a plane mean. */
function planeLegend() {
  const { landscape, real, sample, arrow } = contents.palette;
  const key = (text, shade, kind = "key") => {
    const element = make("span", { className: kind, textContent: text });
    element.style.setProperty("--shade", shade);
    return element;
  };
  const scale = key("", `linear-gradient(to right, ${landscape.map((stop) => `rgb(${stop})`)})`, "scale");
  return make("p", { className: "legend" },
    key("the target", real, "key dot"), key("what G makes", sample, "key dot"), key("where D pulls it", arrow),
    make("span", {}, "D says fake ", scale, " real"), make("span", { textContent: "Points beyond the square are at its edge." }));
}

/**
 * Draw a plane: shades in [0, 1] of side by side places, rows upwards; strokes from points; the target; the points,
 * larger and at the edge where they are beyond it; G's map; and a cursor. Returns how many points are beyond, as text.
 */
function drawPlane(canvas, { halfWidth, side, shades = null, reals, points = null, arrows = null, map = null, cursor = null }) {
  const context = canvas.getContext("2d"), size = canvas.width;
  const small = make("canvas", { width: side, height: side }), picture = small.getContext("2d").createImageData(side, side);
  for (let k = 0; k < side * side; k++) {
    const row = side - 1 - Math.floor(k / side);
    picture.data.set([...landscapeColour(shades ? shades[k] : 0.5), 255], 4 * (row * side + (k % side)));
  }
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, size, size);
  const place = (share) => (size * Math.max(0, Math.min(2, share))) / 2;
  const x = (value) => place(1 + value / halfWidth), y = (value) => place(1 - value / halfWidth);
  if (arrows) {
    context.strokeStyle = contents.palette.arrow;
    context.lineWidth = 0.7;
    context.beginPath();
    for (let n = 0; n < Math.min(arrows.length, 2 * STROKES); n += 2) {
      const length = Math.hypot(arrows[n], arrows[n + 1]) || 1, reach = (0.16 * halfWidth * Math.min(1, length * 2)) / length;
      context.moveTo(x(points[n]), y(points[n + 1]));
      context.lineTo(x(points[n] + reach * arrows[n]), y(points[n + 1] + reach * arrows[n + 1]));
    }
    context.stroke();
  }
  dots(context, contents.palette.real, reals, 1.4);
  const beyond = points ? dots(context, contents.palette.sample, points, 2.2) : 0;
  if (map) drawMap(context, map, x, y);
  if (cursor) {
    context.strokeStyle = contents.palette.sample;
    context.lineWidth = 1.5;
    const [atX, atY] = [x(cursor[0]), y(cursor[1])];
    context.strokeRect(atX - 5, atY - 5, 10, 10);
  }
  return beyond ? `${beyond} of ${points.length / 2} outside` : "";

  function dots(context, shade, places, radius) {
    let outside = 0;
    context.fillStyle = shade;
    for (let n = 0; n < places.length; n += 2) {
      const far = Math.max(Math.abs(places[n]), Math.abs(places[n + 1])) > halfWidth, reach = far ? 2 * radius : radius;
      const inside = (pixel) => Math.max(reach, Math.min(size - reach, pixel));
      context.beginPath();
      context.arc(inside(x(places[n])), inside(y(places[n + 1])), reach, 0, 2 * Math.PI);
      context.fill();
      outside += +far;
    }
    return outside;
  }
}

/**
 * Draw lines over a common axis, with a mark at one place.
 *
 * lines: [{values, colour}] with a value for each of `places`; range: [low, high] or null for the values' own.
 */
function drawCurves(canvas, places, lines, { range = null, mark = null } = {}) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const all = lines.flatMap(({ values }) => [...values]).filter(Number.isFinite);
  const [low, high] = range ?? (all.length ? [Math.min(0, ...all), Math.max(...all)] : [0, 1]);
  const [left, right, top, bottom] = [44, width - 8, 8, height - 22];
  const firstPlace = places[0] ?? 0, lastPlace = Math.max(places[places.length - 1] ?? 0, firstPlace + 1);
  const x = (place) => left + ((right - left) * (place - firstPlace)) / (lastPlace - firstPlace);
  const y = (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = colour("soft");
  context.strokeStyle = colour("line");
  for (const value of [low, (low + high) / 2, high]) {
    context.fillText(value.toPrecision(2), 2, y(value) + 4);
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(right, y(value));
    context.stroke();
  }
  context.textAlign = "right";
  context.fillText(`step ${lastPlace}`, right, height - 6);
  context.textAlign = "left";
  context.fillText(String(firstPlace), left, height - 6);
  for (const { values, colour: name } of lines) {
    context.strokeStyle = colour(name);
    context.lineWidth = 1.5;
    context.beginPath();
    places.forEach((place, k) => {
      const value = Math.max(low, Math.min(high, values[k]));
      if (k) context.lineTo(x(place), y(value));
      else context.moveTo(x(place), y(value));
    });
    context.stroke();
  }
  if (mark !== null) {
    context.strokeStyle = colour("text");
    context.setLineDash([4, 3]);
    context.beginPath();
    const at = x(Math.max(firstPlace, Math.min(lastPlace, mark)));
    context.moveTo(at, top);
    context.lineTo(at, bottom);
    context.stroke();
    context.setLineDash([]);
  }
  return (clientX) => {
    const inside = clientX - canvas.getBoundingClientRect().left;
    return firstPlace + ((lastPlace - firstPlace) * (inside - left)) / (right - left);
  };
}

/** What D's logit says, as text. */
function describeLogit(logit) {
  if (!contents.logistic) return logit.toFixed(2);
  const share = 100 / (1 + Math.exp(-logit));
  return share > 0.05 && share < 99.95 ? `${share.toFixed(share < 1 || share > 99 ? 1 : 0)} %` : share < 50 ? "0 %" : "100 %";
}

const scoreName = contents.logistic ? "D says “real” with" : "D's logit is";
