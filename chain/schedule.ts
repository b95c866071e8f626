import { type Address, encodeAbiParameters, type Hex, keccak256, type PublicClient } from 'viem';
import type { ClockReading, Stage } from '../protocol/ledger.ts';
import { ChainError, toChainError } from './errors.ts';
import { swarmsAbi } from './generated/abi.ts';

/** The times of all rounds of a swarm, fixed when it was opened. */
export interface Schedule {
  /** Unix time in seconds at which round 0 began. */
  readonly genesis: number;
  readonly seconds: Readonly<Record<Stage, number>>;
  readonly genesisSeed: Hex;
}

const STAGES: readonly Stage[] = ['answer', 'critique', 'vote'];

/**
 * Reads the schedule of a swarm. Throws ChainError if the node is out of reach, or there is no contract or no
 * such swarm.
 */
export async function readSchedule(client: PublicClient, swarms: Address, swarm: number): Promise<Schedule> {
  try {
    const code = await client.getCode({ address: swarms });
    if (code === undefined) {
      throw new ChainError(
        'wrong-network',
        `There is no contract at ${swarms} on this chain. Check the network file, or deploy again.`,
      );
    }
    const read = await client.readContract({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'swarmOf',
      args: [BigInt(swarm)],
    });
    return scheduleOf(read);
  } catch (error) {
    throw toChainError(error);
  }
}

/** The schedule in what the contract Swarms says of a swarm. */
export function scheduleOf(swarm: {
  readonly genesis: bigint;
  readonly answerSeconds: number;
  readonly critiqueSeconds: number;
  readonly voteSeconds: number;
  readonly genesisSeed: Hex;
}): Schedule {
  const { genesis, answerSeconds, critiqueSeconds, voteSeconds, genesisSeed } = swarm;
  return {
    genesis: Number(genesis),
    seconds: { answer: answerSeconds, critique: critiqueSeconds, vote: voteSeconds },
    genesisSeed,
  };
}

/** Length of a whole round in ms. */
export function roundMs({ seconds }: Schedule): number {
  return 1000 * (seconds.answer + seconds.critique + seconds.vote);
}

/** keccak256(genesisSeed, round as uint256), as `seedOf` of the contract. */
export function seedOf({ genesisSeed }: Schedule, round: number): Hex {
  return keccak256(
    encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [genesisSeed, BigInt(round)]),
  );
}

/**
 * Round, stage and seed at a chain time (ms since 1970). Before genesis that is the first moment of round 0.
 */
export function readingAt(schedule: Schedule, chainMs: number): ClockReading {
  const elapsed = Math.max(0, chainMs - schedule.genesis * 1000);
  const round = Math.floor(elapsed / roundMs(schedule));
  let since = elapsed - round * roundMs(schedule);
  for (const stage of STAGES) {
    const length = schedule.seconds[stage] * 1000;
    if (since < length || stage === 'vote') {
      return {
        round,
        stage,
        sinceStageStart: since,
        untilStageEnd: length - since,
        seed: seedOf(schedule, round),
      };
    }
    since -= length;
  }
  throw new Error('A round has no stages.');
}
