/** A set of different items, drawn from several sources in turn. */
import { must } from '../../protocol/must.ts';
import type { ChosenGenerator } from './catalogue.ts';
import type { Share, TaskItem } from './task.ts';

export interface ItemDraw {
  /** Counts the turns of this source. */
  readonly turn: number;
  /** Decides a generator's item together with the seed. */
  readonly index: number;
}

/** The items of one task while one set is drawn. */
export interface ItemDrawer {
  /** Items of the same turn that are drawn before the next source takes it. */
  readonly draws: number;
  /** The turns after which everything was tried. */
  readonly turns: number;
  /** Undefined when none is left. */
  draw(at: ItemDraw): TaskItem | undefined;
}

/**
 * Draws of a repeated identity before the next task takes the turn. The smallest short task has only a few
 * dozen identities. A generator's repetition is accepted when no task has another item.
 */
const GENERATOR_DRAWS = 33;

/** Draws from a generator. Its difficulties take turns. */
export function generatorDrawer(
  { task, difficulties }: ChosenGenerator,
  seed: Uint8Array,
  share: Share,
): ItemDrawer {
  return {
    draws: GENERATOR_DRAWS,
    turns: difficulties.length,
    draw({ turn, index }) {
      return task.sample({ seed, index, difficulty: must(difficulties, turn % difficulties.length), share });
    },
  };
}

/**
 * Draws `count` different items, the sources in turn. When all are used up, generators repeat. Without
 * generators the set is smaller then.
 */
export function itemSet(drawers: readonly ItemDrawer[], count: number): readonly TaskItem[] {
  const seen = new Set<string>();
  const items: TaskItem[] = [];
  // After so many turns every source was tried at every difficulty.
  const turns = drawers.length * Math.max(...drawers.map((drawer) => drawer.turns));
  const next = (index: number): TaskItem | undefined => {
    let repeated: TaskItem | undefined;
    for (let skipped = 0; skipped < turns; skipped++) {
      const drawer = must(drawers, (index + skipped) % drawers.length);
      const turn = Math.floor((index + skipped) / drawers.length);
      for (let redraw = 0; redraw < drawer.draws; redraw++) {
        const item = drawer.draw({ turn, index: index + redraw * 0x10000 + skipped * 0x1000000 });
        if (item === undefined) break;
        if (!seen.has(identityOf(item))) return item;
        repeated = item;
      }
    }
    return repeated;
  };
  for (let index = 0; index < count; index++) {
    const item = next(index);
    if (item === undefined) break;
    seen.add(identityOf(item));
    items.push(item);
  }
  return items;
}

function identityOf({ task, identity }: TaskItem): string {
  return `${task}/${identity}`;
}
