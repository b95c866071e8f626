import type { DeviceKey } from '../../protocol/device-key.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { fetchNetwork, type Network } from '../../protocol/network-file.ts';
import type { CostMemory } from '../../workers/cost-memory.ts';
import { sentenceOf } from '../ui/sentence-of.ts';
import { bindingKeys } from './binding-keys.ts';
import { Contribution } from './contribution.ts';
import { MissingSwarmError, type VolunteerDependencies } from './dependencies.ts';
import { Device, networkIdOf } from './device.ts';
import type { EngineChoice } from './engine-choice.ts';
import { KeyCommands } from './key-commands.ts';
import type { MemberFigures } from './member-figures.ts';
import { claimTab, type Locks, type TabLock } from './one-tab.ts';
import type { PageDatabase } from './page-database.ts';
import type { PauseCause, Phase } from './phase.ts';
import { type DeviceProbe, inspectDevice } from './preflight.ts';
import { reduceVolunteer } from './reduce-volunteer.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import type {
  BindingOffer,
  DownloadedCheckpoint,
  SignedDelegation,
  VolunteerPort,
} from './volunteer-port.ts';
import { EMPTY_VIEW, type VolunteerView } from './volunteer-view.ts';

export interface VolunteerOptions {
  /** Where the page lies; network.json and the model are beside it. */
  readonly base: string;
  readonly dependencies: VolunteerDependencies;
  readonly database: () => Promise<PageDatabase>;
  readonly locks: Locks | undefined;
  readonly probe: DeviceProbe;
  readonly fetcher: typeof fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Remembers across a reload, but not across closing the tab, that the device was contributing. */
  readonly memory: { get(): EngineChoice | null; set(engine: EngineChoice | null): void };
  /** The share of the device that a person lends; remembered from visit to visit. */
  readonly share: { get(): number; set(share: number): void };
  /** The swarm that this device joins; remembered from visit to visit. */
  readonly swarm: { get(): number | null; set(swarm: number | null): void };
  /** What members published of their held-out accuracy. */
  readonly figures: Pick<MemberFigures, 'add'>;
  /** What rounds took in this browser. */
  readonly costs: Pick<CostMemory, 'add'>;
  /** Measures the bytes of memory of this tab. Resolves with null where the browser cannot, never rejects. */
  readonly tabMemory: () => Promise<number | null>;
  /** Asks the browser not to clear the key under storage pressure. */
  readonly persist: () => Promise<unknown>;
  /** Stops everything else of this tab that signs with the key, once another tab has taken the key over. */
  readonly onKeyLost: () => Promise<void>;
}

/** What work beside the rounds needs of this device. */
export interface Credentials {
  readonly network: Network;
  readonly key: DeviceKey;
}

/** How often, and how long apart in ms, a network that was started anew is looked for: two minutes. */
const LOOKS = 40;
const LOOK_EVERY_MS = 3000;
/** How long a device that is cut off waits between two looks at the network file, in ms. */
const LOOK_AGAIN_MS = 10_000;
/** How long a person waits for storage that is still opening, in ms. A busy device takes seconds. */
const OPENING_MS = 15_000;
const NO_STORAGE = 'This browser blocks the page’s storage.';

/**
 * The volunteer behind the page: holds the tab's lock and the device, takes the person's commands, runs at
 * most one contribution, and reports everything as events. One per tab; every command is safe in every phase.
 */
export class Volunteer implements VolunteerPort {
  readonly keys: KeyCommands;
  readonly #options: VolunteerOptions;
  readonly #listeners = new Set<(event: VolunteerEvent) => void>();
  /** The same view as the page's, for decisions and for what is stored. */
  #view: VolunteerView = EMPTY_VIEW;
  #tab: TabLock | null = null;
  #opened: Device | null = null;
  /** Resolves once the tab's lock and its storage are settled, for better or worse. */
  #settled: Promise<void> | null = null;
  #isSettled = false;
  #contribution: Contribution | null = null;
  /** The contribution for which the network file is being read again. */
  #cutOff: Contribution | null = null;
  /** Why this tab has no storage, once that is known. */
  #storageFailure: string | null = null;

  constructor(options: VolunteerOptions) {
    this.#options = options;
    const { dependencies, now, onKeyLost } = options;
    const inUse = () => this.#whyKeyIsInUse();
    this.keys = new KeyCommands({ device: () => this.#whenOpen(), dependencies, now, inUse, onKeyLost });
  }

  subscribe(listener: (event: VolunteerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async open(): Promise<void> {
    const { probe, memory, share, swarm } = this.#options;
    this.#emit({ kind: 'share', share: share.get() });
    this.#emit({ kind: 'swarm', swarm: swarm.get() });
    void inspectDevice(probe).then((preflight) => this.#emit({ kind: 'preflight', preflight }));
    this.#settled ??= this.#settle();
    await this.#settled;
    if (this.#opened === null || this.#storageFailure !== null) return;
    const resumed = memory.get();
    if (this.#tab?.held !== true) this.#phase({ kind: 'elsewhere' });
    else if (resumed !== null && this.#opened.hasKey) await this.contribute(resumed);
  }

  /** Claims the tab's lock and opens the storage. */
  async #settle(): Promise<void> {
    const { base, fetcher, locks, swarm } = this.#options;
    this.#tab = await claimTab(locks, () => void this.#handleTabLost());
    try {
      const database = await this.#options.database();
      this.#opened = new Device({
        ...{ database, base, fetcher, swarm: swarm.get, emit: (event: VolunteerEvent) => this.#emit(event) },
      });
      await this.#opened.open();
    } catch (error) {
      this.#storageFailure = `Allow site data for this page, then reload it. (${messageOf(error)})`;
      this.#failWithoutStorage(this.#storageFailure);
    }
    this.#isSettled = true;
  }

  /** What a person does in the first moments of a visit waits for the storage, 15 s at most. */
  async #untilSettled(): Promise<void> {
    if (!this.#isSettled) await Promise.race([this.#settled, this.#options.sleep(OPENING_MS)]);
  }

  /** The device, once its storage is open. Throws a sentence for a person where it does not open. */
  async #whenOpen(): Promise<Device> {
    await this.#untilSettled();
    if (this.#storageFailure !== null) throw new Error(`${NO_STORAGE} ${this.#storageFailure}`);
    if (this.#opened !== null) return this.#opened;
    throw new Error('The page is still opening its storage. Reload it if that does not end.');
  }

  /**
   * Ends a contribution as `stop` does, but keeps the wish to contribute for the next load, and frees the
   * tab's lock.
   */
  async close(): Promise<void> {
    const contribution = this.#contribution;
    if (contribution !== null) await this.#release(contribution, new DOMException('Closed.', 'AbortError'));
    this.#tab?.release();
  }

  async contribute(engine: EngineChoice): Promise<void> {
    await this.#untilSettled();
    if (this.#contribution !== null) return;
    if (this.#storageFailure !== null) {
      this.#failWithoutStorage(this.#storageFailure);
      return;
    }
    if (this.#tab?.held !== true) {
      this.#phase({ kind: 'elsewhere' });
      return;
    }
    const device = this.#opened;
    if (device === null) {
      const remedy = 'Try again in a moment. If that does not help, allow site data and reload the page.';
      this.#fail('The page has not opened its storage yet.', remedy);
      return;
    }
    const contribution = this.#newContribution(device, engine);
    this.#contribution = contribution;
    this.#emit({ kind: 'notice', text: null });
    try {
      await contribution.start(engine);
    } catch (error) {
      if (this.#contribution !== contribution || !this.#tab.held) return;
      const stopped = contribution.aborted;
      await this.#release(contribution);
      if (error instanceof MissingSwarmError) this.#choose(null);
      if (stopped) this.#phase({ kind: 'stopped', finished: false });
      else
        this.#fail(
          sentenceOf(error),
          'Nothing is lost. Try again, or choose another engine under “This device”.',
        );
    }
  }

  async join(swarm: number, engine: EngineChoice): Promise<void> {
    if (this.#contribution !== null) {
      if (this.#view.swarm === swarm) return;
      await this.stop();
    }
    this.#choose(swarm);
    await this.contribute(engine);
  }

  async pause(cause: PauseCause = 'asked'): Promise<void> {
    if (this.#view.phase.kind === 'contributing') this.#contribution?.pause(cause);
  }

  async resume(): Promise<void> {
    if (this.#view.phase.kind === 'paused') this.#contribution?.resume();
  }

  async finish(): Promise<void> {
    const contribution = this.#contribution;
    if (contribution === null || !contribution.joined) return;
    this.#options.memory.set(null);
    await contribution.finish();
    await this.#end(contribution, { kind: 'stopped', finished: true });
  }

  async stop(): Promise<void> {
    const contribution = this.#contribution;
    if (contribution === null) return;
    this.#options.memory.set(null);
    this.#phase({ kind: 'stopping' });
    // While starting, `contribute` sees the abort and cleans up.
    const { joined } = contribution;
    await contribution.stop(new DOMException('Stopped by you.', 'AbortError'));
    if (joined) await this.#end(contribution, { kind: 'stopped', finished: false });
  }

  async setShare(share: number): Promise<void> {
    this.#options.share.set(share);
    this.#emit({ kind: 'share', share });
    await this.#contribution?.setShare(share);
  }

  async takeOver(): Promise<void> {
    const device = await this.#whenOpen();
    await this.#tab?.takeOver();
    if (this.#tab?.held !== true) return;
    // The other tab may have made or restored a key, and finished rounds, since.
    await device.open();
    this.#phase({ kind: 'idle' });
  }

  async ask(question: string): Promise<{ readonly before: string; readonly now: string }> {
    const answers = await this.#contribution?.ask(question);
    if (answers === undefined)
      throw new Error('The model is loaded while this device contributes. Contribute first.');
    return answers;
  }

  async checkpoint(): Promise<DownloadedCheckpoint> {
    const stored = (await this.#contribution?.checkpoint()) ?? (await this.#storedCheckpoint());
    if (stored === null) throw new Error('This device has no stored weights yet. Contribute first.');
    return { bytes: new Uint8Array(stored.bytes), root: stored.root, round: stored.cursor - 1 };
  }

  async network(): Promise<Network> {
    return (await this.#whenOpen()).network();
  }

  async offerBinding(): Promise<BindingOffer> {
    const device = await this.#whenOpen();
    const { key } = device;
    const network = await device.network();
    const { dependencies } = this.#options;
    return {
      ...bindingKeys(key),
      earlier: await device.retired(),
      consent: (terms) => dependencies.consent({ network, key, terms }),
    };
  }

  async recordDelegation(delegation: SignedDelegation): Promise<void> {
    await (await this.#whenOpen()).saveDelegation(delegation);
    await this.#contribution?.announce();
  }

  /**
   * The network, read anew, and the device key, which is made where there is none. Throws NetworkFileError,
   * and while another tab holds the key.
   */
  async credentials(): Promise<Credentials> {
    const device = await this.#whenOpen();
    if (this.#tab?.held !== true) {
      throw new Error(
        'Another tab uses this device’s key. Close it, or move the key here on the first screen.',
      );
    }
    const network = await device.readNetwork();
    return { network, key: await device.ensureKey(this.#options.now()) };
  }

  /** Decides which swarm this device joins from the next start on. */
  #choose(swarm: number | null): void {
    this.#options.swarm.set(swarm);
    this.#emit({ kind: 'swarm', swarm });
  }

  #whyKeyIsInUse(): string | null {
    if (this.#contribution !== null) return 'Stop contributing before exchanging the key.';
    return this.#tab?.held === true ? null : 'Another tab uses the key. Move it here first.';
  }

  #newContribution(device: Device, engine: EngineChoice): Contribution {
    const { base, dependencies, now, persist, memory, fetcher, sleep, figures, costs, tabMemory } =
      this.#options;
    const contribution = new Contribution({
      base,
      dependencies,
      device,
      now,
      fetcher,
      sleep,
      figures,
      costs,
      tabMemory,
      persist,
      view: () => this.#view,
      emit: (event) => this.#emit(event),
      onComputing: () => memory.set(engine),
      onCrash: (error) => void this.#handleCrash(contribution, error),
      onCutOff: () => void this.#handleCutOff(contribution, engine),
      onReplaced: (error) => void this.#handleReplaced(contribution, engine, error),
    });
    return contribution;
  }

  async #storedCheckpoint() {
    const device = await this.#whenOpen();
    const networkId = networkIdOf(await device.network());
    return this.#options.dependencies.storedCheckpoint({ device: device.key.address, networkId });
  }

  /** Without its worker a contribution cannot even be asked to stop, so all of it is thrown away. */
  async #handleCrash(contribution: Contribution, error: Error): Promise<void> {
    await this.#release(contribution, error);
    this.#fail(error.message, 'Your last stored round is safe. Contribute again to go on from it.');
  }

  /**
   * Another chain stands behind the node's address. The network may be starting anew, so this reads the
   * network file again for a while, and joins what it names once that answers. A click ends the search.
   */
  async #handleReplaced(contribution: Contribution, engine: EngineChoice, error: Error): Promise<void> {
    const wanted = this.#view.phase.kind === 'contributing';
    // Its number means another swarm on another chain, or none.
    this.#choose(null);
    await this.#release(contribution, error);
    if (!wanted) {
      this.#fail(error.message, 'Nothing is lost. Contribute again to join the new network.');
      return;
    }
    const remedy = 'This device looks for the new network for two minutes. Nothing needs doing.';
    const searching: Phase = { kind: 'failed', cause: error.message, remedy };
    this.#phase(searching);
    for (let look = 0; look < LOOKS; look++) {
      await this.#options.sleep(LOOK_EVERY_MS);
      const found = await this.#isNetworkThere();
      if (this.#view.phase !== searching || this.#contribution !== null) return;
      if (!found) continue;
      const text = 'Another chain stood behind the node’s address. This device joined the network there now.';
      await this.#contributeAgain(engine, text);
      return;
    }
    this.#fail(error.message, 'No new network was found. Start the network, then contribute again.');
  }

  /**
   * The device reaches no relay and no peer. The relays may have moved, so this reads the network file now
   * and then while that lasts, and joins again once it names others.
   */
  async #handleCutOff(contribution: Contribution, engine: EngineChoice): Promise<void> {
    if (this.#cutOff === contribution) return;
    this.#cutOff = contribution;
    const isCutOff = () => this.#contribution === contribution && contribution.cutOff;
    while (isCutOff()) {
      await this.#options.sleep(LOOK_AGAIN_MS);
      if (!isCutOff() || !(await this.#haveRelaysMoved(contribution))) continue;
      if (!isCutOff() || this.#view.phase.kind !== 'contributing') continue;
      await this.#release(contribution, new DOMException('The relays have moved.', 'AbortError'));
      const moved = 'The relays have moved. This device has joined the network again.';
      // The page's policy names the relays of when it was loaded, and every port of this machine.
      const remedy = ' Reload the page if none can be reached: it may talk to those it was loaded with only.';
      await this.#contributeAgain(engine, this.#view.network?.local === true ? moved : moved + remedy);
    }
    if (this.#cutOff === contribution) this.#cutOff = null;
  }

  async #haveRelaysMoved({ relays }: Contribution): Promise<boolean> {
    const { base, fetcher } = this.#options;
    const file = fetchNetwork(new URL('network.json', base), { fetch: fetcher });
    const named = await file.catch(() => null);
    return named !== null && named.relays.join(' ') !== relays.join(' ');
  }

  async #contributeAgain(engine: EngineChoice, notice: string): Promise<void> {
    await this.contribute(engine);
    if (this.#contribution !== null) this.#emit({ kind: 'notice', text: notice });
  }

  /** Whether the network that the file names now has its contracts. */
  async #isNetworkThere(): Promise<boolean> {
    try {
      const { network, key } = await this.credentials();
      const chain = await this.#options.dependencies.openChain(network, key);
      await chain.stop();
      return true;
    } catch {
      return false;
    }
  }

  async #handleTabLost(): Promise<void> {
    const contribution = this.#contribution;
    this.#options.memory.set(null);
    const reason = new DOMException('Another tab took over.', 'AbortError');
    await Promise.all([
      this.#options.onKeyLost().catch(() => undefined),
      contribution === null ? undefined : this.#release(contribution, reason),
    ]);
    this.#phase({ kind: 'elsewhere' });
  }

  async #end(contribution: Contribution, phase: Phase): Promise<void> {
    if (this.#contribution !== contribution) return;
    await this.#release(contribution);
    this.#phase(phase);
  }

  async #release(contribution: Contribution, reason?: Error): Promise<void> {
    await contribution.release(reason);
    if (this.#contribution === contribution) this.#contribution = null;
  }

  #failWithoutStorage(remedy: string): void {
    this.#fail(NO_STORAGE, remedy);
  }

  #fail(cause: string, remedy: string): void {
    this.#options.memory.set(null);
    this.#phase({ kind: 'failed', cause, remedy });
  }

  #phase(phase: Phase): void {
    this.#emit({ kind: 'phase', phase });
  }

  #emit(event: VolunteerEvent): void {
    const before = this.#view;
    this.#view = reduceVolunteer(before, event);
    if (event.kind !== 'history' && this.#view.history !== before.history) {
      const known = new Set(before.history);
      const changed = this.#view.history.filter((record) => !known.has(record));
      for (const record of changed) this.#opened?.saveRound(record, this.#view.totals);
    }
    for (const listener of this.#listeners) listener(event);
  }
}
