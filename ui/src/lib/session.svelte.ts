// Who is signed in, and which page is open. Neither the address nor the history's state names a study: browsers write both
// to disk, and the next person could go back to them. The history holds numbers of pages that only this object knows.

import { api, asProblem, type Account, type StudyLine } from "./api";
import { glass } from "./glass";
import { list } from "./list.svelte";

export type Page =
  | { name: "home" }
  | { name: "right" }
  | { name: "rules" }
  | { name: "consents" }
  | { name: "viewer"; line: StudyLine }
  | { name: "film"; line: StudyLine }
  | { name: "draw"; line: StudyLine; purpose: string };

class Session {
  account = $state<Account | null>(null);
  loading = $state(true);
  /** The server no longer knows the session; what is on the screen stays. */
  ended = $state(false);
  page = $state<Page>({ name: "home" });
  /** Why it could not even be asked who is signed in. */
  failed = $state<string | null>(null);
  /** Asks before a page is left with what is not saved; true: it stays. */
  keeps: (() => boolean) | null = null;
  /** Another person on this browser finds nothing of the one before. */
  private last: string | null = null;
  private pages = new Map<number, Page>();
  /** Numbers of another visit to this address mean nothing here. */
  private first = Date.now();

  async start() {
    addEventListener("popstate", (event: PopStateEvent) => {
      if (this.keeps?.()) history.pushState({ page: this.at }, "");
      else this.show(event.state);
    });
    try {
      this.account = await api.me();
      this.last = this.account.user;
    } catch (error) {
      if (asProblem(error).status !== 401) this.failed = asProblem(error).code;
    }
    this.loading = false;
  }

  private at: number | undefined;

  private show(state: unknown) {
    const at = (state as { page?: number } | null)?.page;
    this.at = at;
    this.page = (at === undefined ? undefined : this.pages.get(at)) ?? { name: "home" };
  }

  go(page: Page) {
    const at = this.pages.size + this.first;
    this.pages.set(at, page);
    history.pushState({ page: at }, "");
    this.at = at;
    this.page = page;
    scrollTo(0, 0);
  }

  back() {
    if (this.page.name !== "home" && this.pages.has(history.state?.page)) history.back();
    else this.page = { name: "home" };
  }

  signedIn(account: Account) {
    if (this.last !== null && this.last !== account.user) this.leave();
    this.last = account.user;
    this.account = account;
    this.ended = false;
    this.failed = null;
  }

  private leave() {
    history.replaceState(null, "");
    this.page = { name: "home" };
    this.first += this.pages.size;
    this.pages.clear();
    list.clear();
    glass.clear();
  }

  /** To the sign-in page, and back to where the person was. */
  signInAgain() {
    this.account = null;
  }

  async signOut() {
    try {
      await api.signOut();
    } catch (error) {
      if (asProblem(error).status !== 401) throw error;
    }
    this.leave();
    this.account = null;
    this.ended = false;
  }

  /** Notes a lost session; true when that was the cause. */
  lost(error: unknown): boolean {
    const gone = asProblem(error).code === "not-signed-in";
    if (gone) {
      this.ended = true;
      if (this.page.name === "home") this.account = null;
    }
    return gone;
  }
}

export const session = new Session();
