/** From what the round driver and the network report to what the page shows. Pure. */

import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { Stage } from '../../protocol/ledger.ts';
import type { RejectReason } from '../../swarm/messages/reject-reason.ts';
import type { NetworkView } from '../../swarm/peers.ts';
import type { StateEvent } from '../../swarm/pipeline/state-attestations.ts';
import type { Member, SelfDescription } from '../../swarm/presence.ts';
import type { DriverState, RoundEvent } from '../../swarm/rounds/events.ts';
import { conformanceOf } from '../../workers/conformance-report.ts';
import type { PauseCause, Phase } from './phase.ts';
import type { ShownRoundEvent, VolunteerEvent } from './volunteer-events.ts';
import type { VolunteerView } from './volunteer-view.ts';

const REFUSED: Readonly<Record<RejectReason, string>> = {
  malformed: 'Could not be decoded',
  oversized: 'Larger than allowed',
  'wrong-network': 'Of another network',
  'wrong-topic': 'Sent in the wrong place',
  stale: 'About a round that is over or far ahead',
  replayed: 'Seen before',
  'unbound-key': 'Introduces a device under the name of another',
  'false-signature': 'Signature does not match its device',
  'over-quota': 'Too many at once from one device or one neighbour',
  'wrong-stage': 'Came in the wrong stage of the round',
  'unmatched-reveal': 'Answers that were not committed to beforehand',
  overflow: 'Came faster than they could be read',
};

/** A refusal of the swarm in a few plain words. A reason that is not known here stays as it is. */
export function refusalInWords(reason: string): string {
  return (REFUSED as Readonly<Record<string, string>>)[reason] ?? reason;
}

/** What became of an attestation of a model in blocks, for the page. */
export function attestationEvent(event: StateEvent): VolunteerEvent {
  const { round } = event;
  switch (event.kind) {
    case 'attested':
      return { kind: 'state-attested', round, step: event.step, root: event.checkpointRoot };
    case 'accepted':
      return { kind: 'accepted', round, peers: event.peers, strangers: event.strangers };
    case 'not attested':
      return { kind: 'state-not-attested', round, cause: event.cause };
  }
}

/** Peers and relays for the page. `members` gives the device addresses of the peers that have said hello. */
export function peersEvent(view: NetworkView, members: readonly Member[]): VolunteerEvent {
  const devices = new Map(members.map((member) => [member.peerId, member.device]));
  return {
    kind: 'peers',
    peers: view.peers.map((peer) => ({ ...peer, device: devices.get(peer.peerId) ?? null })),
    relays: view.relays.map((relay) => ({
      peerId: relay.peerId,
      connected: relay.state === 'connected',
      cause: relay.cause,
    })),
  };
}

/**
 * An event of the round driver with times by this device's clock. `now` is Unix milliseconds; `stageLength`
 * gives the milliseconds of a stage, 0 while they are not known. Null for an event that the page does not
 * show.
 */
export function shownRoundEvent(
  event: RoundEvent,
  now: number,
  stageLength: (stage: Stage) => number,
): ShownRoundEvent | null {
  switch (event.kind) {
    case 'stage': {
      const stageEndsAt = now + event.untilStageEnd;
      const stageStartedAt = stageEndsAt - Math.max(event.untilStageEnd, stageLength(event.stage));
      return { ...event, stageStartedAt, stageEndsAt };
    }
    case 'trained':
      return { ...event, trainedAt: now };
    case 'attested':
      return null;
    default:
      return event;
  }
}

/**
 * The phase that a state of the driver means while the volunteer is in the swarm. Null where the state
 * changes no phase: the volunteer itself reports the end of a stop.
 */
export function phaseOf(state: DriverState, cause: PauseCause, sentence: string): Phase | null {
  switch (state) {
    case 'waiting':
    case 'working':
      return { kind: 'contributing' };
    case 'pausing':
      return { kind: 'pausing', cause };
    case 'paused':
      return cause === 'failures' ? { kind: 'paused', cause, detail: sentence } : { kind: 'paused', cause };
    case 'finishing':
      return { kind: 'finishing' };
    case 'stopping':
    case 'stopped':
      return null;
  }
}

/** What this device tells others about its engine. */
export function selfDescription(
  engine: VolunteerView['engine'],
): Pick<SelfDescription, 'engine' | 'conformance'> {
  if (engine === null) return { engine: '', conformance: UNTESTED };
  return { engine: engine.description, conformance: conformanceOf(engine) };
}
