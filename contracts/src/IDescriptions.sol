// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Where to read what a run is
/// @notice A claim, a job and the record name a run by the hash of its terms, and an order names its description by digest. Whoever publishes the
/// description here puts its bytes into the chain's log, so that nobody can withhold from an auditor what a claim is about. The terms
/// follow from the description by computation: a reader computes them and passes over descriptions that do not fit.
/// @dev Nobody administers this contract and it stores nothing.
interface IDescriptions {
    /// @param run Hash of the terms that the publisher says this describes; unchecked, since the chain cannot compute them.
    /// @param digest sha2-256 of the description.
    event Published(
        bytes32 indexed run, bytes32 indexed digest, address indexed publisher, bytes description
    );

    /// @notice The description is empty or longer than `MAX_BYTES`.
    error BadLength(uint256 length);

    /// @notice Longest description, in bytes.
    function MAX_BYTES() external view returns (uint256);

    /// @notice Publishes a description.
    /// @return digest sha2-256 of it; what an order's `about` is.
    function publish(bytes32 run, bytes calldata description) external returns (bytes32 digest);
}
