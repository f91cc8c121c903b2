// Drawing the next point from ŷ, with the paper's bias (equations 18 to 23, 61, 62), as runtime/mixture_sampling.py does; and, to be
// looked at only, with a temperature: log-weights are divided by it, variances multiplied (Ha & Eck 2017, equation 8).

const ENOUGH = 100; // a bias beyond this changes nothing any more but would overflow

export const components = (y) => (y.length - 1) / 6;

/** Probability that the pen is lifted after the point. */
export const endOfStroke = (y) => 1 / (1 + Math.exp(Math.min(700, Math.max(-700, y[0]))));

/** Weights of the components, biased; the model's own at a temperature of 1. */
export function weights(y, bias, temperature = 1) {
  const count = components(y), sharpness = (1 + Math.min(bias, ENOUGH)) / temperature;
  const sharp = [...y.slice(1, 1 + count)].map((value) => value * sharpness);
  const top = Math.max(...sharp), masses = sharp.map((value) => Math.exp(value - top));
  const sum = masses.reduce((a, b) => a + b);
  return masses.map((mass) => mass / sum);
}

/** Component j: its mean, standard deviations and correlation, normalised units. */
export function component(y, j, bias, temperature = 1) {
  const [mu1, mu2, sigma1, sigma2, rho] = [1, 2, 3, 4, 5].map((part) => y[1 + j + part * components(y)]);
  const narrow = Math.min(bias, ENOUGH) - Math.log(temperature) / 2;
  return { mu1, mu2, sigma1: Math.exp(sigma1 - narrow), sigma2: Math.exp(sigma2 - narrow), rho: Math.tanh(rho) };
}

/** One point: dx, dy normalised, end of stroke 0 or 1, from four numbers in [0, 1). */
export function draw(y, bias, [pick, radius, angle, lift]) {
  const { mu1, mu2, sigma1, sigma2, rho } = component(y, picked(weights(y, bias), pick), bias);
  const length = Math.sqrt(-2 * Math.log1p(-radius)), turn = 2 * Math.PI * angle;
  const first = length * Math.cos(turn), second = length * Math.sin(turn);
  const across = rho * first + Math.sqrt(1 - rho * rho) * second;
  return [mu1 + sigma1 * first, mu2 + sigma2 * across, lift < endOfStroke(y) ? 1 : 0];
}

function picked(masses, pick) {
  let sum = 0;
  const found = masses.findIndex((mass) => (sum += mass) >= pick);
  return found < 0 ? masses.length - 1 : found;
}

/** log Σ π N of an offset, in nats (equations 23 to 25); nothing is floored. */
export function logDensity(y, [dx, dy]) {
  const masses = weights(y, 0);
  const terms = masses.map((mass, j) => {
    const { mu1, mu2, sigma1, sigma2, rho } = component(y, j, 0);
    const d1 = (dx - mu1) / sigma1, d2 = (dy - mu2) / sigma2, rest = 1 - rho * rho;
    const distance = (d1 * d1 + d2 * d2 - 2 * rho * d1 * d2) / (2 * rest);
    return Math.log(mass) - Math.log(2 * Math.PI * sigma1 * sigma2 * Math.sqrt(rest)) - distance;
  });
  const top = Math.max(...terms);
  return top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0));
}
