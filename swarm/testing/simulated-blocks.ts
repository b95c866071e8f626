import { createHash } from 'node:crypto';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { philox4x32, uniformOf } from '../../protocol/philox.ts';
import type { Announcements } from '../blocks/announcements.ts';
import { BlockKeeper, type BlockKeeperOptions } from '../blocks/block-keeper.ts';
import { BlockStore } from '../blocks/block-store.ts';
import type { BlockMember } from '../blocks/holders.ts';
import { type ConfirmedVersion, neededVersions, type RunRecord } from '../blocks/needed-versions.ts';
import type { Hash } from '../content/manifest.ts';
import { serveContent } from '../content/server.ts';
import type { BlocksBody, VersionPlace } from '../messages/block-announcement.ts';
import { MemoryFiles } from './memory-files.ts';
import { type Link, SimulatedLinks } from './simulated-links.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

/** Bytes a millisecond at 40 Mbit/s. */
export const BYTES_PER_MS = 5_000;
const LINK: Link = { bytesPerMs: BYTES_PER_MS, latencyMs: 25 };
/** Milliseconds without a hello after which a device counts as gone ([P-69]). */
const GONE_MS = 30_000;
const GOSSIP_MS = 100;

/** Synchronous, so that a simulated clock does not run past it. */
const simulatedHash: Hash = async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());

/** A disk with a key: what is left of a device when its tab is closed. */
export interface SimulatedDisk {
  readonly member: BlockMember;
  readonly files: MemoryFiles;
  quotaBytes: number;
}

export interface SimulatedDevice {
  readonly disk: SimulatedDisk;
  readonly keeper: BlockKeeper;
  readonly store: BlockStore;
  readonly announced: { last: BlocksBody | undefined };
  leave(): Promise<void>;
}

export interface SimulatedRunOptions {
  readonly blocks: readonly { readonly id: string; readonly versionBytes: number }[];
  readonly seed: number;
  /** Makes each byte on a link count as many. Defaults to 1. */
  readonly scale?: number;
  /** As of `BlockKeeper`. */
  readonly checkMs?: number;
  readonly fetch?: BlockKeeperOptions['fetch'];
}

/** A run in blocks whose devices come and go, on a simulated clock. Trainer and chain are played by it. */
export class SimulatedBlocks {
  readonly scheduler = new SimulatedScheduler();
  readonly links: SimulatedLinks;
  readonly there = new Map<DeviceAddress, SimulatedDevice>();
  readonly record: { confirmed: readonly ConfirmedVersion[]; claims: readonly number[] } = {
    confirmed: [],
    claims: [],
  };
  /** Files that a device has fetched whole, and whether it held that version already. */
  readonly fetches: (VersionPlace & { readonly device: DeviceAddress; readonly hadIt: boolean })[] = [];
  readonly #options: SimulatedRunOptions;
  readonly #lastSeen = new Map<DeviceAddress, { readonly member: BlockMember; readonly at: number }>();
  readonly #listeners = new Map<DeviceAddress, Parameters<Announcements['listen']>[0]>();
  #draws = 0;
  #devices = 0;

  constructor(options: SimulatedRunOptions) {
    this.#options = options;
    this.links = new SimulatedLinks(this.scheduler, options.scale);
  }

  /** 0 to 1, the same in every run of the seed. */
  random = (): number => uniformOf(philox4x32([this.#draws++, 0, 0, 0], [this.#options.seed, 0])[0]);

  /** A device that nobody knows yet. `quotaBytes` defaults to no limit. */
  newDisk(quotaBytes = 2 ** 40): SimulatedDisk {
    const n = ++this.#devices;
    const device: DeviceAddress = `0x${n.toString(16).padStart(40, '0')}`;
    const member = { device, peerId: `peer ${n}`, account: device, prefixes: [`${n}`], hasRecord: true };
    return { member, files: new MemoryFiles(), quotaBytes };
  }

  /** Opens a tab on this disk. */
  async join(
    disk: SimulatedDisk,
    change: Partial<Pick<BlockKeeperOptions, 'role' | 'rootOf' | 'latencyClass'>> & {
      readonly announcements?: (own: Announcements) => Announcements;
    } = {},
  ): Promise<SimulatedDevice> {
    const { member, files, quotaBytes } = disk;
    const { scheduler, links } = this;
    const transport = links.transport(member.peerId, LINK);
    const store = await BlockStore.open({ files, quotaBytes, hash: simulatedHash });
    const stopServing = await serveContent({ store: store.content, transport, scheduler });
    const announced: SimulatedDevice['announced'] = { last: undefined };
    const { announcements, ...rest } = change;
    const own = this.#announcements(member.device, announced);
    const keeper = BlockKeeper.start({
      run: 'simulated:0',
      self: member,
      blocks: this.#options.blocks.map((block) => ({ ...block, frozenBytes: 0 })),
      store,
      announcements: announcements?.(own) ?? own,
      transport,
      scheduler,
      random: this.random,
      members: () => this.#members(member.device),
      record: () => this.record,
      rootOf: async ({ block, step }, bytes) => {
        this.fetches.push({
          device: member.device,
          block,
          step,
          hadIt: store.get({ block, step }) !== undefined,
        });
        return rootOf(block, step, bytes);
      },
      checkMs: this.#options.checkMs,
      fetch: this.#options.fetch,
      hash: simulatedHash,
      ...rest,
    });
    const device: SimulatedDevice = {
      disk,
      keeper,
      store,
      announced,
      leave: async () => {
        this.#lastSeen.set(member.device, { member, at: scheduler.now() });
        this.there.delete(member.device);
        this.#listeners.delete(member.device);
        keeper.stop();
        links.cut(member.peerId);
        await stopServing();
      },
    };
    this.there.set(member.device, device);
    return device;
  }

  /** Gives a device the first versions, as the one that started the run. */
  async startRun(device: SimulatedDevice): Promise<void> {
    for (const { id, versionBytes } of this.#options.blocks) {
      const bytes = contentOf(id, 0, versionBytes);
      await device.store.put({ block: id, step: 0, root: rootOf(id, 0, bytes) }, bytes);
    }
    this.confirm(0);
  }

  /** The run agrees on all blocks of a step. Older ones that no claim names are forgotten. */
  confirm(step: number): void {
    const added = this.#options.blocks.map(({ id, versionBytes }) => ({
      block: id,
      step,
      root: rootOf(id, step, contentOf(id, step, versionBytes)),
    }));
    const kept = this.record.confirmed.filter(
      (each) => each.step > step - 4 || this.record.claims.includes(each.step),
    );
    this.record.confirmed = [...kept, ...added];
    for (const { keeper } of this.there.values()) keeper.wake();
  }

  /**
   * Takes one step: every device that holds the newest version of a block computes the next one, each in its
   * own time up to `maxMs`. The step is confirmed once it is there for all blocks.
   */
  async step(maxMs: number): Promise<void> {
    const { scheduler } = this;
    const next = this.newestStep() + 1;
    const done = new Set<string>();
    for (const { id, versionBytes } of this.#options.blocks) {
      for (const { store, keeper } of this.there.values()) {
        if (store.get({ block: id, step: next - 1 }) === undefined) continue;
        const computation = keeper.begin({ block: id, step: next });
        if (computation === undefined) continue;
        const bytes = contentOf(id, next, versionBytes);
        scheduler.after(this.random() * maxMs, () => {
          const stored = computation.store(rootOf(id, next, bytes), bytes);
          stored.then(
            () => {
              done.add(id);
              if (done.size === this.#options.blocks.length && this.newestStep() < next) this.confirm(next);
            },
            () => undefined,
          );
        });
      }
    }
    await scheduler.advance(maxMs);
  }

  newestStep(): number {
    return this.record.confirmed.reduce((newest, { step }) => Math.max(newest, step), 0);
  }

  /** How many devices that are there hold each version that the run needs. */
  replicas(): readonly { readonly version: ConfirmedVersion; readonly count: number }[] {
    return neededVersions(this.record as RunRecord).map((version) => {
      const holders = [...this.there.values()].filter(
        ({ store }) => store.get(version)?.root === version.root,
      );
      return { version, count: holders.length };
    });
  }

  /** Whoever was there within the last 30 s, as presence has it. */
  #members(self: DeviceAddress): readonly BlockMember[] {
    const members: BlockMember[] = [];
    for (const [device, { disk }] of this.there) if (device !== self) members.push(disk.member);
    for (const [device, { member, at }] of this.#lastSeen) {
      if (this.scheduler.now() - at >= GONE_MS) this.#lastSeen.delete(device);
      else if (!this.there.has(device) && device !== self) members.push(member);
    }
    return members;
  }

  #announcements(device: DeviceAddress, announced: SimulatedDevice['announced']): Announcements {
    return {
      publish: async (body) => {
        announced.last = body;
        this.scheduler.after(GOSSIP_MS, () => {
          for (const [other, listener] of this.#listeners) {
            if (other !== device) listener({ device, body, placing: { rank: 1, group: device } });
          }
        });
      },
      listen: (listener) => {
        this.#listeners.set(device, listener);
        return () => this.#listeners.delete(device);
      },
    };
  }
}

/** The bytes of a version. They differ between blocks and steps. */
export function contentOf(block: string, step: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const name = new TextEncoder().encode(`${block} ${step}`);
  const seed = createHash('sha256').update(name).digest();
  for (let at = 0; at < size; at += 4096) bytes.set(seed.subarray(0, Math.min(32, size - at)), at);
  for (let at = 32; at < size; at += 4096) bytes[at] = (at >> 12) & 255;
  return bytes;
}

/** Stands for the root over tensors: it depends on every byte, the block and the step. */
export function rootOf(block: string, step: number, bytes: Uint8Array): Hex {
  return toHex(createHash('sha256').update(`${block} ${step}\n`).update(bytes).digest());
}
