// The plane: recorded trainings side by side.

function startPlanes(arrays) {
  const section = find("planes");
  section.hidden = contents.planes.length === 0;
  if (section.hidden) return;

  let chosen = Math.min(contents.planes.length - 1, Math.max(0, Math.round(View.number("plane", 0)))), at = 0, panes = [];
  const select = find("plane-choice"), slider = find("plane-moment");
  contents.planes.forEach(({ name }, index) => select.append(make("option", { value: index, textContent: name })));

  function choose(index) {
    chosen = index;
    select.value = index;
    View.set("plane", index || null);
    find("panes").replaceChildren();
    panes = contents.planes[chosen].arms.map((arm) => {
      const canvas = make("canvas", { width: 300, height: 300, role: "img", ariaLabel: `The plane: ${arm.label}` });
      const text = make("p");
      find("panes").append(make("div", {}, text, canvas));
      return { arm, canvas, text };
    });
    slider.max = panes[0].arm.steps.length - 1;
    show(Math.min(at, +slider.max));
  }

  function show(moment) {
    at = moment;
    setSlider(slider, at, `step ${panes[0].arm.steps[at]}`);
    View.set("plane_moment", at || null);
    const { half_width: halfWidth, reals } = contents.planes[chosen];
    for (const { arm, canvas, text } of panes) {
      const { data, shape: [, side] } = arrays(arm.landscapes);
      const slice = (name) => {
        const { data: values, shape: [, count] } = arrays(name);
        return values.subarray(2 * at * count, 2 * (at + 1) * count);
      };
      const shades = Array.from(data.subarray(at * side * side, (at + 1) * side * side), (value) => value / 255);
      const points = slice(arm.points), arrows = slice(arm.arrows);
      const beyond = drawPlane(canvas, { halfWidth, side, shades, reals: arrays(reals).data, points, arrows });
      const score = arm.scores && `D's score of fakes: ${arm.scores[at].toFixed(2)}`;
      text.textContent = [arm.label, score, beyond].filter(Boolean).join("\n");
    }
  }

  select.addEventListener("change", () => choose(+select.value));
  slider.addEventListener("input", () => {
    playing.stop();
    show(+slider.value);
  });
  let shownAt = 0;
  const playing = playButton(find("play-plane"), async (time) => {
    if (time - shownAt < 150) return true;
    shownAt = time;
    show(at >= +slider.max ? 0 : at + 1);
    return at < +slider.max;
  });
  section.append(planeLegend());
  at = Math.max(0, Math.round(View.number("plane_moment", 0)));
  choose(chosen);
}
