// What the server offers, with its errors as `Problem`s that carry the stable code.

import type { Consent, Step } from "./consents";
import type { Attributes } from "./dicom";

export type Role =
  | "technologist" | "radiologist" | "referrer" | "researcher" | "patient"
  | "officer" | "admin" | "vendor" | "device";

export interface Account { user: string; name: string; role: Role; organisation: string }

export interface StudyLine {
  attributes: Attributes;
  order: boolean;
  related: boolean;
  looked: number;
  mask_version: number;
}

export interface Grant {
  expires_in: number;
  visibility: string;
  mask_version: number;
  may_lift: boolean;
  lifted: boolean;
}

export type Corner = [number, number];

export interface Region {
  instance: string;
  kind: string;
  frame?: number | null;
  polygon: Corner[];
}

export type HoldsFor = "strangers" | "all-but-order" | "everyone";

export interface MaskSet { version: number; holds_for: HoldsFor; regions: Region[]; others: Region[] }

export type ShapeOn =
  | { view_of: string }
  | { series_of: string }
  | { series: string }
  | { view: { modality: string; body_part: string; view_position: string } };

/** What a person wants hidden on all films of a patient; corners in shares of width and height. */
export interface Standing { version: number; holds_for: HoldsFor; parts: string[]; shapes: { on: ShapeOn; polygon: Corner[] }[] }

export interface Access {
  index: number;
  time: string;
  kind: string;
  actor: string;
  role: string;
  organisation: string;
  details: Record<string, unknown>;
  study: string | null;
}

export type Outcome = "justified" | "questioned" | "misuse";

/** Broken glass that nobody looked into yet. */
export interface Review {
  entry: number;
  time: string;
  deadline: string;
  overdue: boolean;
  user: string;
  role: string;
  organisation: string;
  study: string | null;
  reason: string;
  in_seven_days: number;
}

export interface PatientNumber { issuer: string; number: string }

export interface LookedUp { study: Attributes; series: Attributes[] }

export type Act =
  | { merge: { from: PatientNumber; into: PatientNumber } }
  | { "move-studies": { studies: string[]; to: PatientNumber; demographics?: Record<string, string> } }
  | { "move-series": { study: string; series: string[]; to_study?: string; to_patient?: PatientNumber } }
  | { "correct-patient": { patient: PatientNumber; set: Record<string, string> } }
  | { "correct-study": { study: string; set: Record<string, string> } }
  | { reject: { study: string; series?: string; code: string } }
  | { confirm: { change: number } };

export interface Change {
  number: number;
  act: string;
  at: string;
  by: string;
  reason: string;
  studies: string[];
  patients: PatientNumber[];
  undone: { at: string; by: string; reason: string } | null;
  confirmed: { at: string; by: string } | null;
  waits: boolean;
}

export interface Righted { change: number; version: number; studies: number; objects: number }

export interface RuleTexts { pictures: string; rights: string }

export interface RulesNow {
  version: string;
  rules: RuleTexts;
  since: string | null;
  proposals: { proposal: string; version: string; base: string; rules: RuleTexts; by: string; at: string; reason: string }[];
  past: { version: string; until: string }[];
}

export interface RuleOutcome { sees: string; hides: string; may_lift: boolean; rules: string[] }

/** A line of the table (`tie`) or of one study (`user`, `ties`). */
export interface RuleLine {
  role: string;
  purpose: string;
  outcome: RuleOutcome;
  tie?: string;
  withheld_class?: boolean;
  body_parts?: string[];
  user?: string;
  ties?: string[];
}

export interface Checked { questions: number; constants_left_out: boolean; findings: { rule: string; trouble: string }[] }

export interface Replayed {
  decisions: number;
  untold: number;
  confirmed: number;
  contradicted: number;
  changed: number;
  changes: { index: number; time: string; user: string; role: string; purpose: string; study: string | null; before: string; after: RuleOutcome }[];
}

/** A refused or failed call; `code` is the server's stable word, or `offline`. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly retryAfter: number | null = null,
    readonly request: string | null = null,
    /** What is wrong with a text that the person wrote. */
    readonly detail: string | null = null,
  ) {
    super(code);
  }
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem("internal", 0);
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as { code?: string; retry_after?: number; request?: string; detail?: string };
    return new Problem(body.code ?? "internal", response.status, body.retry_after ?? null, body.request ?? null, body.detail ?? null);
  } catch {
    const known: Record<number, string> = { 401: "not-signed-in", 404: "not-found", 429: "slow-down", 503: "unavailable" };
    return new Problem(known[response.status] ?? "internal", response.status);
  }
}

/** Asks; nothing that comes back is kept in the browser's cache on disk. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("offline", 0);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

function body(method: string, value: unknown): RequestInit {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

const studies = "/api/v1/studies/";

export const api = {
  signIn: (user: string, password: string) =>
    json<Account>("/auth/sign-in", body("POST", { user, password })),
  signOut: () => ask("/auth/sign-out", body("POST", {})),
  me: () => json<Account>("/api/v1/me"),
  worklist: (search: string, limit: number, offset: number, signal: AbortSignal) =>
    json<{ studies: StudyLine[]; total: number }>(
      `/api/v1/worklist?search=${encodeURIComponent(search)}&limit=${limit}&offset=${offset}`, { signal }),
  myStudies: () => json<{ studies: StudyLine[]; total: number }>("/api/v1/my-studies"),
  open: (study: string, purpose: string, reason: string | null) =>
    json<Grant>(`${studies}${study}/open`, body("POST", reason ? { purpose, reason } : { purpose })),
  lift: (study: string, reason: string) => json<Grant>(`${studies}${study}/lift`, body("POST", { reason })),
  breakGlass: (study: string, reason: string, code: string) =>
    json<Grant>(`${studies}${study}/break-glass`, body("POST", code ? { reason, code } : { reason })),
  reviews: () => json<{ reviews: Review[]; total: number }>("/api/v1/reviews"),
  review: (entry: number, outcome: Outcome, note: string) =>
    ask(`/api/v1/reviews/${entry}`, body("POST", { outcome, note })),
  masks: (study: string) => json<MaskSet>(`${studies}${study}/masks`),
  saveMasks: (study: string, expect_version: number, regions: Region[]) =>
    json<MaskSet>(`${studies}${study}/masks`, body("PUT", { expect_version, regions })),
  standing: (study: string) => json<Standing>(`${studies}${study}/masks/standing`),
  saveStanding: (study: string, { version: expect_version, holds_for, parts, shapes }: Standing) =>
    json<Standing>(`${studies}${study}/masks/standing`, body("PUT", { expect_version, holds_for, parts, shapes })),
  consents: () => json<{ consents: Consent[] }>("/api/v1/consents"),
  propose: (asked: { study: string; purpose: string; text: string; all: boolean }) =>
    json<Consent>("/api/v1/consents", body("POST", asked)),
  /** One, to its patient with who has copies by now. */
  consent: (consent: string) => json<Consent>(`/api/v1/consents/${consent}`),
  answerConsent: (consent: string, step: Step) => json<Consent>(`/api/v1/consents/${consent}`, body("POST", step)),
  lookUp: (patient: PatientNumber) =>
    json<{ version: number; studies: LookedUp[] }>("/api/v1/look-up", body("POST", patient)),
  changes: (limit: number, before: number | null) =>
    json<{ version: number; changes: Change[]; next: number | null }>(
      `/api/v1/changes?limit=${limit}${before === null ? "" : `&before=${before}`}`),
  putRight: (act: Act, reason: string, expect_version: number) =>
    json<Righted>("/api/v1/changes", body("POST", { act, reason, expect_version })),
  undo: (change: number, reason: string, expect_version: number) =>
    json<Righted>(`/api/v1/changes/${change}/undo`, body("POST", { reason, expect_version })),
  rules: () => json<RulesNow>("/api/v1/rules"),
  proposeRules: (rules: RuleTexts, reason: string, expect_version: string) =>
    json<RulesNow>("/api/v1/rules", body("POST", { rules, reason, expect_version })),
  putBackRules: (put_back: string, reason: string, expect_version: string) =>
    json<RulesNow>("/api/v1/rules", body("POST", { put_back, reason, expect_version })),
  decideRules: (proposal: string, act: "activate" | "drop") =>
    json<RulesNow>(`/api/v1/rules/proposals/${proposal}`, body("POST", { act })),
  checkRules: (rules: RuleTexts) => json<Checked>("/api/v1/rules/check", body("POST", { rules })),
  rulesMatrix: (rules: RuleTexts, body_parts: string[]) =>
    json<{ lines: RuleLine[] }>("/api/v1/rules/matrix", body("POST", { rules, body_parts })),
  replayRules: (rules: RuleTexts) => json<Replayed>("/api/v1/rules/replay", body("POST", { rules })),
  explainRules: (study: string) => json<{ lines: RuleLine[] }>("/api/v1/rules/explain", body("POST", { study })),
  accesses: (query: { study?: string; kinds?: readonly string[]; limit: number; before?: number | null }) => {
    const asked = new URLSearchParams({ limit: String(query.limit) });
    if (query.study) asked.set("study", query.study);
    if (query.kinds?.length) asked.set("kind", query.kinds.join(","));
    if (query.before != null) asked.set("before", String(query.before));
    return json<{ entries: Access[]; next: number | null }>(`/api/v1/accesses?${asked}`);
  },
};
