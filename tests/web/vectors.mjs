// Does what a list of jobs on standard input asks of the browser's engine, and tells the results as JSON.

import fs from "node:fs";

const [engine, models, marks] = process.argv.slice(2);
const load = (name) => import(`${engine}/${name}.js`);
const [{ readModel, readStyles }, { WriterNetwork, TextNetwork }, { writeLine, NO_STYLE, sound }] = await Promise.all(["modelfile", "network", "pen"].map(load));
const [{ bestLine }, { Reader }, { learnHand, knownSize }] = await Promise.all(["choose", "reader", "hand"].map(load));
const [{ Typist }, { Random }, { setMarks, normal }, { plain }] = await Promise.all(["generate", "random", "marks", "signs"].map(load));
const [{ component, draw, logDensity, weights }, { levelled, measure }, { specks }] = await Promise.all(["mixture", "layout", "specks"].map(load));

const buffer = (path) => new Uint8Array(fs.readFileSync(path)).buffer;
const kernel = new WebAssembly.Module(fs.readFileSync(`${engine}/kernel.wasm`));
const network = async (Kind, name) => new Kind(kernel, await readModel(buffer(`${models}/${name}.onnx`)));
setMarks(JSON.parse(fs.readFileSync(marks)));
const writer = await network(WriterNetwork, "writer"), reader = await network(Reader, "reader");
const styles = readStyles(buffer(`${models}/writer.styles`));
const hand = (name) => styles.get(name) ?? NO_STYLE;

const jobs = {
  random: ({ entropy, count }) => ((random) => Array.from({ length: count }, () => random.next()))(new Random(entropy)),
  draw: ({ y, bias, uniforms }) => draw(Float32Array.from(y), bias, uniforms),
  density: ({ y, offset }) => logDensity(Float32Array.from(y), offset),
  mixture: ({ y, bias, temperature }) => {
    const row = Float32Array.from(y), pi = weights(row, bias, temperature);
    return pi.map((weight, j) => ({ pi: weight, ...component(row, j, bias, temperature) }));
  },
  line: ({ text, style, ...how }) => {
    const line = writeLine(writer, normal(text), { ...how, style: hand(style) });
    return { points: line.ink.points, ends: line.ink.ends, sound: sound(line), phi: Array.from(line.phi.at(-1)) };
  },
  best: async ({ text, style, ...how }) => (await bestLine(text, { network: writer, reader, style: hand(style), ...how })).ink.points,
  specks: ({ points, ends, text }) => specks({ points, ends }, text),
  read: ({ points, ends, text }) => reader.misreading({ points, ends }, text),
  marks: ({ text }) => [normal(text), plain(normal(text), writer.about.alphabet)],
  size: () => knownSize(writer),
  learn: ({ lines, xHeight }) => {
    const learned = learnHand(writer, "mine", lines, xHeight);
    return { text: learned.text, last: Array.from(learned.last), kappa: Array.from(learned.state.kappa), h3: Array.from(learned.state.h3) };
  },
  level: ({ points, ends }) => ({ ...measure({ points, ends }), points: levelled({ points, ends }).points }),
  generate: async ({ prime, length, temperature, seed }) => {
    const typist = new Typist(await network(TextNetwork, "text")), random = new Random([seed]);
    typist.prime(prime);
    return Array.from({ length }, () => typist.draw(random.next(), temperature));
  },
};

const results = [];
for (const { kind, ...order } of JSON.parse(fs.readFileSync(0))) {
  try {
    results.push(await jobs[kind](order));
  } catch (error) {
    results.push({ error: error.message });
  }
}
console.log(JSON.stringify(results));
