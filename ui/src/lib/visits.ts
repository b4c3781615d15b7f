// Ledger entries as a patient reads them: what belongs to one visit stands together.

import type { Access } from "./api";

export interface Visit { entry: Access; until: string; times: number; pictures: number }

/** Openings are renewed every few minutes while a picture is open; pauses up to this are one visit. */
const PAUSE_MS = 15 * 60_000;
const OPENS = new Set(["opened", "lifted", "glass-broken"]);

export function detail(entry: Access, name: string): string {
  const value = entry.details[name];
  return value == null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}

const who = (a: Access) => [a.actor, a.role, a.organisation].join("\n");
const isPicture = (a: Access) => /render|frame|instance|thumb/.test(detail(a, "what"));

const sameVisit = (a: Access, b: Access) =>
  a.kind === b.kind && ["purpose", "visibility", "reason"].every((name) => detail(a, name) === detail(b, name));

/** Entries come newest first; pictures that left count to the opening before them. */
export function visits(entries: Access[]): Visit[] {
  const out: Visit[] = [];
  const last = new Map<string, Visit>();
  const pictures = new Map<string, number>();
  for (const entry of entries) {
    const by = who(entry);
    if (entry.kind === "released") {
      if (isPicture(entry)) pictures.set(by, (pictures.get(by) ?? 0) + 1);
      continue;
    }
    const before = last.get(by);
    const near = before && Date.parse(before.entry.time) - Date.parse(entry.time) <= PAUSE_MS;
    let visit: Visit;
    if (before && near && OPENS.has(entry.kind) && sameVisit(before.entry, entry)) {
      before.entry = entry;
      before.times += 1;
      visit = before;
    } else {
      visit = { entry, until: entry.time, times: 1, pictures: 0 };
      out.push(visit);
      last.set(by, visit);
    }
    if (OPENS.has(entry.kind)) {
      visit.pictures += pictures.get(by) ?? 0;
      pictures.delete(by);
    }
  }
  return out.sort((a, b) => b.entry.index - a.entry.index);
}
