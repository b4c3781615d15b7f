import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { parseTexts } from "./texts.mjs";

const read = (locale) => {
  const file = new URL(`./locales/${locale}.toml`, import.meta.url);
  return { file: file.pathname, texts: parseTexts(readFileSync(file, "utf8")) };
};

/** What few people open comes with its page. */
const apart = { consent: /^consents?\b/, rules: /^rules\b/ };

/** Both languages in one table, so that each key stands once: `{ key: [en, zh] }`. */
const texts = {
  name: "texts",
  resolveId: (id) => (/^virtual:texts(-consent|-rules)?$/.test(id) ? id.replace("virtual:", "\0") : null),
  load(id) {
    if (!id.startsWith("\0texts")) return null;
    const own = apart[id.split("-")[1]];
    const wanted = own ? (key) => own.test(key) : (key) => !Object.values(apart).some((group) => group.test(key));
    const [en, zh] = [read("en"), read("zh")];
    for (const { file } of [en, zh]) this.addWatchFile(file);
    const keys = Object.keys({ ...en.texts, ...zh.texts }).filter(wanted);
    const table = Object.fromEntries(keys.map((key) => [key, [en.texts[key] ?? key, zh.texts[key] ?? key]]));
    return `export default ${JSON.stringify(table)};`;
  },
};

export default defineConfig({
  plugins: [texts, svelte()],
  base: "/",
  build: {
    outDir: process.env.GAUZE_PAGES_OUT ?? "../crates/gateway/pages",
    emptyOutDir: true,
    // The policy allows no data: address, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
});
