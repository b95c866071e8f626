/** What a device shows of a model in blocks, at three times, for drawings of the page and for tests. */
import type { ShownBlocks } from '../volunteer-events.ts';

export const OWN_DEVICE = '0x52908400098527886e0f7030069857d2e4169ee7';
const OTHERS = [
  '0x8617e340b3d01fa5f11f306f4090fd50e238070d',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
] as const;
const [FIRST, SECOND, THIRD] = OTHERS;

const KEEPERS = [
  [OWN_DEVICE, FIRST, SECOND],
  [FIRST, SECOND, THIRD],
  [OWN_DEVICE, THIRD],
] as const;

const IDS = ['embedding', 'layers.0-1', 'layers.2-3', 'layers.4-4', 'head'] as const;

/** Nobody keeps the last blocks yet. */
export const GATHERING: ShownBlocks = {
  state: 'gathering',
  step: 0,
  blocks: IDS.map((id, index) => ({
    id,
    bytes: 1_200_000 + 400_000 * index,
    keepers: index === 0 ? [OWN_DEVICE, FIRST] : index < 3 ? [OWN_DEVICE] : [],
    isHere: index === 0,
  })),
  microbatches: [],
  hops: { done: 0, all: 0 },
  takeovers: 0,
  refused: 0,
  problems: [],
  memory: new Map(IDS.map((id, index) => [id, 30_000_000 + 5_000_000 * index])),
  last: null,
};

/** The others compute, and this device fetches what it is to keep. */
export const JOINING: ShownBlocks = {
  ...GATHERING,
  state: 'joining',
  step: 41,
  blocks: GATHERING.blocks.map((block) => ({ ...block, keepers: OTHERS, isHere: false })),
};

/** In the middle of a step. */
export const COMPUTING: ShownBlocks = {
  ...GATHERING,
  state: 'computing',
  step: 42,
  blocks: GATHERING.blocks.map((block, index) => ({
    ...block,
    keepers: KEEPERS[index % 3] ?? [],
    isHere: index % 3 !== 1,
  })),
  microbatches: [
    { microbatch: 0, kind: 'backward', block: 'layers.2-3', at: OWN_DEVICE },
    { microbatch: 1, kind: 'loss', block: 'head', at: SECOND },
    { microbatch: 2, kind: 'forward', block: 'layers.0-1', at: THIRD },
    { microbatch: 3, kind: 'embed', block: 'embedding', at: FIRST },
  ],
  hops: { done: 31, all: 84 },
  takeovers: 1,
  last: { step: 42, root: `0x${'4c'.repeat(32)}` },
};
