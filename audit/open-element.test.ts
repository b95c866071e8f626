import { describe, expect, it } from 'vitest';
import { bitsOf } from '../compute/repops/arithmetic.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { checkpointContents } from '../models/decoder/checkpoint.ts';
import { openElement, openedBits } from './open-element.ts';
import { tinyStart } from './testing/tiny-run.ts';

describe('an opened element', () => {
  const checkpoint = tinyStart();
  const root = checkpointRoot(checkpointContents(checkpoint));
  const embedding = 'model.embed_tokens.weight';

  it('shows the bits under the root of its checkpoint, wherever it is', () => {
    const { parameters } = checkpoint.state;
    for (const name of [embedding, 'model.norm.weight']) {
      const values = parameters.get(name) ?? new Float32Array();
      for (const element of [0, values.length >> 1, values.length - 1]) {
        const opening = openElement(checkpoint, name, element);
        expect(openedBits(opening, root)).toBe(bitsOf(values[element] ?? Number.NaN));
      }
    }
    expect(openedBits(openElement(checkpoint, `optimizer.m.${embedding}`, 3), root)).toBe(0);
  });

  it('shows nothing when a byte, a place, the name or the root is another', () => {
    const opening = openElement(checkpoint, embedding, 700);
    const leaf = opening.leaf.slice();
    leaf[0] = (leaf[0] ?? 0) ^ 1;
    const changes = [
      { leaf },
      { element: 1100 },
      { tensor: 'model.norm.weight' },
      { place: opening.place + 1 },
      { leaves: opening.leaves + 1 },
      { entryProof: opening.entryProof.slice(1) },
    ];
    for (const change of changes) expect(openedBits({ ...opening, ...change }, root)).toBeUndefined();
    expect(openedBits(opening, `0x${'00'.repeat(32)}`)).toBeUndefined();
  });

  it('is refused for what the checkpoint does not have', () => {
    expect(() => openElement(checkpoint, 'lm_head.weight', 0)).toThrow(/no tensor/);
    expect(() => openElement(checkpoint, 'model.norm.weight', 16)).toThrow(/16 elements/);
  });
});
