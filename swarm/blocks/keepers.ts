/** Which devices keep a block: rendezvous hashing with weights, in whole numbers alone. */
import { type DeviceAddress, fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { BoundedMap } from '../bounded-map.ts';
import { type BlockKeepers, type BlockNeed, type Candidate, isSameHand, KEEPERS } from './candidates.ts';
import { spreadCopies } from './spread-copies.ts';

/** Devices that stand by for a block. */
const SPARES = 1;
/** Most keepers of a block without a record on the chain, where there are enough others. */
const STRANGERS = 1;
/** Draws of a device by its latency class. A class has half the draws of the one before. */
const DRAWS = [8, 4, 2, 1] as const;
/** Classes of latency: 0 is the fastest. */
export const LATENCY_CLASSES = DRAWS.length;
const DOMAIN = new TextEncoder().encode('starling/block-keeper/1\n');

/**
 * The latency class of a device with this median round trip to its neighbours, in milliseconds: 0 up to 40, 1
 * up to 100, 2 up to 250, 3 above.
 */
export function latencyClassOf(roundTripMs: number): number {
  const limit = [40, 100, 250].findIndex((each) => roundTripMs <= each);
  return limit < 0 ? LATENCY_CLASSES - 1 : limit;
}

/**
 * Chooses the keepers of one block among devices: highest random weight (Thaler and Ravishankar, "Using
 * name-based mappings to increase hit rates", 1998) with one draw for each unit of a device's weight. Every
 * device that knows the same candidates chooses the same. One that joins or leaves moves at most one place
 * of a block, as long as neither owner nor address of it is another candidate's.
 *
 * No two keepers have one account or share a prefix. A device that has no room and does not hold the block,
 * or refuses it, is passed over. At most one keeper is a stranger while enough others can keep the block.
 * `run` keeps blocks of one name in different runs apart. `copies` defaults to KEEPERS. `prefers` puts
 * devices before all others; defaults to none.
 */
export function keepersOf(
  run: string,
  block: BlockNeed,
  candidates: readonly Candidate[],
  copies = KEEPERS,
  prefers: (candidate: Candidate) => boolean = () => false,
): BlockKeepers {
  const able = candidates.filter(
    ({ holds, refuses, freeBytes }) =>
      !refuses.has(block.id) && (holds.has(block.id) || freeBytes >= block.bytes),
  );
  const rankOf = ranking(run, block.id);
  const ranked = able
    .map((candidate) => ({ candidate, rank: rankOf(candidate), isFirst: prefers(candidate) }))
    .sort((a, b) => Number(b.isFirst) - Number(a.isFirst) || compareRanks(b.rank, a.rank))
    .map(({ candidate }) => candidate);
  const chosen: Candidate[] = [];
  const strangers: Candidate[] = [];
  let accepted = 0;
  for (const candidate of ranked) {
    if (chosen.length === copies + SPARES) break;
    if (chosen.some((other) => isSameHand(candidate, other))) continue;
    if (!candidate.hasRecord && accepted === STRANGERS) {
      strangers.push(candidate);
      continue;
    }
    if (!candidate.hasRecord) accepted++;
    chosen.push(candidate);
  }
  // Better a stranger than nobody.
  for (const candidate of strangers) {
    if (chosen.length === copies + SPARES) break;
    if (!chosen.some((other) => isSameHand(candidate, other))) chosen.push(candidate);
  }
  const keepers = chosen.slice(0, copies).map(({ device }) => device);
  return { keepers, spare: chosen[copies]?.device, missing: copies - keepers.length };
}

/**
 * Chooses the keepers of all blocks of a run, in the order given. A device that gets a block which it does
 * not hold has so much less room for the blocks after it. Where there is not room for all copies, every block
 * gets a first keeper before any gets a second one, so that no block is left out for copies of another. Where
 * devices hold copies already that leave no room for a copy of some block, what they hold counts as room,
 * too: whoever holds a block keeps it before others do, a second copy makes room for the block that nobody
 * has, and a third one for the second copy of a block that one device has.
 */
export function placeBlocks(
  run: string,
  blocks: readonly BlockNeed[],
  candidates: readonly Candidate[],
): ReadonlyMap<string, BlockKeepers> {
  const all = placeCopies(run, blocks, candidates, [KEEPERS]);
  if ([...all.values()].every(({ missing }) => missing === 0)) return all;
  const oneByOne = Array.from({ length: KEEPERS }, (_, i) => i + 1);
  const placed = placeCopies(run, blocks, candidates, oneByOne);
  const copies = [...placed.values()].map(({ keepers }) => keepers.length);
  // Nothing that is held makes room for another block's copy then.
  if (Math.max(...copies) <= Math.min(...copies) + 1) return placed;
  const empty = candidates.map((each): Candidate => {
    // Blocks of another plan are no room for this one.
    const held = blocks.filter(({ id }) => each.holds.has(id)).reduce((sum, { bytes }) => sum + bytes, 0);
    return { ...each, freeBytes: each.freeBytes + held, holds: new Set() };
  });
  const holds = new Map(candidates.map((each) => [each.device, each.holds]));
  const moved = placeCopies(
    run,
    blocks,
    empty,
    oneByOne,
    (device, id) => holds.get(device)?.has(id) === true,
  );
  const spread = spreadCopies(blocks, empty, moved);
  return isFairer(spread, placed) ? spread : placed;
}

/** Whether more blocks have a first keeper, or as many and more have a second one, and so on. */
function isFairer(one: ReadonlyMap<string, BlockKeepers>, other: ReadonlyMap<string, BlockKeepers>): boolean {
  const withCopies = (places: ReadonlyMap<string, BlockKeepers>, copies: number) =>
    [...places.values()].filter(({ keepers }) => keepers.length >= copies).length;
  for (let copies = 1; copies <= KEEPERS; copies++) {
    const difference = withCopies(one, copies) - withCopies(other, copies);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Gives every block the first number of keepers, then every block the next number, and so on. */
function placeCopies(
  run: string,
  blocks: readonly BlockNeed[],
  candidates: readonly Candidate[],
  numbers: readonly number[],
  prefers: (device: DeviceAddress, block: string) => boolean = () => false,
): ReadonlyMap<string, BlockKeepers> {
  const room = new Map(candidates.map(({ device, freeBytes }) => [device, freeBytes]));
  const placed = new Map<string, BlockKeepers>();
  for (const copies of numbers) {
    for (const block of blocks) {
      const before = placed.get(block.id)?.keepers ?? [];
      const now = candidates.map((each) => ({
        ...each,
        freeBytes: room.get(each.device) ?? 0,
        // Its room for this block is set aside already.
        holds: before.includes(each.device) ? new Set([...each.holds, block.id]) : each.holds,
      }));
      const { keepers, spare } = keepersOf(run, block, now, copies, ({ device }) =>
        prefers(device, block.id),
      );
      placed.set(block.id, { keepers, spare, missing: KEEPERS - keepers.length });
      for (const { device, holds, freeBytes } of now) {
        if (keepers.includes(device) && !holds.has(block.id)) room.set(device, freeBytes - block.bytes);
        if (before.includes(device) && !keepers.includes(device)) room.set(device, freeBytes + block.bytes);
      }
    }
  }
  return placed;
}

interface Rank {
  /** The best of the device's draws, 32 bits. */
  readonly draw: number;
  /** Decides between equal draws. */
  readonly digest: Uint8Array;
}

/** Digests asked for lately, by block and device. They take longer than all else here. */
const known = new BoundedMap<string, BoundedMap<DeviceAddress, Uint8Array>>(64);

/** Ranks the devices for one block. */
function ranking(run: string, block: string): (candidate: Candidate) => Rank {
  const name = `${run}\n${block}\n`;
  const digests = known.get(name) ?? new BoundedMap<DeviceAddress, Uint8Array>(2048);
  known.set(name, digests);
  return ({ device, latencyClass }) => {
    const digest = digests.get(device) ?? sha256Of(DOMAIN, new TextEncoder().encode(name), fromHex(device));
    digests.set(device, digest);
    const view = new DataView(digest.buffer, digest.byteOffset);
    let draw = 0;
    for (let i = 0; i < (DRAWS[latencyClass] ?? 1); i++) draw = Math.max(draw, view.getUint32(4 * i));
    return { draw, digest };
  };
}

function compareRanks(a: Rank, b: Rank): number {
  if (a.draw !== b.draw) return a.draw - b.draw;
  return toHex(a.digest) < toHex(b.digest) ? -1 : 1;
}
