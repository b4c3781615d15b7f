// Words for people that several pages share.

import type { StudyLine } from "./api";
import { date, tags, text } from "./dicom";
import { has, keyOf, t } from "./i18n.svelte";

/** What a film is, in plain words. */
export function filmTitle(line: StudyLine): string {
  const modality = (text(line.attributes, tags.modalitiesInStudy) || text(line.attributes, tags.modality)).split(/, |\\/)[0] ?? "";
  const known = `modality.${modality.toLowerCase()}`;
  const kind = has(known) ? t(known) : modality;
  return [kind, text(line.attributes, tags.studyDescription)].filter(Boolean).join(" · ");
}

export function filmDate(line: StudyLine): string {
  return date(text(line.attributes, tags.studyDate));
}

/** A reason that was a preset, in whichever language it was given, in the reader's language. */
export function reasonWords(reason: string): string {
  const key = keyOf(/-preset\./, reason);
  return key ? t(key) : reason;
}
