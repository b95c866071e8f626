import { hexToBytes } from 'viem';
import type { Evidence, EvidenceOptions } from '../../../protocol/evidence.ts';
import { frontier, HashTree, rootOfFrontier, type Subtree } from '../../../protocol/hash-tree.ts';
import { type GameEvent, type GameMove, type GameView, LEVELS_A_MOVE } from '../port.ts';
import { claimTree, tensorLeaf, tensorTree } from '../trees.ts';
import { claimantTrace } from './claimant-trace.ts';
import { type Decision, forcedMove } from './decision.ts';
import { judgeMove, slotAt } from './judge-move.ts';

/**
 * The challenger's next move: it names the first thing that the claimant showed and that differs from its own
 * computation. The decision depends on the chain and the evidence only. Rejects as the evidence does, and
 * with InconsistentViewError.
 */
export async function challengerDecision(
  view: GameView,
  evidence: Evidence,
  options: EvidenceOptions = {},
): Promise<Decision> {
  const common = forcedMove(view, 'challenger');
  if (common !== undefined) return common;
  const move = await reply(view, evidence, options);
  if (move !== undefined) return { kind: 'move', move };
  return { kind: 'stuck', why: 'Everything shown is what this side computed too.' };
}

/** Undefined when nothing that was shown differs. */
async function reply(
  view: GameView,
  evidence: Evidence,
  options: EvidenceOptions,
): Promise<GameMove | undefined> {
  const { game, events } = view;
  const id = { game: game.game };
  switch (game.phase) {
    case 'steps':
    case 'slots':
    case 'leaves': {
      const nodes = lastShown(events, 'revealed').nodes;
      // The events are of another block than the game's state. The next look reads both from one block.
      if (rootOfFrontier(nodes, game.size, LEVELS_A_MOVE) !== game.node) throw new InconsistentViewError();
      const own = frontier(game, LEVELS_A_MOVE, await ownTree(view, evidence, options));
      const index = firstDifference(nodes, own);
      return index === undefined ? undefined : { kind: 'pick', ...id, index, nodes };
    }
    case 'element': {
      const { data } = lastShown(events, 'leaf-opened');
      const trace = await evidence.trace(game.step, options);
      const own = tensorLeaf(await trace.tensor(game.slot), game.first);
      const offset = firstDifference(wordsOf(hexToBytes(data)), wordsOf(own));
      if (offset === undefined) return undefined;
      return { kind: 'pickElement', ...id, slot: slotAt(evidence, game.slot), offset, data };
    }
    case 'chunk': {
      const { accumulators } = lastShown(events, 'fold-posted');
      const trace = await evidence.trace(game.step, options);
      const own = await trace.accumulators(game.slot, game.element);
      return { kind: 'pickChunk', ...id, chunk: chunkToJudge(accumulators, own), accumulators };
    }
    case 'judge': {
      const trace = await evidence.trace(game.step, options);
      const subtree = claimantTrace({ events, own: HashTree.over(trace.roots), slot: game.slot });
      const slot = slotAt(evidence, game.slot);
      return judgeMove({ evidence, trace, game, events, slot, subtree });
    }
    default:
      throw new RangeError(`A challenger has no move in the phase “${game.phase}”.`);
  }
}

async function ownTree({ game }: GameView, evidence: Evidence, options: EvidenceOptions): Promise<Subtree> {
  if (game.phase === 'steps') return claimTree(await evidence.stepRoots(options)).subtree;
  const trace = await evidence.trace(game.step, options);
  if (game.phase === 'slots') return HashTree.over(trace.roots).subtree;
  return tensorTree(await trace.tensor(game.slot)).subtree;
}

/**
 * The first chunk whose accumulator differs. Where only the number of chunks differs, the last chunk that
 * both sides have: the judge counts the chunks whichever one it is given.
 */
function chunkToJudge(shown: readonly number[], own: readonly number[]): number {
  const common = Math.min(shown.length, own.length);
  for (let chunk = 0; chunk < common; chunk++) if (shown[chunk] !== own[chunk]) return chunk;
  return Math.max(0, common - 1);
}

function firstDifference<T>(shown: readonly T[], own: readonly T[]): number | undefined {
  const index = shown.findIndex((each, i) => each !== own[i]);
  return index === -1 ? undefined : index;
}

function wordsOf(data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

/** The game and its events were read from different blocks. Look again. */
export class InconsistentViewError extends Error {
  override readonly name = 'InconsistentViewError';

  constructor() {
    super('The game and its events were read from different blocks. Look again.');
  }
}

function lastShown<K extends GameEvent['kind']>(
  events: readonly GameEvent[],
  kind: K,
): Extract<GameEvent, { kind: K }> {
  const found = events.findLast((event): event is Extract<GameEvent, { kind: K }> => event.kind === kind);
  if (found === undefined) throw new InconsistentViewError();
  return found;
}
