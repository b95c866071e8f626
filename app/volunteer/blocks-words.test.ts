import { describe, expect, it } from 'vitest';
import { blockName, blocksNow, blocksStatus } from './blocks-words.ts';
import { COMPUTING, GATHERING, JOINING, OWN_DEVICE } from './testing/shown-blocks.ts';

describe('the words of a model in blocks', () => {
  it('name blocks', () => {
    const ids = ['embedding', 'layers.0-1', 'layers.4-4', 'head', 'vocabulary.1'];
    expect(ids.map(blockName)).toEqual([
      ...['Embedding', 'Layers 0 to 1', 'Layer 4', 'Head', 'Vocabulary, part 2'],
    ]);
  });

  it('say what the device does, without a figure that moves while it trains', () => {
    expect(blocksStatus(GATHERING).headline).toBe('Waiting until every block has a device.');
    expect(blocksStatus(GATHERING).detail).toContain('keeps 1 block of 5: Embedding.');
    expect(blocksStatus({ ...GATHERING, step: 3 }).detail).toContain('further than this device');
    expect(blocksStatus(JOINING).headline).toBe('Coming in while the others train.');
    const { headline, detail } = blocksStatus(COMPUTING);
    expect(headline).toBe('Training in blocks with the others.');
    expect(detail).toBe('This device keeps 3 blocks of 5: Embedding, Layers 2 to 3, Layer 4.');
    expect(blocksStatus({ ...COMPUTING, step: 43, hops: { done: 80, all: 84 } })).toEqual({
      headline,
      detail,
    });
  });

  it('say what it waits for', () => {
    expect(blocksNow(GATHERING, OWN_DEVICE)).toBe('No device keeps Layer 4, Head yet.');
    expect(blocksNow(JOINING, OWN_DEVICE)).toContain('fetches its blocks');
    expect(blocksNow(COMPUTING, OWN_DEVICE)).toBe('Computing: 1 microbatch was here last.');
    const away = COMPUTING.microbatches.filter(({ block }) => block === 'layers.0-1');
    expect(blocksNow({ ...COMPUTING, microbatches: away }, OWN_DEVICE)).toBe(
      'Waiting for 1 microbatch, last at Layers 0 to 1.',
    );
    const none = COMPUTING.blocks.map((block) => ({ ...block, isHere: false }));
    expect(blocksNow({ ...COMPUTING, blocks: none }, OWN_DEVICE)).toContain('stands by');
  });
});
