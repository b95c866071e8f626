// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";
import {CanonicalFunctions as G} from "./CanonicalFunctions.sol";
import {Folds} from "./Folds.sol";
import {Call, Operand, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";
import {Philox} from "./Philox.sol";

/// @title Cross entropy, policy objective, gradient clipping, AdamW, sampling and random draws
library Losses {
    using Operands for Operand;

    function element(uint256 op, Call memory call, uint256 output, uint256 i)
        internal
        pure
        returns (uint256)
    {
        Operand[] memory x = call.inputs;
        uint256[] memory a = call.attributes;
        if (op == Op.XENT_LSE) return _lse(_row(x[0], i * a[1], a[1], F.ONE));
        if (op == Op.XENT_LOGPROB) {
            uint256 target = x[2].word(i);
            return F.sub(target < a[1] ? x[0].f32(i * a[1] + target) : 0, x[1].f32(i));
        }
        if (op == Op.XENT_GRAD) {
            uint256 n = i / a[1];
            uint256 p = G.exp(F.sub(x[0].f32(i), x[1].f32(n)));
            return F.mul(x[3].f32(n), x[2].word(n) == i % a[1] ? F.sub(p, F.ONE) : p);
        }
        if (op == Op.POLICY_COEFFICIENT) return _policy(call, i);
        if (op == Op.CLIP_SCALE) return _clipScale(call);
        if (op == Op.ADAMW) return _adamw(call, output, i);
        if (op == Op.SAMPLE) return _sample(call, output, i);
        return Philox.draw(x[0].word(0), x[0].word(1), x[0].word(2), x[0].word(3), i, a[0] == 1);
    }

    function _row(Operand memory x, uint256 start, uint256 count, uint256 factor)
        private
        pure
        returns (uint256[] memory row)
    {
        row = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            row[i] = F.mul(x.f32(start + i), factor);
        }
    }

    function _max(uint256[] memory row) private pure returns (uint256 m) {
        m = row[0];
        for (uint256 i = 1; i < row.length; ++i) {
            if (F.gt(row[i], m)) m = row[i];
        }
    }

    function _sum(uint256[] memory values) private pure returns (uint256 sum) {
        for (uint256 start; start < values.length; start += Folds.BLOCK) {
            uint256 partial_;
            for (uint256 i = start; i < values.length && i < start + Folds.BLOCK; ++i) {
                partial_ = F.add(partial_, values[i]);
            }
            sum = F.add(sum, partial_);
        }
    }

    /// @dev Replaces each x of the row by exp(x - max) and returns the maximum.
    function _exponentials(uint256[] memory row) private pure returns (uint256 m) {
        m = _max(row);
        for (uint256 i; i < row.length; ++i) {
            row[i] = G.exp(F.sub(row[i], m));
        }
    }

    function _lse(uint256[] memory row) private pure returns (uint256) {
        uint256 m = _exponentials(row);
        return F.add(m, G.log(_sum(row)));
    }

    /// @dev policy.coefficient. Attributes: N, clipLow, clipHigh, ratioCap. Inputs: logprob, oldLogprob,
    /// advantage, weight.
    function _policy(Call memory call, uint256 i) private pure returns (uint256) {
        uint256 ratio = G.exp(F.sub(call.inputs[0].f32(i), call.inputs[1].f32(i)));
        uint256 advantage = call.inputs[2].f32(i);
        bool active = F.gt(advantage, 0)
            ? !F.gt(ratio, call.attributes[2])
            : !F.gt(call.attributes[1], ratio) && !F.gt(ratio, call.attributes[3]);
        return active ? F.mul(F.mul(advantage, ratio), call.inputs[3].f32(i)) : 0;
    }

    /// @dev clip.scale. Attributes: count, maxNorm. Inputs: `count` sums.
    function _clipScale(Call memory call) private pure returns (uint256) {
        uint256 total;
        for (uint256 i; i < call.attributes[0]; ++i) {
            total = F.add(total, call.inputs[i].f32(0));
        }
        uint256 n = G.sqrt(total);
        uint256 maxNorm = call.attributes[1];
        return F.gt(n, maxNorm) ? F.mul(maxNorm, G.recip(n)) : F.ONE;
    }

    /// @dev adamw. Attributes: len, beta1, 1 - beta1, beta2, 1 - beta2, eps, weightDecay. Inputs: p, g, m, v,
    /// scale, hyper.
    function _adamw(Call memory call, uint256 output, uint256 i) private pure returns (uint256) {
        Operand[] memory x = call.inputs;
        uint256[] memory a = call.attributes;
        uint256 g = F.mul(x[1].f32(i), x[4].f32(0));
        uint256 m;
        uint256 v;
        if (output != 2) m = F.add(F.mul(a[1], x[2].f32(i)), F.mul(a[2], g));
        if (output == 1) return m;
        v = F.add(F.mul(a[3], x[3].f32(i)), F.mul(a[4], F.mul(g, g)));
        if (output == 2) return v;
        uint256 u = F.mul(F.mul(m, x[5].f32(1)), G.recip(F.add(G.sqrt(F.mul(v, x[5].f32(2))), a[5])));
        uint256 p = x[0].f32(i);
        return F.sub(p, F.mul(x[5].f32(0), F.add(u, F.mul(a[6], p))));
    }

    /// @dev sample. Attributes: N, V, invTemperature, greedy. Inputs: logits, uniform. Outputs: ids, logprob.
    function _sample(Call memory call, uint256 output, uint256 n) private pure returns (uint256) {
        uint256[] memory a = call.attributes;
        uint256[] memory z = _row(call.inputs[0], n * a[1], a[1], a[2]);
        uint256[] memory e = _row(call.inputs[0], n * a[1], a[1], a[2]);
        uint256 m = _exponentials(e);
        uint256 l = _sum(e);
        uint256 id;
        if (a[3] == 1) while (z[id] != m) ++id;
        else id = _drawn(e, F.mul(call.inputs[1].f32(n), l));
        return output == 0 ? id : F.sub(z[id], F.add(m, G.log(l)));
    }

    /// @dev The first index at which the running sum exceeds the threshold, or the last index with a positive
    /// weight if there is none. The running sum is that of the fold: the sum of the blocks before plus the
    /// sum within the block.
    function _drawn(uint256[] memory e, uint256 threshold) private pure returns (uint256 last) {
        uint256 before;
        uint256 within;
        for (uint256 i; i < e.length; ++i) {
            if (i % Folds.BLOCK == 0) (before, within) = (F.add(before, within), 0);
            within = F.add(within, e[i]);
            if (F.gt(F.add(before, within), threshold)) return i;
            if (F.gt(e[i], 0)) last = i;
        }
    }
}
