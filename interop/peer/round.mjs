/** What a device knows of one round, whom it judges, and for whom it votes. */
import { fromHex, sha2, toHex } from './bytes.mjs';
import { voteDigest } from './typed-data.mjs';

/** Peers that are judged, and answers of each ([P-76], [P-85]). */
const PEERS_JUDGED = 2;
const ANSWERS_JUDGED = 4;
const SETS_KEPT = 256;
const CIDS_KEPT = 4;

export class RoundRecord {
  own;
  /** Revealed sets of others by author. */
  sets = new Map();

  /** @param {number} round @param {string[]} cids Of the own sets of the last rounds, the newest first. */
  constructor(round, cids = []) {
    this.round = round;
    this.cids = cids;
  }

  next(round) {
    return new RoundRecord(round, this.cids);
  }

  /** @param {{ pool: object[], set: object, cid: Uint8Array, salt: Uint8Array }} own */
  answered(own) {
    this.own = own;
    this.cids = [toHex(own.cid), ...this.cids].slice(0, CIDS_KEPT);
  }

  /** Sets that do not travel in their reveals are left out: this peer fetches none. */
  revealed(round, author, { rollouts }) {
    if (round === this.round && rollouts !== null && this.sets.size < SETS_KEPT)
      this.sets.set(author, rollouts);
  }
}

/**
 * The authors that the device selects for a purpose, ranked by a secret of its own ([P-76], [P-82]). This
 * peer does not ask the chain who has an owner or a record, so that all have one rank.
 */
function selected({ record, identity, network, seed }, purpose, count) {
  const secret = sha2(identity.sign(sha2(`starling/selection/1\n${network.id}\n${record.round}\n`, seed)));
  const rank = (author) => toHex(sha2(`starling/selection-rank/1\n${purpose}\n`, secret, fromHex(author)));
  return [...record.sets.keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, count);
}

/** Judgements of others' answers, each with the answer that this device gives to the item. */
export function judge(context) {
  const { pool } = context.record.own;
  return selected(context, 'critique', PEERS_JUDGED).flatMap((author) =>
    context.record.sets
      .get(author)
      .groups.filter(({ item }) => item < pool.length)
      .slice(0, ANSWERS_JUDGED)
      .map(({ item, completions }) => ({
        item,
        author: fromHex(author),
        sample: 0,
        text: pool[item].answer,
        right: completions[0].text === pool[item].answer,
      })),
  );
}

/** The body of a vote: a ballot for the first right answer to each item among the selected authors. */
export function vote(context) {
  const { record, identity, network } = context;
  const { pool } = record.own;
  const ballots = new Map();
  for (const author of selected(context, 'train', PEERS_JUDGED)) {
    for (const { item, completions } of record.sets.get(author).groups) {
      const sample = completions.findIndex(({ text }) => text === pool[item]?.answer);
      if (sample >= 0 && !ballots.has(item)) ballots.set(item, { item, author: fromHex(author), sample });
    }
  }
  const winners = [...new Set([...ballots.values()].map(({ author }) => toHex(author)))].sort().map(fromHex);
  const domain = { chainId: network.chainId, contract: fromHex(network.participation) };
  const digest = voteDigest(domain, { swarm: network.swarm, round: record.round, winners });
  return {
    winners,
    signature: identity.signRecoverable(digest),
    ballots: [...ballots.values()],
    corrections: [],
  };
}
