import {
  type Address,
  encodeAbiParameters,
  encodeEventTopics,
  getAbiItem,
  type Hex,
  zeroAddress,
  zeroHash,
} from 'viem';
import { disputesAbi, jobsAbi } from '../generated/abi.ts';
import type { JobState } from '../jobs/job.ts';
import { type Order, toOrderStruct } from '../jobs/order.ts';
import { type ScriptedContract, type ScriptedNode, scriptedNode } from './scripted-node.ts';

export const SCRIPTED_JOBS: Address = `0x${'a0'.repeat(20)}`;
export const SCRIPTED_DISPUTES: Address = `0x${'b0'.repeat(20)}`;
/** What a claim on Disputes costs on a scripted node, in wei. */
const SCRIPTED_CLAIM_BOND = 10n ** 15n;

/** A claim that can be challenged for another 1,000 seconds. */
const OPEN_CLAIM = {
  ...{ claimant: zeroAddress, windowEnd: 2_000n, liveGames: 0, lost: false, settled: false },
  ...{ bond: SCRIPTED_CLAIM_BOND, moves: 0, pot: 0n, terms: zeroHash, root: zeroHash },
};

const STATES = ['none', 'open', 'claimed', 'delivered'] as const;
const POSTED = getAbiItem({ abi: jobsAbi, name: 'Posted' });

export interface ScriptedJob extends ScriptedNode {
  /** Changes what the node says of the job from now on. */
  set(state: JobState & (typeof STATES)[number], worker?: Address): void;
}

/** A node on which job number 0 was posted with this order and is open. */
export function scriptedJob(order: Order, balance?: bigint): ScriptedJob {
  const jobOf = {
    ...{ requester: zeroAddress, state: 1, claimBy: 2_000, deliverBy: 0, claimedAt: 0 },
    ...{ workSeconds: order.workSeconds, token: order.token, workerShares: order.workerShares },
    steps: order.steps,
    ...{ terms: order.terms, price: order.price, bond: order.bond, worker: zeroAddress },
    ...{ escrow: 0n, forfeited: 0n, claim: 0n, root: zeroHash },
  };
  const contracts: readonly ScriptedContract[] = [
    { address: SCRIPTED_JOBS, abi: jobsAbi, returns: { jobOf, hasFailed: false, modelOf: 1n } },
    {
      address: SCRIPTED_DISPUTES,
      abi: disputesAbi,
      returns: { claimBond: SCRIPTED_CLAIM_BOND, challengeBond: SCRIPTED_CLAIM_BOND, claimOf: OPEN_CLAIM },
    },
  ];
  const node = scriptedNode({
    contracts,
    logs: [postedLog(order)],
    ...(balance === undefined ? {} : { balance }),
  });
  return {
    ...node,
    set(state, worker = zeroAddress) {
      Object.assign(jobOf, { state: STATES.indexOf(state), worker });
    },
  };
}

function postedLog(order: Order) {
  const topics = encodeEventTopics({
    abi: jobsAbi,
    eventName: 'Posted',
    args: { job: 0n, requester: zeroAddress, terms: order.terms },
  });
  const body = POSTED.inputs.filter((input) => !('indexed' in input && input.indexed));
  const data: Hex = encodeAbiParameters(body, [toOrderStruct(order)]);
  return {
    ...{ address: SCRIPTED_JOBS, topics, data, blockNumber: '0x1', blockHash: zeroHash },
    ...{ transactionHash: zeroHash, transactionIndex: '0x0', logIndex: '0x0', removed: false },
  };
}
