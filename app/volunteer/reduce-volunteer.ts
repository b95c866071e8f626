/** The page's whole knowledge of a volunteer, and how each event changes it. Pure. */

import type { EngineKind } from '../../compute/engines/engine.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Stage } from '../../protocol/ledger.ts';
import type { Phase } from './phase.ts';
import type { Preflight } from './preflight.ts';
import type {
  EngineVerdict,
  ModelReport,
  PeerStatus,
  RelayStatus,
  RoundItem,
  RoundRecord,
  Totals,
  VolunteerEvent,
} from './volunteer-events.ts';

export interface FeedAnswer {
  readonly author: DeviceAddress;
  readonly own: boolean;
  readonly sample: number;
  readonly text: string;
  readonly critiques: readonly {
    readonly critic: DeviceAddress;
    readonly text: string;
    readonly right: boolean;
  }[];
  readonly votes: number;
}

export interface FeedItem extends RoundItem {
  readonly answers: readonly FeedAnswer[];
  readonly correction: string | null;
}

export interface FeedRound {
  readonly round: number;
  readonly items: readonly FeedItem[];
}

export interface VolunteerView {
  readonly phase: Phase;
  readonly preflight: Preflight | null;
  readonly network: {
    readonly name: string;
    readonly chainId: number;
    readonly local: boolean;
    readonly explorer: string | null;
    readonly reachable: boolean;
  } | null;
  readonly device: {
    readonly address: DeviceAddress;
    readonly peerId: string;
    readonly backedUp: boolean;
  } | null;
  readonly owner: Hex | null;
  /** Of the time, how much this device computes at most: 0.1 to 1. */
  readonly share: number;
  readonly engine: {
    readonly chosen: EngineKind;
    readonly description: string;
    readonly reason: string;
    readonly verdicts: readonly EngineVerdict[];
    readonly suite: Hex;
  } | null;
  readonly clock: {
    readonly round: number;
    readonly stage: Stage;
    readonly stageStartedAt: number;
    readonly stageEndsAt: number;
  } | null;
  readonly doing: { readonly round: number | null; readonly sentence: string } | null;
  readonly peers: readonly PeerStatus[];
  readonly relays: readonly RelayStatus[];
  /** Newest first, at most FEED_ROUNDS. */
  readonly feed: readonly FeedRound[];
  /** Oldest first, at most HISTORY_ROUNDS, one per round. */
  readonly history: readonly RoundRecord[];
  /** Since the device key was made, also of rounds that `history` has let go of. */
  readonly totals: Totals;
  readonly model: { readonly start: ModelReport | null; readonly now: ModelReport | null };
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
  readonly notice: string | null;
}

export const FEED_ROUNDS = 3;
export const HISTORY_ROUNDS = 500;
/** Reasons beyond this many are counted together, so that a flood of odd messages cannot grow the page. */
export const REFUSAL_REASONS = 12;
/** Longest text of a remote peer that the page will show. */
const SHOWN_TEXT = 160;

export const emptyView: VolunteerView = {
  phase: { kind: 'idle' },
  preflight: null,
  network: null,
  device: null,
  owner: null,
  share: 1,
  engine: null,
  clock: null,
  doing: null,
  peers: [],
  relays: [],
  feed: [],
  history: [],
  totals: { computed: 0, sent: 0, accepted: 0, onChain: 0 },
  model: { start: null, now: null },
  refused: [],
  notice: null,
};

/** Applies one event. Events about rounds that the page has let go of change nothing but the ledger. */
export function reduce(view: VolunteerView, event: VolunteerEvent): VolunteerView {
  switch (event.type) {
    case 'phase':
      return {
        ...view,
        phase: event.phase,
        ...(quiet(event.phase) ? { doing: null, peers: [], relays: [], clock: null } : {}),
      };
    case 'preflight':
      return { ...view, preflight: event.preflight };
    case 'network':
      return {
        ...view,
        network: {
          name: event.name,
          chainId: event.chainId,
          local: event.local,
          explorer: event.explorer,
          reachable: event.reachable,
        },
      };
    case 'device':
      return {
        ...view,
        device: { address: event.address, peerId: event.peerId, backedUp: event.backedUp },
      };
    case 'share':
      return { ...view, share: event.share };
    case 'owner':
      return { ...view, owner: event.owner };
    case 'engine':
      return {
        ...view,
        engine: {
          chosen: event.chosen,
          description: event.description,
          reason: event.reason,
          verdicts: event.verdicts,
          suite: event.suite,
        },
      };
    case 'clock':
      return {
        ...view,
        clock: {
          round: event.round,
          stage: event.stage,
          stageStartedAt: event.stageStartedAt,
          stageEndsAt: event.stageEndsAt,
        },
      };
    case 'peers':
      return { ...view, peers: event.peers, relays: event.relays };
    case 'doing':
      return { ...view, doing: { round: event.round, sentence: event.sentence } };
    case 'items':
      return { ...view, feed: openRound(view.feed, event.round, event.items) };
    case 'answers':
      return {
        ...view,
        feed: inRound(view.feed, event.round, (item, index) => {
          const group = event.set.groups.find((candidate) => candidate.item === index);
          if (group === undefined || item.answers.some((answer) => answer.author === event.author))
            return item;
          const answers = group.completions.map((completion, sample) => ({
            author: event.author,
            own: event.own,
            sample,
            text: clip(completion.text),
            critiques: [],
            votes: 0,
          }));
          return { ...item, answers: [...item.answers, ...answers] };
        }),
      };
    case 'critiques':
      return {
        ...view,
        feed: inAnswers(view.feed, event.round, (answer, index) => {
          const judgement = event.judgements.find(
            (candidate) =>
              candidate.item === index &&
              candidate.author === answer.author &&
              candidate.sample === answer.sample,
          );
          if (
            judgement === undefined ||
            answer.critiques.some((critique) => critique.critic === event.critic)
          )
            return answer;
          const critique = { critic: event.critic, text: clip(judgement.text), right: judgement.right };
          return { ...answer, critiques: [...answer.critiques, critique] };
        }),
      };
    case 'votes': {
      const counted = inAnswers(view.feed, event.round, (answer, index) => {
        const votes = event.ballots.filter(
          (ballot) =>
            ballot.item === index && ballot.author === answer.author && ballot.sample === answer.sample,
        ).length;
        return votes === 0 ? answer : { ...answer, votes: answer.votes + 1 };
      });
      if (!event.own) return { ...view, feed: counted };
      return {
        ...view,
        feed: inRound(counted, event.round, (item, index) => {
          const correction = event.corrections.find((candidate) => candidate.item === index);
          return correction === undefined ? item : { ...item, correction: clip(correction.text) };
        }),
      };
    }
    case 'history':
      // Another device or another run: what was shown of the last one goes.
      return {
        ...withHistory({ ...view, history: [] }, event.records, event.totals),
        feed: [],
        model: emptyView.model,
        owner: null,
      };
    case 'computed': {
      const before = view.history.find((record) => record.round === event.record.round);
      return withHistory(view, [event.record], advance(view.totals, before, event.record));
    }
    case 'sent':
      return inRecord(view, event.round, (record) => ({ ...record, sent: true }));
    case 'accepted':
      return inRecord(view, event.round, (record) => ({
        ...record,
        acceptedBy: Math.max(record.acceptedBy, event.by),
      }));
    case 'on-chain':
      return inRecord(view, event.round, (record) => ({
        ...record,
        chain: { block: event.block, gas: event.gas, transaction: event.transaction },
      }));
    case 'model':
      return {
        ...view,
        model:
          event.when === 'start'
            ? { ...view.model, start: event.report }
            : { ...view.model, now: event.report },
      };
    case 'refused':
      return { ...view, refused: countRefusal(view.refused, event.reason, event.count) };
    case 'notice':
      return { ...view, notice: event.text };
  }
}

/** Phases in which the device has left the swarm, so that nothing about it is live any more. */
function quiet(phase: Phase): boolean {
  return (
    phase.kind === 'stopped' || phase.kind === 'failed' || phase.kind === 'elsewhere' || phase.kind === 'idle'
  );
}

function clip(text: string): string {
  return text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT)}…`;
}

function openRound(
  feed: readonly FeedRound[],
  round: number,
  items: readonly RoundItem[],
): readonly FeedRound[] {
  if (feed.some((known) => known.round === round)) return feed;
  const opened: FeedRound = {
    round,
    items: items.map((item) => ({ ...item, answers: [], correction: null })),
  };
  return [opened, ...feed].sort((a, b) => b.round - a.round).slice(0, FEED_ROUNDS);
}

function inRound(
  feed: readonly FeedRound[],
  round: number,
  change: (item: FeedItem, index: number) => FeedItem,
): readonly FeedRound[] {
  return feed.map((known) => (known.round === round ? { ...known, items: known.items.map(change) } : known));
}

function inAnswers(
  feed: readonly FeedRound[],
  round: number,
  change: (answer: FeedAnswer, index: number) => FeedAnswer,
): readonly FeedRound[] {
  return inRound(feed, round, (item, index) => ({
    ...item,
    answers: item.answers.map((answer) => change(answer, index)),
  }));
}

function withHistory(view: VolunteerView, records: readonly RoundRecord[], totals: Totals): VolunteerView {
  const byRound = new Map(view.history.map((record) => [record.round, record]));
  for (const record of records) byRound.set(record.round, record);
  const history = [...byRound.values()].sort((a, b) => a.round - b.round).slice(-HISTORY_ROUNDS);
  return { ...view, history, totals };
}

function inRecord(
  view: VolunteerView,
  round: number,
  change: (record: RoundRecord) => RoundRecord,
): VolunteerView {
  const before = view.history.find((record) => record.round === round);
  if (before === undefined) return view;
  const after = change(before);
  return {
    ...view,
    history: view.history.map((record) => (record === before ? after : record)),
    totals: advance(view.totals, before, after),
  };
}

/** Totals only ever grow: a round counts once in each column, however often it is reported. */
function advance(totals: Totals, before: RoundRecord | undefined, after: RoundRecord): Totals {
  const step = (was: boolean, is: boolean) => (is && !was ? 1 : 0);
  return {
    computed: totals.computed + (before === undefined ? 1 : 0),
    sent: totals.sent + step(before?.sent === true, after.sent),
    accepted: totals.accepted + step((before?.acceptedBy ?? 0) > 0, after.acceptedBy > 0),
    onChain: totals.onChain + step(before?.chain !== undefined, after.chain !== undefined),
  };
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
