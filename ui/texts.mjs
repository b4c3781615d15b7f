// Reads ui/locales/*.toml: sections of `key = "text"` lines, the part of TOML that the texts need.

/** @param {string} source @returns {Record<string, string>} keys as `section.key` */
export function parseTexts(source) {
  const texts = {};
  let section = "";
  source.split("\n").forEach((raw, at) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    const head = /^\[([a-z0-9.-]+)\]$/.exec(line);
    if (head) {
      section = head[1];
      return;
    }
    const pair = /^([a-z0-9-]+) = ("(?:[^"\\]|\\.)*")$/.exec(line);
    if (!pair) throw new Error(`line ${at + 1} is not \`key = "text"\``);
    const key = `${section}.${pair[1]}`;
    if (key in texts) throw new Error(`line ${at + 1}: ${key} stands twice`);
    texts[key] = JSON.parse(pair[2]);
  });
  return texts;
}
