/** How each event of a volunteer changes what the page shows. Pure. */

import { isLive } from './phase.ts';
import { addAttested, changeAttested } from './reduce-attested.ts';
import { reduceFeed } from './reduce-feed.ts';
import { addRecord, changeRecord, withRecords } from './reduce-records.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import { EMPTY_VIEW, type VolunteerView } from './volunteer-view.ts';

/** Reasons beyond this many are counted together, so that a flood of odd messages cannot grow the page. */
export const REFUSAL_REASONS = 12;

/** Applies one event. */
export function reduceVolunteer(view: VolunteerView, event: VolunteerEvent): VolunteerView {
  switch (event.kind) {
    case 'phase': {
      const { phase } = event;
      if (isLive(phase)) return { ...view, phase };
      return { ...view, phase, status: null, blocks: null, peers: [], relays: [], clock: null };
    }
    case 'preflight':
      return { ...view, preflight: event.preflight };
    case 'network': {
      const { kind: _kind, ...network } = event;
      return { ...view, network };
    }
    case 'device': {
      const { kind: _kind, ...device } = event;
      return { ...view, device };
    }
    case 'share':
      return { ...view, share: event.share };
    case 'specification':
      return { ...view, spec: event.spec };
    case 'swarm':
      return { ...view, swarm: event.swarm };
    case 'owner':
      return { ...view, owner: event.owner };
    case 'engine':
      return { ...view, engine: event.engine };
    case 'stage': {
      const { round, stage, stageStartedAt, stageEndsAt } = event;
      return { ...view, clock: { round, stage, stageStartedAt, stageEndsAt } };
    }
    case 'peers':
      return { ...view, peers: event.peers, relays: event.relays };
    case 'blocks':
      return { ...view, blocks: event.blocks };
    case 'state-attested': {
      const { round, step, root } = event;
      return { ...view, attested: addAttested(view.attested, { round, step, root }), notAttested: null };
    }
    case 'state-not-attested':
      return { ...view, notAttested: { round: event.round, cause: event.cause } };
    case 'status':
      return { ...view, status: { round: event.round, sentence: event.sentence } };
    case 'prompts':
    case 'answers':
    case 'explained':
    case 'critiques':
    case 'votes':
      return { ...view, feed: reduceFeed(view.feed, event) };
    case 'history':
      // Another device or another network: nothing that was shown of the last one holds any more.
      return {
        ...view,
        ...withRecords([], event.records, event.totals),
        feed: [],
        attested: [],
        notAttested: null,
        model: EMPTY_VIEW.model,
        kept: null,
        owner: null,
      };
    case 'trained': {
      const record = {
        round: event.round,
        reward: event.meanReward,
        heldOutAccuracy: event.heldOutAccuracy,
        loss: event.loss,
        checkpointRoot: event.checkpointRoot,
        computedAt: event.trainedAt,
        sent: false,
        acceptedBy: 0,
      };
      return { ...view, ...addRecord(view, record), feed: reduceFeed(view.feed, event), notice: null };
    }
    case 'sent':
      return { ...view, ...changeRecord(view, event.round, (record) => ({ ...record, sent: true })) };
    case 'accepted': {
      // Anybody can make many new devices, so all of them together count as one.
      const by = event.peers + (event.strangers > 0 ? 1 : 0);
      const accept = <T extends { readonly acceptedBy: number }>(known: T): T => ({
        ...known,
        acceptedBy: Math.max(known.acceptedBy, by),
      });
      const { round } = event;
      return {
        ...view,
        ...changeRecord(view, round, accept),
        attested: changeAttested(view.attested, round, accept),
      };
    }
    case 'on-chain': {
      const { block, gas, transaction } = event;
      const chain = { block, gas, transaction };
      const include = <T extends object>(known: T) => ({ ...known, chain });
      const { round } = event;
      return {
        ...view,
        ...changeRecord(view, round, include),
        attested: changeAttested(view.attested, round, include),
      };
    }
    case 'failed':
      return { ...view, notice: `Round ${event.round} did not count: ${event.cause}` };
    case 'model':
      return { ...view, model: { ...view.model, [event.when]: event.report } };
    case 'kept':
      return { ...view, kept: event.kept };
    case 'refused':
      return { ...view, refused: countRefusal(view.refused, event.reason, event.count) };
    case 'notice':
      return { ...view, notice: event.text };
  }
}

function countRefusal(
  refused: VolunteerView['refused'],
  reason: string,
  more: number,
): VolunteerView['refused'] {
  const known = refused.some((entry) => entry.reason === reason);
  const key = known || refused.length < REFUSAL_REASONS ? reason : 'other reasons';
  if (!refused.some((entry) => entry.reason === key)) return [...refused, { reason: key, count: more }];
  return refused.map((entry) => (entry.reason === key ? { ...entry, count: entry.count + more } : entry));
}
