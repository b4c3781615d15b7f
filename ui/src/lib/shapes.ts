// Shapes of a drawn mask, in stored pixels of the film.

import type { Corner } from "./api";

/** Corners of one region that the server takes. */
export const MOST_CORNERS = 2048;
/** Regions of one mask set that the server takes. */
export const MOST_REGIONS = 256;

function away([x, y]: Corner, [ax, ay]: Corner, [bx, by]: Corner): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(x - ax, y - ay);
  return Math.abs(dx * (ay - y) - dy * (ax - x)) / length;
}

/** Ramer–Douglas–Peucker: no corner of the result is further than `within` from the drawn line. */
function thinned(line: Corner[], within: number): Corner[] {
  const keep = new Set([0, line.length - 1]);
  const open: [number, number][] = [[0, line.length - 1]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    let [far, at] = [within, -1];
    for (let i = from + 1; i < to; i += 1) {
      const d = away(line[i]!, line[from]!, line[to]!);
      if (d > far) [far, at] = [d, i];
    }
    if (at === -1) continue;
    keep.add(at);
    open.push([from, at], [at, to]);
  }
  return line.filter((_, i) => keep.has(i));
}

/** A line drawn by hand as a closed shape, or nothing when it encloses nothing. */
export function closed(line: Corner[], within: number): Corner[] | null {
  let shape = thinned(line, within);
  for (let wider = within * 2; shape.length > MOST_CORNERS; wider *= 2) shape = thinned(line, wider);
  return shape.length >= 3 && area(shape) >= 16 ? shape : null;
}

export function area(shape: Corner[]): number {
  let sum = 0;
  shape.forEach(([x, y], i) => {
    const [nx, ny] = shape[(i + 1) % shape.length]!;
    sum += x * ny - nx * y;
  });
  return Math.abs(sum) / 2;
}

export function rectangle([ax, ay]: Corner, [bx, by]: Corner): Corner[] {
  const [l, r, t, b] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  return [[l, t], [r, t], [r, b], [l, b]];
}

export function clamped([x, y]: Corner, columns: number, rows: number): Corner {
  return [Math.min(columns, Math.max(0, x)), Math.min(rows, Math.max(0, y))];
}

function middle(shape: Corner[]): Corner {
  const [xs, ys] = [shape.map((c) => c[0]), shape.map((c) => c[1])];
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

export function moved(shape: Corner[], dx: number, dy: number): Corner[] {
  return shape.map(([x, y]) => [x + dx, y + dy]);
}

export function scaled(shape: Corner[], sx: number, sy: number): Corner[] {
  const [cx, cy] = middle(shape);
  return shape.map(([x, y]) => [cx + (x - cx) * sx, cy + (y - cy) * sy]);
}

/** Hundredths of a pixel are enough. */
export function rounded(shape: Corner[]): Corner[] {
  return shape.map(([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100]);
}
