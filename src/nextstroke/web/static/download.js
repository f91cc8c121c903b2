// What was written last as files.

import { nameOf } from "./hands.js";
import { t } from "./i18n.js";
import { inkml, json, svg } from "./files.js";
import { normal } from "./engine/diacritics.js";
import { pdf } from "./pdf.js";
import { film, png } from "./pictures.js";
import { gcode, hpgl } from "./plotter.js";
import { fileName } from "./state.js";
import { zip } from "./zip.js";

export const FORMATS_WITH_DPI = ["png", "gif", "apng"];
const MOVING = ["moving", "gif", "apng"];

// Suffix, media type, and one page as a file.
const KINDS = {
  svg: ["svg", "image/svg+xml", (page, look, about) => svg(page, look, about)],
  moving: ["svg", "image/svg+xml", (page, look, about) => svg(page, look, about, 1), "moving"],
  png: ["png", "image/png", (page, look, _about, options) => png(page, look, options)],
  gif: ["gif", "image/gif", (page, look) => film(page, look, "gif")],
  apng: ["apng", "image/apng", (page, look) => film(page, look, "apng")],
  gcode: ["gcode", "text/plain", gcode],
  hpgl: ["hpgl", "application/vnd.hp-hpgl", hpgl],
  inkml: ["inkml", "application/inkml+xml", inkml],
  json: ["json", "application/json", json],
};

/** What files say of the ink. */
export function aboutOf({ text, state }) {
  const { seed, bias, style } = state;
  return { text, written: normal(text), seed, bias, style: style.split(",").map(nameOf).join(","), model: "writer" };
}

/**
 * The pages as one file: several pages are one PDF, or a ZIP.
 * @param {{state, pages, text}} written what was written last to its end
 * @param {{dpi: number, transparent: boolean}} options of pictures
 * @returns {Promise<{name: string, blob: Blob}>}
 */
export async function filesOf(format, written, options) {
  const { pages, state, text } = written;
  if (state.nib && MOVING.includes(format)) throw new Error(t("Moving files draw lines of one width. Switch the nib off first."));
  const about = aboutOf(written);
  const base = fileName(text);
  if (format === "pdf") return { name: `${base}.pdf`, blob: new Blob([pdf(pages, state, about)], { type: "application/pdf" }) };
  const [suffix, type, made, kind] = KINDS[format];
  const stem = kind ? `${base}-${kind}` : base;
  const files = [];
  for (const [i, page] of pages.entries()) {
    const blob = new Blob([await made(page, state, about, options)], { type });
    files.push({ name: `${stem}${pages.length > 1 ? `-${i + 1}` : ""}.${suffix}`, blob });
  }
  return files.length === 1 ? files[0] : { name: `${stem}.zip`, blob: await zip(files) };
}
