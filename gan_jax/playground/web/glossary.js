// The words of the page, explained where one points at them or comes to them with the keyboard.

const GLOSSARY = {
  latent: "A latent z is what G starts from: a few random numbers. G turns every latent into one point, so the latents are what makes G's points differ.",
  generator: "G, the generator, turns latents into points. It never sees a real point: it learns from D's gradient alone.",
  discriminator: "D, the discriminator, gives every point a logit: above 0 it takes the point for real, below 0 for a fake.",
  gradient: "A gradient says how a number would change with each of many others. G's comes to it through D: in which direction would this fake have to move for D to like it more?",
  loss: "A loss is the number that a network's update lowers. G's loss depends on D, and D's on G, so neither curve has to fall while both learn.",
  map: "G's map: a regular grid over the latents, bent as G moves each of its places. Where lines lie close together G puts many points; lines that cross the empty space between two modes are points that no target has.",
  modes: "Modes covered: of the target's clusters, those that at least 20 of 2,500 samples hit within three standard deviations.",
  distance: "The Jensen-Shannon divergence of the target and G's samples, on a grid of 24 by 24 cells: 0 bits where both are the same, 1 where they never meet.",
  recipe: "A recipe is a published set of choices by its name in gan_jax: objective, penalties, optimizer and more. Choosing one sets what follows.",
  objective: "The objective says what both networks minimize: how much a logit that is wrong costs.",
  critic_steps: "How many times D learns before G learns once. With 0 D stays constant: the lesson below.",
  discriminator_learning_rate: "How far one update of D moves its weights.",
  learning_rate: "How far one update of G moves its weights. Too large a rate overshoots: the curves swing, and may end in no numbers at all.",
  penalties: "A penalty keeps D's gradient small: on real points (R1), on fakes too (R1 and R2), or near length 1 between them (gradient penalty). It keeps D from becoming a cliff.",
  penalty_weight: "How much the penalty counts beside D's loss.",
  noise: "Where latents come from: a normal distribution, or evenly from the square between -1 and 1.",
  latent_dim: "How many numbers a latent has. With one, all that G can draw is a curve.",
  hidden_layers: "Layers between what goes into a network and what comes out. Python's networks for points have two.",
  width: "Nodes in each hidden layer.",
  start: "Untrained networks have random weights that follow from the seed. The trained start is that of 5,000 steps of the recipe fast.",
  seed: "Everything random follows from the seed, with the same random numbers as in Python.",
  optimizer: "The optimizer turns a gradient into an update. Adam scales every weight's step by how large its gradients have been.",
  beta1: "How long the optimizer remembers gradients: its momentum.",
  beta2: "How long Adam and RMSprop remember the squares of gradients.",
  schedules: "How settings change over the run, such as a learning rate that falls along half a cosine.",
  steps: "The length of the run, at which schedules end. The training goes on after it with the last values.",
  ema_half_life: "An average of G's weights over the steps, which is what makes the points shown; the number is how many real points back it halves a weight's influence.",
  normalization: "Spectral normalization divides each layer of D by its largest singular value, so that D cannot become steep.",
  packing: "D judges so many points together (PacGAN), so that it can see whether they are all alike.",
  generator_batch: "Whether G learns from the latents that D has just seen, or from new ones of its own.",
  batch_size: "How many real points and how many fakes a step takes.",
};

/** One small box for all words. It stays while one points at it, and Escape closes it. */
function startGlossary() {
  const box = make("div", { id: "explained", role: "tooltip", hidden: true });
  find("live").append(box);
  let shown = null, leaving = 0;

  function show(element) {
    clearTimeout(leaving);
    if (shown === element) return;
    hide();
    shown = element;
    box.textContent = GLOSSARY[element.dataset.word];
    box.hidden = false;
    (element.querySelector("select, input") ?? element).setAttribute("aria-describedby", "explained");
    const { left, bottom, top } = element.getBoundingClientRect(), { width, height } = box.getBoundingClientRect();
    const below = bottom + height + 8 < innerHeight;
    box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8)) + scrollX}px`;
    box.style.top = `${(below ? bottom + 4 : top - height - 4) + scrollY}px`;
  }

  function hide() {
    if (!shown) return;
    (shown.querySelector("select, input") ?? shown).removeAttribute("aria-describedby");
    box.hidden = true;
    shown = null;
  }

  /** Whether the keyboard is at the word, which keeps the box. */
  const held = () => shown.matches(":focus-visible") || shown.querySelector(":focus-visible");
  const wordOf = (target) => (target instanceof Element ? target.closest("[data-word]") : null);
  const leave = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  };
  document.addEventListener("pointerover", ({ target }) => {
    if (wordOf(target)) show(wordOf(target));
    else if (box.contains(target)) clearTimeout(leaving);
    else if (shown && !held()) leave();
  });
  document.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element && target.matches(":focus-visible") && wordOf(target)) show(wordOf(target));
    else hide();
  });
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", ({ key }) => { if (key === "Escape") hide(); });
}
