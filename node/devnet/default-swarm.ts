import type { Address } from 'viem';
import { openSwarm } from '../../chain/open-swarm.ts';
import { countSwarms, readSwarm } from '../../chain/swarms.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Stage } from '../../protocol/ledger.ts';
import { must } from '../../protocol/must.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { MAX_COMPLETION_TOKENS } from '../../training/prompts.ts';

/** The specification of the swarm that a local network begins with, but for who starts it and when. */
export type DefaultSpec = Omit<SwarmSpec, 'startedBy' | 'startedAt'>;

/** Lengths of the model nano, whose prompt format has its own. */
const NANO_TOKENS = { answerTokens: MAX_COMPLETION_TOKENS, critiqueTokens: MAX_COMPLETION_TOKENS } as const;

/** A swarm of the built-in model nano, which trains all weights with the program's own settings. */
export function defaultSpec(seconds: Readonly<Record<Stage, number>>): DefaultSpec {
  const { tasks, itemsPerRound, itemsAnswered, samplesPerItem, temperature } = DEFAULT_SETTINGS;
  const { learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems } = DEFAULT_SETTINGS;
  const { name, root } = must(BUILTIN_MODELS, 0);
  return {
    version: 1,
    name: 'Small sums and words',
    description: 'The built-in model learns sums, sorting, divisors and reversed words.',
    language: 'en',
    base: { kind: 'builtin', name, root },
    trained: { kind: 'full' },
    models: 'one',
    tasks,
    round: {
      ...{ itemsPerRound, itemsAnswered, samplesPerItem, temperature, ...NANO_TOKENS },
      ...{ learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems },
    },
    schedule: { answerSeconds: seconds.answer, critiqueSeconds: seconds.critique, voteSeconds: seconds.vote },
  };
}

export interface OpenDefaultSwarmOptions {
  /** Of the account that starts the swarm and pays. */
  readonly queue: TransactionQueue;
  readonly swarms: Address;
  readonly spec: DefaultSpec;
}

/**
 * The newest swarm that this account started with this specification; opens one, as anybody would, where
 * there is none. Throws ChainError and SwarmSpecError.
 */
export async function openDefaultSwarm({
  queue,
  swarms,
  spec,
}: OpenDefaultSwarmOptions): Promise<{ readonly id: number; readonly resumed: boolean }> {
  const { client, address: startedBy } = queue;
  for (let id = (await countSwarms(client, swarms)) - 1; id >= 0; id--) {
    const { published, cid } = await readSwarm(client, swarms, id);
    if (published.kind === 'unusable') continue;
    const { startedAt } = published.spec;
    if (encodeSwarmSpec({ ...spec, startedBy, startedAt }).cid === cid) return { id, resumed: true };
  }
  const { timestamp } = await client.getBlock({ blockTag: 'latest' });
  const opened = await openSwarm({
    queue,
    swarms,
    spec: { ...spec, startedBy, startedAt: Number(timestamp) },
  });
  return { id: opened.id, resumed: false };
}
