// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {ISwarms} from "../src/ISwarms.sol";
import {Signing} from "./Signing.sol";

contract ParticipationTest is Signing {
    uint64 private constant ROUND = 20;
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant A = 0xD1;
    uint256 private constant B = 0xD2;
    bytes32 private constant ROOT = keccak256("root");
    bytes32 private constant ROLLOUTS = keccak256("rollouts");

    IIdentity private identity;
    IParticipation private participation;
    uint256 private genesis;

    function setUp() public {
        genesis = 1_800_000_000;
        vm.warp(genesis);
        identity = deployIdentity();
        participation = deployParticipation(identity);
    }

    // ------------------------------------------------------------ swarms

    function test_constructor_revertsIfArgumentIsInvalid() public {
        address swarms = address(participation.swarms());
        vm.expectRevert(IParticipation.BadDeployment.selector);
        vm.deployCode("Participation.sol:Participation", abi.encode(identity, address(0xBEEF)));
        vm.expectRevert(IParticipation.BadDeployment.selector);
        vm.deployCode("Participation.sol:Participation", abi.encode(address(0xBEEF), swarms));
    }

    function test_everyCall_revertsIfThereIsNoSwarm() public {
        bytes memory error = abi.encodeWithSelector(ISwarms.NoSwarm.selector, 1);
        IParticipation.SignedAttestation memory entry = attestation(A, 0);
        vm.expectRevert(error);
        participation.attest(1, 0, ROOT, ROLLOUTS);
        vm.expectRevert(error);
        participation.attestBatch(1, 0, batchOf(entry));
        vm.expectRevert(error);
        participation.postRoot(1, 0, ROOT, 1);
        vm.expectRevert(error);
        participation.contradict(1, 0, entry, entry);
        vm.expectRevert(error);
        participation.vote(1, 0, listOf(vm.addr(A)));
        vm.expectRevert(error);
        participation.voteBatch(1, new IParticipation.SignedVote[](1));
    }

    /// @dev What is signed for one swarm counts nowhere else, and no record is of two swarms.
    function test_swarms_doNotMix() public {
        uint64 other = openSwarm(participation);
        IParticipation.SignedAttestation[] memory batch = batchOf(attestation(A, 0));
        assertEq(participation.attestBatch(other, 0, batch), 0, "signed for another swarm");
        assertEq(participation.attestBatch(0, 0, batch), 1, "signed for this swarm");
        assertEq(participation.recordOf(other, vm.addr(A)).attestations, 0, "record");
        assertEq(participation.attestedEach(other, listOf(vm.addr(A)), 0), 0, "not heard there");
        IParticipation.SignedVote[] memory votes = new IParticipation.SignedVote[](1);
        votes[0] = signedVote(address(participation), A, 0, listOf(vm.addr(A)));
        // Known in the other swarm too, so that only the signature is wrong there.
        vm.prank(vm.addr(A));
        participation.attest(other, 0, ROOT, ROLLOUTS);
        assertEq(participation.voteBatch(other, votes), 0, "vote for another swarm");
        assertEq(participation.votedEach(other, listOf(vm.addr(A)), 0), 0, "has not voted there");
        assertEq(participation.voteBatch(0, votes), 1, "vote for this swarm");
        assertEq(participation.recordOf(other, vm.addr(A)).votesCast, 0, "no vote there");
        assertEq(participation.recordOf(0, vm.addr(A)).attestations, 1, "one round here");
        // A device that never attested in a swarm has no vote and gets none there.
        attestFirstRound(B);
        vm.prank(vm.addr(A));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.UnknownWinner)
        );
        participation.vote(other, 0, listOf(vm.addr(B)));
        vm.prank(vm.addr(B));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.UnknownVoter)
        );
        participation.vote(other, 0, listOf(vm.addr(A)));
    }

    /// @dev A swarm that was opened later is at another round, and its rounds are its own.
    function test_attest_followsScheduleOfSwarm() public {
        vm.warp(genesis + 10 * ROUND);
        uint64 other = openSwarm(participation);
        participation.attest(0, 10, ROOT, ROLLOUTS);
        participation.attest(other, 0, ROOT, ROLLOUTS);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NotYet)
        );
        participation.attest(other, 1, ROOT, ROLLOUTS);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.Closed)
        );
        participation.attest(0, 0, ROOT, ROLLOUTS);
    }

    /// @dev Pages of earlier rounds are kept by swarm too.
    function test_attest_keepsEarlierPagesBySwarm() public {
        uint64 other = openSwarm(participation);
        vm.prank(vm.addr(A));
        participation.attest(0, 0, ROOT, ROLLOUTS);
        vm.warp(genesis + 100 * ROUND);
        vm.startPrank(vm.addr(A));
        participation.attest(0, 100, ROOT, ROLLOUTS);
        participation.attest(other, 100, ROOT, ROLLOUTS);
        vm.stopPrank();
        assertEq(participation.attestedEach(0, listOf(vm.addr(A)), 0), 1, "attested here");
        assertEq(participation.attestedEach(other, listOf(vm.addr(A)), 0), 0, "not there");
    }

    // ------------------------------------------------------------ attest

    function test_attest_countsAttestation() public {
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Attested(0, address(this), 0, ROOT, ROLLOUTS);
        participation.attest(0, 0, ROOT, ROLLOUTS);
        IParticipation.Record memory r = participation.recordOf(0, address(this));
        assertEq(r.attestations, 1, "attestations");
        assertEq(r.nextRound, 1, "next round");
        assertEq(r.votesCast + r.votesReceived + r.nextVote, 0, "no votes");
    }

    function test_attest_revertsIfRoundIsRepeated() public {
        vm.warp(genesis + 2 * ROUND);
        participation.attest(0, 1, ROOT, ROLLOUTS);
        assertAttestReverts(1, IParticipation.Refusal.Repeated);
        participation.attest(0, 2, ROOT, ROLLOUTS);
        participation.attest(0, 0, ROOT, ROLLOUTS);
        for (uint64 round; round <= 2; ++round) {
            assertAttestReverts(round, IParticipation.Refusal.Repeated);
        }
        assertEq(participation.recordOf(0, address(this)).attestations, 3, "attestations");
        assertEq(participation.recordOf(0, address(this)).nextRound, 3, "next round");
    }

    /// @dev Anybody may post signatures, the newest first. Before, that took the older rounds away for ever.
    function testFuzz_attestBatch_countsOpenRoundsInAnyOrder(uint16 start, uint8 order) public {
        // The three open rounds lie on one page of 64 rounds, or on two.
        uint64 first = start;
        vm.warp(genesis + (uint256(first) + 2) * ROUND);
        uint64[3] memory rounds = permutation(first, order);
        for (uint256 i; i < 3; ++i) {
            IParticipation.SignedAttestation[] memory batch = batchOf(attestation(A, rounds[i]));
            vm.prank(address(0xBAD));
            assertEq(participation.attestBatch(0, rounds[i], batch), 1, "counted");
            assertEq(participation.attestBatch(0, rounds[i], batch), 0, "counted once");
        }
        IParticipation.Record memory r = participation.recordOf(0, vm.addr(A));
        assertEq(r.attestations, 3, "three rounds");
        assertEq(r.nextRound, first + 3, "next round");
        address[] memory devices = listOf(vm.addr(B), vm.addr(A));
        for (uint64 round = first; round < first + 3; ++round) {
            assertEq(participation.attestedEach(0, devices, round), 2, "A attested, B did not");
        }
        assertEq(participation.attestedEach(0, devices, first + 3), 0, "not the next round");
        if (first > 0) {
            assertEq(participation.attestedEach(0, devices, first - 1), 0, "not the round before");
        }
    }

    function testFuzz_voteBatch_countsOpenRoundsInAnyOrder(uint16 start, uint8 order) public {
        attestFirstRound(A);
        attestFirstRound(B);
        uint64 first = start;
        vm.warp(genesis + (uint256(first) + 2) * ROUND);
        uint64[3] memory rounds = permutation(first, order);
        address[] memory devices = listOf(vm.addr(B), vm.addr(A));
        for (uint256 i; i < 3; ++i) {
            assertEq(participation.votedEach(0, devices, rounds[i]), 0, "not yet");
            IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](1);
            batch[0] = signedVote(address(participation), A, rounds[i], listOf(vm.addr(B)));
            vm.prank(address(0xBAD));
            assertEq(participation.voteBatch(0, batch), 1, "counted");
            assertEq(participation.voteBatch(0, batch), 0, "counted once");
            assertEq(participation.votedEach(0, devices, rounds[i]), 2, "A voted, B did not");
        }
        for (uint64 round = first; round < first + 3; ++round) {
            assertEq(participation.votedEach(0, devices, round), 2, "no vote forgets another");
        }
        assertEq(participation.recordOf(0, vm.addr(A)).votesCast, 3, "three votes");
        assertEq(participation.recordOf(0, vm.addr(A)).nextVote, first + 3, "next vote");
        assertEq(participation.recordOf(0, vm.addr(B)).votesReceived, 3, "received");
        // Later votes count as before, wherever they are.
        uint64 later = first + 3 + order % 5;
        vm.warp(genesis + uint256(later) * ROUND);
        vm.prank(vm.addr(A));
        participation.vote(0, later, listOf(vm.addr(B)));
        assertEq(participation.recordOf(0, vm.addr(A)).nextVote, later + 1, "next vote");
        assertEq(participation.votedEach(0, devices, later), 2, "A voted");
        if (later > 3) {
            assertEq(participation.votedEach(0, devices, later - 4), 2, "closed before that vote");
        }
    }

    /// @dev Every field of a device's record at once: none runs into another.
    function test_recordOf_keepsFieldsApart() public {
        attestFirstRound(B);
        uint64 last = 2 * 256 + 3;
        for (uint64 round; round < last; ++round) {
            vm.warp(genesis + uint256(round) * ROUND);
            vm.prank(vm.addr(A));
            participation.attest(0, round, ROOT, ROLLOUTS);
            vm.prank(vm.addr(A));
            participation.vote(0, round, listOf(vm.addr(B)));
            vm.prank(vm.addr(B));
            participation.vote(0, round, listOf(vm.addr(A)));
        }
        IParticipation.Record memory r = participation.recordOf(0, vm.addr(A));
        assertEq(r.nextRound, last, "next round");
        assertEq(r.nextVote, last, "next vote");
        assertEq(r.attestations, last, "attestations");
        assertEq(r.votesCast, last, "votes cast");
        assertEq(r.votesReceived, last, "votes received");
        for (uint64 round; round < last; ++round) {
            assertEq(participation.attestedEach(0, listOf(vm.addr(A)), round), 1, "every round is known");
        }
        assertEq(participation.recordOf(0, vm.addr(B)).attestations, 1, "B attested once");
    }

    function testFuzz_attest_acceptsOnlyOpenRounds(uint16 current, uint64 round) public {
        vm.warp(genesis + uint256(current) * ROUND);
        if (round > current) {
            assertAttestReverts(round, IParticipation.Refusal.NotYet);
        } else if (current - round > participation.WINDOW()) {
            assertAttestReverts(round, IParticipation.Refusal.Closed);
        } else {
            participation.attest(0, round, ROOT, ROLLOUTS);
        }
    }

    function testFuzz_attest_acceptsOnlyOpenRoundsNearWindow(uint16 current, uint8 back) public {
        uint64 round = current < back % 6 ? 0 : current - back % 6;
        testFuzz_attest_acceptsOnlyOpenRounds(current, round);
        testFuzz_attest_acceptsOnlyOpenRounds(current, uint64(current) + 1);
    }

    function test_attest_revertsIfDeviceIsRevoked() public {
        address device = bindDevice(identity, OWNER, A);
        vm.prank(device);
        participation.attest(0, 0, ROOT, ROLLOUTS);
        vm.prank(vm.addr(OWNER));
        identity.revoke(device);
        vm.warp(genesis + ROUND);
        vm.prank(device);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        participation.attest(0, 1, ROOT, ROLLOUTS);
        assertEq(participation.recordOf(0, device).attestations, 1, "the record of the device stays");
        assertEq(
            participation.recordOfOwner(0, vm.addr(OWNER)).attestations, 1, "the record of the owner stays"
        );
    }

    function test_vote_revertsIfScopeExcludesVoting() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(OWNER), A);
        d.scope = identity.SCOPE_ATTEST();
        identity.bind(
            x,
            y,
            d,
            sign65(OWNER, delegationDigest(address(identity), d)),
            sign65(A, consentDigest(address(identity), d))
        );
        vm.prank(d.sessionKey);
        participation.attest(0, 0, ROOT, ROLLOUTS);
        vm.prank(d.sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        participation.vote(0, 0, listOf(d.sessionKey));
    }

    // ------------------------------------------------------------ attestBatch

    function test_attestBatch_succeedsForAnyCaller() public {
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](2);
        batch[0] = attestation(A, 0);
        batch[1] = attestation(B, 0);
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Attested(0, vm.addr(A), 0, ROOT, ROLLOUTS);
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Attested(0, vm.addr(B), 0, ROOT, ROLLOUTS);
        vm.prank(address(0xBEEF));
        assertEq(participation.attestBatch(0, 0, batch), 2, "accepted");
    }

    function test_attestBatch_skipsBadEntriesAndCountsTheRest() public {
        vm.warp(genesis + 5 * ROUND);
        bindDevice(identity, OWNER, 0xD3);
        vm.prank(vm.addr(OWNER));
        identity.revokeAll();
        vm.prank(vm.addr(0xD4));
        participation.attest(0, 4, ROOT, ROLLOUTS);
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](7);
        batch[0] = attestation(A, 3);
        batch[1] = attestation(A, 3);
        batch[2] = attestation(0xD4, 3);
        batch[3] = attestation(B, 4);
        batch[4] = attestation(B, 3);
        batch[4].device = vm.addr(0xD5);
        batch[5] = attestation(0xD3, 3);
        batch[6] = attestation(B, 3);
        expectAttestationSkipped(1, vm.addr(A), 3, IParticipation.Refusal.Repeated);
        expectAttestationSkipped(3, vm.addr(B), 3, IParticipation.Refusal.BadSignature);
        expectAttestationSkipped(4, vm.addr(0xD5), 3, IParticipation.Refusal.BadSignature);
        expectAttestationSkipped(5, vm.addr(0xD3), 3, IParticipation.Refusal.NoAuthority);
        assertEq(participation.attestBatch(0, 3, batch), 3, "accepted");
        assertEq(participation.recordOf(0, vm.addr(A)).attestations, 1, "A");
        assertEq(participation.recordOf(0, vm.addr(0xD4)).attestations, 2, "an earlier round still counts");
        assertEq(participation.recordOf(0, vm.addr(B)).attestations, 1, "B");
    }

    function testFuzz_attestBatch_revertsIfRoundIsNotOpen(uint16 current, uint8 back) public {
        uint64 round = current < back % 6 ? current + 1 : current - back % 6;
        vm.warp(genesis + uint256(current) * ROUND);
        IParticipation.SignedAttestation[] memory batch = batchOf(attestation(A, round));
        bool open = round <= current && current - round <= 2;
        if (!open) {
            IParticipation.Refusal reason =
                round > current ? IParticipation.Refusal.NotYet : IParticipation.Refusal.Closed;
            vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        }
        participation.attestBatch(0, round, batch);
        assertEq(participation.recordOf(0, vm.addr(A)).attestations, open ? 1 : 0, "counted");
    }

    function test_attestBatch_countsNothingOnReplay() public {
        IParticipation.SignedAttestation[] memory batch = batchOf(attestation(A, 0));
        assertEq(participation.attestBatch(0, 0, batch), 1, "first");
        assertEq(participation.attestBatch(0, 0, batch), 0, "second");
        assertEq(participation.recordOf(0, vm.addr(A)).attestations, 1, "counted once");
    }

    function test_attestBatch_skipsSignatureForOtherChainOrContract() public {
        IParticipation.SignedAttestation[] memory batch = batchOf(attestation(A, 0));
        IParticipation other = deployParticipation(identity);
        assertEq(other.attestBatch(0, 0, batch), 0, "another contract");
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        assertEq(participation.attestBatch(0, 0, batch), 0, "another chain");
        vm.chainId(here);
        assertEq(participation.attestBatch(0, 0, batch), 1, "here");
    }

    /// @dev Anyone can compute the signature with the other s. It must not count as a second attestation.
    function testFuzz_attestBatch_skipsSignatureWithHighS(uint256 seed) public {
        uint256 k = boundPrivateKey(seed);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(k, attestationDigest(address(participation), 0, 0, ROOT, ROLLOUTS));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint256 high = n - uint256(s);
        IParticipation.SignedAttestation memory entry =
            IParticipation.SignedAttestation(vm.addr(k), ROOT, ROLLOUTS, r, bytes32(0));
        // vs holds 255 bits of s, so the highest bit of a high s is lost.
        entry.vs = bytes32((high & (type(uint256).max >> 1)) | (uint256(v == 27 ? 1 : 0) << 255));
        assertEq(participation.attestBatch(0, 0, batchOf(entry)), 0, "signature with high s");
    }

    function testFuzz_attestBatch_skipsEntryWithChangedField(uint256 seed, uint8 field, uint256 change)
        public
    {
        vm.assume(change != 0);
        vm.warp(genesis + 2 * ROUND);
        IParticipation.SignedAttestation memory entry = signedAttestation(
            address(participation), boundPrivateKey(seed), 1, keccak256(abi.encode(seed)), ROLLOUTS
        );
        field %= 6;
        if (field == 0) {
            entry.device = address(uint160(entry.device) ^ uint160(bound(change, 1, type(uint160).max)));
        }
        uint64 round = field != 1 ? 1 : change % 2 == 0 ? 0 : 2;
        if (field == 2) entry.checkpointRoot ^= bytes32(change);
        if (field == 3) entry.rolloutDigest ^= bytes32(change);
        if (field == 4) entry.r ^= bytes32(change);
        if (field == 5) entry.vs ^= bytes32(change);
        assertEq(participation.attestBatch(0, round, batchOf(entry)), 0, "accepted");
        assertEq(participation.recordOf(0, entry.device).attestations, 0, "counted");
    }

    /// @dev ecrecover returns zero for an invalid signature, so an entry may not name the zero address as its
    /// device.
    function test_attestBatch_skipsInvalidSignatureOfZeroDevice() public {
        IParticipation.SignedAttestation memory entry = attestation(A, 0);
        entry.device = address(0);
        entry.r = bytes32(0);
        assertEq(participation.attestBatch(0, 0, batchOf(entry)), 0, "zero device");
    }

    function test_batch_revertsIfSizeIsInvalid() public {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        participation.attestBatch(0, 0, new IParticipation.SignedAttestation[](0));
        uint256 most = participation.MAX_BATCH();
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, most + 1));
        participation.attestBatch(0, 0, new IParticipation.SignedAttestation[](most + 1));
        assertEq(
            participation.attestBatch(0, 0, new IParticipation.SignedAttestation[](most)), 0, "all skipped"
        );
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        participation.voteBatch(0, new IParticipation.SignedVote[](0));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, most + 1));
        participation.voteBatch(0, new IParticipation.SignedVote[](most + 1));
    }

    // ------------------------------------------------------------ votes

    function test_vote_countsVote() public {
        attestFirstRound(A);
        attestFirstRound(B);
        address[] memory winners = sortedListOf(vm.addr(A), vm.addr(B));
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Voted(0, vm.addr(A), 0, winners);
        vm.prank(vm.addr(A));
        participation.vote(0, 0, winners);
        assertEq(participation.recordOf(0, vm.addr(A)).votesCast, 1, "cast");
        assertEq(participation.recordOf(0, vm.addr(B)).votesReceived, 1, "received");
        assertEq(participation.recordOf(0, vm.addr(A)).votesReceived, 0, "a vote for oneself counts nothing");
        assertEq(participation.recordOf(0, vm.addr(A)).attestations, 1, "attestations");
        assertEq(participation.recordOf(0, vm.addr(A)).nextVote, 1, "next vote");
    }

    function test_vote_revertsIfVoterOrWinnersAreInvalid() public {
        attestFirstRound(A);
        attestFirstRound(B);
        assertVoteReverts(A, new address[](0), IParticipation.Refusal.Empty);
        assertVoteReverts(A, new address[](65), IParticipation.Refusal.TooMany);
        assertVoteReverts(A, listOf(vm.addr(B), vm.addr(B)), IParticipation.Refusal.Unordered);
        address[] memory down = sortedListOf(vm.addr(A), vm.addr(B));
        (down[0], down[1]) = (down[1], down[0]);
        assertVoteReverts(A, down, IParticipation.Refusal.Unordered);
        assertVoteReverts(A, listOf(address(0)), IParticipation.Refusal.Unordered);
        assertVoteReverts(A, listOf(vm.addr(0xD9)), IParticipation.Refusal.UnknownWinner);
        assertVoteReverts(0xD9, listOf(vm.addr(B)), IParticipation.Refusal.UnknownVoter);
        assertEq(participation.recordOf(0, vm.addr(B)).votesReceived, 0, "no vote is counted");
        vm.prank(vm.addr(A));
        participation.vote(0, 0, listOf(vm.addr(B)));
        assertVoteReverts(A, listOf(vm.addr(B)), IParticipation.Refusal.Repeated);
        assertEq(participation.recordOf(0, vm.addr(B)).votesReceived, 1, "counted once");
    }

    function test_vote_revertsIfRoundIsNotOpen() public {
        attestFirstRound(A);
        vm.warp(genesis + 3 * ROUND);
        assertVoteReverts(A, listOf(vm.addr(A)), IParticipation.Refusal.Closed);
        vm.prank(vm.addr(A));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NotYet)
        );
        participation.vote(0, 4, listOf(vm.addr(A)));
        vm.prank(vm.addr(A));
        participation.vote(0, 1, listOf(vm.addr(A)));
    }

    function test_vote_acceptsMaxWinners() public {
        address[] memory winners = new address[](64);
        for (uint256 i; i < 64; ++i) {
            attestFirstRound(0x100 + i);
            winners[i] = vm.addr(0x100 + i);
        }
        sort(winners);
        attestFirstRound(A);
        vm.prank(vm.addr(A));
        participation.vote(0, 0, winners);
        for (uint256 i; i < 64; ++i) {
            assertEq(participation.recordOf(0, winners[i]).votesReceived, 1, "one vote for each winner");
        }
    }

    function test_voteBatch_skipsBadEntriesAndCountsTheRest() public {
        attestFirstRound(A);
        attestFirstRound(B);
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](6);
        batch[0] = signedVote(address(participation), A, 0, listOf(vm.addr(B)));
        batch[1] = signedVote(address(participation), A, 0, listOf(vm.addr(B)));
        batch[2] = signedVote(address(participation), B, 0, new address[](0));
        batch[3] = signedVote(address(participation), B, 0, new address[](65));
        batch[4] = signedVote(address(participation), B, 0, listOf(vm.addr(A)));
        batch[4].winners[0] = vm.addr(B);
        batch[5] = signedVote(address(participation), B, 0, listOf(vm.addr(A)));
        expectVoteSkipped(1, vm.addr(A), IParticipation.Refusal.Repeated);
        expectVoteSkipped(2, vm.addr(B), IParticipation.Refusal.Empty);
        expectVoteSkipped(3, vm.addr(B), IParticipation.Refusal.TooMany);
        expectVoteSkipped(4, vm.addr(B), IParticipation.Refusal.BadSignature);
        assertEq(participation.voteBatch(0, batch), 2, "accepted");
        assertEq(participation.recordOf(0, vm.addr(A)).votesReceived, 1, "A");
        assertEq(participation.recordOf(0, vm.addr(B)).votesReceived, 1, "B");
    }

    function test_voteBatch_skipsSignatureForOtherContract() public {
        attestFirstRound(A);
        IParticipation other = deployParticipation(identity);
        vm.prank(vm.addr(A));
        other.attest(0, 0, ROOT, ROLLOUTS);
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](1);
        batch[0] = signedVote(address(participation), A, 0, listOf(vm.addr(A)));
        assertEq(other.voteBatch(0, batch), 0, "another contract");
        assertEq(participation.voteBatch(0, batch), 1, "this contract");
    }

    // ------------------------------------------------------------ records

    function test_recordOfOwner_includesRecordFromBeforeBinding() public {
        attestFirstRound(A);
        attestFirstRound(B);
        vm.prank(vm.addr(B));
        participation.vote(0, 0, listOf(vm.addr(A)));
        address owner = vm.addr(OWNER);
        assertEq(participation.recordOfOwner(0, owner).attestations, 0, "nothing bound");
        bindDevice(identity, OWNER, A);
        assertEq(participation.recordOfOwner(0, owner).attestations, 1, "attestations from before binding");
        assertEq(participation.recordOfOwner(0, owner).votesReceived, 1, "votes from before binding");
        bindDevice(identity, OWNER, B);
        vm.warp(genesis + ROUND);
        vm.prank(vm.addr(B));
        participation.attest(0, 1, ROOT, ROLLOUTS);
        IParticipation.Record memory r = participation.recordOfOwner(0, owner);
        assertEq(r.attestations, 3, "sum of attestations");
        assertEq(r.votesCast, 1, "votes cast");
        assertEq(r.nextRound, 2, "highest round");
        assertEq(r.nextVote, 1, "highest vote");
    }

    function test_recordsOf_returnsRecordOfEachDevice() public {
        attestFirstRound(B);
        IParticipation.Record[] memory r = participation.recordsOf(0, listOf(vm.addr(A), vm.addr(B)));
        assertEq(r[0].attestations, 0, "A");
        assertEq(r[1].attestations, 1, "B");
    }

    // ------------------------------------------------------------ helpers

    function attestation(uint256 k, uint64 round)
        private
        view
        returns (IParticipation.SignedAttestation memory)
    {
        return signedAttestation(address(participation), k, round, ROOT, ROLLOUTS);
    }

    function attestFirstRound(uint256 k) private {
        vm.prank(vm.addr(k));
        participation.attest(0, 0, ROOT, ROLLOUTS);
    }

    function batchOf(IParticipation.SignedAttestation memory entry)
        private
        pure
        returns (IParticipation.SignedAttestation[] memory batch)
    {
        batch = new IParticipation.SignedAttestation[](1);
        batch[0] = entry;
    }

    function listOf(address a) private pure returns (address[] memory l) {
        l = new address[](1);
        l[0] = a;
    }

    function listOf(address a, address b) private pure returns (address[] memory l) {
        l = new address[](2);
        (l[0], l[1]) = (a, b);
    }

    /// @dev Three rounds from `first` on, in one of their six orders.
    function permutation(uint64 first, uint8 order) private pure returns (uint64[3] memory rounds) {
        uint64 i = order % 3;
        uint64 j = (i + 1 + (order / 3) % 2) % 3;
        return [first + i, first + j, first + 3 - i - j];
    }

    function sortedListOf(address a, address b) private pure returns (address[] memory) {
        return a < b ? listOf(a, b) : listOf(b, a);
    }

    function sort(address[] memory l) private pure {
        for (uint256 i = 1; i < l.length; ++i) {
            for (uint256 j = i; j > 0 && l[j] < l[j - 1]; --j) {
                (l[j], l[j - 1]) = (l[j - 1], l[j]);
            }
        }
    }

    function expectAttestationSkipped(
        uint256 entry,
        address device,
        uint64 round,
        IParticipation.Refusal reason
    ) private {
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.AttestationSkipped(0, device, round, entry, reason);
    }

    function expectVoteSkipped(uint256 entry, address device, IParticipation.Refusal reason) private {
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.VoteSkipped(0, device, 0, entry, reason);
    }

    function assertAttestReverts(uint64 round, IParticipation.Refusal reason) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        participation.attest(0, round, ROOT, ROLLOUTS);
    }

    function assertVoteReverts(uint256 k, address[] memory winners, IParticipation.Refusal reason) private {
        vm.prank(vm.addr(k));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        participation.vote(0, 0, winners);
    }
}
