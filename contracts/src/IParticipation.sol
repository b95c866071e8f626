// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "./IIdentity.sol";
import {ISwarms} from "./ISwarms.sol";

/// @title Attestations and votes of devices, swarm by swarm and round by round
/// @notice Anybody opens a swarm in ISwarms, and the rounds of each follow from block time alone: nobody
/// starts or ends a round. In each round a device may attest once which checkpoint it holds afterwards and
/// which rollouts it published, and may vote once for the authors of the best answers. Swarms do not mix: a
/// signature is for one swarm, and so is every record and every batch. A device may take part in many. A
/// device needs no coin: it signs, and anyone may post its signatures in batches. Bad entries of a batch are
/// skipped with a reason and do not affect the others.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade. EIP-712 domain: name "Starling",
/// version "1", this chain, this contract. Types: `Attestation(uint64 swarm,uint64 round,bytes32
/// checkpointRoot,bytes32 rolloutDigest)` and `Vote(uint64 swarm,uint64 round,address[] winners)`. Every
/// function that reads the schedule of a swarm reverts with `ISwarms.NoSwarm` where there is none.
///
/// Statements count in any order: a later round never takes the place of an earlier one that is still open.
/// Of one device's statements for one round at most one counts: the first that is posted. A device that
/// signed contradicting attestations for a round could put all of them under roots and have one counted
/// later, when it knows which was right. Therefore whoever has two of them can take the round from the device
/// for good (`contradict`), which makes what a device told its peers in the round binding. What it showed to
/// nobody binds it to nothing: a count from a root says that the root was posted in time, not that the device
/// signed nothing else.
///
/// A record counts what devices stated. It does not prove that the statements are true. Keys are free, so
/// nothing may be paid for a count alone. Anyone can recompute what was attested and dispute it elsewhere.
interface IParticipation {
    /// @notice Why an attestation or a vote does not count.
    /// @param None It counts.
    /// @param BadSignature The named device did not sign these values for this swarm, chain and contract.
    /// @param NotYet The round has not begun.
    /// @param Closed More than `WINDOW` rounds have passed since the round.
    /// @param Repeated The device has attested, or voted in, this round, or contradicted itself about it.
    /// @param NoAuthority The device's delegation is revoked, has expired or lacks the scope.
    /// @param UnknownVoter The voter has never attested in this swarm.
    /// @param Empty The vote names nobody.
    /// @param TooMany The vote names more than `MAX_WINNERS`.
    /// @param Unordered The winners are not in strictly ascending order of address: unsorted, or one is named
    /// twice.
    /// @param UnknownWinner A winner has never attested in this swarm.
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

    /// @notice A device's attestation of the swarm and round of the batch that contains it.
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

    /// @notice One device's vote in one round of the swarm of the batch that contains it.
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

    /// @notice The record of a device, or of all devices of an owner, in one swarm.
    /// @param nextRound One more than the latest round that the device attested; zero if it never has.
    /// Earlier rounds can still count, and a round that it lost is included. For an owner, the highest.
    /// @param nextVote One more than the latest round that the device voted in; zero if it never has. For an
    /// owner, the highest.
    /// @param attestations Rounds attested.
    /// @param votesCast Votes counted.
    /// @param votesReceived How many votes of other devices named this one.
    struct Record {
        uint64 nextRound;
        uint64 nextVote;
        uint64 attestations;
        uint64 votesCast;
        uint64 votesReceived;
    }

    /// @notice A device attested a round.
    event Attested(
        uint64 indexed swarm,
        address indexed device,
        uint64 round,
        bytes32 checkpointRoot,
        bytes32 rolloutDigest
    );
    /// @notice A device voted in a round.
    event Voted(uint64 indexed swarm, address indexed device, uint64 indexed round, address[] winners);
    /// @notice An entry of a batch of attestations was skipped. `device` is the device that the entry names.
    event AttestationSkipped(
        uint64 indexed swarm, address indexed device, uint64 indexed round, uint256 entry, Refusal reason
    );
    /// @notice An entry of a batch of votes was skipped. `device` is the device that the entry names.
    event VoteSkipped(
        uint64 indexed swarm, address indexed device, uint64 indexed round, uint256 entry, Refusal reason
    );

    /// @notice The device signed contradicting attestations for the round, which counts no more for it.
    event Contradicted(uint64 indexed swarm, address indexed device, uint64 indexed round);
    /// @notice The poster committed to attestations of a round with one Merkle root.
    event RootPosted(
        uint64 indexed swarm, uint64 indexed round, bytes32 indexed root, address poster, uint256 size
    );

    /// @notice Nobody posted this root for this round.
    error NotPosted(uint64 swarm, uint64 round, bytes32 root);
    /// @notice The caller's attestation or vote does not count, or the round of a batch is not open.
    error Refused(Refusal reason);
    /// @notice The two attestations are not of one device, say the same, or are not both signed by it.
    error NoContradiction();
    /// @notice The device has lost this round already.
    error AlreadyContradicted(uint64 swarm, address device, uint64 round);
    /// @notice A batch must have between one and `MAX_BATCH` entries.
    error BadBatchSize(uint256 size);
    /// @notice There is no contract at the address of the identities or of the swarms.
    error BadDeployment();

    /// @notice For how many rounds after its own an attestation or a vote still counts.
    function WINDOW() external view returns (uint64);
    /// @notice Most winners that one vote may name.
    function MAX_WINNERS() external view returns (uint256);
    /// @notice Most entries in one batch.
    function MAX_BATCH() external view returns (uint256);
    /// @notice The contract that binds devices to owners.
    function identity() external view returns (IIdentity);

    /// @notice The contract in which swarms are opened.
    function swarms() external view returns (ISwarms);

    /// @notice Attests a round for the caller. Reverts with `Refused` when it does not count.
    function attest(uint64 swarm, uint64 round, bytes32 checkpointRoot, bytes32 rolloutDigest) external;

    /// @notice Posts attestations of one round of one swarm that devices signed. Entries that do not count
    /// are skipped, each with an event. If the round is not open, the whole call reverts with `Refused`.
    /// @return accepted How many entries counted.
    function attestBatch(uint64 swarm, uint64 round, SignedAttestation[] calldata entries)
        external
        returns (uint256 accepted);

    /// @notice Commits to all attestations that devices signed for one round, with one Merkle root and at a
    /// cost that does not depend on their number. `isIncluded` proves an entry and `attestFromRoot` counts it
    /// at any later time. The chain does not have the entries, so the poster has to hand them out with their
    /// proofs. A round may have any number of roots, so no poster can exclude an attestation.
    /// @param swarm The swarm.
    /// @param round The round, which has to be open.
    /// @param root Root of the Merkle tree whose leaves are keccak256(abi.encode(SignedAttestation)) and
    /// whose nodes are keccak256 of their two children, the smaller first.
    /// @param size The number of entries, as stated by the poster. It is only used in the event.
    function postRoot(uint64 swarm, uint64 round, bytes32 root, uint256 size) external;

    /// @notice Whether the root was posted for the round and contains this entry, and the device that it
    /// names signed it.
    function isIncluded(
        uint64 swarm,
        uint64 round,
        bytes32 root,
        SignedAttestation calldata entry,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Counts attestations from a posted root, however long ago the round was, and whatever other
    /// rounds of the device were counted before. Entries that do not count are skipped, each with an event;
    /// an entry that is not in the root is skipped as `BadSignature`. A device whose delegation has ended is
    /// skipped, so count what is under roots before it ends.
    /// @param proofs One proof for each entry.
    /// @return accepted How many entries counted.
    function attestFromRoot(
        uint64 swarm,
        uint64 round,
        bytes32 root,
        SignedAttestation[] calldata entries,
        bytes32[][] calldata proofs
    ) external returns (uint256 accepted);

    /// @notice Takes a round from a device that signed two attestations for it that differ. The round counts
    /// no more, whether it was counted before or not. Anyone may call this, at any time after the round
    /// began.
    function contradict(
        uint64 swarm,
        uint64 round,
        SignedAttestation calldata one,
        SignedAttestation calldata other
    ) external;

    /// @notice Whether a device has lost a round by contradicting itself.
    function hasContradicted(uint64 swarm, address device, uint64 round) external view returns (bool);

    /// @notice Unix time at which a root was first posted for a round; zero if it was not.
    function postedAt(uint64 swarm, uint64 round, bytes32 root) external view returns (uint256);

    /// @notice Votes for the caller. Reverts with `Refused` when it does not count.
    /// @param swarm The swarm.
    /// @param round The round.
    /// @param winners Authors of the best answers, strictly ascending by address, `MAX_WINNERS` at most. A
    /// device may name itself, but that does not count.
    function vote(uint64 swarm, uint64 round, address[] calldata winners) external;

    /// @notice Posts votes of one swarm that devices signed. Entries that do not count are skipped, each with
    /// an event.
    /// @return accepted How many entries counted.
    function voteBatch(uint64 swarm, SignedVote[] calldata entries) external returns (uint256 accepted);

    /// @notice Which of up to `MAX_BATCH` devices have attested a round.
    /// @return bits Bit i, counted from the lowest, is set when `devices[i]` has attested the round, or lost
    /// it.
    function attestedEach(uint64 swarm, address[] calldata devices, uint64 round)
        external
        view
        returns (uint256 bits);

    /// @notice Which of up to `MAX_BATCH` devices can no longer vote in a round, because they have voted in
    /// it.
    /// @return bits Bit i, counted from the lowest, is set when `devices[i]` has voted. It is also set more
    /// than `WINDOW` rounds before the device's latest vote, where the contract does not remember.
    function votedEach(uint64 swarm, address[] calldata devices, uint64 round)
        external
        view
        returns (uint256 bits);

    /// @notice The record of a device in a swarm.
    function recordOf(uint64 swarm, address device) external view returns (Record memory);

    /// @notice The records of many devices in one call.
    function recordsOf(uint64 swarm, address[] calldata devices) external view returns (Record[] memory);

    /// @notice The sum of the records in a swarm of every device that the owner ever bound, with what each
    /// did before it was bound. The record of a revoked or expired device still counts, but no longer grows.
    function recordOfOwner(uint64 swarm, address owner) external view returns (Record memory);
}
