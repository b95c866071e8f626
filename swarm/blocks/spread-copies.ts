/** Makes the numbers of copies of blocks alike where devices have no room for all copies. */
import type { DeviceAddress } from '../../protocol/hex.ts';
import { type BlockKeepers, type BlockNeed, type Candidate, isSameHand, KEEPERS } from './candidates.ts';

/**
 * Moves blocks between the devices of a placement, so that no block has fewer copies than there can be for
 * all. `candidates` have all their room, as if they held nothing. Two moves make one copy more of a block:
 *
 * - A keeper of a block with two copies more takes the copy in that block's place.
 * - A device with room that only other blocks can use takes over a block of a keeper, which takes the copy.
 *
 * Better a second stranger than a copy less, but only where nobody else can.
 */
export function spreadCopies(
  blocks: readonly BlockNeed[],
  candidates: readonly Candidate[],
  placed: ReadonlyMap<string, BlockKeepers>,
): ReadonlyMap<string, BlockKeepers> {
  const copies = new Copies(blocks, candidates, placed);
  for (let wanted = 1; wanted <= KEEPERS; wanted++)
    for (const block of blocks) while (copies.of(block).length < wanted && copies.add(block));
  return new Map(
    [...placed].map(([id, { spare }]) => {
      const keepers = copies.of({ id }).map(({ device }) => device);
      const isFree = spare !== undefined && !keepers.includes(spare);
      return [id, { keepers, spare: isFree ? spare : undefined, missing: KEEPERS - keepers.length }];
    }),
  );
}

class Copies {
  readonly #blocks: readonly BlockNeed[];
  /** By address, so that every device finds the same moves. */
  readonly #candidates: readonly Candidate[];
  readonly #keepers: Map<string, readonly Candidate[]>;
  /** Bytes that each device has left. */
  readonly #room: Map<DeviceAddress, number>;
  /** Whether a block may have a second keeper without a record. */
  #takesStrangers = false;

  constructor(
    blocks: readonly BlockNeed[],
    candidates: readonly Candidate[],
    placed: ReadonlyMap<string, BlockKeepers>,
  ) {
    this.#blocks = blocks;
    this.#candidates = [...candidates].sort((a, b) => (a.device < b.device ? -1 : 1));
    const byDevice = new Map(candidates.map((each) => [each.device, each]));
    this.#room = new Map(candidates.map(({ device, freeBytes }) => [device, freeBytes]));
    this.#keepers = new Map();
    for (const { id, bytes } of blocks) {
      const devices = placed.get(id)?.keepers ?? [];
      this.#keepers.set(
        id,
        devices.flatMap((device) => byDevice.get(device) ?? []),
      );
      for (const device of devices) this.#use(device, bytes);
    }
  }

  of({ id }: Pick<BlockNeed, 'id'>): readonly Candidate[] {
    return this.#keepers.get(id) ?? [];
  }

  /** Makes one copy more of a block. Returns whether that was possible. */
  add(wanted: BlockNeed): boolean {
    return [false, true].some((takesStrangers) => {
      this.#takesStrangers = takesStrangers;
      return this.#replace(wanted) || this.#passOn(wanted);
    });
  }

  #replace(wanted: BlockNeed): boolean {
    return this.#blocks
      .filter((moved) => this.of(moved).length >= this.of(wanted).length + 2)
      .some((moved) => this.of(moved).some((giver) => this.#exchange(giver, moved, wanted)));
  }

  #passOn(wanted: BlockNeed): boolean {
    return this.#candidates.some((taker) => this.#blocks.some((moved) => this.#pass(moved, taker, wanted)));
  }

  /** A device takes over a block of a keeper that takes the wanted one. Returns whether both can. */
  #pass(moved: BlockNeed, taker: Candidate, wanted: BlockNeed): boolean {
    if (moved.id === wanted.id || this.#roomOf(taker) < moved.bytes) return false;
    for (const giver of this.of(moved)) {
      const rest = this.of(moved).filter((each) => each !== giver);
      if (taker === giver || !this.#mayKeep(taker, moved, rest) || !this.#exchange(giver, moved, wanted))
        continue;
      this.#keepers.set(moved.id, [...rest, taker]);
      this.#use(taker.device, moved.bytes);
      return true;
    }
    return false;
  }

  /** Gives a device the wanted block in place of another one. Returns whether it can keep that. */
  #exchange(giver: Candidate, moved: BlockNeed, wanted: BlockNeed): boolean {
    if (this.#roomOf(giver) + moved.bytes < wanted.bytes) return false;
    if (!this.#mayKeep(giver, wanted, this.of(wanted))) return false;
    this.#keepers.set(
      moved.id,
      this.of(moved).filter((each) => each !== giver),
    );
    this.#keepers.set(wanted.id, [...this.of(wanted), giver]);
    this.#use(giver.device, wanted.bytes - moved.bytes);
    return true;
  }

  #roomOf({ device }: Candidate): number {
    return this.#room.get(device) ?? 0;
  }

  #use(device: DeviceAddress, bytes: number): void {
    this.#room.set(device, (this.#room.get(device) ?? 0) - bytes);
  }

  /** Whether a device may keep a block beside these: of one hand with none, and no second stranger. */
  #mayKeep(candidate: Candidate, { id }: BlockNeed, others: readonly Candidate[]): boolean {
    if (candidate.refuses.has(id) || others.some((each) => isSameHand(candidate, each))) return false;
    return this.#takesStrangers || candidate.hasRecord || others.every(({ hasRecord }) => hasRecord);
  }
}
