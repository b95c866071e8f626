import type { BlocksBody } from '../messages/block-announcement.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Announcements } from './announcements.ts';

/** Milliseconds between two announcements when nothing changes. */
export const ANNOUNCE_MS = 30_000;
/** Milliseconds between announcements of changes, and within which a newcomer is answered. */
const SOON_MS = 1_000;
/** Milliseconds between two answers to newcomers. */
const ANSWER_MS = 10_000;

export interface AnnouncerOptions {
  readonly announcements: Pick<Announcements, 'publish'>;
  readonly scheduler: Scheduler;
  /** 0 to 1. */
  readonly random: () => number;
  /** What is to be said now. */
  readonly body: () => BlocksBody;
}

/** Decides when this device says what it holds. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #said = '';
  #saidAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** Cancels the announcement that is to come for a reason, and the one that comes anyway. */
  #cancel: (() => void) | undefined;
  #cancelNext: (() => void) | undefined;
  #stopped = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Says it now, and again when nothing was said for a while. */
  announce(): void {
    const { announcements, body, scheduler } = this.#options;
    const said = body();
    this.#said = JSON.stringify(said);
    this.#saidAt = scheduler.now();
    this.#cancel?.();
    this.#cancel = undefined;
    this.#cancelNext?.();
    this.#cancelNext = scheduler.after(ANNOUNCE_MS, () => this.announce());
    // The next one says the same and more.
    announcements.publish(said).catch(() => undefined);
  }

  /** Says what has changed since the last time, if anything, once a second at most. */
  changed(): void {
    const { body, scheduler } = this.#options;
    if (this.#stopped || this.#cancel !== undefined || JSON.stringify(body()) === this.#said) return;
    this.#in(Math.max(0, this.#saidAt + SOON_MS - scheduler.now()));
  }

  /** Answers a newcomer, who does not know yet what is held here. */
  answer(): void {
    const { scheduler, random } = this.#options;
    if (this.#stopped || this.#cancel !== undefined) return;
    if (scheduler.now() - this.#answeredAt < ANSWER_MS) return;
    this.#answeredAt = scheduler.now();
    this.#in(random() * SOON_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancelNext?.();
  }

  #in(ms: number): void {
    this.#cancel = this.#options.scheduler.after(ms, () => this.announce());
  }
}
