import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../protocol/codec.ts';
import { addressOf, peerIdBytesOf, peerIdOf } from '../../protocol/device-key.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { decodeMessage, encodeMessage, hasValidSignature } from './envelope.ts';
import { type MessageType, messageTypeNames } from './message-types.ts';
import { decodeRollouts, encodeRollouts } from './rollouts.ts';
import {
  SAMPLE_NETWORK_ID,
  sampleKey,
  sampleMessages,
  sampleRollouts,
  sampleStateRecord,
} from './samples.ts';
import { decodeStateRecord, encodeStateRecord } from './state-record.ts';

interface Vectors {
  readonly secretKey: string;
  readonly publicKey: string;
  readonly address: string;
  readonly peerId: string;
  readonly run: string;
  readonly rollouts: { readonly cid: string; readonly bytes: string };
  readonly stateRecord: { readonly cid: string; readonly bytes: string };
  readonly messages: readonly { readonly type: string; readonly id: string; readonly bytes: string }[];
  readonly refused: readonly { readonly why: string; readonly bytes: string }[];
}

const file = new URL('../../docs/vectors/messages.json', import.meta.url);

/** The vectors as this implementation makes them; `UPDATE_VECTORS=1` writes them. */
function made(): Omit<Vectors, 'refused'> {
  const rollouts = encodeRollouts(sampleRollouts);
  const state = encodeStateRecord(sampleStateRecord);
  return {
    secretKey: toHex(sampleKey.secret),
    publicKey: toHex(sampleKey.publicKey),
    address: sampleKey.address,
    peerId: sampleKey.peerId,
    run: SAMPLE_NETWORK_ID,
    rollouts: { cid: rollouts.cid, bytes: toHex(rollouts.bytes) },
    stateRecord: { cid: state.cid, bytes: toHex(state.bytes) },
    messages: sampleMessages.map((draft) => {
      const bytes = encodeMessage(sampleKey, SAMPLE_NETWORK_ID, draft);
      return { type: draft.type, id: decodeMessage(bytes).id, bytes: toHex(bytes) };
    }),
  };
}

/** Bytes that a decoder must refuse: each is the commit sample with one thing wrong. */
function refused(): Vectors['refused'] {
  const commit = sampleMessages.find(({ type }) => type === 'commit');
  if (commit === undefined) throw new Error('There is a commit sample.');
  const good = encodeMessage(sampleKey, SAMPLE_NETWORK_ID, commit);
  const changed = (change: (bytes: number[]) => void): string => {
    const bytes = [...good];
    change(bytes);
    return toHex(Uint8Array.from(bytes));
  };
  const roundAt = toHex(good).indexOf('65726f756e6404') / 2 - 1;
  if (roundAt < 0) throw new Error('The round is in the sample.');
  return [
    { why: 'a trailing byte', bytes: changed((bytes) => bytes.push(0)) },
    { why: 'cut short', bytes: changed((bytes) => bytes.pop()) },
    {
      why: 'the round as a two-byte integer',
      bytes: changed((bytes) => bytes.splice(roundAt + 6, 1, 0x18, 0x04)),
    },
    {
      why: 'the round as a float',
      bytes: changed((bytes) => bytes.splice(roundAt + 6, 1, 0xfb, 0x40, 0x10, 0, 0, 0, 0, 0, 0)),
    },
    { why: 'a key too many', bytes: changed((bytes) => bytes.splice(0, 1, 0xa9, 0x61, 0x61, 0x00)) },
    { why: 'a map of indefinite length', bytes: changed((bytes) => bytes.splice(0, 1, 0xbf)) },
  ];
}

describe('docs/vectors/messages.json', () => {
  if (process.env.UPDATE_VECTORS === '1') {
    writeFileSync(file, `${JSON.stringify({ ...made(), refused: refused() }, null, 2)}\n`);
  }
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

  it('is what this implementation makes', () => {
    const { refused: _, ...accepted } = vectors;
    expect(made()).toEqual(accepted);
  });

  it('[P-01] derives the address from the key', () => {
    expect(addressOf(fromHex(vectors.publicKey))).toBe(vectors.address);
  });

  it('[P-02] derives the PeerId from the key', () => {
    expect(peerIdOf(fromHex(vectors.publicKey))).toBe(vectors.peerId);
    expect(toHex(peerIdBytesOf(fromHex(vectors.publicKey)))).toBe(
      `0x002508021221${vectors.publicKey.slice(2)}`,
    );
  });

  /** Decodes the vector of a type and compares it with the sample. */
  function decodes(type: MessageType): void {
    const vector = vectors.messages.find((message) => message.type === type);
    const sample = sampleMessages.find((message) => message.type === type);
    if (vector === undefined || sample === undefined) throw new Error(`There is a vector of a ${type}.`);
    const message = decodeMessage(fromHex(vector.bytes));
    const { run: networkId, address: author } = vectors;
    expect(message).toMatchObject({ type, id: vector.id, networkId, author });
    expect(message.body).toEqual(sample.body);
    expect(hasValidSignature(message)).toBe(true);
  }

  it('has every type of message', () => {
    expect(vectors.messages.map(({ type }) => type)).toEqual(messageTypeNames);
  });

  it('[P-41] decodes hello', () => decodes('hello'));
  it('[P-42] decodes commit', () => decodes('commit'));
  it('[P-43] decodes reveal', () => decodes('reveal'));
  it('[P-44] decodes critique', () => decodes('critique'));
  it('[P-45] decodes vote', () => decodes('vote'));
  it('[P-46] decodes attest', () => decodes('attest'));
  it('[P-48] decodes ack', () => decodes('ack'));
  it('[P-160] decodes blocks', () => decodes('blocks'));
  it('[P-200] decodes state', () => decodes('state'));

  it('[P-49] decodes the rollout set', () => {
    expect(decodeRollouts(fromHex(vectors.rollouts.bytes))).toEqual(sampleRollouts);
  });

  it('[P-202] decodes the state record', () => {
    expect(decodeStateRecord(fromHex(vectors.stateRecord.bytes))).toEqual(sampleStateRecord);
  });

  it.each(vectors.refused)('[P-34] [P-52] rejects $why', ({ bytes }) => {
    expect(() => decodeMessage(fromHex(bytes))).toThrow(CodecError);
  });
});
