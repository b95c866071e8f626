import { describe, expect, it } from 'vitest';
import { OnDemand } from './on-demand.ts';

function counted(fail: { now?: Error } = {}) {
  const log: string[] = [];
  const onDemand = new OnDemand(async () => {
    log.push('load');
    if (fail.now !== undefined) throw fail.now;
    return { stop: () => void log.push('stop') };
  });
  return { onDemand, log };
}

describe('OnDemand', () => {
  it('loads once, whoever asks', async () => {
    const { onDemand, log } = counted();
    expect(await onDemand.open()).toBe(await onDemand.open());
    expect(log).toEqual(['load']);
  });

  it('forgets a failure, and has nothing to stop then', async () => {
    const fail: { now?: Error } = { now: new Error('not yet') };
    const { onDemand, log } = counted(fail);
    await expect(onDemand.open()).rejects.toThrow('not yet');
    await onDemand.stop();
    delete fail.now;
    await onDemand.open();
    expect(log).toEqual(['load', 'load']);
  });

  it('stops what is still being opened, once, and opens anew afterwards', async () => {
    const { onDemand, log } = counted();
    void onDemand.open();
    await onDemand.stop();
    await onDemand.stop();
    expect(log).toEqual(['load', 'stop']);
    await onDemand.open();
    expect(log).toEqual(['load', 'stop', 'load']);
  });
});
