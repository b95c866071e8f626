/**
 * Plans a run from its specification: its program, the terms of a claim about it, and the inputs of each
 * step.
 */

import type { StepRecipe, Words } from '../compute/repops/recipe.ts';
import type { BlockStep } from '../models/blocks/block-step.ts';
import { metadataLeafData, tensorRoot } from '../models/checkpoint/root.ts';
import { type Checkpoint, checkpointMetadata } from '../models/decoder/checkpoint.ts';
import type { ModelState, NamedTensors } from '../models/decoder/state.ts';
import type { Evidence, Terms } from '../protocol/evidence.ts';
import { fromHex, type Hex, toHex } from '../protocol/hex.ts';
import { LEAF_BYTES, leafHash, merkleRoot } from '../protocol/merkle.ts';
import { slotLeaf } from '../protocol/slot-encoding.ts';
import { planBlocks } from './blocks-work.ts';
import { bytesOf, type EncodedProgram, encodeProgram } from './encode-program.ts';
import { planPolicy } from './policy-work.ts';
import { type RunSpec, RunSpecError } from './run-spec.ts';
import { planSupervised } from './supervised-work.ts';
import { allPieces, type Pieces, type PlannedWork } from './work.ts';

/** The tensors of a checkpoint by their names in its file. */
export type StateTensors = ReadonlyMap<string, Float32Array>;

/** Everything about a run that is known without computing the training. */
export interface RunPlan extends Pick<Evidence, 'terms' | 'program' | 'slotNames' | 'dataRoots'> {
  readonly spec: RunSpec;
  readonly recipe: StepRecipe;
  readonly encoded: EncodedProgram;
  /** Of work over blocks: its hops. */
  readonly blocks?: BlockStep;
  /** The data of step 0 to steps - 1, by the names of the recipe's data tensors. */
  given(step: number): ReadonlyMap<string, Words>;
  /** The metadata of the checkpoint after a step, in bytes. */
  metadata(step: number): Uint8Array;
}

/** The run's checkpoint after `step` steps, from its tensors. */
export function checkpointAt(spec: RunSpec, step: number, tensors: StateTensors): Checkpoint {
  const { start, config } = spec;
  return {
    config,
    state: modelState(tensors, start.step + step),
    cursor: start.cursor,
    rngKey: start.rngKey,
    training: start.training,
  };
}

function modelState(tensors: StateTensors, step: number): ModelState {
  const group = (prefix: string): NamedTensors =>
    new Map(
      [...tensors]
        .filter(([name]) => (prefix === '' ? !name.startsWith('optimizer.') : name.startsWith(prefix)))
        .map(([name, values]) => [name.slice(prefix.length), values]),
    );
  return { parameters: group(''), m: group('optimizer.m.'), v: group('optimizer.v.'), step };
}

/** The tensors of a checkpoint. `checkpointAt` is the inverse. */
export function stateTensors({ state }: Checkpoint): StateTensors {
  const groups = [
    ['', state.parameters],
    ['optimizer.m.', state.m],
    ['optimizer.v.', state.v],
  ] as const;
  return new Map(
    groups.flatMap(([prefix, tensors]) =>
      [...tensors].map(([name, values]): [string, Float32Array] => [prefix + name, values]),
    ),
  );
}

/**
 * Plans a run at once. It makes the data of every step, for the root over the data, which takes a millisecond
 * a row and more: a run that a stranger specified is planned with `planWithin`. Throws RunSpecError when no
 * question fits the specification's lengths.
 */
export function planRun(spec: RunSpec): RunPlan {
  return allPieces(planPieces(spec));
}

/** `planRun` in pieces: it yields after each row of each step. */
export function* planPieces(spec: RunSpec): Pieces<RunPlan> {
  const { work, encoded, metadata } = programOf(spec);
  const dataRoots: Hex[] = [];
  for (let step = 0; step < spec.steps; step++) {
    const given = yield* work.given(step);
    for (const [name, { source }] of work.recipe.tensors) {
      if (source.kind !== 'data') continue;
      const words = given.get(name);
      if (words === undefined) throw new RangeError(`step ${step} is not given ${name}`);
      dataRoots.push(toHex(tensorRoot(bytesOf(words))));
    }
    dataRoots.push(toHex(leafHash(metadata(step))));
    yield undefined;
  }
  return withDataRoots({ spec, work, encoded, metadata }, dataRoots);
}

/** The plan of a run whose data another thread of this program has made: only its roots are needed. */
export function planOfDataRoots(spec: RunSpec, dataRoots: readonly Hex[]): RunPlan {
  return withDataRoots(programOf(spec), dataRoots);
}

interface ProgramOfRun {
  readonly spec: RunSpec;
  readonly work: PlannedWork;
  readonly encoded: EncodedProgram;
  readonly metadata: RunPlan['metadata'];
}

function plannedWork(spec: RunSpec): PlannedWork {
  const { work } = spec;
  switch (work.kind) {
    case 'supervised':
      return planSupervised(spec, work);
    case 'policy':
      return planPolicy(spec, work);
    case 'blocks':
      return planBlocks(spec, work);
  }
}

function programOf(spec: RunSpec): ProgramOfRun {
  const work = plannedWork(spec);
  const metadata = (step: number): Uint8Array =>
    metadataLeafData(checkpointMetadata({ config: spec.config, ...spec.start }, spec.start.step + step + 1));
  // A single leaf of a tensor has the hash of a leaf of the checkpoint, so the metadata can be an input like
  // a tensor.
  if (metadata(spec.steps - 1).length > LEAF_BYTES) {
    throw new RunSpecError('The metadata of its checkpoints exceed 4 KiB: shorten the training settings.');
  }
  return { spec, work, encoded: encodeProgram(work.recipe), metadata };
}

function withDataRoots(program: ProgramOfRun, dataRoots: readonly Hex[]): RunPlan {
  const { spec, work, encoded, metadata } = program;
  const terms: Terms = {
    program: toHex(merkleRoot(encoded.slots.map(slotLeaf))),
    data: rootOver(dataRoots),
    initial: spec.start.root,
    steps: spec.steps,
    slots: encoded.slots.length,
    dataSlots: encoded.dataSlots,
  };
  return {
    spec,
    recipe: work.recipe,
    encoded,
    ...(work.blocks === undefined ? {} : { blocks: work.blocks }),
    terms,
    program: encoded.slots,
    slotNames: encoded.names,
    dataRoots,
    given: (step) => allPieces(work.given(step)),
    metadata,
  };
}

/** The root of the tree over these roots: the root of a claim, of a trace, or of a run's data. */
export function rootOver(roots: readonly Hex[]): Hex {
  return toHex(merkleRoot(roots.map((root) => leafHash(fromHex(root)))));
}
