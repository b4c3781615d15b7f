// For which patients this page broke the glass, so that one key does it again without a code. The server decides: this only
// says whether to ask for a code at once.

const reasons = new Map<string, string>();

export const glass = {
  /** The reason that was given for this patient. */
  reason: (patient: string): string | undefined => reasons.get(patient),
  broken: (patient: string, reason: string) => void reasons.set(patient, reason),
  over: (patient: string) => void reasons.delete(patient),
  clear: () => reasons.clear(),
};
