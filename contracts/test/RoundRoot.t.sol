// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {RoundTree} from "./RoundTree.sol";
import {Signing} from "./Signing.sol";

/// @notice One root for all attestations of a round, whose entries are proved and counted later.
contract RoundRootTest is Signing, RoundTree {
    uint256 private constant GENESIS = 1_800_000_000;

    IIdentity private identity;
    IParticipation private participation;

    function setUp() public {
        vm.warp(GENESIS);
        identity = deployIdentity();
        participation = deployParticipation(identity);
    }

    function entry(uint256 i, uint64 round) private view returns (IParticipation.SignedAttestation memory) {
        return signedAttestation(
            address(participation), 0xD000 + i, round, keccak256(abi.encode(i, round)), bytes32(i)
        );
    }

    function entriesOf(uint256 count, uint64 round)
        private
        view
        returns (IParticipation.SignedAttestation[] memory entries)
    {
        entries = new IParticipation.SignedAttestation[](count);
        for (uint256 i; i < count; ++i) {
            entries[i] = entry(i, round);
        }
    }

    function postEntries(uint256 count, uint64 round)
        private
        returns (IParticipation.SignedAttestation[] memory entries, bytes32 root)
    {
        entries = entriesOf(count, round);
        root = rootOf(entries);
        participation.postRoot(0, round, root, count);
    }

    /// @dev Counts entry `i` from the root of `entries`.
    function countEntry(uint64 round, IParticipation.SignedAttestation[] memory entries, uint256 i)
        private
        returns (uint256)
    {
        return countWithProof(round, rootOf(entries), entries[i], proofOf(entries, i));
    }

    function countWithProof(
        uint64 round,
        bytes32 root,
        IParticipation.SignedAttestation memory one,
        bytes32[] memory proof
    ) private returns (uint256) {
        IParticipation.SignedAttestation[] memory some = new IParticipation.SignedAttestation[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        (some[0], proofs[0]) = (one, proof);
        return participation.attestFromRoot(0, round, root, some, proofs);
    }

    function attestations(uint256 i) private view returns (uint256) {
        return participation.recordOf(0, vm.addr(0xD000 + i)).attestations;
    }

    function test_attestFromRoot_countsEveryEntryOnce() external {
        for (uint64 size = 1; size <= 9; ++size) {
            uint64 round = size - 1;
            vm.warp(GENESIS + 20 * round);
            (IParticipation.SignedAttestation[] memory entries, bytes32 root) = postEntries(size, round);
            assertEq(participation.postedAt(0, round, root), block.timestamp, "posted");
            for (uint256 i; i < size; ++i) {
                assertTrue(
                    participation.isIncluded(0, round, root, entries[i], proofOf(entries, i)), "included"
                );
                assertEq(countEntry(round, entries, i), 1, "counted");
                assertEq(countEntry(round, entries, i), 0, "counted once");
            }
        }
        assertEq(attestations(0), 9, "nine attestations");
        assertEq(attestations(8), 1, "one attestation");
    }

    /// @dev A root is of one swarm. The same entries under the same root of another are not signed for it.
    function test_attestFromRoot_doesNotMixSwarms() external {
        (IParticipation.SignedAttestation[] memory entries, bytes32 root) = postEntries(2, 0);
        uint64 other = openSwarm(participation);
        IParticipation.SignedAttestation[] memory some = new IParticipation.SignedAttestation[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        (some[0], proofs[0]) = (entries[0], proofOf(entries, 0));
        assertEq(participation.postedAt(other, 0, root), 0, "not posted there");
        vm.expectRevert(abi.encodeWithSelector(IParticipation.NotPosted.selector, other, 0, root));
        participation.attestFromRoot(other, 0, root, some, proofs);
        participation.postRoot(other, 0, root, 2);
        assertEq(participation.attestFromRoot(other, 0, root, some, proofs), 0, "not signed for it");
        assertFalse(participation.isIncluded(other, 0, root, entries[0], proofs[0]), "not included there");
        // Two attestations of one round of two swarms are no contradiction.
        IParticipation.SignedAttestation memory there =
            signedAttestation(address(participation), 0xD000, other, 0, "other", "other");
        vm.expectRevert(IParticipation.NoContradiction.selector);
        participation.contradict(0, 0, entries[0], there);
        IParticipation.SignedAttestation memory again =
            signedAttestation(address(participation), 0xD000, 0, 0, "other", "other");
        participation.contradict(0, 0, entries[0], again);
        assertFalse(participation.hasContradicted(other, vm.addr(0xD000), 0), "lost here only");
    }

    function test_attestFromRoot_countsLongAfterRound() external {
        (IParticipation.SignedAttestation[] memory entries,) = postEntries(5, 0);
        vm.warp(GENESIS + 365 days);
        assertEq(countEntry(0, entries, 3), 1, "counted");
        assertEq(attestations(3), 1, "one attestation");
    }

    /// @dev Anybody may count from a root, in any order. Before, the tenth round first took the other nine
    /// away.
    function testFuzz_attestFromRoot_countsEveryRoundInAnyOrder(uint256 order, uint16 gap) external {
        uint64 rounds = 10;
        uint64 apart = uint64(bound(gap, 1, 700));
        IParticipation.SignedAttestation[][] memory all = new IParticipation.SignedAttestation[][](rounds);
        for (uint64 i; i < rounds; ++i) {
            vm.warp(GENESIS + 20 * i * apart);
            (all[i],) = postEntries(1, i * apart);
        }
        for (uint64 left = rounds; left > 0; --left) {
            uint64 pick = uint64(order % left);
            order /= left;
            uint64 round = roundOfLeft(all, pick);
            assertEq(countEntry(round * apart, all[round], 0), 1, "counted");
            assertEq(countEntry(round * apart, all[round], 0), 0, "counted once");
            delete all[round];
        }
        assertEq(attestations(0), rounds, "every round counts");
        assertEq(
            participation.recordOf(0, vm.addr(0xD000)).nextRound, (rounds - 1) * apart + 1, "latest round"
        );
    }

    /// @dev The place of the `pick`th round that is not counted yet.
    function roundOfLeft(IParticipation.SignedAttestation[][] memory all, uint64 pick)
        private
        pure
        returns (uint64 round)
    {
        for (;; ++round) {
            if (all[round].length == 0) continue;
            if (pick == 0) return round;
            --pick;
        }
    }

    /// @dev A round that was counted in its window does not count again from a root, however much later.
    function testFuzz_attestFromRoot_skipsRoundCountedDirectly(uint16 later, uint8 between) external {
        (IParticipation.SignedAttestation[] memory entries,) = postEntries(2, 0);
        participation.attestBatch(0, 0, entries);
        uint64 round = uint64(bound(later, 1, type(uint16).max));
        for (uint64 i = 1; i <= between % 4; ++i) {
            vm.warp(GENESIS + 20 * (uint256(round) * i));
            participation.attestBatch(0, round * i, entriesOf(2, round * i));
        }
        assertEq(countEntry(0, entries, 0), 0, "counted before");
        assertEq(attestations(0), 1 + between % 4, "each round once");
    }

    /// @dev Whoever has two contradicting attestations takes the round away, before or after one was counted.
    function testFuzz_contradict_takesRoundFromDevice(bool counted, uint16 later, bool afterOther) external {
        IParticipation.SignedAttestation[] memory entries = new IParticipation.SignedAttestation[](2);
        entries[0] = entry(0, 0);
        entries[1] = signedAttestation(address(participation), 0xD000, 0, entries[0].checkpointRoot, "other");
        participation.postRoot(0, 0, rootOf(entries), 1);
        uint64 round = uint64(bound(later, 1, type(uint16).max));
        vm.warp(GENESIS + 20 * uint256(round));
        if (counted) assertEq(countEntry(0, entries, 1), 1, "counted");
        if (afterOther) participation.attestBatch(0, round, entriesOf(1, round));
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Contradicted(0, vm.addr(0xD000), 0);
        vm.prank(address(0xBEEF));
        participation.contradict(0, 0, entries[0], entries[1]);
        assertEq(attestations(0), afterOther ? 1 : 0, "the round is lost, and no other");
        assertTrue(participation.hasContradicted(0, vm.addr(0xD000), 0), "known");
        assertEq(countEntry(0, entries, 0) + countEntry(0, entries, 1), 0, "neither counts");
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.AlreadyContradicted.selector, 0, vm.addr(0xD000), 0)
        );
        participation.contradict(0, 0, entries[1], entries[0]);
        if (!afterOther) participation.attestBatch(0, round, entriesOf(1, round));
        assertEq(attestations(0), 1, "other rounds count");
    }

    function test_contradict_revertsIfThereIsNoContradiction() external {
        IParticipation.SignedAttestation memory a = entry(0, 0);
        assertNoContradiction(a, a);
        // Of two devices, of two rounds, and of nobody.
        assertNoContradiction(a, entry(1, 0));
        assertNoContradiction(a, entry(0, 1));
        assertNoContradiction(entry(0, 1), a);
        IParticipation.SignedAttestation memory forged = entry(1, 0);
        forged.device = a.device;
        assertNoContradiction(a, forged);
        assertNoContradiction(forged, a);
        IParticipation.SignedAttestation memory nobody;
        IParticipation.SignedAttestation memory nobodyElse;
        nobodyElse.rolloutDigest = "other";
        assertNoContradiction(nobody, nobodyElse);
        // A round that has not begun: the device could be kept out of every round before it.
        IParticipation.SignedAttestation memory early = entry(0, 1);
        IParticipation.SignedAttestation memory other =
            signedAttestation(address(participation), 0xD000, 1, "other", "other");
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NotYet)
        );
        participation.contradict(0, 1, early, other);
        assertEq(attestations(0), 0, "nothing changed");
    }

    function assertNoContradiction(
        IParticipation.SignedAttestation memory one,
        IParticipation.SignedAttestation memory other
    ) private {
        vm.expectRevert(IParticipation.NoContradiction.selector);
        participation.contradict(0, 0, one, other);
    }

    /// @dev The device put contradicting attestations under a root. The first that is counted decides.
    function testFuzz_attestFromRoot_countsOneOfContradictingEntries(uint8 first, uint8 second) external {
        IParticipation.SignedAttestation[] memory entries = new IParticipation.SignedAttestation[](8);
        for (uint256 i; i < 8; ++i) {
            entries[i] = signedAttestation(address(participation), 0xD000, 0, bytes32(i), bytes32(i));
        }
        participation.postRoot(0, 0, rootOf(entries), 8);
        // Another root of the round does not give another count.
        IParticipation.SignedAttestation[] memory alone = new IParticipation.SignedAttestation[](1);
        alone[0] = entries[second % 8];
        participation.postRoot(0, 0, rootOf(alone), 1);
        vm.warp(GENESIS + 365 days);
        vm.expectEmit(true, true, true, true, address(participation));
        emit IParticipation.Attested(
            0, vm.addr(0xD000), 0, bytes32(uint256(first % 8)), bytes32(uint256(first % 8))
        );
        assertEq(countEntry(0, entries, first % 8), 1, "the first counts");
        assertEq(countEntry(0, entries, second % 8), 0, "no second");
        assertEq(countEntry(0, alone, 0), 0, "nor from another root");
        assertEq(attestations(0), 1, "one attestation");
    }

    function test_postRoot_revertsIfRoundIsNotOpen() external {
        assertPostRootReverts(1, IParticipation.Refusal.NotYet);
        vm.warp(GENESIS + 60);
        assertPostRootReverts(0, IParticipation.Refusal.Closed);
        participation.postRoot(0, 1, "root", 1);
        uint256 first = participation.postedAt(0, 1, "root");
        vm.warp(GENESIS + 61);
        participation.postRoot(0, 1, "root", 1);
        assertEq(participation.postedAt(0, 1, "root"), first, "the first time is kept");
    }

    function assertPostRootReverts(uint64 round, IParticipation.Refusal reason) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        participation.postRoot(0, round, "root", 1);
    }

    function test_attestFromRoot_skipsEntryNotInRoot() external {
        (IParticipation.SignedAttestation[] memory entries, bytes32 root) = postEntries(6, 0);
        bytes32[] memory proof = proofOf(entries, 2);
        bytes32[] memory other = proofOf(entries, 3);
        IParticipation.SignedAttestation memory forged = entries[2];
        forged.rolloutDigest ^= bytes32(uint256(1));
        assertNotCounted(root, forged, proof);
        assertNotCounted(root, entries[2], other);
        assertNotCounted(root, entry(77, 0), proof);
        // An empty proof.
        assertNotCounted(root, entries[2], new bytes32[](0));
        // The same root for another round, for which it was not posted.
        entries[2] = entry(2, 0);
        assertFalse(participation.isIncluded(0, 1, root, entries[2], proof), "another round");
        vm.expectRevert(abi.encodeWithSelector(IParticipation.NotPosted.selector, 0, 1, root));
        countWithProof(1, root, entries[2], proof);
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        participation.attestFromRoot(
            0, 0, root, new IParticipation.SignedAttestation[](0), new bytes32[][](0)
        );
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 2));
        participation.attestFromRoot(0, 0, root, entriesOf(1, 0), new bytes32[][](2));
    }

    function assertNotCounted(
        bytes32 root,
        IParticipation.SignedAttestation memory one,
        bytes32[] memory proof
    ) private {
        assertFalse(participation.isIncluded(0, 0, root, one, proof), "not included");
        assertEq(countWithProof(0, root, one, proof), 0, "not counted");
    }

    /// @dev A root may contain anything. Entries that the named device did not sign do not count.
    function test_attestFromRoot_skipsUnsignedEntry() external {
        IParticipation.SignedAttestation[] memory entries = entriesOf(4, 0);
        entries[1].checkpointRoot = "changed";
        entries[2].device = address(0);
        entries[2].r = 0;
        entries[3] = entry(3, 1);
        bytes32 root = rootOf(entries);
        participation.postRoot(0, 0, root, 4);
        assertTrue(participation.isIncluded(0, 0, root, entries[0], proofOf(entries, 0)), "signed");
        for (uint256 i = 1; i < 4; ++i) {
            assertNotCounted(root, entries[i], proofOf(entries, i));
        }
    }

    function test_attestFromRoot_skipsRevokedDevice() external {
        bindDevice(identity, 0xA11CE, 0xD000);
        (IParticipation.SignedAttestation[] memory entries, bytes32 root) = postEntries(3, 0);
        vm.prank(vm.addr(0xA11CE));
        identity.revoke(vm.addr(0xD000));
        assertTrue(
            participation.isIncluded(0, 0, root, entries[0], proofOf(entries, 0)), "the entry is included"
        );
        assertEq(countEntry(0, entries, 0), 0, "a revoked device is skipped");
        assertEq(countEntry(0, entries, 1), 1, "another device counts");
    }

    /// @dev The same where a round is not among the 64 that a tally holds: before them, or after them.
    function test_attestFromRoot_skipsRevokedDeviceOnOtherPage() external {
        (IParticipation.SignedAttestation[] memory first,) = postEntries(1, 0);
        vm.warp(GENESIS + 20 * 100);
        participation.attestBatch(0, 100, entriesOf(1, 100));
        vm.warp(GENESIS + 20 * 200);
        (IParticipation.SignedAttestation[] memory last,) = postEntries(1, 200);
        bindDevice(identity, 0xA11CE, 0xD000);
        vm.prank(vm.addr(0xA11CE));
        identity.revoke(vm.addr(0xD000));
        assertEq(countEntry(0, first, 0), 0, "an earlier round");
        assertEq(countEntry(200, last, 0), 0, "a later round");
        assertEq(attestations(0), 1, "nothing more counts");
    }

    function test_postRoot_acceptsSecondRootForRound() external {
        postEntries(2, 0);
        IParticipation.SignedAttestation[] memory other = new IParticipation.SignedAttestation[](1);
        other[0] = entry(50, 0);
        participation.postRoot(0, 0, rootOf(other), 1);
        assertEq(countEntry(0, other, 0), 1, "counted");
    }
}
