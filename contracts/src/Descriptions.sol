// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDescriptions} from "./IDescriptions.sol";

/// @title Descriptions
/// @notice Implements IDescriptions, which documents every function.
contract Descriptions is IDescriptions {
    /// @inheritdoc IDescriptions
    uint256 public constant MAX_BYTES = 16_384;

    /// @inheritdoc IDescriptions
    function publish(bytes32 run, bytes calldata description) external returns (bytes32 digest) {
        if (description.length == 0 || description.length > MAX_BYTES) revert BadLength(description.length);
        digest = sha256(description);
        emit Published(run, digest, msg.sender);
        emit Content(digest, description);
    }
}
