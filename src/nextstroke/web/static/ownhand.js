// The panel "Your hand": two lines are written, learned, kept in the browser, and saved or loaded as InkML.

import { ask } from "./ask.js";
import { handInkml, readInkml } from "./files.js";
import { HandPad } from "./handpad.js";
import { offer } from "./offer.js";

const LINES = ["The quick brown fox jumps", "over a lazy dog at night"];
const KEPT = "nextstroke.hand"; // key in localStorage

const $ = (id) => document.getElementById(id);

export class OwnHand {
  /** @param {(name: string) => void} learned called with the name of each new hand */
  constructor(learned) {
    this.learned = learned;
    this.pads = LINES.map((text) => new HandPad($("pads"), text));
    this.count = 0;
    $("learn").addEventListener("click", () => this.learn(() => this.pads.map((pad) => pad.line())));
    $("clear").addEventListener("click", () => this.pads.forEach((pad) => pad.clear()));
    $("keep").addEventListener("click", () => offer("my-hand.inkml", new Blob([handInkml(this.lines)], { type: "application/inkml+xml" })));
    $("bring").addEventListener("change", ({ target }) => this.bring(target));
  }

  /** Learn the hand that was kept at an earlier visit, if there is one. */
  async recall() {
    const kept = localStorage.getItem(KEPT);
    if (kept) await this.learn(() => JSON.parse(kept), false);
  }

  async bring(input) {
    const [file] = input.files;
    input.value = "";
    if (file) await this.learn(async () => readInkml(await file.text()));
  }

  async learn(linesOf, go = true) {
    $("learning").textContent = "Reading your hand …";
    try {
      const lines = await linesOf(), name = `mine ${++this.count}`;
      await ask("learn", { name, lines });
      this.lines = lines;
      localStorage.setItem(KEPT, JSON.stringify(lines));
      this.pads.forEach((pad) => pad.show(lines.find(({ text }) => text === pad.text)?.strokes ?? []));
      $("keep").disabled = false;
      $("learning").textContent = "Learned. It is the first hand of the gallery now.";
      this.learned(name, go);
    } catch (error) {
      $("learning").textContent = error.message;
    }
  }
}
