// The text and its settings: one object, kept in the address's fragment, so that a link gives the same ink.

export const DEFAULTS = {
  text: "Dear reader,\ntype here, and it is written by hand.\nA network draws every stroke.",
  style: "wide", bias: 0.75, seed: 1, size: 2.6, pen: 0.35, colour: "#1a1a2e", format: "148x105", candidates: 4, ruled: false,
};
// The settings for which a new seed may be drawn, as they change the ink.
export const INKED = ["style", "bias"];

/** The state that a fragment holds; missing or invalid values are replaced by the defaults. */
export function read(fragment) {
  const values = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { ...DEFAULTS };
  for (const [key, usual] of Object.entries(DEFAULTS)) {
    const value = values.get(key);
    if (value === null) continue;
    if (typeof usual === "boolean") state[key] = value === "true";
    else if (typeof usual === "number") state[key] = Number.isFinite(Number(value)) ? Number(value) : usual;
    else state[key] = value;
  }
  return bounded(state);
}

function bounded(state) {
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  return {
    ...state,
    text: state.text.slice(0, 20000),
    bias: within(state.bias, 0, 100), size: within(state.size, 1, 10), pen: within(state.pen, 0.05, 5),
    seed: Math.floor(within(state.seed, 0, 2 ** 32 - 1)), candidates: Math.floor(within(state.candidates, 1, 8)),
    colour: /^#[0-9a-f]{6}$/i.test(state.colour) ? state.colour : DEFAULTS.colour,
    format: /^\d{2,3}x\d{2,3}$/.test(state.format) ? state.format : DEFAULTS.format,
  };
}

/** The fragment that holds a state: the values that differ from the defaults. */
export function fragment(state) {
  const changed = Object.entries(state).filter(([key, value]) => key in DEFAULTS && value !== DEFAULTS[key]);
  return `#${new URLSearchParams(changed.map(([key, value]) => [key, String(value)]))}`;
}

/** The page of a state, in mm (engine/layout.js). */
export function pageOf({ format, size }) {
  const [width, height] = format.split("x").map(Number);
  return { width, height, margin: Math.min(15, width / 12), lineHeight: 4.5 * size, xHeight: size, align: "left", drift: 0 };
}
