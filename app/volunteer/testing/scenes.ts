/**
 * The events that bring the contribute screen into one of its states, for drawings of the page and for tests.
 */
import type { DeviceAddress } from '../../../protocol/hex.ts';
import { blocksSpec } from '../../../protocol/testing/sample-swarm-specs.ts';
import type { RolloutSet } from '../../../protocol/trainer.ts';
import type { HeldFunds } from '../key-port.ts';
import type { ShownBlocks, VolunteerEvent } from '../volunteer-events.ts';
import { COMPUTING, GATHERING, JOINING } from './shown-blocks.ts';

const OWN = '0x52908400098527886e0f7030069857d2e4169ee7';
const OTHERS = [
  '0x8617e340b3d01fa5f11f306f4090fd50e238070d',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
] as const;

const TASKS = [
  { task: 'Sum', prompt: '47+38=', answer: '85' },
  { task: 'Sort', prompt: 'sort 7 2 9 4', answer: '2 4 7 9' },
  { task: 'Greatest common divisor', prompt: 'gcd 36 24=', answer: '12' },
  { task: 'Reverse', prompt: 'reverse plume', answer: 'emulp' },
  { task: 'Sum', prompt: '9+56=', answer: '65' },
];

const WRONG = ['84', '2 4 9 7', '6', 'emulq', '64'];

export type Scene =
  | 'fresh'
  | 'returning'
  | 'contributing'
  | 'paused'
  | 'failed'
  | 'elsewhere'
  | 'starting'
  | 'alone'
  | 'blocks-gathering'
  | 'blocks-joining'
  | 'blocks-computing';

const BLOCKS: Partial<Readonly<Record<Scene, ShownBlocks>>> = {
  'blocks-gathering': GATHERING,
  'blocks-joining': JOINING,
  'blocks-computing': COMPUTING,
};

/** Two rounds that were attested, of which the chain has one. */
const ATTESTED: readonly VolunteerEvent[] = [
  { kind: 'state-attested', round: 11, step: 38, root: `0x${'5a'.repeat(32)}` },
  { kind: 'accepted', round: 11, peers: 2, strangers: 1 },
  { kind: 'on-chain', round: 11, block: 345, gas: 16_000, transaction: `0x${'7b'.repeat(32)}` },
  { kind: 'state-attested', round: 12, step: 41, root: `0x${'5b'.repeat(32)}` },
];

/** What the keys hold in a scene. */
export function heldFunds(name: Scene): readonly HeldFunds[] {
  const bonded = name === 'contributing' ? 20n * 10n ** 15n : 0n;
  const present = { address: OWN, balance: 480n * 10n ** 15n, credit: 0n, bonded } as const;
  return [present];
}

/** The events of one scene. `now` is Unix milliseconds. */
export function scene(name: Scene, now: number): readonly VolunteerEvent[] {
  const events: VolunteerEvent[] = [
    {
      kind: 'preflight',
      preflight: {
        secure: true,
        webgpu: {
          available: name !== 'alone',
          adapter: 'NVIDIA Ampere',
          why: 'the browser found no usable GPU',
        },
        threads: 8,
        isolated: true,
        simd: true,
        storage: 12_400_000_000,
        persisted: true,
        memory: 8,
        webrtc: true,
        webLocks: true,
        privateFiles: true,
        battery: name === 'fresh' ? { charging: false, level: 0.62 } : null,
      },
    },
    {
      ...{ kind: 'network', name: 'Local network', chainId: 31337, local: true, explorer: null },
      ...{ iceServers: [], reachable: true },
    },
  ];
  if (name === 'fresh') return events;
  if (name === 'elsewhere') return [...events, { kind: 'phase', phase: { kind: 'elsewhere' } }];
  events.push({
    kind: 'device',
    address: OWN,
    peerId: '16Uiu2HAmExample',
    backedUp: name === 'returning',
    encrypted: name !== 'alone',
  });
  if (name === 'starting') return [...events, { kind: 'phase', phase: { kind: 'starting', step: 'engine' } }];
  const blocks = BLOCKS[name];
  if (blocks !== undefined) {
    return [
      ...events,
      { kind: 'specification', spec: blocksSpec },
      { kind: 'phase', phase: { kind: 'contributing' } },
      { kind: 'blocks', blocks },
      ...(name === 'blocks-computing' ? ATTESTED : []),
    ];
  }
  events.push(history(name === 'alone' ? 1 : 34, now));
  events.push({
    kind: 'engine',
    engine: {
      kind: 'wasm',
      description: 'WebAssembly SIMD, 2 workers',
      reason: 'WebAssembly was 3.1 times as fast as WebGPU here.',
      verdicts: [
        { kind: 'webgpu', description: 'WebGPU, SwiftShader', checks: 118, same: 118, speed: 1.2 },
        { kind: 'wasm', description: 'WebAssembly SIMD, 2 workers', checks: 118, same: 118, speed: 16.8 },
      ],
      suite: `0x${'5a'.repeat(32)}`,
    },
  });
  if (name === 'returning') return events;
  events.push(
    { kind: 'model', when: 'start', report: report(0, 0.362, ['84', '2 4 9 7', '12', 'emulq']) },
    { kind: 'model', when: 'now', report: report(134, 0.481, ['85', '2 4 9 7', '12', 'emulp']) },
    { kind: 'kept', kept: { checkpoints: 15, bytes: 18_900_000, policy: { every: 10, quota: 2 ** 30 } } },
    { kind: 'refused', reason: 'Stale: about a round that is over', count: 4 },
    { kind: 'refused', reason: 'Signature does not match its device', count: 1 },
  );
  if (name === 'paused') return [...events, { kind: 'phase', phase: { kind: 'paused', cause: 'asked' } }];
  if (name === 'failed') {
    const cause = 'The GPU went away.';
    const remedy =
      'The driver was reset or the browser took it. Contribute again: training goes on from round 133.';
    return [...events, { kind: 'phase', phase: { kind: 'failed', cause, remedy } }];
  }
  events.push(
    { kind: 'phase', phase: { kind: 'contributing' } },
    { kind: 'stage', round: 135, stage: 'critique', stageStartedAt: now - 2_000, stageEndsAt: now + 3_000 },
    { kind: 'status', round: 135, sentence: 'Judging the answers of 2 other peers.' },
    {
      kind: 'peers',
      peers:
        name === 'alone'
          ? []
          : OTHERS.map((device, index) => ({
              peerId: `16Uiu2HA${index}`,
              device,
              path: index < 2 ? ('direct' as const) : ('relayed' as const),
              route: (['stun', 'turn'] as const)[index] ?? null,
              latency: index < 2 ? 4 + index : null,
            })),
      relays: [{ peerId: '16Uiu2HARelay', connected: true, cause: null }],
    },
    { kind: 'prompts', round: 135, prompts: TASKS },
    {
      kind: 'answers',
      round: 135,
      author: OWN,
      own: true,
      set: rollouts(OWN, [true, false, true, true, false]),
    },
  );
  events.push(explained(OWN, [true, false, true, true, false]));
  if (name === 'alone') return events;
  for (const [index, author] of OTHERS.entries()) {
    const right = TASKS.map((_, item) => (item + index) % 3 !== 0);
    events.push(
      { kind: 'answers', round: 135, author, own: false, set: rollouts(author, right) },
      explained(author, right),
    );
  }
  events.push(
    {
      kind: 'critiques',
      round: 135,
      critic: OTHERS[0],
      own: false,
      judgements: [
        {
          item: 0,
          author: OWN,
          sample: 0,
          text: 'Forty and thirty make seventy, seven and eight make fifteen, so 85 is right.',
          right: true,
        },
        { item: 1, author: OWN, sample: 0, text: 'The seven stands behind the nine.', right: false },
      ],
    },
    {
      kind: 'critiques',
      round: 135,
      critic: OTHERS[1],
      own: false,
      judgements: [{ item: 0, author: OTHERS[0], sample: 0, text: 'n', right: false }],
    },
    {
      kind: 'votes',
      round: 135,
      voter: OTHERS[2],
      own: false,
      ballots: [{ item: 0, author: OWN, sample: 0 }],
      corrections: [],
    },
    {
      kind: 'votes',
      round: 135,
      voter: OWN,
      own: true,
      ballots: [],
      corrections: [{ item: 1, text: '2 4 7 9' }],
    },
  );
  return events;
}

/** What the checker says of each answer. */
function explained(author: DeviceAddress, right: readonly boolean[]): VolunteerEvent {
  const explanations = TASKS.map((task, item) => ({
    item,
    sample: 0,
    reward: right[item] === true ? 1 : 0,
    answer: right[item] === true ? task.answer : (WRONG[item] ?? ''),
    sentence: right[item] === true ? 'The answer is right.' : `The right answer is ${task.answer}.`,
  }));
  return { kind: 'explained', round: 135, author, explanations };
}

/** An answer of about 1,000 tokens: reasoning, then the answer. */
function reasoned(answer: string): string {
  const steps = Array.from(
    { length: 60 },
    (_, n) => `Step ${n + 1}: I look at the numbers once more, and add what is left.`,
  );
  return `${steps.join(' ')} So the answer is ${answer}`;
}

function rollouts(author: DeviceAddress, right: readonly boolean[]): RolloutSet {
  return {
    author,
    modelRoot: `0x${'ab'.repeat(32)}`,
    groups: TASKS.map((task, item) => ({
      item,
      completions: [
        {
          text:
            item === 0
              ? reasoned(right[item] === true ? task.answer : '84')
              : right[item] === true
                ? task.answer
                : (WRONG[item] ?? ''),
          tokens: [],
          logprobs: [],
        },
      ],
    })),
  };
}

function report(round: number, heldOutAccuracy: number, texts: readonly string[]) {
  const samples = texts.map((text, index) => ({
    prompt: TASKS[index]?.prompt ?? '',
    expected: TASKS[index]?.answer ?? '',
    text,
  }));
  return { round, heldOutAccuracy, samples };
}

function history(rounds: number, now: number): VolunteerEvent {
  const records = Array.from({ length: rounds }, (_, index) => ({
    round: 101 + index,
    reward: 0.34 + index * 0.0045 + 0.05 * Math.sin(index * 1.7),
    heldOutAccuracy: 0.362 + index * 0.0037 + 0.012 * Math.sin(index * 0.9),
    loss: 0.02 - index * 0.0002,
    checkpointRoot: `0x${(0x5f3a91 + index * 7919).toString(16).padStart(6, '0')}${'c4'.repeat(29)}` as const,
    computedAt: now - (rounds - index) * 20_000,
    sent: true,
    acceptedBy: index === rounds - 1 ? 0 : 3,
    ...(index >= rounds - 2
      ? {}
      : { chain: { block: 2_210 + index * 20, gas: 16_731, transaction: `0x${'9d'.repeat(32)}` as const } }),
  }));
  const totals = { computed: rounds, sent: rounds, accepted: rounds - 1, onChain: Math.max(0, rounds - 2) };
  return { kind: 'history', records, totals };
}
