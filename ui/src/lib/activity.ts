// When a person last did something on this page: nobody's grant is renewed for an empty chair.

let last = Date.now();
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
  addEventListener(kind, () => (last = Date.now()), { passive: true, capture: true });

/** Milliseconds without input. */
export function idle(): number {
  return Date.now() - last;
}
