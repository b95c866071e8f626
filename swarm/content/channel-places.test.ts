import { describe, expect, it } from 'vitest';
import { CHANNEL_LIMITS, ChannelPlaces } from './channel-places.ts';

/** Places on a clock of its own, and who was ended. */
function setUp() {
  const clock = { now: 0 };
  const ended: string[] = [];
  const places = new ChannelPlaces(CHANNEL_LIMITS, () => clock.now);
  const take = (peerId: string, hasRecord = false, account = peerId) =>
    places.take(peerId, { hasRecord, account }, () => ended.push(peerId));
  return { clock, ended, places, take };
}

describe('ChannelPlaces', () => {
  it('[P-98] has 24 places for strangers and 32 in all', () => {
    const { take } = setUp();
    for (let n = 0; n < 24; n++) expect(take(`stranger ${n}`)).not.toBeNull();
    expect(take('one more')).toBeNull();
    for (let n = 0; n < 8; n++) expect(take(`known ${n}`, true)).not.toBeNull();
  });

  it('[P-98] takes from whoever has the most, never from a known peer for a stranger', () => {
    const { take, ended } = setUp();
    for (let n = 0; n < 8; n++) for (let m = 0; m < 4; m++) take(`known ${n}`, true);
    expect(take('stranger')).toBeNull();
    expect(ended).toEqual([]);
    expect(take('another known one', true)).not.toBeNull();
    expect(ended).toEqual(['known 0']);
  });

  it('[P-98] gives a stranger’s place to a known peer, and of equals the one that is stalled', () => {
    const { take, ended, clock } = setUp();
    for (let n = 0; n < 8; n++) take(`known ${n}`, true);
    const busy = Array.from({ length: 24 }, (_, n) => take(`stranger ${n}`));
    expect(take('late', true)).not.toBeNull();
    expect(ended).toEqual(['stranger 0']);
    clock.now = 2_000;
    for (const place of busy.slice(0, 23)) if (place !== null) place.lastProgress = clock.now;
    expect(take('newcomer')).not.toBeNull();
    expect(ended).toEqual(['stranger 0', 'stranger 23']);
    expect(take('one more')).toBeNull();
  });

  it('[P-98] gives an equal the place of one that had its turn, however busy it is', () => {
    const { take, ended, clock } = setUp();
    const places = Array.from({ length: 24 }, (_, n) => take(`stranger ${n}`));
    for (clock.now = 1_000; clock.now < 10_000; clock.now += 1_000) {
      for (const place of places) if (place !== null) place.lastProgress = clock.now;
    }
    expect(take('honest')).not.toBeNull();
    expect(ended).toEqual(['stranger 0']);
  });

  it('[P-98] counts the devices of one owner together', () => {
    const { take, ended } = setUp();
    for (let n = 0; n < 9; n++) take(`device ${n}`, true, 'owner');
    expect(ended).toEqual(['device 0']);
  });
});
