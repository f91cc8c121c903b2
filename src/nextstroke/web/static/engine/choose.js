// Of several candidates of a line the one that reads best (handwriting/best_of.py).

import { sound, writeLine } from "./pen.js";
import { asRead } from "./reader.js";
import { plain } from "./signs.js";
import { specks } from "./specks.js";

const ATTEMPTS = 4; // how often a line is tried again of which no candidate is sound

/**
 * Write one line `candidates` times and keep the best.
 * @param {{network, reader, bias, seed, style, line, candidates, pause, unlike}} how `pause` is awaited between candidates;
 *   if the first is `unlike` what fits the page, it is given as it is: the others would be in vain
 */
export async function bestLine(text, how) {
  const drawn = [];
  for (let attempt = 0; attempt < how.candidates; attempt++) {
    drawn.push(writeLine(how.network, text, { ...how, attempt }));
    if (attempt === 0 && how.unlike?.(drawn[0])) return drawn[0];
    await how.pause?.();
  }
  const best = drawn.length > 1 ? mostLegible(how, text, drawn) : drawn[0];
  return sound(best) ? best : ((await again(text, how)) ?? best);
}

function mostLegible({ network, reader }, text, drawn) {
  const asked = plain(text, network.about.alphabet);
  const ranked = drawn.map((line) => ({
    line,
    rank: [!sound(line), specks(line.bare, asked) > 0, reader.misreading(asRead(line.bare, reader, network), asked)],
  }));
  return ranked.reduce((a, b) => (before(b.rank, a.rank) ? b : a)).line;
}

/** Whether one row of numbers comes before another, the first unlike ones deciding. */
function before(a, b) {
  const unlike = a.findIndex((value, i) => value !== b[i]);
  return unlike >= 0 && a[unlike] < b[unlike];
}

/** Each attempt has random numbers of its own; where there is no choice, the first candidate was one already. */
async function again(text, how) {
  const last = how.candidates > 1 ? how.candidates + ATTEMPTS : ATTEMPTS;
  for (let attempt = how.candidates; attempt < last; attempt++) {
    const line = writeLine(how.network, text, { ...how, attempt });
    if (sound(line)) return line;
    await how.pause?.();
  }
  return null;
}
