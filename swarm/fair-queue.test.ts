import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

function setUp({ perSecond = 10, burst = 2 } = {}) {
  const scheduler = new SimulatedScheduler();
  let draws = 0;
  const queue = new FairQueue({ perSecond, burst, scheduler, random: () => (draws++ * 0.37) % 1 });
  const begun: string[] = [];
  const dropped: string[] = [];
  async function ask(group: string, { member = group, source = group, cost = 1 } = {}): Promise<void> {
    const begins = await queue.turn({ group, member, source, cost });
    (begins ? begun : dropped).push(member);
  }
  return { scheduler, queue, begun, dropped, ask };
}

describe('FairQueue', () => {
  it('[P-112] begins a burst at once, and then so many units a second', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 12; n++) void ask('a');
    await scheduler.advance(0);
    expect(begun).toHaveLength(2);
    await scheduler.advance(1000);
    expect(begun).toHaveLength(12);
    expect(scheduler.pending).toBe(0);
  });

  it('[P-112] counts the cost of each piece', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 4; n++) void ask('a', { cost: 5 });
    await scheduler.advance(500);
    expect(begun).toHaveLength(2);
    await scheduler.advance(1000);
    expect(begun).toHaveLength(4);
  });

  it('[P-111] lets groups take turns, so that one waits for itself', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 15; n++) void ask('flood');
    void ask('b');
    void ask('c');
    await scheduler.advance(300);
    expect(begun).toEqual(['flood', 'flood', 'flood', 'b', 'c']);
  });

  it('[P-111] lets the members of a group take turns', async () => {
    const { scheduler, begun, ask } = setUp({ burst: 1 });
    void ask('first');
    for (let n = 0; n < 5; n++) void ask('owner', { member: 'one' });
    void ask('owner', { member: 'two' });
    void ask('other');
    await scheduler.advance(400);
    expect(begun).toEqual(['first', 'one', 'other', 'two', 'one']);
  });

  it('[P-112] lets two seconds of work wait, and drops from the source that has most', async () => {
    const { scheduler, begun, dropped, ask } = setUp();
    for (let n = 0; n < 100; n++) void ask('flood');
    for (const name of ['b', 'c', 'd']) void ask(name);
    await scheduler.advance(0);
    expect(dropped).toHaveLength(100 - 2 - 20 + 3);
    await scheduler.advance(5000);
    expect(begun).toHaveLength(2 + 20);
    expect(begun).toEqual(expect.arrayContaining(['b', 'c', 'd']));
  });

  it('[P-112] counts work and not pieces, when it looks for the source that has most', async () => {
    const { scheduler, begun, dropped, ask } = setUp();
    for (let n = 0; n < 2; n++) void ask('first');
    for (let n = 0; n < 3; n++) void ask('large', { cost: 5 });
    for (let n = 0; n < 8; n++) void ask('small');
    await scheduler.advance(5000);
    expect(dropped).toEqual(['large']);
    expect(begun.filter((name) => name === 'small')).toHaveLength(8);
  });

  it('drops neither the first nor the last to come alone', async () => {
    const { scheduler, begun, ask } = setUp();
    for (let n = 0; n < 60; n++) void ask('flood', { member: `${n}` });
    await scheduler.advance(5000);
    const waited = begun.slice(2).map(Number);
    expect(waited.some((n) => n < 30)).toBe(true);
    expect(waited.some((n) => n >= 40)).toBe(true);
    expect(waited).not.toEqual(Array.from({ length: 20 }, (_, i) => 40 + i));
  });

  it('drops what came through a source, and everything when stopped', async () => {
    const { scheduler, queue, begun, dropped, ask } = setUp();
    for (let n = 0; n < 5; n++) void ask('a', { source: 'bad' });
    void ask('b');
    queue.drop('bad');
    await scheduler.advance(100);
    expect([begun, dropped]).toEqual([
      ['a', 'a', 'b'],
      ['a', 'a', 'a'],
    ]);
    for (let n = 0; n < 5; n++) void ask('c');
    queue.stop();
    expect(scheduler.pending).toBe(0);
    await scheduler.advance(1000);
    expect(begun).toHaveLength(3);
  });
});
