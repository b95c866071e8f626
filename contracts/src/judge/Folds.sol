// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";
import {Call, Operand, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";

/// @title Operators whose elements are long sums
/// @notice A fold is cut into chunks, and the judge adds up one chunk. A chunk has 64 terms, which are one
/// block, or 16 terms if each term may be in a leaf of its own. The accumulator is +0 at the start of a block
/// and otherwise continues from the previous chunk. In the gradients of keys and values a chunk is the part
/// of one query head, and the accumulator continues from head to head.
library Folds {
    using Operands for Operand;

    uint256 internal constant BLOCK = 64;

    function folds(uint256 op) internal pure returns (bool) {
        return op == Op.MATMUL || op == Op.EMBED_GRAD || op == Op.BIAS_GRAD || op == Op.RMS_GRAD_GAIN
            || op == Op.LOSS_WEIGHTED || op == Op.NORM_SQUARE || op == Op.ATTENTION_GRAD_KV;
    }

    /// @notice The number of terms of one chunk.
    function chunkTerms(uint256 op) internal pure returns (uint256) {
        if (op == Op.ATTENTION_GRAD_KV) return 1;
        return op == Op.EMBED_GRAD ? 16 : BLOCK;
    }

    /// @notice The number of terms of the fold of any element. For embed.grad it is an upper bound, because
    /// the terms depend on the ids.
    function terms(uint256 op, uint32[] memory attributes) internal pure returns (uint256) {
        if (op == Op.ATTENTION_GRAD_KV) return attributes[3] / attributes[4];
        return op == Op.MATMUL ? attributes[2] : attributes[0];
    }

    /// @notice The element, given the accumulator after each chunk.
    function total(uint256 op, uint32[] memory accumulators) internal pure returns (uint256 sum) {
        if (op == Op.NORM_SQUARE) return _tree(accumulators);
        if (op == Op.ATTENTION_GRAD_KV) return accumulators[accumulators.length - 1];
        uint256 perBlock = BLOCK / chunkTerms(op);
        for (uint256 i; i < accumulators.length; ++i) {
            // The accumulator that ends a block is the block's sum.
            if (i % perBlock == perBlock - 1 || i == accumulators.length - 1) {
                sum = F.add(sum, accumulators[i]);
            }
        }
        if (op == Op.LOSS_WEIGHTED) sum = F.neg(sum);
    }

    /// @dev norm.square: adds up 64 sums at a time until one sum is left.
    function _tree(uint32[] memory sums) private pure returns (uint256) {
        uint256 count = sums.length;
        while (count > 1) {
            uint256 next = (count + BLOCK - 1) / BLOCK;
            for (uint256 block_; block_ < next; ++block_) {
                uint256 sum;
                uint256 end = (block_ + 1) * BLOCK < count ? (block_ + 1) * BLOCK : count;
                for (uint256 i = block_ * BLOCK; i < end; ++i) {
                    sum = F.add(sum, sums[i]);
                }
                // A canonical value has 32 bits.
                // forge-lint: disable-next-line(unsafe-typecast)
                sums[block_] = uint32(sum);
            }
            count = next;
        }
        return sums[0];
    }

    /// @notice The accumulator after chunk `chunk` of element `index`, given the accumulator `before` it.
    /// @return accumulator The accumulator after the chunk.
    /// @return chunks The number of chunks of the fold.
    function chunkOf(uint256 op, Call memory call, uint256 index, uint256 chunk, uint256 before)
        internal
        pure
        returns (uint256 accumulator, uint256 chunks)
    {
        if (op == Op.EMBED_GRAD) return _embedGrad(call, index, chunk, before);
        uint256 count = op == Op.MATMUL ? call.attributes[2] : call.attributes[0];
        chunks = (count + BLOCK - 1) / BLOCK;
        uint256 end = (chunk + 1) * BLOCK < count ? (chunk + 1) * BLOCK : count;
        if (op == Op.MATMUL) return (_products(call, index, chunk * BLOCK, end), chunks);
        for (uint256 i = chunk * BLOCK; i < end; ++i) {
            accumulator = F.add(accumulator, _term(op, call, index, i));
        }
    }

    function _term(uint256 op, Call memory call, uint256 index, uint256 i) private pure returns (uint256) {
        Operand[] memory inputs = call.inputs;
        if (op == Op.BIAS_GRAD) return inputs[0].f32(i * call.attributes[1] + index);
        if (op == Op.RMS_GRAD_GAIN) {
            uint256 place = i * call.attributes[1] + index;
            return F.mul(inputs[0].f32(place), F.mul(inputs[1].f32(place), inputs[2].f32(i)));
        }
        if (op == Op.LOSS_WEIGHTED) return F.mul(inputs[0].f32(i), inputs[1].f32(i));
        uint256 x = inputs[0].f32(i);
        return F.mul(x, x);
    }

    /// @dev matmul. Attributes: M, N, K, transposeA, transposeB.
    function _products(Call memory call, uint256 index, uint256 start, uint256 end)
        private
        pure
        returns (uint256)
    {
        uint256 n = call.attributes[1];
        uint256 a = index / n;
        uint256 b = index % n;
        uint256 stepA = 1;
        uint256 stepB = 1;
        if (call.attributes[3] == 1) stepA = call.attributes[0];
        else a *= call.attributes[2];
        if (call.attributes[4] == 1) b *= call.attributes[2];
        else stepB = n;
        return products(
            Walk(call.inputs[0], a + start * stepA, stepA),
            Walk(call.inputs[1], b + start * stepB, stepB),
            end - start
        );
    }

    /// @notice The elements `place`, `place + step`, and so on, of an operand.
    struct Walk {
        Operand operand;
        uint256 place;
        uint256 step;
    }

    /// @notice The sum of `count` products of lattice values, added in order from +0: one block of a lattice
    /// fold.
    function products(Walk memory a, Walk memory b, uint256 count) internal pure returns (uint256 sum) {
        unchecked {
            (Operand memory x, uint256 i, uint256 stepX) = (a.operand, a.place, a.step);
            (Operand memory y, uint256 j, uint256 stepY) = (b.operand, b.place, b.step);
            for (; count > 0; --count) {
                sum = F.add(sum, F.latticeMul(F.lattice(x.word(i)), F.lattice(y.word(j))));
                i += stepX;
                j += stepY;
            }
        }
    }

    /// @dev embed.grad. Attributes: N, V, D. The terms are the rows of dy whose id is the row of the element.
    function _embedGrad(Call memory call, uint256 index, uint256 chunk, uint256 before)
        private
        pure
        returns (uint256 accumulator, uint256 chunks)
    {
        unchecked {
            uint256 size = chunkTerms(Op.EMBED_GRAD);
            uint256 d = call.attributes[2];
            uint256 row = index / d;
            Operand memory ids = call.inputs[0];
            Operand memory dy = call.inputs[1];
            if (chunk % (BLOCK / size) != 0) accumulator = before;
            uint256 found;
            for (uint256 n; n < call.attributes[0]; ++n) {
                if (ids.word(n) != row) continue;
                if (found / size == chunk) accumulator = F.add(accumulator, dy.f32(n * d + index % d));
                ++found;
            }
            chunks = (found + size - 1) / size;
        }
    }
}
