import type { ContractFunctionArgs } from 'viem';
import type { disputesAbi } from '../../generated/abi.ts';
import type { Move } from '../port.ts';

type Name = Move['kind'];

/** A call of the Disputes contract. */
export interface MoveCall {
  readonly functionName: Name;
  readonly args: readonly unknown[];
  readonly value: bigint;
}

type Args<N extends Name> = ContractFunctionArgs<typeof disputesAbi, 'payable' | 'nonpayable', N>;

function call<N extends Name>(functionName: N, args: Args<N>, value = 0n): MoveCall {
  return { functionName, args: args as readonly unknown[], value };
}

/** The call that makes a move. Names are the contract's; only the order of the arguments is added. */
export function callOf(move: Move): MoveCall {
  switch (move.kind) {
    case 'claim':
      return call('claim', [move.terms, move.root], move.bond);
    case 'challenge':
      return call('challenge', [BigInt(move.claim), move.terms], move.bond);
    case 'settle':
      return call('settle', [BigInt(move.claim)]);
    case 'withdraw':
      return call('withdraw', []);
    case 'reveal':
      return call('reveal', [BigInt(move.game), move.nodes]);
    case 'pick':
      return call('pick', [BigInt(move.game), BigInt(move.index), move.nodes]);
    case 'openStep': {
      const { game, terms, after, before, beforeProof, trace, lastProof } = move;
      return call('openStep', [BigInt(game), terms, after, before, beforeProof, trace, lastProof]);
    }
    case 'openSlot': {
      const { game, terms, slot, slotProof, tensor, inputs } = move;
      return call('openSlot', [BigInt(game), terms, slot, slotProof, tensor, inputs]);
    }
    case 'openLeaf':
      return call('openLeaf', [BigInt(move.game), move.data]);
    case 'pickElement':
      return call('pickElement', [BigInt(move.game), move.slot, move.offset, move.data]);
    case 'postFold':
      return call('postFold', [BigInt(move.game), move.slot, move.accumulators]);
    case 'pickChunk':
      return call('pickChunk', [BigInt(move.game), move.chunk, move.accumulators]);
    case 'judge': {
      const openings = move.openings.map(({ input, leaf, data, proof }) => ({
        leaf: { input, index: leaf, data },
        proof,
      }));
      return call('judge', [BigInt(move.game), move.terms, move.slot, move.inputs, openings]);
    }
    case 'timeout':
      return call('timeout', [BigInt(move.game)]);
    case 'release':
      return call('release', [BigInt(move.game)]);
  }
}
