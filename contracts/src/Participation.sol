// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "./IIdentity.sol";
import {IParticipation} from "./IParticipation.sol";
import {ISwarms} from "./ISwarms.sol";
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
        keccak256("Attestation(uint64 swarm,uint64 round,bytes32 checkpointRoot,bytes32 rolloutDigest)");
    bytes32 private constant VOTE_TYPEHASH = keccak256("Vote(uint64 swarm,uint64 round,address[] winners)");

    IIdentity public immutable identity;
    ISwarms public immutable swarms;

    uint32 private immutable SCOPE_ATTEST;
    uint32 private immutable SCOPE_VOTE;

    /// @dev What a swarm knows of a device.
    /// @param tally Its record and the latest 64 rounds.
    /// @param earlier The rounds attested on the pages before the one in the tally, 256 rounds a word.
    /// @param contradicted The rounds that the device has lost.
    struct Member {
        Tally tally;
        mapping(uint256 round256 => uint256 bits) earlier;
        mapping(uint64 round => bool) contradicted;
    }

    mapping(uint64 swarm => mapping(address device => Member)) private _members;
    mapping(uint64 swarm => mapping(uint64 round => mapping(bytes32 root => uint256))) public postedAt;

    /// @param identity_ The contract that binds devices to owners.
    /// @param swarms_ The contract in which swarms are opened.
    constructor(IIdentity identity_, ISwarms swarms_) EIP712("Starling", "1") {
        require(address(identity_).code.length != 0 && address(swarms_).code.length != 0, BadDeployment());
        identity = identity_;
        swarms = swarms_;
        SCOPE_ATTEST = identity_.SCOPE_ATTEST();
        SCOPE_VOTE = identity_.SCOPE_VOTE();
    }

    /// @inheritdoc IParticipation
    function attest(uint64 swarm, uint64 round, bytes32 checkpointRoot, bytes32 rolloutDigest) external {
        _checkOpen(swarm, round);
        Refusal reason =
            _attest(_members[swarm][msg.sender], round, identity.mayAct(msg.sender, SCOPE_ATTEST));
        require(reason == Refusal.None, Refused(reason));
        emit Attested(swarm, msg.sender, round, checkpointRoot, rolloutDigest);
    }

    /// @inheritdoc IParticipation
    function attestBatch(uint64 swarm, uint64 round, SignedAttestation[] calldata entries)
        external
        returns (uint256 accepted)
    {
        _checkBatch(entries.length);
        _checkOpen(swarm, round);
        return _attestEach(swarm, round, entries, _signers(swarm, round, entries));
    }

    /// @inheritdoc IParticipation
    function postRoot(uint64 swarm, uint64 round, bytes32 root, uint256 size) external {
        _checkOpen(swarm, round);
        // Posting a root again keeps the first time.
        if (postedAt[swarm][round][root] == 0) postedAt[swarm][round][root] = block.timestamp;
        emit RootPosted(swarm, round, root, msg.sender, size);
    }

    /// @inheritdoc IParticipation
    function isIncluded(
        uint64 swarm,
        uint64 round,
        bytes32 root,
        SignedAttestation calldata entry,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return postedAt[swarm][round][root] != 0 && _isIn(root, entry, proof)
            && _isSigned(swarm, round, entry);
    }

    /// @inheritdoc IParticipation
    function attestFromRoot(
        uint64 swarm,
        uint64 round,
        bytes32 root,
        SignedAttestation[] calldata entries,
        bytes32[][] calldata proofs
    ) external returns (uint256 accepted) {
        require(postedAt[swarm][round][root] != 0, NotPosted(swarm, round, root));
        uint256 size = _checkBatch(entries.length);
        require(proofs.length == size, BadBatchSize(proofs.length));
        address[] memory signers = _signers(swarm, round, entries);
        for (uint256 i; i < size; ++i) {
            if (!_isIn(root, entries[i], proofs[i])) signers[i] = address(0);
        }
        return _attestEach(swarm, round, entries, signers);
    }

    /// @inheritdoc IParticipation
    function contradict(
        uint64 swarm,
        uint64 round,
        SignedAttestation calldata one,
        SignedAttestation calldata other
    ) external {
        require(round <= swarms.currentRound(swarm), Refused(Refusal.NotYet));
        address device = one.device;
        require(
            device == other.device
                && (one.checkpointRoot != other.checkpointRoot || one.rolloutDigest != other.rolloutDigest)
                && _isSigned(swarm, round, one) && _isSigned(swarm, round, other),
            NoContradiction()
        );
        Member storage member = _members[swarm][device];
        require(!member.contradicted[round], AlreadyContradicted(swarm, device, round));
        member.contradicted[round] = true;
        // Marks the round where it was not counted, and then takes the count back.
        _attest(member, round, true);
        member.tally = member.tally.uncounted();
        emit Contradicted(swarm, device, round);
    }

    /// @inheritdoc IParticipation
    function hasContradicted(uint64 swarm, address device, uint64 round) external view returns (bool) {
        return _members[swarm][device].contradicted[round];
    }

    /// @inheritdoc IParticipation
    function vote(uint64 swarm, uint64 round, address[] calldata winners) external {
        Refusal reason = _vote(swarm, msg.sender, round, winners, swarms.currentRound(swarm));
        require(reason == Refusal.None, Refused(reason));
    }

    /// @inheritdoc IParticipation
    function voteBatch(uint64 swarm, SignedVote[] calldata entries) external returns (uint256 accepted) {
        _checkBatch(entries.length);
        bytes32 domain = _domainSeparatorV4();
        uint64 current = swarms.currentRound(swarm);
        for (uint256 i; i < entries.length; ++i) {
            SignedVote calldata entry = entries[i];
            Refusal reason = _voteSigned(domain, swarm, entry, current);
            if (reason == Refusal.None) ++accepted;
            else emit VoteSkipped(swarm, entry.device, entry.round, i, reason);
        }
    }

    /// @inheritdoc IParticipation
    function attestedEach(uint64 swarm, address[] calldata devices, uint64 round)
        external
        view
        returns (uint256 bits)
    {
        uint256 size = _checkBatch(devices.length);
        for (uint256 i; i < size; ++i) {
            if (_hasAttested(_members[swarm][devices[i]], round)) bits |= uint256(1) << i;
        }
    }

    /// @inheritdoc IParticipation
    function votedEach(uint64 swarm, address[] calldata devices, uint64 round)
        external
        view
        returns (uint256 bits)
    {
        uint256 size = _checkBatch(devices.length);
        for (uint256 i; i < size; ++i) {
            if (_members[swarm][devices[i]].tally.hasVoted(round)) bits |= uint256(1) << i;
        }
    }

    /// @inheritdoc IParticipation
    function recordOf(uint64 swarm, address device) public view returns (Record memory) {
        Tally tally = _members[swarm][device].tally;
        return Record(
            tally.nextRound(),
            tally.nextVote(),
            tally.attestations(),
            tally.votesCast(),
            tally.votesReceived()
        );
    }

    /// @inheritdoc IParticipation
    function recordsOf(uint64 swarm, address[] calldata devices)
        external
        view
        returns (Record[] memory records)
    {
        records = new Record[](devices.length);
        for (uint256 i; i < devices.length; ++i) {
            records[i] = recordOf(swarm, devices[i]);
        }
    }

    /// @inheritdoc IParticipation
    function recordOfOwner(uint64 swarm, address owner) external view returns (Record memory sum) {
        address[] memory devices = identity.devicesOf(owner);
        for (uint256 i; i < devices.length; ++i) {
            Record memory one = recordOf(swarm, devices[i]);
            if (one.nextRound > sum.nextRound) sum.nextRound = one.nextRound;
            if (one.nextVote > sum.nextVote) sum.nextVote = one.nextVote;
            sum.attestations += one.attestations;
            sum.votesCast += one.votesCast;
            sum.votesReceived += one.votesReceived;
        }
    }

    /// @dev Counts entries. `signers` holds the signer of each entry, or zero if its signature does not
    /// count.
    function _attestEach(
        uint64 swarm,
        uint64 round,
        SignedAttestation[] calldata entries,
        address[] memory signers
    ) private returns (uint256 accepted) {
        // One call for the whole batch. A call for each entry would cost hundreds of gas more.
        uint256 authority = _authorityOf(signers);
        mapping(address => Member) storage members = _members[swarm];
        uint256 size = entries.length;
        for (uint256 i; i < size; ++i) {
            SignedAttestation calldata entry;
            address device;
            // entries[i] and signers[i], without comparing `i` with the two lengths, which are `size`.
            assembly ("memory-safe") {
                entry := add(entries.offset, mul(i, 0xa0))
                device := mload(add(add(signers, 0x20), shl(5, i)))
            }
            if (device == address(0)) {
                emit AttestationSkipped(swarm, entry.device, round, i, Refusal.BadSignature);
                continue;
            }
            Refusal reason = _attest(members[device], round, authority >> i & 1 == 1);
            if (reason == Refusal.None) {
                unchecked {
                    ++accepted;
                }
                _emitAttested(swarm, device, round, entry);
            } else {
                emit AttestationSkipped(swarm, device, round, i, reason);
            }
        }
    }

    /// @dev emit Attested(swarm, device, round, entry.checkpointRoot, entry.rolloutDigest), which the
    /// compiler would encode field by field. The last two fields are adjacent in an entry.
    function _emitAttested(uint64 swarm, address device, uint64 round, SignedAttestation calldata entry)
        private
    {
        bytes32 topic = Attested.selector;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, round)
            calldatacopy(add(free, 0x20), add(entry, 0x20), 0x40)
            log3(free, 0x60, topic, swarm, device)
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
    function _isSigned(uint64 swarm, uint64 round, SignedAttestation calldata entry)
        private
        view
        returns (bool)
    {
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(ATTESTATION_TYPEHASH, swarm, round, entry.checkpointRoot, entry.rolloutDigest)
            )
        );
        (address signer,,) = ECDSA.tryRecover(digest, entry.r, entry.vs);
        // An invalid signature has the signer zero, which is not a device.
        return signer != address(0) && signer == entry.device;
    }

    /// @dev identity.mayActEach(signers, SCOPE_ATTEST). An array in memory has the form of the call's data
    /// already, and the compiler would copy it address by address.
    function _authorityOf(address[] memory signers) private view returns (uint256 bits) {
        (address target, uint256 scope, bytes32 selector) =
            (address(identity), SCOPE_ATTEST, IIdentity.mayActEach.selector);
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := add(0x20, shl(5, mload(signers)))
            mstore(free, selector)
            mstore(add(free, 0x04), 0x40)
            mstore(add(free, 0x24), scope)
            mcopy(add(free, 0x44), signers, size)
            if iszero(staticcall(gas(), target, free, add(size, 0x44), 0x00, 0x20)) {
                returndatacopy(free, 0x00, returndatasize())
                revert(free, returndatasize())
            }
            bits := mload(0x00)
        }
    }

    /// @dev Counts an attestation, or returns why it does not count. The caller has checked its round and its
    /// author.
    function _attest(Member storage member, uint64 round, bool authorised) private returns (Refusal) {
        Tally tally = member.tally;
        if (round >> 6 != tally.page()) return _attestOffPage(member, tally, round, authorised);
        if (tally.isMarked(round)) return Refusal.Repeated;
        if (!authorised) return Refusal.NoAuthority;
        member.tally = tally.marked(round);
        return Refusal.None;
    }

    /// @dev As `_attest`, for a round that is not on the page in the device's tally. Only this reads and
    /// writes a second word.
    function _attestOffPage(Member storage member, Tally tally, uint64 round, bool authorised)
        private
        returns (Refusal)
    {
        mapping(uint256 => uint256) storage earlier = member.earlier;
        if (tally.isLater(round)) {
            if (!authorised) return Refusal.NoAuthority;
            uint256 bits = tally.pageBits();
            if (bits != 0) earlier[tally.page() >> 2] |= bits << ((tally.page() & 3) << 6);
            member.tally = tally.turned(round);
        } else {
            uint256 bits = earlier[round >> 8];
            uint256 bit = uint256(1) << (round & 255);
            if (bits & bit != 0) return Refusal.Repeated;
            if (!authorised) return Refusal.NoAuthority;
            earlier[round >> 8] = bits | bit;
            member.tally = tally.counted();
        }
        return Refusal.None;
    }

    function _hasAttested(Member storage member, uint64 round) private view returns (bool) {
        Tally tally = member.tally;
        if (tally.isLater(round)) return false;
        if (!tally.isEarlier(round)) return tally.isMarked(round);
        return (member.earlier[round >> 8] >> (round & 255)) & 1 == 1;
    }

    /// @dev Checks the number of winners before hashing them, so that a long list costs little gas.
    function _voteSigned(bytes32 domain, uint64 swarm, SignedVote calldata entry, uint64 current)
        private
        returns (Refusal)
    {
        if (entry.winners.length > MAX_WINNERS) return Refusal.TooMany;
        bytes32 hash = keccak256(
            abi.encode(VOTE_TYPEHASH, swarm, entry.round, keccak256(abi.encodePacked(entry.winners)))
        );
        bytes32 digest = Signed.digest(domain, hash);
        if (Signed.signer(digest, entry.r, entry.vs) != entry.device) return Refusal.BadSignature;
        return _vote(swarm, entry.device, entry.round, entry.winners, current);
    }

    /// @dev Counts a vote, or returns why it does not count. The caller has checked its author. All checks
    /// come before the first write.
    function _vote(uint64 swarm, address device, uint64 round, address[] calldata winners, uint64 current)
        private
        returns (Refusal)
    {
        mapping(address => Member) storage members = _members[swarm];
        Member storage member = members[device];
        Tally tally = member.tally;
        Refusal reason = _opening(round, current);
        if (reason != Refusal.None) return reason;
        if (tally.hasVoted(round)) return Refusal.Repeated;
        if (tally.attestations() == 0) return Refusal.UnknownVoter;
        reason = _winners(members, winners);
        if (reason != Refusal.None) return reason;
        if (!identity.mayAct(device, SCOPE_VOTE)) return Refusal.NoAuthority;
        member.tally = tally.voted(round);
        for (uint256 i; i < winners.length; ++i) {
            if (winners[i] == device) continue;
            Member storage winner = members[winners[i]];
            winner.tally = winner.tally.named();
        }
        emit Voted(swarm, device, round, winners);
        return Refusal.None;
    }

    function _winners(mapping(address => Member) storage members, address[] calldata winners)
        private
        view
        returns (Refusal)
    {
        if (winners.length == 0) return Refusal.Empty;
        if (winners.length > MAX_WINNERS) return Refusal.TooMany;
        // In ascending order a duplicate equals its neighbour. Zero is below every address and has never
        // attested.
        address previous = address(0);
        for (uint256 i; i < winners.length; ++i) {
            address winner = winners[i];
            if (winner <= previous) return Refusal.Unordered;
            if (members[winner].tally.attestations() == 0) return Refusal.UnknownWinner;
            previous = winner;
        }
        return Refusal.None;
    }

    /// @dev For each entry the device that it names, or zero if that device did not sign it.
    function _signers(uint64 swarm, uint64 round, SignedAttestation[] calldata entries)
        private
        view
        returns (address[] memory)
    {
        return Signed.attesters(_domainSeparatorV4(), ATTESTATION_TYPEHASH, swarm, round, entries);
    }

    /// @dev Whether a round is open for attestations and votes while `current` is running.
    function _opening(uint64 round, uint64 current) private pure returns (Refusal) {
        if (round > current) return Refusal.NotYet;
        return current - round > WINDOW ? Refusal.Closed : Refusal.None;
    }

    function _checkOpen(uint64 swarm, uint64 round) private view {
        Refusal reason = _opening(round, swarms.currentRound(swarm));
        require(reason == Refusal.None, Refused(reason));
    }

    function _checkBatch(uint256 size) private pure returns (uint256) {
        require(size != 0 && size <= MAX_BATCH, BadBatchSize(size));
        return size;
    }
}
