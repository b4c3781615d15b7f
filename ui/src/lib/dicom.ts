// Reading DICOM JSON (PS3.18 Annex F).

export interface Attribute { vr?: string; Value?: unknown[] }
export type Attributes = Record<string, Attribute>;

export const tags = {
  modality: "00080060",
  modalitiesInStudy: "00080061",
  studyDate: "00080020",
  studyTime: "00080030",
  accession: "00080050",
  studyDescription: "00081030",
  seriesDescription: "0008103E",
  patientName: "00100010",
  patientId: "00100020",
  issuer: "00100021",
  birthDate: "00100030",
  sex: "00100040",
  study: "0020000D",
  series: "0020000E",
  sopInstance: "00080018",
  seriesNumber: "00200011",
  instanceNumber: "00200013",
  frames: "00280008",
  samples: "00280002",
  photometric: "00280004",
  planar: "00280006",
  rows: "00280010",
  columns: "00280011",
  bitsAllocated: "00280100",
  bitsStored: "00280101",
  highBit: "00280102",
  signed: "00280103",
  windowCenter: "00281050",
  voiFunction: "00281056",
  windowWidth: "00281051",
  intercept: "00281052",
  slope: "00281053",
  modalityLut: "00283000",
  voiLut: "00283010",
} as const;

export function values(from: Attributes, tag: string): unknown[] {
  return from[tag]?.Value ?? [];
}

/** The values as text, joined. */
export function text(from: Attributes, tag: string): string {
  return values(from, tag).filter((v) => v != null).map(String).join(", ");
}

/** The first value as a number; decimal strings may come as text (PS3.18 §F.2.3). */
export function number(from: Attributes, tag: string): number | null {
  const first = values(from, tag)[0];
  if (first == null || first === "") return null;
  const n = Number(first);
  return Number.isFinite(n) ? n : null;
}

export interface Name { alphabetic: string; ideographic: string }

/** PS3.5 §6.2.1: components of a name stand between carets. */
export function personName(from: Attributes): Name {
  const first = values(from, tags.patientName)[0];
  const groups = (typeof first === "string" ? { Alphabetic: first } : (first ?? {})) as {
    Alphabetic?: string;
    Ideographic?: string;
  };
  const [family = "", given = "", middle = ""] = (groups.Alphabetic ?? "").split("^");
  const rest = [given, middle].filter(Boolean).join(" ");
  return {
    alphabetic: [family, rest].filter(Boolean).join(", "),
    ideographic: (groups.Ideographic ?? "").split("^").join(""),
  };
}

/** `YYYYMMDD` as `YYYY-MM-DD`; anything else as it came. */
export function date(value: string): string {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  return match ? `${match[1]}-${match[2]}-${match[3]}` : value;
}
