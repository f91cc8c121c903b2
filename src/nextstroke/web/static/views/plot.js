// The dialog of a plotter on a USB port; browsers without Web Serial don't show its button.

import { app } from "../app.js";
import { aboutOf } from "../download.js";
import { t } from "../i18n.js";
import { gcode } from "../plotter.js";
import { ebbCommands, grblCommands, plot, Stopped } from "../serial.js";
import { $, button, make, openDialog } from "./dom.js";

export function wirePlot() {
  $("plot").hidden = !("serial" in navigator);
  $("plot").addEventListener("click", show);
}

function show() {
  const { pages, state } = app.written;
  const machine = make("select", { id: "machine" }, new Option("GRBL (G-code)", "grbl"), new Option("AxiDraw (EBB)", "ebb"));
  const page = make("select", {}, ...pages.map((_, i) => new Option(String(i + 1), String(i))));
  const progress = make("progress", { max: 1, value: 0, "aria-label": t("Progress") });
  const said = make("p", { role: "status", className: "small" }, t("Put the pen on the upper left corner of the paper (GRBL: the lower left one), then start."));
  const stopping = { controller: null };
  const stop = button(t("Stop"), () => stopping.controller?.abort(), { disabled: true });
  const start = button(t("Choose the port and start"), run, { className: "primary" });
  openDialog($("plot-dialog"), t("Plot"), make("label", { className: "row" }, t("Machine"), machine),
    make("label", { className: "row" }, t("Page"), page), progress, said, make("div", { className: "buttons" }, start, stop));

  async function run() {
    const drawn = pages[Number(page.value)];
    const commands = machine.value === "grbl" ? grblCommands(gcode(drawn, state, aboutOf(app.written))) : ebbCommands(drawn, state);
    try {
      const port = await /** @type {any} */ (navigator).serial.requestPort();
      stopping.controller = new AbortController();
      start.disabled = true;
      stop.disabled = false;
      const report = (done) => {
        progress.value = done / commands.length;
        said.textContent = t("Command {done} of {count}", { done, count: commands.length });
      };
      await plot(port, machine.value, commands, { progress: report, signal: stopping.controller.signal });
      said.textContent = t("Done.");
    } catch (error) {
      said.textContent = error instanceof Stopped ? t("Stopped. The pen is up.") : error.message;
    } finally {
      start.disabled = false;
      stop.disabled = true;
    }
  }
}
