/** What a volunteer is composed of. `openVolunteer` passes the real parts, tests their own. */

import type { KeyFunds } from '../../chain/key-funds.ts';
import type { EngineVerdict } from '../../models/engine-choice/choose.ts';
import type { ConformanceReport } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Ledger, Stage } from '../../protocol/ledger.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { SourceFile, SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { Trainer } from '../../protocol/trainer.ts';
import type { BlockFiles } from '../../swarm/blocks/block-files.ts';
import type { LocalFile } from '../../swarm/content/local-files.ts';
import type { Manifest } from '../../swarm/content/manifest.ts';
import type { FromMembers } from '../../swarm/content/member-files.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import type { NetworkView } from '../../swarm/peers.ts';
import type { JoinBlocksOptions } from '../../swarm/pipeline/join-blocks.ts';
import type { StateEvent } from '../../swarm/pipeline/state-attestations.ts';
import type { Presence, SelfDescription } from '../../swarm/presence.ts';
import type { KeptCheckpoints } from '../../swarm/rounds/checkpoint-publisher.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import type { ComputeEvent, ComputeStarted, StartModel } from '../../workers/compute-api.ts';
import type { ComputeClient } from '../../workers/compute-client.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import type { EngineReport } from '../../workers/engine-report.ts';
import type { AssembledModel } from '../../workers/hop-api.ts';
import type { ChunkedStart } from './chunked-start.ts';
import type { EngineChoice } from './engine-choice.ts';
import type { KeptHere } from './kept-checkpoints.ts';
import type { ObtainedModel, ObtainModelOptions } from './obtain-model.ts';
import type { OwnModel } from './own-model.ts';
import type { Inclusion, ShownBlocks } from './volunteer-events.ts';
import type { ConsentTerms } from './volunteer-port.ts';

/**
 * The compute worker, started: an engine that passed the conformance suite, and a model being trained on it.
 */
export interface Computer {
  readonly client: ComputeClient;
  readonly started: ComputeStarted;
  /** What the device keeps for others. Null where the browser gives the page no storage. */
  readonly kept: KeptHere | null;
  /** Frees the engine and ends the worker. */
  stop(): Promise<void>;
}

export interface OpenComputerOptions {
  readonly device: DeviceAddress;
  /** As in swarm/network-id.ts. */
  readonly networkId: string;
  readonly engine: EngineChoice;
  readonly spec: SwarmSpec;
  readonly model: StartModel;
  /** The file of each data set of the specification, by the data set's id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
  readonly onEvent: (event: ComputeEvent) => void;
  /** Called when the worker ended by itself. Calls in progress reject then. */
  readonly onCrash: (error: Error) => void;
  readonly signal: AbortSignal;
}

/**
 * A model in blocks, opened: a worker with an engine that passed the conformance suite computes hops, and
 * this thread knows what the run's members have to agree on.
 */
export interface BlockComputer extends Pick<JoinBlocksOptions, 'run' | 'worker'> {
  readonly engine: EngineReport<EngineVerdict>;
  /** Predicted bytes of memory for a block's hops, by the block's id. */
  readonly memory: ReadonlyMap<string, number>;
  readonly files: BlockFiles;
  /** Whether the files are lost when the tab closes, as in a private window. */
  readonly isFolderTemporary: boolean;
  /** Most bytes of the files. */
  readonly quotaBytes: number;
  /** The root of the whole model's checkpoint, from the roots of all blocks' tensors. */
  checkpointRoot(steps: number, state: ReadonlyMap<string, Hex>): Hex;
  /** The whole model's checkpoint from the files of all blocks after the same step. */
  assemble(files: readonly Uint8Array[]): Promise<AssembledModel>;
  /** Sets the maximum share of the time that the engine computes, 0.1 to 1. */
  setShare(share: number): Promise<void>;
  /** Frees the engine and ends the worker. */
  stop(): Promise<void>;
}

export interface OpenBlocksOptions extends Omit<OpenComputerOptions, 'onEvent' | 'model'> {
  readonly model: StartModel | ChunkedStart;
  /** The content id of the specification. */
  readonly cid: string;
}

export interface ChainInclusion extends Inclusion {
  readonly round: number;
}

/** The chain has no swarm of the number that this device is to join. */
export class MissingSwarmError extends Error {
  override readonly name = 'MissingSwarmError';
}

/** The chain as the page needs it. */
export interface ChainAccess {
  readonly ledger: Ledger;
  /** The specification of the network's swarm. */
  readonly spec: SwarmSpec;
  /** Its content id. */
  readonly cid: string;
  /** Length of a stage in milliseconds; 0 while it is not known. */
  stageLength(stage: Stage): number;
  /** The present owner, or null. Throws when the node is out of reach. */
  owner(): Promise<Hex | null>;
  /**
   * Calls `listener` for each of this device's attestations that is found in a block, from round `fromRound`
   * on. Returns a function that ends this.
   */
  watchInclusions(fromRound: number, listener: (inclusion: ChainInclusion) => void): () => void;
  /** Calls `listener` when the node comes into reach or goes out of it. Returns a function that ends this. */
  watchReach(listener: (reachable: boolean) => void): () => void;
  /**
   * Calls `listener` with an error when another chain stands behind the node's address, and with undefined
   * when the own one is back. Returns a function that ends this.
   */
  watchReplaced(listener: (error: Error | undefined) => void): () => void;
  stop(): Promise<void>;
}

/** This device in the swarm, as a volunteer that takes part in rounds. */
export interface VolunteerConnection
  extends Pick<SwarmConnection, 'leave'>,
    Pick<Presence, 'members' | 'announce'> {
  /** Asks the peers of each call for files. */
  readonly fromMembers: FromMembers;
  /**
   * Serves a file of the swarm's specification to members, as long as the device takes part. `manifest` is
   * that of a file of which it has parts. Defaults to what is read from the whole file.
   */
  serve(file: SourceFile, local: LocalFile, manifest?: Manifest): void;
  /** Makes the driver of this device's rounds. Does not start the rounds. Called once. */
  takePart(options: TakePartOptions): RoundsDriver;
  /** Keeps blocks and computes hops with the others, in place of rounds. Called once. */
  takeBlocks(options: TakeBlocksOptions): Promise<BlocksWork>;
}

export type RoundsDriver = Pick<RoundDriver, 'start' | 'pause' | 'resume' | 'finishThenStop' | 'stop'>;

export interface BlocksWork extends RoundsDriver {
  /**
   * Gathers the blocks that others keep, and puts the whole model together. Rejects with CollectVersionsError
   * where they cannot be had.
   */
  whole(signal?: AbortSignal): Promise<AssembledModel>;
}

export interface TakePartOptions {
  readonly trainer: Trainer;
  /** Description of the engine in use, for the attestations. */
  readonly engine: string;
  /** The gate's verdict on the engine in use. */
  readonly conformance: () => ConformanceReport;
  /** Checkpoints that are served from where they lie. Null for serving them from memory. */
  readonly kept: KeptCheckpoints | null;
  readonly onRound: (event: RoundEvent) => void;
}

export interface TakeBlocksOptions {
  readonly blocks: BlockComputer;
  /** The content id of the swarm's specification. */
  readonly cid: string;
  /** What the device does, as `status` events. */
  readonly onRound: (event: RoundEvent) => void;
  /** Called at most a few times a second. */
  readonly onBlocks: (blocks: ShownBlocks) => void;
  /** Told of this device's attestations. */
  readonly onAttestation: (event: StateEvent) => void;
  /** Called when the device could not come in again after a pause. */
  readonly onFailed: (error: Error) => void;
}

export interface JoinOptions {
  readonly network: Network;
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  readonly describe: () => SelfDescription;
  readonly onNetwork: (view: NetworkView) => void;
  readonly onRefused: (reason: string) => void;
}

export interface ConsentOptions {
  readonly network: Network;
  readonly key: DeviceKey;
  readonly terms: ConsentTerms;
}

export interface VolunteerDependencies {
  /** The device's stored checkpoint, without an engine; null where there is none. */
  storedCheckpoint(of: {
    readonly device: DeviceAddress;
    readonly networkId: string;
  }): Promise<StoredCheckpoint | null>;
  /**
   * Why this tab cannot train in a swarm now, in a sentence; null where it can. Nothing is fetched, and where
   * nobody could have the model this device is searched for it.
   */
  whyNotHere(spec: SwarmSpec, options: { readonly ownModel: boolean }): Promise<string | null>;
  /** The model that this device brings to the network's swarm; null for the swarm's base. */
  ownModel(network: Network): OwnModel | null;
  /** The model that this device starts from. As `obtainModel`. */
  obtainModel(options: Omit<ObtainModelOptions, 'call' | 'models'>): Promise<ObtainedModel>;
  openComputer(options: OpenComputerOptions): Promise<Computer>;
  /** As `openComputer`, in a swarm that trains in blocks. */
  openBlocks(options: OpenBlocksOptions): Promise<BlockComputer>;
  openChain(network: Network, key: DeviceKey): Promise<ChainAccess>;
  /** Signs `SessionConsent` with the device key. */
  consent(options: ConsentOptions): Promise<Hex>;
  /** What an account has on the chain. Throws ChainError. */
  keyFunds(of: { readonly network: Network; readonly address: DeviceAddress }): Promise<KeyFunds>;
  /** Sends an account's coin away, and returns the wei. Throws ChainError. */
  sweepKey(options: {
    readonly network: Network;
    /** 32 bytes. */
    readonly secret: Hex;
    readonly to: Hex;
  }): Promise<bigint>;
  joinSwarm(options: JoinOptions): Promise<VolunteerConnection>;
}
