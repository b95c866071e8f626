import { ChainError } from '../../errors.ts';
import { sleep as realSleep } from '../../sleep.ts';
import type { DisputesPort, GameMade, PortOptions, Settings } from '../port.ts';
import type { Happening } from './dispute-event.ts';
import { playGame } from './play-game.ts';
import { type FindEvidence, Runs } from './run-cache.ts';

export interface KeeperOptions {
  readonly port: DisputesPort;
  readonly evidence: FindEvidence;
  readonly onHappening?: (happening: Happening) => void;
  /** Between two looks at the chain, ms. Default 2000. */
  readonly pollMs?: number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** More than the moves that a game can have at most: 45 for trees of 2^32 leaves. */
const MOVES = 64;

/**
 * Keeps at the disputes that concern one party, until it is stopped. Everything it needs to know is on the chain or in the evidence,
 * so it can be killed and started again at any moment; while the node is away it keeps asking. What takes long (recomputing a
 * run) does not hold up the other games.
 */
export abstract class Keeper {
  protected readonly port: DisputesPort;
  protected readonly runs: Runs;
  readonly #options: KeeperOptions;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #said = new Set<string>();
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.port = options.port;
    this.runs = new Runs(options.evidence);
  }

  /** Watches and plays from now on. Does nothing when it does already. */
  start(): void {
    if (this.#abort !== undefined) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = this.#loop(abort.signal);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#running;
    this.#abort = undefined;
  }

  /** One look at everything, with at most one move in each game; resolves when all of it is done. */
  async tick(signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#begin(signal);
    await Promise.all(this.#busy.values());
  }

  /** Starts the tasks there are to do, by calling `task`. */
  protected abstract look(signal: AbortSignal): Promise<void>;

  /** Runs a task unless the one of that name is still running. Its failure is told, and the next look tries again. */
  protected task(name: string, run: () => Promise<void>): void {
    if (this.#busy.has(name)) return;
    const done = run()
      .catch((error: unknown) => this.#trouble(error))
      .finally(() => this.#busy.delete(name));
    this.#busy.set(name, done);
  }

  protected say(happening: Happening): void {
    this.#options.onHappening?.(happening);
  }

  /** Says it once, whatever `key` says again. */
  protected sayOnce(key: string, happening: Happening): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.say(happening);
  }

  /** Since when something of a live claim or game can be. */
  protected async horizon(options: PortOptions): Promise<{ readonly since: number; readonly now: number }> {
    const [settings, now] = [await this.port.settings(options), await this.port.now(options)];
    return { since: Math.max(0, now - longest(settings)), now };
  }

  /** One look at one game. */
  protected async play(made: GameMade, side: 'claimant' | 'challenger', signal: AbortSignal): Promise<void> {
    const { port } = this;
    const { claim, game } = made;
    const { terms } = await port.claim(claim, { signal });
    const evidence = await this.runs.of(terms, { signal });
    if (evidence === undefined) {
      this.sayOnce(`terms ${claim} ${terms}`, { kind: 'unknown-terms', claim, terms });
      return;
    }
    const turn = await playGame({ port, game, side, evidence, signal });
    if (turn.kind === 'moved') {
      const { move, played, view } = turn;
      // What is refused is tried again and again, for it costs nothing and the node may be behind; it is told once.
      const key = `${game} ${move.kind} ${view.events.length} ${played.kind === 'refused' ? played.reason : ''}`;
      if (played.kind === 'done') this.say({ kind: 'moved', game, move, played });
      else this.sayOnce(`${played.kind} ${key}`, { kind: 'moved', game, move, played });
    }
    if (turn.kind === 'stuck')
      this.sayOnce(`stuck ${game} ${turn.why}`, { kind: 'stuck', game, why: turn.why });
    if (turn.kind !== 'over') return;
    const won = turn.claimantWon === (side === 'claimant');
    this.sayOnce(`over ${game} ${won}`, { kind: 'over', claim, game, won });
  }

  /** Takes what the contract owes. */
  protected async withdraw(signal: AbortSignal): Promise<void> {
    const amount = await this.port.credit({ signal });
    if (amount === 0n) return;
    const played = await this.port.play({ kind: 'withdraw' }, { signal });
    if (played.kind === 'done') this.say({ kind: 'withdrew', amount });
  }

  protected is(address: string): boolean {
    return address.toLowerCase() === this.port.me.toLowerCase();
  }

  async #begin(signal: AbortSignal): Promise<void> {
    try {
      await this.look(signal);
    } catch (error) {
      this.#trouble(error);
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { sleep = realSleep, pollMs = 2000 } = this.#options;
    while (!signal.aborted) {
      await this.#begin(signal);
      await sleep(pollMs, signal);
    }
    await Promise.all(this.#busy.values());
  }

  #trouble(error: unknown): void {
    if (this.#abort?.signal.aborted === true) return;
    const known = error instanceof ChainError || error instanceof Error;
    this.say({ kind: 'trouble', sentence: known ? error.message : String(error) });
  }
}

/** Seconds from a claim until nothing of it can be live any more, at the most. */
function longest({ window, budget, extension }: Settings): number {
  // The claimant’s clock may begin with twice the budget.
  return window + 3 * budget + MOVES * extension;
}
