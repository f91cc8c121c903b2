// The state, its history, and what is made of them: run by node.

import assert from "node:assert/strict";
import test from "node:test";

const base = process.env.STUDIO;
const {
  DEFAULTS, commandOf, fileName, fragment, lineHeightOf, marginOf, ofParagraph, pageOf, read, rewritten, rewrittenOf, sizeOf, withParagraph,
} = await import(`${base}/state.js`);
const { History } = await import(`${base}/history.js`);

test("a fragment holds what differs from the defaults, and is read back", () => {
  assert.equal(fragment(DEFAULTS), "#");
  const state = { ...DEFAULTS, text: "a & b\nc=d # é", style: "neat,cursive", bias: 1.5, format: "a5", colour: "#aa0000,#00aa00", paper: "grid", margin: 0, nib: true, markup: true, slant: -8, tab: 20 };
  assert.deepEqual(read(fragment(state)), state);
});

test("hostile values become the defaults or the nearest that is allowed", () => {
  const state = read("#bias=50&size=NaN&pen=-3&seed=1e99&candidates=1000&format=20x20&colour=red&paper=fur&view=admin&again=x&align=up&style=&nib=yes&slant=90&tab=0");
  assert.deepEqual(state, { ...DEFAULTS, bias: 3, pen: 0.05, seed: 2 ** 32 - 1, candidates: 16, slant: 60, tab: 1 });
  assert.equal(read(`#text=${"x".repeat(30000)}`).text.length, 20000);
});

test("links of earlier versions are understood", () => {
  const state = read("#format=148x105&ruled=true");
  assert.deepEqual(sizeOf(state.format), [148, 105]);
  assert.equal(state.paper, "ruled");
});

test("margin and line height go with the page and the letters until they are set", () => {
  assert.equal(marginOf(DEFAULTS), 4);
  assert.equal(marginOf({ ...DEFAULTS, format: "a4" }), 15);
  assert.equal(marginOf({ ...DEFAULTS, format: "a4", margin: 0 }), 0);
  assert.equal(lineHeightOf(DEFAULTS), 10);
  assert.equal(lineHeightOf({ ...DEFAULTS, size: 4.4 }), 20);
  assert.deepEqual([pageOf(DEFAULTS).width, pageOf({ ...DEFAULTS, format: "card" }).width], [null, 148]);
});

test("lists belong to paragraphs in turn", () => {
  assert.equal(ofParagraph("a,b", 3), "b");
  assert.equal(withParagraph("a", 1, 3, "b"), "a,b,a");
  assert.equal(withParagraph("a,b,a", 1, 3, "a"), "a");
  assert.equal(withParagraph("a,b", 2, 4, "c"), "a,b,c,b");
});

test("lines that are written again are counted by text and occurrence", () => {
  const again = rewritten(rewritten(rewritten("", "ab12.0"), "ab12.1"), "ab12.0");
  assert.deepEqual([...rewrittenOf(again)], [["ab12.0", 2], ["ab12.1", 1]]);
  assert.equal(read(fragment({ ...DEFAULTS, again })).again, again);
});

test("file names come from the first words", () => {
  assert.equal(fileName("Dear Ännà, how are you today?"), "dear-anna-how-are-you");
  assert.equal(fileName("שלום"), "nextstroke");
  assert.equal(fileName("../../etc/passwd"), "etc-passwd");
});

test("the command quotes what a shell would take apart", () => {
  const command = commandOf({ ...DEFAULTS, text: "it's $HOME", format: "a5", paper: "ruled", nib: true, slant: 8 });
  assert.ok(command.startsWith(String.raw`nextstroke write 'it'\''s $HOME' --style wide --bias 0.75 --seed 1`));
  assert.ok(command.includes(" --page 148x210 ") && command.includes(" --paper ruled "));
  assert.ok(command.includes(" --nib ") && command.includes(" --slant 8 "));
});

test("changes of one field within a moment are one step", () => {
  const history = new History();
  assert.ok(history.record({ n: 0 }, ["text"], 0));
  assert.ok(!history.record({ n: 1 }, ["text"], 100));
  assert.ok(history.record({ n: 2 }, ["text"], 2000));
  assert.ok(history.record({ n: 3 }, ["bias"], 2100));
  history.seal();
  assert.ok(history.record({ n: 4 }, ["bias"], 2200));
  assert.deepEqual(history.undo({ n: 5 }), { n: 4 });
  assert.deepEqual(history.undo({ n: 4 }), { n: 3 });
  assert.deepEqual(history.redo({ n: 3 }), { n: 4 });
  assert.ok(history.record({ n: 4 }, ["text"], 9000));
  assert.equal(history.redo({ n: 9 }), null);
});

test("the history is bounded", () => {
  const history = new History();
  for (let n = 0; n < 1000; n++) history.record({ n }, [`field ${n}`], n);
  let steps = 0;
  while (history.undo({})) steps += 1;
  assert.equal(steps, 200);
});
