// The panel "Dream text": the text network predicts the next character, and continues the text.

import { app, change, on } from "../app.js";
import { ask } from "../ask.js";
import { probabilities } from "../engine/generate.js";
import { language, t } from "../i18n.js";
import { prefer, preferences } from "../store.js";
import { $, all, make } from "./dom.js";

const SHOWN = 9; // symbols in the list
const LENGTH = 2000; // bytes of one continuation
const READ = 1500; // characters before the end that the network reads
const WAIT = 250; // ms after the last key

/** What a byte is called; bytes above 127 are parts of a character. */
function symbolOf(byte) {
  const named = { 10: "⏎", 32: "␣", 9: "⇥", 195: "à–ÿ", 226: "– “ €" };
  if (named[byte]) return named[byte];
  if (byte > 32 && byte < 127) return String.fromCharCode(byte);
  return byte < 32 ? t("control") : t("part of a letter");
}

export class Dream {
  constructor() {
    this.before = []; // texts before each continuation
    $("prime").value = preferences.dream;
    $("prime").addEventListener("input", () => this.#ponder());
    $("temperature").addEventListener("input", () => this.#show());
    $("go").addEventListener("click", () => this.#goOn());
    $("halt").addEventListener("click", () => this.#stop());
    $("take-back").addEventListener("click", () => this.#takeBack());
    $("pen-it").addEventListener("click", () => change({ text: $("prime").value, view: "write", again: "" }));
    // Nobody sees it grow while another panel is shown.
    on("state", () => app.state.view !== "dream" && this.isRunning && this.#stop());
    this.#ponder();
  }

  get temperature() {
    return Number($("temperature").value);
  }

  /** Ask for the prediction of the next character, a moment after the last key. */
  #ponder() {
    prefer({ dream: $("prime").value });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#predict(), WAIT);
  }

  async #predict() {
    try {
      this.y = await ask("next", { text: $("prime").value.slice(-READ) });
      this.#show();
    } catch (error) {
      if (!error.dropped) $("typed").textContent = t("The text network could not be fetched. Check the connection and try again.");
    }
  }

  /** Show the probabilities of the next character: at once, while the slider is moved. */
  #show() {
    all('output[for="temperature"]')[0].value = this.temperature.toFixed(2);
    if (!this.y) return;
    const chances = probabilities(this.y, this.temperature);
    const best = chances.map((chance, byte) => ({ chance, byte })).sort((a, b) => b.chance - a.chance).slice(0, SHOWN);
    const percent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
    $("chances").replaceChildren(...best.map(({ chance, byte }) => make("li", {},
      make("span", {}, symbolOf(byte)), make("progress", { max: 1, value: chance, "aria-label": symbolOf(byte) }), make("span", {}, percent.format(chance)))));
  }

  #run(isRunning) {
    this.isRunning = isRunning;
    $("go").disabled = isRunning;
    $("halt").disabled = !isRunning;
    $("take-back").disabled = isRunning || !this.before.length;
  }

  #stop() {
    return ask("stop", { drops: ["type"] });
  }

  #takeBack() {
    $("prime").value = this.before.pop();
    this.#run(false);
    this.#ponder();
  }

  async #goOn() {
    const area = $("prime");
    this.before.push(area.value);
    this.#run(true);
    $("typed").textContent = t("Writing …");
    const order = { text: area.value.slice(-READ), length: LENGTH, temperature: this.temperature, seed: Math.floor(Math.random() * 2 ** 32) };
    let problem = "";
    await ask("type", order, (piece) => {
      area.value += piece;
      area.scrollTop = area.scrollHeight;
    }).catch((error) => {
      if (!error.dropped) problem = t("The text network could not be fetched. Check the connection and try again.");
    });
    $("typed").textContent = problem;
    this.#run(false);
    this.#ponder();
  }
}
