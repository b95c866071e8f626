import { decodeKeyBackup, encodeKeyBackup } from '../key-backup.ts';
import type { KeyPort } from '../key-port.ts';
import type { VolunteerEvent } from '../volunteer-events.ts';
import type { VolunteerPort } from '../volunteer-port.ts';
import { heldFunds, type Scene, scene } from './scenes.ts';
import { SIMULATED_NETWORK } from './simulated-network.ts';

/** A volunteer that shows one scene without a network. Its buttons only move between phases. */
export function simulatedVolunteer(
  name: Scene,
  now: () => number,
  keys: Partial<KeyPort> = {},
): VolunteerPort {
  const listeners = new Set<(event: VolunteerEvent) => void>();
  const emit = (event: VolunteerEvent) => {
    for (const listener of listeners) listener(event);
  };
  const play = (next: Scene) => {
    for (const event of scene(next, now())) emit(event);
  };
  const refuse = () => Promise.reject(new Error('This is a drawing of the page, not a volunteer.'));
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open: async () => play(name),
    contribute: async () => play('contributing'),
    async join(swarm) {
      emit({ kind: 'swarm', swarm });
      play('contributing');
    },
    pause: async () => emit({ kind: 'phase', phase: { kind: 'paused', cause: 'asked' } }),
    resume: async () => play('contributing'),
    finish: async () => emit({ kind: 'phase', phase: { kind: 'finishing' } }),
    stop: async () => emit({ kind: 'phase', phase: { kind: 'stopped', finished: false } }),
    async takeOver() {
      emit({ kind: 'phase', phase: { kind: 'idle' } });
      play('returning');
    },
    ask: async () => ({ before: '84', now: '85' }),
    checkpoint: refuse,
    keys: {
      backUp: async (passphrase) =>
        encodeKeyBackup({ secret: new Uint8Array(32).fill(7), createdAt: now() }, passphrase),
      restore: async (text, passphrase) => decodeKeyBackup(text, passphrase),
      rotate: refuse,
      funds: async () => heldFunds(name),
      sweep: refuse,
      ...keys,
    },
    offerBinding: refuse,
    network: async () => SIMULATED_NETWORK,
    recordDelegation: refuse,
    setShare: async (share) => emit({ kind: 'share', share }),
  };
}
