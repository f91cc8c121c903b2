// The models, the styles and the constants of a site or package, each read when it is first asked for.

import { decompressed } from "./compression.js";
import { setConstants } from "./constants.js";
import { readModel, readStyles } from "./model_file.js";
import { TextNetwork, WriterNetwork } from "./network.js";
import { Recogniser } from "./recogniser.js";

/** What an asynchronous function makes, made once; after a failure it is tried again. */
export function once(make) {
  let made = null;
  return () => {
    made ??= make().catch((error) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/**
 * Functions that give what the engine needs.
 * @param {(name: string) => Promise<any>} bytes reads a file by its path in the site; a packed one may be a stream
 */
export function loader(bytes) {
  const unpacked = async (name) => (await decompressed(await bytes(`models/${name}.gz`), "gzip")).buffer;
  const kernel = once(async () => WebAssembly.compile(await bytes("engine/kernel.wasm")));
  const network = (Kind, name) => once(async () => {
    const [compiled, model] = await Promise.all([kernel(), unpacked(`${name}.onnx`).then(readModel)]);
    return new Kind(compiled, model);
  });
  return {
    writer: network(WriterNetwork, "writer"),
    recogniser: network(Recogniser, "reader"),
    textNetwork: network(TextNetwork, "text"),
    styles: once(async () => readStyles(await unpacked("writer.styles"))),
    constants: once(async () => setConstants(JSON.parse(new TextDecoder().decode(await bytes("engine.json"))))),
  };
}
