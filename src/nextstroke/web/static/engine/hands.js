// Styles: named primes, with the state that reading them leaves (handwriting/hands.py, section 5.5).

import { NO_ADAPTATION } from "./adaptation.js";
import { argmax } from "./ink.js";

/** No prime: the network picks a hand by itself, another for each line. */
export const NO_STYLE = { name: "none", text: "", state: null, last: new Float32Array(3), adaptation: NO_ADAPTATION };

/** Ids of characters; throws for one that the model does not know. */
export function encode(text, alphabet) {
  return [...text].map((character) => {
    const id = alphabet.indexOf(character);
    if (id < 0) throw new Error(`The model cannot write “${character}”.`);
    return id;
  });
}

/**
 * Prime a network with a line.
 * @param {number[][]} offsets dx, dy, end of stroke, normalised
 * @returns {{text, state, last, adaptation}} a style; `last` is the prime's last point, read when the text after the prime is known
 */
export function learnStyle(network, offsets, text) {
  const prime = `${text.trim()} `;
  const ids = encode(prime, network.about.alphabet);
  const state = network.start();
  let phi = null;
  for (const point of [new Float32Array(3), ...offsets.slice(0, -1)]) ({ phi } = network.step(point, ids, state));
  // A window that has not reached the end is put on the blank after the prime; else the rest of it would be written first.
  const missing = ids.length - 1 - argmax(phi);
  if (missing > 1) state.kappa = state.kappa.map((position) => position + missing);
  return { text: prime, state, last: offsets.at(-1), adaptation: NO_ADAPTATION };
}
