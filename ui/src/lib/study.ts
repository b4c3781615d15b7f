// What is in a study: its series and the pictures of each, by QIDO-RS (PS3.18 §10.6).

import { ask } from "./api";
import { number, tags, text, type Attributes } from "./dicom";

export interface Instance {
  uid: string;
  path: string;
  rows: number;
  columns: number;
  frames: number;
}

/** One picture of a series. */
export interface Shot { instance: Instance; frame: number }

export interface Series {
  uid: string;
  path: string;
  modality: string;
  title: string;
  instances: Instance[];
  shots: Shot[];
}

const PAGE = 1000;
const MOST = 20_000;

export async function seriesOf(study: string): Promise<Series[]> {
  const found: Attributes[] = [];
  for (let offset = 0; offset < MOST; offset += PAGE) {
    const page = await ask(`/dicom-web/studies/${study}/instances?limit=${PAGE}&offset=${offset}`, {
      headers: { Accept: "application/dicom+json" },
    });
    const answers = page.status === 204 ? [] : ((await page.json()) as Attributes[]);
    found.push(...answers);
    if (answers.length < PAGE) break;
  }
  return arranged(study, found);
}

const order = (of: Attributes, tag: string) => number(of, tag) ?? Number.MAX_SAFE_INTEGER;

function arranged(study: string, found: Attributes[]): Series[] {
  found.sort(
    (a, b) => order(a, tags.seriesNumber) - order(b, tags.seriesNumber)
      || order(a, tags.instanceNumber) - order(b, tags.instanceNumber),
  );
  const series = new Map<string, Series>();
  for (const attributes of found) {
    const uid = text(attributes, tags.series);
    const path = `/dicom-web/studies/${study}/series/${uid}`;
    let one = series.get(uid);
    if (!one) {
      const title = text(attributes, tags.seriesDescription);
      one = { uid, path, modality: text(attributes, tags.modality), title, instances: [], shots: [] };
      series.set(uid, one);
    }
    const sop = text(attributes, tags.sopInstance);
    const instance: Instance = {
      uid: sop,
      path: `${path}/instances/${sop}`,
      rows: number(attributes, tags.rows) ?? 0,
      columns: number(attributes, tags.columns) ?? 0,
      frames: Math.max(1, number(attributes, tags.frames) ?? 1),
    };
    one.instances.push(instance);
    for (let frame = 1; frame <= instance.frames; frame += 1) one.shots.push({ instance, frame });
  }
  return [...series.values()];
}
