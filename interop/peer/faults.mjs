/**
 * Ways to be wrong, each in one field. A device with a fault does all else as the protocol says, so that a
 * test can see that members refuse that field.
 */
import { sha2 } from './bytes.mjs';
import { encodeAnything, encodeMessage } from './messages.mjs';
import { packTokens, unpackTokens } from './rollout-set.mjs';

/** Flips a bit. */
function changed(bytes, at = 0) {
  const copy = bytes.slice();
  copy[at] ^= 1;
  return copy;
}

/** The set with another first completion. */
function withFirst(set, tamper) {
  const [group, ...groups] = set.groups;
  const [first, ...completions] = group.completions;
  return { ...set, groups: [{ ...group, completions: [tamper(first), ...completions] }, ...groups] };
}

/**
 * `encode` makes the bytes of a message, `answers` the set, `reveal` the body of the reveal after an honest
 * commit, `vote` that of a vote. Without `rounds` the device says hello and nothing else.
 */
export const FAULTS = {
  /** The signature is not the author's. */
  signature: {
    rounds: false,
    encode: (identity, message) => encodeAnything(identity, message, (sig) => changed(sig, 40)),
  },
  /** A hello with the PeerId of another key. */
  'peer-id': {
    rounds: false,
    encode: (identity, { body, ...message }) =>
      encodeMessage(identity, { ...message, body: { ...body, peerId: changed(body.peerId, 20) } }),
  },
  /** Another network's id. */
  network: {
    rounds: false,
    encode: (identity, message) => encodeMessage(identity, { ...message, run: `${message.run}1` }),
  },
  /** Canonical bytes with one more after them. */
  canonical: {
    rounds: false,
    encode: (identity, message) => Uint8Array.of(...encodeMessage(identity, message), 0),
  },
  /** A version that is not this one. */
  version: {
    rounds: false,
    encode: (identity, message) => encodeAnything(identity, { ...message, v: 3 }),
  },
  /** Another salt than the commit's. */
  salt: { reveal: (body) => ({ ...body, salt: changed(body.salt) }) },
  /** A set that is not the one that the CID names. */
  content: {
    reveal: (body) => ({
      ...body,
      rollouts: withFirst(body.rollouts, (completion) => ({ ...completion, text: `${completion.text}1` })),
    }),
  },
  /** A set that names another author, committed to and revealed as it is. */
  author: { answers: (set) => ({ ...set, author: sha2(set.author).slice(12) }) },
  /** A vote whose EIP-712 signature is not the author's. */
  vote: { vote: (body) => ({ ...body, signature: changed(body.signature, 40) }) },
  /** Answers to items that the device did not draw. */
  items: {
    answers: (set, { pool, items }) => {
      const others = [...pool.keys()].filter((item) => !items.includes(item)).slice(0, set.groups.length);
      return { ...set, groups: set.groups.map((group, index) => ({ ...group, item: others[index] })) };
    },
  },
  /** Tokens that do not spell the text. */
  tokens: {
    answers: (set) => ({
      ...set,
      groups: set.groups.map(({ item, completions }) => ({
        item,
        completions: completions.map((completion) => {
          const [first, ...tokens] = unpackTokens(completion.tokens);
          return { ...completion, tokens: packTokens([first === 3 ? 4 : 3, ...tokens]) };
        }),
      })),
    }),
  },
};
