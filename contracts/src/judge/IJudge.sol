// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Leaf, Node} from "./Operands.sol";

/// @title Computes one element of an operator's output
/// @notice Implements docs/repops.md on the EVM, bit for bit. The caller must have checked the leaves against
/// the roots of the inputs. A call reverts with NotOpened if a leaf is missing, and for no value of the
/// inputs: every input has a judgement.
interface IJudge {
    /// @notice There is no such operator, or the call is not for operators of its kind.
    error NoSuchOperator(uint256 op);

    /// @notice Whether an element of this operator is a long sum, which is judged one chunk at a time.
    function folds(uint256 op) external pure returns (bool);

    /// @notice The bits of element `index` of an operator that does not fold.
    function element(Node calldata node, Leaf[] calldata leaves, uint256 index)
        external
        pure
        returns (uint256);

    /// @notice The accumulator after one chunk of an element's fold, and the number of chunks of the fold.
    /// @param before The accumulator after the previous chunk. It has no effect if the chunk begins a block.
    function chunkOf(Node calldata node, Leaf[] calldata leaves, uint256 index, uint256 chunk, uint256 before)
        external
        pure
        returns (uint256 accumulator, uint256 chunks);

    /// @notice The element whose fold has these accumulators, one after each chunk.
    function total(uint256 op, uint32[] calldata accumulators) external pure returns (uint256);

    /// @notice The number of chunks of an element's fold. For embed.grad it is the largest possible number.
    function chunkLimit(Node calldata node) external pure returns (uint256);
}
