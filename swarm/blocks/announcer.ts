import type { BlocksBody } from '../messages/block-announcement.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Announcements } from './announcements.ts';

/** Milliseconds between two announcements when nothing changes. */
export const ANNOUNCE_MS = 30_000;
/** Milliseconds between announcements of changes, and within which a newcomer is answered. */
const SOON_MS = 1_000;
/** Milliseconds between two answers to newcomers. */
const ANSWER_MS = 10_000;

/** What a device says but for whether it asks. */
export type Said = Omit<BlocksBody, 'asks'>;

export interface AnnouncerOptions {
  readonly announcements: Pick<Announcements, 'publish'>;
  readonly scheduler: Scheduler;
  /** 0 to 1. */
  readonly random: () => number;
  /** What is to be said now. */
  readonly body: () => Said;
}

/** Decides when this device says what it holds. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #said = '';
  #saidAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** Cancel what is to be said for a change, to a newcomer, and because nothing was said for a while. */
  #cancelChange: (() => void) | undefined;
  #cancelAnswer: (() => void) | undefined;
  #cancelNext: (() => void) | undefined;
  #stopped = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Says it now, and again when nothing was said for a while. `asks` has others answer. */
  announce({ asks } = { asks: false }): void {
    const { announcements, body, scheduler } = this.#options;
    const said = body();
    this.#said = JSON.stringify(said);
    this.#saidAt = scheduler.now();
    if (this.#cancelAnswer !== undefined) this.#answeredAt = this.#saidAt;
    this.#cancelAll();
    this.#cancelNext = scheduler.after(ANNOUNCE_MS, () => this.announce());
    // The next one says the same and more.
    announcements.publish({ ...said, asks }).catch(() => undefined);
  }

  /** Says what has changed since the last time, if anything, once a second at most. */
  changed(): void {
    const { body, scheduler } = this.#options;
    if (this.#stopped || this.#cancelChange !== undefined || JSON.stringify(body()) === this.#said) return;
    const wait = Math.max(0, this.#saidAt + SOON_MS - scheduler.now());
    this.#cancelChange = scheduler.after(wait, () => this.announce());
  }

  /** Answers a newcomer, who does not know yet what is held here, and all who come until then. */
  answer(): void {
    const { scheduler, random } = this.#options;
    if (this.#stopped || this.#cancelAnswer !== undefined) return;
    const wait = Math.max(random() * SOON_MS, this.#answeredAt + ANSWER_MS - scheduler.now());
    this.#cancelAnswer = scheduler.after(wait, () => this.announce());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelAll();
  }

  #cancelAll(): void {
    this.#cancelChange?.();
    this.#cancelAnswer?.();
    this.#cancelNext?.();
    this.#cancelChange = undefined;
    this.#cancelAnswer = undefined;
  }
}
