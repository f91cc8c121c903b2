// The worker's entry: asks for the files of the first text at once, while the modules that read them are still being loaded.

const FIRST = ["models/writer.onnx.gz", "models/writer.styles.gz", "engine/kernel.wasm", "engine.json"];

const asked = new Map(FIRST.map((name) => [name, fetch(name)]));
for (const answer of asked.values()) answer.catch(() => {}); // told to whoever takes it

/** The answer to a request for a file; what was asked for early is taken once, so that a failure is tried again. */
export function answerFor(name) {
  const early = asked.get(name);
  asked.delete(name);
  return early ?? fetch(name);
}

const loading = import("./worker.js");

self.onmessage = async ({ data }) => {
  try {
    (await loading).work(data);
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
};
