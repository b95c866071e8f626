// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Leaf, Node} from "./Operands.sol";

/// @title What one element of an operator's output is
/// @notice docs/repops.md on the EVM, bit for bit. Leaves must have been checked against the roots of the inputs by the caller.
/// Reverts with NotOpened where a leaf is missing, and for no other property of the values: every input has a judgement.
interface IJudge {
    /// @notice No such operator, or not one of that kind.
    error NoSuchOperator(uint256 op);

    /// @notice Whether elements of this operator are long sums, judged one chunk at a time.
    function folds(uint256 op) external pure returns (bool);

    /// @notice The bits of element `index` of an operator that does not fold.
    function element(Node calldata node, Leaf[] calldata leaves, uint256 index)
        external
        pure
        returns (uint256);

    /// @notice The accumulator after one chunk of an element's fold, and how many chunks the fold has.
    /// @param before the accumulator after the chunk before; without effect where the chunk begins a block.
    function chunkOf(Node calldata node, Leaf[] calldata leaves, uint256 index, uint256 chunk, uint256 before)
        external
        pure
        returns (uint256 accumulator, uint256 chunks);

    /// @notice The element whose fold has these accumulators after its chunks.
    function total(uint256 op, uint32[] calldata accumulators) external pure returns (uint256);

    /// @notice Chunks of an element's fold; for embed.grad the most that there can be.
    function chunkLimit(Node calldata node) external pure returns (uint256);
}
