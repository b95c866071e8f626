/** A dispute that a test brings to a certain point: three accounts, claims and games about the sample run. */
import { expect } from 'vitest';
import type { Evidence } from '../../../protocol/evidence.ts';
import { challengerDecision } from '../agents/challenger.ts';
import { claimantDecision } from '../agents/claimant.ts';
import {
  budgetOf,
  type DisputesPort,
  type GameMove,
  type GameView,
  type Move,
  type Settings,
} from '../port.ts';
import { claimTree } from '../trees.ts';
import type { DisputesPortFixture } from './port-contract.ts';
import { sampleRun } from './sample-run.ts';

export const TRUTH = sampleRun();
export const { terms: TERMS } = TRUTH;

type Side = 'claimant' | 'challenger';
type MoveOf<K extends GameMove['kind']> = Extract<GameMove, { kind: K }>;

/** A game in which one move is next. */
export interface StagedGame<K extends GameMove['kind']> {
  readonly id: number;
  readonly game: number;
  readonly move: MoveOf<K>;
  /** The port of the side to move. */
  readonly by: DisputesPort;
}

export class StagedDispute {
  readonly claimant: DisputesPort;
  readonly challenger: DisputesPort;
  readonly bystander: DisputesPort;
  readonly settings: Settings;
  readonly #fixture: DisputesPortFixture;

  private constructor(
    fixture: DisputesPortFixture,
    [claimant, challenger, bystander]: readonly [DisputesPort, DisputesPort, DisputesPort],
    settings: Settings,
  ) {
    this.#fixture = fixture;
    this.claimant = claimant;
    this.challenger = challenger;
    this.bystander = bystander;
    this.settings = settings;
  }

  static async open(fixture: DisputesPortFixture): Promise<StagedDispute> {
    const ports = [await fixture.player(), await fixture.player(), await fixture.player()] as const;
    return new StagedDispute(fixture, ports, await ports[2].settings());
  }

  /** Moves the time on by at least so many seconds. */
  pass(seconds: number): Promise<void> {
    return this.#fixture.pass(seconds);
  }

  /** The claimant claims. Resolves with the claim's number. */
  async claim(evidence: Evidence): Promise<number> {
    const { root } = claimTree(await evidence.stepRoots());
    const { claim: bond } = await this.claimant.bonds(TERMS);
    return idOf(this.claimant, { kind: 'claim', terms: TERMS, root, bond });
  }

  /** Challenges a claim. Resolves with the game's number. */
  async challenge(id: number, port = this.challenger): Promise<number> {
    return idOf(port, await this.challengeMove(id));
  }

  async challengeMove(id: number): Promise<Extract<Move, { kind: 'challenge' }>> {
    const { challenge: bond } = await this.bystander.bonds(TERMS);
    return { kind: 'challenge', claim: id, terms: TERMS, bond };
  }

  /** The move that a side would make now. */
  async moveOf(game: number, side: Side, evidence: Evidence): Promise<GameMove> {
    const view = await this.bystander.look(game);
    const decide = side === 'claimant' ? claimantDecision : challengerDecision;
    const decision = await decide(view, evidence);
    if (decision.kind === 'move') return decision.move;
    throw new Error(`The ${side} has no move: ${JSON.stringify(decision)}.`);
  }

  /** A claim and a game about it, played until a move of that kind is next. */
  async upTo<K extends GameMove['kind']>(
    kind: K,
    { claims, computes = TRUTH }: { readonly claims: Evidence; readonly computes?: Evidence },
  ): Promise<StagedGame<K>> {
    const id = await this.claim(claims);
    const game = await this.challenge(id);
    for (let turns = 0; turns < 30; turns++) {
      const side = await this.#sideToMove(game);
      const move = await this.moveOf(game, side, side === 'claimant' ? claims : computes);
      const by = side === 'claimant' ? this.claimant : this.challenger;
      if (isOf(move, kind)) return { id, game, move, by };
      expect(await sent(by, move)).toBe('done');
    }
    throw new Error(`No ${kind} came.`);
  }

  /** Plays a game to its end. A side that has nothing to show runs out of time. */
  async playOut(game: number, claims: Evidence, computes: Evidence): Promise<GameView> {
    for (let turns = 0; turns < 30; turns++) {
      const view = await this.bystander.look(game);
      if (view.game.phase === 'over') return view;
      const side = await this.#sideToMove(game);
      const move = await this.moveOf(game, side, side === 'claimant' ? claims : computes);
      if ((await sent(side === 'claimant' ? this.claimant : this.challenger, move)) === 'done') continue;
      await this.pass(2 * budgetOf(this.settings, TERMS.steps) + 1);
      expect(await sent(this.bystander, { kind: 'timeout', game })).toBe('done');
    }
    throw new Error('The game does not end.');
  }

  async #sideToMove(game: number): Promise<Side> {
    return (await this.bystander.look(game)).game.clock.claimantToMove ? 'claimant' : 'challenger';
  }
}

/** What became of a move: "done", "unknown", or the name of the contract's error. */
export async function sent(port: DisputesPort, move: Move): Promise<string> {
  const played = await port.play(move);
  return played.kind === 'refused' ? played.reason : played.kind;
}

async function idOf(port: DisputesPort, move: Move): Promise<number> {
  const played = await port.play(move);
  if (played.kind === 'done' && played.id !== undefined) return played.id;
  throw new Error(`The ${move.kind} came to ${JSON.stringify(played, (_, value) => String(value))}.`);
}

function isOf<K extends GameMove['kind']>(move: GameMove, kind: K): move is MoveOf<K> {
  return move.kind === kind;
}
