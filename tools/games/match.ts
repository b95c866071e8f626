/**
 * One claim and everything that happens about it, played on the reference game with players and moves drawn
 * at random.
 */
import type { Address, Hex } from 'viem';
import type { GameView, Move, Settings } from '../../chain/disputes/port.ts';
import { challengeBond, claimBond, maxSeconds } from '../../chain/disputes/reference-game/bonds.ts';
import { viewOf } from '../../chain/disputes/reference-game/game-view.ts';
import type { ReferenceJudge } from '../../chain/disputes/reference-game/judge.ts';
import { type Outcome, ReferenceDisputes } from '../../chain/disputes/reference-game/reference-disputes.ts';
import { type Claim, claimWords, type Game, gameWords } from '../../chain/disputes/reference-game/state.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { type Agent, player, randomChallenger } from './agents.ts';
import { type ClaimantFixture, computeFixture, type JobFault } from './claimant-fixture.ts';
import { Draws } from './draws.ts';
import { ELEMENT_JUDGE } from './element-judge.ts';
import { type Job, randomJob } from './job.ts';
import { mutatedMove } from './mutate-move.ts';

export const SETTINGS: Settings = {
  window: 1800,
  stepSeconds: 600,
  budget: 5400,
  extension: 600,
  moveBond: 10n ** 15n,
};

const CLAIMANT: Address = '0x00000000000000000000000000000000000c1a1a';
const BYSTANDER: Address = '0x00000000000000000000000000000000000abcde';
export const PLAYERS: readonly Address[] = [
  CLAIMANT,
  BYSTANDER,
  ...[1, 2, 3, 4].map((i): Address => `0x${String(i).padStart(40, '0')}`),
];

/** A move as it was sent, and the outcome on the reference game. */
export interface MoveRecord {
  readonly sender: Address;
  readonly now: number;
  readonly move: Move;
  readonly outcome: Outcome;
  /** The claim and, for a move of a game, the game after the move, as the contract returns them. */
  readonly claim: Hex;
  readonly game?: { readonly id: number; readonly words: Hex };
}

export interface Match {
  readonly records: readonly MoveRecord[];
  readonly credits: readonly bigint[];
  readonly burned: bigint;
  /** What must not happen: an honest player lost a bond, a game or a true claim, or a false claim stands. */
  readonly honestLost: readonly string[];
  /** How each game ended. */
  readonly endings: readonly Ending[];
}

/**
 * How a game ended: by the judge, by opening a slot that was given or composed, by silence, or overtaken by
 * another game that beat the claim.
 */
export type Ending = 'judged' | 'opened' | 'silent' | 'overtaken';

function endingOf({ events }: Game, released: boolean): Ending {
  const before = events.at(-2)?.kind;
  if (released) return 'overtaken';
  if (before === 'judged') return 'judged';
  return before === 'slot-opened' ? 'opened' : 'silent';
}

/** Moves that show what was committed. */
const SHOWS: ReadonlySet<Move['kind']> = new Set(['reveal', 'openStep', 'openSlot', 'openLeaf', 'judge']);
const STARTS = 1_800_000_000;

/** A fault at a random place. */
function randomFault(job: Job, draws: Draws): JobFault {
  const step = draws.below(job.steps);
  const slot = draws.below(job.slots.length);
  const mask = draws.chance(0.1) ? draws.word() | 1 : 1 << draws.between(12, 25);
  return {
    step,
    slot,
    element: draws.word() & 0xffff,
    mask: mask >>> 0,
    ...(draws.chance(0.3) ? { alone: true } : {}),
    ...(draws.chance(0.08) ? { skipped: true } : {}),
  };
}

/** What the players of a match have computed. */
export interface Fixtures {
  readonly truth: ClaimantFixture;
  /** Defaults to ELEMENT_JUDGE, which has the operators of random jobs. */
  readonly judge?: ReferenceJudge;
  /** The same with a fault that changes its root. */
  faulty(draws: Draws): Promise<ClaimantFixture>;
}

export type MakeFixtures = (seed: number, engine: Engine, draws: Draws) => Promise<Fixtures>;

/** A small random job. */
const jobFixtures: MakeFixtures = async (seed, engine, draws) => {
  const job = randomJob(draws);
  const truth = await computeFixture(job, seed, engine);
  return {
    truth,
    async faulty(drawn) {
      for (;;) {
        const fixture = await computeFixture(job, seed, engine, randomFault(job, drawn));
        if (fixture.root !== truth.root) return fixture;
      }
    },
  };
};

/**
 * Plays match number `seed`, about a random job unless other fixtures are given. Rejects if an honest move is
 * refused though the game still goes on.
 */
export async function playMatch(
  seed: number,
  engine: Engine,
  make: MakeFixtures = jobFixtures,
): Promise<Match> {
  const draws = new Draws(seed);
  const { truth, faulty, judge = ELEMENT_JUDGE } = await make(seed, engine, draws);
  const dishonest = draws.chance(0.5);
  const wrong = await faulty(draws);
  const claimed = dishonest ? wrong : truth;
  const silence = dishonest && draws.chance(0.4) ? 0.1 : 0;
  const claimant = player({
    address: CLAIMANT,
    side: 'claimant',
    evidence: claimed,
    honest: !dishonest,
    draws,
    silence,
  });
  const challengers: Agent[] = [];
  const count = draws.between(1, 3);
  const honestPlace = draws.below(count);
  for (let i = 0; i < count; i++) {
    const address = PLAYERS[2 + i] ?? BYSTANDER;
    const common = { address, side: 'challenger', draws } as const;
    if (dishonest && i === honestPlace)
      challengers.push(player({ ...common, evidence: truth, honest: true }));
    else if (draws.chance(0.4)) challengers.push(randomChallenger(address, claimed, draws));
    else {
      // It has faulty numbers of its own. Against a false claim it is at times an accomplice that has the
      // true ones and may win before the honest challenger does.
      const evidence = dishonest && draws.chance(0.5) ? truth : await faulty(draws);
      challengers.push(player({ ...common, evidence, honest: false, silence: draws.chance(0.3) ? 0.1 : 0 }));
    }
  }
  const runner = new MatchRunner({ draws, claimant, challengers, claimed, judge });
  await runner.play();
  return runner.result(dishonest);
}

interface RunnerOptions {
  readonly draws: Draws;
  readonly claimant: Agent;
  readonly challengers: readonly Agent[];
  readonly claimed: ClaimantFixture;
  readonly judge: ReferenceJudge;
}

/** Runs one match: decides who moves when, and records every move. */
class MatchRunner {
  readonly #draws: Draws;
  readonly #claimant: Agent;
  readonly #claimed: ClaimantFixture;
  readonly #disputes: ReferenceDisputes;
  readonly #records: MoveRecord[] = [];
  readonly #waiting: Agent[];
  readonly #playing: Agent[] = [];
  readonly #released = new Set<number>();
  readonly #paid = new Map<Address, bigint>();
  #now = STARTS;

  constructor({ draws, claimant, challengers, claimed, judge }: RunnerOptions) {
    this.#disputes = new ReferenceDisputes({ settings: SETTINGS, judge });
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
      if (this.#draws.chance(0.05)) this.#callAnything();
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
    // A challenge that comes after another has won is refused: nothing can be won or lost by it.
    if (kind === 'done') this.#playing.push(agent);
  }

  /** Makes one move of a player that has one, in any game. Time never runs out for an honest player. */
  async #someoneMoves(): Promise<boolean> {
    const games = this.#disputes.games.map((_, id) => id);
    const order = games.sort(() => this.#draws.word() - 2 ** 31);
    for (const id of order) {
      const view = this.#view(id);
      if (view.game.phase === 'over') continue;
      const challenger = this.#playing[id];
      const agents = [challenger, this.#claimant].filter((each): each is Agent => each !== undefined);
      for (const agent of agents) {
        const move = await agent.decide(view);
        if (move === undefined) continue;
        // A mutation can hit a part that the contract does not read; then the move has counted.
        if (this.#draws.chance(0.15) && this.#sendMutated(agent, move)) return true;
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

  /** Sends a malformed move as the player itself or as somebody else. Returns whether it counted. */
  #sendMutated(agent: Agent, move: Move): boolean {
    // A mutated pick is a valid one, which an honest player would not have made. What it shows has one valid
    // form.
    const sender = this.#draws.one(PLAYERS);
    const honest = [this.#claimant, ...this.#playing].some((each) => each.honest && each.address === sender);
    if (honest && (agent.address !== sender || !SHOWS.has(move.kind))) return false;
    return this.#send(sender, mutatedMove(move, this.#draws)).kind === 'done';
  }

  #isLate(id: number): boolean {
    const { phase } = this.#disputes.gameAt(id);
    return phase === 'over' || this.#disputes.claimAt(0).lost;
  }

  /** Whether no honest player is to move anywhere, so that time may pass. */
  async #nobodyHonestWaits(): Promise<boolean> {
    for (const id of this.#disputes.games.keys()) {
      const view = this.#view(id);
      if (view.game.phase === 'over' || view.claim.lost) continue;
      const mover = view.game.clock.claimantToMove ? this.#claimant : this.#playing[id];
      if (mover?.honest === true && (await mover.decide(view)) !== undefined) return false;
    }
    return true;
  }

  /** Lets the time of a silent side run out. Returns false if no game is left. */
  #runOut(): boolean {
    const live = this.#disputes.games
      .map((game, id) => ({ game, id }))
      .filter(({ game }) => game.phase !== 'over');
    const next = live[0];
    if (next === undefined) return false;
    if (this.#disputes.claimAt(0).lost) {
      this.#send(BYSTANDER, { kind: 'release', game: next.id });
      return true;
    }
    const { clock } = next.game;
    const until = clock.since + (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
    if (this.#draws.chance(0.3)) {
      this.#now = Math.max(this.#now, until);
      this.#send(BYSTANDER, { kind: 'timeout', game: next.id });
    }
    this.#now = Math.max(this.#now, until + 1);
    this.#send(BYSTANDER, { kind: 'timeout', game: next.id });
    return true;
  }

  /** Makes a call that anyone may make, whether it fits or not. */
  #callAnything(): void {
    const sender = this.#draws.one(PLAYERS);
    const game = this.#draws.below(Math.max(1, this.#disputes.games.length));
    const moves: Move[] = [{ kind: 'settle', claim: 0 }, { kind: 'withdraw' }];
    if (this.#disputes.games.length > 0) moves.push({ kind: 'timeout', game }, { kind: 'release', game });
    this.#send(sender, this.#draws.one(moves));
  }

  #finish(): void {
    const { windowEnd } = this.#disputes.claimAt(0);
    if (this.#draws.chance(0.5)) this.#send(BYSTANDER, { kind: 'settle', claim: 0 });
    this.#now = Math.max(this.#now, windowEnd + 1);
    this.#send(BYSTANDER, { kind: 'settle', claim: 0 });
    const { terms } = this.#claimed;
    this.#send(BYSTANDER, { kind: 'challenge', claim: 0, terms, bond: challengeBond(terms, SETTINGS) });
    this.#send(BYSTANDER, { kind: 'settle', claim: 0 });
  }

  #send(sender: Address, move: Move): Outcome {
    const owed = this.#disputes.creditOf(sender);
    const outcome = this.#disputes.play({ sender, now: this.#now, move });
    if (outcome.kind === 'done') this.#paid.set(sender, (this.#paid.get(sender) ?? 0n) + paidBy(move, owed));
    if (outcome.kind === 'done' && move.kind === 'release') this.#released.add(move.game);
    const id = 'game' in move ? move.game : undefined;
    const game = id === undefined ? undefined : this.#disputes.games[id];
    this.#records.push({
      ...{ sender, now: this.#now, move, outcome },
      claim: claimWords(this.#disputes.claimAt(0)),
      ...(id === undefined || game === undefined ? {} : { game: { id, words: gameWords(game) } }),
    });
    return outcome;
  }

  #view(id: number): GameView {
    return viewOf(this.#disputes, id, this.#now);
  }

  result(dishonest: boolean): Match {
    const disputes = this.#disputes;
    const claim = disputes.claimAt(0);
    const honestLost: string[] = [];
    if (!dishonest && !claim.settled) honestLost.push('a true claim does not stand');
    if (dishonest && !claim.lost) honestLost.push('a false claim was not lost');
    for (const [id, agent] of this.#playing.entries()) {
      if (agent.honest) this.#checkHonest(disputes.gameAt(id), agent, honestLost);
    }
    if (!dishonest && this.#gained(CLAIMANT) < 0n) honestLost.push('an honest claimant is poorer');
    this.#checkEnd(claim, honestLost);
    return {
      records: this.#records,
      credits: PLAYERS.map((who) => disputes.creditOf(who)),
      burned: disputes.burned,
      honestLost,
      endings: disputes.games.map((game, id) => endingOf(game, this.#released.has(id))),
    };
  }

  #checkHonest(game: Game, agent: Agent, honestLost: string[]): void {
    if (game.events.some((event) => event.kind === 'over' && event.claimantWon)) {
      honestLost.push('an honest challenger lost its game');
    }
    // A move costs its sender at most the move bond. No match has as many moves of accomplices as would
    // dilute that.
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
    const credits = PLAYERS.reduce((sum, who) => sum + this.#disputes.creditOf(who), 0n);
    if (credits + this.#disputes.burned !== this.#disputes.balance)
      honestLost.push('money is not accounted for');
  }

  /** What a player gained, in wei. */
  #gained(who: Address): bigint {
    return this.#disputes.creditOf(who) - (this.#paid.get(who) ?? 0n);
  }
}

/** What a move that counts costs its sender, in wei. Negative for a withdrawal. */
function paidBy(move: Move, owed: bigint): bigint {
  if (move.kind === 'withdraw') return -owed;
  return move.kind === 'claim' || move.kind === 'challenge' ? move.bond : 0n;
}
