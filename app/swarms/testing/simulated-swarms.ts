import { createStore } from 'zustand/vanilla';
import { encodeSwarmSpec } from '../../../protocol/swarm-spec-codec.ts';
import { blocksSpec, fullSpec, smallSpec } from '../../../protocol/testing/sample-swarm-specs.ts';
import { compareCosts } from '../../../workers/cost-record.ts';
import { EMPTY_SWARMS, type ShownSwarm, type SwarmsPort, type SwarmsView } from '../swarms-port.ts';

export const SWARM_SCENES = [
  'swarms-reading',
  'swarms-empty',
  'swarms-list',
  'swarms-trouble',
  'swarms-measured',
] as const;
export type SwarmScene = (typeof SWARM_SCENES)[number];

const SOMEBODY = `0x${'a1'.repeat(20)}` as const;

function shownSwarm(change: Partial<ShownSwarm>): ShownSwarm {
  return {
    id: 0,
    spec: smallSpec,
    problem: null,
    openedBy: SOMEBODY,
    openedAt: 1_800_000_000,
    round: 412,
    members: 0,
    heldOut: [],
    ...change,
  };
}

const LISTED: readonly ShownSwarm[] = [
  shownSwarm({ id: 4, spec: blocksSpec, members: 3 }),
  shownSwarm({
    id: 3,
    spec: null,
    problem: 'The specification is wrong at round.temperature: expected a number. Take another swarm.',
    round: 2,
  }),
  shownSwarm({
    id: 2,
    spec: fullSpec,
    problem:
      'This program does not know version 2 of the task base-conversion. Update it, or take another swarm.',
    members: 1,
    round: 40,
  }),
  shownSwarm({
    id: 1,
    spec: {
      ...smallSpec,
      name: 'Legs of ants',
      description: 'Small sums in words, from twenty questions that I wrote.',
      tasks: { ...smallSpec.tasks, dataSets: fullSpec.tasks.dataSets.slice(1, 2) },
    },
    members: 5,
    heldOut: Array.from({ length: 30 }, (_, n) => ({
      round: 380 + n,
      accuracy: 0.21 + n * 0.007 + 0.01 * Math.sin(n),
      members: 4,
    })),
  }),
  shownSwarm({ id: 0 }),
];

function swarmsView(scene: SwarmScene): SwarmsView {
  switch (scene) {
    case 'swarms-reading':
      return EMPTY_SWARMS;
    case 'swarms-empty':
      return { ...EMPTY_SWARMS, swarms: [] };
    case 'swarms-list':
      return { ...EMPTY_SWARMS, swarms: LISTED };
    case 'swarms-measured':
      return { ...EMPTY_SWARMS, swarms: LISTED, speed: 12 };
    case 'swarms-trouble':
      return { ...EMPTY_SWARMS, trouble: 'The chain’s node gave no answer. Trying again.' };
  }
}

/** Swarms in the middle of one scene, without a network. What costs money is refused. */
export function simulatedSwarms(scene: SwarmScene): SwarmsPort {
  const refuse = () => Promise.reject(new Error('This is a drawing of the page, not a network.'));
  const store = createStore<SwarmsView>(() => swarmsView(scene));
  return {
    store,
    refresh: () => undefined,
    follow: () => undefined,
    showOlder: () => undefined,
    builtins: async () => [
      { kind: 'builtin', name: 'nano', root: `0x${'0b'.repeat(32)}` },
      { kind: 'builtin', name: 'micro', root: `0x${'0c'.repeat(32)}` },
    ],
    catalogue: async () =>
      [
        'chain-sum',
        'base-conversion',
        'calendar',
        'letter-counting',
        'word-ladder',
        'gcd',
        'time',
        'sorting',
        'logic',
        'sequences',
      ].map((id) => ({
        id,
        version: 1,
        title: id,
        difficulties: ['two numbers below 10', 'three numbers below 100'],
        short: true,
      })),
    async readQuestions(entry, bytes) {
      const text = new TextDecoder().decode(bytes);
      const lines = text.split('\n').filter((line) => line !== '');
      const mistakes = lines.flatMap((line, index) =>
        line.includes(`"${entry.fields.prompt}"`)
          ? []
          : [{ line: index + 1, sentence: `it has no field ${entry.fields.prompt}.` }],
      );
      if (mistakes.length > 0) return { kind: 'mistakes', mistakes, more: false };
      return {
        kind: 'read',
        training: lines.length - 1,
        heldOut: 1,
        first: [{ prompt: 'How many legs have two ants?', answer: '12' }],
      };
    },
    describeBase: refuse,
    keepBase: refuse,
    whyNotHere: () => null,
    bringable: async () => [
      { kind: 'builtin', name: 'nano' },
      { kind: 'stored', id: 'ab'.repeat(16), name: 'Qwen/Qwen2.5-0.5B-Instruct' },
    ],
    ownModel: () => null,
    bring: () => undefined,
    blocksCost: async () => ({
      blocks: ['embedding', 'layers.0-0', 'layers.1-1'].map((id) => ({
        id,
        disk: 2_240_000,
        memory: 9_600_000,
      })),
      most: 2,
    }),
    cost: async (spec) => ({
      seconds: store.getState().speed === null ? null : 6,
      roundSeconds: 20,
      memory: 210_000_000,
      fit: spec.base.kind === 'files' ? 'tight' : 'good',
      download: 398_000,
    }),
    took: (id, { seconds, memory }) =>
      id === 1
        ? compareCosts({
            predicted: { seconds, memory },
            rounds: [7, 9, 8].map((each, round) => ({ round, seconds: each, memory: 190e6 })),
          })
        : null,
    measure: async () => store.setState({ speed: 12 }),
    async prepare(spec) {
      const { bytes, cid } = encodeSwarmSpec(spec);
      return { spec, cid, bytes: bytes.length, price: { gas: 180_000n, wei: 360_000_000_000_000n } };
    },
    open: refuse,
  };
}
