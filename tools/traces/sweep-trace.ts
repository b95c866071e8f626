/** Compares the judge with the trace of a real training step, and measures what judging it costs. */
import { operatorName } from '../../audit/encode-program.ts';
import { SLOT_KIND, type Slot, type StepTrace } from '../../protocol/evidence.ts';
import type { JudgeOnAnvil, Question } from './judge-on-anvil.ts';

export interface SweepOptions {
  readonly judge: JudgeOnAnvil;
  readonly trace: StepTrace;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
  /** The slots to ask about. Defaults to all outputs. */
  readonly slots?: readonly number[];
  /** How many elements of each slot to ask about beside the first and the last, drawn with `random`. */
  readonly drawn: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Whether to measure what the first element of each slot costs to judge. Defaults to false. */
  readonly costs?: boolean;
  readonly onSlot?: (done: number, of: number) => void;
}

export interface OperatorCost {
  readonly gas: number;
  readonly leaves: number;
  readonly bytes: number;
}

export interface SweepResult {
  readonly slots: number;
  readonly elements: number;
  readonly chunks: number;
  /** How many elements and chunks were judged, by operator and output, such as "adamw 1". */
  readonly judged: Readonly<Record<string, number>>;
  /** What the judge and the trace disagree on. */
  readonly mismatches: readonly string[];
  /** The most expensive question about each operator and output. */
  readonly costs: Readonly<Record<string, OperatorCost>>;
}

/** Elements of a tensor: the first, the last and some in between. */
function elementsOf(length: number, drawn: number, random: () => number): readonly number[] {
  const chosen = new Set([0, length - 1]);
  for (let i = 0; i < drawn; i++) chosen.add(Math.floor(random() * length));
  return [...chosen];
}

/**
 * Asks the judge about elements of the slots, and about every chunk of those that are long sums, and compares
 * the bits with the trace. Checks besides what a fold's chunks come to, how many there are, and their limit.
 */
export async function sweepTrace(options: SweepOptions): Promise<SweepResult> {
  const { judge, trace, program, slotNames } = options;
  const outputs =
    options.slots ?? program.flatMap(({ kind }, slot) => (kind === SLOT_KIND.output ? [slot] : []));
  const judged: Record<string, number> = {};
  const costs: Record<string, OperatorCost> = {};
  const mismatches: string[] = [];
  let [elements, chunks] = [0, 0];

  const measure = async (key: string, question: Question): Promise<void> => {
    const cost = await judge.cost(question);
    if (cost.gas > (costs[key]?.gas ?? 0)) costs[key] = cost;
  };

  for (const [done, slot] of outputs.entries()) {
    const entry = program[slot];
    if (entry === undefined) throw new RangeError(`The program has no slot ${slot}.`);
    const { op, output, length } = entry.node;
    const key = `${operatorName(op)} ${output}`;
    const words = wordsOf(await trace.tensor(slot));
    if (words.length !== length)
      mismatches.push(`${slotNames[slot]}: ${words.length} elements, not ${length}`);
    const folds = await judge.folds(op);
    const chosen = [...elementsOf(length, options.drawn, options.random)];
    if (operatorName(op) === 'embed.grad') chosen.push(await usedRow(trace, entry));
    for (const [n, element] of chosen.entries()) {
      const where = `${slotNames[slot]}[${element}]`;
      const question = { trace, program, slot, element };
      elements += 1;
      if (!folds) {
        const { bits } = await judge.ask(question);
        if (bits !== words[element]) mismatches.push(`${where}: ${bits}, not ${words[element]}`);
        judged[key] = (judged[key] ?? 0) + 1;
        if (options.costs && n === 0) await measure(key, question);
        continue;
      }
      const accumulators = await trace.accumulators(slot, element);
      if ((await judge.total(op, accumulators)) !== words[element]) mismatches.push(`${where}: its sum`);
      if (accumulators.length > (await judge.chunkLimit(entry))) mismatches.push(`${where}: too many chunks`);
      // A fold without terms is judged by its chunk 0, which is empty.
      const rounds = accumulators.length === 0 ? [0] : accumulators;
      for (const [chunk, claimed] of rounds.entries()) {
        const before = chunk === 0 ? 0 : (accumulators[chunk - 1] ?? 0);
        const asked = { ...question, chunk, before };
        const got = await judge.ask(asked);
        if (got.bits !== claimed) mismatches.push(`${where} chunk ${chunk}: ${got.bits}, not ${claimed}`);
        if (got.chunks !== accumulators.length) mismatches.push(`${where}: ${got.chunks} chunks`);
        judged[key] = (judged[key] ?? 0) + 1;
        chunks += 1;
        if (options.costs && n === 0 && chunk === 0) await measure(key, asked);
      }
    }
    options.onSlot?.(done + 1, outputs.length);
  }
  return { slots: outputs.length, elements, chunks, judged, mismatches, costs };
}

/**
 * An element of an embedding's gradient that has terms. Most ids are not in a batch, so most elements have
 * none.
 */
async function usedRow(trace: StepTrace, { inputs, node }: Slot): Promise<number> {
  const ids = wordsOf(await trace.tensor(inputs[0] ?? -1));
  const [, , width = 1] = node.attributes;
  return (ids[0] ?? 0) * width + width - 1;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

/** One slot for each operator and output of the program, drawn at random. */
export function oneSlotEach(program: readonly Slot[], random: () => number): readonly number[] {
  const groups = new Map<string, number[]>();
  for (const [slot, { kind, node }] of program.entries()) {
    if (kind !== SLOT_KIND.output) continue;
    const key = `${node.op}/${node.output}`;
    groups.set(key, [...(groups.get(key) ?? []), slot]);
  }
  return [...groups.values()].map((slots) => slots[Math.floor(random() * slots.length)] ?? 0);
}
