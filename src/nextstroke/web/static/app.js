// The actions: all that changes what is written. Views listen to its events and call its functions.

import { ask } from "./ask.js";
import * as documents from "./documents.js";
import * as hands from "./hands.js";
import { History } from "./history.js";
import { t } from "./i18n.js";
import { DEFAULTS, DRESSING, fragment, pageOf, read } from "./state.js";

const listeners = new Map();
// Undo and redo of each document that was opened on this page, by its id: a step back never brings the text of another one.
const histories = new Map();

function history() {
  const id = documents.openId();
  if (!histories.has(id)) histories.set(id, new History());
  return histories.get(id);
}

export const app = {
  state: startingState(),
  written: null, // {state, pages, text} of the last text that was written to its end
  normalisation: null,
  isBusy: false,
};

/** Call a function at each event of a name: "state", "written", "progress", "status", "strange", "hands". */
export function on(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

export function emit(name, detail = undefined) {
  for (const listener of listeners.get(name) ?? []) listener(detail);
}

/** Show a message. @param {{kind?: "plain"|"error", retry?: () => void}} how */
export const tell = (text, how = {}) => emit("status", { text, kind: "plain", ...how });

let timer = 0;
let desk = null;

/** The desk on which rows are put (sheet.js). */
export const useDesk = (made) => (desk = made);

export const canUndo = () => history().canUndo;
export const canRedo = () => history().canRedo;
export const randomSeed = () => Math.floor(Math.random() * 100000);

/** The names of the fields in which values differ from a state. */
const changed = (values, state = app.state) => Object.keys(values).filter((key) => state[key] !== values[key]);

/**
 * Change the state.
 * @param {object} changes fields with their new values
 * @param {{wait?: number, joins?: boolean}} how ms before it is written; whether it may belong to the last step of the history
 */
export function change(changes, { wait = 0, joins = false } = {}) {
  const fields = changed(changes);
  if (!fields.length) return;
  if (!joins) history().seal();
  const isStep = history().record(app.state, fields, performance.now());
  follow({ ...app.state, ...changes }, fields, wait, isStep);
}

/** The next change is a step of its own. */
export const sealStep = () => history().seal();

export function undo() {
  restore(history().undo(app.state));
}

export function redo() {
  restore(history().redo(app.state));
}

function restore(state) {
  if (state) follow(state, changed(state), 0, false);
}

/**
 * The state that the page begins with. The address belongs to the document that its entry in the browser's history names; a
 * link whose text is not that of the open document begins a new one. Without a text in the address the open document is shown.
 */
function startingState() {
  const state = read(location.hash);
  const id = window.history.state?.document;
  if (id) documents.choose(id);
  const saved = savedState();
  if (!location.hash && saved) return saved;
  if (!id && saved && fragment({ ...state, view: saved.view }) !== fragment(saved)) documents.choose();
  return state;
}

/** The state that is saved in the open document, or null. */
function savedState() {
  const saved = documents.open();
  return saved && read(saved.fragment);
}

/** Write the state into the address. @param {boolean} isStep whether "back" leads to the address before */
function setAddress(isStep) {
  const entry = { document: documents.openId() };
  // Browsers allow few changes of the address in a short time; what they refuse is only a step less for "back".
  try {
    if (isStep) window.history.pushState(entry, "", fragment(app.state));
    else window.history.replaceState(entry, "", fragment(app.state));
  } catch { /* the state itself is kept */ }
}

/** Name the document in the entry of the browser's history with which the page was opened. */
export const keepAddress = () => setAddress(false);

/** Take the state of the address, after a step back or forth in the browser, or with another link. */
export function takeAddress() {
  const state = read(location.hash);
  const id = window.history.state?.document;
  const isOther = id !== documents.openId();
  const shown = changed(state);
  if (!isOther && !shown.length) return;
  history().seal();
  if (isOther) documents.choose(id);
  const before = isOther ? savedState() ?? state : app.state;
  const steps = changed(state, before);
  if (steps.length) history().record(before, steps, performance.now());
  app.state = state;
  if (!id) keepAddress();
  save(shown);
  emit("state", shown);
  schedule(shown, 0);
}

/** Take another state, as a step of the document's history. */
export function openState(state) {
  change({ ...state, view: "write" });
}

/** Open a document; without an id a new one that looks like the present one. What is undone there are its own steps. */
export function openDocument(id = undefined) {
  history().seal();
  documents.choose(id);
  const state = { ...(savedState() ?? { ...app.state, text: "", again: "" }), view: "write" };
  follow(state, changed(state), 0, true);
}

function follow(state, fields, wait, isStep) {
  app.state = state;
  setAddress(isStep);
  save(fields);
  emit("state", fields);
  schedule(fields, wait);
}

/** Save the state in the open document, unless only another tab is shown. */
function save(fields) {
  if (fields.length === 1 && fields[0] === "view") return;
  documents.saveState(fragment(app.state), nameOf(app.state), Date.now());
}

function schedule(fields, wait) {
  if (desk) desk.dress(lookOf(app.state));
  if (fields.every((field) => DRESSING.includes(field))) {
    if (app.written && !app.isBusy) app.written = { ...app.written, state: app.state, pages: desk.finishedPages() };
    return;
  }
  clearTimeout(timer);
  app.isBusy = true;
  timer = setTimeout(write, wait);
}

/** The name of a new document: its first line. */
export const nameOf = ({ text }) => text.trim().split("\n")[0].slice(0, 40) || t("Untitled");

const lookOf = ({ colour, pen, nib, paper, sheet }) => ({ colour, pen, nib, paper, sheet });

/** Write the text; what is downloaded is what was written last to its end. */
export async function write() {
  const { state } = app;
  app.isBusy = true;
  if (!state.text.trim()) return stopWithout(state, t("Type something to be written."));
  const styles = state.style.split(",");
  const page = pageOf(state);
  let begun = false;
  const take = (part) => {
    if (part.strange) emit("strange", part.strange);
    if (part.progress) emit("progress", part.progress);
    if (!part.row) return;
    if (!begun) desk.begin(lookOf(app.state), page);
    begun = true;
    desk.put(part.row, part.index, part.stage);
  };
  emit("progress", { written: 0, lines: 0 });
  try {
    await Promise.all([...new Set(styles)].map(hands.ready));
    const { text, bias, seed, candidates, markup, replace, again } = state;
    const done = await ask("write", { text, styles, bias, seed, candidates, page, markup, replace, again }, take);
    desk.end(done.rows);
    app.normalisation = done.normalisation;
    app.isBusy = false;
    app.written = { state: { ...state, ...dressing(app.state) }, pages: desk.finishedPages(), text: done.text };
    emit("written");
  } catch (error) {
    if (error.dropped) return null;
    if (error.message === "EMPTY") return stopWithout(state, t("None of these signs can be written."));
    app.isBusy = false;
    emit("progress", null);
    tell(explained(error), { kind: "error", retry: write });
  }
  return null;
}

const dressing = (state) => Object.fromEntries(DRESSING.map((field) => [field, state[field]]));

/** There is nothing to write: the paper is empty, and nothing can be downloaded. */
async function stopWithout(state, message) {
  await ask("stop", { drops: ["write"] });
  if (app.state !== state) return null;
  desk.begin(lookOf(state), pageOf(state));
  desk.end(0);
  Object.assign(app, { written: null, isBusy: false });
  if (!state.text.trim()) emit("strange", []);
  emit("progress", null);
  emit("written");
  tell(message);
  return null;
}

/** Give up what is being written; what is there stays on the paper, dimmed where it is old. */
export async function cancel() {
  clearTimeout(timer);
  await ask("stop", { drops: ["write"] });
  desk.finish();
  emit("progress", null);
  tell(t("Stopped. What is pale is not written yet."), { retry: write });
}

/** An error of the worker in words that help. */
export function explained(error) {
  const missing = /^There is no hand called (.*)$/.exec(error.message)?.[1];
  if (missing !== undefined) return t("The hand “{name}” is not in this browser. Choose another one.", { name: hands.nameOf(missing) });
  if (/fetch|network|load failed|: \d{3} /i.test(error.message)) {
    return t("The handwriting network could not be fetched. Check the connection and try again.");
  }
  if (/no room/.test(error.message)) return t("This page has no room for the text. Choose a larger page, smaller letters or a smaller margin.");
  if (/does not seem to say/.test(error.message)) return t("The ink does not seem to say these words. Please write them once more.");
  return error.message;
}

/** The address that gives the same ink; own hands are part of it. */
export async function linkOf(state) {
  const own = [...new Set(state.style.split(","))].filter(hands.isOwn).map(hands.findHand).filter(Boolean);
  const packed = await Promise.all(own.map(hands.packHand));
  const base = location.href.replace(/#.*$/, "");
  return `${base}${fragment({ ...state, view: DEFAULTS.view })}${packed.map((hand) => `&hand=${hand}`).join("")}`;
}
