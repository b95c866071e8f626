import { describe, expect, it } from 'vitest';
import { MESSAGE_TYPES } from './messages/message-types.ts';
import { networkId, topicsOf } from './network-id.ts';

describe('networkId', () => {
  it('[P-21] is the chain id, the contract in lower case and the swarm, which is a network id', () => {
    const id = networkId(31337, `0x${'aB'.repeat(20)}`, 12);
    expect(id).toBe(`31337:0x${'ab'.repeat(20)}:12`);
    expect(() => topicsOf(id)).not.toThrow();
  });

  it('[P-21] is 1 to 96 of a-z 0-9 : . _ - and starts with a letter or digit', () => {
    for (const id of ['a', '0', 'a:b.c_d-e', 'x'.repeat(96)]) expect(() => topicsOf(id)).not.toThrow();
    for (const id of ['', 'a/b', 'A', 'é', ' a', '-a', ':a', 'x'.repeat(97)]) {
      expect(() => topicsOf(id)).toThrow(TypeError);
    }
  });
});

describe('topicsOf', () => {
  it('[P-22] names four topics, and each type travels on one of them', () => {
    const topics = topicsOf('net:1');
    expect(topics).toEqual({
      presence: '/starling/2/net:1/presence',
      rounds: '/starling/2/net:1/rounds',
      attestations: '/starling/2/net:1/attestations',
      pipeline: '/starling/2/net:1/pipeline',
    });
    const types = Object.entries(MESSAGE_TYPES).map(([type, { topic }]) => [type, topic]);
    expect(Object.fromEntries(types)).toEqual({
      hello: 'presence',
      commit: 'rounds',
      reveal: 'rounds',
      critique: 'rounds',
      vote: 'rounds',
      attest: 'attestations',
      ack: 'attestations',
      blocks: 'pipeline',
      state: 'pipeline',
    });
  });
});
