// Drawing the next point from ŷ, with the paper's bias (runtime/mixture_sampling.py; equations 18 to 23, 61, 62). The page
// also shows the mixture at a temperature: log-weights are divided by it, variances multiplied (Ha & Eck 2017, equation 8).

import { constants } from "./constants.js";

const bounded = (bias) => Math.min(bias, constants.mixture_sampling.ENOUGH);

export const components = (y) => (y.length - 1) / 6;

/** Probability that the pen is lifted after the point; `lift` is added to its logit. */
const endOfStroke = (y, lift = 0) => 1 / (1 + Math.exp(y[0] - lift));

/** Weights of the components, biased; the model's own at a temperature of 1. */
export function weights(y, bias, temperature = 1) {
  const count = components(y);
  const sharpness = (1 + bounded(bias)) / temperature;
  const sharp = [...y.slice(1, 1 + count)].map((value) => value * sharpness);
  const top = Math.max(...sharp);
  const unscaled = sharp.map((value) => Math.exp(value - top));
  const sum = unscaled.reduce((a, b) => a + b);
  return unscaled.map((weight) => weight / sum);
}

/** Component j: its mean, standard deviations and correlation, normalised units. */
export function component(y, j, bias, temperature = 1) {
  const [mu1, mu2, sigma1, sigma2, rho] = [1, 2, 3, 4, 5].map((part) => y[1 + j + part * components(y)]);
  const narrow = bounded(bias) - Math.log(temperature) / 2;
  return { mu1, mu2, sigma1: Math.exp(sigma1 - narrow), sigma2: Math.exp(sigma2 - narrow), rho: Math.tanh(rho) };
}

/** One point: dx, dy normalised, end of stroke 0 or 1, from four numbers in [0, 1). */
export function draw(y, bias, uniforms, lift = 0) {
  const [pick, radius, angle, end] = uniforms;
  const { mu1, mu2, sigma1, sigma2, rho } = component(y, picked(weights(y, bias), pick), bias);
  // Box and Muller; one minus the uniform number, so that the logarithm is never taken of zero.
  const length = Math.sqrt(-2 * Math.log1p(-radius));
  const turn = 2 * Math.PI * angle;
  const first = length * Math.cos(turn);
  const second = length * Math.sin(turn);
  const across = rho * first + Math.sqrt(1 - rho * rho) * second;
  return [mu1 + sigma1 * first, mu2 + sigma2 * across, end < endOfStroke(y, lift) ? 1 : 0];
}

/** The component that a number in [0, 1) picks. */
function picked(pi, pick) {
  let sum = 0;
  const found = pi.findIndex((weight) => (sum += weight) >= pick);
  return found < 0 ? pi.length - 1 : found;
}
