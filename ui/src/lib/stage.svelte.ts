// The picture on the screen: which shot, through which window, at which zoom.

import { asProblem } from "./api";
import { fittingWindow, paint, type Samples, type Window } from "./pixels";
import type { Source } from "./source";
import type { Shot } from "./study";
import type { Viewing } from "./viewing.svelte";

const LEAST_ZOOM = 0.2;
const MOST_ZOOM = 16;

export class Stage {
  shot = $state.raw<Shot | null>(null);
  /** What stands on the canvas: nothing, the server's picture, or samples. */
  has = $state<"nothing" | "rendered" | "samples">("nothing");
  loading = $state(false);
  problem = $state<string | null>(null);
  fallback = $state(false);
  /** Visibility under which the picture on the screen was loaded; a clock never changes it. */
  visibility = $state("");
  window = $state<Window | null>(null);
  inverted = $state(false);
  zoom = $state(1);
  /** Milliseconds from the choice of the study to the first picture. */
  firstPaint = $state<number | null>(null);

  private x = 0;
  private y = 0;
  private canvas: HTMLCanvasElement | null = null;
  private off = document.createElement("canvas");
  private data: ImageData | null = null;
  private bitmap: ImageBitmap | null = null;
  private samples: Samples | null = null;
  private own: Window | null = null;
  private work = new AbortController();
  private due = 0;
  private repaint = false;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private source: Source,
    private viewing: Viewing,
    private begun: number,
  ) {}

  attach(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(canvas);
    return () => {
      watch.disconnect();
      this.work.abort();
      clearTimeout(this.again);
    };
  }

  /** Shows a shot; a window that the person chose stays within a series. */
  async show(shot: Shot, keepWindow: boolean) {
    this.work.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    const same = this.shot?.instance.uid === shot.instance.uid && this.shot.frame === shot.frame;
    this.shot = shot;
    if (!keepWindow) {
      this.window = null;
      this.own = null;
    }
    this.loading = true;
    this.problem = null;
    try {
      const visibility = this.granted();
      const kept = this.source.ready(shot);
      if (kept) return this.takeSamples(kept.samples, kept.fallback, visibility);
      await this.first(shot, signal, visibility);
      const loaded = await this.source.samples(shot, signal);
      if (signal.aborted) return;
      if (loaded) this.takeSamples(loaded.samples, loaded.fallback, visibility);
      else this.own = await this.source.window(shot);
    } catch (error) {
      if (signal.aborted) return;
      if (!same) this.clear();
      this.problem = asProblem(error).code;
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  private granted(): string {
    const { grant, glass } = this.viewing;
    if (glass) return "glass";
    return grant?.lifted ? "lifted" : (grant?.visibility ?? "");
  }

  private async first(shot: Shot, signal: AbortSignal, visibility: string) {
    const first = await this.source.rendered(shot, this.side(), this.window, signal);
    if (signal.aborted) return;
    this.bitmap = first.bitmap;
    this.samples = null;
    this.has = "rendered";
    this.shown(first.fallback, visibility);
  }

  private takeSamples(samples: Samples, fallback: boolean, visibility: string) {
    this.samples = samples;
    this.bitmap = null;
    this.own = samples.layout.window ?? fittingWindow(samples);
    this.window ??= { ...this.own };
    this.has = "samples";
    this.loading = false;
    this.repaint = true;
    this.shown(fallback, visibility);
  }

  private shown(fallback: boolean, visibility: string) {
    this.fallback = fallback;
    this.visibility = visibility;
    this.draw();
    this.firstPaint ??= performance.now() - this.begun;
  }

  private clear() {
    this.bitmap = null;
    this.samples = null;
    this.has = "nothing";
    this.draw();
  }

  /** Longest side that the screen can show, in steps, so that a resized window asks for no new picture. */
  private side(): number {
    const box = this.canvas?.getBoundingClientRect();
    const longest = Math.max(box?.width ?? 0, box?.height ?? 0, 512) * devicePixelRatio;
    return Math.min(2048, Math.ceil(longest / 512) * 512);
  }

  setWindow(window: Window) {
    this.window = { center: window.center, width: Math.max(1, window.width) };
    this.repaint = true;
    if (this.samples) this.draw();
    else this.renderAgain();
  }

  /** The server windows what this page cannot. */
  private renderAgain() {
    const { shot } = this;
    if (!shot || this.loading) return;
    clearTimeout(this.again);
    this.again = setTimeout(() => {
      const visibility = this.granted();
      this.first(shot, this.work.signal, visibility).catch((error: unknown) => {
        if (!this.work.signal.aborted) this.problem = asProblem(error).code;
      });
    }, 120);
  }

  preset(window: Window | null, scale = 1) {
    const own = this.own ?? { center: 127.5, width: 255 };
    this.setWindow(window ?? { center: own.center, width: own.width * scale });
  }

  /** Drag by screen pixels: right is wider, down is darker. */
  dragWindow(dx: number, dy: number) {
    const from = this.window ?? this.own ?? { center: 127.5, width: 255 };
    const reach = (this.own?.width ?? 255) / 400;
    this.setWindow({ center: from.center + dy * reach, width: from.width + dx * reach });
  }

  invert() {
    this.inverted = !this.inverted;
    this.repaint = true;
    this.draw();
  }

  /** Scales around a point of the canvas, CSS pixels from its middle. */
  scale(by: number, atX = 0, atY = 0) {
    const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * by));
    const change = zoom / this.zoom;
    this.x = atX - (atX - this.x) * change;
    this.y = atY - (atY - this.y) * change;
    this.zoom = zoom;
    this.draw();
  }

  pan(dx: number, dy: number) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  fit() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.draw();
  }

  reset() {
    this.inverted = false;
    this.repaint = true;
    this.fit();
    if (this.own && this.samples) this.setWindow(this.own);
    else if (this.window) {
      this.window = null;
      this.renderAgain();
    }
  }

  private draw() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.drawNow());
  }

  private drawNow() {
    const { canvas } = this;
    const box = canvas?.getBoundingClientRect();
    const context = canvas?.getContext("2d", { alpha: false });
    if (!canvas || !box || !context) return;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.filter = "none";
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    const picture = this.picture();
    if (!picture) return;
    const columns = this.shot?.instance.columns || picture.width;
    const rows = this.shot?.instance.rows || picture.height;
    const fit = Math.min(width / columns, height / rows) * this.zoom;
    context.imageSmoothingEnabled = fit < 3;
    context.imageSmoothingQuality = "high";
    if (!this.samples && this.inverted) context.filter = "invert(1)";
    const [w, h] = [columns * fit, rows * fit];
    context.drawImage(picture, width / 2 - w / 2 + this.x * ratio, height / 2 - h / 2 + this.y * ratio, w, h);
  }

  private picture(): HTMLCanvasElement | ImageBitmap | null {
    if (!this.samples || !this.window) return this.bitmap;
    const { rows, columns } = this.samples.layout;
    const context = this.off.getContext("2d");
    if (!context) return null;
    if (this.repaint) {
      if (this.data?.width !== columns || this.data.height !== rows) {
        this.off.width = columns;
        this.off.height = rows;
        this.data = context.createImageData(columns, rows);
      }
      paint(this.samples, this.window, this.inverted, this.data);
      context.putImageData(this.data, 0, 0);
      this.repaint = false;
    }
    return this.off;
  }
}
