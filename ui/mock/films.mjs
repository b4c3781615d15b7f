// Films and studies of the mock: plainly fictitious, with samples as a modality stores them.
import { readFileSync } from "node:fs";
import { decode } from "./png.mjs";

const folder = new URL("../../testdata/demo/sources/", import.meta.url);

/** Twice as large as the source and 12 bit deep, for a little more to window. */
function chest(file, inverted = false) {
  const { width, height, pixels } = decode(readFileSync(new URL(file, folder)));
  const raw = new Uint16Array(width * height * 4);
  for (let y = 0; y < height * 2; y += 1) {
    for (let x = 0; x < width * 2; x += 1) {
      const value = pixels[(y >> 1) * width + (x >> 1)] * 16;
      raw[y * width * 2 + x] = inverted ? 4095 - value : value;
    }
  }
  return {
    rows: height * 2, columns: width * 2, samples: 1, bits: 16, stored: 12, signed: false,
    photometric: inverted ? "MONOCHROME1" : "MONOCHROME2", window: [2048, 4096], raw, chest: true,
  };
}

/** A slice of nothing that looks like a slice. */
function slice(n) {
  const side = 256;
  const raw = new Uint16Array(side * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const r = Math.hypot((x - 128) / 1.25, y - 128);
      const lung = Math.min(Math.hypot(x - 88, (y - 124) / 1.4), Math.hypot(x - 168, (y - 124) / 1.4)) < 30 + 8 * Math.sin(n / 4);
      const spine = Math.hypot(x - 128, y - 182) < 13;
      const value = r > 92 ? -1000 : spine ? 600 : lung ? -820 + ((x * 31 + y * 17 + n * 13) % 60) : 45 + ((x * 7 + y * 13) % 30);
      raw[y * side + x] = value & 0xffff;
    }
  }
  return { rows: side, columns: side, samples: 1, bits: 16, stored: 16, signed: true, photometric: "MONOCHROME2", window: [40, 400], raw };
}

function colour() {
  const [columns, rows] = [480, 360];
  const raw = new Uint8Array(columns * rows * 3);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const d = Math.hypot(x - 240, y + 40);
      const inside = d > 90 && d < 380 && Math.abs(x - 240) < (y + 40) * 0.7;
      const grey = inside ? 60 + 60 * Math.sin(d / 9) + ((x * 37 + y * 91) % 50) : 0;
      const flow = inside && Math.hypot(x - 250, y - 180) < 30;
      raw.set(flow ? [200, 40, 30] : [grey, grey, grey], (y * columns + x) * 3);
    }
  }
  return { rows, columns, samples: 3, bits: 8, stored: 8, signed: false, photometric: "RGB", window: null, raw };
}

const people = [
  ["GZ-1001", "Probe^Anna", "测试^安娜", "F", "19780512"],
  ["GZ-1002", "Muster^Max", "", "M", "19610304"],
  ["GZ-1003", "Shili^Xiaoming", "示例^小明", "M", "20220115"],
  ["GZ-1005", "Exemple^Marie", "", "F", "19550721"],
  ["GZ-1006", "Beispiel^Karl", "", "M", "19480230"],
];

const list = [
  ["GZ-1001", "20261120", "DX", "Chest PA", [() => chest("hannover_006f3a8a.png")]],
  ["GZ-1002", "20261121", "DX", "Chest PA", [() => chest("hannover_18017511.png", true)]],
  ["GZ-1002", "20261121", "CT", "CT thorax", Array.from({ length: 24 }, (_, n) => () => slice(n))],
  ["GZ-1003", "20261122", "DX", "Chest AP", [() => chest("kermany_NORMAL2-IM-0019-0001.png")]],
  ["GZ-1005", "20261123", "DX", "Chest PA", [() => chest("hannover_1d6c4b7c.png")]],
  ["GZ-1005", "20261013", "US", "Ultrasound", [colour]],
  ["GZ-1006", "20261123", "DX", "Chest AP bedside", [() => chest("hannover_78af4c1d.png")]],
  ["GZ-1001", "20240311", "DX", "Chest PA", [() => chest("hannover_0957ce54.png")]],
];

const once = (make) => {
  let made;
  return () => (made ??= make());
};

export const studies = list.map(([id, date, modality, description, makers], n) => {
  const [, alphabetic, ideographic, sex, birth] = people.find((p) => p[0] === id);
  const uid = `2.25.90001.${n}`;
  const value = (vr, ...values) => ({ vr, Value: values.filter((v) => v !== "") });
  const name = { Alphabetic: alphabetic, ...(ideographic ? { Ideographic: ideographic } : {}) };
  return {
    uid, patient: id, masks: [], version: 0, modality,
    instances: makers.map((make, i) => ({ uid: `${uid}.1.${i + 1}`, number: i + 1, film: once(make) })),
    attributes: {
      "00080020": value("DA", date),
      "00080030": value("TM", "081500"),
      "00080050": value("SH", `A-26${n}`),
      "00080061": value("CS", modality),
      "00081030": value("LO", description),
      "00100010": value("PN", name),
      "00100020": value("LO", id),
      "00100030": value("DA", birth),
      "00100040": value("CS", sex),
      "0020000D": value("UI", uid),
      "00201206": value("IS", 1),
      "00201208": value("IS", makers.length),
    },
  };
});
