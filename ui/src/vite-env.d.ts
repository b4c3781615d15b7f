/// <reference types="vite/client" />
/// <reference types="svelte" />

declare module "virtual:texts" {
  const texts: Record<string, [en: string, zh: string]>;
  export default texts;
}

declare module "virtual:texts-rules" {
  const texts: Record<string, [en: string, zh: string]>;
  export default texts;
}

declare module "virtual:texts-consent" {
  const texts: Record<string, [en: string, zh: string]>;
  export default texts;
}
