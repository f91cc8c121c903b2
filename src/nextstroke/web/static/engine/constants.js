// The constants of the Python modules that the engine ports, {module: {NAME: value}}: engine.json (web/engine_constants.py).

export const constants = {};

/** Take the contents of engine.json, before anything else of the engine is used. */
export function setConstants(read) {
  Object.assign(constants, read);
}
