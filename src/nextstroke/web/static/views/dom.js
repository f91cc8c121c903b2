// Small parts that several views share: elements, groups walked with arrows, menus, dialogs.

import { t } from "../i18n.js";

/** The element of an id. @returns {any} */
export const $ = (id) => document.getElementById(id);
/** The elements of a selector. @returns {any[]} */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag
 * @param {object} properties of the element; `data` are data-*, names with a hyphen and `role` are attributes
 * @param {...(Node|string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(made.dataset, value);
    else if (key === "role" || key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export const button = (text, act, properties = {}) => make("button", { type: "button", onclick: act, ...properties }, text);

/** A drawing of paths in a box [left, top, width, height]. */
export function drawing(paths, box, pen, properties = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box.join(" "));
  for (const [key, value] of Object.entries({ "aria-hidden": "true", ...properties })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", paths.join(""));
  path.setAttribute("stroke-width", pen);
  svg.append(path);
  return svg;
}

/** Arrows, Home and End move through the visible members of a group; `choose` is called with the one that is reached. */
export function arrows(group, selector, choose = (_reached) => {}) {
  group.addEventListener("keydown", (event) => {
    const members = all(selector, group).filter((each) => !each.disabled && each.offsetParent);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const end = { Home: 0, End: -1 }[event.key];
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    const next = step === undefined ? members.at(end) : members.at((members.indexOf(document.activeElement) + step) % members.length);
    next.focus();
    choose(next);
  });
}

/** Show the panel of one tab of a list and hide the others. */
export function showTab(list, chosen) {
  for (const tab of list.querySelectorAll("[role=tab]")) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !selected;
  }
}

/** A button that opens a menu; the menu closes with Esc, a click elsewhere, or a choice. */
export function wireMenu(opener, menu) {
  const items = menu.matches("[role=menu]") ? menu : menu.querySelector("[role=menu]");
  const close = (back = false) => {
    if (menu.hidden) return;
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (back) opener.focus();
  };
  const open = () => {
    menu.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    items.querySelector("[role=menuitem]").focus();
  };
  opener.addEventListener("click", () => (menu.hidden ? open() : close(true)));
  opener.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || !menu.hidden) return;
    event.preventDefault();
    open();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close(true);
  });
  items.addEventListener("click", (event) => {
    if (event.target.closest("[role=menuitem]")) close(true);
  });
  arrows(items, "[role=menuitem]");
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target) && !opener.contains(event.target)) close();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget) && event.relatedTarget !== opener) close();
  });
}

/** Fill a dialog and open it. */
export function openDialog(dialog, title, ...children) {
  const heading = make("h2", { id: dialog.getAttribute("aria-labelledby") }, title);
  const close = button("✕", () => dialog.close(), { className: "quiet", "aria-label": t("Close") });
  dialog.replaceChildren(make("div", { className: "dialog" }, make("header", {}, heading, close), ...children));
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  if (!dialog.open) dialog.showModal();
}
