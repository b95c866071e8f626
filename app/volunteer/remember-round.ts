/** What this browser remembers of rounds beyond a visit. */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import type { CostMemory } from '../../workers/cost-memory.ts';
import type { MemberFigures } from './member-figures.ts';

export interface RoundMemory {
  readonly figures: Pick<MemberFigures, 'add'>;
  readonly costs: Pick<CostMemory, 'add'>;
  /** The id of the swarm, as in swarm/network-id.ts. */
  readonly run: string;
  /** This device. */
  readonly device: DeviceAddress;
}

/** Remembers how members do on held-out tasks, as they publish it, and what a round took here. */
export function rememberRound(event: RoundEvent, { figures, costs, run, device }: RoundMemory): void {
  if (event.kind === 'trained') {
    const { round, heldOutAccuracy: accuracy, computeMs } = event;
    figures.add(run, { round, device, accuracy });
    // A page cannot measure the memory of its worker.
    if (computeMs !== undefined) costs.add(run, { round, seconds: computeMs / 1000, memory: null });
  }
  if (event.kind === 'attested') {
    const { author, round, body } = event.message;
    figures.add(run, { round, device: author, accuracy: body.heldOutAccuracy });
  }
}
