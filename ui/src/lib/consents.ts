// Consents as the server tells them, and their boundaries in words.

import others from "virtual:texts-consent";
import { has, language, more, t } from "./i18n.svelte";

more(others);

export interface Bounds {
  from: string | null;
  until: string | null;
  hidden: string[];
  longest_side: number | null;
  identified: boolean;
  abroad: boolean;
}

export interface Party { name: string; role: string; organisation: string }

export interface Copies {
  own: boolean;
  role: string;
  organisation: string;
  studies: string[];
  releases: number;
  last: string;
  asked: string | null;
  answer: { deleted: boolean; text: string; at: string } | null;
}

export interface Consent {
  id: string;
  own: boolean;
  proposed: boolean;
  by: Party;
  purpose: string;
  recipient: { account?: string; organisation?: string; role?: string };
  study: string | null;
  deny: boolean;
  state: string;
  bounds: Bounds;
  next: string[];
  steps: { act: string; by: Party; at: string; text: string; bounds: Bounds }[];
  copies: Copies[];
}

export type Step =
  | { act: "accept" }
  | { act: "refuse" | "withdraw"; text?: string }
  | { act: "counter"; text: string; bounds: Bounds }
  | { act: "answer-deletion"; deleted: boolean; text: string };

export const USES = ["research", "teaching", "quality", "ai"];

/** A day in the person's own words. */
export function day(rfc3339: string): string {
  const when = new Date(rfc3339);
  const form = { year: "numeric", month: "long", day: "numeric" } as const;
  return new Intl.DateTimeFormat(language.now === "zh" ? "zh-CN" : "en-GB", form).format(when);
}

/** What the boundaries say, a line each. */
export function limits(bounds: Bounds): string[] {
  const parts = bounds.hidden.map((part) => t(`consent-part.${part}`)).join(language.now === "zh" ? "、" : ", ");
  // The moment after the last: a day later than what is told.
  const last = bounds.until && new Date(Date.parse(bounds.until) - 1000).toISOString();
  return [
    t(bounds.identified ? "consents.limit-identified" : "consents.limit-deidentified"),
    bounds.hidden.length ? t("consents.limit-hidden", { parts }) : "",
    bounds.longest_side ? t("consents.limit-side", { n: bounds.longest_side }) : "",
    bounds.from ? t("consents.limit-from", { day: day(bounds.from) }) : "",
    last ? t("consents.limit-until", { day: day(last) }) : "",
    t(bounds.abroad ? "consents.limit-abroad" : "consents.limit-domestic"),
  ].filter((line) => line !== "");
}

/** For whom, in words. */
export function whom({ account, organisation, role }: Consent["recipient"]): string {
  if (account) return t("consents.account", { name: account });
  if (organisation) return t("consents.organisation", { name: organisation });
  return t("consents.role", { name: t(`role.${role}`) });
}

/** Why something was refused, in words. */
export function refusal(detail: string | null, code: string): string {
  const key = `consent-refused.${detail}`;
  return has(key) ? t(key) : t(`error.${code}`);
}

