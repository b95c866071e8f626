import type { Network } from '../../protocol/network-file.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { ComputeEvent, ComputeStarted } from '../../workers/compute-api.ts';
import type { Desk } from '../jobs/jobs-controller.ts';
import { bindingKeys } from './binding-keys.ts';
import type { ChainAccess, Computer, Parts, VolunteerConnection } from './dependencies.ts';
import { Device, runOf } from './device.ts';
import { KeyBackupError } from './key-backup.ts';
import { claimTab, type Locks, type TabLock } from './one-tab.ts';
import type { PageDatabase } from './page-database.ts';
import type { PauseCause, Phase } from './phase.ts';
import { type DeviceProbe, inspectDevice } from './preflight.ts';
import { emptyView, reduce, type VolunteerView } from './reduce-volunteer.ts';
import { peersEvent, phaseOf, refusalInWords, roundEvents, selfDescription } from './translate.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import type {
  BindingOffer,
  DownloadedCheckpoint,
  EngineChoice,
  SignedDelegation,
  VolunteerPort,
} from './volunteer-port.ts';

export interface VolunteerOptions {
  /** Where the page lies; network.json and the model are beside it. */
  readonly base: string;
  readonly parts: Parts;
  readonly database: () => Promise<PageDatabase>;
  readonly locks: Locks | undefined;
  readonly probe: DeviceProbe;
  readonly fetcher: typeof fetch;
  readonly now: () => number;
  /** Remembers across a reload, but not across closing the tab, that the device was contributing. */
  readonly memory: { get(): EngineChoice | null; set(engine: EngineChoice | null): void };
  /** The share of the device that a person lends; remembered from visit to visit. */
  readonly share: { get(): number; set(share: number): void };
  /** Asks the browser not to clear the key under storage pressure. */
  readonly persist: () => Promise<unknown>;
}

/** Everything that exists only from a click on Contribute to the stop. */
interface Running {
  readonly abort: AbortController;
  computer: Computer | null;
  chain: ChainAccess | null;
  connection: VolunteerConnection | null;
  unwatch: () => void;
}

const SHOWN_SAMPLES = 6;

/**
 * The volunteer behind the page: opens the device key, an engine, the chain and the swarm in turn, takes the person's
 * commands, and tells everything as events. One per tab; every command is safe in every phase.
 */
export class Volunteer implements VolunteerPort {
  readonly #options: VolunteerOptions;
  readonly #listeners = new Set<(event: VolunteerEvent) => void>();
  /** The same view as the page's, for decisions and for what is stored. */
  #view: VolunteerView = emptyView;
  #tab: TabLock | null = null;
  #opened: Device | null = null;
  #running: Running | null = null;
  #pauseCause: PauseCause = 'asked';
  #desk: Promise<Desk> | null = null;

  constructor(options: VolunteerOptions) {
    this.#options = options;
  }

  subscribe(listener: (event: VolunteerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async open(): Promise<void> {
    const { base, fetcher, probe, locks, memory, share } = this.#options;
    this.#emit({ type: 'share', share: share.get() });
    void inspectDevice(probe).then((preflight) => this.#emit({ type: 'preflight', preflight }));
    this.#tab = await claimTab(locks, () => void this.#lostTab());
    try {
      const database = await this.#options.database();
      this.#opened = new Device({ database, base, fetcher, emit: (event) => this.#emit(event) });
      await this.#opened.open();
    } catch (error) {
      const remedy = `Allow site data for this page, then reload it. (${message(error)})`;
      this.#fail('This browser blocks the page’s storage.', remedy);
      return;
    }
    const resumed = memory.get();
    if (!this.#tab.held) this.#phase({ kind: 'elsewhere' });
    else if (resumed !== null && this.#opened.hasKey) await this.contribute(resumed);
  }

  async contribute(engine: EngineChoice): Promise<void> {
    if (this.#running !== null) return;
    if (this.#tab?.held !== true) {
      this.#phase({ kind: 'elsewhere' });
      return;
    }
    const running: Running = {
      abort: new AbortController(),
      computer: null,
      chain: null,
      connection: null,
      unwatch: () => undefined,
    };
    this.#running = running;
    this.#pauseCause = 'asked';
    this.#emit({ type: 'notice', text: null });
    try {
      await this.#start(running, engine);
    } catch (error) {
      if (this.#running !== running || !this.#tab.held) return;
      const stopped = running.abort.signal.aborted;
      await this.#dismantle(running);
      if (stopped) this.#phase({ kind: 'stopped', finished: false });
      else
        this.#fail(
          message(error),
          'Nothing is lost. Try again, or choose another engine under “This device”.',
        );
    }
  }

  async pause(cause: PauseCause = 'asked'): Promise<void> {
    if (this.#view.phase.kind !== 'contributing') return;
    this.#pauseCause = cause;
    this.#running?.connection?.driver.pause();
  }

  async resume(): Promise<void> {
    if (this.#view.phase.kind !== 'paused') return;
    this.#pauseCause = 'asked';
    this.#running?.connection?.driver.resume();
  }

  async finish(): Promise<void> {
    const running = this.#running;
    if (running?.connection == null) return;
    this.#options.memory.set(null);
    await running.connection.driver.finishThenStop();
    await this.#end(running, { kind: 'stopped', finished: true });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#options.memory.set(null);
    this.#phase({ kind: 'stopping' });
    running.abort.abort(new DOMException('Stopped by you.', 'AbortError'));
    // While starting, `contribute` sees the abort and cleans up.
    if (running.connection === null) return;
    await running.connection.driver.stop();
    await this.#end(running, { kind: 'stopped', finished: false });
  }

  async setShare(share: number): Promise<void> {
    this.#options.share.set(share);
    this.#emit({ type: 'share', share });
    await this.#running?.computer?.client.setShare(share);
  }

  async takeOver(): Promise<void> {
    await this.#tab?.takeOver();
    if (this.#tab?.held !== true) return;
    // The other tab may have made or restored a key, and finished rounds, since.
    await this.#device.open();
    this.#phase({ kind: 'idle' });
  }

  async checkpoint(): Promise<DownloadedCheckpoint> {
    const stored = await (this.#running?.computer?.client.checkpoint() ?? this.#storedCheckpoint());
    if (stored === null) throw new Error('This device has no stored weights yet. Contribute first.');
    return { bytes: new Uint8Array(stored.bytes), root: stored.root, round: stored.cursor - 1 };
  }

  backUpKey(): Promise<string> {
    return this.#device.backUp();
  }

  async restoreKey(text: string): Promise<void> {
    if (this.#running !== null) throw new KeyBackupError('Stop contributing before restoring a key.');
    if (this.#tab?.held !== true) throw new KeyBackupError('Another tab uses the key. Move it here first.');
    await this.#device.restore(text);
  }

  network(): Promise<Network> {
    return this.#device.network();
  }

  async offerBinding(): Promise<BindingOffer> {
    const { key } = this.#device;
    const network = await this.#device.network();
    const { parts } = this.#options;
    return { ...bindingKeys(key), consent: (owner, epoch) => parts.consent({ network, key, owner, epoch }) };
  }

  desk(): Promise<Desk> {
    const opened = this.#desk ?? this.#openDesk();
    this.#desk = opened;
    opened.catch(() => {
      if (this.#desk === opened) this.#desk = null;
    });
    return opened;
  }

  async recordDelegation(delegation: SignedDelegation): Promise<void> {
    await this.#device.saveDelegation(delegation);
    await this.#running?.connection?.announce().catch(() => undefined);
  }

  async #openDesk(): Promise<Desk> {
    const { parts, base, now } = this.#options;
    if (this.#tab?.held !== true) {
      throw new Error(
        'Another tab uses this device’s key. Close it, or move the key here on the first screen.',
      );
    }
    const network = await this.#device.readNetwork();
    return parts.openDesk({ base, network, key: await this.#device.ensureKey(now()) });
  }

  get #device(): Device {
    if (this.#opened === null)
      throw new Error('The page is still opening its storage. Try again in a moment.');
    return this.#opened;
  }

  async #storedCheckpoint() {
    const run = runOf(await this.#device.network());
    return this.#options.parts.storedCheckpoint({ device: this.#device.key.address, run });
  }

  async #start(running: Running, engine: EngineChoice): Promise<void> {
    const { parts, persist, memory, now } = this.#options;
    const { signal } = running.abort;
    this.#phase({ kind: 'starting', step: 'key' });
    void persist().catch(() => undefined);
    const network = await this.#device.readNetwork();
    const key = await this.#device.ensureKey(now());
    signal.throwIfAborted();

    this.#phase({ kind: 'starting', step: 'engine' });
    const { chain, computer } = await this.#openBoth(running, network, engine);
    signal.throwIfAborted();
    this.#tellEngine(computer.started.engine);
    if (this.#view.share < 1) await computer.client.setShare(this.#view.share);
    await this.#tellBeginning(computer, signal);
    memory.set(engine);

    this.#phase({ kind: 'starting', step: 'network' });
    const connection = await parts.joinSwarm({
      network,
      key,
      ledger: chain.ledger,
      trainer: computer.client,
      engine: computer.started.engine.description,
      conformance: () => selfDescription(this.#view.engine).conformance,
      describe: () => ({ delegation: this.#device.delegation, ...selfDescription(this.#view.engine) }),
      onRound: (event) => this.#hear(running, event),
      onNetwork: (view) => this.#emit(peersEvent(view, running.connection?.members() ?? [])),
      onRefused: (reason) => this.#emit({ type: 'refused', reason: refusalInWords(reason), count: 1 }),
    });
    running.connection = connection;
    signal.throwIfAborted();
    running.unwatch = this.#watchChain(chain);
    this.#phase({ kind: 'contributing' });
    connection.driver.start();
  }

  /** The chain answers while the engine is being tried. When one fails the other is given up, and freed by the caller. */
  async #openBoth(running: Running, network: Network, engine: EngineChoice) {
    const { parts, base } = this.#options;
    const { key } = this.#device;
    const failed = new AbortController();
    const opening = {
      chain: parts.openChain(network, key).then((chain) => {
        running.chain = chain;
        return chain;
      }),
      computer: parts
        .openComputer({
          base,
          device: key.address,
          run: runOf(network),
          engine,
          onEvent: (event) => this.#hearComputer(running, event),
          onCrash: (error) => void this.#crashed(running, error),
          signal: AbortSignal.any([running.abort.signal, failed.signal]),
        })
        .then((computer) => {
          running.computer = computer;
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

  #hear(running: Running, event: RoundEvent): void {
    if (this.#running !== running) return;
    if (event.kind === 'status') {
      if (event.state === 'paused' && this.#view.phase.kind !== 'pausing') this.#pauseCause = 'failures';
      const phase = phaseOf(event.state, this.#pauseCause, event.sentence);
      if (phase !== null) this.#phase(phase);
    }
    const told = roundEvents(event, this.#options.now(), (stage) => running.chain?.stageLength(stage) ?? 0);
    for (const each of told) this.#emit(each);
    if (event.kind === 'trained') void this.#tellProgress(running, event.round, event.heldOutAccuracy);
  }

  #watchChain(chain: ChainAccess): () => void {
    const first = this.#view.history.find((record) => record.chain === undefined)?.round ?? 0;
    const stopInclusions = chain.watchInclusions(first, (inclusion) => {
      this.#emit({ type: 'on-chain', ...inclusion });
    });
    const stopReach = chain.watchReach((reachable) => this.#device.tellNetwork(reachable));
    chain.owner().then(
      (owner) => this.#emit({ type: 'owner', owner }),
      // The node is out of reach, which the page shows beside the network's name.
      () => undefined,
    );
    return () => {
      stopInclusions();
      stopReach();
    };
  }

  #hearComputer(running: Running, event: ComputeEvent): void {
    if (this.#running !== running) return;
    if (event.type === 'notice') this.#emit(event);
    else if (event.type === 'engine') this.#tellEngine(event.engine);
    else if (this.#view.phase.kind === 'starting') {
      const known = event.total !== null && event.file === 'model.safetensors';
      const progress = known ? { progress: event.done / event.total } : {};
      this.#phase({ kind: 'starting', step: 'model', ...progress });
    }
  }

  #tellEngine({ kind, ...told }: ComputeStarted['engine']): void {
    this.#emit({ type: 'engine', chosen: kind, ...told });
  }

  /** Measures the model before this device's first round, once; later visits show what was measured then. */
  async #tellBeginning({ client, started }: Computer, signal: AbortSignal): Promise<void> {
    if (this.#view.model.start === null) {
      this.#phase({ kind: 'starting', step: 'model' });
      const { answering } = await client.evaluate(signal);
      const samples = await client.sampleAnswers(SHOWN_SAMPLES, signal);
      await this.#device.saveBeginning({ round: started.cursor - 1, heldOutAccuracy: answering, samples });
    }
    const last = this.#view.history.at(-1);
    if (last === undefined) return;
    const samples = await client.sampleAnswers(SHOWN_SAMPLES, signal);
    const report = { round: last.round, heldOutAccuracy: last.heldOutAccuracy, samples };
    this.#emit({ type: 'model', when: 'now', report });
  }

  async #tellProgress({ computer, abort }: Running, round: number, heldOutAccuracy: number): Promise<void> {
    try {
      const samples = (await computer?.client.sampleAnswers(SHOWN_SAMPLES, abort.signal)) ?? [];
      this.#emit({ type: 'model', when: 'now', report: { round, heldOutAccuracy, samples } });
    } catch {
      // Stopped meanwhile; the next round tells.
    }
  }

  /** Without its worker a run cannot even be asked to stop, so it is thrown away whole. */
  async #crashed(running: Running, error: Error): Promise<void> {
    if (this.#running !== running || running.computer === null) return;
    running.computer = null;
    running.abort.abort(error);
    await this.#dismantle(running);
    this.#fail(error.message, 'Your last stored round is safe. Contribute again to go on from it.');
  }

  async #lostTab(): Promise<void> {
    const running = this.#running;
    this.#options.memory.set(null);
    const desk = this.#desk;
    this.#desk = null;
    await desk?.then((opened) => opened.stop()).catch(() => undefined);
    if (running !== null) {
      running.abort.abort(new DOMException('Another tab took over.', 'AbortError'));
      await this.#dismantle(running);
    }
    this.#phase({ kind: 'elsewhere' });
  }

  async #end(running: Running, phase: Phase): Promise<void> {
    if (this.#running !== running) return;
    await this.#dismantle(running);
    this.#phase(phase);
  }

  /** Frees everything that a run held, the youngest first. Never throws: each part is freed whatever the others do. */
  async #dismantle(running: Running): Promise<void> {
    running.unwatch();
    await quietly(() => running.connection?.leave());
    await quietly(() => running.chain?.stop());
    await quietly(() => running.computer?.stop());
    await this.#device.saved();
    if (this.#running === running) this.#running = null;
  }

  #fail(cause: string, remedy: string): void {
    this.#options.memory.set(null);
    this.#phase({ kind: 'failed', cause, remedy });
  }

  #phase(phase: Phase): void {
    this.#emit({ type: 'phase', phase });
  }

  #emit(event: VolunteerEvent): void {
    const before = this.#view;
    this.#view = reduce(before, event);
    if (event.type !== 'history' && this.#view.history !== before.history) {
      const known = new Set(before.history);
      const changed = this.#view.history.filter((record) => !known.has(record));
      for (const record of changed) this.#opened?.saveRound(record, this.#view.totals);
    }
    for (const listener of this.#listeners) listener(event);
  }
}

async function quietly(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // It is being thrown away in any case.
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
