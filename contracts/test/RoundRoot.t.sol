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
        participation.postRoot(round, root, count);
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
        return participation.attestFromRoot(round, root, some, proofs);
    }

    function attestations(uint256 i) private view returns (uint256) {
        return participation.recordOf(vm.addr(0xD000 + i)).attestations;
    }

    function test_attestFromRoot_countsEveryEntryOnce() external {
        for (uint64 size = 1; size <= 9; ++size) {
            uint64 round = size - 1;
            vm.warp(GENESIS + 20 * round);
            (IParticipation.SignedAttestation[] memory entries, bytes32 root) = postEntries(size, round);
            assertEq(participation.postedAt(round, root), block.timestamp, "posted");
            for (uint256 i; i < size; ++i) {
                assertTrue(participation.isIncluded(round, root, entries[i], proofOf(entries, i)), "included");
                assertEq(countEntry(round, entries, i), 1, "counted");
                assertEq(countEntry(round, entries, i), 0, "counted once");
            }
        }
        assertEq(attestations(0), 9, "nine attestations");
        assertEq(attestations(8), 1, "one attestation");
    }

    function test_attestFromRoot_countsLongAfterRound() external {
        (IParticipation.SignedAttestation[] memory entries,) = postEntries(5, 0);
        vm.warp(GENESIS + 365 days);
        assertEq(countEntry(0, entries, 3), 1, "counted");
        assertEq(attestations(3), 1, "one attestation");
        // The rounds of a device count in ascending order.
        vm.warp(GENESIS + 365 days + 20);
        (IParticipation.SignedAttestation[] memory later,) = postEntries(5, participation.currentRound());
        assertEq(countEntry(participation.currentRound(), later, 4), 1, "the later round is counted first");
        assertEq(countEntry(0, entries, 4), 0, "then the older round is skipped");
    }

    function test_postRoot_revertsIfRoundIsNotOpen() external {
        assertPostRootReverts(1, IParticipation.Refusal.NotYet);
        vm.warp(GENESIS + 60);
        assertPostRootReverts(0, IParticipation.Refusal.Closed);
        participation.postRoot(1, "root", 1);
        uint256 first = participation.postedAt(1, "root");
        vm.warp(GENESIS + 61);
        participation.postRoot(1, "root", 1);
        assertEq(participation.postedAt(1, "root"), first, "the first time is kept");
    }

    function assertPostRootReverts(uint64 round, IParticipation.Refusal reason) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        participation.postRoot(round, "root", 1);
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
        assertFalse(participation.isIncluded(1, root, entries[2], proof), "another round");
        vm.expectRevert(abi.encodeWithSelector(IParticipation.NotPosted.selector, 1, root));
        countWithProof(1, root, entries[2], proof);
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        participation.attestFromRoot(0, root, new IParticipation.SignedAttestation[](0), new bytes32[][](0));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 2));
        participation.attestFromRoot(0, root, entriesOf(1, 0), new bytes32[][](2));
    }

    function assertNotCounted(
        bytes32 root,
        IParticipation.SignedAttestation memory one,
        bytes32[] memory proof
    ) private {
        assertFalse(participation.isIncluded(0, root, one, proof), "not included");
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
        participation.postRoot(0, root, 4);
        assertTrue(participation.isIncluded(0, root, entries[0], proofOf(entries, 0)), "signed");
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
            participation.isIncluded(0, root, entries[0], proofOf(entries, 0)), "the entry is included"
        );
        assertEq(countEntry(0, entries, 0), 0, "a revoked device is skipped");
        assertEq(countEntry(0, entries, 1), 1, "another device counts");
    }

    function test_postRoot_acceptsSecondRootForRound() external {
        postEntries(2, 0);
        IParticipation.SignedAttestation[] memory other = new IParticipation.SignedAttestation[](1);
        other[0] = entry(50, 0);
        participation.postRoot(0, rootOf(other), 1);
        assertEq(countEntry(0, other, 0), 1, "counted");
    }
}
