// Pictures of an opened study: first as the server renders them, then as samples.

import { asProblem } from "./api";
import type { Attributes } from "./dicom";
import { parts } from "./multipart";
import { layoutOf, samplesOf, type Layout, type Samples, type Window } from "./pixels";
import type { Shot } from "./study";
import type { Viewing } from "./viewing.svelte";

/** Samples kept for scrolling back, bytes. */
const KEEP_BYTES = 192 << 20;

export interface Rendered { bitmap: ImageBitmap; fallback: boolean }
export interface Loaded { samples: Samples; fallback: boolean }

const NATIVE = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';
const key = (shot: Shot) => `${shot.instance.uid}/${shot.frame}`;
const fellBack = (response: Response) => response.headers.get("Gauze-Fallback") === "1";

export class Source {
  private kept = new Map<string, Loaded>();
  private layouts = new Map<string, Promise<Layout | null>>();
  private bytes = 0;

  constructor(private viewing: Viewing) {}

  /** Forgets what was loaded under an older grant. */
  forget() {
    this.kept.clear();
    this.layouts.clear();
    this.bytes = 0;
  }

  ready(shot: Shot): Loaded | null {
    const id = key(shot);
    const found = this.kept.get(id);
    if (!found) return null;
    this.kept.delete(id);
    this.kept.set(id, found);
    return found;
  }

  async rendered(shot: Shot, side: number, window: Window | null, signal: AbortSignal): Promise<Rendered> {
    const asked = new URLSearchParams();
    if (side > 0) asked.set("viewport", `${side},${side}`);
    if (window) asked.set("window", `${window.center.toFixed(2)},${window.width.toFixed(2)},linear`);
    const path = `${shot.instance.path}/frames/${shot.frame}/rendered?${asked}`;
    const response = await this.viewing.fetch(path, "image/jpeg, image/png", signal);
    const bitmap = await createImageBitmap(await response.blob());
    return { bitmap, fallback: fellBack(response) };
  }

  async thumbnail(path: string): Promise<Blob> {
    return await (await this.viewing.fetch(`${path}/thumbnail`, "image/jpeg, image/png")).blob();
  }

  /** Nothing when this page cannot show the samples; the server's pictures serve then. */
  async samples(shot: Shot, signal: AbortSignal): Promise<Loaded | null> {
    const epoch = this.viewing.epoch;
    const layout = await this.layout(shot);
    if (!layout) return null;
    const path = `${shot.instance.path}/frames/${shot.frame}`;
    const response = await this.viewing.fetch(path, NATIVE, signal).catch((error: unknown) => {
      if (/unsupported|too-large|bad-request/.test(asProblem(error).code)) return null;
      throw error;
    });
    if (!response) return null;
    const body = new Uint8Array(await response.arrayBuffer());
    const first = parts(response.headers.get("Content-Type") ?? "", body)[0];
    const samples = first ? samplesOf(layout, first) : null;
    if (!samples) return null;
    const loaded = { samples, fallback: fellBack(response) };
    if (epoch === this.viewing.epoch) this.keep(shot, loaded);
    return loaded;
  }

  private layout(shot: Shot): Promise<Layout | null> {
    const { uid, path } = shot.instance;
    let found = this.layouts.get(uid);
    if (!found) {
      found = this.viewing
        .fetch(`${path}/metadata`, "application/dicom+json")
        .then(async (r) => layoutOf(((await r.json()) as Attributes[])[0] ?? {}));
      found.catch(() => this.layouts.delete(uid));
      this.layouts.set(uid, found);
    }
    return found;
  }

  private keep(shot: Shot, loaded: Loaded) {
    this.kept.set(key(shot), loaded);
    this.bytes += loaded.samples.raw.byteLength;
    for (const [id, old] of this.kept) {
      if (this.bytes <= KEEP_BYTES || this.kept.size === 1) break;
      this.kept.delete(id);
      this.bytes -= old.samples.raw.byteLength;
    }
  }
}
