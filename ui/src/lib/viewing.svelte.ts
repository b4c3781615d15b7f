// One opened study: its grant, its silent renewal, and requests made under it.

import { api, ask, asProblem, type Grant } from "./api";
import { idle } from "./activity";
import { session } from "./session.svelte";

/** A grant is renewed when this share of its life has passed. */
const RENEW_AT = 0.7;

/** Without input for so long, a grant ends; the picture stays, and the next touch opens anew. */
const AWAY_MS = 10 * 60_000;
const LOOK_MS = 5_000;

export class Viewing {
  grant = $state<Grant | null>(null);
  /** A lift ended: what was loaded stays on the screen, what is loaded from now on is masked. */
  liftEnded = $state(false);
  /** The glass is broken: whatever is loaded is clear. */
  glass = $state(false);
  /** It was, and is not any more: what was loaded stays on the screen. */
  glassEnded = $state(false);
  /** Counts changes of what the server would send: caches of older ones are void. */
  epoch = $state(0);
  private reason: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private opening: Promise<void> | null = null;

  constructor(readonly study: string, private purpose: string) {}

  /** Opens, or opens anew. @throws Problem, `reason-needed` among them */
  open(reason: string | null = this.reason): Promise<void> {
    this.opening ??= this.openNow(reason).finally(() => (this.opening = null));
    return this.opening;
  }

  private async openNow(reason: string | null) {
    if (this.glass && reason !== null && (await this.again(reason))) return;
    const grant = await api.open(this.study, this.purpose, reason);
    this.reason = reason;
    this.take(grant);
  }

  /** Opens behind the broken glass once more; false when that is over. */
  private async again(reason: string): Promise<boolean> {
    try {
      this.take(await api.breakGlass(this.study, reason, ""));
      return true;
    } catch (error) {
      if (asProblem(error).code !== "second-factor-needed") throw error;
      this.glass = false;
      this.glassEnded = true;
      this.epoch += 1;
      return false;
    }
  }

  /** Without a code: the glass is broken for this patient already. */
  async breakGlass(reason: string, code: string) {
    const grant = await api.breakGlass(this.study, reason, code);
    this.reason = reason;
    this.purpose = "emergency";
    this.glass = true;
    this.glassEnded = false;
    this.liftEnded = false;
    this.take(grant);
    this.epoch += 1;
  }

  async lift(reason: string) {
    const grant = await api.lift(this.study, reason);
    this.liftEnded = false;
    this.take(grant);
    this.epoch += 1;
  }

  private take(grant: Grant) {
    const before = this.grant;
    if (before && (before.visibility !== grant.visibility || before.mask_version !== grant.mask_version)) {
      if (before.lifted && !grant.lifted) this.liftEnded = true;
      if (!grant.lifted) this.epoch += 1;
    }
    this.grant = grant;
    clearTimeout(this.timer);
    if (this.closed) return;
    const share = grant.lifted && !this.glass ? 1 : RENEW_AT;
    this.timer = setTimeout(() => void this.renew(), Math.max(2, grant.expires_in * share) * 1000);
  }

  private async renew() {
    if (idle() > AWAY_MS) {
      this.timer = setTimeout(() => void this.renew(), LOOK_MS);
      return;
    }
    try {
      await this.open();
    } catch (error) {
      // What is as if absent without the glass is not asked for again and again.
      if (session.lost(error) || this.closed || (this.glassEnded && asProblem(error).code === "not-found")) return;
      this.timer = setTimeout(() => void this.renew(), 10_000);
    }
  }

  /** A request under the grant; when the grant ended, it is opened anew once. */
  async fetch(path: string, accept: string, signal?: AbortSignal): Promise<Response> {
    const init: RequestInit = { headers: { Accept: accept } };
    if (signal) init.signal = signal;
    try {
      return await ask(path, init);
    } catch (error) {
      if (session.lost(error) || asProblem(error).code !== "open-anew") throw error;
      await this.open();
      return await ask(path, init);
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
