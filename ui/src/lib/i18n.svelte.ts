// Texts by key in the person's language, kept in this browser.

import texts from "virtual:texts";

export type Locale = "en" | "zh";

const KEPT = "gauze-language";

function first(): Locale {
  const kept = read();
  if (kept === "en" || kept === "zh") return kept;
  return navigator.languages.some((l) => l.toLowerCase().startsWith("zh")) ? "zh" : "en";
}

function read(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

class Language {
  now = $state<Locale>(first());

  set(locale: Locale) {
    this.now = locale;
    document.documentElement.lang = locale === "zh" ? "zh-CN" : "en";
    try {
      localStorage.setItem(KEPT, locale);
    } catch {
      // A browser without storage asks anew next time.
    }
  }
}

export const language = new Language();

export type Given = Record<string, string | number>;

/** Texts that come with a page. */
export function more(others: typeof texts) {
  Object.assign(texts, others);
}

/** The text of a key; `{name}` is replaced. */
export function t(key: string, given: Given = {}): string {
  const found = texts[key]?.[language.now === "zh" ? 1 : 0] ?? key;
  return found.replace(/\{([a-z]+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** The text of a key that may not exist, else the word itself. */
export function word(section: string, value: string): string {
  const key = `${section}.${value}`;
  return has(key) ? t(key) : value;
}

export function has(key: string): boolean {
  return Object.hasOwn(texts, key);
}

/** The key under `section` whose text this is, in any language. */
export function keyOf(section: RegExp, words: string): string | undefined {
  return Object.keys(texts).find((key) => section.test(key) && texts[key]?.includes(words));
}

/** A moment in the person's own zone. */
export function moment(rfc3339: string): string {
  const when = new Date(rfc3339);
  if (Number.isNaN(when.getTime())) return rfc3339;
  return new Intl.DateTimeFormat(language.now === "zh" ? "zh-CN" : "en-GB", {
    year: "numeric", month: language.now === "zh" ? "2-digit" : "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hour12: false,
  }).format(when);
}
