import type { Network } from '../../protocol/network-file.ts';
import type { RoundContext, Trainer } from '../../protocol/trainer.ts';
import type { NetworkView } from '../../swarm/peers.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { ComputeEvent } from '../../workers/compute-api.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import type {
  BlockComputer,
  BlocksWork,
  ChainAccess,
  Computer,
  OpenBlocksOptions,
  RoundsDriver,
  VolunteerConnection,
  VolunteerDependencies,
} from './dependencies.ts';
import { type Device, networkIdOf } from './device.ts';
import type { EngineChoice } from './engine-choice.ts';
import { gatherStart } from './gather-start.ts';
import { reportKept } from './kept-checkpoints.ts';
import type { OwnModel } from './own-model.ts';
import type { PauseCause, StartStep } from './phase.ts';
import { FEED_ROUNDS } from './reduce-feed.ts';
import { type RoundMemory, rememberRound } from './remember-round.ts';
import {
  attestationEvent,
  peersEvent,
  phaseOf,
  refusalInWords,
  selfDescription,
  shownRoundEvent,
} from './translate.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import type { VolunteerView } from './volunteer-view.ts';

export interface ContributionOptions {
  /** Where the page lies; the model is beside it. */
  readonly base: string;
  readonly dependencies: VolunteerDependencies;
  readonly device: Device;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly fetcher: typeof fetch;
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** What members published of their held-out accuracy. */
  readonly figures: RoundMemory['figures'];
  /** What rounds took in this browser. */
  readonly costs: RoundMemory['costs'];
  readonly tabMemory: RoundMemory['tabMemory'];
  /** Asks the browser not to clear the key under storage pressure. */
  readonly persist: () => Promise<unknown>;
  readonly view: () => VolunteerView;
  readonly emit: (event: VolunteerEvent) => void;
  /** Called once the engine and the model are ready, before the device joins the swarm. */
  readonly onComputing: () => void;
  /** Called when the compute worker ended by itself. `release` is then all that is left to do. */
  readonly onCrash: (error: Error) => void;
  /** Called when another chain stands behind the node's address: this contribution leads nowhere any more. */
  readonly onReplaced: (error: Error) => void;
  /** Called whenever `cutOff` becomes true. */
  readonly onCutOff: () => void;
}

const SHOWN_SAMPLES = 6;
const NO_STORAGE =
  'This browser gives the page no storage of its own (a private window does this): blocks are lost when the tab closes.';

/** What every worker of a contribution needs to be opened. */
type Given = Omit<OpenBlocksOptions, 'engine' | 'cid'>;

interface Opened {
  readonly swarm: VolunteerConnection;
  readonly driver: RoundsDriver;
}

/**
 * One contribution, from a click on Contribute to the stop: it opens the device key, an engine with the
 * chain, and the swarm in turn, and reports what the rounds bring. It is used once.
 */
export class Contribution {
  readonly #options: ContributionOptions;
  readonly #abort = new AbortController();
  #computer: Computer | null = null;
  #blocks: BlockComputer | null = null;
  #chain: ChainAccess | null = null;
  #swarm: VolunteerConnection | null = null;
  #driver: RoundsDriver | null = null;
  /** The driver, where the swarm trains in blocks. */
  #blocksWork: BlocksWork | null = null;
  /** The id of the swarm, as in swarm/network-id.ts. */
  #scope = '';
  #unwatch: () => void = () => undefined;
  #ownModel: OwnModel | null = null;
  #pauseCause: PauseCause = 'asked';
  #released = false;
  #relays: readonly string[] = [];
  #cutOff = false;
  /** The latest rounds whose prompts were asked for, for explanations. */
  #contexts: readonly RoundContext[] = [];

  constructor(options: ContributionOptions) {
    this.#options = options;
  }

  /** Whether the device takes part in rounds. */
  get joined(): boolean {
    return this.#driver !== null;
  }

  /** The relays' addresses that the network file named at the start. */
  get relays(): readonly string[] {
    return this.#relays;
  }

  /** Whether the device has no relay and no peer, so that it can meet nobody. */
  get cutOff(): boolean {
    return this.#cutOff && !this.#released;
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /**
   * Starts everything and takes part in rounds. Throws NetworkFileError, ChainError, ComputeError, and the
   * abort's reason; `release` then frees what was opened.
   */
  async start(engine: EngineChoice): Promise<void> {
    const { device, dependencies, persist, now, emit } = this.#options;
    const { signal } = this.#abort;
    this.#starting('key');
    // Where the browser lacks the feature, asking throws at once. The key may then be cleared some day.
    void quietly(persist);
    const network = await device.readNetwork();
    this.#relays = network.relays;
    this.#scope = networkIdOf(network);
    await device.ensureKey(now());
    signal.throwIfAborted();

    this.#starting('network');
    const chain = await dependencies.openChain(network, device.key);
    this.#chain = chain;
    signal.throwIfAborted();
    emit({ kind: 'specification', spec: chain.spec });
    this.#ownModel = chain.spec.models === 'any' ? dependencies.ownModel(network) : null;
    const reason = await dependencies.whyNotHere(chain.spec, { ownModel: this.#ownModel !== null });
    if (reason !== null) throw new Error(reason);
    signal.throwIfAborted();
    this.#starting('engine');
    const open = chain.spec.blocks === undefined ? this.#openRounds : this.#openBlocks;
    const { swarm, driver } = await open.call(this, network, chain, engine);
    this.#driver = driver;
    // Members know this device from before its engine was chosen.
    await swarm.announce();
    signal.throwIfAborted();
    this.#unwatch = this.#watchChain(chain);
    emit({ kind: 'phase', phase: { kind: 'contributing' } });
    driver.start();
  }

  /** The driver of this device's rounds, with the swarm and the engine behind it. */
  async #openRounds(network: Network, chain: ChainAccess, engine: EngineChoice): Promise<Opened> {
    const { dependencies, onComputing, view, emit } = this.#options;
    const { swarm, opened: computer } = await this.#openSwarmAnd(network, chain, async (given) => {
      const onEvent = (event: ComputeEvent) => this.#handleCompute(event);
      const { model } = given;
      if (model.kind === 'chunked') throw new RangeError('Rounds of answers need the whole model.');
      this.#computer = await dependencies.openComputer({ ...given, model, engine, onEvent });
      return this.#computer;
    });
    emit({ kind: 'engine', engine: computer.started.engine });
    const { share } = view();
    if (share < 1) await computer.client.setShare(share);
    await this.#reportModel(computer);
    await reportKept(computer.kept, emit);
    onComputing();
    this.#starting('network');
    const driver = swarm.takePart({
      trainer: this.#remembering(computer.client),
      engine: computer.started.engine.description,
      conformance: () => selfDescription(view().engine).conformance,
      kept: computer.kept,
      onRound: (event) => this.#handleRound(event),
    });
    return { swarm, driver };
  }

  /** The driver of this device's blocks, with the swarm and the engine behind it. */
  async #openBlocks(network: Network, chain: ChainAccess, engine: EngineChoice): Promise<Opened> {
    const { dependencies, onComputing, view, emit } = this.#options;
    const { cid } = chain;
    const { swarm, opened: blocks } = await this.#openSwarmAnd(network, chain, async (given) => {
      this.#blocks = await dependencies.openBlocks({ ...given, engine, cid });
      return this.#blocks;
    });
    emit({ kind: 'engine', engine: blocks.engine });
    if (blocks.isFolderTemporary) emit({ kind: 'notice', text: NO_STORAGE });
    const { share } = view();
    if (share < 1) await blocks.setShare(share);
    onComputing();
    this.#starting('network');
    const tell = (event: VolunteerEvent): void => {
      if (!this.#released) emit(event);
    };
    this.#blocksWork = await swarm.takeBlocks({
      blocks,
      cid,
      onRound: (event) => this.#handleRound(event),
      onBlocks: (shown) => tell({ kind: 'blocks', blocks: shown }),
      onAttestation: (event) => tell(attestationEvent(event)),
      onFailed: (error) => this.#handleCrash(error),
    });
    return { swarm, driver: this.#blocksWork };
  }

  pause(cause: PauseCause): void {
    this.#pauseCause = cause;
    this.#driver?.pause();
  }

  resume(): void {
    this.#pauseCause = 'asked';
    this.#driver?.resume();
  }

  /** Resolves when the round in progress is done and sent. */
  async finish(): Promise<void> {
    await this.#driver?.finishThenStop();
  }

  /** Breaks off the round in progress. While starting, it makes `start` reject with `reason`. */
  async stop(reason: Error): Promise<void> {
    this.#abort.abort(reason);
    await this.#driver?.stop();
  }

  async setShare(share: number): Promise<void> {
    await this.#computer?.client.setShare(share);
    await this.#blocks?.setShare(share);
  }

  /** What the base model and the present one answer; undefined while no engine is ready. */
  async ask(question: string): Promise<{ readonly before: string; readonly now: string } | undefined> {
    return this.#computer?.client.ask(question, this.#abort.signal);
  }

  /** The latest stored checkpoint, or null while no engine is ready. */
  async checkpoint(): Promise<StoredCheckpoint | null> {
    if (this.#blocksWork !== null) {
      const { step, bytes, root } = await this.#blocksWork.whole(this.#abort.signal);
      return { bytes, root, cursor: step + 1 };
    }
    return (await this.#computer?.client.checkpoint()) ?? null;
  }

  /** Sends this device's description to the swarm again. */
  async announce(): Promise<void> {
    await this.#swarm?.announce().catch(() => undefined);
  }

  /** Ends what is in progress and frees everything, the youngest first. Never throws. */
  async release(reason?: Error): Promise<void> {
    if (reason !== undefined) this.#abort.abort(reason);
    this.#unwatch();
    await quietly(() => this.#swarm?.leave());
    await quietly(() => this.#chain?.stop());
    await quietly(() => this.#computer?.stop());
    await quietly(() => this.#blocks?.stop());
    await this.#options.device.saved();
    this.#released = true;
  }

  /**
   * Joins the swarm and tries the engine side by side. The engine waits for the swarm's questions, which
   * members may have to pass on. When one of the two fails the other is given up; `release` frees it.
   */
  async #openSwarmAnd<T>(network: Network, chain: ChainAccess, open: (given: Given) => Promise<T>) {
    const { spec } = chain;
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, failed.signal]);
    const joining = this.#joinSwarm(network, chain).then((swarm) => {
      this.#swarm = swarm;
      return swarm;
    });
    const { base, dependencies, device, emit, fetcher, sleep } = this.#options;
    const computing = gatherStart({
      ...{ spec, ownModel: this.#ownModel, page: base, files: device.files, joining, fetcher, sleep, signal },
      obtainModel: dependencies.obtainModel,
      onStep: (step, progress) => this.#starting(step, progress),
      onNotice: (text) => emit({ kind: 'notice', text }),
    }).then((gathered) =>
      open({
        ...gathered,
        device: device.key.address,
        networkId: this.#scope,
        spec,
        onCrash: (error) => this.#handleCrash(error),
        signal,
      }),
    );
    try {
      const both = { swarm: await joining, opened: await computing };
      this.#abort.signal.throwIfAborted();
      return both;
    } catch (error) {
      failed.abort();
      await Promise.allSettled([joining, computing]);
      throw error;
    }
  }

  #joinSwarm(network: Network, { ledger }: ChainAccess): Promise<VolunteerConnection> {
    const { dependencies, device, view, emit } = this.#options;
    return dependencies.joinSwarm({
      network,
      key: device.key,
      ledger,
      describe: () => ({ delegation: device.delegation, ...selfDescription(view().engine) }),
      onNetwork: (peers) => this.#handlePeers(peers),
      onRefused: (reason) => emit({ kind: 'refused', reason: refusalInWords(reason), count: 1 }),
    });
  }

  #handleRound(event: RoundEvent): void {
    if (this.#released) return;
    const { emit, now, view } = this.#options;
    if (event.kind === 'status') {
      if (event.state === 'paused' && view().phase.kind !== 'pausing') this.#pauseCause = 'failures';
      const phase = phaseOf(event.state, this.#pauseCause, event.sentence);
      if (phase !== null) emit({ kind: 'phase', phase });
    }
    const shown = shownRoundEvent(event, now(), (stage) => this.#chain?.stageLength(stage) ?? 0);
    if (shown !== null) emit(shown);
    if (event.kind === 'answers') void this.#explain(event);
    const { device, figures, costs, tabMemory } = this.#options;
    rememberRound(event, { figures, costs, tabMemory, run: this.#scope, device: device.key.address });
    if (event.kind !== 'trained') return;
    void this.#reportProgress(event.round, event.heldOutAccuracy);
    void reportKept(this.#computer?.kept ?? null, emit);
  }

  /** The trainer, with the contexts of the latest rounds kept. */
  #remembering(client: Computer['client']): Trainer {
    return {
      prompts: (context) => {
        this.#contexts = [context, ...this.#contexts].slice(0, FEED_ROUNDS);
        return client.prompts(context);
      },
      answer: (...asked) => client.answer(...asked),
      critique: (...asked) => client.critique(...asked),
      vote: (...asked) => client.vote(...asked),
      train: (...asked) => client.train(...asked),
    };
  }

  async #explain({ round, author, set }: Extract<RoundEvent, { kind: 'answers' }>): Promise<void> {
    const context = this.#contexts.find((each) => each.round === round);
    if (context === undefined) return;
    try {
      // Only the texts are needed; tokens and log-probabilities are most of a set.
      const groups = set.groups.map(({ item, completions }) => ({
        item,
        completions: completions.map(({ text }) => ({ text, tokens: [], logprobs: [] })),
      }));
      const explanations = (await this.#computer?.client.explain(context, groups)) ?? [];
      if (!this.#released) this.#options.emit({ kind: 'explained', round, author, explanations });
    } catch {
      // Stopped meanwhile, or the GPU is being opened again: the feed shows the answers without a reward.
    }
  }

  #handlePeers(peers: NetworkView): void {
    this.#options.emit(peersEvent(peers, this.#swarm?.members() ?? []));
    const before = this.#cutOff;
    this.#cutOff = peers.peers.length === 0 && peers.relays.every(({ state }) => state !== 'connected');
    if (this.#cutOff && !before) this.#options.onCutOff();
  }

  #handleCompute(event: ComputeEvent): void {
    if (this.#released) return;
    const { emit, view } = this.#options;
    if (event.kind !== 'download') emit(event);
    else if (view().phase.kind === 'starting') {
      const known = event.total !== null && event.file === 'model.safetensors';
      this.#starting('model', known ? event.done / event.total : undefined);
    }
  }

  /** A worker that ends while it starts makes `start` reject instead. */
  #handleCrash(error: Error): void {
    if (this.#released || (this.#computer ?? this.#blocks) === null) return;
    this.#computer = null;
    this.#blocks = null;
    this.#options.onCrash(error);
  }

  #watchChain(chain: ChainAccess): () => void {
    const { device, emit, view } = this.#options;
    const first = view().history.find((record) => record.chain === undefined)?.round ?? 0;
    const stopInclusions = chain.watchInclusions(first, (inclusion) => {
      emit({ kind: 'on-chain', ...inclusion });
    });
    const stopReach = chain.watchReach((reachable) => device.reportNetwork(reachable));
    const stopReplaced = chain.watchReplaced((error) => {
      if (error !== undefined && !this.#released) this.#options.onReplaced(error);
    });
    const before = view().owner;
    chain.owner().then(
      (owner) => {
        // A binding that was signed here meanwhile is newer than this answer.
        if (view().owner === before) emit({ kind: 'owner', owner });
      },
      // The node is out of reach, which the page shows beside the network's name.
      () => undefined,
    );
    return () => {
      stopInclusions();
      stopReach();
      stopReplaced();
    };
  }

  /** Measures the model before this device's first round, once. Later visits show what was measured then. */
  async #reportModel({ client, started }: Computer): Promise<void> {
    const { device, emit, view } = this.#options;
    const { signal } = this.#abort;
    if (view().model.start === null) {
      this.#starting('model');
      const { answering } = await client.evaluate(signal);
      const samples = await client.sampleAnswers(SHOWN_SAMPLES, signal);
      await device.saveBeginning({ round: started.cursor - 1, heldOutAccuracy: answering, samples });
    }
    const last = view().history.at(-1);
    if (last === undefined) return;
    const samples = await client.sampleAnswers(SHOWN_SAMPLES, signal);
    const report = { round: last.round, heldOutAccuracy: last.heldOutAccuracy, samples };
    emit({ kind: 'model', when: 'now', report });
  }

  async #reportProgress(round: number, heldOutAccuracy: number): Promise<void> {
    try {
      const samples = (await this.#computer?.client.sampleAnswers(SHOWN_SAMPLES, this.#abort.signal)) ?? [];
      this.#options.emit({ kind: 'model', when: 'now', report: { round, heldOutAccuracy, samples } });
    } catch {
      // Stopped meanwhile. The next round reports.
    }
  }

  #starting(step: StartStep, progress?: number): void {
    this.#options.emit({ kind: 'phase', phase: { kind: 'starting', step, progress } });
  }
}

async function quietly(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // It is thrown away in any case.
  }
}
