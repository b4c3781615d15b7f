// Both languages hold the same keys with the same places to fill, every key that is asked for exists, none is left over,
// and every word that the server can say has its text.
import { readdirSync, readFileSync } from "node:fs";
import { parseTexts } from "./texts.mjs";

const root = new URL("../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
const en = parseTexts(read("ui/locales/en.toml"));
const zh = parseTexts(read("ui/locales/zh.toml"));
const wrong = [];

for (const key of new Set([...Object.keys(en), ...Object.keys(zh)])) {
  if (!(key in en)) wrong.push(`${key} is missing in en.toml`);
  else if (!(key in zh)) wrong.push(`${key} is missing in zh.toml`);
  else if (places(en[key]) !== places(zh[key])) wrong.push(`${key}: {…} differ`);
  else if (en[key].trim() === "" || zh[key].trim() === "") wrong.push(`${key} is empty`);
}

function places(words) {
  return [...words.matchAll(/\{[a-z]+\}/g)].map((m) => m[0]).sort().join();
}

const sources = readdirSync(new URL("ui/src", root), { recursive: true })
  .filter((name) => /\.(svelte|ts)$/.test(name))
  .map((name) => read(`ui/src/${name}`))
  .join("\n");

const used = new Set();
for (const [, key] of sources.matchAll(/\bt\(\s*["']([a-z0-9.-]+)["']/g)) {
  used.add(key);
  if (!(key in en)) wrong.push(`${key} is asked for and missing`);
}
// Keys that are put together: `t(`error.${code}`)`, `word("kind", …)` and the like use a whole section.
const sections = new Set([...sources.matchAll(/[`"]([a-z-]+)(?:\.\$\{|", )/g)].map((m) => m[1]));
for (const made of ["lift-preset", "open-preset", "glass-preset"]) sections.add(made);
for (const key of Object.keys(en)) {
  const quoted = sources.includes(`"${key}"`) || sources.includes(`"${key.split(".").pop()}"`);
  if (!used.has(key) && !quoted && !sections.has(key.split(".")[0])) wrong.push(`${key} is never asked for`);
}

/** Words of a Rust table, by a pattern with one group. */
function words(path, pattern, section) {
  const found = [...read(path).matchAll(pattern)].map((m) => m[1]);
  if (found.length === 0) wrong.push(`no words found in ${path}`);
  for (const word of found) if (!(`${section}.${word}` in en)) wrong.push(`${section}.${word} is missing (${path})`);
}
const caller = "crates/model/src/caller.rs";
const part = (name) => new RegExp(`(?<=${name}, "[a-z ]+",[^}]*)= "([a-z-]+)"`, "g");
words("crates/port/src/fault.rs", /^ {4}\w+ = "([a-z-]+)",$/gm, "error");
words("crates/ledger/src/event.rs", /^ {4}\d+ "([a-z-]+)"/gm, "kind");
words(caller, part("Role"), "role");
words(caller, part("Purpose"), "purpose");

for (const line of wrong) console.error(line);
console.log(`${Object.keys(en).length} texts, ${wrong.length} wrong`);
process.exit(wrong.length > 0 ? 1 : 0);
