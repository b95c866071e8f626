import { DeviceChain } from '../../chain/device-chain.ts';
import { locationOf } from '../../chain/swarm-location.ts';
import { readSwarm, type SwarmRecord } from '../../chain/swarms.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Network } from '../../protocol/network-file.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import type { BaseModel } from '../../protocol/swarm-spec.ts';
import { joinSwarm } from '../../swarm/join.ts';
import { signedAttestation, signedVote } from '../../swarm/messages/validator.ts';
import { nodeTransports } from '../../swarm/node-transports.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import { openArchiveFolder } from '../archive/archive-folder.ts';
import type { ArchiveEvent } from '../archive/collector.ts';
import { startArchive } from '../archive.ts';
import type { SpentDay } from '../gas-budget.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { deviceKeyFile } from '../home/key-file.ts';
import { Submitter, type SubmitterEvent } from '../submitter.ts';

/** Bytes of a checkpoint for each byte of a model's files in bf16: weights and two moments in f32. */
const CHECKPOINT_BYTES = 6.1;
/** The same for each parameter: three numbers of 4 bytes, and a hundredth more. */
const BYTES_A_PARAMETER = 12.12;
/** Bytes of a checkpoint's header, at most. */
const HEADER_BYTES = 64 * 1024;
/** Bytes of a checkpoint of a model that a member brought. What a device may have in a day bounds it too. */
const OTHER_MODEL_BYTES = 256 * 1024 * 1024;

export interface ObserverOptions {
  /** Its `swarm` is the one that is observed. */
  readonly network: Network;
  /** File with the key of the observer's peer. Each swarm has one of its own. */
  readonly keyFile: string;
  /** Folder of the archive. */
  readonly archive: string;
  /** Of the account that pays for what devices sign, shared by the observers of all swarms. */
  readonly queue: TransactionQueue;
  /** What it may pay for others, in gas. */
  readonly budget: SubmitterBudget;
  /** File that keeps what the day has cost, over restarts. Defaults to none. */
  readonly dayFile?: string;
  /** Bytes of the disk that the archive may take. Defaults to 20 GiB. */
  readonly diskBytes?: number;
  /** Told of everything, for figures. */
  readonly onEvent?: (event: ArchiveEvent | SubmitterEvent) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Gas that an observer pays for devices. */
export interface SubmitterBudget {
  readonly gasPerRound: number;
  readonly gasPerDay: number;
  /** Of a day for one owner, or one device without owner. */
  readonly gasPerAccount: number;
}

export interface Observer {
  /** Statements that wait for the chain. */
  waiting(): number;
  /** Gas of the day's budget that is left. */
  gasLeftToday(): number;
  /** Bytes of the archive on the disk. */
  archiveBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** One peer of a swarm without a model: it archives what is published and posts what is signed. */
export async function startObserver(options: ObserverOptions): Promise<Observer> {
  const { network, queue, say, signal } = options;
  const closing: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const key = await deviceKeyFile(options.keyFile);
    const deviceChain = await DeviceChain.open({ network, secret: key.secret, signal });
    closing.push(() => deviceChain.stop());
    const record = await readSwarm(deviceChain.client, network.contracts.swarms, network.swarm);
    const folder = await openArchiveFolder(options.archive);
    const connection = await joinSwarm({
      network,
      transports: nodeTransports(),
      key,
      ledger: deviceChain.ledger,
      store: folder.content,
      listensTo: 'every cohort',
      describe: () => ({ delegation: null, engine: 'archive, computes nothing', conformance: UNTESTED }),
    });
    closing.push(() => connection.leave());
    const archive = startArchive({
      connection,
      standingOf: (device) => connection.standings.of(device),
      maxCheckpointBytes: mostBytes(record),
      device: key.address,
      folder,
      clock: deviceChain.clock,
      schedule: deviceChain.schedule,
      ...(options.diskBytes === undefined ? {} : { diskBytes: options.diskBytes }),
      onEvent: (event) => {
        options.onEvent?.(event);
        if (event.kind === 'refused')
          say(`The archive could not keep round ${event.round} of ${event.device}: ${event.cause}`);
        if (event.kind === 'no state') {
          const { round, device } = event.record;
          say(
            `The state after round ${round} of ${device} was asked for and could not be had: ${event.cause}`,
          );
        }
      },
    });
    closing.push(() => archive.stop());
    const { dayFile } = options;
    const before = dayFile === undefined ? undefined : await readDay(dayFile);
    const writes = new SerialQueue();
    const keepDay = (): Promise<void> =>
      writes.run(async () => {
        if (dayFile !== undefined) await writeWhole(dayFile, `${JSON.stringify(submitter.spentToday)}\n`);
      });
    const submitter: Submitter = new Submitter({
      // The day of a process that starts again is one by the calendar's clock.
      now: Date.now,
      ...(before === undefined ? {} : { before }),
      queue,
      standingOf: (device) => connection.standings.of(device),
      ...options.budget,
      chainId: network.chainId,
      location: locationOf(network),
      clock: deviceChain.clock,
      onEvent: (event) => {
        options.onEvent?.(event);
        if (event.kind === 'included')
          keepDay().catch((error: unknown) => say(`The day’s gas is not kept: ${messageOf(error)}`));
        if (event.kind === 'spent') say(event.sentence);
        if (event.kind === 'trouble') say(`Posting to the chain is delayed: ${event.sentence}`);
        if (event.kind === 'refused')
          say(
            `The chain will not take a ${event.what} of ${event.device} for round ${event.round}: ${event.reason.sentence}`,
          );
      },
    });
    closing.push(
      connection.gossip.onMessage((message) => {
        if (message.type === 'attest' || message.type === 'state')
          void submitter.addAttestation(signedAttestation(message));
        if (message.type === 'vote') void submitter.addVote(signedVote(message));
      }),
      () => writes.idle(),
      () => submitter.stop(),
    );
    submitter.start();
    return {
      waiting: () => submitter.waiting.attestations + submitter.waiting.votes,
      gasLeftToday: () => submitter.gasLeftToday,
      archiveBytes: () => folder.size(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What an earlier process spent; undefined where there is no file, or a damaged one. */
async function readDay(path: string): Promise<SpentDay | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  try {
    const { began, gas } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<SpentDay>;
    const usable = Number.isFinite(began) && Array.isArray(gas) && gas.every((each) => Number.isFinite(each));
    return usable && began !== undefined && gas !== undefined ? { began, gas } : undefined;
  } catch {
    return undefined;
  }
}

/** Most bytes that a checkpoint in the swarm has. */
function mostBytes({ published }: SwarmRecord): number {
  if (published.kind !== 'readable') return OTHER_MODEL_BYTES;
  const { base, models } = published.spec;
  const own = base.kind === 'files' ? bytesOfFiles(base) : bytesOfBuiltin(base);
  return Math.ceil(models === 'any' ? Math.max(own, OTHER_MODEL_BYTES) : own);
}

function bytesOfFiles({ files }: Extract<BaseModel, { kind: 'files' }>): number {
  return CHECKPOINT_BYTES * files.reduce((sum, { size }) => sum + size, 0);
}

/** A built-in model of another version of this program has an unknown size. */
function bytesOfBuiltin({ root }: Extract<BaseModel, { kind: 'builtin' }>): number {
  const model = builtinModelOf(root);
  return model === undefined ? OTHER_MODEL_BYTES : BYTES_A_PARAMETER * model.parameters + HEADER_BYTES;
}
