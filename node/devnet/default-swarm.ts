import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from 'viem';
import { openSwarm } from '../../chain/open-swarm.ts';
import { countSwarms, readSwarm } from '../../chain/swarms.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { toHex } from '../../protocol/hex.ts';
import type { Stage } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';

/** The specification of the swarm that a local network begins with, but for who starts it and when. */
export type DefaultSpec = Omit<SwarmSpec, 'startedBy' | 'startedAt'>;

/** Most tokens of an answer and of a critique of the built-in model, which reads 64 tokens in all. */
const NANO_TOKENS = { answerTokens: 9, critiqueTokens: 10 } as const;

/** The built-in model's root: `filesRoot` of its three files. Rejects when one is missing. */
export async function builtinRoot(folder: string) {
  const names = ['config.json', 'tokenizer.json', 'model.safetensors'];
  const files = await Promise.all(
    names.map(async (name) => {
      const bytes = new Uint8Array(await readFile(join(folder, name)));
      return { name, size: bytes.length, sha256: toHex(sha256Of(bytes)).slice(2) };
    }),
  );
  return filesRoot(files);
}

/** A swarm of the built-in model in a folder, which trains all weights with the program's own settings. */
export async function defaultSpec(
  folder: string,
  seconds: Readonly<Record<Stage, number>>,
): Promise<DefaultSpec> {
  const { tasks, itemsPerRound, itemsAnswered, samplesPerItem, temperature } = DEFAULT_SETTINGS;
  const { learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems } = DEFAULT_SETTINGS;
  return {
    version: 1,
    name: 'Small sums and words',
    description: 'The built-in model learns sums, sorting, divisors and reversed words.',
    language: 'en',
    base: { kind: 'builtin', name: 'nano', root: await builtinRoot(folder) },
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
