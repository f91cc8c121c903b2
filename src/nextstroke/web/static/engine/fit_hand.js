// A prime and an adaptation, chosen by what is written with them (handwriting/fit_hand.py).

import { bounded, boundedAdaptation, NO_ADAPTATION } from "./adaptation.js";
import { constants } from "./constants.js";
import { prepare } from "./request.js";
import { writeLine } from "./sampler.js";
import { meanTraits } from "./traits.js";

const [SLANT, WIDTH, STROKES, GAP, TALLNESS] = [0, 1, 2, 3, 4];

/**
 * The prime that writes most like the given lines, adapted to them.
 * @param {object[]} primes styles without adaptation
 * @param {{ink, text: string}[]} lines
 */
export function fittedHand(network, primes, lines) {
  const { JOINING } = constants.fit_hand;
  const target = meanTraits(lines);
  const texts = lines.map(({ text }) => text);
  const measured = primes.map((prime) => written(network, prime, texts));
  const distances = measured.map((traits) => distance(traits, target));
  const best = distances.indexOf(Math.min(...distances));
  const share = lines.length / (lines.length + 1);
  const before = measured[best];
  const joined = written(network, { ...primes[best], adaptation: { ...NO_ADAPTATION, lift: JOINING } }, texts);
  const change = joined[STROKES] - before[STROKES];
  const lift = change < 0 ? bounded("lift", (JOINING * share * (target[STROKES] - before[STROKES])) / change) : 0;
  const now = before.map((value, trait) => value + (lift / JOINING) * (joined[trait] - value));
  const wanted = now.map((value, trait) => value + share * (target[trait] - value));
  const blanks = sum(texts.map((text) => text.split(" ").length - 1)) / sum(texts.map((text) => [...text].length));
  return { ...primes[best], adaptation: adaptationOf(lift, now, wanted, blanks) };
}

/** What makes the wanted traits of the written ones; `blanks` is the share of blanks among the characters. */
function adaptationOf(lift, now, wanted, blanks) {
  let stretch = wanted[WIDTH] / now[WIDTH];
  let gap = 0;
  if (Number.isFinite(now[GAP])) {
    stretch = bounded("stretch", (wanted[WIDTH] - blanks * wanted[GAP]) / (now[WIDTH] - blanks * now[GAP]));
    gap = wanted[GAP] - stretch * now[GAP];
  }
  const tall = (wanted[TALLNESS] - 1) / (now[TALLNESS] - 1);
  return boundedAdaptation({ lift, shear: wanted[SLANT] / stretch - now[SLANT], stretch, gap, tall });
}

/** The mean traits of TRIALS lines in a hand: the words of the texts in reverse order. */
function written(network, style, texts) {
  const { TRIALS, TRIAL_BIAS, TRIAL_SEED } = constants.fit_hand;
  const seen = new Map();
  const lines = Array.from({ length: TRIALS }, (_, i) => {
    const reversed = texts[i % texts.length].split(" ").reverse().join(" ");
    const occurrence = seen.get(reversed) ?? 0;
    seen.set(reversed, occurrence + 1);
    const text = prepare(reversed, network.about.alphabet);
    const line = writeLine(network, { text, bias: TRIAL_BIAS, seed: TRIAL_SEED, style, occurrence, attempt: 0 });
    return { ink: line.ink, text: line.written };
  });
  return meanTraits(lines);
}

/** The mean difference of the traits that both have, in SPREADS. */
function distance(traits, target) {
  const { SPREADS } = constants.fit_hand;
  const parts = traits.map((value, trait) => Math.abs(value - target[trait]) / SPREADS[trait]).filter(Number.isFinite);
  return sum(parts) / parts.length;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
