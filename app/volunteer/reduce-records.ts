/** The records of finished rounds and the four counts over them. Pure. */

import type { RoundRecord, Totals } from './volunteer-events.ts';

/** What the page knows of the rounds of this device. */
export interface Records {
  /** Oldest first, at most HISTORY_ROUNDS, one per round. */
  readonly history: readonly RoundRecord[];
  readonly totals: Totals;
}

export const HISTORY_ROUNDS = 500;

/** Adds records, or replaces those of the same rounds. `totals` are the counts afterwards. */
export function withRecords(
  history: readonly RoundRecord[],
  records: readonly RoundRecord[],
  totals: Totals,
): Records {
  const byRound = new Map(history.map((record) => [record.round, record]));
  for (const record of records) byRound.set(record.round, record);
  return {
    history: [...byRound.values()].sort((a, b) => a.round - b.round).slice(-HISTORY_ROUNDS),
    totals,
  };
}

/** Adds the record of a round that was computed just now. */
export function addRecord({ history, totals }: Records, record: RoundRecord): Records {
  const before = history.find((known) => known.round === record.round);
  return withRecords(history, [record], advance(totals, before, record));
}

/** Changes the record of a round. A round without a record changes nothing. */
export function changeRecord(
  records: Records,
  round: number,
  change: (record: RoundRecord) => RoundRecord,
): Records {
  const { history, totals } = records;
  const before = history.find((record) => record.round === round);
  if (before === undefined) return { history, totals };
  const after = change(before);
  return {
    history: history.map((record) => (record === before ? after : record)),
    totals: advance(totals, before, after),
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
