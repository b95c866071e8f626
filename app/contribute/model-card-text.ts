/**
 * The card of a model that leaves with a person: what it is, where it comes from and how to check it. Pure.
 */
import type { Hex } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { BUILTIN_MODELS, type BuiltinModel, builtinModelOf } from '../../training/builtin-models.ts';
import { ANSWERING } from '../../training/chat-format.ts';
import { baseInWords, tasksInWords, trainedInWords } from '../swarms/swarm-words.ts';
import { formatShare } from '../ui/format.ts';
import type { OwnModel } from '../volunteer/own-model.ts';
import type { RoundRecord } from '../volunteer/volunteer-events.ts';

export interface CardFacts {
  readonly spec: SwarmSpec;
  /** The model that the device brought. Null for the swarm's base. */
  readonly ownModel: OwnModel | null;
  readonly chainId: number;
  /** Number of the swarm on the chain. */
  readonly swarm: number;
  readonly device: Hex;
  /** Root of the checkpoint that the files are made from, which the chain records. */
  readonly root: Hex;
  /** The round after which the device had that checkpoint. */
  readonly round: number;
  /** Rounds of this visit, oldest first. None before the first one is trained. */
  readonly history: readonly RoundRecord[];
  /** What the files are: all weights, adapters beside the base, or adapters merged into it. */
  readonly form: 'weights' | 'adapter' | 'merged';
  /** Names of the files beside the card. */
  readonly files: readonly string[];
}

/** Rounds of the curve that the card has. */
const CURVE_ROWS = 20;

/** README.md with the front matter that model hubs read. */
export function modelCard(facts: CardFacts): string {
  const { spec, ownModel, chainId, swarm, device, root, round, history, form, files } = facts;
  const { base } = spec;
  const front = [
    ...(startOf(facts) === undefined ? [`base_model: ${JSON.stringify(ownModel?.name ?? base.name)}`] : []),
    `language: ${spec.language}`,
    ...(form === 'adapter' ? ['library_name: peft'] : []),
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
    ownModel === null
      ? `- Base: ${baseInWords(base)}; root \`${base.root}\``
      : `- Base: ${ownModel.name}, which this member brought; the swarm proposes ${base.name}`,
    `- Trained: ${trainedInWords(spec)}`,
    `- Tasks: ${tasksInWords(spec.tasks, 24)}`,
    `- Swarm: number ${swarm} on chain ${chainId}`,
    `- Device: \`${device}\``,
    `- Root of the checkpoint after round ${round}, as the chain records it: \`${root}\``,
    `- Files: ${files.map((name) => `\`${name}\``).join(', ')}`,
    '',
    ...use(facts),
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
    'Every text and every weight follows from the base, the round’s seed and the published answers. Where DIR are folders with the',
    'archive of the swarm’s rounds and what else is named,',
    '',
    '```',
    replayCommand(facts),
    '```',
    '',
    'computes a round again and compares the root, bit by bit.',
    '',
  ].join('\n');
}

/** How to load what is in the folder, and how the swarm asked it. */
function use(facts: CardFacts): readonly string[] {
  const { form } = facts;
  const loading = {
    weights: [],
    adapter: [
      'Load the base, then the adapter: in Starling under Models, or with `PeftModel.from_pretrained`. The bits are those of the swarm.',
      '',
    ],
    merged: [
      'The adapters are merged into the weights, each sum rounded once. The merged model computes nearly, but not bit for bit, what the',
      'adapted one does.',
      '',
    ],
  }[form];
  const asking = [
    'A model with a chat template was asked in it. Where the template takes a system message, that is the sentence below; otherwise the',
    'sentence and an empty line stand before the question.',
    '',
    `> ${ANSWERING}`,
    '',
  ];
  const lines = [...loading, ...(startOf(facts) === undefined ? asking : [])];
  return lines.length === 0 ? [] : ['## How to use it', '', ...lines];
}

/** The command that computes the last round again, from a checkout of Starling. */
function replayCommand(facts: CardFacts): string {
  const { device, round } = facts;
  const { tasks } = facts.spec;
  const builtin = startOf(facts);
  const model = builtin === undefined ? 'DIR' : `public/${builtin.folder}`;
  const data = tasks.dataSets.length > 0 ? ' --data DIR' : '';
  return `npm run replay -- ${device}:${round} --archive DIR --model ${model}${data}`;
}

/** At most CURVE_ROWS of the records, evenly, with the first and the last. */
function thinned(history: readonly RoundRecord[]): readonly RoundRecord[] {
  if (history.length <= CURVE_ROWS) return history;
  const step = (history.length - 1) / (CURVE_ROWS - 1);
  return Array.from({ length: CURVE_ROWS }, (_, row) => history[Math.round(row * step)]).flatMap((record) =>
    record === undefined ? [] : [record],
  );
}

/** The built-in model that the device started from; undefined for another one. */
function startOf({ spec, ownModel }: CardFacts): BuiltinModel | undefined {
  if (ownModel === null) return builtinModelOf(spec.base.root);
  return BUILTIN_MODELS.find(({ name }) => ownModel.kind === 'builtin' && name === ownModel.name);
}
