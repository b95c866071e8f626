/** From what the round driver and the network say to what the page shows. Pure. */
import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { RejectReason } from '../../swarm/messages/reject-reason.ts';
import type { NetworkView } from '../../swarm/peers.ts';
import type { Member, SelfDescription } from '../../swarm/presence.ts';
import type { DriverState, RoundEvent } from '../../swarm/rounds/events.ts';
import { conformanceOf } from '../../workers/conformance-report.ts';
import type { PauseCause, Phase } from './phase.ts';
import type { VolunteerView } from './reduce-volunteer.ts';
import type { VolunteerEvent } from './volunteer-events.ts';

/** Refusals of the swarm in words; the keys are those of swarm/messages/reject-reason.ts. */
const REFUSED: Readonly<Record<RejectReason, string>> = {
  malformed: 'Could not be decoded',
  oversized: 'Larger than allowed',
  'wrong-network': 'Of another network',
  'wrong-topic': 'Sent in the wrong place',
  stale: 'About a round that is over or far ahead',
  replayed: 'Seen before',
  'unbound-key': 'From a device that has not introduced itself',
  'false-signature': 'Signature does not match its device',
  'over-quota': 'Too many from one device',
  'wrong-stage': 'Came in the wrong stage of the round',
  'unmatched-reveal': 'Answers that were not committed to beforehand',
  copied: 'Answers copied from another device',
  overflow: 'Came faster than they could be read',
};

/** A refusal in a few plain words. */
export function refusalInWords(reason: string): string {
  return (REFUSED as Readonly<Record<string, string>>)[reason] ?? reason;
}

/** Peers and relays for the page; `members` gives the device addresses of those that have said hello. */
export function peersEvent(view: NetworkView, members: readonly Member[]): VolunteerEvent {
  const devices = new Map(members.map((member) => [member.peerId, member.device]));
  return {
    type: 'peers',
    peers: view.peers.map((peer) => ({ ...peer, device: devices.get(peer.peerId) ?? null })),
    relays: view.relays.map((relay) => ({
      peerId: relay.peerId,
      connected: relay.state === 'connected',
      cause: relay.cause,
    })),
  };
}

/** What the page shows for one event of the round driver. `now` is Unix milliseconds. */
export function roundEvents(
  event: RoundEvent,
  now: number,
  stageLength: (stage: 'answer' | 'critique' | 'vote') => number,
): readonly VolunteerEvent[] {
  switch (event.kind) {
    case 'status':
      return [{ type: 'doing', round: event.round, sentence: event.sentence }];
    case 'stage': {
      const stageEndsAt = now + event.untilStageEnd;
      const stageStartedAt = stageEndsAt - Math.max(event.untilStageEnd, stageLength(event.stage));
      return [{ type: 'clock', round: event.round, stage: event.stage, stageStartedAt, stageEndsAt }];
    }
    case 'prompts':
      return [{ type: 'items', round: event.round, items: event.prompts }];
    case 'answers':
      return [{ type: 'answers', round: event.round, author: event.author, own: event.own, set: event.set }];
    case 'critiques':
      return [
        {
          type: 'critiques',
          round: event.round,
          critic: event.critic,
          own: event.own,
          judgements: event.judgements,
        },
      ];
    case 'votes':
      return [
        {
          type: 'votes',
          round: event.round,
          voter: event.voter,
          own: event.own,
          ballots: event.ballots,
          corrections: event.corrections,
        },
      ];
    case 'trained':
      return [
        { type: 'notice', text: null },
        {
          type: 'computed',
          record: {
            round: event.round,
            reward: event.meanReward,
            heldOutAccuracy: event.heldOutAccuracy,
            loss: event.loss,
            checkpointRoot: event.checkpointRoot,
            computedAt: now,
            sent: false,
            acceptedBy: 0,
          },
        },
      ];
    case 'sent':
      return [{ type: 'sent', round: event.round }];
    case 'accepted':
      return [{ type: 'accepted', round: event.round, by: event.peers }];
    case 'failed':
      return [{ type: 'notice', text: `Round ${event.round} did not count: ${event.cause}` }];
    case 'attested':
      return [];
  }
}

/** The phase that a state of the driver means while the volunteer is in the swarm; null where it changes nothing. */
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
  return { engine: engine.description, conformance: conformanceOf({ ...engine, kind: engine.chosen }) };
}
