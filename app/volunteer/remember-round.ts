/** What this browser remembers of rounds beyond a visit. */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { CostMemory } from '../../workers/cost-memory.ts';
import type { MemberFigures } from './member-figures.ts';

export interface RoundMemory {
  readonly figures: Pick<MemberFigures, 'add'>;
  readonly costs: Pick<CostMemory, 'add'>;
  /** Measures the bytes of memory of this tab. Resolves with null where the browser cannot, never rejects. */
  readonly tabMemory: () => Promise<number | null>;
  /** The id of the swarm, as in swarm/network-id.ts. */
  readonly run: string;
  /** This device. */
  readonly device: DeviceAddress;
}

/** Remembers how members do on held-out tasks, as they publish it, and what a round took here. */
export function rememberRound(event: RoundEvent, memory: RoundMemory): void {
  const { figures, costs, tabMemory, run, device } = memory;
  if (event.kind === 'trained') {
    const { round, heldOutAccuracy: accuracy, computeMs } = event;
    figures.add(run, { round, device, accuracy });
    if (computeMs === undefined) return;
    const took = { round, seconds: computeMs / 1000 };
    costs.add(run, { ...took, memory: null });
    // It may take longer than the tab is open.
    void tabMemory().then((bytes) => {
      if (bytes !== null) costs.add(run, { ...took, memory: bytes });
    });
  }
  if (event.kind === 'attested') {
    const { author, round, body } = event.message;
    figures.add(run, { round, device: author, accuracy: body.heldOutAccuracy });
  }
}
