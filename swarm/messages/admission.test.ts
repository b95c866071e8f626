import { describe, expect, it } from 'vitest';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { Admission, type AuthorClass, costOf } from './admission.ts';

function setUp(groupOf?: (source: string) => string) {
  const scheduler = new SimulatedScheduler();
  const admission = new Admission({ scheduler, random: () => 0.5, groupOf });
  const begun: string[] = [];
  async function ask(source: string, authorClass: AuthorClass = 'unknown', author = source): Promise<void> {
    const arrival = { source, isOwn: false, authorClass, author, account: author, cost: 1 };
    if (await admission.turn(arrival)) begun.push(author);
  }
  return { scheduler, admission, begun, ask };
}

describe('Admission', () => {
  it('[P-112] begins no more than 50 units of unknown authors a second, and 200 of seen and of known ones', async () => {
    for (const [authorClass, atOnce, perSecond] of [
      ['unknown', 10, 50],
      ['seen', 40, 200],
      ['known', 40, 200],
      ['bound', 40, 200],
    ] as const) {
      const { scheduler, begun, ask } = setUp();
      for (let n = 0; n < 1000; n++) void ask('a', authorClass);
      await scheduler.advance(0);
      expect(begun).toHaveLength(atOnce);
      await scheduler.advance(1000);
      expect(begun).toHaveLength(atOnce + perSecond);
    }
  });

  it('[P-112] keeps the turns of each class apart', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 1000; n++) {
      void ask('a', 'unknown', 'stranger');
      void ask('a', 'seen', 'device');
    }
    void ask('a', 'known', 'known');
    void ask('a', 'bound', 'owned');
    await scheduler.advance(0);
    expect(begun.slice(-2)).toEqual(['known', 'owned']);
  });

  it('[P-111] lets one neighbour of a prefix have its turn beside 200 of another at a relay', async () => {
    const { scheduler, begun, ask } = setUp((source) => source.charAt(0));
    for (let n = 0; n < 200; n++) void ask(`a${n}`);
    await scheduler.advance(0);
    void ask('b');
    await scheduler.advance(40);
    expect(begun).toContain('b');
    expect(begun.length).toBeLessThan(20);
  });

  it('[P-64] shares the units of work among the networks of a relay', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 60; n++) {
      void ask('a', 'unknown', 'network 1');
      void ask('b', 'unknown', 'network 2');
    }
    await scheduler.advance(1000);
    expect(begun.length).toBe(60);
  });

  it('[P-119] charges messages and bytes, and keeps the last quarter for authors that are not unknown', () => {
    const { admission } = setUp();
    const charged = (bytes: number, authorClass: AuthorClass, count: number): number =>
      Array.from({ length: count }, () => admission.charge('a', bytes, authorClass)).filter(
        (outcome) => outcome === 'taken',
      ).length;
    // 12 MiB, less the quarter.
    expect(charged(65_536, 'seen', 100)).toBe(100);
    expect(charged(65_536, 'unknown', 100)).toBeLessThanOrEqual(40);
    expect(charged(65_536, 'known', 200)).toBeGreaterThanOrEqual(48);
    expect(admission.charge('a', 65_536, 'bound')).toBe('empty');
    expect(admission.charge('b', 65_536, 'bound')).toBe('taken');
  });

  it('[P-112] counts a unit for the signature, for 16,384 bytes, and for a signature inside', () => {
    expect([costOf(0), costOf(32_768), costOf(0, 'reveal')]).toEqual([1, 3, 1]);
    expect([costOf(0, 'vote'), costOf(0, 'attest'), costOf(0, 'state')]).toEqual([2, 2, 2]);
  });
});
