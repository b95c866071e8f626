/** One claim and all that happens about it, on the model: who challenges, what they play, when, and what comes of it. */
import type { Address, Hex } from 'viem';
import type { GameView, Move, Settings } from '../../chain/disputes/port.ts';
import { challengeBond, claimBond, maxSeconds } from '../../chain/disputes/reference-game/bonds.ts';
import { viewOf } from '../../chain/disputes/reference-game/game-view.ts';
import { DisputesModel, type Outcome } from '../../chain/disputes/reference-game/reference-disputes.ts';
import { type Claim, claimWords, type Game, gameWords } from '../../chain/disputes/reference-game/state.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { type Agent, player, stray } from './agents.ts';
import { type Lie, type Party, partyOf } from './claimant-fixture.ts';
import { Draws } from './draws.ts';
import { ELEMENT_JUDGE } from './element-judge.ts';
import { type Job, randomJob } from './job.ts';
import { spoiled } from './mutate-move.ts';

export const SETTINGS: Settings = { window: 3600, budget: 7200, extension: 600, moveBond: 10n ** 15n };

export const CLAIMANT: Address = '0x00000000000000000000000000000000000c1a1a';
const PASSER_BY: Address = '0x00000000000000000000000000000000000abcde';
export const PLAYERS: readonly Address[] = [
  CLAIMANT,
  PASSER_BY,
  ...[1, 2, 3, 4].map((i): Address => `0x${String(i).padStart(40, '0')}`),
];

/** A move as it was sent, and what the model said. */
export interface Record {
  readonly sender: Address;
  readonly now: number;
  readonly move: Move;
  readonly outcome: Outcome;
  /** What the claim and, if it is a game's move, the game are afterwards, as the contract returns them. */
  readonly claim: Hex;
  readonly game?: { readonly id: number; readonly words: Hex };
}

export interface Match {
  readonly records: readonly Record[];
  readonly credits: readonly bigint[];
  readonly burned: bigint;
  /** Honest players that lost a bond, a game that should be won or a claim that should stand; a lie that stands. */
  readonly honestLost: readonly string[];
  /** How each game ended. */
  readonly endings: readonly Ending[];
}

/** By the judge, by a slot that is given or composed, by silence, or by another game that beat the claim. */
export type Ending = 'judged' | 'opened' | 'silent' | 'overtaken';

function endingOf({ events }: Game, released: boolean): Ending {
  const before = events.at(-2)?.kind;
  if (released) return 'overtaken';
  if (before === 'judged') return 'judged';
  return before === 'slot-opened' ? 'opened' : 'silent';
}

/** Moves that show what was committed. */
const SHOWN: ReadonlySet<Move['kind']> = new Set(['reveal', 'openStep', 'openSlot', 'openLeaf', 'judge']);
const STARTS = 1_800_000_000;

/** A place where a lie can be, and what it changes. */
function randomLie(job: Job, draws: Draws): Lie {
  const step = draws.below(job.steps);
  const slot = draws.below(job.slots.length);
  const mask = draws.chance(0.1) ? draws.word() | 1 : 1 << draws.between(12, 25);
  return {
    ...{ step, slot, element: draws.word() & 0xffff, mask: mask >>> 0 },
    ...(draws.chance(0.3) ? { alone: true } : {}),
    ...(draws.chance(0.08) ? { skipped: true } : {}),
  };
}

/** A party whose root is not the truth's. */
async function liar(job: Job, seed: number, engine: Engine, truth: Party, draws: Draws): Promise<Party> {
  for (;;) {
    const party = await partyOf(job, seed, engine, randomLie(job, draws));
    if (party.root !== truth.root) return party;
  }
}

/** Plays match number `seed`. Rejects when something has no explanation, such as an honest player without a move. */
export async function playMatch(seed: number, engine: Engine): Promise<Match> {
  const draws = new Draws(seed);
  const job = randomJob(draws);
  const truth = await partyOf(job, seed, engine);
  const lying = draws.chance(0.5);
  const wrong = await liar(job, seed, engine, truth, draws);
  const claimed = lying ? wrong : truth;
  const silence = lying && draws.chance(0.4) ? 0.1 : 0;
  const claimant = player({
    ...{ address: CLAIMANT, side: 'claimant', evidence: claimed, honest: !lying, draws, silence },
  } as const);
  const challengers: Agent[] = [];
  const count = draws.between(1, 3);
  const honestPlace = draws.below(count);
  for (let i = 0; i < count; i++) {
    const address = PLAYERS[2 + i] ?? PASSER_BY;
    const common = { address, side: 'challenger', draws } as const;
    if (lying && i === honestPlace) challengers.push(player({ ...common, evidence: truth, honest: true }));
    else if (draws.chance(0.4)) challengers.push(stray(address, claimed, draws));
    else {
      // Wrong numbers of its own; against a lie, at times, a friend with the right ones that is there first.
      const evidence = lying && draws.chance(0.5) ? truth : await liar(job, seed, engine, truth, draws);
      challengers.push(player({ ...common, evidence, honest: false, silence: draws.chance(0.3) ? 0.1 : 0 }));
    }
  }
  const table = new Table({ draws, claimant, challengers, claimed });
  await table.play();
  return table.result(lying);
}

interface TableOptions {
  readonly draws: Draws;
  readonly claimant: Agent;
  readonly challengers: readonly Agent[];
  readonly claimed: Party;
}

class Table {
  readonly #draws: Draws;
  readonly #claimant: Agent;
  readonly #claimed: Party;
  readonly #model = new DisputesModel({ settings: SETTINGS, judge: ELEMENT_JUDGE });
  readonly #records: Record[] = [];
  readonly #waiting: Agent[];
  readonly #playing: Agent[] = [];
  readonly #released = new Set<number>();
  readonly #paid = new Map<Address, bigint>();
  #now = STARTS;

  constructor({ draws, claimant, challengers, claimed }: TableOptions) {
    this.#draws = draws;
    this.#claimant = claimant;
    this.#claimed = claimed;
    this.#waiting = [...challengers];
  }

  async play(): Promise<void> {
    const { terms, root } = this.#claimed;
    this.#send(CLAIMANT, { kind: 'claim', terms, root, bond: claimBond(terms, SETTINGS) });
    for (let turns = 0; ; turns++) {
      if (turns > 2000) throw new Error('The match does not end.');
      if (this.#draws.chance(0.6)) this.#now += this.#draws.between(1, 15);
      if (this.#draws.chance(0.05)) this.#meddle();
      if (this.#waiting.length > 0 && (this.#playing.length === 0 || this.#draws.chance(0.2))) {
        this.#join();
        continue;
      }
      if (await this.#someoneMoves()) continue;
      if (this.#waiting.length > 0) this.#join();
      else if (!this.#runOut()) break;
    }
    this.#finish();
  }

  #join(): void {
    const agent = this.#waiting.shift();
    const { terms } = this.#claimed;
    if (agent === undefined) return;
    const bond = challengeBond(terms, SETTINGS);
    const { kind } = this.#send(agent.address, { kind: 'challenge', claim: 0, terms, bond });
    // Too late, for another has won already: then there is nothing to win and nothing to lose.
    if (kind === 'done') this.#playing.push(agent);
  }

  /** One move of somebody who has one, in any game; honest players are never left behind. */
  async #someoneMoves(): Promise<boolean> {
    const games = this.#model.games.map((_, id) => id);
    const order = games.sort(() => this.#draws.word() - 2 ** 31);
    for (const id of order) {
      const view = this.#view(id);
      if (view.game.phase === 'over') continue;
      const challenger = this.#playing[id];
      const agents = [challenger, this.#claimant].filter((each): each is Agent => each !== undefined);
      for (const agent of agents) {
        const move = await agent.decide(view);
        if (move === undefined) continue;
        // What is wrong about it can be what nobody reads; then it has counted.
        if (this.#draws.chance(0.15) && this.#sendSpoiled(agent, move)) return true;
        if (
          !agent.honest &&
          this.#waiting.length === 0 &&
          this.#draws.chance(0.05) &&
          (await this.#nobodyHonestWaits())
        ) {
          const { claimantToMove, claimantLeft, challengerLeft, since } = view.game.clock;
          this.#now = Math.max(this.#now, since + (claimantToMove ? claimantLeft : challengerLeft));
        }
        const outcome = this.#send(agent.address, move);
        if (outcome.kind === 'done') return true;
        if (agent.honest && !this.#isLate(id)) {
          throw new Error(`An honest ${move.kind} was refused: ${outcome.reason}.`);
        }
      }
    }
    return false;
  }

  /** Sends a move with something wrong in it, as the player itself or as somebody else; true when it counted. */
  #sendSpoiled(agent: Agent, move: Move): boolean {
    // An honest player's picks are its own choice: only of what it shows is every other one refused.
    const sender = this.#draws.one(PLAYERS);
    const honest = [this.#claimant, ...this.#playing].some((each) => each.honest && each.address === sender);
    if (honest && (agent.address !== sender || !SHOWN.has(move.kind))) return false;
    return this.#send(sender, spoiled(move, this.#draws)).kind === 'done';
  }

  #isLate(id: number): boolean {
    const { phase } = this.#model.gameAt(id);
    return phase === 'over' || this.#model.claimAt(0).lost;
  }

  /** Whether no honest player is to move anywhere, so that time may pass. */
  async #nobodyHonestWaits(): Promise<boolean> {
    for (const id of this.#model.games.keys()) {
      const view = this.#view(id);
      if (view.game.phase === 'over' || view.claim.lost) continue;
      const mover = view.game.clock.claimantToMove ? this.#claimant : this.#playing[id];
      if (mover?.honest === true && (await mover.decide(view)) !== undefined) return false;
    }
    return true;
  }

  /** Lets the time of a silent side run out; false when no game is left. */
  #runOut(): boolean {
    const live = this.#model.games
      .map((game, id) => ({ game, id }))
      .filter(({ game }) => game.phase !== 'over');
    const next = live[0];
    if (next === undefined) return false;
    if (this.#model.claimAt(0).lost) {
      this.#send(PASSER_BY, { kind: 'release', game: next.id });
      return true;
    }
    const { clock } = next.game;
    const until = clock.since + (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
    if (this.#draws.chance(0.3)) {
      this.#now = Math.max(this.#now, until);
      this.#send(PASSER_BY, { kind: 'timeout', game: next.id });
    }
    this.#now = Math.max(this.#now, until + 1);
    this.#send(PASSER_BY, { kind: 'timeout', game: next.id });
    return true;
  }

  /** What anybody may call, whenever. */
  #meddle(): void {
    const sender = this.#draws.one(PLAYERS);
    const game = this.#draws.below(Math.max(1, this.#model.games.length));
    const moves: Move[] = [{ kind: 'settle', claim: 0 }, { kind: 'withdraw' }];
    if (this.#model.games.length > 0) moves.push({ kind: 'timeout', game }, { kind: 'release', game });
    this.#send(sender, this.#draws.one(moves));
  }

  #finish(): void {
    const { windowEnd } = this.#model.claimAt(0);
    if (this.#draws.chance(0.5)) this.#send(PASSER_BY, { kind: 'settle', claim: 0 });
    this.#now = Math.max(this.#now, windowEnd + 1);
    this.#send(PASSER_BY, { kind: 'settle', claim: 0 });
    const { terms } = this.#claimed;
    this.#send(PASSER_BY, { kind: 'challenge', claim: 0, terms, bond: challengeBond(terms, SETTINGS) });
    this.#send(PASSER_BY, { kind: 'settle', claim: 0 });
  }

  #send(sender: Address, move: Move): Outcome {
    const owed = this.#model.creditOf(sender);
    const outcome = this.#model.play({ sender, now: this.#now, move });
    if (outcome.kind === 'done') this.#paid.set(sender, (this.#paid.get(sender) ?? 0n) + paidBy(move, owed));
    if (outcome.kind === 'done' && move.kind === 'release') this.#released.add(move.game);
    const id = 'game' in move ? move.game : undefined;
    const game = id === undefined ? undefined : this.#model.games[id];
    this.#records.push({
      ...{ sender, now: this.#now, move, outcome },
      claim: claimWords(this.#model.claimAt(0)),
      ...(id === undefined || game === undefined ? {} : { game: { id, words: gameWords(game) } }),
    });
    return outcome;
  }

  #view(id: number): GameView {
    return viewOf(this.#model, id, this.#now);
  }

  result(lying: boolean): Match {
    const model = this.#model;
    const claim = model.claimAt(0);
    const honestLost: string[] = [];
    if (!lying && !claim.settled) honestLost.push('a true claim does not stand');
    if (lying && !claim.lost) honestLost.push('a false claim was not lost');
    for (const [id, agent] of this.#playing.entries()) {
      if (agent.honest) this.#checkHonest(model.gameAt(id), agent, honestLost);
    }
    if (!lying && this.#gained(CLAIMANT) < 0n) honestLost.push('an honest claimant is poorer');
    this.#checkEnd(claim, honestLost);
    return {
      records: this.#records,
      credits: PLAYERS.map((who) => model.creditOf(who)),
      burned: model.burned,
      honestLost,
      endings: model.games.map((game, id) => endingOf(game, this.#released.has(id))),
    };
  }

  #checkHonest(game: Game, agent: Agent, honestLost: string[]): void {
    if (game.events.some((event) => event.kind === 'over' && event.claimantWon)) {
      honestLost.push('an honest challenger lost its game');
    }
    // Its cost is at most MOVE_BOND for each of its moves; friends never have as many moves here as dilute that.
    if (this.#gained(agent.address) < BigInt(game.moves) * SETTINGS.moveBond) {
      honestLost.push('an honest challenger is not paid for its moves');
    }
  }

  #checkEnd(claim: Claim, honestLost: string[]): void {
    const last = this.#records.findLast(
      ({ move, outcome }) => move.kind !== 'settle' && outcome.kind === 'done',
    );
    if ((last?.now ?? 0) > claim.madeAt + maxSeconds(this.#claimed.terms, SETTINGS)) {
      honestLost.push('a game went on for too long');
    }
    const credits = PLAYERS.reduce((sum, who) => sum + this.#model.creditOf(who), 0n);
    if (credits + this.#model.burned !== this.#model.balance) honestLost.push('money is not accounted for');
  }

  /** What a player has in the end beyond what it paid. */
  #gained(who: Address): bigint {
    return this.#model.creditOf(who) - (this.#paid.get(who) ?? 0n);
  }
}

/** What a move that counts costs its sender; what it is paid, below zero. */
function paidBy(move: Move, owed: bigint): bigint {
  if (move.kind === 'withdraw') return -owed;
  return move.kind === 'claim' || move.kind === 'challenge' ? move.bond : 0n;
}
