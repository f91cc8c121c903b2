// Compression by the platform's own streams; `format` is "gzip", "deflate" (zlib) or "deflate-raw".

/** @param {BodyInit} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
export const compressed = (data, format) => through(data, new CompressionStream(format));

/** @param {BodyInit} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
export const decompressed = (data, format) => through(data, new DecompressionStream(format));

async function through(data, transform) {
  return new Uint8Array(await new Response(new Response(data).body.pipeThrough(transform)).arrayBuffer());
}
