// The start: everything is unpacked, one worker gets the run's networks, another one trains in the plane.

(async () => {
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
    const buffer = await unpack(), arrays = arrayReader(contents.manifest, buffer);
    const ask = startWorker();
    await ask("load", { networks: contents.networks, manifest: contents.manifest, buffer });
    startImages(ask, arrays);
    startPlanes(arrays);
    startLive(startWorker(), arrays);
    startDigits(arrays);
    await selfCheck(ask, arrays);
    document.body.dataset.ready = "true";
  } catch (error) {
    find("self-check").textContent = `This page cannot run here: ${error.message}. A browser from 2023 or later is needed.`;
    throw error;
  }
})();
