import { describe, expect, it } from 'vitest';
import { type Lane, takeFirst, type WaitingClaim } from './claim-queue.ts';

const claim = (id: number, more: Partial<WaitingClaim> & { readonly windowEnd?: number }): WaitingClaim => ({
  made: {
    claim: id,
    claimant: '0x01',
    terms: '0x02',
    root: '0x03',
    windowEnd: more.windowEnd ?? 100,
  },
  stake: more.stake ?? 0n,
  costMs: 'costMs' in more ? more.costMs : 10,
});

/** The numbers of the claims in the order in which a lane takes them. */
function orderOf(claims: readonly WaitingClaim[], lane: Lane = 'any'): number[] {
  const waiting = new Map(claims.map((each) => [String(each.made.claim), each]));
  const taken: number[] = [];
  for (;;) {
    const next = takeFirst(waiting, lane);
    if (next === undefined) return taken;
    taken.push(next.made.claim);
  }
}

describe('claims are looked at', () => {
  it('behind a paid job before those behind none, whatever these are and when their windows end', () => {
    const junk = Array.from({ length: 1000 }, (_, id) => claim(id, { costMs: 0, windowEnd: 1 }));
    expect(orderOf([...junk, claim(1000, { stake: 1n, costMs: 1e9, windowEnd: 1e9 })])[0]).toBe(1000);
  });

  it('behind dearer jobs first, so that jobs of a wei hold up none of an ether', () => {
    expect(orderOf([claim(0, { stake: 1n }), claim(1, { stake: 10n ** 18n }), claim(2, {})])).toEqual([
      1, 0, 2,
    ]);
  });

  it('cheap ones first where as much is at stake, then by the end of the window, then by the exact stake', () => {
    expect(
      orderOf([
        claim(0, { stake: 8n, costMs: 5000 }),
        claim(1, { stake: 8n, windowEnd: 200 }),
        claim(2, { stake: 8n }),
        claim(3, { stake: 9n }),
      ]),
    ).toEqual([3, 2, 1, 0]);
  });

  it('on a lane of their own where they are staked, and on another where they are cheap', () => {
    const claims = [claim(0, { costMs: 60_000 }), claim(1, {}), claim(2, { stake: 1n, costMs: 60_000 })];
    expect(orderOf(claims, 'staked')).toEqual([2]);
    expect(orderOf(claims, 'quick')).toEqual([2, 1]);
    expect(orderOf(claims, 'any')).toEqual([2, 1, 0]);
  });

  it('though nothing can be looked at, which costs nothing to find out', () => {
    expect(orderOf([claim(0, { costMs: undefined })], 'quick')).toEqual([0]);
  });
});
