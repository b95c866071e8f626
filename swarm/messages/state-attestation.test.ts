import { describe, expect, it } from 'vitest';
import { CodecError } from '../../protocol/codec.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import { must } from '../../protocol/must.ts';
import { encodeMessage } from './envelope.ts';
import { digestInCid } from './rollouts.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages, sampleStateRecord } from './samples.ts';
import type { StateBody } from './state-attestation.ts';
import { decodeStateRecord, encodeStateRecord } from './state-record.ts';

const sample = sampleMessages.find(({ type }) => type === 'state');

/** The bytes of the sample with some of its body changed. */
function encode(change: Partial<StateBody>): Uint8Array {
  if (sample?.type !== 'state') throw new Error('There is a state sample.');
  const message = { ...sample, body: { ...sample.body, ...change } };
  return encodeMessage(sampleKey, SAMPLE_NETWORK_ID, message);
}

function kindOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'taken';
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return error.kind;
  }
}

describe('state', () => {
  it('[P-200] takes steps of 1 to 2^40', () => {
    expect(kindOf(() => encode({ step: 1 }))).toBe('taken');
    expect(kindOf(() => encode({ step: 2 ** 40 }))).toBe('taken');
    expect(kindOf(() => encode({ step: 0 }))).toBe('malformed');
    expect(kindOf(() => encode({ step: 2 ** 40 + 1 }))).toBe('oversized');
  });

  it('[P-201] refuses a digest that is not that of its record', () => {
    const { cid } = encodeStateRecord({ ...sampleStateRecord, step: 8 });
    expect(kindOf(() => encode({ record: cid }))).toBe('malformed');
    expect(kindOf(() => encode({ record: cid, rolloutDigest: digestInCid(cid) }))).toBe('taken');
  });
});

describe('A state record', () => {
  /** An update with so many outputs, of about 216 bytes each. */
  const wide = (outputs: number): Handoff => ({
    ...must(sampleStateRecord.updates, 0),
    outputs: Array.from({ length: outputs }, (_, slot) => ({
      slot,
      tensor: 'w'.repeat(160),
      root: `0x${'0d'.repeat(32)}`,
    })),
  });

  it('[P-202] has at most 1 MiB and 256 updates', () => {
    const { bytes } = encodeStateRecord({ step: 7, updates: [wide(4000)] });
    expect(bytes.length).toBeGreaterThan(800_000);
    expect(decodeStateRecord(bytes).updates).toHaveLength(1);
    expect(kindOf(() => encodeStateRecord({ step: 7, updates: [wide(4000), wide(4000)] }))).toBe('oversized');
    const many = Array.from({ length: 257 }, () => wide(1));
    expect(kindOf(() => encodeStateRecord({ step: 7, updates: many }))).toBe('oversized');
    expect(kindOf(() => decodeStateRecord(new Uint8Array(1024 * 1024 + 1)))).toBe('oversized');
  });
});
