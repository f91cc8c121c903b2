// A look inside while it writes: the window's weights (Figure 13) and the density of the next point (Figures 10 and 14).

import { argmax } from "../engine/ink.js";
import { component, weights } from "../engine/mixture_sampling.js";

const AROUND = 1.1; // heights of small letters that the density shows upwards and downwards
const TRAIL = 60; // points of ink before the pen that it shows

/** A colour of the page's theme, as the canvas takes it. */
function style(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export class Inside {
  /** @param {HTMLElement} reading takes the line, each letter as dark as the window's weight on it */
  constructor(reading, windowCanvas, densityCanvas) {
    this.reading = reading;
    this.windowCanvas = windowCanvas;
    this.densityCanvas = densityCanvas;
    this.row = null;
    this.column = 0; // columns that are drawn
  }

  /** @param row of the desk, with phi and ys @param {number} point where its pen is @param how as for `drawDensity` */
  show(row, point, how) {
    if (row !== this.row) this.begin(row);
    while (this.column < row.phi.length) this.drawColumn(this.column++);
    this.goTo(point, how);
  }

  /** Look at a point of the row that is shown, as far as it is written. */
  goTo(point, how) {
    this.point = Math.max(0, Math.min(point, this.column - 1, this.row.ys.length - 2)); // after the last point nothing was expected
    this.light(this.row.phi[this.point]);
    this.drawDensity(how);
  }

  /** The letter that the window is on, its share of the weights, and the weight of the likeliest component. */
  account() {
    const weightsHere = this.row.phi[this.point];
    const best = argmax(weightsHere);
    const total = weightsHere.reduce((sum, weight) => sum + weight, 0);
    const letter = [...this.row.written][best] ?? " ";
    return { letter, share: weightsHere[best] / Math.max(total, 1e-9), certain: this.certain ?? 0 };
  }

  begin(row) {
    this.row = row;
    this.column = 0;
    const canvas = this.windowCanvas, ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    this.pen = canvas.getContext("2d");
    this.high = canvas.height / (row.written.length + 1);
    this.wide = canvas.width / row.phi.length;
    this.letters = [...row.written].map((letter) => Object.assign(document.createElement("span"), { textContent: letter }));
    this.reading.replaceChildren(...this.letters);
  }

  drawColumn(t) {
    this.pen.fillStyle = style("--accent");
    this.row.phi[t].forEach((weight, u) => {
      this.pen.globalAlpha = Math.min(1, weight);
      this.pen.fillRect(t * this.wide, u * this.high, Math.max(1, this.wide), Math.max(1, this.high));
    });
    this.pen.globalAlpha = 1;
  }

  /** The letters that the network looks at, in the line. */
  light(weights) {
    this.letters.forEach((letter, u) => letter.style.setProperty("--weight", Math.min(1, weights[u]).toFixed(2)));
  }

  /** What is expected where the pen is: at once, while a slider is moved. */
  drawDensity(how) {
    if (!this.row?.ys) return;
    const { ink } = this.row;
    const { xHeight } = how;
    this.expected = expectedAt(this.row, this.point, how);
    this.certain = Math.max(...this.expected.map(({ weight }) => weight));
    const canvas = this.densityCanvas, pen = canvas.getContext("2d");
    const pixels = canvas.height / (2 * AROUND * xHeight);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(pixels, 0, 0, pixels, canvas.width / 2, canvas.height / 2);
    this.drawTrail(pen, ink, this.point);
    for (const blob of this.expected) drawBlob(pen, blob);
    pen.fillStyle = style("--accent");
    pen.beginPath();
    pen.arc(0, 0, 0.04 * xHeight + 0.06, 0, 7);
    pen.fill();
  }

  drawTrail(pen, { points, ends }, point) {
    const [x0, y0] = points[point];
    Object.assign(pen, { strokeStyle: style("--text"), lineWidth: 0.12, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    for (let t = Math.max(0, point - TRAIL); t <= point; t++) {
      const x = points[t][0] - x0;
      const y = points[t][1] - y0;
      if (t === Math.max(0, point - TRAIL) || ends[t - 1]) pen.moveTo(x, y);
      pen.lineTo(x, y);
    }
    pen.stroke();
  }
}

/**
 * The components of the density of the next point that have some weight: {x, y, rx, ry, degrees, lean, weight}, in mm from the
 * pen. Their axes are those of their covariance; `lean` is that of the page, dx for each -dy.
 */
function expectedAt({ ys, scale }, point, { bias, temperature, normalisation: { mean, std }, slant }) {
  const y = ys[point + 1] ?? ys[0];
  const lean = Math.tan((slant * Math.PI) / 180);
  const found = weights(y, bias, temperature).map((weight, j) => {
    const { mu1, mu2, sigma1, sigma2, rho } = component(y, j, bias, temperature);
    const [sx, sy] = [sigma1, sigma2].map((sigma, axis) => sigma * std[axis] * scale);
    const [dx, dy] = [mu1, mu2].map((mu, axis) => (mu * std[axis] + mean[axis]) * scale);
    const half = (sx * sx + sy * sy) / 2;
    const rest = Math.hypot((sx * sx - sy * sy) / 2, rho * sx * sy);
    const degrees = (90 / Math.PI) * Math.atan2(2 * rho * sx * sy, sx * sx - sy * sy);
    return { x: dx, y: dy, rx: Math.sqrt(half + rest) + 0.05, ry: Math.sqrt(Math.max(0, half - rest)) + 0.05, degrees, lean, weight };
  });
  return found.filter(({ weight }) => weight >= 0.004);
}

/** One component of the mixture as a soft ellipse. */
function drawBlob(pen, { x, y, rx, ry, degrees, lean, weight }) {
  const glow = pen.createRadialGradient(0, 0, 0, 0, 0, 3);
  for (const at of [0, 0.15, 0.3, 0.5, 0.75, 1]) glow.addColorStop(at, `rgb(230 90 40 / ${Math.exp(-4.5 * at * at) - 0.011 * at})`);
  pen.save();
  pen.transform(1, 0, -lean, 1, 0, 0);
  pen.translate(x, y);
  pen.rotate((degrees * Math.PI) / 180);
  pen.scale(rx, ry);
  pen.globalAlpha = Math.min(1, weight * 1.5);
  pen.fillStyle = glow;
  pen.fillRect(-3, -3, 6, 6);
  pen.restore();
}
