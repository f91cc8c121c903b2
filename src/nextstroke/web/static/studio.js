// The entry: loads what all need, wires the views, writes the first text.

import { app, emit, keepAddress, on, tell, write } from "./app.js";
import { setConstants } from "./engine/constants.js";
import { addHand, freeName, ownHands, unpackHand } from "./hands.js";
import { t, translatePage } from "./i18n.js";
import { wireBar } from "./views/bar.js";
import { Dream } from "./views/dream.js";
import { previewChosen, wireGallery } from "./views/gallery.js";
import { enterHand, wireHand } from "./views/ownhand.js";
import { wirePaper } from "./views/paperview.js";
import { wirePlot } from "./views/plot.js";
import { wireRail } from "./views/rail.js";
import { wireShell } from "./views/shell.js";
import { wireText } from "./views/text.js";
import { fragment } from "./state.js";

let dream = null;

async function start() {
  translatePage();
  const constants = fetch("engine.json").then((answer) => answer.json()).then(setConstants);
  const desk = wirePaper();
  wireText();
  wireBar();
  wirePlot();
  wireRail(desk);
  wireHand();
  wireShell(desk, { hand: enterHand, dream: () => (dream ??= new Dream()) });
  performance.mark("interactive"); // what is typed now is heard; read by benchmarks/studio.py
  const gallery = wireGallery(constants);
  await constants;
  await takeHands();
  // The tests wait for it: the fragment of what is on the paper.
  on("written", () => (document.getElementById("pages").dataset.ready = fragment(app.state)));
  await Promise.all([write(), gallery]);
  previewChosen();
  keepOffline();
}

/** Hands in the link: they become hands of this browser. */
async function takeHands() {
  const packed = new URLSearchParams(location.hash.slice(1)).getAll("hand");
  for (const text of packed) {
    try {
      const { name, lines } = await unpackHand(text);
      const known = ownHands().find((hand) => hand.name === name);
      if (known) continue;
      await addHand(freeName(name), lines);
    } catch {
      tell(t("The hand in this link is broken."), { kind: "error" });
    }
  }
  emit("hands");
  keepAddress();
}

/** Keep the page for use without a connection, once there is ink. */
function keepOffline() {
  if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("sw.js").catch(() => {});
}

start().catch((error) => {
  tell(t("The page could not be loaded as a whole. Check the connection and try again."), { kind: "error", retry: () => location.reload() });
  console.error(error);
});

