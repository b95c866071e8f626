import { describe, expect, it } from 'vitest';
import { describeRoundClockContract } from '../protocol/testing/ledger-contract.ts';
import { type BlockTime, ChainClock } from './clock.ts';
import { ChainError } from './errors.ts';
import { readingAt, type Schedule, seedOf } from './schedule.ts';

const GENESIS = 1_800_000_000;
const schedule: Schedule = {
  genesis: GENESIS,
  seconds: { answer: 8, critique: 5, vote: 7 },
  genesisSeed: `0x${'ab'.repeat(32)}`,
};

/**
 * A chain with a block a second and a local clock that counts from nowhere in particular, both moved by hand.
 */
class Simulation {
  local = 5_000;
  /** Chain time minus local time, ms; what the clock has to find out. */
  lead = GENESIS * 1000 - 5_000;
  reachable = true;
  /** The newest block, when it is not simply the last full second. */
  block: BlockTime | undefined;
  #wake: (() => void) | undefined;

  latestBlock = async (): Promise<BlockTime> => {
    if (!this.reachable) throw new Error('unreachable');
    const seconds = BigInt(Math.floor((this.local + this.lead) / 1000));
    return this.block ?? { number: seconds, timestamp: seconds };
  };

  /** Why the chain is another one. */
  replaced: Error | undefined;
  confirmed = 0;

  confirm = async (): Promise<void> => {
    this.confirmed++;
    if (this.replaced !== undefined) throw this.replaced;
  };

  sleep = (_ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      this.#wake = resolve;
      signal.onabort = () => resolve();
    });

  start(): Promise<ChainClock> {
    const { latestBlock, sleep, confirm } = this;
    return ChainClock.start({ schedule, latestBlock, sleep, confirm, now: () => this.local });
  }

  /** Lets local time pass and then one poll happen. */
  async poll(ms: number): Promise<void> {
    this.local += ms;
    this.#wake?.();
    for (let i = 0; i < 8; i++) await Promise.resolve();
  }
}

describeRoundClockContract('ChainClock', async () => {
  const world = new Simulation();
  const clock = await world.start();
  return {
    clock,
    advance: (ms) => {
      world.local += ms;
    },
    stop: () => clock.stop(),
  };
});

describe('readingAt', () => {
  const at = (seconds: number) => readingAt(schedule, (GENESIS + seconds) * 1000);

  it('knows every border', () => {
    expect(at(0)).toMatchObject({ round: 0, stage: 'answer', sinceStageStart: 0, untilStageEnd: 8000 });
    expect(at(7.999)).toMatchObject({ round: 0, stage: 'answer' });
    expect(at(8)).toMatchObject({ round: 0, stage: 'critique', sinceStageStart: 0, untilStageEnd: 5000 });
    expect(at(13)).toMatchObject({ round: 0, stage: 'vote', sinceStageStart: 0, untilStageEnd: 7000 });
    expect(at(19.5)).toMatchObject({ round: 0, stage: 'vote', untilStageEnd: 500 });
    expect(at(20)).toMatchObject({ round: 1, stage: 'answer', sinceStageStart: 0 });
    expect(at(20 * 1000 + 9)).toMatchObject({ round: 1000, stage: 'critique', sinceStageStart: 1000 });
  });

  it('is the start of round 0 before genesis', () => {
    expect(at(-5)).toMatchObject({ round: 0, stage: 'answer', sinceStageStart: 0 });
  });

  it('gives each round its own seed', () => {
    expect(at(0).seed).toBe(seedOf(schedule, 0));
    expect(at(25).seed).toBe(seedOf(schedule, 1));
    expect(seedOf(schedule, 0)).not.toBe(seedOf(schedule, 1));
  });
});

describe('ChainClock', () => {
  it('goes on between blocks by the local clock', async () => {
    const world = new Simulation();
    const clock = await world.start();
    expect(clock.read()).toMatchObject({ round: 0, stage: 'answer', sinceStageStart: 0 });
    world.local += 8_250;
    expect(clock.read()).toMatchObject({ round: 0, stage: 'critique', sinceStageStart: 250 });
    await clock.stop();
  });

  it('comes closer to the truth with every block, seen at different delays', async () => {
    const world = new Simulation();
    world.local += 900;
    const clock = await world.start();
    expect(clock.chainMs()).toBe(GENESIS * 1000);
    for (let i = 0; i < 10; i++) await world.poll(700);
    // Polls fall 700 ms apart, so one of ten comes at most 100 ms after its block.
    expect(world.local + world.lead - clock.chainMs()).toBeLessThanOrEqual(100);
    expect(clock.chainMs()).toBeLessThanOrEqual(world.local + world.lead);
    await clock.stop();
  });

  it('is carried on while the node is away, and says so', async () => {
    const world = new Simulation();
    const clock = await world.start();
    const heard: boolean[] = [];
    clock.watchReach((reachable) => heard.push(reachable));
    world.reachable = false;
    await world.poll(700);
    await world.poll(59_300);
    expect(clock.read()).toMatchObject({ round: 3, stage: 'answer', sinceStageStart: 0 });
    expect(clock.health()).toMatchObject({ reachable: false, staleMs: 60_000 });
    world.reachable = true;
    await world.poll(700);
    expect(clock.health()).toMatchObject({ reachable: true, staleMs: 0 });
    expect(heard).toEqual([true, false, true]);
    await clock.stop();
  });

  it('does not stand still on a chain that mines only on demand', async () => {
    const world = new Simulation();
    world.block = { number: 7n, timestamp: BigInt(GENESIS) };
    const clock = await world.start();
    for (let i = 0; i < 60; i++) await world.poll(700);
    expect(clock.chainMs()).toBe(GENESIS * 1000 + 42_000);
    await clock.stop();
  });

  it('follows a chain whose time leaps ahead', async () => {
    const world = new Simulation();
    const clock = await world.start();
    world.lead += 3_600_000;
    await world.poll(700);
    expect(clock.read().round).toBe(180);
    await clock.stop();
  });

  it('follows a local clock that runs slow or fast, without ever going back', async () => {
    const world = new Simulation();
    const clock = await world.start();
    let before = clock.chainMs();
    for (const drift of [7, -7]) {
      for (let i = 0; i < 200; i++) {
        world.lead += drift;
        await world.poll(700);
        const now = clock.chainMs();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
      expect(Math.abs(world.local + world.lead - before)).toBeLessThanOrEqual(1000);
    }
    await clock.stop();
  });

  it('will not start without the node', async () => {
    const world = new Simulation();
    world.reachable = false;
    await expect(world.start()).rejects.toThrow('unreachable');
  });

  it('goes on reading after it was stopped', async () => {
    const world = new Simulation();
    const clock = await world.start();
    await clock.stop();
    world.local += 20_000;
    expect(clock.read().round).toBe(1);
  });
});

describe('another chain behind the same address', () => {
  const WRONG = new ChainError('wrong-network', 'Another network stands behind the address.');

  it('is told once by its typed error, counts as out of reach, and its blocks do not count', async () => {
    const world = new Simulation();
    const clock = await world.start();
    const told: (ChainError | undefined)[] = [];
    const reach: boolean[] = [];
    clock.watchReplaced((error) => told.push(error));
    clock.watchReach((reachable) => reach.push(reachable));
    await world.poll(1000);
    expect(world.confirmed).toBe(0);
    const before = clock.health().block;

    world.replaced = WRONG;
    world.block = { number: 3n, timestamp: BigInt(GENESIS + 900_000) };
    await world.poll(1000);
    await world.poll(1000);
    expect(told).toEqual([WRONG]);
    expect(reach).toEqual([true, false]);
    expect(clock.health().block).toBe(before);
    expect(clock.read().round).toBe(0);
    const late: (ChainError | undefined)[] = [];
    clock.watchReplaced((error) => late.push(error));
    expect(late).toEqual([WRONG]);

    world.replaced = undefined;
    world.block = undefined;
    await world.poll(1000);
    expect(told).toEqual([WRONG, undefined]);
    expect(reach).toEqual([true, false, true]);
    await clock.stop();
  });

  it('is noticed when the node comes back, however far that chain is', async () => {
    const world = new Simulation();
    const clock = await world.start();
    const told: unknown[] = [];
    clock.watchReplaced((error) => told.push(error));
    world.reachable = false;
    await world.poll(1000);
    world.reachable = true;
    world.replaced = WRONG;
    world.block = { number: 10n ** 12n, timestamp: BigInt(GENESIS) };
    await world.poll(1000);
    expect(told).toEqual([WRONG]);
    await clock.stop();
  });

  it('is not what a node is that lags a block behind', async () => {
    const world = new Simulation();
    const clock = await world.start();
    const told: unknown[] = [];
    clock.watchReplaced((error) => told.push(error));
    await world.poll(2000);
    world.block = { number: clock.health().block - 1n, timestamp: BigInt(GENESIS) };
    await world.poll(1000);
    expect(world.confirmed).toBe(1);
    expect(told).toEqual([]);
    expect(clock.health().reachable).toBe(true);
    await clock.stop();
  });
});
