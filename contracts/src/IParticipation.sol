// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "./IIdentity.sol";

/// @title Who took part in which round, and with what result
/// @notice Rounds follow from block time alone: nobody starts or ends one. In each round a device may state once which
/// checkpoint it holds afterwards and which rollouts it published (an attestation), and vote once for the authors of the
/// best answers. A device without a coin signs, and anybody may post: bad entries of a batch are skipped with a reason and
/// cost the good ones nothing.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade.
/// EIP-712 domain: name "Starling", version "1", this chain, this contract. Types:
/// `Attestation(uint64 round,bytes32 checkpointRoot,bytes32 rolloutDigest)` and `Vote(uint64 round,address[] winners)`.
///
/// A record is a count of what was said, not a proof that it is true: keys are free, so a count by itself must never be paid
/// for. What was attested can be recomputed by anyone and disputed elsewhere.
interface IParticipation {
    /// @notice The stages of a round, in order.
    enum Stage {
        Answer,
        Critique,
        Vote
    }

    /// @notice Why an attestation or a vote does not count.
    /// @param None It counts.
    /// @param BadSignature Not the named device's signature over these values on this chain and contract.
    /// @param NotYet The round has not begun.
    /// @param Closed More than `WINDOW` rounds have passed since.
    /// @param Repeated The device has spoken for this round or a later one.
    /// @param NoAuthority The device's delegation is revoked, has expired or does not cover this.
    /// @param UnknownVoter The voter has never attested.
    /// @param Empty The vote names nobody.
    /// @param TooMany The vote names more than `MAX_WINNERS`.
    /// @param Unordered The winners do not ascend strictly by address: one is named twice or they are not sorted.
    /// @param UnknownWinner A winner has never attested.
    enum Refusal {
        None,
        BadSignature,
        NotYet,
        Closed,
        Repeated,
        NoAuthority,
        UnknownVoter,
        Empty,
        TooMany,
        Unordered,
        UnknownWinner
    }

    /// @notice When rounds are; fixed at deployment.
    /// @param genesis Unix time in seconds at which round 0 began.
    /// @param answerSeconds Length of the answer stage.
    /// @param critiqueSeconds Length of the critique stage.
    /// @param voteSeconds Length of the vote stage.
    /// @param genesisSeed What the rounds' seeds are derived from.
    struct Schedule {
        uint64 genesis;
        uint32 answerSeconds;
        uint32 critiqueSeconds;
        uint32 voteSeconds;
        bytes32 genesisSeed;
    }

    /// @notice One device's statement about the round of the batch it is in.
    /// @param device Address of the device that signed.
    /// @param checkpointRoot Merkle root of the checkpoint after the round.
    /// @param rolloutDigest sha2-256 digest in the CID of the rollouts that the device published.
    /// @param r First half of the signature.
    /// @param vs Second half, with the parity in the highest bit (EIP-2098).
    struct SignedAttestation {
        address device;
        bytes32 checkpointRoot;
        bytes32 rolloutDigest;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice One device's vote in one round.
    /// @param device Address of the device that signed.
    /// @param round The round.
    /// @param winners Authors of the best answers, strictly ascending by address.
    /// @param r First half of the signature.
    /// @param vs Second half, with the parity in the highest bit (EIP-2098).
    struct SignedVote {
        address device;
        uint64 round;
        address[] winners;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice What a device, or all devices of an owner, have done.
    /// @param nextRound First round the device may still attest; zero when it has never attested. For an owner, the highest.
    /// @param nextVote First round the device may still vote in; zero when it has never voted. For an owner, the highest.
    /// @param attestations Rounds attested.
    /// @param votesCast Votes counted.
    /// @param votesReceived How often a vote of another device named this one.
    struct Record {
        uint64 nextRound;
        uint64 nextVote;
        uint64 attestations;
        uint64 votesCast;
        uint64 votesReceived;
    }

    /// @notice A device attested a round.
    event Attested(
        address indexed device, uint64 indexed round, bytes32 checkpointRoot, bytes32 rolloutDigest
    );
    /// @notice A device voted in a round.
    event Voted(address indexed device, uint64 indexed round, address[] winners);
    /// @notice An entry of a batch of attestations was skipped. `device` is the one that the entry names.
    event AttestationSkipped(
        address indexed device, uint64 indexed round, uint256 entry, Refusal indexed reason
    );
    /// @notice An entry of a batch of votes was skipped. `device` is the one that the entry names.
    event VoteSkipped(address indexed device, uint64 indexed round, uint256 entry, Refusal indexed reason);

    /// @notice Somebody committed to attestations of a whole round with one root.
    event RootPosted(uint64 indexed round, bytes32 indexed root, address indexed poster, uint256 size);

    /// @notice Nobody posted this root for this round.
    error NotPosted(uint64 round, bytes32 root);
    /// @notice The caller's own attestation or vote does not count, or nothing in a batch of attestations can.
    error Refused(Refusal reason);
    /// @notice A batch must have between one and `MAX_BATCH` entries.
    error BadBatchSize(uint256 size);
    /// @notice Every stage lasts at least a second and at most a day, and the identity contract must exist.
    error BadDeployment();
    /// @notice The time lies before round 0.
    error BeforeGenesis(uint256 timestamp, uint256 genesis);

    /// @notice How many rounds after its own an attestation or a vote still counts.
    function WINDOW() external view returns (uint64);
    /// @notice Most winners one vote may name.
    function MAX_WINNERS() external view returns (uint256);
    /// @notice Most entries in one batch.
    function MAX_BATCH() external view returns (uint256);
    /// @notice The contract that knows whose devices are whose.
    function identity() external view returns (IIdentity);

    /// @notice When rounds are.
    function schedule() external view returns (Schedule memory);
    /// @notice The round at a Unix time.
    function roundAt(uint256 timestamp) external view returns (uint64);
    /// @notice The stage at a Unix time.
    function stageAt(uint256 timestamp) external view returns (Stage);
    /// @notice The round now.
    function currentRound() external view returns (uint64);
    /// @notice The stage now.
    function currentStage() external view returns (Stage);
    /// @notice What a round's tasks, sampling and choice of peers are drawn from.
    /// @dev keccak256(genesisSeed, round as uint256). A pure function, so that devices go on while no node can be reached;
    /// it is therefore known ahead from the deployment on, and nothing may rest on its being secret.
    function seedOf(uint64 round) external view returns (bytes32);

    /// @notice Attests a round for the caller. Reverts with `Refused` when it does not count.
    function attest(uint64 round, bytes32 checkpointRoot, bytes32 rolloutDigest) external;

    /// @notice Posts what devices signed about one round. Entries that do not count are skipped, each with an event; when the
    /// round itself is not open, the whole call reverts with `Refused`.
    /// @return accepted How many counted.
    function attestBatch(uint64 round, SignedAttestation[] calldata entries)
        external
        returns (uint256 accepted);

    /// @notice Commits to what devices signed about one round, all of it with one root, for the price of one. What is in it can be shown
    /// by `isIncluded`, and counted by `attestFromRoot`, at any time later. Whoever posts a root has to hand out the entries with
    /// their proofs: the chain does not have them. Any number of roots may be posted for a round, so nobody can keep an attestation out.
    /// @param round The round, which has to be open.
    /// @param root Root of the Merkle tree whose leaves are keccak256(abi.encode(SignedAttestation)) and whose nodes are keccak256 of their two
    /// children, the smaller first.
    /// @param size How many entries the poster says there are; for whoever reads the event.
    function postRoot(uint64 round, bytes32 root, uint256 size) external;

    /// @notice Whether a root was posted for a round, while the round was open, and holds this entry, signed by the device it names.
    function isIncluded(
        uint64 round,
        bytes32 root,
        SignedAttestation calldata entry,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Counts attestations out of a posted root, however long ago the round was. Each device's rounds count in ascending order: one
    /// that is older than what the device has attested since is skipped as repeated. Entries that do not count are skipped, each with
    /// an event; one that is not in the root is skipped as badly signed.
    /// @param proofs One for each entry.
    /// @return accepted How many counted.
    function attestFromRoot(
        uint64 round,
        bytes32 root,
        SignedAttestation[] calldata entries,
        bytes32[][] calldata proofs
    ) external returns (uint256 accepted);

    /// @notice When a root was posted for a round, Unix time; zero when it was not.
    function postedAt(uint64 round, bytes32 root) external view returns (uint256);

    /// @notice Votes for the caller. Reverts with `Refused` when it does not count.
    /// @param round The round.
    /// @param winners Authors of the best answers, strictly ascending by address, `MAX_WINNERS` at most. Naming oneself is allowed
    /// and counts for nothing.
    function vote(uint64 round, address[] calldata winners) external;

    /// @notice Posts votes that devices signed. Entries that do not count are skipped, each with an event.
    /// @return accepted How many counted.
    function voteBatch(SignedVote[] calldata entries) external returns (uint256 accepted);

    /// @notice The record of a device.
    function recordOf(address device) external view returns (Record memory);

    /// @notice The records of many devices in one call.
    function recordsOf(address[] calldata devices) external view returns (Record[] memory);

    /// @notice The sum over every device the owner ever bound, with what each did before it was bound. A revoked or expired
    /// device earns nothing more, and what it had earned stays.
    function recordOfOwner(address owner) external view returns (Record memory);
}
