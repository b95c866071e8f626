import type { Evidence } from '../../protocol/evidence.ts';
import { HashTree } from '../../protocol/hash-tree.ts';
import { programTree } from './trees.ts';

/**
 * How evidence contradicts its own terms, in a sentence for a log; undefined when it does not. Whoever plays
 * with such evidence can lose a game though the numbers are right.
 */
export function inconsistencyOf(evidence: Evidence): string | undefined {
  const { terms, program, dataRoots, slotNames } = evidence;
  if (terms.steps < 1 || terms.slots < 2) return 'The terms have no steps or no slots.';
  if (program.length !== terms.slots) return 'The program has another number of slots than the terms.';
  if (slotNames.length !== program.length) return 'Not every slot of the program has a name.';
  if (programTree(program).root !== terms.program) return 'The program is not that of the terms.';
  if (dataRoots.length !== terms.steps * terms.dataSlots) {
    return 'There are not as many data roots as the terms say.';
  }
  if (dataRoots.length > 0 && HashTree.over(dataRoots).root !== terms.data) {
    return 'The data are not those of the terms.';
  }
  return undefined;
}
