// The panel "Text": the text network predicts the next character, and continues the text.

import { ask } from "./ask.js";
import { probabilities } from "./engine/generate.js";

const SHOWN = 9, LENGTH = 2000, WAIT = 250; // symbols in the list; bytes of one continuation; ms after the last key
const $ = (id) => document.getElementById(id);

/** The characters that show a byte. */
function symbolOf(byte) {
  const named = { 10: "⏎", 32: "␣", 9: "⇥" };
  return named[byte] ?? (byte > 32 && byte < 127 ? String.fromCharCode(byte) : `·${byte.toString(16)}`);
}

export class Typing {
  /** @param {(text: string) => void} byHand called with a text to write by hand */
  constructor(byHand) {
    $("prime").value = "The handwriting of ";
    $("prime").addEventListener("input", () => this.ponder());
    $("temperature").addEventListener("input", () => this.show());
    $("go").addEventListener("click", () => this.goOn());
    $("halt").addEventListener("click", () => ask("stop", { drops: ["type"] }));
    $("pen-it").addEventListener("click", () => byHand($("prime").value));
  }

  get temperature() {
    return Number($("temperature").value);
  }

  /** Ask for the prediction of the next character, a moment after the last key. */
  ponder() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    this.y = await ask("next", { text: $("prime").value.slice(-1500) });
    this.show();
  }

  /** Show the probabilities of the next character: at once, while the slider is moved. */
  show() {
    document.querySelector('output[for="temperature"]').value = this.temperature.toFixed(2);
    if (!this.y) return;
    const chances = probabilities(this.y, this.temperature);
    const best = chances.map((chance, byte) => ({ chance, byte })).sort((a, b) => b.chance - a.chance).slice(0, SHOWN);
    $("chances").replaceChildren(...best.map(({ chance, byte }) => {
      const row = document.createElement("li");
      row.innerHTML = '<span></span><progress max="1"></progress><span></span>';
      row.children[0].textContent = symbolOf(byte);
      row.children[1].value = chance;
      row.children[2].textContent = `${(100 * chance).toFixed(1)} %`;
      return row;
    }));
  }

  async goOn() {
    const area = $("prime"), order = { text: area.value.slice(-1500), length: LENGTH, temperature: this.temperature };
    $("typed").textContent = "Writing …";
    const outcome = ask("type", { ...order, seed: Math.floor(Math.random() * 2 ** 32) }, (piece) => {
      area.value += piece;
      area.scrollTop = area.scrollHeight;
    });
    await outcome.catch((error) => error.dropped || ($("typed").textContent = error.message));
    $("typed").textContent = "";
    this.ponder();
  }
}
