// What is kept in this browser: preferences, documents, hands. Storage that is full, forbidden or broken is no error.

const PREFIX = "nextstroke.";

/** What was kept under a name, or `usual`. */
export function recall(name, usual) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? usual;
  } catch {
    return usual;
  }
}

/** Keep a value; gives whether the browser did. */
export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Preferences: what is no part of a text's look. */
export const preferences = {
  pace: 2, theme: "auto", language: "", dream: "The handwriting of ", dpi: 200, transparent: false,
  ...recall("preferences", {}),
};

export function prefer(changes) {
  Object.assign(preferences, changes);
  keep("preferences", preferences);
}
