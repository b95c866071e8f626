import { type DeviceKey, deviceKey } from '../../swarm/device-key.ts';
import type { SelfDescription } from '../../swarm/presence.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { ComputeEvent, ComputeStarted } from '../../workers/host/compute-api.ts';
import type { StoredCheckpoint } from '../../workers/host/compute-host.ts';
import { bindingKeys } from './binding-keys.ts';
import type { ModelReport, ModelSample, VolunteerEvent } from './events.ts';
import { decodeKeyBackup, encodeKeyBackup, KeyBackupError } from './key-backup.ts';
import { KeyStore } from './key-store.ts';
import { fetchNetwork, type Network } from './network.ts';
import { claimTab, type Locks, type TabLock } from './one-tab.ts';
import type { PageDatabase, StoredKey } from './page-database.ts';
import type { ChainAccess, Computer, Membership, Parts } from './parts.ts';
import { isBusy, type PauseCause, type Phase } from './phase.ts';
import type {
  BindingOffer,
  DownloadedCheckpoint,
  EngineChoice,
  SignedDelegation,
  VolunteerPort,
} from './port.ts';
import { type DeviceProbe, inspectDevice } from './preflight.ts';
import { emptyView, HISTORY_ROUNDS, reduce, type VolunteerView } from './reduce.ts';
import { RoundHistory } from './round-history.ts';
import { peersEvent, phaseOf, refusalInWords, roundEvents } from './translate.ts';

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
  /** Asks the browser not to clear the key under storage pressure. */
  readonly persist: () => Promise<unknown>;
}

/** Everything that exists only while the device is in the swarm. */
interface Running {
  readonly abort: AbortController;
  computer: Computer | null;
  chain: ChainAccess | null;
  membership: Membership | null;
  unwatch: () => void;
}

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
  #keys: KeyStore | null = null;
  #database: PageDatabase | null = null;
  #key: DeviceKey | null = null;
  #stored: StoredKey | null = null;
  #history: RoundHistory | null = null;
  #network: Network | null = null;
  #delegation: SignedDelegation | null = null;
  #running: Running | null = null;
  #pauseCause: PauseCause = 'asked';
  /** Of the computer that was stopped last, so that the weights can be had afterwards. */
  #lastCheckpoint: StoredCheckpoint | null = null;
  #saves: Promise<unknown> = Promise.resolve();

  constructor(options: VolunteerOptions) {
    this.#options = options;
  }

  subscribe(listener: (event: VolunteerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async open(): Promise<void> {
    const { probe, locks, database } = this.#options;
    void inspectDevice(probe).then((preflight) => this.#emit({ type: 'preflight', preflight }));
    this.#tab = await claimTab(locks, () => void this.#lostTab());
    try {
      this.#database = await database();
      this.#keys = new KeyStore(this.#database);
      const stored = await this.#keys.read();
      if (stored !== null) await this.#useKey(stored);
    } catch (error) {
      this.#fail(
        'This browser blocks the page’s storage.',
        `Allow site data for this page, then reload it. (${message(error)})`,
      );
      return;
    }
    if (!this.#tab.held) {
      this.#phase({ kind: 'elsewhere' });
      return;
    }
    const resumed = this.#options.memory.get();
    if (resumed !== null && this.#key !== null) return this.contribute(resumed);
    await this.#readNetwork().catch(() => undefined);
  }

  async contribute(engine: EngineChoice): Promise<void> {
    if (this.#running !== null) return;
    if (this.#tab?.held !== true) return this.#phase({ kind: 'elsewhere' });
    const running: Running = {
      abort: new AbortController(),
      computer: null,
      chain: null,
      membership: null,
      unwatch: () => undefined,
    };
    this.#running = running;
    this.#pauseCause = 'asked';
    this.#emit({ type: 'notice', text: null });
    try {
      await this.#start(running, engine);
    } catch (error) {
      if (this.#running !== running) return;
      await this.#dismantle(running);
      if (running.abort.signal.aborted) this.#phase({ kind: 'stopped', finished: false });
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
    this.#running?.membership?.driver.pause();
  }

  async resume(): Promise<void> {
    if (this.#view.phase.kind !== 'paused') return;
    this.#pauseCause = 'asked';
    this.#running?.membership?.driver.resume();
  }

  async finish(): Promise<void> {
    const running = this.#running;
    if (running?.membership == null) return;
    this.#options.memory.set(null);
    await running.membership.driver.finishThenStop();
    await this.#end(running, { kind: 'stopped', finished: true });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#options.memory.set(null);
    this.#phase({ kind: 'stopping' });
    running.abort.abort(new DOMException('Stopped by you.', 'AbortError'));
    // While starting, `contribute` sees the abort and cleans up.
    if (running.membership === null) return;
    await running.membership.driver.stop();
    await this.#end(running, { kind: 'stopped', finished: false });
  }

  async takeOver(): Promise<void> {
    await this.#tab?.takeOver();
    if (this.#tab?.held !== true) return;
    // The other tab may have made or restored a key since.
    const stored = (await this.#keys?.read()) ?? null;
    if (stored !== null) await this.#useKey(stored);
    this.#phase({ kind: 'idle' });
    await this.#readNetwork().catch(() => undefined);
  }

  async checkpoint(): Promise<DownloadedCheckpoint> {
    const computer = this.#running?.computer;
    const stored = computer == null ? this.#lastCheckpoint : await computer.client.checkpoint();
    if (stored === null)
      throw new Error('The weights are opened when you contribute. Begin, then download them.');
    return { bytes: new Uint8Array(stored.bytes), root: stored.root, round: stored.cursor - 1 };
  }

  async backUpKey(): Promise<string> {
    const stored = this.#stored;
    if (stored === null) throw new KeyBackupError('There is no key yet. Contribute first.');
    const text = encodeKeyBackup(stored);
    await this.#keys?.markBackedUp();
    this.#stored = { ...stored, backedUp: true };
    this.#tellDevice();
    return text;
  }

  async restoreKey(text: string): Promise<void> {
    if (this.#running !== null || isBusy(this.#view.phase)) {
      throw new KeyBackupError('Stop contributing before restoring a key.');
    }
    if (this.#tab?.held !== true) throw new KeyBackupError('Another tab uses the key. Move it here first.');
    if (this.#stored !== null && !this.#stored.backedUp) {
      throw new KeyBackupError('Save a copy of the present key first; restoring another replaces it.');
    }
    const backup = decodeKeyBackup(text);
    await this.#keys?.replace(backup.secret, backup.createdAt);
    await this.#useKey({ ...backup, backedUp: true });
  }

  network(): Promise<Network> {
    return this.#readNetwork();
  }

  async offerBinding(): Promise<BindingOffer> {
    const key = this.#requireKey();
    const network = await this.#readNetwork();
    const chain = this.#running?.chain ?? (await this.#options.parts.openChain(network, key));
    return { ...bindingKeys(key), consent: async (owner, epoch) => chain.consent(owner, epoch) };
  }

  async recordDelegation(delegation: SignedDelegation): Promise<void> {
    const key = this.#requireKey();
    this.#delegation = delegation;
    await this.#database?.put('delegations', delegation, key.address);
    this.#emit({ type: 'owner', owner: delegation.owner });
    await this.#running?.membership?.announce().catch(() => undefined);
  }

  async #start(running: Running, engine: EngineChoice): Promise<void> {
    const { parts, base, persist, memory, now } = this.#options;
    const { signal } = running.abort;
    this.#phase({ kind: 'starting', step: 'key' });
    void persist().catch(() => undefined);
    const network = await this.#readNetwork();
    if (this.#keys === null)
      throw new Error('This browser blocks the page’s storage. Allow site data and reload.');
    if (this.#key === null) await this.#useKey(await this.#keys.readOrCreate(now()));
    const key = this.#requireKey();
    signal.throwIfAborted();

    this.#phase({ kind: 'starting', step: 'engine' });
    // The chain answers while the engine is being tried. Each is noted as soon as it is there, to be freed on failure.
    const [chain, computer] = await Promise.all([
      parts.openChain(network, key).then((opened) => {
        running.chain = opened;
        return opened;
      }),
      parts
        .openComputer({
          base,
          device: key.address,
          engine,
          onEvent: (event) => this.#hearComputer(running, event),
          onCrash: (error) => void this.#crashed(running, error),
          signal,
        })
        .then((opened) => {
          running.computer = opened;
          return opened;
        }),
    ]);
    signal.throwIfAborted();
    this.#tellEngine(computer.started.engine);
    await this.#tellBeginning(computer, key.address, signal);
    memory.set(engine);

    this.#phase({ kind: 'starting', step: 'network' });
    const membership = await parts.joinSwarm({
      network,
      key,
      ledger: chain.ledger,
      trainer: computer.client,
      engine: computer.started.engine.description,
      describe: () => ({ delegation: this.#delegation, ...selfDescription(this.#view) }),
      onRound: (event) => this.#hear(running, event),
      onNetwork: (view) => this.#emit(peersEvent(view, running.membership?.members() ?? [])),
      onRefused: (reason) => this.#emit({ type: 'refused', reason: refusalInWords(reason), count: 1 }),
    });
    running.membership = membership;
    signal.throwIfAborted();
    running.unwatch = this.#watchChain(chain);
    this.#phase({ kind: 'contributing' });
    membership.driver.start();
  }

  #hear(running: Running, event: RoundEvent): void {
    if (this.#running !== running) return;
    if (event.kind === 'status') {
      if (event.state === 'paused' && this.#view.phase.kind !== 'pausing') this.#pauseCause = 'failures';
      const phase = phaseOf(event.state, this.#pauseCause, event.sentence);
      if (phase !== null) this.#phase(phase);
    }
    const length = (stage: 'answer' | 'critique' | 'vote') => running.chain?.stageLength(stage) ?? 0;
    for (const told of roundEvents(event, this.#options.now(), length)) this.#emit(told);
    if (event.kind === 'trained' && running.computer !== null) {
      void this.#tellProgress(running, event.round, event.heldOutAccuracy);
    }
  }

  #watchChain(chain: ChainAccess): () => void {
    const first = this.#view.history.find((record) => record.chain === undefined)?.round ?? 0;
    const stopInclusions = chain.watchInclusions(first, (inclusion) =>
      this.#emit({ type: 'on-chain', ...inclusion }),
    );
    const stopReach = chain.watchReach((reachable) => this.#tellNetwork(reachable));
    void this.#readOwner(chain);
    return () => {
      stopInclusions();
      stopReach();
    };
  }

  async #readOwner(chain: ChainAccess): Promise<void> {
    try {
      this.#emit({ type: 'owner', owner: await chain.owner() });
    } catch {
      // The node is out of reach, which the page shows beside the network's name.
    }
  }

  #hearComputer(running: Running, event: ComputeEvent): void {
    if (this.#running !== running) return;
    switch (event.type) {
      case 'notice':
        this.#emit({ type: 'notice', text: event.text });
        return;
      case 'engine':
        this.#tellEngine(event.engine);
        return;
      case 'download':
        if (this.#view.phase.kind !== 'starting') return;
        this.#phase({
          kind: 'starting',
          step: 'model',
          ...(event.total === null || event.file !== 'model.safetensors'
            ? {}
            : { progress: event.done / event.total }),
        });
    }
  }

  #tellEngine({ kind, description, reason, verdicts }: ComputeStarted['engine']): void {
    this.#emit({ type: 'engine', chosen: kind, description, reason, verdicts });
  }

  /** Measures the model before this device's first round, once; later visits show what was measured then. */
  async #tellBeginning({ client, started }: Computer, device: string, signal: AbortSignal): Promise<void> {
    let beginning = await this.#database?.get('beginnings', device);
    if (beginning === undefined) {
      this.#phase({ kind: 'starting', step: 'model' });
      beginning = reportOf(started.cursor - 1, await client.sampleAnswers(ALL_HELD_OUT, signal));
      await this.#database?.put('beginnings', beginning, device);
    }
    this.#emit({ type: 'model', when: 'start', report: beginning });
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

  async #useKey(stored: StoredKey): Promise<void> {
    const key = deviceKey(stored.secret);
    const database = this.#database;
    if (database === null) throw new Error('The page’s database is not open.');
    const history = new RoundHistory(database, key.address);
    const [{ records, totals }, delegation, beginning] = await Promise.all([
      history.load(HISTORY_ROUNDS),
      database.get('delegations', key.address),
      database.get('beginnings', key.address),
    ]);
    this.#stored = stored;
    this.#key = key;
    this.#history = history;
    this.#delegation = delegation ?? null;
    this.#lastCheckpoint = null;
    this.#emit({ type: 'history', records, totals });
    if (beginning !== undefined) this.#emit({ type: 'model', when: 'start', report: beginning });
    this.#tellDevice();
    this.#emit({ type: 'owner', owner: delegation?.owner ?? null });
  }

  #tellDevice(): void {
    if (this.#key === null || this.#stored === null) return;
    const { address, peerId } = this.#key;
    this.#emit({ type: 'device', address, peerId, backedUp: this.#stored.backedUp });
  }

  async #readNetwork(): Promise<Network> {
    if (this.#network !== null) return this.#network;
    const network = await fetchNetwork(this.#options.base, this.#options.fetcher);
    this.#network = network;
    this.#tellNetwork(true);
    return network;
  }

  #tellNetwork(reachable: boolean): void {
    if (this.#network === null) return;
    const { name, chainId, local } = this.#network;
    this.#emit({ type: 'network', name, chainId, local, reachable });
  }

  #requireKey(): DeviceKey {
    if (this.#key === null) throw new Error('This device has no key yet. Contribute first.');
    return this.#key;
  }

  /** Without its worker a run cannot even be asked to stop, so it is thrown away whole. */
  async #crashed(running: Running, error: Error): Promise<void> {
    if (this.#running !== running || running.computer === null) return;
    running.computer = null;
    running.abort.abort(error);
    await quietly(() => running.membership?.leave());
    await this.#dismantle(running);
    this.#fail(error.message, 'Your last stored round is safe. Contribute again to go on from it.');
  }

  async #lostTab(): Promise<void> {
    const running = this.#running;
    this.#options.memory.set(null);
    if (running !== null) {
      running.abort.abort(new DOMException('Another tab took over.', 'AbortError'));
      await running.membership?.driver.stop();
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
    const { membership, chain, computer } = running;
    await quietly(() => membership?.leave());
    await quietly(() => chain?.stop());
    await quietly(async () => {
      this.#lastCheckpoint = (await computer?.client.checkpoint()) ?? this.#lastCheckpoint;
    });
    await quietly(() => computer?.stop());
    await this.#saves;
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
    if (this.#view.history !== before.history && event.type !== 'history') this.#save(before);
    for (const listener of this.#listeners) listener(event);
  }

  /** Stores the rounds that changed, one write after the other, so that the last one wins. */
  #save(before: VolunteerView): void {
    const history = this.#history;
    const { totals } = this.#view;
    const known = new Set(before.history);
    for (const record of this.#view.history) {
      if (known.has(record)) continue;
      this.#saves = this.#saves
        .then(() => history?.save(record, totals))
        .catch((error: unknown) => {
          const text = `The record of round ${record.round} could not be stored: ${message(error)}`;
          this.#emit({ type: 'notice', text });
        });
    }
  }
}

/** Larger than any held-out set; the worker gives what there is. */
const ALL_HELD_OUT = 100_000;
const SHOWN_SAMPLES = 6;

/** The same measure as a round's held-out accuracy: exact most-likely answers. */
function reportOf(round: number, answers: readonly ModelSample[]): ModelReport {
  const right = answers.filter((answer) => answer.text === answer.expected).length;
  return {
    round,
    heldOutAccuracy: answers.length === 0 ? 0 : right / answers.length,
    samples: answers.slice(0, SHOWN_SAMPLES),
  };
}

/** What this device tells others about its engine. */
function selfDescription({ engine }: VolunteerView): Pick<SelfDescription, 'engine' | 'conformance'> {
  const verdict = engine?.verdicts.find((candidate) => candidate.kind === engine.chosen);
  if (engine === null || verdict === undefined) {
    return { engine: engine?.description ?? '', conformance: { verdict: 'untested', detail: '' } };
  }
  return {
    engine: engine.description,
    conformance: {
      verdict: verdict.same === verdict.checks ? 'passed' : 'failed',
      detail: `${verdict.same} of ${verdict.checks} checks`,
    },
  };
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
