import type { FetchDependencies } from '../content/peer-client.ts';
import type { BlockVersion } from '../messages/block-announcement.ts';
import { wait } from '../scheduler.ts';
import { ANNOUNCE_MS } from './announcer.ts';
import type { BlockMember, Holders } from './holders.ts';
import { probe } from './probe.ts';

/** Milliseconds in which the word of a device that has let a version go arrives. */
const DOUBT_MS = 5_000;

export interface ProberOptions {
  readonly dependencies: FetchDependencies;
  readonly holders: Holders;
  /** 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Called after a device was found not to have what it acknowledged. */
  readonly onFalse: () => void;
}

/** Asks devices to show what they say that they hold, and notes those that cannot. */
export class Prober {
  readonly #options: ProberOptions;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Asks one device, drawn at random, for a random chunk of a version of these blocks. */
  async askOne(blocks: ReadonlySet<string>): Promise<void> {
    const { holders, random } = this.#options;
    const claims = holders.claimsOf(blocks);
    const drawn = claims[Math.floor(random() * claims.length)];
    if (drawn !== undefined) await this.ask(drawn.member, drawn.version);
  }

  /** Asks a device for a random chunk of a version. Never rejects. */
  async ask(member: BlockMember, version: BlockVersion): Promise<void> {
    const { dependencies, holders, random, signal, onFalse } = this.#options;
    const { store, scheduler } = dependencies;
    const askedAt = scheduler.now();
    try {
      const manifest = await store.manifest(version.version);
      const asked = { peerId: member.peerId, cid: version.version, manifest, draw: random(), signal };
      const result = await probe(dependencies, asked);
      if (result === 'held') {
        holders.falseAcknowledgements.answered(member.device);
        return;
      }
      // It may have left, or have let the version go. Whoever says afterwards that it holds it is wrong.
      const isSilent = result === 'silent' || result === 'busy';
      await wait(scheduler, isSilent ? ANNOUNCE_MS + DOUBT_MS : DOUBT_MS, signal);
      if (!holders.saysItHolds(member.device, version, isSilent ? askedAt : undefined)) return;
      if (isSilent) holders.falseAcknowledgements.silent(member.device, version);
      else holders.falseAcknowledgements.found(member.device, version);
      onFalse();
    } catch {
      // This device has stopped, or its own store fails: nothing is known of the other.
    }
  }
}
