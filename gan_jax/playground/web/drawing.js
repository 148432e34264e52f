// A target that one draws, with the pointer or with the keyboard: places of dots as x, y, x, y, ... in [-2, 2].

const DRAWN_WIDTH = 2, MOST_DOTS = 200;

/** Places as the address holds them: two digits of base 36 each. */
const Drawing = {
  decode(text) {
    const places = text.match(/[0-9a-z]{2}/g) ?? [];
    return places.flatMap((pair) => [...pair].map((digit) => (DRAWN_WIDTH * (parseInt(digit, 36) - 17.5)) / 17.5));
  },
  encode(drawn) {
    return drawn.map((value) => Math.max(0, Math.min(35, Math.round((value / DRAWN_WIDTH) * 17.5 + 17.5))).toString(36)).join("");
  },
};

/**
 * Let one draw on a canvas.
 *
 * begin: called when one begins; draw: with the dots so far and the keyboard's cursor, or null where one leaves it;
 * done: with the dots in the end; say: with what a screen reader should say.
 */
function startDrawing(canvas, { begin, draw, done, say }) {
  let dots = null, cursor = null;

  function open(place) {
    begin();
    dots = [];
    cursor = place;
  }

  function close(keep) {
    const drawn = dots;
    dots = cursor = null;
    if (keep && drawn.length) done(drawn);
    else draw(null, null);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [
      DRAWN_WIDTH * ((2 * (event.clientX - box.left)) / box.width - 1),
      DRAWN_WIDTH * (1 - (2 * (event.clientY - box.top)) / box.height),
    ];
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    open(null);
    dots.push(...place(event));
    draw(dots, null);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dots || cursor) return;
    const [x, y] = place(event), count = dots.length;
    if (Math.hypot(x - dots[count - 2], y - dots[count - 1]) < 0.12 || count >= 2 * MOST_DOTS) return;
    dots.push(x, y);
    draw(dots, null);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => { if (dots && !cursor) close(name === "pointerup"); });
  }

  // ---- With the keyboard

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  const KEYS = {
    " "() {
      if (dots.length < 2 * MOST_DOTS) dots.push(...cursor);
      return `Dot ${dots.length / 2} at ${where()}`;
    },
    Backspace() {
      dots.splice(-2);
      return `The last dot is gone, ${counted()}`;
    },
  };
  const counted = () => (dots.length === 2 ? "1 dot" : `${dots.length / 2} dots`);
  const where = () => cursor.map((value) => value.toFixed(1)).join(", ");

  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key], ends = { Enter: true, Escape: false }[event.key];
    if (!move && !KEYS[event.key] && ends === undefined) return;
    if (!dots && !move && event.key !== " ") return;
    event.preventDefault();
    if (ends !== undefined) {
      say(ends && dots.length ? `The target has ${counted()}.` : "Nothing was drawn; the target stays.");
      close(ends);
      return;
    }
    if (!cursor) open([0, 0]);
    if (move) {
      const reach = event.shiftKey ? 0.5 : 0.1;
      cursor = cursor.map((value, k) => Math.max(-DRAWN_WIDTH, Math.min(DRAWN_WIDTH, value + reach * move[k])));
    }
    say(move ? where() : KEYS[event.key]());
    draw(dots, cursor);
  });
  canvas.addEventListener("blur", () => { if (cursor) close(dots.length > 0); });
  return { isOn: () => dots !== null };
}
