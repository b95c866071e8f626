/**
 * What a device knows of a run's last steps: the roots of all blocks' tensors, and the signed updates that
 * they follow from. It is on the medium beside the blocks, so that devices that were all away at once go on
 * where they were.
 */
import type { HandoffRules } from '../../pipeline/runtime/handoffs.ts';
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { BlockFiles } from '../blocks/block-files.ts';
import type { ConfirmedVersion } from '../blocks/needed-versions.ts';
import { stateRecordCodec } from '../messages/state-record.ts';

/** Roots of tensors, by name. */
export type Roots = ReadonlyMap<string, Hex>;

/** The state of a run before a step. */
export interface RunState {
  /** Steps done. */
  readonly step: number;
  /** Roots of all blocks' tensors. */
  readonly state: Roots;
  /** The updates of the step before. None where no step is done. */
  readonly updates: readonly Handoff[];
}

export interface RunStatesOptions {
  readonly rules: HandoffRules;
  readonly graphOf: (step: number) => HopGraph;
  /** Roots of all blocks' tensors before the first step. */
  readonly first: Roots;
  /** Where states are kept. Defaults to memory alone. */
  readonly files?: BlockFiles;
}

/** What tells a state from signed updates. */
export interface StateAfterOptions extends Pick<RunStatesOptions, 'graphOf'> {
  readonly rules: Pick<HandoffRules, 'run' | 'isSigned'>;
}

/** A state with the versions of all blocks in it. */
interface Known {
  readonly state: RunState;
  readonly versions: readonly ConfirmedVersion[];
}

/** States that are remembered of a kind. */
const REMEMBERED = 2;
const MOST_BYTES = 64 * 1024 * 1024;

export class RunStates {
  readonly #options: RunStatesOptions;
  /** The last two states, whose versions members have in memory. */
  #recent: readonly Known[] = [];
  /** The last two whose versions are on the members' media. */
  #written: readonly Known[] = [];
  /** What was known before others told of states that this device has not seen for itself. */
  #before: { readonly recent: readonly Known[]; readonly written: readonly Known[] } | undefined;
  #isWriting = false;
  /** Which of the two files holds the older state. */
  #place = 0;
  #problem: string | undefined;

  private constructor(options: RunStatesOptions) {
    this.#options = options;
  }

  /** Reads what an earlier session left. What is damaged, or of another run, counts for nothing. */
  static async open(options: RunStatesOptions): Promise<RunStates> {
    const states = new RunStates(options);
    states.#add({ step: 0, state: options.first, updates: [] }, true);
    const [first, second] = [await states.#read(0), await states.#read(1)];
    states.#place = (first?.step ?? 0) <= (second?.step ?? 0) ? 0 : 1;
    for (const state of [first, second].filter((each) => each !== undefined).sort((a, b) => a.step - b.step))
      states.#add(state, true);
    return states;
  }

  /** Steps done, as far as this device knows. */
  get step(): number {
    return Math.max(...this.#recent.map(({ state }) => state.step));
  }

  /** The last two states that were written, the newest one first. */
  get written(): readonly RunState[] {
    return this.#written.map(({ state }) => state).sort((a, b) => b.step - a.step);
  }

  /** Versions of all blocks in the states that were written. */
  get confirmed(): readonly ConfirmedVersion[] {
    // What others tell of does not yet take the place of what this device knows.
    const known = new Set([...(this.#before?.written ?? []), ...this.#written]);
    return [...known].flatMap(({ versions }) => versions);
  }

  /** Why the last state is not on the medium, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  versionOf(block: string, step: number): ConfirmedVersion | undefined {
    return [...this.#recent, ...this.#written]
      .flatMap(({ versions }) => versions)
      .find((each) => each.block === block && each.step === step);
  }

  /**
   * Notes a state, and writes it where its versions are written, too. Throws RangeError where a tensor's root
   * is missing.
   */
  confirm(state: RunState, isWritten: boolean): void {
    this.#add(state, isWritten);
    if (isWritten) void this.#write(state);
  }

  /**
   * Notes a state that another device tells of, in memory alone. `settle` keeps it, `withdraw` forgets it and
   * all that were proposed since the last `settle`. Throws as `confirm` does.
   */
  propose(state: RunState, isWritten: boolean): void {
    this.#before ??= { recent: this.#recent, written: this.#written };
    this.#add(state, isWritten);
  }

  /** This device computes the step after the last proposed state. */
  settle(): void {
    if (this.#before === undefined) return;
    this.#before = undefined;
    const [newest] = this.written;
    if (newest !== undefined) void this.#write(newest);
  }

  withdraw(): void {
    if (this.#before === undefined) return;
    this.#recent = this.#before.recent;
    this.#written = this.#before.written;
    this.#before = undefined;
  }

  /** Forgets all steps but the first: nobody has the blocks of any later one. */
  forget(): void {
    this.#before = undefined;
    this.#recent = [];
    this.#written = [];
    this.#add({ step: 0, state: this.#options.first, updates: [] }, true);
  }

  /** The state that signed updates of a step give. Undefined where they do not give all tensors. */
  stateAfter(step: number, updates: readonly Handoff[]): Roots | undefined {
    return stateAfter(this.#options, step, updates);
  }

  #add(state: RunState, isWritten: boolean): void {
    const { graphOf, rules } = this.#options;
    const versions = [...graphOf(state.step).state].map(
      ([block, tensors]): ConfirmedVersion => ({
        block,
        step: state.step,
        root: rules.versionRoot(
          block,
          state.step,
          new Map([...tensors.keys()].map((name) => [name, rootIn(state.state, name)])),
        ),
      }),
    );
    const withIt = (known: readonly Known[]) =>
      [...known.filter((each) => each.state.step < state.step), { state, versions }].slice(-REMEMBERED);
    this.#recent = withIt(this.#recent);
    if (isWritten) this.#written = withIt(this.#written);
  }

  async #read(place: number): Promise<RunState | undefined> {
    const bytes = await this.#options.files?.read(nameOf(place)).catch(() => undefined);
    if (bytes === undefined) return undefined;
    try {
      const { step, updates } = decodeCanonical(stateRecordCodec, bytes, MOST_BYTES);
      const state = step === 0 ? undefined : this.stateAfter(step - 1, updates);
      return state === undefined ? undefined : { step, state, updates };
    } catch {
      // The write was cut short. The state before it is in the other file.
      return undefined;
    }
  }

  /** States alternate between two files, so that one of them is always whole. */
  async #write(state: RunState): Promise<void> {
    const { files } = this.#options;
    if (files === undefined || state.step === 0 || this.#isWriting) return;
    this.#isWriting = true;
    try {
      const { step, updates } = state;
      const bytes = encodeCanonical(stateRecordCodec, { step, updates: [...updates] });
      await files.write(nameOf(this.#place), [bytes]);
      this.#place = 1 - this.#place;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = `The state after step ${state.step} was not written: ${messageOf(error)}`;
    } finally {
      this.#isWriting = false;
    }
  }
}

/**
 * The roots of all blocks' tensors that signed updates of a step give. Undefined where they do not give all.
 */
export function stateAfter(
  { rules, graphOf }: StateAfterOptions,
  step: number,
  updates: readonly Handoff[],
): Roots | undefined {
  const graph = graphOf(step);
  const state = new Map<string, Hex>();
  for (const handoff of updates) {
    if (handoff.step !== step || handoff.run !== rules.run) continue;
    const node = graph.nodes[handoff.hop];
    if (node === undefined || !graph.isForEveryKeeper(handoff.hop) || !rules.isSigned(handoff)) continue;
    const names = graph.stateOf(node.block);
    for (const { tensor, root } of handoff.outputs) if (names.has(tensor)) state.set(tensor, root);
  }
  const all = [...graph.state.values()].flatMap((tensors) => [...tensors.keys()]);
  return all.every((name) => state.has(name)) ? state : undefined;
}

function nameOf(place: number): string {
  return `run-state-${place}`;
}

/** A tensor's root. Throws RangeError where it is missing, which would make a version of another model. */
function rootIn(state: Roots, tensor: string): Hex {
  const root = state.get(tensor);
  if (root === undefined) throw new RangeError(`The root of ${tensor} is not known.`);
  return root;
}
