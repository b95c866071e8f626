/** What a device would keep of a swarm's model, to be shown before it joins. */
import { megabytes } from './block-files.ts';
import type { Candidate } from './candidates.ts';
import { placeBlocks } from './keepers.ts';
import { type BlockRoom, roomFor } from './needed-versions.ts';

/** What one block takes, in bytes. `blockCosts` of models/blocks predicts it. */
export interface BlockSize extends BlockRoom {
  readonly id: string;
  /** Memory while the block is kept. */
  readonly heldBytes: number;
  /** Memory of its largest hop besides. One hop is computed at a time. */
  readonly workBytes: number;
}

/** A device's share of a model. */
export interface BlockShare {
  /** Blocks that it would keep, in the plan's order. */
  readonly keeps: readonly string[];
  /** Blocks that it would take next, when a keeper of them goes. */
  readonly standsBy: readonly string[];
  /** Bytes. */
  readonly disk: number;
  readonly memory: number;
  /** For people. */
  readonly sentence: string;
}

/**
 * Most bytes that a device gives to block files, so that neither its disk nor its memory overflows. Memory is
 * counted by the block that takes most of it for the room that it has on disk. Whole bytes.
 */
export function blockQuota(
  blocks: readonly BlockSize[],
  device: { readonly diskBytes: number; readonly memoryBytes: number },
): number {
  const work = Math.max(0, ...blocks.map(({ workBytes }) => workBytes));
  const memory = Math.max(0, device.memoryBytes - work);
  const byMemory = blocks.map((block) =>
    block.heldBytes === 0 ? device.diskBytes : Math.floor((memory * roomFor(block)) / block.heldBytes),
  );
  return Math.max(0, Math.min(Math.floor(device.diskBytes), ...byMemory));
}

/**
 * The blocks that the device would keep beside these others, with what they take. `self.freeBytes` is its
 * quota. Others are those that announce blocks now. It is a forecast: whoever joins or leaves meanwhile
 * changes it, and so does a device that lets go of a block.
 */
export function shareOf(options: {
  readonly run: string;
  readonly blocks: readonly BlockSize[];
  readonly self: Candidate;
  readonly others: readonly Candidate[];
}): BlockShare {
  const { run, blocks, self, others } = options;
  const needs = blocks.map((block) => ({ id: block.id, bytes: roomFor(block) }));
  const placed = placeBlocks(run, needs, [self, ...others.filter(({ device }) => device !== self.device)]);
  const kept = blocks.filter(({ id }) => placed.get(id)?.keepers.includes(self.device) === true);
  const standsBy = blocks.filter(({ id }) => placed.get(id)?.spare === self.device).map(({ id }) => id);
  const disk = kept.reduce((sum, block) => sum + roomFor(block), 0);
  const held = kept.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  const memory = held + Math.max(0, ...kept.map(({ workBytes }) => workBytes));
  const keeps = kept.map(({ id }) => id);
  return {
    keeps,
    standsBy,
    disk,
    memory,
    sentence: inWords({ keeps, standsBy, disk, memory }, blocks, self),
  };
}

function inWords(
  share: Omit<BlockShare, 'sentence'>,
  blocks: readonly BlockSize[],
  { freeBytes }: Candidate,
): string {
  const { keeps, standsBy, disk, memory } = share;
  if (keeps.length > 0) {
    const which = `${keeps.length} of ${blocks.length} blocks (${keeps.join(', ')})`;
    return `This device would keep ${which}, with ${megabytes(disk)} of disk and ${megabytes(memory)} of memory.`;
  }
  if (standsBy.length > 0)
    return `This device would stand by for ${standsBy.join(', ')}, and keep nothing yet.`;
  const least = Math.min(...blocks.map(roomFor));
  if (freeBytes >= least)
    return 'Every block has its keepers, so this device would keep none yet. It can still take part.';
  return (
    `This device has ${megabytes(freeBytes)} for blocks, and the smallest needs ${megabytes(least)}. ` +
    'Allow it more disk or memory, or take part on a larger device.'
  );
}
