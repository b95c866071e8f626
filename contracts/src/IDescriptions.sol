// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Published descriptions of runs
/// @notice Claims, jobs and the training record name a run by the hash of its terms. An order names the
/// description of its run by digest. Publishing a description puts its bytes into the chain's log, so that
/// nobody can withhold from an auditor what a claim is about. A reader computes the terms from a description
/// and ignores descriptions that give other terms.
/// @dev Nobody administers this contract, and it stores nothing.
interface IDescriptions {
    /// @notice A description was published.
    /// @param run Hash of the terms that the description gives, as stated by the publisher. The contract
    /// cannot check it.
    /// @param digest sha2-256 of the description.
    event Published(bytes32 indexed run, bytes32 indexed digest, address indexed publisher);
    /// @notice The bytes of a description, in the same transaction. They have a log of their own, so that a
    /// reader can list what was published for a run and fetch only the descriptions it wants.
    event Content(bytes32 indexed digest, bytes description);

    /// @notice The description is empty or longer than `MAX_BYTES`.
    error BadLength(uint256 length);

    /// @notice Longest description, in bytes.
    function MAX_BYTES() external view returns (uint256);

    /// @notice Publishes a description.
    /// @param run Hash of the terms that the description gives.
    /// @param description The description, from 1 to `MAX_BYTES` bytes.
    /// @return digest sha2-256 of the description, as in `about` of an order.
    function publish(bytes32 run, bytes calldata description) external returns (bytes32 digest);
}
