// A film on which masks are drawn: its pictures as the person sees them, a patient her own ones clear, and its study's mask set.

import { api, asProblem, type MaskSet, type StudyLine } from "./api";
import { tags, text } from "./dicom";
import { session } from "./session.svelte";
import { Source } from "./source";
import { seriesOf, type Shot } from "./study";
import { Viewing } from "./viewing.svelte";

/** Longest side of the picture on a patient's page; a film is never drawn larger there. */
const SIDE = 1536;

export class OwnFilm {
  readonly study: string;
  readonly viewing: Viewing;
  private source: Source;
  /** One picture of each instance that has one. */
  shots = $state.raw<Shot[]>([]);
  at = $state(0);
  masks = $state.raw<MaskSet | null>(null);
  picture = $state.raw<ImageBitmap | null>(null);
  problem = $state<string | null>(null);
  pictureProblem = $state<string | null>(null);
  private work = new AbortController();

  constructor(line: StudyLine, purpose = "own") {
    this.study = text(line.attributes, tags.study);
    this.viewing = new Viewing(this.study, purpose);
    this.source = new Source(this.viewing);
  }

  async load() {
    this.problem = null;
    try {
      const [, series, masks] = await Promise.all([
        this.viewing.open(null), seriesOf(this.study), api.masks(this.study),
      ]);
      this.shots = series.flatMap((s) => s.instances).map((instance) => ({ instance, frame: 1 }));
      this.masks = masks;
      // Nobody waits for the picture to learn what is drawn.
      void this.show(0);
    } catch (error) {
      if (!session.lost(error)) this.problem = asProblem(error).code;
    }
  }

  async show(at: number) {
    this.work.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    this.at = at;
    this.picture = null;
    this.pictureProblem = null;
    const shot = this.shots[at];
    if (!shot) return;
    try {
      const { bitmap } = await this.source.rendered(shot, SIDE, null, signal);
      if (!signal.aborted) this.picture = bitmap;
    } catch (error) {
      if (!signal.aborted && !session.lost(error)) this.pictureProblem = asProblem(error).code;
    }
  }

  get shot(): Shot | null {
    return this.shots[this.at] ?? null;
  }

  /** Stored size of the picture, in whose pixels masks are drawn. */
  get size(): { columns: number; rows: number } {
    const { instance } = this.shot ?? {};
    return {
      columns: instance?.columns || (this.picture?.width ?? 1),
      rows: instance?.rows || (this.picture?.height ?? 1),
    };
  }

  close() {
    this.work.abort();
    this.viewing.close();
  }
}
