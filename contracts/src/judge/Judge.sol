// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Attention} from "./Attention.sol";
import {Boundaries} from "./Boundaries.sol";
import {Folds} from "./Folds.sol";
import {IJudge} from "./IJudge.sol";
import {Layers} from "./Layers.sol";
import {Losses} from "./Losses.sol";
import {Call, Leaf, Node, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";

/// @title Judge
/// @notice Implements IJudge, which documents every function. It has no state, no owner and no upgrade.
contract Judge is IJudge {
    /// @inheritdoc IJudge
    function folds(uint256 op) external pure returns (bool) {
        return Folds.folds(op);
    }

    /// @inheritdoc IJudge
    function element(Node calldata node, Leaf[] calldata leaves, uint256 index)
        external
        pure
        returns (uint256)
    {
        uint256 op = node.op;
        if (op > Op.DEQUANT_INT8 || Folds.folds(op)) revert NoSuchOperator(op);
        Call memory call = Operands.load(node, leaves);
        if (op > Op.DRAW) return Boundaries.element(op, call, node.output, index);
        if (op >= Op.XENT_LSE) return Losses.element(op, call, node.output, index);
        if (op >= Op.ATTENTION && op <= Op.ATTENTION_GRAD_Q) {
            return Attention.element(op, call, node.output, index);
        }
        return Layers.element(op, call, node.output, index);
    }

    /// @inheritdoc IJudge
    function chunkOf(Node calldata node, Leaf[] calldata leaves, uint256 index, uint256 chunk, uint256 before)
        external
        pure
        returns (uint256, uint256)
    {
        if (!Folds.folds(node.op)) revert NoSuchOperator(node.op);
        Call memory call = Operands.load(node, leaves);
        if (node.op == Op.ATTENTION_GRAD_KV) {
            return Attention.chunkOf(call, node.output, index, chunk, before);
        }
        return Folds.chunkOf(node.op, call, index, chunk, before);
    }

    /// @inheritdoc IJudge
    function total(uint256 op, uint32[] calldata accumulators) external pure returns (uint256) {
        if (!Folds.folds(op)) revert NoSuchOperator(op);
        return accumulators.length == 0 ? 0 : Folds.total(op, accumulators);
    }

    /// @inheritdoc IJudge
    function chunkLimit(Node calldata node) external pure returns (uint256) {
        if (!Folds.folds(node.op)) revert NoSuchOperator(node.op);
        uint256 size = Folds.chunkTerms(node.op);
        return (Folds.terms(node.op, node.attributes) + size - 1) / size;
    }
}
