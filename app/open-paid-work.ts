import { createWalletClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { OnchainDisputes } from '../chain/disputes/onchain/port.ts';
import { DeliveredClaims } from '../chain/jobs/delivered.ts';
import { TrainingClaimRecorder } from '../chain/model-registry/claim-recorder.ts';
import { chainOf, connect, transportOf } from '../chain/network.ts';
import { sleep } from '../chain/sleep.ts';
import { TransactionQueue } from '../chain/transaction-queue.ts';
import { toHex } from '../protocol/hex.ts';
import type { RunProgress } from '../workers/run-api.ts';
import { connectRuns, type RunsClient } from '../workers/run-client.ts';
import { busyMemory } from './checks/busy-memory.ts';
import { ChecksController } from './checks/checks-controller.ts';
import { ChainWatch } from './jobs/chain-watch.ts';
import { JobsController } from './jobs/jobs-controller.ts';
import { KnownRuns } from './jobs/known-runs.ts';
import type { Credentials } from './volunteer/volunteer.ts';

export interface OpenPaidWorkOptions extends Credentials {
  /** Where the page lies; the model is beside it. */
  readonly base: string;
}

/** Jobs and checks of this tab. They share one look at the chain, one account and one worker. */
export interface PaidWork {
  readonly jobs: JobsController;
  readonly checks: ChecksController;
  stop(): Promise<void>;
}

/** The page wants a core for itself, and the run of a small model gains nothing beyond this. */
const MAX_THREADS = 4;

/**
 * Starts jobs and checks on a real network and a real worker. Throws for a network without the contracts of
 * paid training. In a file of its own, so that viem loads when it is needed.
 */
export function openPaidWork({ base, network, key }: OpenPaidWorkOptions): PaidWork {
  const { rollup: contracts } = network;
  if (contracts === undefined) {
    throw new Error('This network has no contracts for paid training. Whoever runs it has to deploy them.');
  }
  const client = connect(network);
  const wallet = createWalletClient({
    account: privateKeyToAccount(toHex(key.secret)),
    chain: chainOf(network),
    transport: transportOf(network),
  });
  const queue = new TransactionQueue({ client, wallet });
  const disputes = new OnchainDisputes({ queue, address: contracts.disputes });
  const recorder = new TrainingClaimRecorder({ queue, trainingRecord: contracts.trainingRecord });
  const worker = runsWorker((progress) => {
    jobs.handleProgress(progress);
    checks.handleProgress(progress);
  });
  const model = new URL('models/nano/', base).href;
  const knownRuns = new KnownRuns({
    client,
    contracts,
    runs: worker.runs,
    model,
    threads: Math.max(1, Math.min(MAX_THREADS, navigator.hardwareConcurrency - 1)),
  });
  const watch = new ChainWatch({ client, contracts, disputes, address: queue.address, sleep });
  const jobs = new JobsController({
    client,
    queue,
    contracts,
    disputes,
    recorder,
    watch,
    runs: worker.runs,
    knownRuns,
    model,
    sleep,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  });
  const delivered = new DeliveredClaims({ client, jobs: contracts.jobs });
  const checks = new ChecksController({
    disputes,
    recorder,
    watch,
    knownRuns,
    stakes: () => delivered.stakes(),
    sleep,
    memory: busyMemory(),
    isWorking: () => jobs.store.getState().working !== null,
  });
  jobs.start();
  checks.start();
  watch.start();
  return {
    jobs,
    checks,
    async stop() {
      await Promise.all([watch.stop(), jobs.stop(), checks.stop()]);
      worker.stop();
    },
  };
}

/** The worker that does runs. It starts with the first call of `runs`. */
function runsWorker(listener: (progress: RunProgress) => void) {
  let worker: Worker | undefined;
  let client: RunsClient | undefined;
  return {
    runs(): RunsClient {
      worker ??= new Worker(new URL('../workers/run.worker.ts', import.meta.url), {
        type: 'module',
        name: 'runs',
      });
      client ??= connectRuns(worker, listener);
      return client;
    },
    stop: () => worker?.terminate(),
  };
}
