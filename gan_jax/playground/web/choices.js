// The settings of the training in the plane: recipes, what may be changed of them, the address, and the same in Python.

const DEFAULT_RECIPE = "fast";
const ALONE = { width: 32, batch_size: 64, latent_dim: 2, hidden_layers: 2, noise: "normal", steps: 5000, start: "untrained" };
const IN_PYTHON = { width: 64, batch_size: 128, latent_dim: 2 }; // what experiments/plane.py has without flags
const OF_TRAINED = { width: 32, latent_dim: 2, hidden_layers: 2, noise: "normal", packing: 1, normalization: "none" };
const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01];

/** A setting: its name, what it is called, what it may be beside what recipes have. @type {[string, string, any[]][]} */
const FIRST_CHOICES = [
  ["recipe", "Recipe", []],
  ["objective", "Objective", Objectives.NAMES],
  ["critic_steps", "D's updates per G's", [0, 1, 2, 3, 5]],
  ["start", "Start", ["untrained", "trained"]],
  ["discriminator_learning_rate", "Learning rate of D", [null, ...RATES]],
  ["learning_rate", "Learning rate of G", [0, ...RATES]],
];
/** @type {[string, string, any[]][]} */
const OTHER_CHOICES = [
  ["penalties", "Penalty on D", [[], ["r1"], ["r1", "r2"], ["gradient_penalty"]]],
  ["penalty_weight", "Its weight", [0.01, 0.1, 1, 10]],
  ["noise", "Noise", ["normal", "uniform"]],
  ["latent_dim", "Latent's dimensions", [1, 2, 8]],
  ["hidden_layers", "Hidden layers", [1, 2, 3]],
  ["width", "Width", [8, 16, 32, 64]],
  ["batch_size", "Batch", [16, 32, 64, 128]],
  ["optimizer", "Optimizer", Object.keys(Objectives.OPTIMIZERS)],
  ["beta1", "beta1", [0, 0.5, 0.9]],
  ["beta2", "beta2", [0.9, 0.99, 0.999]],
  ["schedules", "Schedules", [[]]],
  ["steps", "Length of the run", [1000, 5000, 20000]],
  ["ema_half_life", "Average of G", [null]],
  ["normalization", "Normalization of D", ["none", "spectral"]],
  ["packing", "Points that D sees at once", [1, 2, 4]],
  ["generator_batch", "G's batch", ["shared", "own"]],
];
/** What a change of does not rewind. */
const WHILE_TRAINING = ["objective", "critic_steps", "discriminator_learning_rate", "learning_rate", "penalties",
  "penalty_weight", "beta1", "beta2", "schedules", "steps", "generator_batch"];
/** The names that the address had first. */
const IN_ADDRESS = { critic_steps: "stepsD", discriminator_learning_rate: "rateD", learning_rate: "rateG", batch_size: "batch" };

const textOf = (value) => (value === null ? "none" : Array.isArray(value) ? value.join(" ") || "none" : String(value));
const addressOf = (name) => IN_ADDRESS[name] ?? name;

/** A penalty was once a weight, and whether there is R2 too. */
function adoptOldAddress() {
  const weight = View.number("penalty", 0);
  if (weight > 0) {
    View.set("penalties", View.text("both", "0") === "1" ? "r1 r2" : "r1");
    View.set("penalty_weight", weight);
  }
  for (const name of ["penalty", "both"]) View.set(name, null);
}

/**
 * Fill the settings' places. Returns the settings, which change with the choices, and calls `changed` with whether the
 * training has to begin anew.
 */
function startChoices(changed) {
  const { recipes } = contents, selects = {}, all = [...FIRST_CHOICES, ...OTHER_CHOICES];
  adoptOldAddress();
  const chosen = View.text("recipe", DEFAULT_RECIPE), recipe = chosen in recipes ? chosen : DEFAULT_RECIPE;
  const settings = { ...ALONE, ...recipes[recipe], recipe, seed: Math.max(0, Math.round(View.number("live_seed", 0))) };
  const usual = (name) => (name === "recipe" ? DEFAULT_RECIPE : ALONE[name] ?? recipes[settings.recipe][name]);

  for (const [name, label, own] of all) {
    const found = name === "recipe" ? Object.keys(recipes) : [...own, ...Object.values(recipes).map((one) => one[name])];
    const values = new Map(found.filter((value) => value !== undefined).map((value) => [textOf(value), value]));
    const rank = ([, value]) => (typeof value === "number" ? value : -1); // what is no number keeps its order
    const sorted = [...values].sort((left, right) => rank(left) - rank(right));
    const select = make("select", { id: `live-${name}` });
    for (const [text] of sorted) select.append(make("option", { value: text, textContent: shown(name, text) }));
    select.addEventListener("change", () => set(name, values.get(select.value)));
    selects[name] = select;
    const kept = View.text(addressOf(name), null);
    if (values.has(kept)) settings[name] = values.get(kept);
    const field = labelled(name, label, select);
    (FIRST_CHOICES.some(([first]) => first === name) ? find("live-settings") : find("live-others")).append(field);
  }
  settle("start");
  const seed = make("input", { type: "number", min: 0, step: 1, value: settings.seed, id: "live-seed" });
  seed.addEventListener("change", () => {
    settings.seed = Math.min(2 ** 32 - 1, Math.max(0, Math.round(+seed.value) || 0));
    seed.value = settings.seed;
    View.set("live_seed", settings.seed || null);
    changed(true);
  });
  find("live-others").prepend(labelled("seed", "Seed", seed));
  show();

  function labelled(name, label, input) {
    const field = make("label", {}, make("span", { textContent: label }), input);
    field.dataset.word = name;
    return field;
  }

  function shown(name, text) {
    if (name === "discriminator_learning_rate" && text === "none") return "as G's";
    if (name === "penalties") return { r1: "R1", "r1 r2": "R1 and R2" }[text] ?? text.replaceAll("_", " ");
    if (name === "schedules" && text !== "none") {
      const having = Object.keys(recipes).filter((one) => textOf(recipes[one].schedules) === text);
      return `as ${having.sort((left, right) => left.length - right.length)[0]}`;
    }
    return text.replaceAll("_", " ");
  }

  function set(name, value) {
    const { packing } = settings;
    settings[name] = value;
    if (name === "recipe") Object.assign(settings, recipes[value]);
    settle(name);
    show();
    changed(!WHILE_TRAINING.includes(name) || settings.packing !== packing);
  }

  /** What goes together: a trained start has its own networks, and penalties are on single points. */
  function settle(latest) {
    const differ = Object.entries(OF_TRAINED).some(([name, wanted]) => settings[name] !== wanted);
    if (settings.start === "trained" && latest === "start") Object.assign(settings, OF_TRAINED);
    else if (differ) settings.start = "untrained";
    if (settings.packing === 1 || settings.penalties.length === 0) return;
    if (latest === "penalties") settings.packing = 1;
    else settings.penalties = [];
  }

  function show() {
    for (const [name] of all) {
      selects[name].value = textOf(settings[name]);
      View.set(addressOf(name), textOf(settings[name]) === textOf(usual(name)) ? null : textOf(settings[name]));
    }
  }

  return settings;
}

/** The command that trains the same in Python, or null where there is none. */
function pythonCommand(settings, target) {
  const { recipes } = contents, own = { ...IN_PYTHON, ...recipes[settings.recipe] };
  const { noise, hidden_layers: hidden, start } = settings;
  if (target === "drawn" || noise !== "normal" || hidden !== 2 || start === "trained") return null;
  const words = ["python experiments/plane.py", `--target ${target}`, `--recipe ${settings.recipe}`, `--seed ${settings.seed}`];
  if (settings.steps !== 5000) words.push(`--steps ${settings.steps}`);
  if (settings.critic_steps === 0) words.push("--game generator");
  for (const [name, value] of Object.entries(own)) {
    const text = textOf(settings[name]);
    if (text === textOf(value) || (name === "critic_steps" && settings[name] === 0)) continue;
    const given = text === "none" ? (Array.isArray(value) ? "" : " None") : ` ${text}`;
    words.push(`--${name.replaceAll("_", "-")}${given}`);
  }
  return words.join(" ");
}
