import type { Evidence } from '../../../protocol/evidence.ts';
import { Auditor } from '../agents/auditor.ts';
import { claimOnce, Defender } from '../agents/defender.ts';
import type { Happening } from '../agents/dispute-event.ts';
import type { OnchainDisputes } from '../onchain/port.ts';
import type { ClaimState, GameView } from '../port.ts';
import type { Arena } from './disputes-chain.ts';

export interface MatchOptions {
  readonly arena: Arena;
  /** What the claimant claims and defends with. */
  readonly claims: Evidence;
  /** What the auditor computed. */
  readonly computes: Evidence;
  /** The claimant says nothing after its claim. */
  readonly silent?: boolean;
}

export interface MatchResult {
  readonly claim: ClaimState;
  /** The auditor's game; undefined when it challenged nothing. */
  readonly view: GameView | undefined;
  readonly said: readonly Happening[];
  /** What each has more or less than before, in wei, less what it paid for gas. */
  readonly claimant: bigint;
  readonly auditor: bigint;
}

/** A claim and, where the auditor finds something, its game, played by both players to the end; time passes when nobody moves. */
export async function playMatch({ arena, claims, computes, silent }: MatchOptions): Promise<MatchResult> {
  const [claimant, challenger] = [await arena.party(), await arena.party()];
  const before = await arena.client.getBalance({ address: claimant.me });
  const made = await claimOnce(claimant, claims);
  if (made.kind !== 'done' || made.id === undefined) throw new Error(`The claim came to ${made.kind}.`);
  const claim = made.id;
  const said: Happening[] = [];
  const about = (evidence: Evidence) => () => Promise.resolve(evidence);
  // Other matches on this chain are other parties' business.
  const auditor = new Auditor({
    port: only(challenger, claim),
    evidence: about(computes),
    onHappening: (each) => said.push(each),
  });
  const defender = new Defender({
    port: only(claimant, claim),
    evidence: about(claims),
    onHappening: (each) => said.push(each),
  });
  for (let idle = 0; idle < 3; ) {
    const told = said.length;
    await auditor.tick();
    if (silent !== true) await defender.tick();
    if (said.slice(told).some(counts)) idle = 0;
    else {
      idle++;
      await arena.pass(3 * 3600);
    }
  }
  const since = (await challenger.now()) - 100 * 3600;
  const game = (await challenger.games(since)).find((each) => each.claim === claim);
  const gain = async (port: OnchainDisputes): Promise<bigint> =>
    (await arena.client.getBalance({ address: port.me })) - before;
  return {
    claim: await challenger.claim(claim),
    view: game === undefined ? undefined : await challenger.look(game.game),
    said,
    claimant: await gain(claimant),
    auditor: await gain(challenger),
  };
}

/** Whether it changed the chain. */
function counts(happening: Happening): boolean {
  if (happening.kind === 'moved') return happening.played.kind === 'done';
  return ['challenged', 'settled', 'withdrew'].includes(happening.kind);
}

/** A port that shows one claim and its games. */
function only(port: OnchainDisputes, claim: number): OnchainDisputes {
  return new Proxy(port, {
    get(target, name) {
      if (name === 'claims') {
        return async (since: number) => (await target.claims(since)).filter((each) => each.claim === claim);
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
