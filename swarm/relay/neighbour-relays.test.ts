import { describe, expect, it } from 'vitest';
import { NeighbourRelays } from './neighbour-relays.ts';

function world() {
  const state = {
    now: 0,
    direct: new Set(['a', 'b', 'c', 'd']),
    record: new Set<string>(),
    reserved: new Set<string>(),
  };
  const neighbours = new NeighbourRelays({
    isDirect: (peerId) => state.direct.has(peerId),
    hasRecord: (peerId) => state.record.has(peerId),
    hasReservation: (peerId) => state.reserved.has(peerId),
    now: () => state.now,
  });
  return { state, neighbours };
}

describe('NeighbourRelays', () => {
  it('[P-136] chooses two, those with a record first, and one without a record at most', () => {
    const { state, neighbours } = world();
    expect(neighbours.choose(['a', 'b', 'c'])).toEqual(['a']);
    state.record.add('c').add('d');
    expect(neighbours.choose(['b', 'c', 'd'])).toEqual(['a', 'c']);
    const known = world();
    known.state.record.add('c').add('d');
    expect(known.neighbours.choose(['a', 'b', 'c', 'd'])).toEqual(['c', 'd']);
  });

  it('[P-136] keeps one as long as it is a neighbour, and asks it only while it gives no reservation', () => {
    const { state, neighbours } = world();
    neighbours.choose(['a']);
    state.reserved.add('a');
    state.now = 3_600_000;
    expect(neighbours.choose(['b'])).toEqual([]);
    expect(neighbours.has('a')).toBe(true);
    state.direct.delete('a');
    expect(neighbours.choose(['a', 'b'])).toEqual(['b']);
    expect(neighbours.has('a')).toBe(false);
  });

  it('[P-136] passes over who gave no reservation for 30 s, each time for twice as long', () => {
    const { state, neighbours } = world();
    expect(neighbours.choose(['a', 'b'])).toEqual(['a']);
    state.now = 29_000;
    expect(neighbours.choose(['a', 'b'])).toEqual(['a']);
    state.now = 30_000;
    expect(neighbours.choose(['a', 'b'])).toEqual(['b']);
    state.direct.delete('b');
    // The only one that relays is asked again after half a minute, then after one, and at last after ten.
    for (const pause of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
      state.now += pause - 1;
      expect(neighbours.choose(['a'])).toEqual([]);
      state.now += 1;
      expect(neighbours.choose(['a'])).toEqual(['a']);
      state.now += 30_000;
      expect(neighbours.choose(['a'])).toEqual([]);
    }
  });

  it('[P-136] forgets that a neighbour gave none once it gives one', () => {
    const { state, neighbours } = world();
    neighbours.choose(['a']);
    state.now = 30_000;
    neighbours.choose(['a']);
    state.now = 60_000;
    expect(neighbours.choose(['a'])).toEqual(['a']);
    state.reserved.add('a');
    neighbours.choose(['a']);
    state.reserved.delete('a');
    state.now = 90_000;
    expect(neighbours.choose(['a'])).toEqual([]);
    state.now = 120_000;
    expect(neighbours.choose(['a'])).toEqual(['a']);
  });
});
