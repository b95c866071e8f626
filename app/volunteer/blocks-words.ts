/** What a device does in the training of a model in blocks, in words. Pure. */
import type { DeviceAddress } from '../../protocol/hex.ts';
import { plural } from '../ui/format.ts';
import type { ShownBlocks } from './volunteer-events.ts';

/** A block's name for people: `layers.0-1` becomes `Layers 0 to 1`. */
export function blockName(id: string): string {
  const layers = /^layers\.(\d+)-(\d+)$/.exec(id);
  const part = /^vocabulary\.(\d+)$/.exec(id)?.[1];
  // The embedding's block has the first part.
  if (part !== undefined) return `Vocabulary, part ${Number(part) + 1}`;
  if (layers === null) return id.charAt(0).toUpperCase() + id.slice(1);
  const [, first, last] = layers;
  return first === last ? `Layer ${first}` : `Layers ${first} to ${last}`;
}

/** For example "Embedding, Layer 0 and 3 more". */
function names(ids: readonly string[], most = 3): string {
  const shown = ids.slice(0, most).map(blockName);
  const more = ids.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** The headline and the reason, for the status line. They change seldom: they are read out. */
export function blocksStatus(blocks: ShownBlocks): { readonly headline: string; readonly detail: string } {
  const here = blocks.blocks.filter(({ isHere }) => isHere).map(({ id }) => id);
  const kept =
    here.length === 0
      ? 'This device keeps no block yet.'
      : `This device keeps ${plural(here.length, 'block')} of ${blocks.blocks.length}: ${names(here)}.`;
  switch (blocks.state) {
    case 'gathering':
      if (blocks.step > 0) {
        return {
          headline: 'Coming in while the others train.',
          detail: 'They were further than this device. It asks them where they are.',
        };
      }
      return {
        headline: 'Waiting until every block has a device.',
        detail: `${kept} Training begins once the devices that are here have all blocks between them.`,
      };
    case 'joining':
      return {
        headline: 'Coming in while the others train.',
        detail: 'The others go on meanwhile. This device fetches the blocks that it is to keep.',
      };
    case 'computing':
      return { headline: 'Training in blocks with the others.', detail: kept };
    case 'stopped':
      return { headline: 'Leaving the others.', detail: 'Its blocks stay on this device.' };
  }
}

/** What this device does or waits for at this moment, in one sentence. */
export function blocksNow(blocks: ShownBlocks, own: DeviceAddress | null): string {
  switch (blocks.state) {
    case 'gathering': {
      const lacking = blocks.blocks.filter(({ keepers }) => keepers.length === 0).map(({ id }) => id);
      return lacking.length === 0
        ? 'All blocks have a device; this one waits for word of those that are ready.'
        : `No device keeps ${names(lacking)} yet.`;
    }
    case 'joining':
      return 'This device fetches its blocks from those that keep them.';
    case 'stopped':
      return 'This device has left.';
    case 'computing': {
      const { microbatches, hops } = blocks;
      const here = new Set(blocks.blocks.filter(({ isHere }) => isHere).map(({ id }) => id));
      if (here.size === 0) return 'All blocks have their keepers; this device stands by.';
      const others = microbatches.filter(({ block }) => !here.has(block));
      const mine = microbatches.filter(({ at }) => at === own).length;
      if (microbatches.length > 0 && others.length === microbatches.length) {
        return `Waiting for ${plural(others.length, 'microbatch', 'microbatches')}, last at ${names([...new Set(others.map(({ block }) => block))])}.`;
      }
      if (hops.done === 0) return 'Looking up the tokens of the step.';
      return mine === 0
        ? 'The other keepers of its blocks are computing; this device takes over what is late.'
        : `Computing: ${plural(mine, 'microbatch was', 'microbatches were')} here last.`;
    }
  }
}
