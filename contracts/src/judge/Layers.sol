// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";
import {CanonicalFunctions as G} from "./CanonicalFunctions.sol";
import {Folds} from "./Folds.sol";
import {Call, Operand, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";

/// @title Embedding, additions, RMSNorm, rotary embedding, SwiGLU and cache writes
library Layers {
    using Operands for Operand;

    function element(uint256 op, Call memory call, uint256 output, uint256 i)
        internal
        pure
        returns (uint256)
    {
        Operand[] memory x = call.inputs;
        if (op == Op.EMBED) {
            uint256 d = call.attributes[2];
            return x[1].f32(x[0].word(i / d) * d + i % d);
        }
        if (op == Op.BIAS_ADD) return F.add(x[0].f32(i), x[1].f32(i % call.attributes[1]));
        if (op == Op.ADD) return F.add(x[0].f32(i), x[1].f32(i));
        if (op == Op.RMS_RSTD) return _rstd(call, i);
        if (op == Op.RMS_APPLY) {
            uint256 d = call.attributes[1];
            return F.mul(F.mul(x[0].f32(i), x[1].f32(i / d)), x[2].f32(i % d));
        }
        if (op == Op.RMS_GRAD_X) return _rmsGradX(call, i);
        if (op == Op.ROPE) return _rope(call, i);
        if (op == Op.SWIGLU) {
            uint256 gate = x[0].f32(i);
            return F.mul(F.mul(gate, G.sigmoid(gate)), x[1].f32(i));
        }
        if (op == Op.SWIGLU_GRAD) return _swigluGrad(x, output, i);
        return _cacheWrite(call, i);
    }

    /// @dev rms.rstd. Attributes: N, D, invD, eps.
    function _rstd(Call memory call, uint256 row) private pure returns (uint256) {
        uint256 d = call.attributes[1];
        uint256 sum;
        for (uint256 start; start < d; start += Folds.BLOCK) {
            uint256 partial_;
            for (uint256 i = start; i < d && i < start + Folds.BLOCK; ++i) {
                uint256 x = call.inputs[0].f32(row * d + i);
                partial_ = F.add(partial_, F.mul(x, x));
            }
            sum = F.add(sum, partial_);
        }
        return G.rsqrt(F.add(F.mul(sum, call.attributes[2]), call.attributes[3]));
    }

    /// @dev rms.grad.x. Attributes: N, D, invD. Inputs: dy, x, rstd, gain.
    function _rmsGradX(Call memory call, uint256 place) private pure returns (uint256) {
        uint256 d = call.attributes[1];
        uint256 row = place - place % d;
        Operand[] memory x = call.inputs;
        uint256 r = x[2].f32(place / d);
        uint256 sum;
        for (uint256 start; start < d; start += Folds.BLOCK) {
            uint256 partial_;
            for (uint256 i = start; i < d && i < start + Folds.BLOCK; ++i) {
                uint256 t = F.mul(x[0].f32(row + i), x[3].f32(i));
                partial_ = F.add(partial_, F.mul(t, x[1].f32(row + i)));
            }
            sum = F.add(sum, partial_);
        }
        uint256 c = F.mul(F.mul(sum, F.mul(r, F.mul(r, r))), call.attributes[2]);
        uint256 own = F.mul(x[0].f32(place), x[3].f32(place % d));
        return F.sub(F.mul(own, r), F.mul(x[1].f32(place), c));
    }

    /// @dev rope. Attributes: N, heads, headDim, P, inverse. Inputs: x, positions, cos, sin.
    function _rope(Call memory call, uint256 place) private pure returns (uint256) {
        uint256 half = call.attributes[2] / 2;
        uint256 i = place % (2 * half);
        uint256 entry = call.inputs[1].word(place / (call.attributes[1] * 2 * half)) * half + i % half;
        uint256 c = call.inputs[2].f32(entry);
        uint256 s = call.inputs[3].f32(entry);
        if (call.attributes[4] == 1) s = F.neg(s);
        Operand memory x = call.inputs[0];
        if (i < half) return F.sub(F.mul(x.f32(place), c), F.mul(x.f32(place + half), s));
        return F.add(F.mul(x.f32(place), c), F.mul(x.f32(place - half), s));
    }

    /// @dev swiglu.grad. Inputs: dy, gate, up. Outputs: dgate, dup.
    function _swigluGrad(Operand[] memory x, uint256 output, uint256 i) private pure returns (uint256) {
        uint256 dy = x[0].f32(i);
        uint256 gate = x[1].f32(i);
        uint256 s = G.sigmoid(gate);
        uint256 silu = F.mul(gate, s);
        if (output == 1) return F.mul(dy, silu);
        return F.mul(F.mul(dy, x[2].f32(i)), F.add(s, F.mul(silu, F.sub(F.ONE, s))));
    }

    /// @dev cache.write. Attributes: B, Tk, D. Inputs: cache, x, positions.
    function _cacheWrite(Call memory call, uint256 place) private pure returns (uint256) {
        uint256 d = call.attributes[2];
        uint256 b = place / d / call.attributes[1];
        if (call.inputs[2].word(b) == place / d % call.attributes[1]) {
            return call.inputs[1].f32(b * d + place % d);
        }
        return call.inputs[0].f32(place);
    }
}
