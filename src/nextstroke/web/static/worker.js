// The worker that runs the networks: takes jobs from the page, and drops a job for a newer one of its kind.

import { bestLine } from "./engine/best_of.js";
import { compose } from "./engine/compose.js";
import { setConstants } from "./engine/constants.js";
import { Generator } from "./engine/generate.js";
import { NO_STYLE } from "./engine/hands.js";
import { knownSize, learnHand } from "./engine/learn_hand.js";
import { readModel, readStyles } from "./engine/model_file.js";
import { TextNetwork, WriterNetwork } from "./engine/network.js";
import { Random } from "./engine/random.js";
import { Recogniser } from "./engine/recogniser.js";

const KEPT = 400; // lines remembered, so that more typing does not write the same lines again
const remembered = new Map();
const newest = {}; // number of the newest job of each kind
class Dropped extends Error {}

const fetched = async (name) => {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
};
const unpacked = async (name) => {
  const packed = new Response(await fetched(`${name}.gz`)).body;
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
};
const once = (make) => {
  let made = null;
  return () => (made ??= make());
};
const kernel = once(async () => WebAssembly.compile(await fetched("engine/kernel.wasm")));
const load = (Kind, name) => once(async () => new Kind(await kernel(), await readModel(await unpacked(`models/${name}.onnx`))));
const writer = load(WriterNetwork, "writer");
const recogniser = load(Recogniser, "reader");
const textNetwork = load(TextNetwork, "text");
const loadConstants = once(async () => setConstants(JSON.parse(new TextDecoder().decode(await fetched("engine.json")))));
const styles = once(async () => readStyles(await unpacked("models/writer.styles")));
const size = once(async () => knownSize(await writer()));
const hands = new Map([["none", NO_STYLE]]); // and the user's own hands

async function hand(name) {
  const found = hands.get(name) ?? (await styles()).get(name);
  if (!found) throw new Error(`There is no hand called ${name}`);
  return found;
}

/** The line as it was written before, if it was; a new one is remembered. */
async function recalled(text, how) {
  const key = JSON.stringify([text, how.style.name, how.bias, how.seed, how.occurrence, how.candidates]);
  const line = remembered.get(key) ?? (await bestLine(text, how));
  remembered.delete(key); // moved to the end: the line that was not used for the longest time is dropped first
  remembered.set(key, line);
  if (remembered.size > KEPT) remembered.delete(remembered.keys().next().value);
  return line;
}

const jobs = {
  async styles() {
    return [...(await styles()).keys()];
  },

  async write({ text, style, bias, seed, candidates, page }, report, pause) {
    const chooser = candidates > 1 ? recogniser() : null;
    const loaded = await Promise.all([writer(), chooser, hand(style), loadConstants()]);
    const how = { network: loaded[0], recogniser: loaded[1], style: loaded[2], bias, seed, candidates, page, pause };
    const progress = (written, lines) => report({ progress: { written, lines } });
    for await (const row of compose(text, { ...how, write: recalled, progress })) {
      const { line, ...placed } = row;
      report({ row: { ...placed, phi: line?.phi, ys: line?.ys } });
      await pause();
    }
    return how.network.about.normalisation;
  },

  async thumbnail({ style, text }) {
    const loaded = await Promise.all([writer(), recogniser(), hand(style), loadConstants()]);
    const how = { network: loaded[0], recogniser: loaded[1], style: loaded[2] };
    return (await bestLine(text, { ...how, bias: 1, seed: 2, occurrence: 0, candidates: 3 })).ink;
  },

  /** Learn a hand from the user's lines; its name is new each time, so that no line of an older one is recalled. */
  async learn({ name, lines }) {
    await loadConstants();
    hands.set(name, learnHand(await writer(), name, lines, await size()));
  },

  /** ŷ of the next symbol: the page itself computes the probabilities at a temperature, at once. */
  async next({ text }) {
    const generator = new Generator(await textNetwork());
    generator.prime(text);
    return generator.y;
  },

  async type({ text, length, temperature, seed }, report, pause) {
    const generator = new Generator(await textNetwork());
    const random = new Random([seed]);
    const decoder = new TextDecoder();
    generator.prime(text);
    for (let i = 0; i < length; i++) {
      const byte = generator.draw(random.next(), temperature);
      report(decoder.decode(Uint8Array.of(byte), { stream: true }));
      await pause();
    }
    report(decoder.decode());
  },

  async stop() {},
};

async function work({ id, kind, drops, ...order }) {
  for (const other of drops ?? [kind]) newest[other] = id;
  const channel = new MessageChannel();
  const pause = () => new Promise((resolve, reject) => {
    channel.port1.onmessage = () => (newest[kind] === id ? resolve() : reject(new Dropped()));
    channel.port2.postMessage(null); // messages that arrived before are handled first
  });
  try {
    const result = await jobs[kind](order, (part) => postMessage({ id, part }), pause);
    postMessage({ id, result });
  } catch (error) {
    postMessage({ id, dropped: error instanceof Dropped, error: error.message });
  } finally {
    channel.port1.close();
  }
}

onmessage = ({ data }) => work(data);
