// Reading model files (ONNX) and galleries of styles (safetensors) (runtime/model_file.py, runtime/onnx_weights.py).

import { NO_ADAPTATION } from "./adaptation.js";

// Fields of the protocol buffers in an ONNX file, and its numbers of types.
const GRAPH = 7, METADATA = 14, INITIALISER = 5;
const DIMENSIONS = 1, TYPE = 2, NAME = 8, RAW = 9;
const FLOAT = 1, INT8 = 3, INT64 = 7, HALF = 10;
// The tail of a sealed file: a metadata entry "sha256" of 64 digits.
const TAIL = 76, DIGITS = 64;

/** A model file: its metadata, and its weights by name as {shape, values}. */
export async function readModel(buffer) {
  const sealed = checkSeal(buffer); // the browser computes it in another thread
  sealed.catch(() => {});
  let read = null;
  try {
    read = parsed(buffer);
  } catch (error) {
    await sealed; // of a file that was cut, the seal says more
    throw error;
  }
  await sealed;
  return read;
}

function parsed(buffer) {
  const file = new Uint8Array(buffer);
  let about = null;
  const weights = new Map();
  for (const [field, value] of fields(file)) {
    if (field === METADATA) {
      const [key, text] = [...fields(value)].map(([, bytes]) => decode(bytes));
      if (key === "nextstroke") about = JSON.parse(text);
    } else if (field === GRAPH) {
      for (const [inner, tensor] of fields(value)) {
        if (inner === INITIALISER) addTensor(weights, tensor);
      }
    }
  }
  if (about?.format !== "nextstroke-model-1") throw new Error("not a model file of nextstroke");
  return { about, weights };
}

async function checkSeal(buffer) {
  const seal = decode(new Uint8Array(buffer, buffer.byteLength - DIGITS));
  if (!/^[0-9a-f]{64}$/.test(seal)) throw new Error("not a whole model file of nextstroke");
  if (!globalThis.crypto?.subtle) return; // a page that is neither local nor secure has none
  const digest = await crypto.subtle.digest("SHA-256", buffer.slice(0, buffer.byteLength - TAIL));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== seal) throw new Error("the model file was altered or cut");
}

function addTensor(weights, tensor) {
  const shape = [];
  let type = 0, name = "", raw = new Uint8Array();
  for (const [field, value] of fields(tensor)) {
    if (field === DIMENSIONS) shape.push(...(typeof value === "number" ? [value] : varints(value)));
    else if (field === TYPE) type = value;
    else if (field === NAME) name = decode(value);
    else if (field === RAW) raw = value;
  }
  const values = numbers(type, raw);
  if (values) weights.set(name.replace(/\.half$/, ""), { shape, values });
}

function numbers(type, raw) {
  const own = raw.slice(); // aligned for any kind of number
  if (type === INT8) return new Int8Array(own.buffer);
  if (type === FLOAT) return new Float32Array(own.buffer);
  if (type === HALF) return widened(new Uint16Array(own.buffer));
  return type === INT64 ? null : own;
}

/** float16 numbers as float32; weights are finite. */
function widened(halves) {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    if (half & 0x7c00) bits[i] = sign | (((half & 0x7fff) << 13) + 0x38000000); // the exponent's bias is 127, not 15
    else values[i] = (sign ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
  }
  return values;
}

function* fields(message) {
  let position = 0;
  const varint = () => {
    let value = 0, scale = 1;
    for (;;) {
      const byte = message[position++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (position < message.length) {
    const key = varint(), kind = key & 7, field = Math.floor(key / 8);
    if (kind === 0) yield [field, varint()];
    else if (kind === 2) {
      const size = varint();
      yield [field, message.subarray(position, position + size)];
      position += size;
    } else position += kind === 1 ? 8 : 4;
  }
}

function varints(packed) {
  const found = [];
  let value = 0, scale = 1;
  for (const byte of packed) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      found.push(value);
      [value, scale] = [0, 1];
    }
  }
  return found;
}

const decode = (bytes) => new TextDecoder().decode(bytes);

/** A gallery of styles: by name {name, group, text, state: {h1: Float32Array …}, last, adaptation}; the file has float32 or float16. */
export function readStyles(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(decode(new Uint8Array(buffer, 8, size)));
  const array = ({ dtype, data_offsets: [from, to] }) => {
    const own = buffer.slice(8 + size + from, 8 + size + to);
    return dtype === "F16" ? widened(new Uint16Array(own)) : new Float32Array(own);
  };
  const styles = new Map();
  JSON.parse(header.__metadata__.nextstroke).forEach(({ name, text, group = "", adaptation = {} }, number) => {
    const prefix = `${number}.state.`;
    const names = Object.keys(header).filter((key) => key.startsWith(prefix));
    const state = Object.fromEntries(names.map((key) => [key.slice(prefix.length), array(header[key])]));
    const last = array(header[`${number}.last`]);
    styles.set(name, { name, group, text, state, last, adaptation: { ...NO_ADAPTATION, ...adaptation } });
  });
  return styles;
}
