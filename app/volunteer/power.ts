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
 * The battery rule. A device that is unplugged while it contributes pauses, and resumes when it is plugged in
 * again. A device that started on battery keeps contributing, because a person asked for it. Only Chromium
 * reports the battery.
 * https://www.w3.org/TR/battery-status/
 */
export function watchPower(volunteer: Pausable, navigator: { getBattery?(): Promise<Battery> }): void {
  let phase: Phase = { kind: 'idle' };
  volunteer.subscribe((event) => {
    if (event.kind === 'phase') phase = event.phase;
  });
  const watch = async () => {
    const battery = await navigator.getBattery?.();
    battery?.addEventListener('chargingchange', () => {
      if (!battery.charging) void volunteer.pause('battery');
      else if (phase.kind === 'paused' && phase.cause === 'battery') void volunteer.resume();
    });
  };
  // A permissions policy blocks the battery's status: there is no rule then.
  watch().catch(() => undefined);
}
