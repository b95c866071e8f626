import { describe, expect, it } from 'vitest';
import { CodecError } from '../../protocol/codec.ts';
import { decodePipelineMessage, encodePipelineMessage, type PipelineMessage } from './messages.ts';

const root = `0x${'11'.repeat(32)}` as const;
const device = `0x${'22'.repeat(20)}` as const;
const handoff = {
  run: root,
  step: 3,
  hop: 4,
  version: root,
  inputs: root,
  outputs: [{ slot: 7, tensor: 'x', root }],
  device,
  signature: `0x${'33'.repeat(65)}`,
} as const;
const MESSAGES: readonly PipelineMessage[] = [
  { kind: 'handoff', handoff, tensors: [{ name: 'x', bytes: Uint8Array.of(1, 2) }] },
  { kind: 'want', step: 3, hop: 4, tensors: ['x'] },
  { kind: 'busy', step: 3, hop: 4 },
  { kind: 'lack', step: 3, hop: 4 },
  { kind: 'ping', step: 3 },
  { kind: 'pong', step: 3 },
  { kind: 'hello' },
  { kind: 'fetch', step: 3, block: 'embedding' },
  { kind: 'version', step: 3, block: 'embedding', file: Uint8Array.of(1) },
  { kind: 'arriving', step: 3, block: 'embedding' },
  { kind: 'join', step: 3, blocks: ['embedding'] },
  { kind: 'restart', step: 3, blocks: ['embedding', 'layers.0'] },
  { kind: 'leave', step: 3, blocks: ['embedding'] },
  {
    kind: 'welcome',
    step: 3,
    paths: [[1, 2], [2]],
    keepers: [{ device, blocks: ['embedding'] }],
    next: [],
    updates: [handoff],
  },
];

describe('messages of a pipeline', () => {
  it.each(MESSAGES)('has one encoding: $kind', (message) => {
    const bytes = encodePipelineMessage(message);
    expect(decodePipelineMessage(bytes)).toEqual(message);
    expect(() => decodePipelineMessage(Uint8Array.of(...bytes, 0))).toThrow(CodecError);
    expect(() => decodePipelineMessage(bytes.subarray(0, -1))).toThrow(CodecError);
  });

  it('refuses what is above a limit, and kinds that are not there', () => {
    const wrong = [
      { kind: 'want', step: 3, hop: 2 ** 20, tensors: [] },
      { kind: 'join', step: 3, blocks: Array.from({ length: 300 }, () => 'x') },
      { kind: 'join', step: 2 ** 41, blocks: [] },
      { kind: 'nothing', step: 3 },
    ] as unknown as PipelineMessage[];
    for (const message of wrong) expect(() => encodePipelineMessage(message)).toThrow(CodecError);
  });
});
