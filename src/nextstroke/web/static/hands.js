// The user's own hands: {name, lines}, kept in this browser, learned by the worker when they are first used.

import { ask } from "./ask.js";
import { compressed, decompressed } from "./engine/compression.js";
import { keep, recall } from "./store.js";

export const OWN = "mine:"; // before the name of an own hand in a state

// Earlier versions kept one hand without a name.
const earlier = recall("hand", null);
let hands = recall("hands", Array.isArray(earlier) ? [{ name: "Mine", lines: earlier }] : []);
const learned = new Map(); // by name: the promise of its learning

export const ownHands = () => hands;
export const isOwn = (style) => style.startsWith(OWN);
export const nameOf = (style) => (isOwn(style) ? style.slice(OWN.length) : style);
export const findHand = (style) => hands.find(({ name }) => name === nameOf(style));

/** Learn a hand of a state, once. */
export function ready(style) {
  if (!isOwn(style)) return Promise.resolve();
  const hand = findHand(style);
  if (!hand) return Promise.reject(new Error(`There is no hand called ${style}`));
  if (!learned.has(style)) {
    const learning = ask("learn", { name: style, lines: hand.lines });
    learned.set(style, learning);
    learning.catch(() => learned.delete(style));
  }
  return learned.get(style);
}

/** Learn lines as a hand and keep it; gives whether the browser did. A hand of the same name is replaced. */
export async function addHand(name, lines) {
  const style = OWN + name;
  await ask("learn", { name: style, lines });
  learned.set(style, Promise.resolve());
  hands = [...hands.filter((hand) => hand.name !== name), { name, lines }];
  return keep("hands", hands);
}

/** A name that no hand has yet. */
export function freeName(wanted) {
  const base = wanted.replaceAll(",", " ").trim().slice(0, 30) || "Mine";
  let name = base;
  for (let i = 2; hands.some((hand) => hand.name === name); i++) name = `${base} ${i}`;
  return name;
}

export function renameHand(from, to) {
  const hand = hands.find(({ name }) => name === from);
  hand.name = freeName(to);
  keep("hands", hands);
  return hand.name;
}

export function removeHand(name) {
  hands = hands.filter((hand) => hand.name !== name);
  learned.delete(OWN + name);
  keep("hands", hands);
}

// A hand in a link: steps of whole numbers, packed.

const UNITS = 400; // of a line's height

/** A hand as text for a link. */
export async function packHand({ name, lines }) {
  const packed = lines.map(({ text, strokes }) => {
    const heights = strokes.flat().map(([, y]) => y);
    const scale = UNITS / Math.max(Math.max(...heights) - Math.min(...heights), 1e-9);
    return { text, strokes: strokes.map((stroke) => steps(stroke.map((point) => point.map((value) => Math.round(value * scale))))) };
  });
  const bytes = await compressed(JSON.stringify({ name, lines: packed }), "deflate-raw");
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_");
}

function steps(points) {
  return points.flatMap(([x, y], i) => (i ? [x - points[i - 1][0], y - points[i - 1][1]] : [x, y]));
}

/** The hand in a link: {name, lines}; throws for another text. */
export async function unpackHand(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const { name, lines } = JSON.parse(new TextDecoder().decode(await decompressed(bytes, "deflate-raw")));
  return { name: String(name), lines: lines.map((line) => ({ text: String(line.text), strokes: line.strokes.map(pointsOf) })) };
}

/** A stroke from its first point and the steps to the next ones, as `steps` gives them. */
export function pointsOf(values) {
  const points = [];
  let x = 0;
  let y = 0;
  for (let i = 0; i + 1 < values.length; i += 2) {
    x += Number(values[i]);
    y += Number(values[i + 1]);
    points.push([x, y]);
  }
  return points;
}
