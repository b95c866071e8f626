/** Why a device cannot take part in a swarm, found in the specification before anything is downloaded. */
import { MOST_WHOLE_BYTES } from './file-manifest.ts';
import type { Hex } from './hex.ts';
import { type BlockCapabilities, blockRefusals } from './swarm-blocks.ts';
import type { SwarmRefusal } from './swarm-refusal.ts';
import type { SwarmSpec } from './swarm-spec.ts';

/** What this program knows and this device can hold. */
export interface SpecCapabilities {
  /** The tasks of the catalogue, with the number of their difficulties. */
  readonly generators: readonly {
    readonly id: string;
    readonly version: number;
    readonly difficulties: number;
  }[];
  /** The models that come with the program. */
  readonly builtins: readonly { readonly name: string; readonly root: Hex }[];
  /** Most bytes of a model's files that this device can hold. */
  readonly modelBytes: number;
  /** Most bytes of all data sets together. */
  readonly dataBytes: number;
  /** What it can train in blocks. Left out where it trains whole models alone. */
  readonly blocks?: BlockCapabilities;
  /**
   * Whether a person named a folder or an address with the model. Undefined where that is not known yet, and
   * then no file is refused for having no source.
   */
  readonly hasModel?: boolean;
  /** The same of the data sets' files. */
  readonly hasData?: boolean;
}

/** Bytes that a member has to download or hold: the model's files and the data sets. */
export function downloadsOf({ base, tasks }: SwarmSpec): {
  readonly model: number;
  readonly data: number;
} {
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0);
  return {
    model: base.kind === 'builtin' ? 0 : sum(base.files.map(({ size }) => size)),
    data: sum(tasks.dataSets.map(({ file }) => file.size)),
  };
}

/** Every reason why this program on this device cannot take part; none where it can. */
export function refusalsOf(spec: SwarmSpec, device: SpecCapabilities): readonly SwarmRefusal[] {
  return [
    ...unknownTasks(spec, device),
    ...blockRefusals(spec, device.blocks),
    ...unusableModel(spec, device),
    ...largeData(spec, device),
    ...withoutSource(spec, device),
  ];
}

/**
 * The files of a specification that nobody could get: of more than 1 MiB, with neither an address nor the
 * name by which members pass them on. Such a swarm is not opened. Where `models` is `any`, the base is a
 * proposal, so whoever opens the swarm need not say where it is, but a member without a model must know.
 */
export function unobtainableFiles(spec: SwarmSpec): readonly SwarmRefusal[] {
  return withoutSource(spec, { hasModel: spec.models === 'any', hasData: false });
}

function withoutSource(
  { base, tasks }: SwarmSpec,
  { hasModel = true, hasData = true }: Pick<SpecCapabilities, 'hasModel' | 'hasData'>,
): readonly SwarmRefusal[] {
  const files = base.kind === 'builtin' || hasModel ? [] : base.files;
  const dataSets = hasData ? [] : tasks.dataSets;
  return [
    ...files.map((file, i) => ({ file, field: `base.files[${i}]`, whose: base.name })),
    ...dataSets.map(({ file, id }, i) => ({
      file,
      field: `tasks.dataSets[${i}].file`,
      whose: `the questions ${id}`,
    })),
  ].flatMap(({ file, field, whose }): SwarmRefusal[] => {
    const { path, size, urls, manifest } = file;
    if (size <= MOST_WHOLE_BYTES || urls.length > 0 || manifest !== undefined) return [];
    const sentence =
      `Nobody could get ${path} of ${whose} (${megabytes(size)}): it has neither an address nor a manifest, by which members pass on files of more than 1 MiB. ` +
      'Whoever starts the swarm names one of them; a member who has the file names its folder.';
    return [{ kind: 'no-source', field, sentence }];
  });
}

function unknownTasks({ tasks }: SwarmSpec, { generators }: SpecCapabilities): readonly SwarmRefusal[] {
  return tasks.generators.flatMap(({ id, version, difficulties }, i): SwarmRefusal[] => {
    const known = generators.find((each) => each.id === id && each.version === version);
    const field = `tasks.generators[${i}]`;
    if (known === undefined) {
      const sentence = `This program does not know version ${version} of the task ${id}. Update it, or take another swarm.`;
      return [{ kind: 'unknown-task', field, sentence }];
    }
    const hardest = Math.max(...difficulties);
    if (hardest < known.difficulties) return [];
    const sentence = `The task ${id} has no difficulty ${hardest} in this program. Update it, or take another swarm.`;
    return [{ kind: 'unknown-task', field, sentence }];
  });
}

function unusableModel(spec: SwarmSpec, device: SpecCapabilities): readonly SwarmRefusal[] {
  const { base, models } = spec;
  // Members bring their own model there, and the base is only a proposal.
  if (models === 'any') return [];
  if (base.kind === 'files') {
    const { model } = downloadsOf(spec);
    // In blocks a member holds a share of the model, which it is shown before it joins.
    if (spec.blocks !== undefined || model <= device.modelBytes) return [];
    const sentence =
      `The model ${base.name} has ${megabytes(model)}, and this device can hold ${megabytes(device.modelBytes)}. ` +
      'Take part on a larger device, or take a swarm with a smaller model.';
    return [{ kind: 'large-model', field: 'base.files', sentence }];
  }
  const builtin = device.builtins.find(({ name }) => name === base.name);
  if (builtin === undefined) {
    const sentence = `This program has no built-in model ${base.name}. Update it, or take another swarm.`;
    return [{ kind: 'unknown-model', field: 'base.name', sentence }];
  }
  if (builtin.root.toLowerCase() === base.root) return [];
  const sentence =
    `The swarm starts from another state of ${base.name} than this program has. ` +
    'Take the version of the program that the swarm was started with, or take another swarm.';
  return [{ kind: 'wrong-root', field: 'base.root', sentence }];
}

function largeData(spec: SwarmSpec, { dataBytes }: SpecCapabilities): readonly SwarmRefusal[] {
  const { data } = downloadsOf(spec);
  if (data <= dataBytes) return [];
  const sentence =
    `The swarm’s data sets have ${megabytes(data)}, and this device takes ${megabytes(dataBytes)}. ` +
    'Take part on a larger device, or take another swarm.';
  return [{ kind: 'large-data', field: 'tasks.dataSets', sentence }];
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e5) / 10} MB`;
}
