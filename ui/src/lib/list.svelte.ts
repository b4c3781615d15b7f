// Where the person was in the list, so that coming back from a film changes nothing.

import type { StudyLine } from "./api";

class List {
  search = $state("");
  offset = $state(0);
  chosen = $state(0);
  studies = $state<StudyLine[]>([]);
  total = $state(0);
  /** The search that the list answers. */
  answered = $state<string | null>(null);

  clear() {
    this.search = "";
    this.offset = 0;
    this.chosen = 0;
    this.studies = [];
    this.total = 0;
    this.answered = null;
  }
}

export const list = new List();
