import type { Evidence } from '../../../protocol/evidence.ts';
import { verifyRun } from '../../../protocol/verified-run.ts';
import { Auditor } from '../agents/auditor.ts';
import { claimOnce } from '../agents/claim-once.ts';
import { Defender } from '../agents/defender.ts';
import type { DisputeEvent } from '../agents/dispute-event.ts';
import { RunCache } from '../agents/run-cache.ts';
import type { OnchainDisputes } from '../onchain/port.ts';
import type { ClaimState, GameView } from '../port.ts';
import type { DisputesChain } from './disputes-chain.ts';

export interface MatchOptions {
  readonly chain: DisputesChain;
  /** What the claimant claims and defends with. */
  readonly claims: Evidence;
  /** What the auditor computed. */
  readonly computes: Evidence;
  /** Whether the claimant makes no move after its claim. Defaults to false. */
  readonly silent?: boolean;
}

export interface MatchResult {
  readonly claim: ClaimState;
  /** The auditor's game; undefined when it challenged nothing. */
  readonly view: GameView | undefined;
  /** The events of both agents, oldest first. */
  readonly events: readonly DisputeEvent[];
  /** What each account gained, in wei, after the gas that it paid. */
  readonly claimant: bigint;
  readonly auditor: bigint;
}

/**
 * Makes a claim and lets both agents play until nothing happens any more. Where no agent moves, the chain's
 * time is moved on.
 */
export async function playMatch({ chain, claims, computes, silent }: MatchOptions): Promise<MatchResult> {
  const [claimant, challenger] = [await chain.player(), await chain.player()];
  const before = await chain.client.getBalance({ address: claimant.me });
  const made = await claimOnce(claimant, claims);
  if (made.kind !== 'done' || made.id === undefined) throw new Error(`The claim came to ${made.kind}.`);
  const claim = made.id;
  const events: DisputeEvent[] = [];
  const onEvent = (event: DisputeEvent): void => void events.push(event);
  // Other matches on this chain are other agents' business.
  const auditor = new Auditor({ port: only(challenger, claim), runs: runsOf(computes), onEvent });
  const defender = new Defender({ port: only(claimant, claim), runs: runsOf(claims), onEvent });
  for (let idle = 0; idle < 3; ) {
    const told = events.length;
    await auditor.tick();
    if (silent !== true) await defender.tick();
    if (events.slice(told).some(changedTheChain)) idle = 0;
    else {
      idle++;
      await chain.pass(3 * 3600);
    }
  }
  const since = (await challenger.now()) - 100 * 3600;
  const game = (await challenger.games(since)).find((each) => each.claim === claim);
  const gain = async (port: OnchainDisputes): Promise<bigint> =>
    (await chain.client.getBalance({ address: port.me })) - before;
  return {
    claim: await challenger.claim(claim),
    view: game === undefined ? undefined : await challenger.look(game.game),
    events,
    claimant: await gain(claimant),
    auditor: await gain(challenger),
  };
}

/** The runs of an agent that knows one run. */
export function runsOf(evidence: Evidence): RunCache {
  return new RunCache(async (terms) => verifyRun(evidence, terms));
}

function changedTheChain(event: DisputeEvent): boolean {
  if (event.kind === 'moved') return event.played.kind === 'done';
  return ['challenged', 'settled', 'withdrew'].includes(event.kind);
}

/** A port that shows one claim only. */
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
