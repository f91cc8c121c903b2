// A ZIP file of files as they are: they are packed already, or short.

import { crc32 } from "./engine/crc32.js";

const NAMES_ARE_UTF8 = 0x800;
const DATE = 0x21; // 1 January 1980: the same files give the same bytes

const little = (value, bytes) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);

/** @param {{name: string, blob: Blob}[]} files */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const data = new Uint8Array(await blob.arrayBuffer());
    const label = new TextEncoder().encode(name);
    const common = [
      ...little(20, 2), ...little(NAMES_ARE_UTF8, 2), ...little(0, 2), ...little(0, 2), ...little(DATE, 2), ...little(crc32(data), 4),
      ...little(data.length, 4), ...little(data.length, 4), ...little(label.length, 2), ...little(0, 2),
    ];
    const local = Uint8Array.from([...little(0x04034b50, 4), ...common, ...label]);
    directory.push(Uint8Array.from([...little(0x02014b50, 4), ...little(20, 2), ...common, ...little(0, 10), ...little(offset, 4), ...label]));
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = little(files.length, 2);
  const end = [...little(0x06054b50, 4), ...little(0, 4), ...count, ...count, ...little(size, 4), ...little(offset, 4), ...little(0, 2)];
  return new Blob([...parts, ...directory, Uint8Array.from(end)], { type: "application/zip" });
}
