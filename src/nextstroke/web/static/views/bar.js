// The result bar: state of the writing, another one, undo, copy, share, download.

import { app, canRedo, canUndo, cancel, linkOf, on, redo, tell, undo } from "../app.js";
import { filesOf, FORMATS_WITH_DPI } from "../download.js";
import { isOwn } from "../hands.js";
import { t } from "../i18n.js";
import { offer } from "../offer.js";
import { commandOf } from "../state.js";
import { prefer, preferences } from "../store.js";
import { $, all, wireMenu } from "./dom.js";
import { anotherOne } from "./shell.js";

let retry = null;

export function wireBar() {
  $("another").addEventListener("click", anotherOne);
  $("undo").addEventListener("click", undo);
  $("redo").addEventListener("click", redo);
  $("cancel").addEventListener("click", cancel);
  $("retry").addEventListener("click", () => retry?.());
  wireMenu($("copy"), $("copy-menu"));
  wireMenu($("download"), $("download-menu"));
  for (const item of $("copy-menu").children) item.addEventListener("click", () => copy(item.dataset.copy));
  for (const item of all("[data-format]")) item.addEventListener("click", () => download(item.dataset.format));
  $("share").addEventListener("click", share);
  $("dpi").value = preferences.dpi;
  $("dpi").addEventListener("change", ({ target }) => target.checkValidity() && target.value && prefer({ dpi: Number(target.value) }));
  $("transparent").checked = preferences.transparent;
  $("transparent").addEventListener("change", ({ target }) => prefer({ transparent: target.checked }));
  on("state", showButtons);
  on("progress", showProgress);
  on("status", showStatus);
  on("written", () => {
    showProgress(null);
    showStatus({ text: summary(), kind: "plain" });
    showButtons();
  });
  showButtons();
}

/** What was written: the number of lines and pages. */
function summary() {
  const pages = app.written?.pages ?? [];
  const lines = pages.reduce((sum, page) => sum + page.lines.length, 0);
  if (!lines) return "";
  const counted = lines === 1 ? t("1 line") : t("{count} lines", { count: lines });
  return pages.length === 1 ? counted : t("{lines} on {count} pages", { lines: counted, count: pages.length });
}

function showButtons() {
  $("undo").disabled = !canUndo();
  $("redo").disabled = !canRedo();
  for (const id of ["download", "copy", "share"]) $(id).disabled = !app.written || app.isBusy;
}

/** @param {{written: number, lines: number}|null} progress null when nothing is being written */
function showProgress(progress) {
  $("cancel").hidden = !progress;
  $("progress").hidden = !progress?.lines;
  showButtons();
  if (!progress) return;
  $("retry").hidden = true;
  $("progress").value = progress.lines ? progress.written / progress.lines : 0;
  const text = progress.lines > 1 ? t("Line {written} of {lines} …", progress) : t("Writing …");
  if ($("status").textContent !== text) $("status").textContent = text;
  $("status").dataset.kind = "plain";
}

function showStatus({ text, kind, retry: again = null }) {
  $("status").textContent = text;
  $("status").dataset.kind = kind;
  retry = again;
  $("retry").hidden = !again;
}

/** The first page of what was written as a file. */
const firstPage = (format) => filesOf(format, { ...app.written, pages: app.written.pages.slice(0, 1) }, preferences);

async function download(format) {
  if (!app.written) return;
  const held = app.written; // what is typed meanwhile does not get into the file
  if (FORMATS_WITH_DPI.includes(format)) tell(t("Drawing the file …"));
  try {
    const { name, blob } = await filesOf(format, held, preferences);
    offer(name, blob);
    tell(t("Downloaded {name}.", { name }));
  } catch (error) {
    tell(error.message, { kind: "error", retry: () => download(format) });
  }
}

const COPIED = { link: "Link copied.", svg: "SVG copied.", png: "Picture copied.", command: "Command copied." };

async function copy(kind) {
  if (!app.written) return;
  const { state } = app.written;
  try {
    if (kind === "png") {
      // Safari takes a promise only within the click.
      const blob = firstPage("png").then((file) => file.blob);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    } else {
      const text = { svg: async () => (await firstPage("svg")).blob.text(), link: () => linkOf(state), command: () => commandOf(state) };
      await navigator.clipboard.writeText(await text[kind]());
    }
    const own = kind === "link" && state.style.split(",").some(isOwn);
    tell(own ? t("Link copied. It holds the lines of your own hand, so that it writes the same.") : t(COPIED[kind]));
  } catch {
    tell(kind === "link" ? t("The browser does not allow it. Copy the address instead: it is the link.") : t("The browser does not allow copying."), { kind: "error" });
  }
}

async function share() {
  if (!navigator.share) return copy("link");
  const { blob, name } = await firstPage("png");
  const files = [new File([blob], name, { type: "image/png" })];
  const url = await linkOf(app.written.state);
  const content = navigator.canShare?.({ files }) ? { files } : { url, title: document.title };
  return navigator.share(content).catch(() => {}); // the user has thought better of it
}
