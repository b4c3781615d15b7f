// The first part of a multipart/related body (RFC 2046 §5.1), as DICOMweb sends frames.

function find(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const first = wanted[0] ?? 0;
  const last = bytes.length - wanted.length;
  for (let at = bytes.indexOf(first, from); at !== -1 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let i = 1;
    while (i < wanted.length && bytes[at + i] === wanted[i]) i += 1;
    if (i === wanted.length) return at;
  }
  return -1;
}

const ascii = (s: string) => new TextEncoder().encode(s);

/** Parts' contents, without their headers. A body of another type is one part. */
export function parts(contentType: string, body: Uint8Array): Uint8Array[] {
  if (!/^multipart\//i.test(contentType)) return [body];
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) return [];
  const delimiter = ascii(`--${boundary}`);
  const found: Uint8Array[] = [];
  let at = find(body, delimiter, 0);
  while (at !== -1) {
    const head = at + delimiter.length;
    if (body[head] === 0x2d && body[head + 1] === 0x2d) break;
    const start = find(body, ascii("\r\n\r\n"), head);
    if (start === -1) break;
    const end = nextDelimiter(body, boundary, start + 4, head);
    if (end === -1) break;
    found.push(body.subarray(start + 4, end));
    at = end + 2;
  }
  return found;
}

/** Pixels can hold any bytes: a stated length is believed when a delimiter stands there. */
function nextDelimiter(body: Uint8Array, boundary: string, from: number, head: number): number {
  const wanted = ascii(`\r\n--${boundary}`);
  const headers = new TextDecoder().decode(body.subarray(head, from));
  const stated = /content-length:\s*(\d+)/i.exec(headers)?.[1];
  if (stated && find(body, wanted, from + Number(stated)) === from + Number(stated)) return from + Number(stated);
  return find(body, wanted, from);
}
