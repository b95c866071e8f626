// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Swarms that anybody opens
/// @notice A swarm is a group of devices that train on the same tasks. Its specification says which model,
/// tasks and settings (docs/swarms.md). Whoever opens a swarm publishes the specification in the chain's log,
/// so that nobody can withhold it, and fixes the schedule of its rounds. Rounds follow from block time alone:
/// nobody starts or ends a round, and nobody can close or change a swarm.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade. It does not read a specification,
/// so a reader compares the schedule and the starter in it with what stands here.
interface ISwarms {
    /// @notice The stages of a round, in order.
    enum Stage {
        Answer,
        Critique,
        Vote
    }

    /// @notice A swarm, as it was opened.
    /// @param genesis Unix time in seconds at which round 0 began: the time of the opening.
    /// @param openedIn Number of the block whose log has the specification.
    /// @param answerSeconds Length of the answer stage.
    /// @param critiqueSeconds Length of the critique stage.
    /// @param voteSeconds Length of the vote stage.
    /// @param genesisSeed The value from which the seeds of the rounds are derived.
    /// @param digest sha2-256 of the specification, as in its CID.
    /// @param starter The account that opened the swarm. It has no power over it.
    struct Swarm {
        uint64 genesis;
        uint64 openedIn;
        uint32 answerSeconds;
        uint32 critiqueSeconds;
        uint32 voteSeconds;
        bytes32 genesisSeed;
        bytes32 digest;
        address starter;
    }

    /// @notice A swarm was opened.
    event Opened(uint64 indexed swarm, bytes32 indexed digest, address indexed starter);
    /// @notice The bytes of a swarm's specification, in the same transaction. They have a log of their own,
    /// so that a reader can list swarms and fetch only the specifications that it wants.
    event Specified(uint64 indexed swarm, bytes spec);

    /// @notice The specification is empty or longer than `MAX_BYTES`.
    error BadLength(uint256 length);
    /// @notice A stage is shorter than a second or longer than a day.
    error BadStages();
    /// @notice No swarm of this number was opened.
    error NoSwarm(uint64 swarm);
    /// @notice The time lies before round 0.
    error BeforeGenesis(uint256 timestamp, uint256 genesis);

    /// @notice Longest specification, in bytes.
    function MAX_BYTES() external view returns (uint256);

    /// @notice Opens a swarm. Its round 0 begins with this block.
    /// @param spec The specification, from 1 to `MAX_BYTES` bytes.
    /// @param answerSeconds Length of the answer stage, 1 second to 1 day, as in the specification.
    /// @param critiqueSeconds Length of the critique stage, in the same way.
    /// @param voteSeconds Length of the vote stage, in the same way.
    /// @return swarm Number of the swarm: 0 for the first, then one more for each.
    function open(bytes calldata spec, uint32 answerSeconds, uint32 critiqueSeconds, uint32 voteSeconds)
        external
        returns (uint64 swarm);

    /// @notice How many swarms were opened.
    function count() external view returns (uint64);

    /// @notice A swarm. Reverts with `NoSwarm`.
    function swarmOf(uint64 swarm) external view returns (Swarm memory);

    /// @notice Up to `most` swarms from number `from` on; fewer where there are no more.
    function swarmsFrom(uint64 from, uint64 most) external view returns (Swarm[] memory);

    /// @notice The round of a swarm at a Unix time.
    function roundAt(uint64 swarm, uint256 timestamp) external view returns (uint64);
    /// @notice The stage of a swarm at a Unix time.
    function stageAt(uint64 swarm, uint256 timestamp) external view returns (Stage);
    /// @notice The round of a swarm now. Reverts with `NoSwarm`.
    function currentRound(uint64 swarm) external view returns (uint64);
    /// @notice The stage of a swarm now.
    function currentStage(uint64 swarm) external view returns (Stage);

    /// @notice The seed from which the tasks, the sampling and the choice of peers of a round are drawn.
    /// @dev keccak256(genesisSeed, round as uint256). Devices compute it themselves, so they can continue
    /// without a node. Every seed is known from the opening on, and whoever opens a swarm can choose the
    /// block, so nothing may depend on a seed's being secret or fair.
    function seedOf(uint64 swarm, uint64 round) external view returns (bytes32);
}
