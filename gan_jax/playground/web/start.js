// The start: what is shown is unpacked, one worker gets the run's networks, another one trains in the plane.

(async () => {
  everything.runs.forEach(({ name }, value) => find("run-choice").append(make("option", { value, textContent: name })));
  find("run-choice").value = chosenRun;
  find("run-choice").addEventListener("change", (event) => View.startWith("run", event.target.value));
  find("runs").hidden = everything.runs.length === 1;
  find("about").textContent = contents.about;
  find("scale").textContent = contents.scale;
  for (const link of findAll("nav a")) {
    const part = find(link.hash.slice(1));
    link.hidden = part.id === "planes" && contents.planes.length === 0;
    link.addEventListener("click", (event) => {
      event.preventDefault(); // the address holds what one sees
      part.tabIndex = -1;
      part.focus();
    });
  }
  find("notice").append(make("p", { textContent: contents.notice.split("\n\n")[0] }));
  if (contents.notice.includes("\n\n")) {
    const full = make("pre", { textContent: contents.notice.slice(contents.notice.indexOf("\n\n") + 2) });
    find("notice").append(make("details", {}, make("summary", { textContent: "The images' licence" }), full));
  }
  try {
    const common = arrayReader(everything.manifest, await unpack("data"));
    const { networks, manifest } = everything.runs[chosenRun], buffer = await unpack(`data-${chosenRun}`);
    const arrays = arrayReader(manifest, buffer), ask = startWorker();
    await ask("load", { networks, manifest, buffer });
    startImages(ask, arrays, common);
    startPlanes(common);
    startLive(startWorker(), common);
    startDigits(common);
    await selfCheck(ask, arrays);
    document.body.dataset.ready = "true";
  } catch (error) {
    find("self-check").textContent = `This page cannot run here: ${error.message}. A browser from 2023 or later is needed.`;
    throw error;
  }
})();
