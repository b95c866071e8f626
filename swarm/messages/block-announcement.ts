/** The body of `blocks`: what a device keeps of a model that is trained in parameter blocks. */
import {
  type Codec,
  CodecError,
  flag,
  hex,
  link,
  list,
  oneOf,
  record,
  text,
  uint,
  type ValueOf,
} from '../../protocol/codec.ts';
import { LIMITS } from './limits.ts';
import { RAW } from './rollouts.ts';

const PATTERN = /^[a-z0-9][a-z0-9._-]*$/;
const anyText = text(LIMITS.blockId);

/** The id of a parameter block, such as `layers.0-1`. */
const blockId: Codec<string> = {
  encode: (value, path) => blockId.decode(value, path),
  decode(value, path) {
    const id = anyText.decode(value, path);
    if (!PATTERN.test(id)) throw new CodecError('malformed', path, 'a-z, 0-9 and ._- only');
    return id;
  },
};

/** The state of one block after one step of a run, and its content. */
export const blockVersion = record({
  /** The block's id in the plan, such as `layers.0-1`. */
  block: blockId,
  /** Optimizer steps taken. 0 is the model that the run started from. */
  step: uint(LIMITS.round),
  /** The content id of the version's file: parameters and moments of the block. */
  version: link(RAW),
  /** The version root: the Merkle root over the tensor roots of the file. */
  root: hex(32),
});

export type BlockVersion = ValueOf<typeof blockVersion>;

/** A version by its place in the run, whatever its content. */
export type VersionPlace = Pick<BlockVersion, 'block' | 'step'>;

/** By block in code units, then by step: the order of lists of versions in messages. */
export function compareVersions(a: VersionPlace, b: VersionPlace): number {
  if (a.block !== b.block) return a.block < b.block ? -1 : 1;
  return a.step - b.step;
}

const refusal = record({ block: blockId, reason: oneOf('full', 'damaged') });

/** A list whose entries ascend strictly, so that it has one encoding and nothing twice. */
function ascending<T>(codec: Codec<readonly T[]>, compare: (a: T, b: T) => number): Codec<readonly T[]> {
  const check = (values: readonly T[], path: string): void => {
    const at = values.findIndex((value, i) => {
      const before = i === 0 ? undefined : values[i - 1];
      return before !== undefined && compare(before, value) >= 0;
    });
    if (at >= 0) throw new CodecError('malformed', `${path}[${at}]`, 'entries that ascend');
  };
  return {
    encode(values, path) {
      const encoded = codec.encode(values, path);
      check(values, path);
      return encoded;
    },
    decode(value, path) {
      const values = codec.decode(value, path);
      check(values, path);
      return values;
    },
  };
}

/** Says what the device holds on its own medium, and what it would still take. */
export const blocks = record({
  /**
   * `keeper`: takes blocks. `guest`: takes part and keeps nothing for others. `leaving`: gives what it has
   * and takes nothing more.
   */
  role: oneOf('keeper', 'guest', 'leaving'),
  /** Whether the device has just started, and asks what others hold. */
  asks: flag,
  /** Bytes that it still takes for blocks that it does not hold. */
  freeBytes: uint(LIMITS.sequence),
  /** 0, the fastest, to 3. */
  latencyClass: uint(3),
  /** By block and step. To be here is to have been written: this is the acknowledgement of a keeper. */
  held: ascending(list(blockVersion, LIMITS.heldVersions), compareVersions),
  /** Blocks that it does not take, by id. */
  refused: ascending(list(refusal, LIMITS.refusedBlocks), (a, b) =>
    compareVersions({ block: a.block, step: 0 }, { block: b.block, step: 0 }),
  ),
});

export type BlocksBody = ValueOf<typeof blocks>;
