// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../../src/IJobs.sol";
import {ITrainingRecord} from "../../src/ITrainingRecord.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {Trees} from "../disputes/Trees.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// @notice Who is named for a checkpoint: nobody can take another's place by copying its claim, or by terms
/// that are true of any root.
contract ProvenanceTest is MarketFixture {
    address private constant COPIER = address(0xBAD);

    bytes32 private run;

    function setUp() public {
        deployMarket();
        fund(COPIER);
        run = training.open(termsOf(1));
    }

    // ------------------------------------------------------------ copied claims

    function recordAll(uint256 claim) private {
        if (!disputes.stands(claim)) disputes.settle(claim);
        training.record(run, claim, 2, rootAfter(1, 2), proofOf(1, 2));
    }

    function commitAs(address who, uint256 seed) private {
        training.commit(training.commitmentTo(who, hashOf(termsOf(seed)), Trees.root(leaves(seed))));
    }

    function test_record_namesAuthorIfCopierRecordsFirst() external {
        uint256 honest = claimRun(WORKER, 1);
        vm.warp(block.timestamp + 1);
        uint256 copy = claimRun(COPIER, 1);
        passWindow();
        recordAll(copy);
        assertEq(training.checkpointOf(run, 2).contributor, COPIER, "the only claim so far");
        disputes.settle(honest);
        vm.expectEmit(true, true, true, true, address(training));
        emit ITrainingRecord.Recorded(run, rootAfter(1, 2), WORKER, 2, honest);
        recordAll(honest);
        assertEq(training.checkpointOf(run, 2).contributor, WORKER, "the earlier claim");
        assertEq(training.checkpointOf(run, 2).claim, honest, "number of the earlier claim");
        recordAll(copy);
        assertEq(training.checkpointOf(run, 2).contributor, WORKER, "and it stays");
        assertFalse(training.checkpointOf(run, 2).contradicted, "both say the same");
    }

    /// @dev The copier sees the claim before it is in a block and has its own included first, with a
    /// commitment too.
    function test_commit_beatsCopyThatIsIncludedFirst() external {
        commitAs(WORKER, 1);
        commitAs(COPIER, 1);
        uint256 copy = claimRun(COPIER, 1);
        uint256 honest = claimRun(WORKER, 1);
        assertLt(training.rankOf(honest), training.rankOf(copy), "the earlier commitment");
        passWindow();
        recordAll(honest);
        recordAll(copy);
        assertEq(training.checkpointOf(run, 2).contributor, WORKER, "the author");
    }

    function test_commit_countsFromItsPlaceAmongClaims() external {
        uint256 before = claimRun(OTHER, 1);
        commitAs(WORKER, 1);
        uint256 between = claimRun(COPIER, 1);
        uint256 honest = claimRun(WORKER, 1);
        assertLt(training.rankOf(before), training.rankOf(honest), "claims before the commitment");
        assertLt(training.rankOf(honest), training.rankOf(between), "claims after it");
        // A commitment after the claim changes nothing.
        uint256 rank = training.rankOf(between);
        commitAs(COPIER, 1);
        assertEq(training.rankOf(between), rank, "too late");
    }

    /// @dev A commitment binds author, run and root: one for another of them does not help.
    function test_commit_countsForItsClaimOnly() external {
        commitAs(WORKER, 2);
        commitAs(OTHER, 1);
        training.commit(training.commitmentTo(WORKER, run, "another root"));
        training.commit(training.commitmentTo(WORKER, hashOf(termsOf(2)), Trees.root(leaves(1))));
        uint256 first = claimRun(COPIER, 1);
        uint256 honest = claimRun(WORKER, 1);
        assertLt(training.rankOf(first), training.rankOf(honest), "in the order of the claims");
        bytes32 commitment = training.commitmentTo(WORKER, run, "another root");
        assertTrue(training.isCommitted(commitment), "committed");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.AlreadyCommitted.selector, commitment));
        training.commit(commitment);
    }

    /// @dev Four claims, one of them with other roots, are recorded in any order, some of them twice. The
    /// earliest is kept, and the contradiction is noted.
    function testFuzz_record_doesNotDependOnOrder(uint256 order, uint8 committed) external {
        address[4] memory authors = [COPIER, OTHER, WORKER, CHALLENGER];
        uint256 liar = order % 5;
        uint256[4] memory claims;
        if (committed % 8 < 4) commitAs(authors[committed % 8], 1);
        for (uint256 i; i < 4; ++i) {
            claims[i] = claimRoot(authors[i], 1, Trees.root(leaves(i == liar ? 9 : 1)));
        }
        passWindow();
        uint256 earliest = committed % 8 < 4 && committed % 8 != liar ? committed % 8 : 0;
        for (uint256 i; i < 8; ++i) {
            // Each of the first four comes up once, then any four.
            uint256 which = i < 4 ? (order >> 8) % 4 ^ i : uint256(keccak256(abi.encode(order, i))) % 4;
            uint256 seed = which == liar ? 9 : 1;
            if (!disputes.stands(claims[which])) disputes.settle(claims[which]);
            training.record(run, claims[which], 2, rootAfter(seed, 2), proofOf(seed, 2));
        }
        ITrainingRecord.Checkpoint memory c = training.checkpointOf(run, 2);
        assertEq(c.contributor, authors[earliest], "the author of the earliest claim");
        assertEq(c.claim, claims[earliest], "its claim");
        assertEq(c.root, rootAfter(earliest == liar ? 9 : 1, 2), "its root");
        assertEq(c.contradicted, liar < 4, "whether another root stands");
    }

    // ------------------------------------------------------------ terms that are true of any root

    /// @dev Terms of two slots, the last of which fixes the root: under them it is true that the checkpoint
    /// after the step is this root.
    function tautology(bytes32 root) private pure returns (IDisputes.Terms memory) {
        IDisputes.Slot memory s;
        (s.kind, s.name) = (IDisputes.Kind.Fixed, abi.encodePacked(root));
        bytes32[] memory two = new bytes32[](2);
        two[0] = two[1] = Merkle.leaf(abi.encode(s));
        return IDisputes.Terms(Trees.root(two), bytes32("none"), bytes32("nothing"), 1, 2, 1);
    }

    function claimTautology(bytes32 root) private returns (uint256) {
        IDisputes.Terms memory terms = tautology(root);
        uint256 bond = disputes.claimBond(terms);
        bytes32 leaf = Merkle.leaf(root);
        vm.prank(COPIER);
        return disputes.claim{value: bond}(terms, leaf);
    }

    /// @dev The root is recorded under both runs, and the record calls neither its origin: a reader asks for
    /// the run whose terms it knows.
    function test_record_keepsRunsApartIfRootsAreEqual() external {
        bytes32 root = rootAfter(1, 2);
        uint256 empty = claimTautology(root);
        uint256 honest = claimRun(WORKER, 1);
        passWindow();
        disputes.settle(empty);
        bytes32 other = training.open(tautology(root));
        training.record(other, empty, 0, root, new bytes32[](0));
        recordAll(honest);
        assertEq(training.checkpointOf(run, 2).contributor, WORKER, "the run of the author");
        assertEq(training.checkpointOf(run, 2).root, root, "its root");
        assertEq(training.checkpointOf(other, 0).contributor, COPIER, "the run that says nothing");
        assertNotEq(training.runOf(other).program, training.runOf(run).program, "is of another program");
    }

    /// @dev A tally costs gas only, which is why the interface says that it proves nothing.
    function test_count_countsClaimsThatSayNothing() external {
        uint256 first = disputes.claimCount();
        for (uint256 i; i < 5; ++i) {
            claimTautology(bytes32(i + 1));
        }
        passWindow();
        for (uint256 i; i < 5; ++i) {
            disputes.settle(first + i);
            vm.expectEmit(true, true, true, true, address(training));
            emit ITrainingRecord.Counted(first + i, hashOf(tautology(bytes32(i + 1))), COPIER, true);
            training.count(first + i);
        }
        assertEq(training.tallyOf(COPIER).stood, 5, "stood");
    }

    /// @dev A second model with the same root leads to its own job: another requester, price and terms.
    function test_modelOf_leadsToJobOfItsOwnIfRootsAreEqual() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        deliver(WORKER, job, 1);
        passWindow();
        uint256 model = jobs.accept(job);
        bytes32 root = ownership.modelOf(model).root;
        IJobs.Order memory order = orderOf(1, COIN);
        (order.terms, order.price, order.bond, order.workerShares) = (hashOf(tautology(root)), 1, 0, 0);
        order.steps = 1;
        vm.prank(COPIER);
        uint256 second = jobs.post{value: 1}(order);
        vm.prank(COPIER);
        jobs.claim(second);
        uint256 claim = claimTautology(root);
        IDisputes.Terms memory terms = tautology(root);
        vm.prank(COPIER);
        jobs.deliver(second, claim, terms, root, new bytes32[](0));
        passWindow();
        uint256 copy = jobs.accept(second);
        assertEq(ownership.modelOf(copy).root, root, "the same root");
        uint256 key = uint256(ownership.modelOf(copy).key);
        assertEq(key, second, "the key is the job");
        assertEq(jobs.jobOf(key).requester, COPIER, "which names another requester");
        assertEq(jobs.jobOf(key).price, 1, "another price");
        assertNotEq(jobs.jobOf(key).terms, jobs.jobOf(job).terms, "and other terms");
    }

    // ------------------------------------------------------------ one claim, one job

    function test_deliver_revertsIfClaimWasDeliveredBefore() external {
        uint256 first = post(1, COIN);
        uint256 second = post(1, COIN);
        claimAs(WORKER, first);
        claimAs(WORKER, second);
        uint256 claim = deliver(WORKER, first, 1);
        bytes32[] memory proof = proofOf(1, 2);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadClaim.selector, claim));
        jobs.deliver(second, claim, termsOf(1), rootAfter(1, 2), proof);
        // Another claim serves the other job.
        deliver(WORKER, second, 1);
        passWindow();
        jobs.accept(first);
        jobs.accept(second);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Accepted));
        jobs.deliver(second, claim, termsOf(1), rootAfter(1, 2), proof);
    }
}
