// From stored samples to the screen: modality and window transformation of PS3.3 §C.7.6.3 and §C.11.

import { number, text, values, tags, type Attributes } from "./dicom";

export interface Window { center: number; width: number }

/** How the samples of an instance are stored. */
export interface Layout {
  rows: number;
  columns: number;
  samples: number;
  bits: number;
  stored: number;
  signed: boolean;
  planar: boolean;
  inverted: boolean;
  slope: number;
  intercept: number;
  window: Window | null;
}

export interface Samples { layout: Layout; raw: Uint8Array | Uint16Array }

/** Nothing when this page cannot show the instance by itself; the server's picture is shown then. */
export function layoutOf(from: Attributes): Layout | null {
  const rows = number(from, tags.rows) ?? 0;
  const columns = number(from, tags.columns) ?? 0;
  const samples = number(from, tags.samples) ?? 1;
  const bits = number(from, tags.bitsAllocated) ?? 0;
  const photometric = text(from, tags.photometric);
  const shown = samples === 1 ? /^MONOCHROME[12]$/.test(photometric) : samples === 3 && photometric === "RGB";
  if (!rows || !columns || !shown || (bits !== 8 && bits !== 16) || (samples === 3 && bits !== 8)) return null;
  if (values(from, tags.modalityLut).length > 0) return null;
  const high = number(from, tags.highBit);
  if (high !== null && high !== undefined && high !== (number(from, tags.bitsStored) ?? bits) - 1) return null;
  if (!["", "LINEAR"].includes(text(from, tags.voiFunction))) return null;
  const window = windowOf(from);
  if (!window && values(from, tags.voiLut).length > 0) return null;
  return {
    rows, columns, samples, bits,
    stored: number(from, tags.bitsStored) ?? bits,
    signed: number(from, tags.signed) === 1,
    planar: samples === 3 && number(from, tags.planar) === 1,
    inverted: photometric === "MONOCHROME1",
    slope: number(from, tags.slope) ?? 1,
    intercept: number(from, tags.intercept) ?? 0,
    window,
  };
}

/** The film's own window. */
export function windowOf(from: Attributes): Window | null {
  const center = number(from, tags.windowCenter);
  const width = number(from, tags.windowWidth);
  return center != null && width != null && width >= 1 ? { center, width } : null;
}

/** Nothing when the length does not fit the layout. */
export function samplesOf(layout: Layout, bytes: Uint8Array): Samples | null {
  const count = layout.rows * layout.columns * layout.samples;
  const size = (count * layout.bits) / 8;
  // An odd length is padded by one byte (PS3.5 §8.1.1).
  if (bytes.length < size || bytes.length > size + 1) return null;
  if (layout.bits === 8) return { layout, raw: bytes.slice(0, size) };
  return { layout, raw: new Uint16Array(bytes.slice(0, size).buffer) };
}

function valueOf(layout: Layout, raw: number): number {
  const spare = 32 - layout.stored;
  const stored = layout.signed ? (raw << spare) >> spare : (raw << spare) >>> spare;
  return stored * layout.slope + layout.intercept;
}

/** From the 0.5th to the 99.5th percentile of what is there. */
export function fittingWindow(samples: Samples): Window {
  const { layout, raw } = samples;
  if (layout.samples === 3) return { center: 127.5, width: 255 };
  const step = Math.max(1, Math.floor(raw.length / 65536));
  const seen: number[] = [];
  for (let i = 0; i < raw.length; i += step) seen.push(valueOf(layout, raw[i] ?? 0));
  seen.sort((a, b) => a - b);
  const low = seen[Math.floor(seen.length * 0.005)] ?? 0;
  const high = seen[Math.ceil(seen.length * 0.995) - 1] ?? 1;
  return { center: (low + high) / 2, width: Math.max(1, high - low) };
}

/** The linear function of PS3.3 §C.11.2.1.2.1, as a table over raw values. */
function table(layout: Layout, window: Window, invert: boolean): Uint8Array {
  const size = layout.bits === 8 ? 256 : 65536;
  const out = new Uint8Array(size);
  const flip = invert !== layout.inverted;
  const center = window.center - 0.5;
  const width = Math.max(window.width - 1, 1e-6);
  for (let raw = 0; raw < size; raw += 1) {
    const share = (valueOf(layout, raw) - center) / width + 0.5;
    const level = share <= 0 ? 0 : share >= 1 ? 255 : Math.round(share * 255);
    out[raw] = flip ? 255 - level : level;
  }
  return out;
}

/** Paints the samples through a window. */
export function paint(samples: Samples, window: Window, invert: boolean, into: ImageData) {
  const { layout, raw } = samples;
  const lut = table(layout, window, invert);
  const out = new Uint32Array(into.data.buffer);
  if (layout.samples === 1) {
    for (let i = 0; i < out.length; i += 1) {
      const level = lut[raw[i]!]!;
      out[i] = 0xff000000 | (level << 16) | (level << 8) | level;
    }
    return;
  }
  const plane = layout.rows * layout.columns;
  const [step, next] = layout.planar ? [1, plane] : [3, 1];
  for (let i = 0, at = 0; i < out.length; i += 1, at += step) {
    out[i] = 0xff000000 | (lut[raw[at + 2 * next]!]! << 16) | (lut[raw[at + next]!]! << 8) | lut[raw[at]!]!;
  }
}

/** Presets by modality; `null` is the film's own window. */
export function presetsFor(modality: string): { key: string; window: Window | null; scale?: number }[] {
  const own = { key: "own", window: null };
  if (modality === "CT") {
    return [
      own,
      { key: "lung", window: { center: -600, width: 1500 } },
      { key: "soft", window: { center: 40, width: 400 } },
      { key: "bone", window: { center: 400, width: 1800 } },
      { key: "brain", window: { center: 40, width: 80 } },
    ];
  }
  return [
    own,
    { key: "harder", window: null, scale: 0.6 },
    { key: "softer", window: null, scale: 1.5 },
  ];
}
