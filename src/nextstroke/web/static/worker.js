// The worker that runs the networks: takes jobs from the page, and drops a job for a newer one of its kind.

import { answerFor } from "./boot.js";
import { clean } from "./clean.js";
import { bestLine } from "./engine/best_of.js";
import { compose } from "./engine/compose.js";
import { xHeight } from "./engine/diacritics.js";
import { generated, Generator } from "./engine/generate.js";
import { NO_STYLE } from "./engine/hands.js";
import { bounds, moved } from "./engine/ink.js";
import { baselineOf, levelled, rowsOf } from "./engine/layout.js";
import { knownSize, learnHand } from "./engine/learn_hand.js";
import { loader, once } from "./engine/load.js";
import { prepare } from "./engine/request.js";
import { writeLine } from "./engine/sampler.js";
import { lineKey, rewrittenOf } from "./state.js";

const KEPT = 200; // lines remembered, so that more typing does not write the same lines again
const DRAFTS_KEPT = 60;
const PREVIEW_AFTER = 120; // ms; what is written sooner is shown in its place at once
const remembered = new Map();
const drafts = new Map(); // first attempts, of which the best line is chosen later
const newest = {}; // number of the newest job of each kind
const LOW = ["preview"]; // kinds of jobs that wait while others work
let busy = 0; // number of the other jobs
class Dropped extends Error {}

const fetched = async (name) => {
  const answer = await answerFor(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return name.endsWith(".gz") ? answer.body : answer.arrayBuffer(); // a stream is unpacked as it comes
};
const { writer, recogniser, textNetwork, styles, constants } = loader(fetched);
const size = once(async () => knownSize(await writer()));
let versions = 0;
const hands = new Map([["none", NO_STYLE]]); // and the user's own hands

async function hand(name) {
  const found = hands.get(name) ?? (await styles()).get(name);
  if (!found) throw new Error(`There is no hand called ${name}`);
  return found;
}

const AGAIN = 7919; // between the seeds of a line that is written again and again
const keyOf = (text, how) => JSON.stringify([text, how.style.name, how.style.version, how.bias, how.seed, how.occurrence, how.candidates]);

/** What a map holds for a key, made if it is missing; beyond `most` entries the one not used for the longest time is dropped. */
function recalled(map, most, key, make) {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value);
  return value;
}

/** The first attempt at a line, remembered. */
function draft(network, request) {
  if (request.attempt > 0) return writeLine(network, request);
  const key = keyOf(request.text.shown, { ...request, candidates: 1 });
  return recalled(drafts, DRAFTS_KEPT, key, () => writeLine(network, request));
}

/** The request for a line: one that was to be written again has other random numbers. */
function requestOf(text, how) {
  const again = how.rewritten.get(lineKey(text, how.occurrence)) ?? 0;
  return { ...how, seed: (how.seed + again * AGAIN) % 2 ** 32, draw: draft };
}

/** A line, remembered. */
async function bestRemembered(text, how) {
  const request = requestOf(text, how);
  const key = keyOf(text, request);
  const line = remembered.get(key) ?? (await bestLine(text, request));
  return recalled(remembered, KEPT, key, () => line);
}

/** A first attempt in place of the best line, unless that is known. */
async function draftLine(text, how) {
  const request = requestOf(text, how);
  const best = remembered.get(keyOf(text, { ...request, candidates: how.best }));
  if (best) return best;
  const line = draft(how.network, { ...request, text: prepare(text, how.network.about.alphabet), attempt: 0 });
  await how.pause();
  return line;
}

/** A row where it will stand, about: before its page is known as a whole. */
function preview(line, index, page, scale) {
  const ink = levelled(line.ink, scale, page.slant);
  const row = page.height ? index % rowsOf(page) : index;
  const number = page.height ? Math.floor(index / rowsOf(page)) : 0;
  const baseline = baselineOf(row, page);
  const width = page.width ?? Math.max(bounds(ink)[2] + 2 * page.margin, 1);
  const height = page.height ?? baseline + page.margin;
  const placed = moved(ink, ([x, y]) => [x + page.margin, y + baseline]);
  return { text: line.text, written: line.written, number, width, height, baseline, ink: placed, phi: line.phi, ys: line.ys, scale };
}

/** A row as it is sent to the page. */
const sent = ({ line, ...placed }) => ({ ...placed, phi: line?.phi, ys: line?.ys });

/** Write first attempts at all lines; gives the number of lines. */
async function writeDraft(text, how, report) {
  const started = performance.now();
  let rows = 0;
  let lines = 0;
  const progress = (written, _lines, line) => {
    if (performance.now() - started < PREVIEW_AFTER) return;
    const scale = how.page.xHeight / Math.max(xHeight({ ...line, text: line.written }), 1e-9);
    report({ row: preview(line, rows + written - 1, how.page, scale), index: rows + written - 1, stage: "preview" });
  };
  for await (const row of compose(text, { ...how, candidates: 1, write: draftLine, progress })) {
    if (row.line) lines += 1;
    report({ row: sent(row), index: rows++, stage: "draft" });
    await how.pause();
  }
  return lines;
}

const jobs = {
  /**
   * Write a text: first drafts of all lines, then the best of several attempts of each.
   * Parts: {strange} characters that cannot be written, {row, index, stage} with stage "preview", "draft" or "best", and
   * {progress: {written, lines, stage}}.
   */
  async write({ text, styles: names, bias, seed, candidates, page, markup, replace, again }, report, pause) {
    const [network, ...loaded] = await Promise.all([writer(), constants(), ...names.map(hand)]);
    const styles = loaded.slice(1);
    const cleaned = clean(text, network.about.alphabet, replace);
    report({ strange: cleaned.strange });
    if (!cleaned.text.trim()) throw new Error("EMPTY");
    const how = { network, styles, bias, seed, page, markup, pause, rewritten: rewrittenOf(again) };
    const drafted = candidates > 1 ? await writeDraft(cleaned.text, { ...how, best: candidates }, report) : 0;
    const chooser = candidates > 1 ? await recogniser() : null;
    let total = 0;
    const progress = (written, lines) => {
      report({ progress: { written: total + written, lines: Math.max(drafted, total + lines) } });
    };
    let index = 0;
    for await (const row of compose(cleaned.text, { ...how, recogniser: chooser, candidates, write: bestRemembered, progress })) {
      if (row.line) total += 1;
      report({ row: sent(row), index: index++, stage: "best" });
      await pause();
    }
    return { normalisation: network.about.normalisation, rows: index, text: cleaned.text };
  },

  /** The ink of a line in another style, on its baseline. */
  async preview({ text, style, bias, seed }, _report, pause) {
    const [network, loaded] = await Promise.all([writer(), hand(style), constants()]);
    const cleaned = clean(text, network.about.alphabet, "");
    if (!cleaned.text.trim()) throw new Error("EMPTY");
    await pause();
    const request = { style: loaded, bias, seed, occurrence: 0, attempt: 0, text: prepare(cleaned.text, network.about.alphabet) };
    return levelled(draft(network, request).ink);
  },

  /** Learn a hand from the user's lines; its version is new each time, so that no line of an older one is recalled. */
  async learn({ name, lines }) {
    await constants();
    const learned = learnHand(await writer(), name, lines, await size(), await recogniser());
    hands.set(name, { ...learned, version: ++versions });
  },

  async forget({ name }) {
    hands.delete(name);
  },

  /** ŷ of the next symbol: the page itself computes the probabilities at a temperature, at once. */
  async next({ text }) {
    const generator = new Generator(await textNetwork());
    generator.prime(text);
    return generator.y;
  },

  async type({ text, length, temperature, seed }, report, pause) {
    for (const piece of generated(await textNetwork(), text, { length, temperature, seed })) {
      report(piece);
      await pause();
    }
  },

  async stop() {},
};

const pauseAWhile = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Do a job and answer it. */
export async function work({ id, kind, drops, ...order }) {
  for (const other of drops ?? [kind]) newest[other] = id;
  const channel = new MessageChannel();
  const heard = () => new Promise((resolve, reject) => {
    channel.port1.onmessage = () => (newest[kind] === id ? resolve() : reject(new Dropped()));
    channel.port2.postMessage(null); // messages that arrived before are handled first
  });
  const isLow = LOW.includes(kind);
  const pause = async () => {
    await heard();
    while (isLow && busy) {
      await pauseAWhile();
      await heard();
    }
  };
  if (!isLow) busy += 1;
  try {
    if (isLow) await pause();
    const result = await jobs[kind](order, (part) => postMessage({ id, part }), pause);
    postMessage({ id, result });
  } catch (error) {
    postMessage({ id, dropped: error instanceof Dropped, error: error.message });
  } finally {
    if (!isLow) busy -= 1;
    channel.port1.close();
  }
}
