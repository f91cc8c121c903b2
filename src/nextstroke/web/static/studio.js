// The page: text and settings go to the worker, the ink that it writes is shown on the desk.

import { ask } from "./ask.js";
import { gcode, inkml, json, pathData, pdf, svg } from "./files.js";
import { setConstants } from "./engine/constants.js";
import { bounds, strokesOf } from "./engine/ink.js";
import { baselineOf, rowsOf } from "./engine/layout.js";
import { Inside } from "./inside.js";
import { offer } from "./offer.js";
import { OwnHand } from "./ownhand.js";
import { apng, gif, png } from "./pictures.js";
import { Desk } from "./sheet.js";
import { fragment, INKED, pageOf, read } from "./state.js";
import { Typing } from "./typing.js";

const WAIT = 350; // ms after the last key before the text is written
const $ = (id) => document.getElementById(id);
const FIELDS = ["text", "bias", "size", "pen", "colour", "format", "candidates", "seed", "ruled"];

let state = read(location.hash), past = [], own = null, normalisation = null, timer = 0;
const inside = new Inside($("reading"), $("window"), $("density"));
const desk = new Desk($("pages"), lookAt);

// The look inside.

const expectation = () => ({ bias: state.bias, temperature: Number($("warmth").value), normalisation, xHeight: state.size });

function lookAt(row, point) {
  if (!$("looking").hidden && row.phi && normalisation) inside.show(row, point, expectation());
}

/** Show or hide the view inside the network; where nothing is being written, it shows the last line. */
function showInside({ target }) {
  $("looking").hidden = !target.checked;
  const row = desk.rows.at(-1);
  if (!row?.finished) return;
  lookAt(row, row.ink.points.length - 1);
  inside.goTo(row.phi.length >> 1, expectation()); // at the end there is little left to expect
}

/** Show the point under the pointer in the picture of the window. */
function pointAt({ offsetX, target }) {
  if (inside.row) inside.goTo(Math.floor((offsetX / target.clientWidth) * inside.row.phi.length), expectation());
}

/** Show at once what is expected under a new bias or temperature, before the ink is written again. */
function showExpectation() {
  document.querySelector('output[for="warmth"]').value = Number($("warmth").value).toFixed(2);
  if (normalisation) inside.drawDensity(expectation());
}

// From the page to the state and back.

function showState() {
  for (const name of FIELDS) {
    if ($(name).type === "checkbox") $(name).checked = state[name];
    else if ($(name).value !== String(state[name])) $(name).value = state[name];
  }
  for (const output of $("settings").querySelectorAll("output")) output.value = $(output.htmlFor.value).value;
  for (const button of $("styles").children) {
    const chosen = button.dataset.style === state.style;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  $("undo").disabled = !past.length;
}

/** Change the state; the ink is written again after `wait` milliseconds. */
function change(changes, wait = 0) {
  if (!Object.entries(changes).some(([key, value]) => state[key] !== value)) return;
  past = [...past, state].slice(-200);
  const drawSeed = Object.keys(changes).some((key) => INKED.includes(key)) && !$("locked").checked;
  state = { ...state, ...(drawSeed ? { seed: randomSeed() } : {}), ...changes };
  follow(Object.keys(changes), wait);
}

function follow(changed, wait = 0) {
  showState();
  // The user's own hand stays in this browser: a link does not contain it.
  history.replaceState(null, "", fragment(state.style.startsWith("mine ") ? { ...state, style: "none" } : state));
  desk.dress(look());
  showExpectation();
  if (changed.every((key) => key === "pen" || key === "colour")) return;
  clearTimeout(timer);
  timer = setTimeout(write, wait);
}

const randomSeed = () => Math.floor(Math.random() * 100000);
const look = () => ({ colour: state.colour, pen: state.pen, ruled: state.ruled });

// Writing.

async function write() {
  const { text, style, bias, seed, candidates } = state;
  const page = pageOf(state);
  if (!text.trim()) return void ($("status").textContent = "Type something to be written.");
  let fresh = true;
  const show = ({ progress, row }) => {
    if (progress?.lines > 1) $("status").textContent = `Writing line ${progress.written} of ${progress.lines} …`;
    if (!row) return;
    if (fresh) desk.clear(look(), page);
    fresh = false;
    desk.add(row);
  };
  $("status").textContent = "Writing …";
  try {
    normalisation = await ask("write", { text, style, bias, seed, candidates, page }, show);
    const lines = desk.rows.length;
    $("status").textContent = `${lines} ${lines === 1 ? "line" : "lines"} in the hand “${handName(style)}”, seed ${seed}.`;
    $("pages").dataset.ready = fragment(state); // the tests wait for it
  } catch (error) {
    if (!error.dropped) $("status").textContent = error.message;
  }
}

const handName = (style) => (style.startsWith("mine ") ? "yours" : style);

// The gallery of hands.

function addHand(name, first = false) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: handName(name), title: handName(name) });
  button.dataset.style = name;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-label", handName(name));
  button.addEventListener("click", () => change({ style: name }));
  $("styles")[first ? "prepend" : "append"](button);
  return ask("thumbnail", { style: name, text: handName(name) }).then((ink) => button.replaceChildren(thumbnail(ink)));
}

function thumbnail(ink) {
  const [left, top, right, bottom] = bounds(ink), edge = 0.12 * (bottom - top);
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", [left - edge, top - edge, right - left + 2 * edge, bottom - top + 2 * edge].join(" "));
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(picture.namespaceURI, "path");
  path.setAttribute("d", strokesOf(ink).map(pathData).join(""));
  for (const [key, value] of Object.entries({ fill: "none", stroke: "#1a1a2e", "stroke-width": 1.6, "vector-effect": "non-scaling-stroke", "stroke-linecap": "round" })) {
    path.setAttribute(key, value);
  }
  picture.append(path);
  return picture;
}

/** Arrows move through a group of buttons of which one is chosen. */
function arrows(group, choose) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], all = [...group.children];
    if (!step) return;
    event.preventDefault();
    const next = all.at((all.indexOf(document.activeElement) + step) % all.length);
    next.focus();
    choose(next);
  });
}

// Files.

/** The pages as they are drawn: each {width, height, lines, baselines}. */
function pages() {
  const page = pageOf(state);
  const { width, height } = page;
  const baselines = state.ruled ? Array.from({ length: rowsOf(page) }, (_, row) => baselineOf(row, page)) : [];
  return desk.pages.map((_, number) => {
    const lines = desk.rows.filter((row) => row.number === number).map(({ ink }) => ink);
    return { width, height, baselines, lines };
  });
}

const KINDS = {
  svg: ["svg", "image/svg+xml", (page, how) => svg(page, { ...how, speed: 0 })],
  moving: ["svg", "image/svg+xml", (page, how) => svg(page, { ...how, speed: how.speed || 1 })],
  png: ["png", "image/png", png],
  apng: ["png", "image/apng", apng],
  gif: ["gif", "image/gif", gif],
  gcode: ["gcode", "text/plain", gcode],
  inkml: ["inkml", "application/inkml+xml", inkml],
  json: ["json", "application/json", json],
};

async function download(kind) {
  const how = { ...state, speed: Number($("speed").value) }, all = pages();
  if (kind === "pdf") return offer("nextstroke.pdf", new Blob([pdf(all, how)], { type: "application/pdf" }));
  const [suffix, type, make] = KINDS[kind];
  for (const [i, page] of all.entries()) {
    offer(`nextstroke${all.length > 1 ? `-${i + 1}` : ""}.${suffix}`, new Blob([await make(page, how)], { type }));
  }
}

// Wiring.

function wire() {
  for (const name of FIELDS) {
    const numeric = ["range", "number"].includes($(name).type) || name === "candidates";
    $(name).addEventListener("input", ({ target }) => {
      if (numeric && !target.checkValidity()) return;
      const value = target.type === "checkbox" ? target.checked : numeric ? Number(target.value) : target.value;
      change({ [name]: value }, ["text", "bias", "size", "seed"].includes(name) ? WAIT : 0);
    });
  }
  $("settings").addEventListener("submit", (event) => event.preventDefault());
  $("speed").addEventListener("input", pace);
  $("another").addEventListener("click", () => change({ seed: randomSeed() }));
  $("replay").addEventListener("click", () => desk.replay());
  $("undo").addEventListener("click", undo);
  $("link").addEventListener("click", copyLink);
  $("inside").addEventListener("change", showInside);
  $("warmth").addEventListener("input", showExpectation);
  $("window").addEventListener("pointermove", pointAt);
  $("download").addEventListener("change", ({ target }) => {
    if (target.value && desk.rows.length) download(target.value);
    target.value = "";
  });
  arrows($("styles"), (button) => button.click());
  for (const tab of document.querySelectorAll("[role=tab]")) tab.addEventListener("click", () => showTab(tab));
  arrows(document.querySelector("[role=tablist]"), showTab);
  addEventListener("hashchange", () => ((state = read(location.hash)), follow(["text"])));
}

function undo() {
  const before = past.pop();
  if (before) follow(Object.keys(before).filter((key) => before[key] !== state[key]), ((state = before), 0));
}

function pace() {
  const speed = Number($("speed").value);
  document.querySelector('output[for="speed"]').value = speed ? `${speed} ×` : "at once";
  desk.speed = speed;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    $("status").textContent = state.style.startsWith("mine ") ? "Copied. Your own hand stays here: the link writes without it." : "Copied: the link writes the very same ink.";
  } catch {
    $("status").textContent = "The browser does not allow it; copy the address instead: it is the link.";
  }
}

let typing = null;

function showTab(chosen) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !selected;
  }
  if (chosen.id === "tab-type") {
    typing ??= new Typing((text) => (showTab($("tab-write")), change({ text })));
    typing.ponder();
  }
}

async function start() {
  setConstants(await (await fetch("engine.json")).json());
  $("speed").value = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 2;
  wire();
  pace();
  showState();
  const written = write();
  const names = ["none", ...(await ask("styles"))];
  await written; // the text first, the thumbnails when the worker is free
  own = new OwnHand((name, go) => {
    $("styles").querySelector('[data-style^="mine "]')?.remove();
    addHand(name, true);
    if (go) showTab($("tab-write"));
    if (go || state.style.startsWith("mine ")) change({ style: name });
    else showState();
  });
  names.forEach((name) => addHand(name));
  showState();
  await own.recall();
}

start().catch((error) => ($("status").textContent = error.message));
