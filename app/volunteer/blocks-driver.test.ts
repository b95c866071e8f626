import { describe, expect, it } from 'vitest';
import type { JoinBlocksOptions } from '../../swarm/pipeline/join-blocks.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';
import { BlocksDriver } from './blocks-driver.ts';
import { COMPUTING, GATHERING } from './testing/shown-blocks.ts';
import type { ShownBlocks } from './volunteer-events.ts';

type Listen = Pick<JoinBlocksOptions, 'onStep' | 'onChange'>;

/** A driver whose session is stood for. */
async function driving(options: { readonly fail?: { now?: Error } } = {}) {
  const log: string[] = [];
  const shown: ShownBlocks[] = [];
  const scheduler = new SimulatedScheduler();
  const session: { view: ShownBlocks; listen: Listen } = { view: GATHERING, listen: {} };
  const unused = () => Promise.reject(new Error('not asked for'));
  const driver = await BlocksDriver.open({
    blocks: {
      memory: new Map([['head', 7]]),
      assemble: async ([bytes = new Uint8Array()]) => ({ step: 4, bytes, root: '0x04' }),
      worker: {
        ...{ begin: unused, load: unused, file: unused, describe: unused, compute: unused, forget: unused },
        release: async (block) => void log.push(`released ${block}`),
      },
    },
    join: async (listen) => {
      if (options.fail?.now !== undefined) throw options.fail.now;
      log.push('joined');
      session.listen = listen;
      const files = new Map([['head', Uint8Array.of(1)]]);
      const collect = async () => ({ step: 4, files });
      return { view: () => session.view, collect, stop: async () => void log.push('left') };
    },
    scheduler,
    onRound: (event: RoundEvent) => {
      if (event.kind === 'status') log.push(event.state);
    },
    onBlocks: (blocks) => shown.push(blocks),
    onFailed: (error) => log.push(error.message),
  });
  return { driver, log, shown, scheduler, session };
}

describe('BlocksDriver', () => {
  it('shows the pipeline at most four times a second, and the last change always', async () => {
    const { driver, shown, scheduler, session } = await driving();
    driver.start();
    expect(shown).toHaveLength(1);
    session.view = COMPUTING;
    for (let change = 0; change < 100; change++) session.listen.onChange?.();
    await scheduler.advance(1000);
    expect(shown).toHaveLength(2);
    expect(shown[1]).toMatchObject({ state: 'computing', memory: new Map([['head', 7]]), last: null });
    session.listen.onStep?.(4, '0x05', { updates: [], hops: new Map(), takeovers: 0 });
    session.listen.onChange?.();
    await scheduler.advance(1000);
    expect(shown[2]?.last).toEqual({ step: 5, root: '0x05' });
    await driver.stop();
    session.listen.onChange?.();
    await scheduler.advance(1000);
    expect(shown).toHaveLength(3);
  });

  it('leaves for a pause with its blocks given back, and comes in again', async () => {
    const fail: { now?: Error } = {};
    const { driver, log } = await driving({ fail });
    driver.start();
    expect(await driver.whole()).toEqual({ step: 4, bytes: Uint8Array.of(1), root: '0x04' });
    driver.pause();
    driver.pause();
    await expect.poll(() => log).toContain('paused');
    expect(log).toEqual(['joined', 'working', 'pausing', 'left', 'released embedding', 'paused']);
    await expect(driver.whole()).rejects.toThrow('Resume, then take the model');
    driver.resume();
    driver.resume();
    await expect.poll(() => log.slice(6)).toEqual(['working', 'joined']);
    driver.pause();
    await expect.poll(() => log.at(-1)).toBe('paused');
    fail.now = new Error('No room.');
    driver.resume();
    await expect.poll(() => log.at(-1)).toBe('No room.');
    await driver.stop();
    expect(log.at(-1)).toBe('stopping');
  });

  it('finishes the step in hand, and stops at once where it computes none', async () => {
    const idle = await driving();
    idle.driver.start();
    await idle.driver.finishThenStop();
    expect(idle.log).toContain('left');

    const busy = await driving();
    busy.session.view = COMPUTING;
    busy.driver.start();
    const finished = busy.driver.finishThenStop();
    await Promise.resolve();
    expect(busy.log).not.toContain('left');
    busy.session.listen.onStep?.(1, '0x02', { updates: [], hops: new Map(), takeovers: 0 });
    await finished;
    expect(busy.log).toContain('left');

    const alone = await driving();
    alone.session.view = COMPUTING;
    const ended = alone.driver.finishThenStop();
    alone.session.view = GATHERING;
    alone.session.listen.onChange?.();
    await ended;
    expect(alone.log).toContain('left');
  });
});
