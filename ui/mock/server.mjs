// A stand-in for the archive while the pages are written: the same answers over plain HTTP, none of the protection.
// Never part of the product. MOCK_PORT, MOCK_EXPIRES (seconds of a grant), MOCK_FRAMES=0 (server-side pictures only).
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { studies } from "./films.mjs";
import { encode } from "./png.mjs";

const pages = new URL("../../crates/gateway/pages/", import.meta.url);
const EXPIRES = Number(process.env.MOCK_EXPIRES ?? 300);
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

const accounts = Object.fromEntries(
  [
    ["radiologist", "Dr Ruth Radner"], ["referrer", "Dr Ole Ortner"], ["researcher", "Rosa Rechner"], ["patient", "Anna Probe"],
    ["officer", "Petra Privat"], ["admin", "Ada Amin"], ["vendor", "Viktor Vend"], ["technologist", "Toni Techel"],
  ].map(([role, name]) => [role, { user: role, name, role, organisation: role === "vendor" ? "Beispiel-Technik" : "Demo hospital" }]),
);
const sessions = new Map();
const ledger = [];
let misses = 0;

function record(account, kind, study, details = {}) {
  ledger.push({
    index: ledger.length, time: new Date().toISOString(), kind, actor: account?.user ?? "", role: account?.role ?? "",
    organisation: account?.organisation ?? "", details, study: study?.uid ?? null,
  });
}
record(null, "started", null, { software: "mock", policy_version: "0" });
for (const study of studies) record(accounts.technologist, "stored", study, { sop_uid: study.uid, size: "1000000", calling_ae: "XRAY1" });

class Fault extends Error {
  constructor(status, code, retry) {
    super(code);
    Object.assign(this, { status, code, retry });
  }
}

// As in the demo: a reading pool, two patients of the referrer, orders by study.
const related = (account, study) =>
  account.role === "radiologist" || (account.role === "referrer" && ["GZ-1001", "GZ-1006"].includes(study.patient));
const order = (account, study) => account.role === "radiologist" && ["2.25.90001.0", "2.25.90001.2"].includes(study.uid);

function line(account, study) {
  const attributes = { ...study.attributes };
  if (account.role === "researcher") {
    for (const tag of ["00100030", "00080020", "00080050"]) delete attributes[tag];
    attributes["00100010"] = { vr: "PN", Value: [{ Alphabetic: `P-${study.uid.slice(-1)}8f31` }] };
    attributes["00100020"] = { vr: "LO", Value: [`P-${study.uid.slice(-1)}8f31`] };
  }
  const looked = ledger.filter((e) => e.study === study.uid && e.kind === "opened" && e.role !== "patient").length;
  return { attributes, order: order(account, study), related: related(account, study), looked, mask_version: study.version };
}

function open(session, study, { purpose, reason }, lift) {
  const { account } = session;
  if (!["radiologist", "referrer", "researcher", "patient"].includes(account.role)) {
    record(account, "open-refused", study, { purpose, rules: ["no-picture"] });
    throw new Fault(404, "not-found");
  }
  const mayLift = related(account, study);
  if (lift && !reason) throw new Fault(403, "reason-needed");
  if (lift && !mayLift) throw new Fault(404, "not-found");
  const needs = !mayLift && ["radiologist", "referrer"].includes(account.role);
  if (needs && !reason) throw new Fault(403, "reason-needed");
  const held = session.grants.get(study.uid);
  const why = purpose ?? held?.purpose;
  const clear = lift || account.role === "patient" || order(account, study);
  const visibility = clear ? "clear" : account.role === "researcher" ? "deidentified" : "masked";
  record(account, lift ? "lifted" : "opened", study, { purpose: why, reason: reason ?? "", visibility, mask_version: String(study.version) });
  const grant = { purpose: why, visibility, version: study.version, ends: Date.now() + EXPIRES * 1000 };
  session.grants.set(study.uid, grant);
  return { token: "gzt_mock", token_type: "Bearer", expires_in: EXPIRES, visibility, mask_version: study.version, may_lift: mayLift && !clear, lifted: lift };
}

function inside([x, y], polygon) {
  let odd = false;
  polygon.forEach(([ax, ay], i) => {
    const [bx, by] = polygon[(i + 1) % polygon.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  });
  return odd;
}

function masked(film, regions) {
  const { rows, columns, samples } = film;
  const raw = film.raw.slice();
  const shapes = regions.map((r) => r.polygon);
  if (film.chest) {
    shapes.push([[0, rows * 0.78], [columns, rows * 0.78], [columns, rows], [0, rows]]);
    shapes.push([[columns * 0.03, rows * 0.5], [columns * 0.25, rows * 0.55], [columns * 0.2, rows * 0.8], [0, rows * 0.8]]);
    shapes.push([[columns * 0.97, rows * 0.5], [columns * 0.75, rows * 0.55], [columns * 0.8, rows * 0.8], [columns, rows * 0.8]]);
  }
  const cell = 40;
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (!shapes.some((s) => inside([x + 0.5, y + 0.5], s))) continue;
      const from = (Math.floor(y / cell) * cell * columns + Math.floor(x / cell) * cell) * samples;
      for (let s = 0; s < samples; s += 1) raw[(y * columns + x) * samples + s] = film.raw[from + s];
    }
  }
  return { ...film, raw };
}

function rendered(film, window) {
  const { rows, columns, samples, raw } = film;
  if (samples === 3) return encode(columns, rows, 3, raw);
  const [center, width] = window ?? film.window;
  const out = new Uint8Array(rows * columns);
  for (let i = 0; i < out.length; i += 1) {
    const value = film.signed ? (raw[i] << 16) >> 16 : raw[i];
    const level = Math.round(Math.min(1, Math.max(0, (value - center + 0.5) / (width - 1) + 0.5)) * 255);
    out[i] = film.photometric === "MONOCHROME1" ? 255 - level : level;
  }
  return encode(columns, rows, 1, out);
}

function image(study, instance) {
  const film = instance.film();
  const value = (vr, ...values) => ({ vr, Value: values });
  return {
    "00080018": value("UI", instance.uid), "00080060": value("CS", study.modality), "0008103E": value("LO", "Series 1"),
    "0020000D": value("UI", study.uid), "0020000E": value("UI", `${study.uid}.1`),
    "00200011": value("IS", 1), "00200013": value("IS", instance.number),
    "00280002": value("US", film.samples), "00280004": value("CS", film.photometric), "00280006": value("US", 0),
    "00280010": value("US", film.rows), "00280011": value("US", film.columns),
    "00280100": value("US", film.bits), "00280101": value("US", film.stored), "00280103": value("US", film.signed ? 1 : 0),
    ...(film.window ? { "00281050": value("DS", film.window[0]), "00281051": value("DS", film.window[1]) } : {}),
  };
}

function dicomweb(session, path, query, accept = "") {
  const [, , , uid, ...rest] = path.split("/");
  const study = studies.find((s) => s.uid === uid);
  if (!study) throw new Fault(404, "not-found");
  if (rest[0] === "instances" && rest.length === 1) return { json: study.instances.map((i) => image(study, i)) };
  const grant = session.grants.get(uid);
  if (!grant || grant.ends < Date.now() || grant.version !== study.version) throw new Fault(403, "open-anew");
  const instance = study.instances.find((i) => i.uid === rest[3]);
  if (!instance) throw new Fault(404, "not-found");
  if (rest.at(-1) === "metadata") return { json: [image(study, instance)] };
  const clear = grant.visibility === "clear";
  const regions = study.masks.filter((r) => r.instance === instance.uid);
  const film = clear ? instance.film() : masked(instance.film(), regions);
  record(session.account, "released", study, { what: rest.at(-1) === "rendered" ? "rendered" : rest[4], visibility: grant.visibility });
  const headers = !clear && study.patient === "GZ-1006" ? { "Gauze-Fallback": "1" } : {};
  if (rest.at(-1) === "rendered" || rest.at(-1) === "thumbnail") {
    const window = query.get("window")?.split(",").slice(0, 2).map(Number);
    return { body: rendered(film, window), type: "image/png", headers };
  }
  if (process.env.MOCK_FRAMES === "0") throw new Fault(501, "unsupported");
  const bytes = Buffer.from(film.raw.buffer, film.raw.byteOffset, film.raw.byteLength);
  if (accept.startsWith("application/octet-stream")) return { body: bytes, type: "application/octet-stream", headers };
  const head = "--mock-7\r\nContent-Type: application/octet-stream\r\n\r\n";
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from("\r\n--mock-7--\r\n")]);
  return { body, type: 'multipart/related; type="application/octet-stream"; boundary=mock-7', headers };
}

function signIn({ user, password }, response) {
  if (misses >= 3) {
    misses = 0;
    throw new Fault(429, "slow-down", 4);
  }
  const account = accounts[user];
  if (!account || password !== "mock") {
    misses += 1;
    record(null, "sign-in-refused", null, { user, cause: "sign-in-failed" });
    throw new Fault(401, "sign-in-failed");
  }
  misses = 0;
  const id = `${Math.random()}`;
  sessions.set(id, { account, grants: new Map() });
  response.setHeader("Set-Cookie", `mock-session=${id}; HttpOnly; SameSite=Strict; Path=/`);
  record(account, "signed-in", null);
  return { json: { ...account, expires_in: 3600 } };
}

function masks(session, study, put) {
  if (session.account.role !== "patient" || study.patient !== "GZ-1001") throw new Fault(404, "not-found");
  if (put) {
    if (put.expect_version !== study.version) throw new Fault(409, "version-conflict");
    study.masks = put.regions.map((r) => ({ ...r, source: "patient", confidence: 1 }));
    study.version += 1;
    record(session.account, "mask-changed", study, { version: String(study.version), regions: String(study.masks.length) });
  }
  return { json: { version: study.version, holds_for: "all-but-order", regions: study.masks } };
}

function accesses(session, query) {
  const { account } = session;
  const study = query.get("study");
  const own = account.role === "patient";
  if (account.role !== "officer" && !(own && study)) throw new Fault(403, "not-allowed");
  const kinds = query.get("kind")?.split(",") ?? [];
  const before = Number(query.get("before") ?? Infinity);
  const limit = Number(query.get("limit") ?? 100);
  const found = ledger
    .filter((e) => e.index < before && (!study || e.study === study) && (kinds.length === 0 || kinds.includes(e.kind)))
    .reverse();
  const entries = found.slice(0, limit).map((e) => (own ? { ...e, actor: e.role } : e));
  return { json: { entries, next: found.length > limit ? entries.at(-1).index : null } };
}

function api(session, method, path, query, body) {
  const { account } = session;
  if (path === "/api/v1/me") return { json: account };
  if (path === "/api/v1/my-studies") {
    const own = studies.filter((s) => s.patient === "GZ-1001");
    return { json: { studies: own.map((s) => line(account, s)), total: own.length } };
  }
  if (path === "/api/v1/worklist") {
    const search = (query.get("search") ?? "").toLowerCase();
    const found = studies.filter((s) => JSON.stringify(line(account, s).attributes).toLowerCase().includes(search));
    return { json: { studies: found.map((s) => line(account, s)), total: found.length } };
  }
  if (path === "/api/v1/accesses") return accesses(session, query);
  const [, uid, verb] = /^\/api\/v1\/studies\/([^/]+)\/(open|lift|masks)$/.exec(path) ?? [];
  const study = studies.find((s) => s.uid === uid);
  if (!study) throw new Fault(404, "not-found");
  if (verb === "masks") return masks(session, study, method === "PUT" ? body : null);
  return { json: open(session, study, body, verb === "lift") };
}

async function answer(request, response) {
  const { pathname: path, searchParams: query } = new URL(request.url, "http://mock");
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  if (path === "/auth/sign-in") return signIn(body, response);
  const id = /mock-session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  const session = sessions.get(id);
  if (!/^\/(api|auth|dicom-web)\//.test(path)) {
    const file = path === "/" ? "index.html" : path.slice(1);
    if (file.includes("..")) throw new Fault(404, "not-found");
    return { body: readFileSync(new URL(file, pages)), type: types[file.split(".").at(-1)] };
  }
  if (!session) throw new Fault(401, "not-signed-in");
  if (path === "/auth/sign-out") {
    sessions.delete(id);
    return { status: 204, body: "" };
  }
  return path.startsWith("/dicom-web/") ? dicomweb(session, path, query, request.headers.accept) : api(session, request.method, path, query, body);
}

createServer((request, response) => {
  response.setHeader("Content-Security-Policy", CSP);
  answer(request, response).then(
    ({ json, body, type, status, headers }) => {
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
      response.writeHead(status ?? 200, { "Content-Type": type ?? "application/json" });
      response.end(json ? JSON.stringify(json) : body);
    },
    (error) => {
      const { status = 500, code = "internal", retry } = error.code === "ENOENT" ? { status: 404, code: "not-found" } : error;
      if (status === 500) console.error(error);
      response.writeHead(status, { "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ type: "about:blank", title: code, status, code, request: "mock", retry_after: retry }));
    },
  );
}).listen(Number(process.env.MOCK_PORT ?? 8099), "127.0.0.1", () => console.log("mock on 8099; every role is a user, password `mock`"));
