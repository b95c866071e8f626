import '../swarm/node20.ts';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DeviceChain } from '../chain/device-chain.ts';
import { connect } from '../chain/network.ts';
import type { EngineKind } from '../compute/engines/engine.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import { folderSource } from '../models/loading/folder-source.ts';
import { folderName } from '../models/storage/directory.ts';
import { openFileDirectory } from '../models/storage/file-directory.ts';
import { UNTESTED } from '../protocol/conformance-report.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { memoizePromise } from '../protocol/memoize-promise.ts';
import type { Network } from '../protocol/network-file.ts';
import { StoreWithLocalFiles } from '../swarm/content/local-files.ts';
import { fileInMemory, membersOf, offerFile } from '../swarm/content/member-files.ts';
import { MemoryStore } from '../swarm/content/store.ts';
import { joinSwarm } from '../swarm/join.ts';
import { networkId } from '../swarm/network-id.ts';
import { nodeTransports } from '../swarm/node-transports.ts';
import { CheckpointOffers } from '../swarm/rounds/checkpoint-publisher.ts';
import type { RoundDriver } from '../swarm/rounds/round-driver.ts';
import {
  DEFAULT_RETENTION,
  openCheckpointRetention,
  type RetentionPolicy,
} from '../training/checkpoint-retention.ts';
import { BYTES_IN_TRAINING } from '../training/swarm-settings.ts';
import { conformanceOf } from '../workers/conformance-report.ts';
import type { EngineReport } from '../workers/engine-report.ts';
import { DEFAULT_BLOCK_BYTES } from './blocks/block-bytes.ts';
import { computerOf } from './blocks/block-computer.ts';
import { startBlockVolunteer } from './blocks/block-volunteer.ts';
import { chunkedModel } from './blocks/chunked-model.ts';
import { openHopThread } from './blocks/hop-thread.ts';
import { lockFolder } from './home/folder-lock.ts';
import { deviceKeyFile } from './home/key-file.ts';
import { keptFolder } from './rounds/compute-service.ts';
import { openRoundComputer, type RoundComputer } from './rounds/round-computer.ts';
import { startRoundVolunteer } from './rounds/round-volunteer.ts';
import { fileInFolder } from './swarms/member-files.ts';
import { folderOf, type PreparedSwarm, prepareSwarm } from './swarms/prepare-swarm.ts';
import { gpuEngineChooser } from './threads/node-engine.ts';
import type { VolunteerEvent } from './volunteer-event.ts';

export interface VolunteerOptions {
  readonly network: Network;
  /** Folder of this device: its key, checkpoints and conformance verdicts. */
  readonly home: string;
  readonly engine?: EngineKind | 'auto';
  /** Threads of the wasm engine; 1 by default. */
  readonly threads?: number;
  /** A folder with the model, or the URL of one. Defaults to what the swarm's specification names. */
  readonly model?: string | undefined;
  /** A folder with the files of the swarm's data sets. Defaults to their addresses, then to members. */
  readonly data?: string | undefined;
  /** An .onnx file of a frozen model that judges others' answers. Defaults to the model in training. */
  readonly critic?: string;
  /** Which of its own checkpoints the device keeps on disk for others. Defaults to `DEFAULT_RETENTION`. */
  readonly retention?: RetentionPolicy;
  /**
   * Most bytes of the blocks that it keeps of a model in blocks, frozen weights and versions on the disk
   * together. Defaults to `DEFAULT_BLOCK_BYTES`.
   */
  readonly blockBytes?: number;
  readonly onEvent?: (event: VolunteerEvent) => void;
  readonly signal?: AbortSignal;
}

export interface Volunteer {
  readonly device: DeviceAddress;
  /** Absent where the swarm trains a model in blocks: there are no rounds. */
  readonly driver?: RoundDriver;
  /** Gives up the round in hand; what is stored stays. */
  stop(): Promise<void>;
}

/** Memory for rollout sets that are served to others; older rounds are forgotten first. */
const CONTENT_BUDGET = 64 * 1024 * 1024;

/**
 * A volunteer without a page: the same device key, rounds, trainer and messages as a tab's. Begins at once
 * and goes on until stopped. Throws ChainError, SwarmRefusedError, ModelLoadError, ModelFetchError,
 * StorageError, KeyFileError, FolderInUseError and EngineError, each with its remedy.
 */
export async function startVolunteer(options: VolunteerOptions): Promise<Volunteer> {
  const { network, home, engine = 'auto', threads = 1, signal } = options;
  const ending = signal === undefined ? {} : { signal };
  const tell = options.onEvent ?? (() => undefined);
  const closing: (() => Promise<unknown>)[] = [await lockFolder(home)];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const key = await deviceKeyFile(join(home, 'device.key'));
    const run = networkId(network.chainId, network.contracts.participation, network.swarm);
    const ownFolder = join(home, 'checkpoints', folderName(run));
    const retention = options.retention ?? DEFAULT_RETENTION;
    const kept = openCheckpointRetention({
      directory: await openFileDirectory(keptFolder(ownFolder)),
      policy: retention,
    });
    const verdictsFolder = join(home, 'conformance');
    const files = new StoreWithLocalFiles(new MemoryStore(CONTENT_BUDGET));
    const offers = new CheckpointOffers({ store: files, kept });
    let computing: RoundComputer | undefined;
    // A device that has every file joins once its engine runs; one that asks members for files joins before.
    const joinNetwork = memoizePromise(async () => {
      const chain = await DeviceChain.open({ network, secret: key.secret, ...ending });
      closing.push(() => chain.stop());
      const connection = await joinSwarm({
        network,
        transports: nodeTransports(),
        key,
        ledger: chain.ledger,
        store: files,
        describe: () => ({ delegation: null, ...selfDescription(computing?.engine()) }),
      });
      closing.push(() => connection.leave());
      return { chain, connection };
    });
    const swarm = await prepareSwarm({
      network,
      client: connect(network, ending),
      swarm: network.swarm,
      home,
      model: options.model,
      data: options.data,
      readsParts: true,
      modelBytes: (trained) => Math.floor(totalmem() / BYTES_IN_TRAINING[trained]),
      fromMembers: {
        small: async (...asked) => membersOf((await joinNetwork()).connection).small(...asked),
        large: async (...asked) => membersOf((await joinNetwork()).connection).large(...asked),
      },
      onNotice: (text) => tell({ kind: 'notice', text }),
      ...ending,
    });
    const { spec, ...prepared } = swarm;
    tell({ kind: 'notice', text: `Swarm ${network.swarm}, ${spec.name}: ${spec.description}` });
    if (spec.blocks !== undefined) {
      const { chain, connection } = await joinNetwork();
      offerFiles(files, swarm);
      const reading = new AbortController();
      closing.push(async () => reading.abort());
      const model =
        swarm.model.kind === 'folder'
          ? swarm.model
          : await chunkedModel({
              base: swarm.model.base,
              folder: join(ownFolder, 'base'),
              fromMembers: membersOf(connection),
              store: files,
              onNotice: (text) => tell({ kind: 'notice', text }),
              signal: AbortSignal.any([reading.signal, ...(signal === undefined ? [] : [signal])]),
            });
      const blocks = await startBlockVolunteer({
        model,
        network,
        key,
        folder: ownFolder,
        connection,
        prepared: swarm,
        async openComputer(run) {
          if (engine === 'webgpu') {
            const { engine: gpu } = await gpuEngineChooser(verdictsFolder)(engine, { threads, signal });
            return computerOf(gpu, run);
          }
          return openHopThread({
            ...{ run, engine, threads, signal },
            verdicts: verdictsFolder,
            onCrash: (error) => tell({ kind: 'crashed', error }),
          });
        },
        quotaBytes: options.blockBytes ?? DEFAULT_BLOCK_BYTES,
        ledger: chain.ledger,
        onStep: (step, root, done) => tell({ kind: 'step', step, root, done }),
        onChange: (view) => tell({ kind: 'blocks', view }),
        onAttestation: (event) => tell({ kind: 'attestation', event }),
        ...ending,
      });
      closing.push(() => blocks.stop());
      const stopWatching = chain.watchInclusions(chain.clock.read().round, ({ round, block }) =>
        tell({ kind: 'on chain', round, block }),
      );
      closing.push(async () => stopWatching());
      tell({ kind: 'joined', device: key.address, engine: blocks.engine, cursor: 0 });
      return { device: key.address, stop: closeAll };
    }
    const modelFolder = folderOf(prepared.model);
    const computer = await openRoundComputer({
      ...{ device: key.address, spec, engine, threads, signal },
      // The reference engine computes one number at a time.
      deviceClass: engine === 'reference' ? 'light' : 'full',
      ...{ model: modelFolder, dataSets: prepared.dataSets, critic: options.critic },
      ...{ checkpoints: ownFolder, retention, verdicts: verdictsFolder },
      onNotice: (text) => tell({ kind: 'notice', text }),
      onCrash: (error) => tell({ kind: 'crashed', error }),
    });
    closing.push(() => computer.stop());
    computing = computer;
    const { chain, connection } = await joinNetwork();
    offerFiles(files, { spec, ...prepared });
    // Who joined before its engine ran has not said with what it computes. Where this fails, the next hello
    // does.
    await connection.presence.announce().catch(() => undefined);
    signal?.throwIfAborted();
    const rounds = await startRoundVolunteer({
      ...{ key, home, networkId: run, spec, computer, chain, connection, offers, signal },
      model: folderSource(modelFolder),
      onEvent: tell,
    });
    closing.push(() => rounds.stop());
    return { device: key.address, driver: rounds.driver, stop: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What a hello says of the engine; a device that has none yet says so. */
function selfDescription(engine: EngineReport<EngineVerdict> | undefined) {
  if (engine === undefined) return { engine: '', conformance: UNTESTED };
  return { engine: engine.description, conformance: conformanceOf(engine) };
}

/** Serves the swarm's questions and the files of its model to members. */
function offerFiles(
  files: StoreWithLocalFiles,
  { spec, dataSets, model }: Pick<PreparedSwarm, 'spec' | 'dataSets' | 'model'>,
): void {
  for (const { id, file } of spec.tasks.dataSets) {
    const bytes = dataSets.get(id);
    if (bytes !== undefined) offerFile(files, file, fileInMemory(bytes));
  }
  if (spec.base.kind === 'builtin' || model.kind === 'chunked') return;
  for (const file of spec.base.files)
    offerFile(files, file, fileInFolder(file, join(model.folder, file.path)));
}
