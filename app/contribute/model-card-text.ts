/**
 * The card of a model that leaves with a person: what it is, where it comes from and how to check it. Pure.
 */
import type { Hex } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { baseInWords, tasksInWords, trainedInWords } from '../swarms/swarm-words.ts';
import { formatShare } from '../ui/format.ts';
import type { RoundRecord } from '../volunteer/volunteer-events.ts';

export interface CardFacts {
  readonly spec: SwarmSpec;
  readonly chainId: number;
  /** Number of the swarm on the chain. */
  readonly swarm: number;
  readonly device: Hex;
  /** Root of the checkpoint after the last round, which the chain records. */
  readonly root: Hex;
  /** Oldest first, at least one. */
  readonly history: readonly RoundRecord[];
  /** Names of the files beside the card. */
  readonly files: readonly string[];
}

/** Rounds of the curve that the card has. */
const CURVE_ROWS = 20;

/** README.md with the front matter that model hubs read. */
export function modelCard(facts: CardFacts): string {
  const { spec, chainId, swarm, device, root, history, files } = facts;
  const { base } = spec;
  const adapters = spec.trained.kind === 'adapters';
  const last = history.at(-1);
  const front = [
    ...(base.kind === 'files' ? [`base_model: ${base.name}`] : []),
    `language: ${spec.language}`,
    ...(adapters ? ['library_name: peft'] : []),
    'tags:',
    '- starling',
    '- reinforcement-learning',
  ];
  return [
    '---',
    ...front,
    '---',
    '',
    `# ${spec.name}`,
    '',
    spec.description,
    '',
    'Trained by one member of a Starling swarm. Every member keeps a model of its own, and learns from the others’ answers.',
    '',
    `- Base: ${baseInWords(base)}; root \`${base.root}\``,
    `- Trained: ${trainedInWords(spec)}`,
    `- Tasks: ${tasksInWords(spec.tasks, 24)}`,
    `- Swarm: number ${swarm} on chain ${chainId}`,
    `- Device: \`${device}\``,
    `- Root of the checkpoint after round ${last?.round ?? 0}, as the chain records it: \`${root}\``,
    `- Files: ${files.map((name) => `\`${name}\``).join(', ')}`,
    '',
    '## Rounds',
    '',
    'Held-out tasks are never trained on. Reward is the mean score of the device’s own answers.',
    '',
    '| round | held-out accuracy | reward |',
    '| ---: | ---: | ---: |',
    ...thinned(history).map(
      ({ round, heldOutAccuracy, reward }) =>
        `| ${round} | ${formatShare(heldOutAccuracy)} | ${formatShare(reward)} |`,
    ),
    '',
    '## How to reproduce it',
    '',
    'Every text and every weight follows from the base, the round’s seed and the published answers. With an archive of the rounds,',
    '',
    '```',
    `npm run replay -- --device ${device} --round ${last?.round ?? 0}`,
    '```',
    '',
    'computes a round again and compares the root, bit by bit.',
    '',
  ].join('\n');
}

/** At most CURVE_ROWS of the records, evenly, with the first and the last. */
function thinned(history: readonly RoundRecord[]): readonly RoundRecord[] {
  if (history.length <= CURVE_ROWS) return history;
  const step = (history.length - 1) / (CURVE_ROWS - 1);
  return Array.from({ length: CURVE_ROWS }, (_, row) => history[Math.round(row * step)]).flatMap((record) =>
    record === undefined ? [] : [record],
  );
}
