import {
  compareNames,
  parseSafetensors,
  type SafetensorsFile,
  type StoredTensor,
} from '../../models/checkpoint/safetensors.ts';

/** The first place where a published checkpoint is not the recomputed one. */
export type CheckpointDifference =
  | {
      readonly kind: 'element';
      readonly tensor: string;
      /** Index into the tensor, row-major. */
      readonly element: number;
      /** Bits as 8 hexadecimal digits. */
      readonly published: string;
      readonly recomputed: string;
      /** How many elements of this tensor differ. */
      readonly differing: number;
    }
  | {
      readonly kind: 'tensor';
      readonly tensor: string;
      readonly problem: 'missing' | 'not expected' | 'another shape';
    }
  | {
      readonly kind: 'metadata';
      readonly key: string;
      readonly published: string | null;
      readonly recomputed: string | null;
    }
  | { readonly kind: 'layout' }
  | { readonly kind: 'unreadable'; readonly cause: string };

/**
 * Compares two checkpoint files tensor by tensor, in byte order of their names, then their metadata;
 * undefined when all bytes agree. The published one may be anything.
 */
export function compareCheckpoints(
  published: Uint8Array,
  recomputed: Uint8Array,
): CheckpointDifference | undefined {
  if (Buffer.compare(published, recomputed) === 0) return undefined;
  let theirs: SafetensorsFile;
  try {
    theirs = parseSafetensors(published);
  } catch (error) {
    return { kind: 'unreadable', cause: error instanceof Error ? error.message : String(error) };
  }
  const ours = parseSafetensors(recomputed);
  const names = [...new Set([...theirs.tensors.keys(), ...ours.tensors.keys()])].sort(compareNames);
  for (const tensor of names) {
    const a = theirs.tensors.get(tensor);
    const b = ours.tensors.get(tensor);
    if (a === undefined) return { kind: 'tensor', tensor, problem: 'missing' };
    if (b === undefined) return { kind: 'tensor', tensor, problem: 'not expected' };
    const difference = compareTensors(tensor, a, b);
    if (difference !== undefined) return difference;
  }
  for (const key of [...new Set([...ours.metadata.keys(), ...theirs.metadata.keys()])].sort(compareNames)) {
    const [a = null, b = null] = [theirs.metadata.get(key), ours.metadata.get(key)];
    if (a !== b) return { kind: 'metadata', key, published: a, recomputed: b };
  }
  return { kind: 'layout' };
}

function compareTensors(tensor: string, a: StoredTensor, b: StoredTensor): CheckpointDifference | undefined {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join())
    return { kind: 'tensor', tensor, problem: 'another shape' };
  const width = b.dtype === 'F64' || b.dtype === 'I64' || b.dtype === 'U64' ? 8 : 4;
  let first = -1;
  let differing = 0;
  for (let at = 0; at < b.data.length; at += width) {
    let same = true;
    for (let byte = at; byte < at + width; byte++) if (a.data[byte] !== b.data[byte]) same = false;
    if (same) continue;
    if (first < 0) first = at / width;
    differing++;
  }
  if (first < 0) return undefined;
  const bits = (data: Uint8Array) =>
    [...data.subarray(first * width, (first + 1) * width)]
      .reverse()
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
  return {
    kind: 'element',
    tensor,
    element: first,
    published: bits(a.data),
    recomputed: bits(b.data),
    differing,
  };
}
