import type { PauseCause, Phase } from './phase.ts';
import type { VolunteerEvent } from './volunteer-events.ts';

/** The part of a volunteer that the battery rule needs. */
export interface Pausable {
  subscribe(listener: (event: VolunteerEvent) => void): () => void;
  pause(cause: PauseCause): Promise<void>;
  resume(): Promise<void>;
}

export interface Battery {
  readonly charging: boolean;
  addEventListener(type: 'chargingchange', listener: () => void): void;
}

/**
 * The battery rule: a device that is unplugged while it contributes pauses and says so, and goes on when it is plugged
 * in again. One that began on battery was asked to, and goes on. Battery status is known in Chromium only.
 * https://www.w3.org/TR/battery-status/
 */
export function watchPower(volunteer: Pausable, navigator: { getBattery?(): Promise<Battery> }): void {
  let phase: Phase = { kind: 'idle' };
  volunteer.subscribe((event) => {
    if (event.type === 'phase') phase = event.phase;
  });
  const watch = async () => {
    const battery = await navigator.getBattery?.();
    battery?.addEventListener('chargingchange', () => {
      if (!battery.charging) void volunteer.pause('battery');
      else if (phase.kind === 'paused' && phase.cause === 'battery') void volunteer.resume();
    });
  };
  // Blocked by a permissions policy: then there is no rule.
  watch().catch(() => undefined);
}
