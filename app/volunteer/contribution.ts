import type { Network } from '../../protocol/network-file.ts';
import type { RoundContext, Trainer } from '../../protocol/trainer.ts';
import type { NetworkView } from '../../swarm/peers.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { ComputeEvent } from '../../workers/compute-api.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import type { ChainAccess, Computer, VolunteerConnection, VolunteerDependencies } from './dependencies.ts';
import { type Device, networkIdOf } from './device.ts';
import type { EngineChoice } from './engine-choice.ts';
import type { PauseCause, StartStep } from './phase.ts';
import { FEED_ROUNDS } from './reduce-feed.ts';
import { peersEvent, phaseOf, refusalInWords, selfDescription, shownRoundEvent } from './translate.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import type { VolunteerView } from './volunteer-view.ts';

export interface ContributionOptions {
  /** Where the page lies; the model is beside it. */
  readonly base: string;
  readonly dependencies: VolunteerDependencies;
  readonly device: Device;
  /** Unix milliseconds. */
  readonly now: () => number;
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

/**
 * One contribution, from a click on Contribute to the stop: it opens the device key, an engine with the
 * chain, and the swarm in turn, and reports what the rounds bring. It is used once.
 */
export class Contribution {
  readonly #options: ContributionOptions;
  readonly #abort = new AbortController();
  #computer: Computer | null = null;
  #chain: ChainAccess | null = null;
  #swarm: VolunteerConnection | null = null;
  #unwatch: () => void = () => undefined;
  #pauseCause: PauseCause = 'asked';
  #released = false;
  #relays: readonly string[] = [];
  #cutOff = false;
  /** The latest rounds whose prompts were asked for, for explanations. */
  #contexts: readonly RoundContext[] = [];

  constructor(options: ContributionOptions) {
    this.#options = options;
  }

  /** Whether the device is in the swarm. */
  get joined(): boolean {
    return this.#swarm !== null;
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
    const { device, persist, onComputing, now, view, emit } = this.#options;
    const { signal } = this.#abort;
    this.#starting('key');
    // Where the browser lacks the feature, asking throws at once. The key may then be cleared some day.
    void quietly(persist);
    const network = await device.readNetwork();
    this.#relays = network.relays;
    await device.ensureKey(now());
    signal.throwIfAborted();

    this.#starting('engine');
    const { chain, computer } = await this.#openChainAndComputer(network, engine);
    signal.throwIfAborted();
    emit({ kind: 'engine', engine: computer.started.engine });
    const { share } = view();
    if (share < 1) await computer.client.setShare(share);
    await this.#reportModel(computer);
    onComputing();

    this.#starting('network');
    const swarm = await this.#joinSwarm(network, chain, computer);
    this.#swarm = swarm;
    signal.throwIfAborted();
    this.#unwatch = this.#watchChain(chain);
    emit({ kind: 'phase', phase: { kind: 'contributing' } });
    swarm.driver.start();
  }

  pause(cause: PauseCause): void {
    this.#pauseCause = cause;
    this.#swarm?.driver.pause();
  }

  resume(): void {
    this.#pauseCause = 'asked';
    this.#swarm?.driver.resume();
  }

  /** Resolves when the round in progress is done and sent. */
  async finish(): Promise<void> {
    await this.#swarm?.driver.finishThenStop();
  }

  /** Breaks off the round in progress. While starting, it makes `start` reject with `reason`. */
  async stop(reason: Error): Promise<void> {
    this.#abort.abort(reason);
    await this.#swarm?.driver.stop();
  }

  async setShare(share: number): Promise<void> {
    await this.#computer?.client.setShare(share);
  }

  /** The latest stored checkpoint, or null while no engine is ready. */
  async checkpoint(): Promise<StoredCheckpoint | null> {
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
    await this.#options.device.saved();
    this.#released = true;
  }

  /**
   * The chain answers while the engine is tried. When one of the two fails the other is given up; `release`
   * frees it.
   */
  async #openChainAndComputer(network: Network, engine: EngineChoice) {
    const { dependencies, base, device } = this.#options;
    const { key } = device;
    const failed = new AbortController();
    const opening = {
      chain: dependencies.openChain(network, key).then((chain) => {
        this.#chain = chain;
        return chain;
      }),
      computer: dependencies
        .openComputer({
          base,
          device: key.address,
          networkId: networkIdOf(network),
          engine,
          onEvent: (event) => this.#handleCompute(event),
          onCrash: (error) => this.#handleCrash(error),
          signal: AbortSignal.any([this.#abort.signal, failed.signal]),
        })
        .then((computer) => {
          this.#computer = computer;
          return computer;
        }),
    };
    try {
      return { chain: await opening.chain, computer: await opening.computer };
    } catch (error) {
      failed.abort();
      await Promise.allSettled([opening.chain, opening.computer]);
      throw error;
    }
  }

  #joinSwarm(network: Network, chain: ChainAccess, computer: Computer): Promise<VolunteerConnection> {
    const { dependencies, device, view, emit } = this.#options;
    return dependencies.joinSwarm({
      network,
      key: device.key,
      ledger: chain.ledger,
      trainer: this.#remembering(computer.client),
      engine: computer.started.engine.description,
      conformance: () => selfDescription(view().engine).conformance,
      describe: () => ({ delegation: device.delegation, ...selfDescription(view().engine) }),
      onRound: (event) => this.#handleRound(event),
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
    if (event.kind === 'trained') void this.#reportProgress(event.round, event.heldOutAccuracy);
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
      // Stopped meanwhile, or the GPU is being opened again: the feed shows the answers without a score.
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
    if (this.#released || this.#computer === null) return;
    this.#computer = null;
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
    chain.owner().then(
      (owner) => emit({ kind: 'owner', owner }),
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
