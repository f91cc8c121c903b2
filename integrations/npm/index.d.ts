/** A position in millimetres, y downwards. */
export type Point = [x: number, y: number];

/** Layout of pages, in millimetres. Without width and height a page is cut to its ink. */
export interface Page {
  width?: number;
  height?: number;
  /** Border on all sides; 4 by default. */
  margin?: number;
  /** Distance from baseline to baseline; 10 by default. */
  lineHeight?: number;
  /** Height of small letters; 2.2 by default. */
  xHeight?: number;
  align?: "left" | "center" | "right";
  /** Unsteadiness of the lines, 0 to 3; 0 by default. */
  drift?: number;
}

export interface WriteOptions {
  /** Name of a style, one of `styles()`; "none" for another in each line; by default the first. */
  style?: string;
  /** Sampling bias: 0 varies as much as real hands, 1 is very legible; 0.75 by default. */
  bias?: number;
  /** The same seed gives the same ink, here and in Python; 1 by default. */
  seed?: number;
  /** Attempts at each line, of which the most legible is kept; 8 by default. */
  bestOf?: number;
  page?: Page;
  /** Called after each line with the number of lines of the paragraph that are written, and of all. */
  progress?: (written: number, lines: number) => void;
}

/** A row of a page. */
export interface Row {
  /** Index of the page, and its size. */
  page: number;
  width: number;
  height: number;
  baseline: number;
  /** The text as it was given and as it was drawn (“ as "); empty for an empty row. */
  text: string;
  written: string;
  /** Whether the line ended by itself and no character was left out. */
  complete: boolean;
  strokes: Point[][];
}

export interface GenerateOptions {
  /** Number of bytes; 200 by default. */
  length?: number;
  /** 1 as learned, below 1 more predictable, 0 always the likeliest; 1 by default. */
  temperature?: number;
  seed?: number;
}

/** Names of the styles. */
export function styles(): Promise<string[]>;

/** Write a text; each row is given as soon as it is written. Line ends begin paragraphs. */
export function write(text: string, options?: WriteOptions): AsyncGenerator<Row, void, void>;

/** Write a text; the pages as SVG documents of centre lines. */
export function writeSvg(
  text: string,
  options?: WriteOptions & { pen?: number; colour?: string },
): Promise<string[]>;

/** Continue a text; pieces are given as they are drawn. */
export function generate(prime: string, options?: GenerateOptions): AsyncGenerator<string, void, void>;

/** Pack a message of at most 1024 bytes, a text as UTF-8, as `nextstroke compress --message` does: the same bytes. */
export function packMessage(message: string | Uint8Array, options?: { check?: 0 | 1 | 2; text?: false }): Promise<Uint8Array>;
/** The same as ASCII text (base91). */
export function packMessage(message: string | Uint8Array, options: { check?: 0 | 1 | 2; text: true }): Promise<string>;

/** The bytes of a message, from its frame or the frame as text; rejects what was altered. */
export function unpackMessage(frame: Uint8Array | string): Promise<Uint8Array>;
