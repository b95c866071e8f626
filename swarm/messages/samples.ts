import { deviceKey, peerIdBytesOf } from '../../protocol/device-key.ts';
import type { RolloutSet } from '../../protocol/trainer.ts';
import { commitmentOf } from './commitment.ts';
import type { UnsignedMessage } from './envelope.ts';
import { digestInCid, encodeRollouts } from './rollouts.ts';
import { encodeStateRecord, type StateRecord } from './state-record.ts';

/** One message of every type from a known key. docs/vectors/messages.json is made of them. */
export const SAMPLE_NETWORK_ID = '31337:0x00000000000000000000000000000000000000aa:0';
export const sampleKey = deviceKey(new Uint8Array(32).fill(7));

const salt = `0x${'5a'.repeat(32)}` as const;
const root = (byte: string) => `0x${byte.repeat(32)}` as const;
const signature = `0x${'11'.repeat(64)}1b` as const;

export const sampleRollouts: RolloutSet = {
  author: sampleKey.address,
  modelRoot: root('01'),
  groups: [
    { item: 0, completions: [{ text: '12', tokens: [4, 5, 1], logprobs: [-0.5, -1.25, 0] }] },
    {
      item: 3,
      completions: [
        { text: 'gcd é', tokens: [70000], logprobs: [-0.10000000149011612] },
        { text: '', tokens: [], logprobs: [] },
      ],
    },
  ],
};

const sampleFile = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const sampleCid = encodeRollouts(sampleRollouts).cid;

/** One block's update, which a real record has of every block. */
export const sampleStateRecord: StateRecord = {
  step: 7,
  updates: [
    {
      run: root('0a'),
      step: 6,
      hop: 41,
      version: root('0b'),
      inputs: root('0c'),
      outputs: [{ slot: 12, tensor: 'model.norm.weight', root: root('0d') }],
      device: `0x${'cd'.repeat(20)}`,
      signature,
    },
  ],
};
const sampleStateCid = encodeStateRecord(sampleStateRecord).cid;

export const sampleMessages: readonly UnsignedMessage[] = [
  {
    type: 'hello',
    round: 4,
    seq: 1_700_000_000_001,
    body: {
      peerId: peerIdBytesOf(sampleKey.publicKey),
      delegation: {
        owner: `0x${'ab'.repeat(20)}`,
        sessionKey: sampleKey.address,
        peerId: root('0c'),
        scope: 1,
        validUntil: 1_800_000_000,
        epoch: 0,
        nonce: 1_790_000_000,
        replaces: `0x${'00'.repeat(20)}`,
        ownerSignature: signature,
        consentSignature: signature,
      },
      engine: 'wasm SIMD, 2 workers',
      conformance: { verdict: 'passed', detail: '212 of 212', suite: root('05') },
      addresses: ['/ip4/127.0.0.1/tcp/9101/ws'],
      relays: false,
    },
  },
  {
    type: 'commit',
    round: 4,
    seq: 1_700_000_000_002,
    body: { digest: commitmentOf(salt, sampleKey.address, sampleCid) },
  },
  {
    type: 'reveal',
    round: 4,
    seq: 1_700_000_000_003,
    body: { salt, cid: sampleCid, rollouts: sampleRollouts },
  },
  {
    type: 'critique',
    round: 4,
    seq: 1_700_000_000_004,
    body: {
      judgements: [{ item: 3, author: `0x${'cd'.repeat(20)}`, sample: 1, text: 'No: 3.', right: false }],
    },
  },
  {
    type: 'vote',
    round: 4,
    seq: 1_700_000_000_005,
    body: {
      winners: [`0x${'cd'.repeat(20)}`],
      signature,
      ballots: [{ item: 3, author: `0x${'cd'.repeat(20)}`, sample: 0 }],
      corrections: [{ item: 0, text: '13' }],
    },
  },
  {
    type: 'attest',
    round: 4,
    seq: 1_700_000_000_006,
    body: {
      checkpointRoot: root('02'),
      rolloutDigest: digestInCid(sampleCid),
      signature,
      previousRoot: root('01'),
      checkpoint: sampleFile,
      rollouts: sampleCid,
      foreign: [],
      engine: 'wasm SIMD, 2 workers',
      conformance: { verdict: 'passed', detail: '212 of 212', suite: root('05') },
      optimizerSteps: 1,
      meanReward: 0.53125,
      heldOutAccuracy: 1,
    },
  },
  {
    type: 'ack',
    round: 4,
    seq: 1_700_000_000_007,
    body: { attestations: [{ author: `0x${'cd'.repeat(20)}`, round: 4, checkpointRoot: root('04') }] },
  },
  {
    type: 'blocks',
    round: 4,
    seq: 1_700_000_000_008,
    body: {
      role: 'keeper',
      asks: true,
      freeBytes: 40_000_000,
      latencyClass: 1,
      held: [
        { block: 'embedding', step: 7, version: sampleFile, root: root('06') },
        { block: 'layers.0-1', step: 6, version: sampleFile, root: root('07') },
        { block: 'layers.0-1', step: 7, version: sampleFile, root: root('08') },
      ],
      refused: [{ block: 'head', reason: 'full' }],
    },
  },
  {
    type: 'state',
    round: 4,
    seq: 1_700_000_000_009,
    body: {
      checkpointRoot: root('02'),
      rolloutDigest: digestInCid(sampleStateCid),
      signature,
      step: 7,
      record: sampleStateCid,
    },
  },
];
