import { bytesMutator } from './bytes.ts';
import type { Mutator } from './mutator.ts';

/** Changes a text line by line: left out, doubled, moved, taken from the donor or the dictionary. */
export function linesMutator(dictionary: readonly string[]): Mutator {
  const bytes = bytesMutator(dictionary);
  return {
    mutate(options) {
      const { draws, maxBytes } = options;
      if (draws.chance(25)) return bytes.mutate(options);
      const split = (input: Uint8Array) => new TextDecoder().decode(input).split('\n');
      const lines = split(options.input);
      const donors = split(options.donor);
      for (let left = 1 + draws.below(4); left > 0; left--) {
        const at = draws.below(lines.length + 1);
        const word = draws.chance(60) ? draws.pick(dictionary) : draws.pick(donors);
        const choice = draws.below(6);
        if (choice === 0) lines.splice(at, 0, word);
        else if (choice === 1) lines.splice(at, 1);
        else if (choice === 2) lines.splice(at, 0, lines[at] ?? word);
        else if (choice === 3) lines.splice(at, 0, ...lines.splice(draws.below(lines.length), 1));
        else if (choice === 4) lines[at] = `${lines[at] ?? ''}${word}`;
        else lines[at] = word;
      }
      const made = new TextEncoder().encode(lines.filter((line) => line !== undefined).join('\n'));
      return made.length > maxBytes ? options.input : made;
    },
  };
}
