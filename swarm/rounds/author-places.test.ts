import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import { AuthorPlaces } from './author-places.ts';

const KNOWN: Standing = { kind: 'known' };
const ownedBy = (owner: number): Standing => ({ kind: 'bound', owner: addressOf('owner', owner) });

function addressOf(name: string, n: number): DeviceAddress {
  return toHex(sha256Of(new TextEncoder().encode(`${name} ${n}`)).subarray(0, 20));
}

function setUp(
  options: { readonly places?: number; readonly bytes?: number; readonly secret?: string } = {},
) {
  const { places = 8, bytes = 1000, secret = '' } = options;
  const standings = new Map<DeviceAddress, Standing>();
  const held = new AuthorPlaces<DeviceAddress>({
    places,
    bytes,
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    rankOf: (author) => toHex(sha256Of(new TextEncoder().encode(`${secret} ${author}`))),
  });
  /** Sets devices of a name and a standing. Returns them. */
  function add(name: string, count: number, standing: Standing = UNKNOWN, size = 1): DeviceAddress[] {
    return Array.from({ length: count }, (_, n) => {
      const device = addressOf(name, n);
      standings.set(device, standing);
      held.set(device, device, size);
      return device;
    });
  }
  const kept = (devices: readonly DeviceAddress[]): number =>
    devices.filter((device) => held.get(device) !== undefined).length;
  return { standings, held, add, kept };
}

describe('AuthorPlaces', () => {
  it('[P-83] keeps every known device and owner among 2,000 fresh keys, before or after them', () => {
    const { add, kept, held } = setUp({ places: 256 });
    const known = add('known', 20, KNOWN);
    const fresh = add('fresh', 2000);
    const owned = Array.from({ length: 20 }, (_, n) => add(`of owner ${n}`, 1, ownedBy(n))).flat();
    expect(kept(known)).toBe(20);
    expect(kept(owned)).toBe(20);
    expect(kept(fresh)).toBe(216);
    expect(held.size).toBe(256);
  });

  it('[P-83] gives neither the first nor the last of many unknown devices a place for sure', () => {
    let [first, last] = [0, 0];
    for (let n = 0; n < 64; n++) {
      const { add, kept } = setUp({ places: 32, secret: `secret ${n}` });
      const honest = add('first', 1);
      add('fresh', 32);
      const late = add('last', 1);
      first += kept(honest);
      last += kept(late);
    }
    // Each is one of 34 for 32 places, under 64 secrets.
    for (const places of [first, last]) {
      expect(places).toBeGreaterThan(50);
      expect(places).toBeLessThan(64);
    }
  });

  it('[P-83] leaves known and unknown devices a quarter each, however many owners come', () => {
    const { add, kept } = setUp({ places: 16 });
    const unknown = add('unknown', 40);
    const known = add('known', 40, KNOWN);
    const owned = Array.from({ length: 40 }, (_, n) => add(`of owner ${n}`, 1, ownedBy(n))).flat();
    expect([kept(owned), kept(known), kept(unknown)]).toEqual([8, 4, 4]);
  });

  it('[P-83] gives an owner four places', () => {
    const { add, kept } = setUp({ places: 16 });
    expect(kept(add('mine', 12, ownedBy(0)))).toBe(4);
    expect(kept(add('other', 3, ownedBy(1)))).toBe(3);
  });

  it('[P-83] shares bytes as it shares places, and never holds more', () => {
    const { add, kept, held } = setUp({ places: 100, bytes: 100 });
    const fresh = add('fresh', 50, UNKNOWN, 10);
    expect(kept(fresh)).toBe(10);
    expect(kept(add('known', 3, KNOWN, 20))).toBe(3);
    expect(kept(fresh)).toBe(4);
    expect(held.set(addressOf('huge', 0), addressOf('huge', 0), 101)).toContain(addressOf('huge', 0));
  });

  it('keeps a device whose standing was read after it came', () => {
    const { add, held, standings } = setUp({ places: 4 });
    const early = add('early', 4);
    for (const device of early) standings.set(device, KNOWN);
    add('fresh', 100);
    // Four known devices have more than their quarter only against known ones.
    expect(held.values().filter((device) => early.includes(device)).length).toBeGreaterThanOrEqual(3);
  });

  it('takes the best of the highest class first', () => {
    const { add, held } = setUp();
    add('fresh', 3);
    const known = add('known', 2, KNOWN);
    const [owned] = add('owned', 1, ownedBy(0));
    expect(held.takeFirst()).toBe(owned);
    expect(known).toContain(held.takeFirst());
    expect(known).toContain(held.takeFirst());
    expect(held.size).toBe(3);
    for (let n = 0; n < 3; n++) expect(held.takeFirst()).toBeDefined();
    expect(held.takeFirst()).toBeUndefined();
  });

  it('stays within its bounds whatever comes, and names whoever left', () => {
    const entry = fc.record({ n: fc.nat(30), kind: fc.nat(2), size: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
        const standings = new Map<DeviceAddress, Standing>();
        const sizes = new Map<DeviceAddress, number>();
        const held = new AuthorPlaces<DeviceAddress>({
          places: 6,
          bytes: 60,
          standingOf: (device) => standings.get(device) ?? UNKNOWN,
          rankOf: (author) => author,
        });
        for (const { n, kind, size } of entries) {
          const device = addressOf('device', n);
          standings.set(device, [UNKNOWN, KNOWN, ownedBy(n % 2)][kind] ?? UNKNOWN);
          sizes.set(device, size);
          for (const gone of held.set(device, device, size)) sizes.delete(gone);
          const kept = held.values();
          expect(new Set(kept)).toEqual(new Set(sizes.keys()));
          expect(kept.length).toBeLessThanOrEqual(6);
          expect(kept.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0)).toBeLessThanOrEqual(60);
        }
      }),
    );
  });
});
