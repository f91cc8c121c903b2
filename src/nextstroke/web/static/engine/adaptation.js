// What is changed of a hand's lines while and after they are drawn (handwriting/adaptation.py).

import { constants } from "./constants.js";
import { argmax, median, moved } from "./ink.js";
import { measure } from "./layout.js";

export const NO_ADAPTATION = { lift: 0, shear: 0, stretch: 1, gap: 0, tall: 1 };

/** An adaptation with each value brought within its bounds; what is not finite is left out. */
export function boundedAdaptation(values) {
  const kept = Object.entries(values).filter(([, value]) => Number.isFinite(value));
  return { ...NO_ADAPTATION, ...Object.fromEntries(kept.map(([name, value]) => [name, bounded(name, value)])) };
}

/** A value within the bounds that its name has. */
export function bounded(name, value) {
  const [low, high] = constants.adaptation.BOUNDS[name];
  return Math.min(high, Math.max(low, value));
}

/** A line with its letters sheared and stretched, and its words moved apart. */
export function adapted({ shear, stretch, gap, tall }, { ink, phi, text }) {
  if (!shear && stretch === 1 && !gap && tall === 1) return ink;
  const { slope, baseline, xHeight } = measure(ink);
  const words = blanksBefore(ink, phi, [...text]);
  return moved(ink, ([x, y], i) => {
    const level = y - slope * x - baseline;
    const newX = stretch * (x + shear * level) + gap * xHeight * words[i];
    const outside = Math.min(level + xHeight, 0) + Math.max(level, 0);
    return [newX, level + (tall - 1) * outside + slope * newX + baseline];
  });
}

/** For each point the number of blanks before the word that its stroke belongs to. */
function blanksBefore({ ends }, phi, characters) {
  const owners = phi.map(argmax);
  const counts = [];
  let start = 0;
  ends.forEach((end, i) => {
    if (!end) return;
    const owner = median(owners.slice(start, i + 1));
    const blanks = characters.filter((character, u) => character === " " && u < owner).length;
    for (; start <= i; start++) counts.push(blanks);
  });
  return counts;
}
