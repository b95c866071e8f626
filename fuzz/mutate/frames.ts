import { bytesMutator } from './bytes.ts';
import type { Mutator } from './mutator.ts';

/** Frames as one input: u16 little-endian length of each, then its bytes. Any input is some frames. */
export function framesOf(input: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.length; ) {
    const length = (input[at] ?? 0) + 256 * (input[at + 1] ?? 0);
    frames.push(input.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return frames;
}

/** The input of these frames, each of at most 65,535 bytes. */
export function inputOf(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((total, { length }) => total + 2 + length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes[at] = frame.length & 0xff;
    bytes[at + 1] = frame.length >> 8;
    bytes.set(frame, at + 2);
    at += 2 + frame.length;
  }
  return bytes;
}

/** Changes a frame by another mutator, or leaves frames out, doubles, turns and takes them from the donor. */
export function framesMutator(inner: Mutator): Mutator {
  const bytes = bytesMutator();
  return {
    mutate(options) {
      const { draws, maxBytes, input } = options;
      if (draws.chance(10)) return bytes.mutate(options);
      const frames = [...framesOf(input)];
      const donors = framesOf(options.donor);
      for (let left = 1 + draws.below(3); left > 0; left--) {
        const at = draws.below(frames.length + 1);
        const frame = frames[at];
        const donor = donors.length > 0 ? draws.pick(donors) : new Uint8Array();
        const choice = draws.below(8);
        if (frame === undefined || choice === 0) frames.splice(at, 0, donor);
        else if (choice === 1) frames.splice(at, 1);
        else if (choice === 2) frames.splice(at, 0, frame);
        else if (choice === 3) frames.reverse();
        else
          frames[at] = inner.mutate({
            ...options,
            input: frame,
            donor,
            maxBytes: Math.min(maxBytes, 60_000),
          });
      }
      const made = inputOf(frames);
      return made.length > maxBytes ? input : made;
    },
  };
}
