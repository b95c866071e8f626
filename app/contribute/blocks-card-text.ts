/** The card of a model that was trained in blocks. Pure. */
import type { Hex } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import { baseInWords, tasksInWords } from '../swarms/swarm-words.ts';

export interface BlocksCardFacts {
  readonly spec: SwarmSpec;
  /** Root of the checkpoint that the files are made from. */
  readonly root: Hex;
  /** Optimizer steps taken. */
  readonly steps: number;
  /** Names of the files beside the card. */
  readonly files: readonly string[];
}

/** README.md with the front matter that model hubs read. */
export function blocksCard({ spec, root, steps, files }: BlocksCardFacts): string {
  const { base, language } = spec;
  const isAdapter = spec.trained.kind === 'adapters';
  const named = builtinModelOf(base.root) === undefined;
  return [
    '---',
    ...(named ? [`base_model: ${JSON.stringify(base.name)}`] : []),
    ...(isAdapter ? ['library_name: peft'] : []),
    `language: ${language}`,
    'tags:',
    '- starling',
    '---',
    '',
    `# ${spec.name}`,
    '',
    spec.description,
    '',
    'Trained by the members of a Starling swarm together, in blocks: each device kept and computed some of them.',
    '',
    `- Base: ${baseInWords(base)}; root \`${base.root}\``,
    `- Tasks: ${tasksInWords(spec.tasks, 24)}, with worked answers`,
    `- Root of the checkpoint after step ${steps}: \`${root}\``,
    ...(isAdapter ? ['- Load the base first, then the adapter: in Starling under Models, or with PEFT'] : []),
    `- Files: ${files.map((name) => `\`${name}\``).join(', ')}`,
    '',
    'Every step follows from the base and the swarm’s specification, and has the same bits on any devices.',
    '',
  ].join('\n');
}
