/** The swarms of the drill: the model that they start from, and their specifications. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWalletClient, formatEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { chainOf, connect, transportOf } from '../../../chain/network.ts';
import { openSwarm, priceOfOpening } from '../../../chain/open-swarm.ts';
import { TransactionQueue } from '../../../chain/transaction-queue.ts';
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { defaultSpec } from '../../../node/devnet/default-swarm.ts';
import { stageSeconds } from '../../../node/devnet/stages.ts';
import { describeModel } from '../../../node/swarms/describe-model.ts';
import { ensureFunds } from '../../../node/swarms/starter-funds.ts';
import type { Network } from '../../../protocol/network-file.ts';
import type { SwarmSpec } from '../../../protocol/swarm-spec.ts';
import { TRAINED } from '../../../training/experiments/sapo-base.ts';
import { storedBase } from '../../../training/experiments/stored-base.ts';
import { StoredParts } from '../../../training/experiments/stored-parts.ts';
import { modelFiles } from '../../../training/nano-files.ts';

/** A seed that the experiment "sapo" does not use. "swarm8" uses the same. */
const RUN = 'rare 6';
/** Share of the sampled answers that the first model has right. */
const LEVEL = 0.01;
/** What the experiment chose for rare success. */
const LEARNING_RATE = 1e-3;
const PARTS = new URL('../../../.starling/experiments/', import.meta.url);

/**
 * Writes the model that the experiment "sapo" would start from into a folder. Takes half a minute of a core
 * the first time; the weights are kept in .starling/experiments.
 */
export async function writeStartModel(folder: string): Promise<void> {
  const engine = await createWasmEngine({ threads: 1 });
  try {
    const parts = new StoredParts(fileURLToPath(PARTS));
    const { config, parameters } = await storedBase(parts, { engine, run: RUN, level: LEVEL });
    await mkdir(folder, { recursive: true });
    for (const [name, bytes] of Object.entries(modelFiles(config, parameters)))
      await writeFile(join(folder, name), bytes);
  } finally {
    await engine.stop();
  }
}

export interface OpenLearningSwarmsOptions {
  readonly network: Network;
  /** Folder of the model. */
  readonly model: string;
  readonly count: number;
  readonly roundSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * Opens so many swarms, each with the settings of a local network's default swarm but for its model, its
 * tasks and its rate, which are those of the experiment. Resolves with their numbers. Throws ChainError.
 */
export async function openLearningSwarms(options: OpenLearningSwarmsOptions): Promise<readonly number[]> {
  const { network, model, count, roundSeconds, signal } = options;
  const client = connect(network, { signal });
  const account = privateKeyToAccount(generatePrivateKey());
  const chain = chainOf(network);
  const wallet = createWalletClient({ account, chain, transport: transportOf(network, { signal }) });
  const base = await describeModel({ folder: model, signal });
  const { timestamp } = await client.getBlock({ blockTag: 'latest' });
  const { round, ...settings } = defaultSpec(stageSeconds(roundSeconds));
  const spec: SwarmSpec = {
    ...settings,
    name: 'Words turned and shifted',
    description: 'A model that is rarely right learns to rotate and to shift words.',
    startedBy: account.address,
    startedAt: Number(timestamp),
    base,
    tasks: TRAINED,
    round: { ...round, learningRate: LEARNING_RATE },
  };
  const { swarms } = network.contracts;
  const { wei } = await priceOfOpening({ client, swarms, spec });
  await ensureFunds({
    ...{ network, client, signal },
    account: account.address,
    cost: 2n * BigInt(count) * wei,
    keyFile: `this drill, which needs ${formatEther(wei)} ether a swarm`,
    say: () => undefined,
  });
  const queue = new TransactionQueue({ client, wallet });
  const ids: number[] = [];
  for (let number = 0; number < count; number++) {
    const opened = await openSwarm({
      queue,
      swarms,
      spec: { ...spec, name: `${spec.name} ${number + 1}` },
      signal,
    });
    ids.push(opened.id);
  }
  return ids;
}
