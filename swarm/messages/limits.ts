/** Limits on everything that a peer may send. They are part of the protocol (docs/protocol.md). */
export const LIMITS = {
  /** Bytes of one gossip message, signature included. */
  message: 64 * 1024,
  /** Bytes of a rollout set that travels inside a reveal. A larger one is fetched by CID. */
  inlineRollouts: 24 * 1024,
  /** Bytes of one published rollout set. */
  rollouts: 1024 * 1024,
  networkId: 96,
  groups: 256,
  completions: 64,
  tokens: 4096,
  text: 16 * 1024,
  judgements: 256,
  judgementText: 512,
  ballots: 256,
  winners: 64,
  corrections: 256,
  correctionText: 1024,
  /** Bytes of all texts of one critique or vote. Each text counts 64 bytes more, for the fields beside it. */
  texts: 40 * 1024,
  foreign: 64,
  engine: 96,
  conformanceDetail: 160,
  addresses: 8,
  address: 320,
  ownerSignature: 1024,
  acks: 64,
  /** Bytes of a parameter block's id. */
  blockId: 32,
  /** Block versions that one device announces. */
  heldVersions: 256,
  /** Blocks that one device refuses to keep. */
  refusedBlocks: 64,
  /** Signed updates of one state record: the blocks of a run. */
  stateUpdates: 256,
  /** Bytes of one published state record. */
  stateRecord: 1024 * 1024,
  round: 2 ** 40,
  sequence: Number.MAX_SAFE_INTEGER,
} as const;
