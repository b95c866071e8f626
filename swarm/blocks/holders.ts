import type { DeviceAddress } from '../../protocol/hex.ts';
import { FairMap } from '../fair-map.ts';
import type { BlocksBody, BlockVersion } from '../messages/block-announcement.ts';
import type { Announcement } from './announcements.ts';
import type { Candidate } from './candidates.ts';
import { FalseAcknowledgements } from './false-acknowledgements.ts';
import type { ConfirmedVersion } from './needed-versions.ts';

/** A device that is in the swarm now. */
export interface BlockMember {
  readonly device: DeviceAddress;
  /** Its libp2p id, which content is fetched from. */
  readonly peerId: string;
  /** Whoever its places are counted for: its owner, or itself. */
  readonly account: string;
  /** Prefixes of its addresses. Empty where addresses do not count, as on a local network. */
  readonly prefixes: readonly string[];
  /** Whether the chain knows it. */
  readonly hasRecord: boolean;
}

interface Heard extends Pick<Announcement, 'device' | 'body'> {
  /** Local time of the last announcement, milliseconds. */
  readonly at: number;
  readonly blocks: ReadonlySet<string>;
  /** Versions by root, to look them up. */
  readonly roots: ReadonlyMap<string, BlockVersion>;
}

/** Devices whose announcements are remembered. */
const MAX_DEVICES = 1024;

/** What others say that they hold, as far as this device believes it. */
export class Holders {
  readonly falseAcknowledgements: FalseAcknowledgements;
  readonly #heard: FairMap<DeviceAddress, Heard>;
  readonly #members: () => readonly BlockMember[];
  readonly #now: () => number;

  constructor(options: { readonly now: () => number; readonly members: () => readonly BlockMember[] }) {
    this.falseAcknowledgements = new FalseAcknowledgements(options.now);
    this.#heard = new FairMap({ limit: MAX_DEVICES, now: options.now });
    this.#members = options.members;
    this.#now = options.now;
  }

  /** Takes an announcement. Returns whether it says something else than the device's last one. */
  hear({ device, body, placing }: Announcement): boolean {
    const before = this.#heard.get(device);
    if (before !== undefined && isSameBody(before.body, body)) {
      this.#heard.set(device, { ...before, at: this.#now() }, placing);
      return false;
    }
    const roots = new Map(body.held.map((version) => [rootKey(version), version]));
    const blocks = new Set(body.held.map(({ block }) => block));
    this.#heard.set(device, { device, body, blocks, roots, at: this.#now() }, placing);
    return true;
  }

  /** The devices that are there and take blocks. */
  candidates(): readonly Candidate[] {
    return this.#there().flatMap(({ member, heard }): readonly Candidate[] => {
      const { role, latencyClass, freeBytes, refused } = heard.body;
      if (role !== 'keeper') return [];
      const { device, account, prefixes, hasRecord } = member;
      const passedOver = [...heard.blocks].filter((block) => !this.#isBelieved(device, block));
      const refuses = new Set([...refused.map(({ block }) => block), ...passedOver]);
      const holds = heard.blocks;
      return [{ device, account, prefixes, hasRecord, latencyClass, freeBytes, holds, refuses }];
    });
  }

  /** Whether a device that is there, and is believed, says that it holds a version with this root. */
  isHeld(version: ConfirmedVersion): boolean {
    const key = rootKey(version);
    return this.#there().some(
      ({ member, heard }) => heard.roots.has(key) && this.#isBelieved(member.device, version.block),
    );
  }

  /**
   * The devices to fetch a version with this root from, by its content. Those that are not believed are asked
   * only where nobody else has it: what they send is checked like anything else.
   */
  sourcesOf(version: ConfirmedVersion): ReadonlyMap<string, readonly BlockMember[]> {
    const key = rootKey(version);
    const all = this.#there().flatMap(({ member, heard }) => {
      const content = heard.roots.get(key)?.version;
      return content === undefined ? [] : [{ member, content }];
    });
    const believed = all.filter(({ member }) => this.#isBelieved(member.device, version.block));
    const byContent = new Map<string, BlockMember[]>();
    for (const { member, content } of believed.length > 0 ? believed : all) {
      byContent.set(content, [...(byContent.get(content) ?? []), member]);
    }
    return byContent;
  }

  /**
   * Whether a device that is there says that it holds this content of a version. `since` asks for a word of
   * it after that time.
   */
  saysItHolds(device: DeviceAddress, version: BlockVersion, since = Number.NEGATIVE_INFINITY): boolean {
    const heard = this.#heard.get(device);
    if (heard === undefined || heard.at < since) return false;
    if (heard.roots.get(rootKey(version))?.version !== version.version) return false;
    return (
      this.#isBelieved(device, version.block) && this.#members().some((member) => member.device === device)
    );
  }

  /** Every version of these blocks that a device says it holds, with that device. */
  claimsOf(blocks: ReadonlySet<string>): readonly { member: BlockMember; version: BlockVersion }[] {
    return this.#there().flatMap(({ member, heard }) =>
      heard.body.held
        .filter(({ block }) => blocks.has(block) && this.#isBelieved(member.device, block))
        .map((version) => ({ member, version })),
    );
  }

  #isBelieved(device: DeviceAddress, block: string): boolean {
    return !this.falseAcknowledgements.isPassedOver(device, block);
  }

  #there(): readonly { readonly member: BlockMember; readonly heard: Heard }[] {
    return this.#members().flatMap((member) => {
      const heard = this.#heard.get(member.device);
      return heard === undefined ? [] : [{ member, heard }];
    });
  }
}

function rootKey({ block, step, root }: ConfirmedVersion): string {
  return `${block} ${step} ${root}`;
}

/** Whether two announcements say the same of a device. */
function isSameBody(a: BlocksBody, b: BlocksBody): boolean {
  return (
    a.role === b.role &&
    a.freeBytes === b.freeBytes &&
    a.latencyClass === b.latencyClass &&
    a.held.length === b.held.length &&
    a.refused.length === b.refused.length &&
    a.held.every((version, i) => {
      const other = b.held[i];
      return (
        version.version === other?.version &&
        version.step === other.step &&
        version.block === other.block &&
        version.root === other.root
      );
    }) &&
    a.refused.every(
      ({ block, reason }, i) => block === b.refused[i]?.block && reason === b.refused[i]?.reason,
    )
  );
}
