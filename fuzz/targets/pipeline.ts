/** What members of a pipeline send one another. */

import {
  decodePipelineMessage,
  encodePipelineMessage,
  type PipelineMessage,
} from '../../pipeline/runtime/messages.ts';
import { CodecError } from '../../protocol/codec.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { assert, type FuzzTarget, refusedBy, sameBytes } from '../target.ts';
import { pipelineMember } from './pipeline-member.ts';

const root = (byte: string) => `0x${byte.repeat(32)}` as const;
const device = `0x${'ab'.repeat(20)}` as const;
const handoff = {
  ...{ run: root('01'), step: 5, hop: 2, version: root('02'), inputs: root('03') },
  outputs: [{ slot: 9, tensor: 'hidden', root: root('04') }],
  device,
  signature: `0x${'11'.repeat(64)}1b`,
} as const;

/** One message of every kind. */
export const pipelineSeeds: readonly PipelineMessage[] = [
  { kind: 'handoff', handoff, tensors: [{ name: 'hidden', bytes: new Uint8Array(16) }] },
  { kind: 'want', step: 5, hop: 2, tensors: ['hidden'] },
  { kind: 'ping', step: 1 },
  { kind: 'pong', step: 2 ** 40 },
  { kind: 'busy', step: 5, hop: 0 },
  { kind: 'lack', step: 5, hop: 2 ** 20 - 1 },
  { kind: 'hello' },
  { kind: 'fetch', step: 5, block: 'layers.0-1' },
  { kind: 'version', step: 5, block: 'layers.0-1', file: new Uint8Array(24) },
  { kind: 'join', step: 5, blocks: ['embedding', 'head'] },
  { kind: 'restart', step: 5, blocks: ['embedding'] },
  {
    ...{ kind: 'welcome', step: 5, paths: [[0, 1], [1]] },
    keepers: [{ device, blocks: ['embedding'] }],
    next: [{ device, blocks: ['head'] }],
    updates: [handoff],
  },
];

const message: FuzzTarget = {
  name: 'pipeline/message',
  about: 'a message between members of a pipeline; what is taken is the one encoding of its value',
  mutator: cborMutator(),
  maxBytes: 60_000,
  shortInputs: 2000,
  async open() {
    return {
      seeds: pipelineSeeds.map(encodePipelineMessage),
      attempt: (input) =>
        refusedBy(() => {
          const again = encodePipelineMessage(decodePipelineMessage(input));
          assert(sameBytes(again, input), 'A message was taken that is no canonical encoding.');
        }, CodecError),
    };
  },
};

export const pipelineTargets: readonly FuzzTarget[] = [message, pipelineMember];
