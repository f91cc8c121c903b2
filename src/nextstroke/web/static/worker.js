// The networks at work, beside the page: takes one job at a time, and drops it for a newer one of its kind.

import { bestLine } from "./engine/choose.js";
import { Typist } from "./engine/generate.js";
import { knownSize, learnHand } from "./engine/hand.js";
import { compose } from "./engine/letter.js";
import { setMarks } from "./engine/marks.js";
import { readModel, readStyles } from "./engine/modelfile.js";
import { TextNetwork, WriterNetwork } from "./engine/network.js";
import { NO_STYLE } from "./engine/pen.js";
import { Random } from "./engine/random.js";
import { Reader } from "./engine/reader.js";

const KEPT = 400; // lines remembered, so that typing on leaves what is written as it is
const remembered = new Map();
const newest = {}; // number of the newest job of each kind
class Dropped extends Error {}

const fetched = async (name) => {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
};
const once = (make) => {
  let made = null;
  return () => (made ??= make());
};
const kernel = once(async () => WebAssembly.compile(await fetched("engine/kernel.wasm")));
const load = (Kind, name) => once(async () => new Kind(await kernel(), await readModel(await fetched(`models/${name}.onnx`))));
const writer = load(WriterNetwork, "writer"), reader = load(Reader, "reader"), textNetwork = load(TextNetwork, "text");
const tables = once(async () => setMarks(JSON.parse(new TextDecoder().decode(await fetched("marks.json")))));
const styles = once(async () => readStyles(await fetched("models/writer.styles")));
const size = once(async () => knownSize(await writer()));
const hands = new Map([["none", NO_STYLE]]); // and those of the user's own

async function hand(name) {
  const found = hands.get(name) ?? (await styles()).get(name);
  if (!found) throw new Error(`There is no hand called ${name}`);
  return found;
}

/** A line written before is given again; a new one is remembered. */
async function recalled(text, how) {
  const key = JSON.stringify([text, how.style.name, how.bias, how.seed, how.line, how.candidates]);
  const line = remembered.get(key) ?? (await bestLine(text, how));
  if (how.unlike(line)) return line;
  remembered.delete(key); // to the end: the longest unused goes first
  remembered.set(key, line);
  if (remembered.size > KEPT) remembered.delete(remembered.keys().next().value);
  return line;
}

const jobs = {
  async styles() {
    return [...(await styles()).keys()];
  },

  async write({ text, style, bias, seed, candidates, page }, tell, pause) {
    const [network, judge, own] = await Promise.all([writer(), candidates > 1 ? reader() : null, hand(style), tables()]);
    const how = { network, reader: judge, style: own, bias, seed, candidates, page, write: recalled, pause };
    for await (const row of compose(text, how)) {
      const { line, ...placed } = row;
      tell({ ...placed, phi: line?.phi, ys: line?.ys });
      await pause();
    }
    return network.about.normalisation;
  },

  async thumbnail({ style, text }) {
    const [network, judge, own] = await Promise.all([writer(), reader(), hand(style), tables()]);
    const how = { network, reader: judge, style: own, bias: 1, seed: 2, line: 0, candidates: 3 };
    return (await bestLine(text, how)).ink;
  },

  /** A hand from the user's lines; its name is new each time, so that no line of an older one is recalled. */
  async learn({ name, lines }) {
    await tables();
    hands.set(name, learnHand(await writer(), name, lines, await size()));
  },

  /** ŷ of the next symbol: what it means at a temperature the page works out itself, at once. */
  async next({ text }) {
    const typist = new Typist(await textNetwork());
    typist.prime(text);
    return typist.y;
  },

  async type({ text, length, temperature, seed }, tell, pause) {
    const typist = new Typist(await textNetwork()), random = new Random([seed]), decoder = new TextDecoder();
    typist.prime(text);
    for (let i = 0; i < length; i++) {
      const byte = typist.draw(random.next(), temperature);
      tell(decoder.decode(Uint8Array.of(byte), { stream: true }));
      await pause();
    }
    tell(decoder.decode());
  },

  async stop() {},
};

async function work({ id, kind, drops, ...order }) {
  for (const other of drops ?? [kind]) newest[other] = id;
  const channel = new MessageChannel();
  const pause = () => new Promise((resolve, reject) => {
    channel.port1.onmessage = () => (newest[kind] === id ? resolve() : reject(new Dropped()));
    channel.port2.postMessage(null); // other messages come in between
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
