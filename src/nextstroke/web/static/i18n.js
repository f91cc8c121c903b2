// The page's language: English, or German by a table. `t` translates a text; `translatePage` what stands in the page.

import { prefer, preferences } from "./store.js";

const asked = preferences.language || (typeof navigator === "undefined" ? "en" : navigator.language);
export const language = asked.startsWith("de") ? "de" : "en";
const table = language === "de" ? (await import("./german.js")).GERMAN : {};

/** A text in the page's language; {name} stands for a value. */
export function t(english, values = {}) {
  return (table[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Keep a language and load the page anew in it; what is written is in the address. */
export function useLanguage(chosen) {
  prefer({ language: chosen });
  location.reload();
}

const ATTRIBUTES = ["aria-label", "title", "placeholder"];

export function translatePage() {
  document.documentElement.lang = language;
  if (language === "en") return;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    const text = node.data.replace(/\s+/g, " ").trim();
    if (table[text]) node.data = node.data.replace(/\S(?:[\s\S]*\S)?/, table[text]);
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[${name}]`)) element.setAttribute(name, t(element.getAttribute(name)));
  }
}
