// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";
import {CanonicalFunctions as G} from "./CanonicalFunctions.sol";
import {Folds} from "./Folds.sol";
import {Call, Operand, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";

/// @title Causal grouped-query attention, forward and backward
/// @dev Attributes: B, Tq, Tk, heads, kvHeads, headDim, scale. Inputs: q, k, v, positions; backward also
/// stats, dout, delta.
library Attention {
    using Operands for Operand;

    /// @dev One row and head of the queries, and the key/value head that it reads.
    struct Row {
        Call call;
        uint256 b;
        uint256 row;
        uint256 head;
        uint256 kvHead;
        /// Number of keys that the row attends to.
        uint256 keys;
    }

    function element(uint256 op, Call memory call, uint256 output, uint256 i)
        internal
        pure
        returns (uint256)
    {
        if (op == Op.ATTENTION_DELTA) return _delta(call, i);
        uint256 heads = call.attributes[3];
        uint256 width = op == Op.ATTENTION && output == 1 ? 2 : call.attributes[5];
        Row memory place = _row(call, i / width / heads, i / width % heads);
        if (op == Op.ATTENTION_GRAD_Q) return _gradQ(place, i % width);
        return _forward(place, output, i % width);
    }

    function _row(Call memory call, uint256 row, uint256 head) private pure returns (Row memory place) {
        place.call = call;
        place.b = row / call.attributes[1];
        place.row = row;
        place.head = head;
        place.kvHead = head / (call.attributes[3] / call.attributes[4]);
        uint256 position = call.inputs[3].word(row);
        uint256 last = call.attributes[2] - 1;
        place.keys = (position < last ? position : last) + 1;
    }

    function _forward(Row memory place, uint256 output, uint256 d) private pure returns (uint256) {
        uint256[] memory p = new uint256[](place.keys);
        uint256 m;
        for (uint256 j; j < place.keys; ++j) {
            p[j] = _score(place, j);
            if (j == 0 || F.gt(p[j], m)) m = p[j];
        }
        if (output == 1 && d == 0) return m;
        for (uint256 j; j < place.keys; ++j) {
            p[j] = G.exp(F.sub(p[j], m));
        }
        uint256 r = G.recip(_sum(p));
        if (output == 1) return r;
        return F.mul(_weighted(p, place.call.inputs[2], _keyAt(place, 0) + d, _keyStep(place)), r);
    }

    function _gradQ(Row memory place, uint256 d) private pure returns (uint256) {
        uint256[] memory dS = new uint256[](place.keys);
        for (uint256 j; j < place.keys; ++j) {
            (, dS[j]) = _gradient(place, j, true);
        }
        uint256 sum = _weighted(dS, place.call.inputs[1], _keyAt(place, 0) + d, _keyStep(place));
        return F.mul(sum, place.call.attributes[6]);
    }

    /// @notice The sum of dk (output 0) or dv (output 1) after the part of query head number `chunk` of the
    /// group.
    function chunkOf(Call memory call, uint256 output, uint256 i, uint256 chunk, uint256 before)
        internal
        pure
        returns (uint256, uint256 chunks)
    {
        chunks = call.attributes[3] / call.attributes[4];
        if (chunk >= chunks) return (before, chunks);
        uint256 head = i / call.attributes[5] % call.attributes[4] * chunks + chunk;
        uint256 part = _keyHead(call, output, i, head);
        if (output == 0) part = F.mul(part, call.attributes[6]);
        return (F.add(before, part), chunks);
    }

    /// @dev The part of one query head. A masked row keeps its place in the fold, with weight +0.
    function _keyHead(Call memory call, uint256 output, uint256 i, uint256 head)
        private
        pure
        returns (uint256)
    {
        uint256 width = call.attributes[5];
        uint256 key = i / width / call.attributes[4];
        uint256 start = key / call.attributes[2] * call.attributes[1];
        uint256[] memory weights = new uint256[](call.attributes[1]);
        for (uint256 t; t < weights.length; ++t) {
            Row memory place = _row(call, start + t, head);
            if (key % call.attributes[2] >= place.keys) continue;
            (uint256 p, uint256 dS) = _gradient(place, key % call.attributes[2], output == 0);
            weights[t] = output == 0 ? dS : p;
        }
        uint256 step = call.attributes[3] * width;
        return
            _weighted(
                weights, call.inputs[output == 0 ? 0 : 5], start * step + head * width + i % width, step
            );
    }

    /// @dev P of one row and key, and dS if `both` is set.
    function _gradient(Row memory place, uint256 j, bool both) private pure returns (uint256 p, uint256 dS) {
        Call memory call = place.call;
        uint256 stat = place.row * call.attributes[3] + place.head;
        p = F.mul(
            G.exp(F.sub(_score(place, j), call.inputs[4].f32(2 * stat))), call.inputs[4].f32(2 * stat + 1)
        );
        if (both) {
            uint256 dP = _dot(call, call.inputs[5], _queryAt(place), call.inputs[2], _keyAt(place, j));
            dS = F.mul(p, F.sub(dP, call.inputs[6].f32(stat)));
        }
    }

    function _score(Row memory place, uint256 j) private pure returns (uint256) {
        Call memory call = place.call;
        return F.mul(
            _dot(call, call.inputs[0], _queryAt(place), call.inputs[1], _keyAt(place, j)), call.attributes[6]
        );
    }

    function _queryAt(Row memory place) private pure returns (uint256) {
        return (place.row * place.call.attributes[3] + place.head) * place.call.attributes[5];
    }

    function _keyAt(Row memory place, uint256 j) private pure returns (uint256) {
        uint256[] memory attributes = place.call.attributes;
        return ((place.b * attributes[2] + j) * attributes[4] + place.kvHead) * attributes[5];
    }

    function _keyStep(Row memory place) private pure returns (uint256) {
        return place.call.attributes[4] * place.call.attributes[5];
    }

    /// @dev The lattice fold over the dimension of a head.
    function _dot(Call memory call, Operand memory x, uint256 i, Operand memory y, uint256 j)
        private
        pure
        returns (uint256 sum)
    {
        uint256 count = call.attributes[5];
        Folds.Walk memory a = Folds.Walk(x, i, 1);
        Folds.Walk memory b = Folds.Walk(y, j, 1);
        while (count > 0) {
            uint256 terms = count < Folds.BLOCK ? count : Folds.BLOCK;
            sum = F.add(sum, Folds.products(a, b, terms));
            a.place += terms;
            b.place += terms;
            count -= terms;
        }
    }

    /// @dev The lattice fold of weights with every `step`-th element of an operand, from `place` on.
    function _weighted(uint256[] memory weights, Operand memory x, uint256 place, uint256 step)
        private
        pure
        returns (uint256 sum)
    {
        unchecked {
            uint256 partial_;
            for (uint256 i; i < weights.length; ++i) {
                // A weight of +0 adds +0 for any element, so masked rows need not be opened.
                if (weights[i] != 0) {
                    partial_ = F.add(
                        partial_, F.latticeMul(F.lattice(weights[i]), F.lattice(x.word(place + i * step)))
                    );
                }
                if (i % Folds.BLOCK == Folds.BLOCK - 1 || i == weights.length - 1) {
                    sum = F.add(sum, partial_);
                    partial_ = 0;
                }
            }
        }
    }

    function _sum(uint256[] memory values) private pure returns (uint256 sum) {
        unchecked {
            uint256 partial_;
            for (uint256 i; i < values.length; ++i) {
                partial_ = F.add(partial_, values[i]);
                if (i % Folds.BLOCK == Folds.BLOCK - 1 || i == values.length - 1) {
                    sum = F.add(sum, partial_);
                    partial_ = 0;
                }
            }
        }
    }

    /// @dev Attributes: N, heads, headDim. Inputs: dout, o.
    function _delta(Call memory call, uint256 i) private pure returns (uint256) {
        uint256 width = call.attributes[2];
        uint256[] memory terms = new uint256[](width);
        for (uint256 d; d < width; ++d) {
            terms[d] = F.mul(call.inputs[0].f32(i * width + d), call.inputs[1].f32(i * width + d));
        }
        return _sum(terms);
    }
}
