import { describe, expect, it } from 'vitest';
import { CodecError } from '../../protocol/codec.ts';
import { type BlocksBody, blocks } from './block-announcement.ts';
import { decodeMessage, encodeMessage } from './envelope.ts';
import { LIMITS } from './limits.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages } from './samples.ts';

const sample = sampleMessages.flatMap((message) => (message.type === 'blocks' ? [message.body] : []))[0];

/** The body that others see, or why it cannot be sent. */
function sent(change: Partial<BlocksBody>): BlocksBody | string {
  if (sample === undefined) throw new Error('There is a sample of blocks.');
  try {
    return blocks.decode(blocks.encode({ ...sample, ...change }, 'blocks'), 'blocks');
  } catch (error) {
    if (error instanceof CodecError) return error.message;
    throw error;
  }
}

const version = (block: string, step: number) => ({
  block,
  step,
  version: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
  root: `0x${'06'.repeat(32)}` as const,
});

describe('blocks', () => {
  it('[P-160] has one encoding: versions ascend by block and step, and none stands there twice', () => {
    const held = [version('a', 2), version('a', 10), version('b', 1)];
    expect(sent({ held })).toMatchObject({ held });
    const ascend = /held\[\d\]: expected entries that ascend/;
    expect(sent({ held: held.toReversed() })).toMatch(ascend);
    expect(sent({ held: [version('a', 2), version('a', 2)] })).toMatch(ascend);
    const refused = [
      { block: 'a', reason: 'full' },
      { block: 'a', reason: 'damaged' },
    ] as const;
    expect(sent({ refused })).toMatch(/refused\[1\]: expected entries that ascend/);
  });

  it('[P-36] [P-160] keeps every field within its limit', () => {
    expect(sent({ held: [version('A', 1)] })).toMatch(/held\[0\].block: expected a-z/);
    expect(sent({ held: [version('', 1)] })).toMatch(/held\[0\].block: expected a-z/);
    expect(sent({ held: [version('x'.repeat(33), 1)] })).toMatch(/at most 32 bytes/);
    expect(sent({ held: [{ ...version('a', 1), version: 'bafy' }] })).toMatch(/expected a CID/);
    expect(sent({ latencyClass: 4 })).toMatch(/latencyClass: expected at most 3/);
    expect(sent({ freeBytes: -1 })).toMatch(/freeBytes: expected a whole number/);
    expect(sent({ role: 'leader' as 'keeper' })).toMatch(/role: expected one of/);
    const held = Array.from({ length: LIMITS.heldVersions + 1 }, (_, step) => version('a', step));
    expect(sent({ held })).toMatch(/held: expected at most 256 entries/);
  });

  it('[P-31] [P-160] fits into one message with as much as it may hold', () => {
    const held = Array.from({ length: LIMITS.heldVersions }, (_, step) =>
      version('x'.repeat(LIMITS.blockId), LIMITS.round - LIMITS.heldVersions + step),
    );
    const refused = Array.from({ length: LIMITS.refusedBlocks }, (_, n) => ({
      block: `${'x'.repeat(LIMITS.blockId - 3)}${100 + n}`,
      reason: 'damaged' as const,
    }));
    const body: BlocksBody = {
      role: 'keeper',
      asks: false,
      freeBytes: LIMITS.sequence,
      latencyClass: 3,
      held,
      refused,
    };
    const bytes = encodeMessage(sampleKey, SAMPLE_NETWORK_ID, { type: 'blocks', round: 1, seq: 1, body });
    expect(decodeMessage(bytes).body).toEqual(body);
  });
});
