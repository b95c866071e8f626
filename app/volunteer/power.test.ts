import { describe, expect, it } from 'vitest';
import type { Phase } from './phase.ts';
import { watchPower } from './power.ts';
import type { VolunteerEvent } from './volunteer-events.ts';

/** A volunteer that does what it is told, and a battery whose plug can be pulled. */
async function plugged(options: { readonly getBattery?: 'blocked' } = {}) {
  const asked: string[] = [];
  const listeners: ((event: VolunteerEvent) => void)[] = [];
  const tell = (phase: Phase) => {
    for (const listener of listeners) listener({ kind: 'phase', phase });
  };
  const volunteer = {
    subscribe(listener: (event: VolunteerEvent) => void) {
      listeners.push(listener);
      return () => undefined;
    },
    pause: async (cause: string) => void asked.push(`pause ${cause}`),
    resume: async () => void asked.push('resume'),
  };
  const changed: (() => void)[] = [];
  const battery = {
    charging: true,
    addEventListener: (_type: 'chargingchange', listener: () => void) => void changed.push(listener),
  };
  const getBattery =
    options.getBattery === 'blocked' ? async () => Promise.reject(new Error('blocked')) : async () => battery;
  watchPower(volunteer, { getBattery });
  await new Promise((resolve) => setTimeout(resolve));
  const plug = (charging: boolean) => {
    battery.charging = charging;
    for (const listener of changed) listener();
  };
  return { asked, tell, plug };
}

describe('battery rule', () => {
  it('pauses when unplugged and goes on when plugged in again', async () => {
    const { asked, tell, plug } = await plugged();
    tell({ kind: 'contributing' });
    plug(false);
    tell({ kind: 'paused', cause: 'battery' });
    plug(true);
    expect(asked).toEqual(['pause battery', 'resume']);
  });

  it('leaves a pause alone that a person asked for', async () => {
    const { asked, tell, plug } = await plugged();
    tell({ kind: 'paused', cause: 'asked' });
    plug(true);
    expect(asked).toEqual([]);
  });

  it('does nothing where the browser will not tell', async () => {
    const { asked, plug } = await plugged({ getBattery: 'blocked' });
    plug(false);
    expect(asked).toEqual([]);
  });
});
