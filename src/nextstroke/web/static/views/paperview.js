// The paper: the desk, the menu of a line, and the look inside the network.

import { app, change, on, useDesk } from "../app.js";
import { paragraphsOf } from "../engine/paragraphs.js";
import { isOwn, OWN, ownHands } from "../hands.js";
import { t } from "../i18n.js";
import { Desk } from "../sheet.js";
import { ALIGNMENTS, lineKey, ofParagraph, rewritten, withParagraph } from "../state.js";
import { $, all, button, make } from "./dom.js";
import { shownName } from "./gallery.js";
import { Inside } from "./inside.js";
import { nearestPoint, OnPaper } from "./onpaper.js";

let inside = null;
let onPaper = null;

export function wirePaper() {
  const name = ({ number, text }) => t("Page {number}: {text}", { number: number + 1, text });
  const desk = new Desk($("pages"), { watch: lookAt, choose: (row, target, event) => choose(desk, row, target, event), name });
  useDesk(desk);
  onPaper = new OnPaper((row, point) => lookFrom(desk, row, point));
  inside = new Inside($("reading"), $("window"), $("density"));
  // A click beside the lines finishes the writing.
  $("pages").addEventListener("pointerdown", () => desk.isWriting && desk.finish());
  $("inside").addEventListener("change", () => showInside(desk));
  $("scrub").addEventListener("input", () => scrub(desk));
  $("warmth").addEventListener("input", showExpectation);
  $("window").addEventListener("pointermove", pointAt);
  on("state", showExpectation);
  on("written", () => !$("looking").hidden && !desk.isWriting && scrub(desk));
  document.addEventListener("pointerdown", ({ target }) => {
    if (!$("line-menu").contains(target)) $("line-menu").hidden = true;
  });
  $("line-menu").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    $("line-menu").hidden = true;
    $("line-menu").opener?.focus();
  });
  return desk;
}

/** A line was chosen: while one looks inside, its point under the pointer is shown; else its menu. */
function choose(desk, row, target, event) {
  if ($("looking").hidden || !row.phi) openLine(desk, row, target);
  else lookFrom(desk, row, event ? nearestPoint(row, event) : 0);
}

// The menu of a line.

/** The line's name in the field `again`. */
function keyOf(desk, row) {
  const above = desk.rows.filter((other) => other.ink && other.index < row.index && other.text === row.text).length;
  return lineKey(row.text, above);
}

function openLine(desk, row, target) {
  const menu = $("line-menu");
  const paragraph = row.paragraph ?? 0;
  const count = paragraphsOf(app.state.text).length;
  const choose = (field, value) => {
    change({ [field]: withParagraph(app.state[field], paragraph, count, value) });
  };
  const again = button(t("Write this line again"), () => {
    menu.hidden = true;
    change({ again: rewritten(app.state.again, keyOf(desk, row)) });
  }, { className: "primary" });
  const hands = ["none", ...ownHands().map((hand) => OWN + hand.name), ...galleryNames()];
  const select = make("select", {}, ...hands.map((style) => new Option(shownName(style), style)));
  select.value = ofParagraph(app.state.style, paragraph);
  select.addEventListener("change", () => choose("style", select.value));
  const colour = make("input", { type: "color", value: ofParagraph(app.state.colour, paragraph) });
  colour.addEventListener("input", () => choose("colour", colour.value));
  const align = make("select", {}, ...ALIGNMENTS.map((value, i) => new Option(t(["Left", "Centre", "Right"][i]), value)));
  align.value = ofParagraph(app.state.align, paragraph);
  align.addEventListener("change", () => choose("align", align.value));
  const labelled = (text, input) => make("label", { className: "row" }, text, input);
  menu.replaceChildren(again, ...(count > 1 ? [labelled(t("Hand of this paragraph"), select), labelled(t("Ink of this paragraph"), colour), labelled(t("Alignment of this paragraph"), align)] : []));
  const box = target.getBoundingClientRect();
  menu.hidden = false;
  const left = Math.min(scrollX + box.left + 12, scrollX + document.documentElement.clientWidth - menu.offsetWidth - 12);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${scrollY + box.bottom + 6}px`;
  menu.opener = target;
  again.focus();
}

const galleryNames = () =>
  all("#styles input").map((input) => input.value).filter((style) => style !== "none" && !isOwn(style));

// The look inside.

const expectation = () => ({
  bias: app.state.bias, temperature: Number($("warmth").value), normalisation: app.normalisation, xHeight: app.state.size, slant: app.state.slant,
});

function lookAt(row, point) {
  if ($("looking").hidden || !row.phi || !app.normalisation) return;
  inside.show(row, point, expectation());
  describe();
}

/** Show the ink up to a point of a row, and what the network does there. */
function lookFrom(desk, row, point) {
  $("scrub").value = Math.round(1000 * desk.moveTo(row, point));
  showMoment();
}

const showMoment = () => ($("scrub-at").value = `${Math.round(Number($("scrub").value) / 10)} %`);

/** What the network does at this moment: in words, and on the paper. */
function describe() {
  const { letter, share, certain } = inside.account();
  const sign = letter === " " ? t("the space") : `“${letter}”`;
  const sure = certain > 0.6 ? t("It is sure where the pen goes next.") : t("It weighs several ways for the pen.");
  const words = `${t("The network now looks at {letter}, {share} %.", { letter: sign, share: Math.round(100 * share) })} ${sure}`;
  $("look-words").textContent = words;
  onPaper.show(inside.row, inside.point, inside.expected ?? [], words);
}

function showInside(desk) {
  $("looking").hidden = !$("inside").checked;
  $("look-pictures").hidden = $("looking").hidden;
  const hints = [t("Click a line to write only that line again."), t("Drag along a line, or take the arrow keys on its slider.")];
  $("hint").textContent = hints[Number($("inside").checked)];
  if (!$("looking").hidden) scrub(desk);
  else {
    onPaper.remove();
    desk.scrub(1);
  }
}

function scrub(desk) {
  if (!desk.rows.some((row) => row?.ink && row.phi)) return;
  desk.scrub(Number($("scrub").value) / 1000);
  showMoment();
}

/** Show the point under the pointer in the picture of the window. */
function pointAt({ offsetX, target }) {
  if (!inside.row) return;
  inside.goTo(Math.floor((offsetX / target.clientWidth) * inside.row.phi.length), expectation());
  describe();
}

/** Show at once what is expected under a new bias or temperature, before the ink is written again. */
function showExpectation() {
  all('output[for="warmth"]')[0].value = Number($("warmth").value).toFixed(2);
  if (!app.normalisation || !inside.row || $("looking").hidden) return;
  inside.drawDensity(expectation());
  describe();
}
