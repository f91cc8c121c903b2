// A plotter on a serial port, against a simulated one: run by node.

import assert from "node:assert/strict";
import test from "node:test";

const base = process.env.STUDIO;
const { setConstants } = await import(`${base}/engine/constants.js`);
const { ebbCommands, grblCommands, plot, Stopped } = await import(`${base}/serial.js`);
setConstants({ spline: { TENSION: 6 } });

/** A port whose machine answers each command; `answer(command, number)` gives its lines. */
function simulated(answer, end) {
  const port = { heard: [], isOpen: false };
  let send;
  let text = "";
  port.open = async ({ baudRate }) => {
    assert.equal(baudRate, 115200);
    port.isOpen = true;
    port.readable = new ReadableStream({ start: (controller) => (send = controller) });
    send.enqueue(new TextEncoder().encode("\r\nGrbl 1.1h ['$' for help]\r\n"));
    port.writable = new WritableStream({
      write(bytes) {
        text += new TextDecoder().decode(bytes);
        const parts = text.split(end);
        text = parts.pop();
        for (const command of parts) {
          port.heard.push(command);
          // An answer may come in two pieces.
          for (const line of answer(command, port.heard.length)) {
            for (const piece of [line.slice(0, 1), `${line.slice(1)}\r\n`]) send.enqueue(new TextEncoder().encode(piece));
          }
        }
        if (text === "\x18") port.heard.push(text);
      },
    });
  };
  port.close = async () => (port.isOpen = false);
  return port;
}

const PAGE = { width: 20, height: 10, paragraphs: [0], lines: [{ points: [[1, 1], [3, 1], [5, 9]], ends: [false, true, true] }] };
const LOOK = { colour: "#000000" };

test("G-code is sent line by line, each when the one before is done", async () => {
  const commands = grblCommands("; a comment\nG21\n\nG0 X1 Y1 ; there\nM2\n");
  assert.deepEqual(commands, ["G21", "G0 X1 Y1", "M2"]);
  const port = simulated(() => ["ok"], "\n");
  const done = [];
  await plot(port, "grbl", commands, { progress: (count) => done.push(count) });
  assert.deepEqual(port.heard, commands);
  assert.deepEqual(done, [1, 2, 3]);
  assert.equal(port.isOpen, false);
});

test("an error of the machine ends the plot, and the machine is reset", async () => {
  const port = simulated((_, number) => (number === 2 ? ["error:20"] : ["ok"]), "\n");
  await assert.rejects(plot(port, "grbl", ["G21", "G99", "M2"]), /error:20/);
  assert.deepEqual(port.heard, ["G21", "G99", "\x18"]);
  assert.equal(port.isOpen, false);
});

test("a machine that is silent is given up, and one that is stopped lifts its pen", async () => {
  await assert.rejects(plot(simulated(() => [], "\n"), "grbl", ["G21"], { wait: 30 }), /does not answer/);
  const stop = new AbortController();
  const port = simulated((_, number) => {
    if (number === 2) stop.abort();
    return number === 2 ? [] : ["OK"];
  }, "\r");
  await assert.rejects(plot(port, "ebb", ["EM,1,1", "SP,0,300", "SP,1,300"], { signal: stop.signal }), Stopped);
  assert.deepEqual(port.heard, ["EM,1,1", "SP,0,300", "SP,1,300", "EM,0,0"]);
});

test("an AxiDraw goes to each stroke with its pen up and ends where it began", () => {
  const commands = ebbCommands(PAGE, LOOK);
  assert.deepEqual(commands.slice(0, 3), ["EM,1,1", "SP,1,300", "XM,19,80,80"]);
  assert.deepEqual(commands.filter((command) => command.startsWith("SP,0")).length, 2);
  const moves = commands.filter((command) => command.startsWith("XM")).map((command) => command.split(",").slice(2).map(Number));
  assert.deepEqual([0, 1].map((axis) => moves.reduce((sum, move) => sum + move[axis], 0)), [0, 0]);
  let isDown = false;
  for (const command of commands) {
    if (command.startsWith("SP")) isDown = command.startsWith("SP,0");
    if (command === "XM,27,160,0") assert.fail("drawn faster than 25 mm a second");
  }
  assert.equal(isDown, false);
});
