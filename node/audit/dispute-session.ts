/**
 * What the commands for auditing and defending share: the network, the account, the engine, and the sources
 * of runs.
 */
import { join, resolve } from 'node:path';
import { createWalletClient, formatEther, type PublicClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { PlanSearch } from '../../audit/plan-search.ts';
import { type DisputeEvent, formatDisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { RunCache } from '../../chain/disputes/agents/run-cache.ts';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { DeliveredClaims } from '../../chain/jobs/delivered.ts';
import { TrainingClaimRecorder } from '../../chain/model-registry/claim-recorder.ts';
import { chainOf, connect, transportOf } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import { loadModel } from '../../models/decoder/load.ts';
import { freshState } from '../../models/decoder/state.ts';
import { availableCandidates, chooseEngine } from '../../models/engine-choice/choose.ts';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import type { Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { fetchModelFiles } from '../../workers/published-model.ts';
import { UsageError } from '../home/command-line.ts';
import { secretFile } from '../home/key-file.ts';
import { modelInFolder } from '../home/model-folder.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { PlanThreads } from './plan-thread.ts';
import { type RunSource, runsAt, runsOnChain } from './published-runs.ts';
import { evidenceOfRuns } from './run-evidence.ts';
import { type SessionFlags, sessionChoices } from './session-flags.ts';

/** The disputes of a network and the sources of its runs, for whoever only looks. */
export interface NetworkDisputes {
  readonly network: Network;
  readonly rollup: RollupContracts;
  readonly client: PublicClient;
  readonly sources: readonly RunSource[];
}

/** Reads the network file. Throws NetworkFileError, and UsageError where the network has no disputes. */
export async function openDisputes(
  flags: Pick<SessionFlags, 'network' | 'runs'>,
  signal: AbortSignal,
): Promise<NetworkDisputes> {
  const network = await readNetworkFile(flags.network);
  const { rollup } = network;
  if (rollup === undefined) {
    throw new UsageError(
      `The network of ${flags.network} has no disputes. Start it again with npm start, or name another with --network.`,
    );
  }
  const client = connect(network, { signal });
  const own = flags.runs === undefined ? [] : [runsAt(flags.runs)];
  return { network, rollup, client, sources: [...own, runsOnChain({ client, contracts: rollup })] };
}

/** An account that plays on a network's disputes, with all that it takes to compute runs. */
export interface DisputeSession {
  readonly port: OnchainDisputes;
  /** Sends every transaction of the account. */
  readonly queue: TransactionQueue;
  readonly descriptions: Hex;
  /** Commits to the account's claims and records those that stand. */
  readonly recorder: TrainingClaimRecorder;
  readonly runs: RunCache;
  /** What is paid for each claim that was delivered for a job, in wei. */
  readonly stakes: () => Promise<ReadonlyMap<number, bigint>>;
  readonly pollMs: number;
}

/**
 * Reads the network, opens or creates the account, and tries the engine. Throws typed errors that name the
 * remedy.
 */
export async function openDisputeSession(
  flags: SessionFlags,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<DisputeSession> {
  const { choice, threads, maxSteps, pollMs } = sessionChoices(flags);
  const { network, rollup, client, sources } = await openDisputes(flags, signal);
  const { disputes, descriptions, jobs, trainingRecord } = rollup;
  const home = resolve(flags.home);
  const account = privateKeyToAccount(toHex(await secretFile(join(home, 'account.key'))));
  const wallet = createWalletClient({
    account,
    chain: chainOf(network),
    transport: transportOf(network, { signal }),
  });
  const balance = await client.getBalance({ address: account.address }).catch(() => undefined);
  log(
    `Account ${account.address} of ${home}${balance === undefined ? '' : `: ${formatEther(balance)} ETH`}.`,
  );
  if (balance === 0n) log('It has no coin. Send it what bonds and gas will take, and start again.');
  const candidates = availableCandidates({ threads, gpu: undefined, allowSoftwareGpu: false });
  const { engine, reason } = await chooseEngine({
    ...{ choice, candidates, userAgent: `node ${process.version}`, signal },
    now: () => performance.now(),
  });
  await engine.stop();
  log(reason);
  const candidate = candidates.find(({ kind }) => kind === choice);
  const openEngine = async (): Promise<Engine> => {
    if (candidate === undefined) throw new UsageError(`There is no engine ${choice} here.`);
    return (await candidate.open()).engine;
  };
  const start = async (): Promise<Checkpoint> => {
    const files = await fetchModelFiles(modelInFolder(resolve(flags.model)), signal);
    const { config, parameters } = loadModel(files);
    return { config, state: freshState(config, parameters), cursor: 0, rngKey: '0x00000000' };
  };
  const planners = new PlanThreads();
  signal.addEventListener('abort', () => void planners.stop(), { once: true });
  const { find, price } = evidenceOfRuns({
    sources,
    search: new PlanSearch({ plan: planners.plan, maxSteps, now: () => performance.now() }),
    known: start,
    openEngine,
    folder: (terms) => openFileDirectory(join(home, 'runs', terms)),
    onStep: (terms, done, steps) => {
      if (done === steps || done % 100 === 0) log(`Run ${terms.slice(0, 10)}…: ${done} of ${steps} steps.`);
    },
  });
  const queue = new TransactionQueue({ client, wallet });
  const port = new OnchainDisputes({ queue, address: disputes });
  const delivered = new DeliveredClaims({ client, jobs });
  return {
    ...{ port, queue, descriptions, pollMs },
    recorder: new TrainingClaimRecorder({ queue, trainingRecord }),
    runs: new RunCache(find, price),
    stakes: () => delivered.stakes(),
  };
}

/** Prints events: a sentence each, or a JSON object a line. */
export function printer(json: boolean): (event: DisputeEvent) => void {
  if (!json) return (event) => console.log(formatDisputeEvent(event));
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  return (event) => console.log(JSON.stringify(event, plain));
}
