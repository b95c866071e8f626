// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice The numbers of the operators, which compute/repops/operators.ts gives too. Only the judge computes
/// random draws as an operator.
library Operators {
    uint256 internal constant EMBED = 0;
    uint256 internal constant EMBED_GRAD = 1;
    uint256 internal constant MATMUL = 2;
    uint256 internal constant BIAS_ADD = 3;
    uint256 internal constant BIAS_GRAD = 4;
    uint256 internal constant ADD = 5;
    uint256 internal constant RMS_RSTD = 6;
    uint256 internal constant RMS_APPLY = 7;
    uint256 internal constant RMS_GRAD_X = 8;
    uint256 internal constant RMS_GRAD_GAIN = 9;
    uint256 internal constant ROPE = 10;
    uint256 internal constant SWIGLU = 11;
    uint256 internal constant SWIGLU_GRAD = 12;
    uint256 internal constant ATTENTION = 13;
    uint256 internal constant ATTENTION_DELTA = 14;
    uint256 internal constant ATTENTION_GRAD_Q = 15;
    uint256 internal constant ATTENTION_GRAD_KV = 16;
    uint256 internal constant CACHE_WRITE = 17;
    uint256 internal constant XENT_LSE = 18;
    uint256 internal constant XENT_LOGPROB = 19;
    uint256 internal constant XENT_GRAD = 20;
    uint256 internal constant POLICY_COEFFICIENT = 21;
    uint256 internal constant LOSS_WEIGHTED = 22;
    uint256 internal constant NORM_SQUARE = 23;
    uint256 internal constant CLIP_SCALE = 24;
    uint256 internal constant ADAMW = 25;
    uint256 internal constant SAMPLE = 26;
    /// Draws of Philox4x32-10. Attribute: 1 for uniforms, 0 for words. Input u32[4]: key 0, key 1, item,
    /// sample. Element i is the draw at position i.
    uint256 internal constant DRAW = 27;
    uint256 internal constant ADD_SCALED = 28;
    uint256 internal constant ROUND_BF16 = 29;
    uint256 internal constant QUANT_INT8 = 30;
    uint256 internal constant DEQUANT_INT8 = 31;
}
