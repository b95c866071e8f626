import { createStore, type StoreApi } from 'zustand/vanilla';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { DecoderConfig } from '../../models/decoder/config.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { BaseModel, DataSetEntry, SwarmSpec } from '../../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { roomFor } from '../../swarm/blocks/needed-versions.ts';
import { loraOf } from '../../training/lora-of.ts';
import type { QuestionReport } from '../../training/tasks/question-report.ts';
import { type BlocksCost, predictBlocks } from '../../workers/blocks-cost.ts';
import type { CostMemory } from '../../workers/cost-memory.ts';
import { type CostComparison, compareCosts } from '../../workers/cost-record.ts';
import type { PickedBlob } from '../../workers/model-api.ts';
import { predictCost, type SwarmCost } from '../../workers/round-cost.ts';
import type { OwnModel } from '../volunteer/own-model.ts';
import type { CatalogueTask } from './swarm-draft.ts';
import type { SwarmWatch } from './swarm-watch.ts';
import {
  type BaseFrom,
  EMPTY_SWARMS,
  type PreparedSwarm,
  type SwarmsPort,
  type SwarmsView,
} from './swarms-port.ts';

/** What the device knows of a model before it is fetched. */
export interface KnownModel {
  readonly config: DecoderConfig;
  readonly parameters: number;
  /** Bytes of its files. */
  readonly bytes: number;
}

export interface SwarmsControllerOptions {
  readonly watch: Pick<SwarmWatch, 'store' | 'start' | 'stop' | 'refresh' | 'follow' | 'showOlder'>;
  readonly builtins: () => Promise<readonly Extract<BaseModel, { kind: 'builtin' }>[]>;
  readonly catalogue: () => Promise<readonly CatalogueTask[]>;
  readonly readQuestions: (entry: DataSetEntry, bytes: Uint8Array) => Promise<QuestionReport>;
  readonly describeBase: SwarmsPort['describeBase'];
  readonly keepBase: SwarmsPort['keepBase'];
  readonly whyNotHere: SwarmsPort['whyNotHere'];
  readonly ownModels: Pick<SwarmsPort, 'bringable' | 'ownModel' | 'bring'>;
  /**
   * Shape and size of a model, from its small files: those of a folder, where it was chosen here. Throws
   * ModelFetchError.
   */
  readonly modelOf: (base: BaseModel, folder: readonly PickedBlob[]) => Promise<KnownModel>;
  /** Training speed of this device in GFLOP/s. Throws ComputeError. */
  readonly measure: () => Promise<number>;
  /** The speed that an earlier visit measured. */
  readonly speed: { get(): number | null; set(speed: number): void };
  /** What rounds took in this browser. */
  readonly costs: Pick<CostMemory, 'of' | 'predict'>;
  /** The network id of a swarm. */
  readonly runOf: (id: number) => string;
  /** What the browser says, in GiB. */
  readonly deviceMemory: number | undefined;
  /** Most bytes of blocks on this device. */
  readonly blockQuota: () => Promise<number>;
  readonly price: (spec: SwarmSpec) => Promise<PreparedSwarm['price']>;
  readonly open: (spec: SwarmSpec, queue: TransactionQueue) => Promise<number>;
  /** Keeps a data set's file on this device by its sha2-256. */
  readonly keepFile: (sha256: Hex, bytes: Uint8Array) => Promise<void>;
}

/** The swarms of a network: lists, costs, and new ones. */
export class SwarmsController implements SwarmsPort {
  readonly store: StoreApi<SwarmsView>;
  readonly #options: SwarmsControllerOptions;
  readonly #unwatch: () => void;
  /** Folders that were chosen for a new swarm, by the root of the model in them. */
  readonly #folders = new Map<Hex, readonly PickedBlob[]>();

  constructor(options: SwarmsControllerOptions) {
    this.#options = options;
    this.store = createStore<SwarmsView>(() => ({ ...EMPTY_SWARMS, speed: options.speed.get() }));
    this.#unwatch = options.watch.store.subscribe((look) => this.store.setState(look));
  }

  /** Follows the chain from now on. */
  start(): void {
    this.#options.watch.start();
  }

  async stop(): Promise<void> {
    this.#unwatch();
    await this.#options.watch.stop();
  }

  refresh(): void {
    this.#options.watch.refresh();
  }

  follow(id: number | null): void {
    this.#options.watch.follow(id);
  }

  showOlder(): void {
    this.#options.watch.showOlder();
  }

  builtins() {
    return this.#options.builtins();
  }

  catalogue() {
    return this.#options.catalogue();
  }

  readQuestions(entry: DataSetEntry, bytes: Uint8Array): Promise<QuestionReport> {
    return this.#options.readQuestions(entry, bytes);
  }

  async describeBase(from: BaseFrom, options: Parameters<SwarmsPort['describeBase']>[1]): Promise<BaseModel> {
    const base = await this.#options.describeBase(from, options);
    if (from.kind === 'folder') this.#folders.set(base.root, from.files);
    return base;
  }

  keepBase(...asked: Parameters<SwarmsPort['keepBase']>): Promise<void> {
    return this.#options.keepBase(...asked);
  }

  bringable(): Promise<readonly OwnModel[]> {
    return this.#options.ownModels.bringable();
  }

  ownModel(swarm: number): OwnModel | null {
    return this.#options.ownModels.ownModel(swarm);
  }

  bring(swarm: number, model: OwnModel | null): void {
    this.#options.ownModels.bring(swarm, model);
  }

  whyNotHere(spec: SwarmSpec): string | null {
    return this.#options.whyNotHere(spec);
  }

  async cost(spec: SwarmSpec): Promise<SwarmCost> {
    const { modelOf, deviceMemory } = this.#options;
    const { config, parameters, bytes } = await modelOf(spec.base, this.#folders.get(spec.base.root) ?? []);
    const { speed } = this.store.getState();
    return predictCost({ spec, config, parameters, modelBytes: bytes, speed, deviceMemory });
  }

  async blocksCost({ blocks, base, trained }: SwarmSpec): Promise<BlocksCost> {
    if (blocks === undefined) throw new RangeError('This swarm trains no model in blocks.');
    const { modelOf, blockQuota } = this.#options;
    const { config } = await modelOf(base, this.#folders.get(base.root) ?? []);
    const lora = trained.kind === 'full' ? undefined : loraOf(trained);
    return predictBlocks({ blocks, config, lora, quotaBytes: await blockQuota(), roomFor });
  }

  took(id: number, { seconds, memory }: SwarmCost): CostComparison | null {
    const { costs, runOf } = this.#options;
    costs.predict(runOf(id), { seconds, memory });
    return compareCosts(costs.of(runOf(id)));
  }

  async measure(): Promise<void> {
    const speed = await this.#options.measure();
    this.#options.speed.set(speed);
    this.store.setState({ speed });
  }

  async prepare(spec: SwarmSpec): Promise<PreparedSwarm> {
    const { bytes, cid } = encodeSwarmSpec(spec);
    return { spec, cid, bytes: bytes.length, price: await this.#options.price(spec) };
  }

  async open(
    { spec }: PreparedSwarm,
    files: ReadonlyMap<Hex, Uint8Array>,
    queue: TransactionQueue,
  ): Promise<number> {
    // Before the payment: a swarm whose questions or model nobody has would be lost money.
    for (const [sha256, bytes] of files) await this.#options.keepFile(sha256, bytes);
    const folder = this.#folders.get(spec.base.root);
    if (spec.base.kind === 'files' && folder !== undefined) {
      const { signal } = new AbortController();
      await this.#options.keepBase(spec.base, folder, { onProgress: () => undefined, signal });
    }
    const id = await this.#options.open(spec, queue);
    this.refresh();
    return id;
  }
}
