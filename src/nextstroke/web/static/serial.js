// Pen plotters on a serial port (the browser's Web Serial): GRBL, which takes G-code, and EBB, the board of an AxiDraw.
// No DOM here.

import { plotterStrokes } from "./plotter.js";

const BAUD = 115200;
const ANSWER_WAIT = 60_000; // ms that a plotter may take for one command
const EBB_STEPS = 80; // to the millimetre
const EBB_DRAWING = 25; // mm a second
const EBB_MOVING = 75;
const EBB_PEN = 300; // ms that the pen takes up or down
const LEAST = 1 / EBB_STEPS; // mm; a shorter move is left out
export class Stopped extends Error {}

/** The lines of G-code without comments and blank lines: a plotter answers each of them. */
export function grblCommands(gcode) {
  return gcode.split("\n").map((line) => line.replace(/;.*$/, "").trim()).filter(Boolean);
}

/** Commands of EBB for a page; the pen ends where it began. */
export function ebbCommands(page, look) {
  const commands = ["EM,1,1", `SP,1,${EBB_PEN}`];
  let at = [0, 0]; // in steps, so that nothing adds up
  const go = ([x, y], speed) => {
    const to = [Math.round(x * EBB_STEPS), Math.round(y * EBB_STEPS)];
    const [dx, dy] = [to[0] - at[0], to[1] - at[1]];
    const length = Math.hypot(dx, dy) / EBB_STEPS;
    if (length < LEAST) return;
    commands.push(`XM,${Math.max(1, Math.round((1000 * length) / speed))},${dx},${dy}`);
    at = to;
  };
  for (const strokes of plotterStrokes(page, look)) {
    for (const stroke of strokes) {
      // The board's origin is the upper left corner of the paper.
      const [first, ...rest] = stroke.map(([x, y]) => [x, page.height - y]);
      go(first, EBB_MOVING);
      commands.push(`SP,0,${EBB_PEN}`);
      for (const place of rest) go(place, EBB_DRAWING);
      commands.push(`SP,1,${EBB_PEN}`);
    }
  }
  go([0, 0], EBB_MOVING);
  return [...commands, "EM,0,0"];
}

// How each machine ends a command, says that it was done, and lifts the pen when it is stopped.
const MACHINES = {
  grbl: { end: "\n", isDone: (line) => line === "ok", stop: ["\x18"] },
  ebb: { end: "\r", isDone: (line) => /^OK/i.test(line), stop: ["SP,1,300\r", "EM,0,0\r"] },
};

/**
 * Send commands one by one, each when the one before was answered.
 * @param {any} port a SerialPort, which is opened and closed
 * @param {"grbl"|"ebb"} machine
 * @param {string[]} commands
 * @param {{progress?: (done: number) => void, signal?: AbortSignal, wait?: number}} how
 */
export async function plot(port, machine, commands, { progress = () => {}, signal, wait = ANSWER_WAIT } = {}) {
  const { end, isDone, stop } = MACHINES[machine];
  await port.open({ baudRate: BAUD });
  const writer = port.writable.getWriter();
  const reader = port.readable.getReader();
  const lines = linesOf(reader, wait, signal);
  const send = (text) => writer.write(new TextEncoder().encode(text));
  try {
    for (const [number, command] of commands.entries()) {
      if (signal?.aborted) throw new Stopped();
      await send(command + end);
      await answered(lines, isDone);
      progress(number + 1);
    }
  } catch (error) {
    for (const text of stop) await send(text).catch(() => {});
    throw error;
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
    await writer.close().catch(() => {});
    await port.close().catch(() => {});
  }
}

/** Wait until a command is done; other lines are greetings and reports. */
async function answered(lines, isDone) {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error("The plotter was unplugged.");
    if (isDone(value)) return;
    if (/^(error|alarm|!)/i.test(value)) throw new Error(`The plotter says: ${value}`);
  }
}

/** The lines that a port sends. */
async function* linesOf(reader, wait, signal) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await within(reader.read(), wait, signal);
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split(/[\r\n]+/);
    text = parts.pop();
    for (const line of parts) if (line.trim()) yield line.trim();
  }
}

function within(promise, wait, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("The plotter does not answer.")), wait);
    const stopped = () => reject(new Stopped());
    if (signal?.aborted) stopped();
    signal?.addEventListener("abort", stopped);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stopped);
    });
  });
}
