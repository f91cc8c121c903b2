// Documents in this browser: a name, the present state as a fragment, and earlier ones. No DOM here.

import { keep, recall } from "./store.js";

const VERSIONS = 30;
const BETWEEN = 60_000; // ms between two versions that are kept

let documents = recall("documents", []);
let current = recall("document", null);

const save = () => keep("documents", documents) && keep("document", current);

/** All documents, the last changed first: {id, name, fragment, changed, versions: [{fragment, changed}]}. */
export const all = () => [...documents].sort((a, b) => b.changed - a.changed);

export const open = () => documents.find(({ id }) => id === current) ?? null;

function find(id) {
  return documents.find((each) => each.id === id);
}

/** Save the state in the document that is open, or in a new one. */
export function saveState(fragment, name, now) {
  const found = open();
  if (!found) return create(fragment, name, now);
  if (found.fragment === fragment) return found;
  const last = found.versions.at(-1);
  if (!last || now - last.changed > BETWEEN) {
    found.versions = [...found.versions, { fragment: found.fragment, changed: found.changed }].slice(-VERSIONS);
  }
  Object.assign(found, { fragment, changed: now });
  save();
  return found;
}

/** Make a document and open it. */
export function create(fragment, name, now) {
  current = `${now.toString(36)}${documents.length}`;
  const made = { id: current, name, fragment, changed: now, versions: [] };
  documents = [...documents, made];
  save();
  return made;
}

export function choose(id) {
  current = id;
  save();
  return open();
}

export function rename(id, name) {
  find(id).name = name;
  save();
}

export function remove(id) {
  documents = documents.filter((each) => each.id !== id);
  if (current === id) current = null;
  save();
}
