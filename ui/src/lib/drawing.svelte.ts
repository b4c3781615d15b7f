// The regions that are being drawn, with undo.

import type { Corner, Region } from "./api";
import { clamped, closed, moved, MOST_REGIONS, rectangle, rounded, scaled } from "./shapes";

export class Drawing {
  regions = $state.raw<Region[]>([]);
  chosen = $state<number | null>(null);
  /** The line under the finger. */
  line = $state.raw<Corner[]>([]);
  said = $state<"small" | "many" | null>(null);
  private before: Region[][] = [];
  private kept: Region[] = [];
  changed = $derived.by(() => JSON.stringify(this.regions) !== JSON.stringify(this.keptNow));
  private keptNow = $state.raw<Region[]>([]);
  undoable = $state(false);

  /** Starts from what the server holds. */
  take(regions: Region[]) {
    this.kept = regions.map(({ instance, kind, frame, polygon }) => ({ instance, kind, frame: frame ?? null, polygon }));
    this.keptNow = this.kept;
    this.regions = this.kept;
    this.before = [];
    this.undoable = false;
    this.chosen = null;
  }

  /** The server holds another version now, but what was drawn here stays. */
  rebase(regions: Region[]) {
    this.keptNow = regions;
  }

  private put(regions: Region[]) {
    this.before.push(this.regions);
    this.undoable = true;
    this.regions = regions;
    this.said = null;
  }

  add(instance: string, polygon: Corner[] | null) {
    this.line = [];
    if (!polygon) {
      this.said = "small";
      return;
    }
    if (this.regions.length >= MOST_REGIONS) {
      this.said = "many";
      return;
    }
    this.put([...this.regions, { instance, kind: "drawn", frame: null, polygon: rounded(polygon) }]);
    this.chosen = this.regions.length - 1;
  }

  addLine(instance: string, within: number) {
    this.add(instance, closed(this.line, within));
  }

  addBox(instance: string, from: Corner, to: Corner, least: number) {
    const big = Math.abs(from[0] - to[0]) >= least && Math.abs(from[1] - to[1]) >= least;
    this.add(instance, big ? rectangle(from, to) : null);
  }

  change(columns: number, rows: number, by: { dx?: number; dy?: number; sx?: number; sy?: number }) {
    const region = this.chosen === null ? undefined : this.regions[this.chosen];
    if (!region) return;
    const shape = moved(scaled(region.polygon, by.sx ?? 1, by.sy ?? 1), by.dx ?? 0, by.dy ?? 0);
    const polygon = rounded(shape.map((c) => clamped(c, columns, rows)));
    this.put(this.regions.map((r, i) => (i === this.chosen ? { ...r, polygon } : r)));
  }

  remove(at: number | null) {
    if (at === null || !this.regions[at]) return;
    this.put(this.regions.filter((_, i) => i !== at));
    this.chosen = null;
  }

  removeAll() {
    if (this.regions.length > 0) this.put([]);
    this.chosen = null;
  }

  undo() {
    const last = this.before.pop();
    if (last) this.regions = last;
    this.undoable = this.before.length > 0;
    this.chosen = null;
    this.said = null;
  }
}
