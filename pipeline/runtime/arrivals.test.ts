import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { Arrivals } from './arrivals.ts';

const device = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;

describe('devices that come in', () => {
  it('[P-150] are waited for until they have joined, or are gone', () => {
    const arrivals = new Arrivals();
    expect(arrivals.waitUntil('layers.0', 0)).toBeUndefined();
    arrivals.expect(device(1), 'layers.0', 0);
    arrivals.expect(device(2), 'layers.0', 0);
    expect(arrivals.waitUntil('layers.0', 0)).toBe(10_000);
    expect(arrivals.waitUntil('layers.1', 0)).toBeUndefined();
    arrivals.arrived(device(1), ['layers.0', 'layers.1'], { isAhead: false });
    expect(arrivals.isExpected(device(1), 'layers.0')).toBe(false);
    expect(arrivals.waitUntil('layers.0', 5)).toBe(10_005);
    arrivals.remove(device(2));
    expect(arrivals.waitUntil('layers.0', 5)).toBeUndefined();
  });

  it('[P-150] are waited for at the end of the step until their updates are there, or they are gone', () => {
    const arrivals = new Arrivals();
    expect(arrivals.updatesUntil(0)).toBeUndefined();
    arrivals.arrived(device(1), ['layers.0', 'layers.1'], { isAhead: false });
    arrivals.arrived(device(2), ['layers.0'], { isAhead: false });
    arrivals.arrived(device(3), ['layers.0'], { isAhead: true });
    expect(arrivals.updatesUntil(0)).toBe(10_000);
    arrivals.updated(device(1), 'layers.0');
    arrivals.remove(device(2));
    expect(arrivals.updatesUntil(0)).toBe(10_000);
    arrivals.updated(device(1), 'layers.1');
    expect(arrivals.updatesUntil(0)).toBeUndefined();
    // A device that is a step ahead hands off no update of this one.
    arrivals.nextStep();
    expect(arrivals.updatesUntil(0)).toBe(10_000);
    arrivals.updated(device(3), 'layers.0');
    expect(arrivals.updatesUntil(0)).toBeUndefined();
    arrivals.arrived(device(1), ['layers.0'], { isAhead: false });
    arrivals.nextStep();
    expect(arrivals.updatesUntil(0)).toBeUndefined();
    // Nor does one that asks for the block again.
    arrivals.arrived(device(1), ['layers.0'], { isAhead: false });
    arrivals.expect(device(1), 'layers.0', 0);
    expect(arrivals.updatesUntil(0)).toBeUndefined();
  });

  it('[P-150] are forgotten after 30 seconds without a word', () => {
    const arrivals = new Arrivals();
    arrivals.expect(device(1), 'layers.0', 0);
    arrivals.expect(device(1), 'layers.0', 20_000);
    expect(arrivals.waitUntil('layers.0', 49_999)).toBe(50_000);
    expect(arrivals.waitUntil('layers.0', 50_000)).toBeUndefined();
  });

  it('[P-150] cost a tenth of the time at most, however many join and compute nothing', () => {
    const arrivals = new Arrivals();
    let waited = 0;
    const end = 1_000_000;
    for (let now = 0; now < end; now += 100) {
      arrivals.arrived(device(now), ['layers.0'], { isAhead: false });
      const until = arrivals.updatesUntil(now);
      if (until !== undefined) {
        arrivals.setWaiting(true, now);
        waited += until - now;
        now = until;
        arrivals.setWaiting(false, now);
      }
      arrivals.nextStep();
    }
    expect(waited).toBeGreaterThan(10_000);
    expect(waited).toBeLessThanOrEqual(10_000 + end / 10);
  });

  it('[P-150] cost a tenth of the time at most, however many ask and never come', () => {
    const arrivals = new Arrivals();
    let waited = 0;
    const end = 1_000_000;
    for (let now = 0; now < end; ) {
      for (let n = 0; n < 200; n++) arrivals.expect(device(n), 'layers.0', now);
      const until = arrivals.waitUntil('layers.0', now);
      if (until !== undefined) {
        arrivals.setWaiting(true, now);
        waited += until - now;
        now = until;
        arrivals.setWaiting(false, now);
      }
      now += 100;
    }
    expect(waited).toBeGreaterThan(10_000);
    expect(waited).toBeLessThanOrEqual(10_000 + end / 10);
  });
});
