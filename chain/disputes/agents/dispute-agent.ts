import { messageOf } from '../../../protocol/message-of.ts';
import { Poller } from '../../poller.ts';
import { type DisputesPort, type GameMade, longestDispute, type PortOptions } from '../port.ts';
import type { DisputeEvent } from './dispute-event.ts';
import { playGame } from './play-game.ts';
import type { RunCache } from './run-cache.ts';

export interface DisputeAgentOptions {
  /** The game, moved by the account that the agent acts for. */
  readonly port: DisputesPort;
  /** The runs that can be computed here. Agents of one process share one cache. */
  readonly runs: RunCache;
  readonly onEvent?: (event: DisputeEvent) => void;
  /** Time between two looks at the chain, in ms. Defaults to 2000. */
  readonly pollMs?: number;
  /** The clock that `pollMs` is counted on. Defaults to real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const NEVER = new AbortController().signal;

/**
 * Plays the disputes that concern one account until it is stopped. All that it needs to know is on the chain
 * or in the evidence, so it can be killed and started again at any moment. While the node is away it keeps
 * asking. Each game is a task of its own: one that has to recompute a run does not hold up the others.
 */
export abstract class DisputeAgent {
  protected readonly port: DisputesPort;
  protected readonly runs: RunCache;
  readonly #onEvent: ((event: DisputeEvent) => void) | undefined;
  readonly #poller: Poller;
  readonly #tasks = new Map<string, Promise<void>>();
  readonly #emitted = new Set<string>();

  constructor(options: DisputeAgentOptions) {
    const { port, runs, onEvent, pollMs = 2000, sleep } = options;
    this.port = port;
    this.runs = runs;
    this.#onEvent = onEvent;
    this.#poller = new Poller({
      pass: (signal) => this.look(signal),
      onError: (error) => this.trouble(error),
      intervalMs: pollMs,
      sleep,
    });
  }

  /** Watches the chain and plays from now on. Does nothing when the agent runs already. */
  start(): void {
    this.#poller.start();
  }

  /** Resolves once no task is in progress. */
  async stop(): Promise<void> {
    await this.#poller.stop();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.values());
  }

  /** Looks at everything once, with at most one move in each game. Resolves once all of that is done. */
  async tick(signal: AbortSignal = NEVER): Promise<void> {
    await this.look(signal).catch((error: unknown) => this.trouble(error));
    // A task may have begun others.
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.values());
  }

  /** Looks at the chain and calls `task` for everything there is to do. */
  protected abstract look(signal: AbortSignal): Promise<void>;

  /**
   * Runs a task, unless the last one of its name still runs. A failure is reported, and the next look tries
   * again.
   */
  protected task(name: string, signal: AbortSignal, run: () => Promise<void>): void {
    if (this.#tasks.has(name)) return;
    const done = run()
      .catch((error: unknown) => {
        if (!signal.aborted) this.trouble(error);
      })
      .finally(() => this.#tasks.delete(name));
    this.#tasks.set(name, done);
  }

  protected emit(event: DisputeEvent): void {
    this.#onEvent?.(event);
  }

  /** Reports the event unless one was reported under this key before. */
  protected emitOnce(key: string, event: DisputeEvent): void {
    if (this.#emitted.has(key)) return;
    this.#emitted.add(key);
    this.emit(event);
  }

  /**
   * The time now, and the earliest time from which a claim or a game can still be undecided. Unix seconds.
   */
  protected async horizon(options: PortOptions): Promise<{ readonly since: number; readonly now: number }> {
    const [settings, now] = [await this.port.settings(options), await this.port.now(options)];
    return { since: Math.max(0, now - longestDispute(settings)), now };
  }

  /** Looks at one game and makes at most one move in it. */
  protected async play(made: GameMade, side: 'claimant' | 'challenger', signal: AbortSignal): Promise<void> {
    const { port } = this;
    const { claim, game } = made;
    const { terms } = await port.claim(claim, { signal });
    const evidence = await this.runs.get(terms, { signal });
    if (evidence === undefined) {
      this.emitOnce(`terms ${claim} ${terms}`, { kind: 'unknown-terms', claim, terms });
      return;
    }
    const turn = await playGame({ port, game, side, evidence, signal });
    if (turn.kind === 'moved') {
      const { move, played, view } = turn;
      // A refused move costs nothing and is tried at every look, for the node may be behind. It is reported
      // once.
      const key = `${game} ${move.kind} ${view.events.length} ${played.kind === 'refused' ? played.reason : ''}`;
      if (played.kind === 'done') this.emit({ kind: 'moved', game, move, played });
      else this.emitOnce(`${played.kind} ${key}`, { kind: 'moved', game, move, played });
    }
    if (turn.kind === 'stuck') {
      this.emitOnce(`stuck ${game} ${turn.why}`, { kind: 'stuck', game, why: turn.why });
    }
    if (turn.kind !== 'over') return;
    const won = turn.claimantWon === (side === 'claimant');
    this.emitOnce(`over ${game} ${won}`, { kind: 'over', claim, game, won });
  }

  /** Withdraws what the contract owes the account. */
  protected async withdraw(signal: AbortSignal): Promise<void> {
    const amount = await this.port.credit({ signal });
    if (amount === 0n) return;
    const played = await this.port.play({ kind: 'withdraw' }, { signal });
    if (played.kind === 'done') this.emit({ kind: 'withdrew', amount });
  }

  /** Whether an address is the account that the agent acts for. */
  protected isOwn(address: string): boolean {
    return address.toLowerCase() === this.port.me.toLowerCase();
  }

  /** Reports a failure that the next look tries to get over. */
  protected trouble(error: unknown): void {
    this.emit({ kind: 'trouble', sentence: messageOf(error) });
  }
}
