// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {RoundTree} from "./RoundTree.sol";
import {Signing} from "./Signing.sol";

/// @notice A whole round with one root, and what is in it shown and counted later.
contract RoundRootTest is Signing, RoundTree {
    uint256 private constant GENESIS = 1_800_000_000;

    IIdentity private identity;
    IParticipation private book;

    function setUp() public {
        vm.warp(GENESIS);
        identity = deployIdentity();
        book = deployParticipation(identity);
    }

    function entry(uint256 i, uint64 round) private view returns (IParticipation.SignedAttestation memory) {
        return
            signedAttestation(address(book), 0xD000 + i, round, keccak256(abi.encode(i, round)), bytes32(i));
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

    function posted(uint256 count, uint64 round)
        private
        returns (IParticipation.SignedAttestation[] memory entries, bytes32 root)
    {
        entries = entriesOf(count, round);
        root = rootOf(entries);
        book.postRoot(round, root, count);
    }

    /// @dev Counts entry `i` out of a root.
    function counts(uint64 round, IParticipation.SignedAttestation[] memory entries, uint256 i)
        private
        returns (uint256)
    {
        return countAs(round, rootOf(entries), entries[i], proofOf(entries, i));
    }

    function countAs(
        uint64 round,
        bytes32 root,
        IParticipation.SignedAttestation memory one,
        bytes32[] memory proof
    ) private returns (uint256) {
        IParticipation.SignedAttestation[] memory some = new IParticipation.SignedAttestation[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        (some[0], proofs[0]) = (one, proof);
        return book.attestFromRoot(round, root, some, proofs);
    }

    function attestations(uint256 i) private view returns (uint256) {
        return book.recordOf(vm.addr(0xD000 + i)).attestations;
    }

    function test_everyEntryIsShownAndCountedOnce() external {
        for (uint64 size = 1; size <= 9; ++size) {
            uint64 round = size - 1;
            vm.warp(GENESIS + 20 * round);
            (IParticipation.SignedAttestation[] memory entries, bytes32 root) = posted(size, round);
            eq(book.postedAt(round, root), block.timestamp, "posted");
            for (uint256 i; i < size; ++i) {
                yes(book.isIncluded(round, root, entries[i], proofOf(entries, i)), "included");
                eq(counts(round, entries, i), 1, "counted");
                eq(counts(round, entries, i), 0, "once");
            }
        }
        eq(attestations(0), 9, "in nine rounds");
        eq(attestations(8), 1, "in one");
    }

    function test_countsLongAfterTheRound() external {
        (IParticipation.SignedAttestation[] memory entries,) = posted(5, 0);
        vm.warp(GENESIS + 365 days);
        eq(counts(0, entries, 3), 1, "counted");
        eq(attestations(3), 1, "in its record");
        // Rounds count in ascending order.
        vm.warp(GENESIS + 365 days + 20);
        (IParticipation.SignedAttestation[] memory later,) = posted(5, book.currentRound());
        eq(counts(book.currentRound(), later, 4), 1, "the later one first");
        eq(counts(0, entries, 4), 0, "then not the older");
    }

    function test_aRootIsPostedOnlyWhileItsRoundIsOpen() external {
        refused(1, IParticipation.Refusal.NotYet);
        vm.warp(GENESIS + 60);
        refused(0, IParticipation.Refusal.Closed);
        book.postRoot(1, "root", 1);
        uint256 first = book.postedAt(1, "root");
        vm.warp(GENESIS + 61);
        book.postRoot(1, "root", 1);
        eq(book.postedAt(1, "root"), first, "the first time stays");
    }

    function refused(uint64 round, IParticipation.Refusal reason) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        book.postRoot(round, "root", 1);
    }

    function test_whatIsNotInTheRootIsNotCounted() external {
        (IParticipation.SignedAttestation[] memory entries, bytes32 root) = posted(6, 0);
        bytes32[] memory proof = proofOf(entries, 2);
        bytes32[] memory other = proofOf(entries, 3);
        IParticipation.SignedAttestation memory forged = entries[2];
        forged.rolloutDigest ^= bytes32(uint256(1));
        none(root, forged, proof);
        none(root, entries[2], other);
        none(root, entry(77, 0), proof);
        // A node is no leaf.
        none(root, entries[2], new bytes32[](0));
        // The same root under another round was never posted.
        entries[2] = entry(2, 0);
        no(book.isIncluded(1, root, entries[2], proof), "another round");
        vm.expectRevert(abi.encodeWithSelector(IParticipation.NotPosted.selector, 1, root));
        countAs(1, root, entries[2], proof);
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        book.attestFromRoot(0, root, new IParticipation.SignedAttestation[](0), new bytes32[][](0));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 2));
        book.attestFromRoot(0, root, entriesOf(1, 0), new bytes32[][](2));
    }

    function none(bytes32 root, IParticipation.SignedAttestation memory one, bytes32[] memory proof) private {
        no(book.isIncluded(0, root, one, proof), "not included");
        eq(countAs(0, root, one, proof), 0, "not counted");
    }

    /// @dev Whoever posts a root may put anything in it: what is not signed does not count.
    function test_whatNobodySignedIsNotCounted() external {
        IParticipation.SignedAttestation[] memory entries = entriesOf(4, 0);
        entries[1].checkpointRoot = "changed";
        entries[2].device = address(0);
        entries[2].r = 0;
        entries[3] = entry(3, 1);
        bytes32 root = rootOf(entries);
        book.postRoot(0, root, 4);
        yes(book.isIncluded(0, root, entries[0], proofOf(entries, 0)), "signed");
        for (uint256 i = 1; i < 4; ++i) {
            none(root, entries[i], proofOf(entries, i));
        }
    }

    function test_aRevokedDeviceIsNotCounted() external {
        bindDevice(identity, 0xA11CE, 0xD000);
        (IParticipation.SignedAttestation[] memory entries, bytes32 root) = posted(3, 0);
        vm.prank(vm.addr(0xA11CE));
        identity.revoke(vm.addr(0xD000));
        yes(book.isIncluded(0, root, entries[0], proofOf(entries, 0)), "it was said");
        eq(counts(0, entries, 0), 0, "but counts no more");
        eq(counts(0, entries, 1), 1, "others do");
    }

    function test_anotherRootOfTheRoundKeepsNobodyOut() external {
        posted(2, 0);
        IParticipation.SignedAttestation[] memory mine = new IParticipation.SignedAttestation[](1);
        mine[0] = entry(50, 0);
        book.postRoot(0, rootOf(mine), 1);
        eq(counts(0, mine, 0), 1, "counted");
    }
}
