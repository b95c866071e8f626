import { describe, expect, it } from 'vitest';
import { summaryOf } from './nat.ts';
import { pathOf } from './paths.ts';

const candidate = (candidateType: string, relayProtocol?: string) => ({
  ...{ candidateType, address: '203.0.113.9', port: 5000 },
  ...(relayProtocol === undefined ? {} : { relayProtocol }),
});

describe('pathOf', () => {
  it.each([
    ['host', 'host', 'direct'],
    ['srflx', 'srflx', 'stun'],
    ['host', 'prflx', 'stun'],
    ['prflx', 'relay', 'turn'],
    ['relay', 'host', 'turn'],
  ])('says of %s to %s that it is %s', (local, remote, kind) => {
    const pair = { local: candidate(local), remote: candidate(remote), sent: 1, received: 2 };
    expect(pathOf(pair)).toMatchObject({ kind, sent: 1, received: 2 });
  });

  it('says what a tab speaks with its TURN server', () => {
    const pair = { local: candidate('relay', 'tcp'), remote: candidate('relay'), sent: 0, received: 0 };
    expect(pathOf(pair).relayProtocol).toBe('tcp');
  });
});

describe('summaryOf', () => {
  const path = (kind: 'stun' | 'turn') => ({
    ...{ kind, relayProtocol: null, local: '', remote: '', sent: 0, received: 0 },
  });

  it('counts a failed case as neither direct nor by TURN', () => {
    const summary = summaryOf([
      { case: 'cone', paths: [path('stun'), path('stun')] },
      { case: 'symmetric', paths: [path('turn'), path('turn')] },
      { case: 'no-udp', paths: [path('turn'), path('turn')], failure: 'The tabs met by turn.' },
    ]);
    expect(summary).toEqual({ cases: 3, direct: 1, turn: 1, failed: 1 });
  });
});
