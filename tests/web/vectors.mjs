// Runs a list of jobs, given as JSON on standard input, in the browser's engine, and prints the results as JSON.

import fs from "node:fs";

const [engine, models, constantsFile] = process.argv.slice(2);
const modules = [
  "best_of", "compose", "constants", "diacritics", "generate", "hands", "layout", "learn_hand", "mixture_sampling",
  "model_file", "network", "random", "recogniser", "request", "sampler", "symbols", "traits",
];
const loaded = await Promise.all(modules.map((name) => import(`${engine}/${name}.js`)));
const {
  bestLine, component, compose, draw, Generator, isComplete, knownSize, learnHand, levelled, measure, NO_STYLE,
  normal, plain, prepare, Random, readModel, readStyles, Recogniser, setConstants, strayDots, TextNetwork, traitsOf,
  weights,
  writeLine, WriterNetwork,
} = Object.assign({}, ...loaded);

const files = { ...(await import(`${engine}/../files.js`)), ...(await import(`${engine}/../plotter.js`)), ...(await import(`${engine}/../pdf.js`)) };
const { moments } = await import(`${engine}/../pictures.js`);

const buffer = (path) => new Uint8Array(fs.readFileSync(path)).buffer;
const kernel = new WebAssembly.Module(fs.readFileSync(`${engine}/kernel.wasm`));
const network = async (Kind, name) => new Kind(kernel, await readModel(buffer(`${models}/${name}.onnx`)));
setConstants(JSON.parse(fs.readFileSync(constantsFile)));
const writer = await network(WriterNetwork, "writer");
const recogniser = await network(Recogniser, "reader");
const styles = readStyles(buffer(`${models}/writer.styles`));
const hand = (name) => styles.get(name) ?? NO_STYLE;

/** Lines that Python wrote, by text and occurrence: {text, written, points, ends, peaks}, `peaks` being the window's at each point. */
function given(lines) {
  const byKey = new Map(lines.map((line) => [JSON.stringify([line.text, line.occurrence]), line]));
  return (text, { occurrence }) => {
    const line = byKey.get(JSON.stringify([text, occurrence]));
    if (!line) throw new Error(`no line ${JSON.stringify(text)}, occurrence ${occurrence}`);
    const phi = line.peaks.map((peak) => Float32Array.from({ length: [...line.written].length + 1 }, (_, u) => (u === peak ? 1 : 0)));
    return { ...line, ink: { points: line.points, ends: line.ends }, phi };
  };
}

const jobs = {
  file({ format, page, look, about }) {
    if (format === "moving") return files.svg(page, look, about, 1);
    const made = format === "pdf" ? files.pdf([page], look, about) : files[format](page, look, about);
    return typeof made === "string" ? made : { base64: Buffer.from(made).toString("base64") };
  },
  moments: ({ page, look }) => moments(page, look).map(({ time, from, to }) => [time, ...from, ...to]),
  random({ entropy, count, kind }) {
    const random = new Random(entropy);
    return Array.from({ length: count }, () => (kind === "normal" ? random.normal() : random.next()));
  },
  draw: ({ y, bias, uniforms }) => draw(Float32Array.from(y), bias, uniforms),
  mixture({ y, bias, temperature }) {
    const row = Float32Array.from(y);
    return weights(row, bias, temperature).map((pi, j) => ({ pi, ...component(row, j, bias, temperature) }));
  },
  gallery({ bytes }) {
    const hands = readStyles(new Uint8Array(Buffer.from(bytes, "base64")).buffer);
    return [...hands.values()].map((hand) => {
      const state = Object.fromEntries(Object.entries(hand.state).map(([name, row]) => [name, Array.from(row)]));
      return { ...hand, state, last: Array.from(hand.last) };
    });
  },
  line({ text, style, adaptation, ...request }) {
    const prepared = prepare(text, writer.about.alphabet);
    const own = adaptation ? { ...hand(style), adaptation: { ...hand(style).adaptation, ...adaptation } } : hand(style);
    const line = writeLine(writer, { ...request, text: prepared, style: own });
    const phi = Array.from(line.phi.at(-1));
    return { points: line.ink.points, ends: line.ink.ends, complete: isComplete(line), phi };
  },
  async best({ text, style, ...how }) {
    return (await bestLine(text, { network: writer, recogniser, style: hand(style), ...how })).ink.points;
  },
  async compose({ text, style, lines, ...how }) {
    const rows = [];
    const write = lines && given(lines);
    for await (const row of compose(text, { network: writer, recogniser, style: hand(style), write, ...how })) {
      const { text: shown, number, width, height, ink, scale } = row;
      rows.push({ text: shown ?? null, number, width, height, scale, ...ink });
    }
    return rows;
  },
  strayDots: ({ points, ends, text }) => strayDots({ points, ends }, text),
  read: ({ points, ends, text }) => recogniser.ctcNll({ points, ends }, text),
  characters: ({ text }) => [normal(text), plain(normal(text), writer.about.alphabet)],
  traits: ({ points, ends, text }) => traitsOf({ points, ends }, text),
  size: () => knownSize(writer),
  learn({ lines, xHeight }) {
    const { text, last, state, adaptation } = learnHand(writer, "mine", lines, xHeight, recogniser);
    return { text, adaptation, last: Array.from(last), kappa: Array.from(state.kappa), h3: Array.from(state.h3) };
  },
  level: ({ points, ends }) => ({ ...measure({ points, ends }), points: levelled({ points, ends }).points }),
  async generate({ prime, length, temperature, seed }) {
    const generator = new Generator(await network(TextNetwork, "text"));
    const random = new Random([seed]);
    generator.prime(prime);
    return Array.from({ length }, () => generator.draw(random.next(), temperature));
  },
};

const results = [];
for (const { job, ...order } of JSON.parse(fs.readFileSync(0))) {
  try {
    results.push(await jobs[job](order));
  } catch (error) {
    results.push({ error: error.message });
  }
}
console.log(JSON.stringify(results));
