import type { DeviceAddress } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { BoundedMap } from '../bounded-map.ts';
import { ContentError } from '../content/content-error.ts';
import { type Hash, webHash } from '../content/manifest.ts';
import type { FetchDependencies } from '../content/peer-client.ts';
import type { ContentTransport } from '../content/transport.ts';
import type { BlocksBody, BlockVersion, VersionPlace } from '../messages/block-announcement.ts';
import { LIMITS } from '../messages/limits.ts';
import { every, type Scheduler } from '../scheduler.ts';
import type { Announcements } from './announcements.ts';
import { ANNOUNCE_MS, Announcer, type Said } from './announcer.ts';
import { BlockStoreFullError } from './block-files.ts';
import type { BlockStore, HeldVersion } from './block-store.ts';
import type { BlockKeepers, BlockNeed, Candidate } from './candidates.ts';
import { Discards } from './discards.ts';
import { fetchVersion, type RootOf, WrongVersionError } from './fetch-version.ts';
import { type BlockMember, Holders } from './holders.ts';
import { placeBlocks } from './keepers.ts';
import {
  type BlockRoom,
  type ConfirmedVersion,
  isObsolete,
  neededVersions,
  type RunRecord,
  roomFor,
} from './needed-versions.ts';
import { placeKey } from './place-key.ts';
import { Prober } from './prober.ts';
import { Refusals } from './refusals.ts';
import { type Repair, repairsOf } from './repair.ts';

export interface BlockKeeperOptions {
  /** The network id. Keepers of one block differ between networks. */
  readonly run: string;
  readonly self: BlockMember;
  /** The plan's blocks, in its order. */
  readonly blocks: readonly (BlockRoom & { readonly id: string })[];
  readonly store: BlockStore;
  readonly announcements: Announcements;
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /** 0 to 1. Spreads answers and draws chunks. Defaults to Math.random. */
  readonly random?: () => number;
  /** The other devices that are there now, as presence and the chain say. */
  readonly members: () => readonly BlockMember[];
  /** What the run has agreed on. Read at every check. */
  readonly record: () => RunRecord;
  readonly rootOf: RootOf;
  /** Defaults to `keeper`. */
  readonly role?: 'keeper' | 'guest';
  /** 0 to 3. Defaults to 0. */
  readonly latencyClass?: () => number;
  /** Milliseconds between checks when nothing happens. Defaults to 5,000. */
  readonly checkMs?: number;
  /** Defaults to `webHash`. */
  readonly hash?: Hash;
  readonly fetch?: Pick<FetchDependencies, 'timeout'>;
}

/** A version that this device computes. Until it ends, the device does not fetch that version. */
export interface Computation {
  /** Resolves once the version is on the medium. Rejects with BlockStoreError. */
  store(root: HeldVersion['root'], bytes: Uint8Array): Promise<HeldVersion>;
  /** The step was not finished here: the version may be fetched. */
  abandon(): void;
}

/** What a device has done for the blocks of a run, since it started. */
export interface BlockKeeperCounts {
  readonly fetched: number;
  readonly computed: number;
  /** Contents that were not what the run confirmed. */
  readonly refusedContents: number;
  /** Versions that another device had acknowledged and did not have. */
  readonly falseAcknowledgements: number;
}

const CHECK_MS = 5_000;
const PROBE_MS = 60_000;
/** Milliseconds after which a version that is still being computed may be fetched. */
const COMPUTE_MS = 600_000;
/** Versions fetched at the same time. */
const PARALLEL = 2;

/**
 * Keeps this device's share of a run's blocks: fetches what it should hold, deletes what nobody needs, says
 * what it holds, and asks others to show what they say. It decides by itself, from what it hears, and asks
 * nobody. Two devices that hear different things may both keep a block, and then one of them lets go.
 */
export class BlockKeeper {
  readonly #options: BlockKeeperOptions;
  readonly #holders: Holders;
  readonly #needs: readonly BlockNeed[];
  readonly #dependencies: Omit<FetchDependencies, 'store'>;
  readonly #fetching = new Map<string, { readonly version: BlockVersion; readonly end: AbortController }>();
  /** Blocks of versions that are being computed, by the version's place. */
  readonly #computing = new Map<string, string>();
  readonly #refusals: Refusals;
  readonly #ended = new AbortController();
  readonly #announcer: Announcer;
  readonly #prober: Prober;
  readonly #stops: (() => void)[] = [];
  /** Devices that were told once what is held here. */
  readonly #greeted = new BoundedMap<DeviceAddress, true>(1024);
  /** Contents that turned out to be no version of the run. They are not fetched again. */
  readonly #wrong = new BoundedMap<string, true>(1024);
  readonly #discards: Discards;
  readonly #startedAt: number;
  #role: BlocksBody['role'];
  #fetched = 0;
  #computed = 0;
  #refusedContents = 0;
  #cancelCheck: (() => void) | undefined;
  #checking = false;
  /** Why the last check failed. */
  #failure: string | undefined;

  private constructor(options: BlockKeeperOptions) {
    const { scheduler, members, transport, announcements, hash = webHash, random = Math.random } = options;
    this.#options = options;
    this.#role = options.role ?? 'keeper';
    this.#startedAt = scheduler.now();
    this.#holders = new Holders({ now: () => scheduler.now(), members });
    this.#needs = options.blocks.map((block) => ({ id: block.id, bytes: roomFor(block) }));
    this.#announcer = new Announcer({ announcements, scheduler, random, body: () => this.#body() });
    this.#refusals = new Refusals(() => scheduler.now());
    this.#discards = new Discards(options.store, () => scheduler.now());
    this.#dependencies = { transport, scheduler, hash, ...options.fetch };
    this.#prober = new Prober({
      dependencies: { ...this.#dependencies, store: options.store.content },
      holders: this.#holders,
      random,
      signal: this.#ended.signal,
      onFalse: () => this.wake(),
    });
  }

  /** Starts to keep blocks, and announces what the store holds. */
  static start(options: BlockKeeperOptions): BlockKeeper {
    const keeper = new BlockKeeper(options);
    const { scheduler, announcements, checkMs = CHECK_MS } = options;
    keeper.#stops.push(
      announcements.listen((announcement) => {
        const isNews = keeper.#holders.hear(announcement);
        if (announcement.body.asks) keeper.#announcer.answer();
        if (isNews) keeper.wake();
      }),
      every(scheduler, checkMs, () => keeper.wake()),
      every(scheduler, PROBE_MS, () => void keeper.#prober.askOne(keeper.#watched())),
    );
    keeper.#announcer.announce({ asks: true });
    keeper.wake();
    return keeper;
  }

  /** Looks at everything again soon, as after the run has confirmed a version. */
  wake(): void {
    if (this.#ended.signal.aborted) return;
    this.#cancelCheck ??= this.#options.scheduler.after(0, () => {
      this.#cancelCheck = undefined;
      void this.#check();
    });
  }

  /** Who keeps which block, as this device sees it. */
  placement(): ReadonlyMap<string, BlockKeepers> {
    const own = this.#role === 'keeper' ? [this.#ownCandidate()] : [];
    return placeBlocks(this.#options.run, this.#needs, [...own, ...this.#holders.candidates()]);
  }

  /** The other devices that are there and say that they hold a version with this root. */
  holdersOf(version: ConfirmedVersion): readonly DeviceAddress[] {
    return [...this.#holders.sourcesOf(version).values()].flat().map(({ device }) => device);
  }

  /**
   * Begins to compute a version that this device keeps. Undefined when it holds that version already, is
   * fetching or computing it, or keeps nothing of the block: then there is nothing to store. Undefined, too,
   * while it has to delete other blocks first.
   */
  begin({ block, step }: VersionPlace): Computation | undefined {
    const { store } = this.#options;
    const place = { block, step };
    const key = placeKey(place);
    const isBusy = this.#fetching.has(key) || this.#computing.has(key);
    if (isBusy || store.get(place) !== undefined || !this.#keeps(block)) return undefined;
    if (!this.#hasRoomFor(block)) return undefined;
    this.#computing.set(key, block);
    const end = (): void => {
      cancel();
      this.#computing.delete(key);
      this.wake();
    };
    const cancel = this.#options.scheduler.after(COMPUTE_MS, end);
    return {
      store: async (root, bytes) => {
        try {
          const held = await store.put({ ...place, root }, bytes);
          this.#computed++;
          this.#refusals.succeeded(block);
          this.#announcer.changed();
          return held;
        } catch (error) {
          if (error instanceof BlockStoreFullError) this.#refuse(block, error);
          throw error;
        } finally {
          end();
        }
      },
      abandon: end,
    };
  }

  /**
   * How each version that the run needs can be had now. Empty until this device has heard of others for one
   * interval of announcements.
   */
  repairs(): readonly Repair[] {
    const { blocks, record, scheduler } = this.#options;
    if (scheduler.now() - this.#startedAt < ANNOUNCE_MS) return [];
    const { confirmed } = record();
    return repairsOf({
      blocks: blocks.map(({ id }) => id),
      confirmed,
      needed: neededVersions(record()),
      isHeld: (version) => this.#holdsExactly(version) || this.#holders.isHeld(version),
    });
  }

  /** Why this device does not keep a block that it was asked to, in words. */
  problems(): readonly string[] {
    const blocks = this.#refusals
      .current()
      .map(({ block, problem }) => `Block ${block} is not kept here. ${problem}`);
    return this.#failure === undefined ? blocks : [...blocks, this.#failure];
  }

  counts(): BlockKeeperCounts {
    return {
      fetched: this.#fetched,
      computed: this.#computed,
      refusedContents: this.#refusedContents,
      falseAcknowledgements: this.#holders.falseAcknowledgements.counted,
    };
  }

  /** Says that this device is about to leave, so that others fetch while it is still there. */
  retire(): void {
    this.#role = 'leaving';
    this.#announcer.changed();
  }

  /** Ends at once. What is on the medium stays there. */
  stop(): void {
    this.#ended.abort(new DOMException('Stopped.', 'AbortError'));
    for (const stop of this.#stops) stop();
    this.#cancelCheck?.();
    this.#announcer.stop();
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    this.#failure = undefined;
    try {
      this.#greet();
      await this.#options.store.dropDamaged();
      const placement = this.placement();
      this.#fetchMissing(placement);
      await this.#deleteUnneeded(placement);
    } catch (error) {
      this.#failure = `Blocks could not be looked after: ${messageOf(error)} It is tried again in some seconds.`;
    } finally {
      this.#checking = false;
      this.#announcer.changed();
    }
  }

  /** Tells devices that have come what is held here: what was said before went to nobody. */
  #greet(): void {
    for (const { device } of this.#options.members()) {
      if (!this.#greeted.has(device)) this.#announcer.answer();
      this.#greeted.set(device, true);
    }
  }

  #fetchMissing(placement: ReadonlyMap<string, BlockKeepers>): void {
    const { record, store, self } = this.#options;
    const needed = neededVersions(record());
    for (const [key, { version, end }] of this.#fetching) {
      if (!needed.some((each) => placeKey(each) === key && each.root === version.root)) end.abort();
    }
    for (const wanted of needed) {
      if (this.#fetching.size >= PARALLEL) return;
      const key = placeKey(wanted);
      const isMine = placement.get(wanted.block)?.keepers.includes(self.device) === true;
      if (!isMine || store.get(wanted) !== undefined || !this.#hasRoomFor(wanted.block)) continue;
      if (this.#fetching.has(key) || this.#computing.has(key)) continue;
      const [best] = [...this.#holders.sourcesOf(wanted)]
        .filter(([content]) => !this.#wrong.has(content))
        .sort(([a, of], [b, others]) => weightOf(others) - weightOf(of) || (a < b ? -1 : 1));
      if (best !== undefined) void this.#fetchOne({ ...wanted, version: best[0] }, best[1]);
    }
  }

  async #fetchOne(version: BlockVersion, from: readonly BlockMember[]): Promise<void> {
    const { store, rootOf } = this.#options;
    const key = placeKey(version);
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, this.#ended.signal]);
    this.#fetching.set(key, { version, end });
    try {
      const sources = this.#shuffled(from).map(({ peerId }) => peerId);
      const maxBytes = this.#options.blocks.find(({ id }) => id === version.block)?.versionBytes ?? 0;
      await fetchVersion({ ...this.#dependencies, store, rootOf }, version, { sources, maxBytes, signal });
      this.#fetched++;
      this.#refusals.succeeded(version.block);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof BlockStoreFullError) this.#refuse(version.block, error);
      else if (error instanceof WrongVersionError) {
        this.#refusedContents++;
        this.#wrong.set(version.version, true);
        for (const { device } of from) this.#holders.falseAcknowledgements.found(device, version);
      } else if (error instanceof ContentError) {
        for (const member of from) void this.#prober.ask(member, version);
      } else this.#refuse(version.block, error);
    } finally {
      this.#fetching.delete(key);
      this.wake();
    }
  }

  /** Deletes what the run does not need, and what all three keepers of a block have. */
  async #deleteUnneeded(placement: ReadonlyMap<string, BlockKeepers>): Promise<void> {
    const { record, self } = this.#options;
    const now = record();
    const needsRoom = [...placement].some(
      ([block, { keepers }]) => keepers.includes(self.device) && !this.#hasRoomFor(block),
    );
    const isKept = (version: HeldVersion): boolean => {
      const place = placement.get(version.block);
      // A block that the plan does not have.
      if (place === undefined || isObsolete(version, now)) return false;
      const isMine = place.keepers.includes(self.device) || place.spare === self.device;
      const isWithAll = place.keepers.every((device) => this.#holders.saysItHolds(device, version));
      // A copy more than planned stays while copies are missing, but not where another block has none.
      return isMine || (place.missing > 0 && !needsRoom) || !isWithAll || place.keepers.length === 0;
    };
    const fetching = new Set([...this.#fetching.values()].map(({ version }) => version.version));
    await this.#discards.discard(isKept, fetching);
  }

  /** The blocks that this device keeps or stands by for. */
  #watched(): ReadonlySet<string> {
    const { device } = this.#options.self;
    const mine = [...this.placement()].filter(
      ([, { keepers, spare }]) => keepers.includes(device) || spare === device,
    );
    return new Set(mine.map(([block]) => block));
  }

  #ownCandidate(): Candidate {
    const { self, store, latencyClass = () => 0 } = this.#options;
    const { device, account, prefixes, hasRecord } = self;
    return {
      device,
      account,
      prefixes,
      hasRecord,
      latencyClass: latencyClass(),
      freeBytes: this.#freeBytes(),
      holds: new Set(store.versions().map(({ block }) => block)),
      refuses: new Set(this.#refusals.current().map(({ block }) => block)),
    };
  }

  /** Bytes that are left when every block that is held has all the room that it needs. */
  #freeBytes(): number {
    const { content } = this.#options.store;
    const used = new Map<string, number>();
    for (const { block, size } of this.#options.store.versions()) {
      used.set(block, (used.get(block) ?? 0) + size);
    }
    const need = new Map(this.#needs.map(({ id, bytes }) => [id, bytes]));
    let taken = 0;
    for (const [block, bytes] of used) taken += Math.max(bytes, need.get(block) ?? 0);
    return Math.max(0, Math.floor(content.quotaBytes - taken));
  }

  /** Whether a block is here already, or fits in beside what is here and what is being written. */
  #hasRoomFor(block: string): boolean {
    const need = this.#needs.find(({ id }) => id === block);
    // A block of another plan has no room.
    if (need === undefined) return false;
    const here = new Set(this.#options.store.versions().map((version) => version.block));
    if (here.has(block)) return true;
    const fetched = [...this.#fetching.values()].map(({ version }) => version.block);
    const coming = new Set([...this.#computing.values(), ...fetched]);
    const taken = this.#needs
      .filter(({ id }) => id !== block && coming.has(id) && !here.has(id))
      .reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#freeBytes() - taken >= need.bytes;
  }

  #keeps(block: string): boolean {
    const { self } = this.#options;
    return this.placement().get(block)?.keepers.includes(self.device) === true;
  }

  #holdsExactly({ root, ...place }: ConfirmedVersion): boolean {
    return this.#options.store.get(place)?.root === root;
  }

  #refuse(block: string, error: unknown): void {
    this.#refusals.failed(block, error);
    this.#announcer.changed();
  }

  #body(): Said {
    const { store, latencyClass = () => 0 } = this.#options;
    const held = store
      .versions()
      .filter((version) => !this.#discards.has(version))
      .slice(0, LIMITS.heldVersions)
      .map(({ block, step, version, root }) => ({ block, step, version, root }));
    const refused = this.#refusals.current().map(({ block, reason }) => ({ block, reason }));
    return {
      role: this.#role,
      freeBytes: this.#freeBytes(),
      latencyClass: latencyClass(),
      held,
      refused: refused.slice(0, LIMITS.refusedBlocks),
    };
  }

  #shuffled(members: readonly BlockMember[]): readonly BlockMember[] {
    const { random = Math.random } = this.#options;
    return members
      .map((member) => ({ member, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member);
  }
}

/** How much speaks for a content: devices that the chain knows, and then all others. */
function weightOf(members: readonly BlockMember[]): number {
  const accounts = new Set(members.filter(({ hasRecord }) => hasRecord).map(({ account }) => account));
  return accounts.size * 10_000 + members.length;
}
