import { describe, expect, it } from 'vitest';
import { type IceStats, iceRouteIn } from './ice-route.ts';

/** A report in which the pair of two candidates of these kinds is in use. */
function report(local: string, remote: string): IceStats {
  return new Map<string, Readonly<Record<string, unknown>>>([
    ['P0', { type: 'candidate-pair', localCandidateId: 'other', remoteCandidateId: 'R' }],
    ['P1', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
    ['other', { type: 'local-candidate', candidateType: 'relay' }],
    ['L', { type: 'local-candidate', candidateType: local }],
    ['R', { type: 'remote-candidate', candidateType: remote }],
    ['T', { type: 'transport', selectedCandidatePairId: 'P1' }],
  ]);
}

describe('iceRouteIn', () => {
  it.each([
    ['host', 'host', 'host'],
    ['srflx', 'srflx', 'stun'],
    ['host', 'prflx', 'stun'],
    ['prflx', 'relay', 'turn'],
    ['relay', 'srflx', 'turn'],
  ])('says of %s to %s that it is %s', (local, remote, route) => {
    expect(iceRouteIn(report(local, remote))).toBe(route);
  });

  it('says nothing while no pair is in use, or the report is cut short', () => {
    expect(iceRouteIn(new Map())).toBeNull();
    expect(iceRouteIn(new Map([['T', { type: 'transport' }]]))).toBeNull();
    const cut = new Map(report('host', 'host'));
    cut.delete('R');
    expect(iceRouteIn(cut)).toBeNull();
  });
});
