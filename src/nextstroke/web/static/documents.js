// Documents in this browser: a name, the present state as a fragment, and earlier ones. No DOM here.

import { keep, recall } from "./store.js";

const VERSIONS = 30;
const BETWEEN = 60_000; // ms between two versions that are kept

let documents = recall("documents", []);
let last = 0;
let current = recall("document", null) ?? freshId();

/** An id that no document has had. */
function freshId() {
  last = Math.max(Date.now(), last + 1);
  return last.toString(36);
}

const save = () => keep("documents", documents) && keep("document", current);

/** All documents, the last changed first: {id, name, fragment, changed, versions: [{fragment, changed}]}. */
export const all = () => [...documents].sort((a, b) => b.changed - a.changed);

/** The id of the open document, which may not be saved yet. */
export const openId = () => current;

/** The open document, or null as long as it is not saved. */
export const open = () => find(current) ?? null;

export const find = (id) => documents.find((each) => each.id === id);

/** Save the state in the open document, which is named by its text until the user names it. */
export function saveState(fragment, name, now) {
  const found = open();
  if (!found) {
    documents = [...documents, { id: current, name, isNamed: false, fragment, changed: now, versions: [] }];
    save();
    return;
  }
  if (found.fragment === fragment) return;
  const last = found.versions.at(-1);
  if (!last || now - last.changed > BETWEEN) {
    found.versions = [...found.versions, { fragment: found.fragment, changed: found.changed }].slice(-VERSIONS);
  }
  Object.assign(found, { fragment, changed: now });
  // Documents of earlier versions of the studio keep their names.
  if (found.isNamed === false) found.name = name;
  save();
}

/** Open a document; without an id a new one, which is saved with its first change. */
export function choose(id = freshId()) {
  current = id;
  save();
}

export function rename(id, name) {
  Object.assign(find(id), { name, isNamed: true });
  save();
}

export function remove(id) {
  documents = documents.filter((each) => each.id !== id);
  if (current === id) current = freshId();
  save();
}
