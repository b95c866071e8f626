import { describe, expect, it } from 'vitest';
import type { ChecksPort } from './checks/checks-port.ts';
import type { JobsPort } from './jobs/jobs-port.ts';
import { ModelsController } from './models/models-controller.ts';
import { type OwnedVolunteer, Session } from './session.ts';
import { simulatedSwarms } from './swarms/testing/simulated-swarms.ts';
import { simulatedVolunteer } from './volunteer/testing/simulated-volunteer.ts';
import type { Credentials } from './volunteer/volunteer.ts';

const credentials = { network: { name: 'Local network' } } as Credentials;

function made(options: { readonly underWay?: boolean; readonly refused?: boolean } = {}) {
  const log: string[] = [];
  let loseKey = async () => {};
  const session = new Session({
    openVolunteer({ onKeyLost }): OwnedVolunteer {
      loseKey = onKeyLost;
      return {
        ...simulatedVolunteer('returning', () => 0),
        credentials: async () => {
          log.push('credentials');
          if (options.refused === true) throw new Error('Another tab uses this device’s key.');
          return credentials;
        },
        close: async () => void log.push('volunteer closed'),
      };
    },
    openPaidWork: async (given) => {
      log.push(`paid work on ${given.network.name}`);
      const stop = async () => void log.push('paid work stopped');
      return { jobs: { refresh() {} } as JobsPort, checks: {} as ChecksPort, stop };
    },
    openSwarms: async () => {
      log.push('swarms');
      return { ...simulatedSwarms('swarms-empty'), stop: async () => void log.push('swarms stopped') };
    },
    openModels: async () => {
      log.push('models');
      return new ModelsController({
        openWorker: () => ({ call: () => Promise.reject(new Error('unused')), stop: () => {} }),
        now: () => 0,
        persist: () => {},
        save: () => {},
      });
    },
    isPaidWorkUnderWay: () => options.underWay === true,
  });
  return { session, log, loseKey: () => loseKey() };
}

describe('Session', () => {
  it('starts the volunteer alone, and its view follows', async () => {
    const { session, log } = made();
    await session.start();
    expect(log).toEqual([]);
    expect(session.view.getState().totals.computed).toBe(34);
  });

  it('goes on with jobs and checks that were under way, except where another tab has the key', async () => {
    const going = made({ underWay: true });
    await going.session.start();
    expect(going.log).toEqual(['credentials', 'paid work on Local network']);

    const second = made({ underWay: true, refused: true });
    await second.session.start();
    await expect(second.session.jobs.open()).rejects.toThrow('Another tab');
  });

  it('opens jobs and checks once for both screens', async () => {
    const { session, log } = made();
    await Promise.all([session.jobs.open(), session.checks.open()]);
    expect(log).toEqual(['credentials', 'paid work on Local network']);
  });

  it('stops jobs and checks when the volunteer loses the key, and opens them anew after that', async () => {
    const { session, log, loseKey } = made();
    await session.jobs.open();
    await loseKey();
    expect(log.at(-1)).toBe('paid work stopped');
    await session.checks.open();
    expect(log.filter((line) => line.startsWith('paid work on'))).toHaveLength(2);
  });

  it('stops everything that was opened, and only that', async () => {
    const { session, log } = made();
    await session.start();
    await session.models.open();
    await session.stop();
    expect(log).toEqual(['models', 'volunteer closed']);
  });
});
