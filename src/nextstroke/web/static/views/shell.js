// The frame of the page: tabs, theme, language, shortcuts, documents, files dropped on the page.

import { app, cancel, change, nameOf, on, openDocument, openState, randomSeed, redo, takeAddress, undo } from "../app.js";
import * as documents from "../documents.js";
import { language, t, useLanguage } from "../i18n.js";
import { read } from "../state.js";
import { prefer, preferences } from "../store.js";
import { $, arrows, button, make, openDialog, showTab } from "./dom.js";

const THEMES = ["auto", "light", "dark"];

export function wireShell(desk, views) {
  const tabs = document.querySelector(".top [role=tablist]");
  const show = () => {
    const chosen = $(`tab-${app.state.view}`);
    showTab(tabs, chosen);
    views[app.state.view]?.();
  };
  for (const tab of tabs.children) tab.addEventListener("click", () => change({ view: tab.getAttribute("aria-controls") }));
  arrows(tabs, "[role=tab]", (tab) => tab.click());
  on("state", (fields) => {
    if (fields.includes("view")) show();
  });
  addEventListener("popstate", takeAddress);
  addEventListener("hashchange", takeAddress);
  wireTheme();
  wireLanguage();
  $("help").addEventListener("click", showHelp);
  $("documents").addEventListener("click", showDocuments);
  on("state", showName);
  showName();
  addEventListener("keydown", (event) => press(event, desk));
  show();
}

function wireTheme() {
  const show = () => {
    document.documentElement.dataset.theme = preferences.theme;
    const name = { auto: t("Theme: as the system"), light: t("Theme: light"), dark: t("Theme: dark") }[preferences.theme];
    $("theme").title = name;
    $("theme").setAttribute("aria-label", name);
  };
  $("theme").addEventListener("click", () => {
    prefer({ theme: THEMES[(THEMES.indexOf(preferences.theme) + 1) % THEMES.length] });
    show();
  });
  show();
}

function wireLanguage() {
  const other = language === "de" ? "en" : "de";
  Object.assign($("language"), { textContent: other.toUpperCase(), lang: other });
  $("language").setAttribute("aria-label", other === "de" ? "DE: Deutsch" : "EN: English");
  $("language").addEventListener("click", () => useLanguage(other));
}

/** Shortcuts; letters only where nothing is typed into. */
function press(event, desk) {
  if (document.querySelector("dialog[open]")) return;
  const isWriting = app.state.view === "write";
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && isWriting && !event.altKey) {
    const act = { z: event.shiftKey ? redo : undo, y: redo, s: () => $("download").click() }[key];
    if (act) {
      event.preventDefault();
      act();
    }
    return;
  }
  if (event.key === "Escape" && isWriting) {
    if (desk.isWriting) desk.finish();
    else if (app.isBusy) cancel();
    return;
  }
  const isTyped = event.target.matches?.("textarea, select, input:not([type=range], [type=radio], [type=checkbox])");
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    r: () => isWriting && anotherOne(), "?": showHelp, d: () => isWriting && $("download").click(),
    p: () => isWriting && desk.replay(), t: () => isWriting && $("text").focus(), i: () => isWriting && $("inside").click(),
  }[key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** Other ink of the same text. */
export const anotherOne = () => change({ seed: randomSeed(), again: "" });

function showHelp() {
  const keys = [
    ["R", t("Another one")], ["Esc", t("Finish the writing at once; cancel")], ["P", t("Write it before my eyes")],
    ["D", t("Download")], ["T", t("To the text")], ["I", t("Look inside")], ["Ctrl Z", t("Undo")], ["Ctrl ⇧ Z", t("Redo")],
    ["?", t("Shortcuts")],
  ];
  const rows = keys.flatMap(([key, what]) => [make("kbd", {}, key), make("span", {}, what)]);
  openDialog($("help-dialog"), t("Shortcuts"), make("div", { className: "keys" }, ...rows));
}

// Documents.

const showName = () => ($("document-name").textContent = documents.open()?.name ?? t("Documents"));

function showDocuments() {
  const list = make("ul", { className: "list" });
  const current = documents.open()?.id;
  for (const each of documents.all()) {
    const open = () => {
      $("documents-dialog").close();
      openDocument(each.id);
    };
    const name = button(each.name, open, { className: "grow" });
    const rename = button(t("Rename"), () => renameDocument(each), { className: "quiet" });
    const remove = button(t("Delete"), () => removeDocument(each.id), { className: "quiet" });
    const row = make("li", {}, name, make("span", { className: "small" }, when(each.changed)), rename, remove);
    if (each.id === current) row.setAttribute("aria-current", "true");
    list.append(row);
  }
  const fresh = button(t("New document"), () => {
    $("documents-dialog").close();
    openDocument();
    $("text").focus();
  }, { className: "primary" });
  const note = make("p", { className: "small" }, t("Documents are saved in this browser as you type."));
  openDialog($("documents-dialog"), t("Documents"), make("div", { className: "buttons" }, fresh), list, versions(), note);
}

/** Earlier versions of the open document. */
function versions() {
  const found = documents.open()?.versions ?? [];
  const details = make("details", {}, make("summary", {}, t("Earlier versions ({count})", { count: found.length })));
  const list = make("ul", { className: "list" });
  for (const { fragment: held, changed } of [...found].reverse()) {
    const state = read(held);
    const text = `${when(changed)} · ${nameOf(state)}`;
    const reopen = () => {
      $("documents-dialog").close();
      openState(state);
    };
    list.append(make("li", {}, button(text, reopen, { className: "grow" })));
  }
  details.append(list);
  return details;
}

const when = (time) => new Date(time).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

function removeDocument(id) {
  documents.remove(id);
  showName();
  showDocuments();
}

function renameDocument({ id, name }) {
  const input = make("input", { value: name, maxLength: 60, "aria-label": t("Name") });
  const form = make("form", { className: "buttons" }, input, make("button", { className: "primary" }, t("Rename")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    documents.rename(id, input.value.trim() || name);
    showName();
    showDocuments();
  });
  openDialog($("documents-dialog"), t("Rename"), form);
  input.select();
}
