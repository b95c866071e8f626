// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "./IIdentity.sol";
import {IParticipation} from "./IParticipation.sol";
import {Signed} from "./Signed.sol";
import {Tally} from "./Tally.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title Participation
/// @notice Implements IParticipation, which documents every function.
contract Participation is IParticipation, EIP712 {
    uint64 public constant WINDOW = 2;
    uint256 public constant MAX_WINNERS = 64;
    uint256 public constant MAX_BATCH = 256;

    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("Attestation(uint64 round,bytes32 checkpointRoot,bytes32 rolloutDigest)");
    bytes32 private constant VOTE_TYPEHASH = keccak256("Vote(uint64 round,address[] winners)");

    IIdentity public immutable identity;

    uint32 private immutable SCOPE_ATTEST;
    uint32 private immutable SCOPE_VOTE;
    uint64 private immutable GENESIS;
    uint32 private immutable ANSWER_SECONDS;
    uint32 private immutable CRITIQUE_SECONDS;
    uint32 private immutable VOTE_SECONDS;
    bytes32 private immutable GENESIS_SEED;

    mapping(address device => Tally) private _tallies;
    /// @dev The rounds attested on the pages before the one in the device's tally, 256 rounds a word.
    mapping(address device => mapping(uint256 round256 => uint256 bits)) private _earlier;
    mapping(uint64 round => mapping(bytes32 root => uint256)) public postedAt;
    mapping(address device => mapping(uint64 round => bool)) public hasContradicted;

    /// @param identity_ The contract that binds devices to owners.
    /// @param answerSeconds Length of the answer stage, 1 second to 1 day.
    /// @param critiqueSeconds Length of the critique stage, 1 second to 1 day.
    /// @param voteSeconds Length of the vote stage, 1 second to 1 day.
    constructor(IIdentity identity_, uint32 answerSeconds, uint32 critiqueSeconds, uint32 voteSeconds)
        EIP712("Starling", "1")
    {
        require(
            address(identity_).code.length != 0 && _isStage(answerSeconds) && _isStage(critiqueSeconds)
                && _isStage(voteSeconds),
            BadDeployment()
        );
        identity = identity_;
        SCOPE_ATTEST = identity_.SCOPE_ATTEST();
        SCOPE_VOTE = identity_.SCOPE_VOTE();
        GENESIS = uint64(block.timestamp);
        ANSWER_SECONDS = answerSeconds;
        CRITIQUE_SECONDS = critiqueSeconds;
        VOTE_SECONDS = voteSeconds;
        GENESIS_SEED = keccak256(
            abi.encode("starling genesis", block.chainid, address(this), blockhash(block.number - 1))
        );
    }

    /// @inheritdoc IParticipation
    function schedule() external view returns (Schedule memory) {
        return Schedule(GENESIS, ANSWER_SECONDS, CRITIQUE_SECONDS, VOTE_SECONDS, GENESIS_SEED);
    }

    /// @inheritdoc IParticipation
    function roundAt(uint256 timestamp) public view returns (uint64) {
        // The quotient of seconds since genesis fits 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(_elapsed(timestamp) / _roundSeconds());
    }

    /// @inheritdoc IParticipation
    function stageAt(uint256 timestamp) public view returns (Stage) {
        uint256 into = _elapsed(timestamp) % _roundSeconds();
        if (into < ANSWER_SECONDS) return Stage.Answer;
        return into < uint256(ANSWER_SECONDS) + CRITIQUE_SECONDS ? Stage.Critique : Stage.Vote;
    }

    /// @inheritdoc IParticipation
    function currentRound() public view returns (uint64) {
        return roundAt(block.timestamp);
    }

    /// @inheritdoc IParticipation
    function currentStage() external view returns (Stage) {
        return stageAt(block.timestamp);
    }

    /// @inheritdoc IParticipation
    function seedOf(uint64 round) external view returns (bytes32) {
        return keccak256(abi.encode(GENESIS_SEED, round));
    }

    /// @inheritdoc IParticipation
    function attest(uint64 round, bytes32 checkpointRoot, bytes32 rolloutDigest) external {
        _checkOpen(round);
        Refusal reason = _attest(msg.sender, round, identity.mayAct(msg.sender, SCOPE_ATTEST));
        require(reason == Refusal.None, Refused(reason));
        emit Attested(msg.sender, round, checkpointRoot, rolloutDigest);
    }

    /// @inheritdoc IParticipation
    function attestBatch(uint64 round, SignedAttestation[] calldata entries)
        external
        returns (uint256 accepted)
    {
        _checkBatch(entries.length);
        _checkOpen(round);
        return _attestEach(round, entries, _signers(round, entries));
    }

    /// @inheritdoc IParticipation
    function postRoot(uint64 round, bytes32 root, uint256 size) external {
        _checkOpen(round);
        // Posting a root again keeps the first time.
        if (postedAt[round][root] == 0) postedAt[round][root] = block.timestamp;
        emit RootPosted(round, root, msg.sender, size);
    }

    /// @inheritdoc IParticipation
    function isIncluded(
        uint64 round,
        bytes32 root,
        SignedAttestation calldata entry,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return postedAt[round][root] != 0 && _isIn(root, entry, proof) && _isSigned(round, entry);
    }

    /// @inheritdoc IParticipation
    function attestFromRoot(
        uint64 round,
        bytes32 root,
        SignedAttestation[] calldata entries,
        bytes32[][] calldata proofs
    ) external returns (uint256 accepted) {
        require(postedAt[round][root] != 0, NotPosted(round, root));
        uint256 size = _checkBatch(entries.length);
        require(proofs.length == size, BadBatchSize(proofs.length));
        address[] memory signers = _signers(round, entries);
        for (uint256 i; i < size; ++i) {
            if (!_isIn(root, entries[i], proofs[i])) signers[i] = address(0);
        }
        return _attestEach(round, entries, signers);
    }

    /// @inheritdoc IParticipation
    function contradict(uint64 round, SignedAttestation calldata one, SignedAttestation calldata other)
        external
    {
        require(round <= currentRound(), Refused(Refusal.NotYet));
        address device = one.device;
        require(
            device == other.device
                && (one.checkpointRoot != other.checkpointRoot || one.rolloutDigest != other.rolloutDigest)
                && _isSigned(round, one) && _isSigned(round, other),
            NoContradiction()
        );
        require(!hasContradicted[device][round], AlreadyContradicted(device, round));
        hasContradicted[device][round] = true;
        // Marks the round where it was not counted, and then takes the count back.
        _attest(device, round, true);
        _tallies[device] = _tallies[device].uncounted();
        emit Contradicted(device, round);
    }

    /// @inheritdoc IParticipation
    function vote(uint64 round, address[] calldata winners) external {
        Refusal reason = _vote(msg.sender, round, winners, currentRound());
        require(reason == Refusal.None, Refused(reason));
    }

    /// @inheritdoc IParticipation
    function voteBatch(SignedVote[] calldata entries) external returns (uint256 accepted) {
        _checkBatch(entries.length);
        bytes32 domain = _domainSeparatorV4();
        uint64 current = currentRound();
        for (uint256 i; i < entries.length; ++i) {
            SignedVote calldata entry = entries[i];
            Refusal reason = _voteSigned(domain, entry, current);
            if (reason == Refusal.None) ++accepted;
            else emit VoteSkipped(entry.device, entry.round, i, reason);
        }
    }

    /// @inheritdoc IParticipation
    function attestedEach(address[] calldata devices, uint64 round) external view returns (uint256 bits) {
        uint256 size = _checkBatch(devices.length);
        for (uint256 i; i < size; ++i) {
            if (_hasAttested(devices[i], round)) bits |= uint256(1) << i;
        }
    }

    /// @inheritdoc IParticipation
    function votedEach(address[] calldata devices, uint64 round) external view returns (uint256 bits) {
        uint256 size = _checkBatch(devices.length);
        for (uint256 i; i < size; ++i) {
            if (_tallies[devices[i]].hasVoted(round)) bits |= uint256(1) << i;
        }
    }

    /// @inheritdoc IParticipation
    function recordOf(address device) public view returns (Record memory) {
        Tally tally = _tallies[device];
        return Record(
            tally.nextRound(),
            tally.nextVote(),
            tally.attestations(),
            tally.votesCast(),
            tally.votesReceived()
        );
    }

    /// @inheritdoc IParticipation
    function recordsOf(address[] calldata devices) external view returns (Record[] memory records) {
        records = new Record[](devices.length);
        for (uint256 i; i < devices.length; ++i) {
            records[i] = recordOf(devices[i]);
        }
    }

    /// @inheritdoc IParticipation
    function recordOfOwner(address owner) external view returns (Record memory sum) {
        address[] memory devices = identity.devicesOf(owner);
        for (uint256 i; i < devices.length; ++i) {
            Record memory one = recordOf(devices[i]);
            if (one.nextRound > sum.nextRound) sum.nextRound = one.nextRound;
            if (one.nextVote > sum.nextVote) sum.nextVote = one.nextVote;
            sum.attestations += one.attestations;
            sum.votesCast += one.votesCast;
            sum.votesReceived += one.votesReceived;
        }
    }

    /// @dev Counts entries. `signers` holds the signer of each entry, or zero if its signature does not
    /// count.
    function _attestEach(uint64 round, SignedAttestation[] calldata entries, address[] memory signers)
        private
        returns (uint256 accepted)
    {
        // One call for the whole batch. A call for each entry would cost hundreds of gas more.
        uint256 authority = identity.mayActEach(signers, SCOPE_ATTEST);
        uint256 size = entries.length;
        for (uint256 i; i < size; ++i) {
            SignedAttestation calldata entry = entries[i];
            address device = signers[i];
            if (device == address(0)) {
                emit AttestationSkipped(entry.device, round, i, Refusal.BadSignature);
                continue;
            }
            Refusal reason = _attest(device, round, authority >> i & 1 == 1);
            if (reason == Refusal.None) {
                unchecked {
                    ++accepted;
                }
                _emitAttested(device, round, entry);
            } else {
                emit AttestationSkipped(device, round, i, reason);
            }
        }
    }

    /// @dev emit Attested(device, round, entry.checkpointRoot, entry.rolloutDigest), which the compiler would
    /// encode field by field. The last two fields are adjacent in an entry.
    function _emitAttested(address device, uint64 round, SignedAttestation calldata entry) private {
        bytes32 topic = Attested.selector;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(entry, 0x20), 0x40)
            log3(free, 0x40, topic, device, round)
        }
    }

    /// @dev A leaf hashes 160 bytes and a node 64 bytes, so neither can be taken for the other.
    function _isIn(bytes32 root, SignedAttestation calldata entry, bytes32[] calldata proof)
        private
        pure
        returns (bool)
    {
        return MerkleProof.verifyCalldata(proof, root, keccak256(abi.encode(entry)));
    }

    /// @dev Whether the device that the entry names signed it.
    function _isSigned(uint64 round, SignedAttestation calldata entry) private view returns (bool) {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(ATTESTATION_TYPEHASH, round, entry.checkpointRoot, entry.rolloutDigest))
        );
        (address signer,,) = ECDSA.tryRecover(digest, entry.r, entry.vs);
        // An invalid signature has the signer zero, which is not a device.
        return signer != address(0) && signer == entry.device;
    }

    /// @dev Counts an attestation, or returns why it does not count. The caller has checked its round and its
    /// author.
    function _attest(address device, uint64 round, bool authorised) private returns (Refusal) {
        Tally tally = _tallies[device];
        if (round >> 6 != tally.page()) return _attestOffPage(device, tally, round, authorised);
        if (tally.isMarked(round)) return Refusal.Repeated;
        if (!authorised) return Refusal.NoAuthority;
        _tallies[device] = tally.marked(round);
        return Refusal.None;
    }

    /// @dev As `_attest`, for a round that is not on the page in the device's tally. Only this reads and
    /// writes a second word.
    function _attestOffPage(address device, Tally tally, uint64 round, bool authorised)
        private
        returns (Refusal)
    {
        mapping(uint256 => uint256) storage earlier = _earlier[device];
        if (tally.isLater(round)) {
            if (!authorised) return Refusal.NoAuthority;
            uint256 bits = tally.pageBits();
            if (bits != 0) earlier[tally.page() >> 2] |= bits << ((tally.page() & 3) << 6);
            _tallies[device] = tally.turned(round);
        } else {
            uint256 bits = earlier[round >> 8];
            uint256 bit = uint256(1) << (round & 255);
            if (bits & bit != 0) return Refusal.Repeated;
            if (!authorised) return Refusal.NoAuthority;
            earlier[round >> 8] = bits | bit;
            _tallies[device] = tally.counted();
        }
        return Refusal.None;
    }

    function _hasAttested(address device, uint64 round) private view returns (bool) {
        Tally tally = _tallies[device];
        if (tally.isLater(round)) return false;
        if (!tally.isEarlier(round)) return tally.isMarked(round);
        return (_earlier[device][round >> 8] >> (round & 255)) & 1 == 1;
    }

    /// @dev Checks the number of winners before hashing them, so that a long list costs little gas.
    function _voteSigned(bytes32 domain, SignedVote calldata entry, uint64 current)
        private
        returns (Refusal)
    {
        if (entry.winners.length > MAX_WINNERS) return Refusal.TooMany;
        bytes32 hash =
            keccak256(abi.encode(VOTE_TYPEHASH, entry.round, keccak256(abi.encodePacked(entry.winners))));
        bytes32 digest = Signed.digest(domain, hash);
        if (Signed.signer(digest, entry.r, entry.vs) != entry.device) return Refusal.BadSignature;
        return _vote(entry.device, entry.round, entry.winners, current);
    }

    /// @dev Counts a vote, or returns why it does not count. The caller has checked its author. All checks
    /// come before the first write.
    function _vote(address device, uint64 round, address[] calldata winners, uint64 current)
        private
        returns (Refusal)
    {
        Tally tally = _tallies[device];
        Refusal reason = _opening(round, current);
        if (reason != Refusal.None) return reason;
        if (tally.hasVoted(round)) return Refusal.Repeated;
        if (tally.attestations() == 0) return Refusal.UnknownVoter;
        reason = _winners(winners);
        if (reason != Refusal.None) return reason;
        if (!identity.mayAct(device, SCOPE_VOTE)) return Refusal.NoAuthority;
        _tallies[device] = tally.voted(round);
        for (uint256 i; i < winners.length; ++i) {
            address winner = winners[i];
            if (winner != device) _tallies[winner] = _tallies[winner].named();
        }
        emit Voted(device, round, winners);
        return Refusal.None;
    }

    function _winners(address[] calldata winners) private view returns (Refusal) {
        if (winners.length == 0) return Refusal.Empty;
        if (winners.length > MAX_WINNERS) return Refusal.TooMany;
        // In ascending order a duplicate equals its neighbour. Zero is below every address and has never
        // attested.
        address previous = address(0);
        for (uint256 i; i < winners.length; ++i) {
            address winner = winners[i];
            if (winner <= previous) return Refusal.Unordered;
            if (_tallies[winner].attestations() == 0) return Refusal.UnknownWinner;
            previous = winner;
        }
        return Refusal.None;
    }

    /// @dev For each entry the device that it names, or zero if that device did not sign it.
    function _signers(uint64 round, SignedAttestation[] calldata entries)
        private
        view
        returns (address[] memory)
    {
        return Signed.attesters(_domainSeparatorV4(), ATTESTATION_TYPEHASH, round, entries);
    }

    /// @dev Whether a round is open for attestations and votes while `current` is running.
    function _opening(uint64 round, uint64 current) private pure returns (Refusal) {
        if (round > current) return Refusal.NotYet;
        return current - round > WINDOW ? Refusal.Closed : Refusal.None;
    }

    function _checkOpen(uint64 round) private view {
        Refusal reason = _opening(round, currentRound());
        require(reason == Refusal.None, Refused(reason));
    }

    function _checkBatch(uint256 size) private pure returns (uint256) {
        require(size != 0 && size <= MAX_BATCH, BadBatchSize(size));
        return size;
    }

    function _isStage(uint32 duration) private pure returns (bool) {
        return duration != 0 && duration <= 1 days;
    }

    function _roundSeconds() private view returns (uint256) {
        return uint256(ANSWER_SECONDS) + CRITIQUE_SECONDS + VOTE_SECONDS;
    }

    function _elapsed(uint256 timestamp) private view returns (uint256) {
        require(timestamp >= GENESIS, BeforeGenesis(timestamp, GENESIS));
        return timestamp - GENESIS;
    }
}
