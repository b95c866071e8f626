/**
 * Plays for the author of a claim that is built on other devices' handoffs. As `Defender`; and a claim that
 * was lost at an output of a signed handoff is paid by the device that signed it.
 */
import type { Address } from 'viem';
import type { Evidence, EvidenceOptions } from '../../protocol/evidence.ts';
import { type HandoffDomain, handoffDigest, handoffRun } from '../../protocol/handoff.ts';
import { HashTree } from '../../protocol/hash-tree.ts';
import type { Hex } from '../../protocol/hex.ts';
import { hopResult } from '../../protocol/hop-program.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { verifyRun } from '../../protocol/verified-run.ts';
import { claimOnce } from '../disputes/agents/claim-once.ts';
import { Defender, type DefenderOptions } from '../disputes/agents/defender.ts';
import { RunCache } from '../disputes/agents/run-cache.ts';
import type { ClaimMade, GameMade, GameView } from '../disputes/port.ts';
import { claimTree } from '../disputes/trees.ts';
import type { TransactionQueue } from '../transaction-queue.ts';
import { blame, convict, isConvicted, readDeviceBond, readPaidFor, type SignedHop } from './device-bonds.ts';

/** A tensor in a claimant's trace. */
export interface TracePlace {
  /** `handoffRun` of the claim's terms. */
  readonly run: Hex;
  readonly step: number;
  readonly slot: number;
  readonly root: Hex;
}

/** The handoffs that the account's claims are built on. */
export interface HandoffSource {
  /** The handoff that gave this tensor; undefined where there is none. */
  find(place: TracePlace, options?: EvidenceOptions): Promise<SignedHop | undefined>;
  /** The hop, computed again from the tensors that the device signed as its inputs. */
  recompute(signed: SignedHop, options?: EvidenceOptions): Promise<Evidence>;
}

export interface BlamerOptions extends DefenderOptions {
  readonly handoffs: HandoffSource;
  /** Of the account that claims. */
  readonly queue: TransactionQueue;
  /** The Handoffs contract and its chain. */
  readonly domain: HandoffDomain;
}

export class Blamer extends Defender {
  readonly #handoffs: HandoffSource;
  readonly #queue: TransactionQueue;
  readonly #domain: HandoffDomain;
  /** Hops that were computed again, by the hash of the terms of a claim about them. */
  readonly #hops: Map<Hex, Evidence>;
  readonly #recomputed = new Map<Hex, Evidence>();
  /** Claims that nothing more can be had for. */
  readonly #closed = new Set<number>();

  constructor(options: BlamerOptions) {
    const hops = new Map<Hex, Evidence>();
    const runs = new RunCache(async (terms, given) => {
      const hop = hops.get(terms);
      return hop === undefined ? options.runs.get(terms, given) : verifyRun(hop, terms);
    });
    super({ ...options, runs });
    this.#handoffs = options.handoffs;
    this.#queue = options.queue;
    this.#domain = options.domain;
    this.#hops = hops;
  }

  protected override async look(signal: AbortSignal): Promise<void> {
    await super.look(signal);
    const { since } = await this.horizon({ signal });
    const own = (await this.port.claims(since, { signal })).filter(({ claimant }) => this.isOwn(claimant));
    const games = await this.port.games(since, { signal });
    for (const made of own) {
      const about = games.filter(({ claim }) => claim === made.claim);
      if (about.length === 0 || this.#closed.has(made.claim)) continue;
      this.task(`blame ${made.claim}`, signal, () => this.#answer(made, about, own, signal));
    }
  }

  async #answer(
    made: ClaimMade,
    games: readonly GameMade[],
    own: readonly ClaimMade[],
    signal: AbortSignal,
  ): Promise<void> {
    const { lost, settled } = await this.port.claim(made.claim, { signal });
    if (settled) this.#closed.add(made.claim);
    // What was computed again here is not built on handoffs.
    if (!lost || this.#hops.has(made.terms)) return;
    for (const { game } of games) {
      const view = await this.port.look(game, { signal });
      const ended = await this.#endedAt(view, made, signal);
      if (ended === undefined) continue;
      const { handoff } = ended.signed;
      const digest = handoffDigest(this.#domain, handoff);
      const { device, run } = handoff;
      const from = { client: this.#queue.client, handoffs: this.#address };
      const claimant = this.port.me;
      const { amount } = await readDeviceBond({ ...from, device, run, claimant });
      const paid = await readPaidFor({ ...from, claim: made.claim });
      if (amount === 0n || paid >= view.claim.bond) {
        this.#closed.add(made.claim);
        return;
      }
      if (await isConvicted({ ...from, device, digest })) await this.#blame(made, view, ended, signal);
      else await this.#convict(made, ended, own, signal);
      return;
    }
  }

  get #address(): Address {
    return this.#domain.verifyingContract;
  }

  /** The handoff at whose output a game ended. */
  async #endedAt(view: GameView, made: ClaimMade, signal: AbortSignal): Promise<EndedAt | undefined> {
    const { game, events } = view;
    // A game that ended at an operator's output has the output's length.
    if (game.phase !== 'over' || game.length === 0) return undefined;
    const opened = events.findLast((event) => event.kind === 'slot-opened');
    const evidence = await this.runs.get(made.terms, { signal });
    if (opened?.kind !== 'slot-opened' || evidence === undefined) return undefined;
    const { step, slot } = game;
    const place = { run: handoffRun(evidence.terms), step, slot, root: opened.tensor };
    const signed = await this.#handoffs.find(place, { signal });
    const output = signed?.handoff.outputs.findIndex(
      (each) => each.slot === slot && each.root === opened.tensor,
    );
    if (signed === undefined || output === undefined || output < 0) return undefined;
    return { signed, output, evidence };
  }

  /** Claims what the hop gives; once that stands, convicts the handoff that says something else. */
  async #convict(
    made: ClaimMade,
    { signed, evidence }: EndedAt,
    own: readonly ClaimMade[],
    signal: AbortSignal,
  ): Promise<void> {
    const { handoff } = signed;
    const hop = await this.#recompute(signed, signal);
    const hash = termsHash(hop.terms);
    const roots = await hop.stepRoots({ signal });
    if (roots[0] === hopResult(handoff.outputs)) {
      const sentence = `Claim ${made.claim}: device ${handoff.device} computed hop ${handoff.hop} rightly. The loss is this account’s own.`;
      this.#closed.add(made.claim);
      this.emit({ kind: 'trouble', sentence });
      return;
    }
    const { root } = claimTree(roots);
    for (const { claim } of own.filter((each) => each.terms === hash && each.root === root)) {
      const state = await this.port.claim(claim, { signal });
      if (state.lost) continue;
      // Until then its games are played, and it is settled, as every claim of the account.
      if (!state.settled) return;
      const { terms, program } = evidence;
      const call = { queue: this.#queue, handoffs: this.#address };
      await convict({ ...call, signed, terms, program, claim });
      this.emit({ kind: 'convicted', claim: made.claim, device: handoff.device });
      return;
    }
    await claimOnce(this.port, hop, { signal });
  }

  async #recompute(signed: SignedHop, signal: AbortSignal): Promise<Evidence> {
    const digest = handoffDigest(this.#domain, signed.handoff);
    const known = this.#recomputed.get(digest);
    if (known !== undefined) return known;
    const hop = await this.#handoffs.recompute(signed, { signal });
    this.#recomputed.set(digest, hop);
    this.#hops.set(termsHash(hop.terms), hop);
    return hop;
  }

  async #blame(made: ClaimMade, view: GameView, ended: EndedAt, signal: AbortSignal): Promise<void> {
    const { signed, output, evidence } = ended;
    const trace = await evidence.trace(view.game.step, { signal });
    const tree = HashTree.over(trace.roots);
    await blame({
      ...{ queue: this.#queue, handoffs: this.#address, signed, output },
      terms: evidence.terms,
      game: view.game.game,
      proofOf: (slot) => tree.proof(slot),
    });
    this.#closed.add(made.claim);
    this.emit({ kind: 'blamed', claim: made.claim, device: signed.handoff.device });
  }
}

interface EndedAt {
  readonly signed: SignedHop;
  /** Which of the handoff's outputs. */
  readonly output: number;
  /** What the account claimed with. */
  readonly evidence: Evidence;
}
