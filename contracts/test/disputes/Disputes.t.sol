// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ChessClock} from "../../src/disputes/ChessClock.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {Game} from "./Game.sol";
import {Trees} from "./Trees.sol";
import {World} from "./World.sol";

/// @notice The properties of the game, each by a test that fails without it.
contract DisputesTest is Game {
    bool public constant IS_TEST = true;

    function lieIn(uint256 place, uint256 slot, uint32 mask) private pure returns (World.State memory) {
        return World.run(World.Lie(place, slot, 1027, mask));
    }

    /// @dev One honest challenger beats the claim, is paid, and the claim can never stand.
    function beaten(World.State memory lie) private {
        uint256 id = claimed(lie.root);
        uint256 game = challenged(id, CHALLENGER);
        playOut(game, lie, honest(), 0);
        IDisputes.Claim memory c = disputes.claimOf(id);
        yes(c.lost, "the lie lost");
        no(disputes.stands(id), "and does not stand");
        uint256 bond = disputes.challengeBond(terms);
        eq(disputes.credit(CHALLENGER), bond + c.bond / 2, "bond back, and the reward");
        eq(disputes.credit(CLAIMANT), 0, "nothing for the liar");
        eq(disputes.burned(), c.bond - c.bond / 2, "the rest is burned");
        eq(address(disputes).balance, bond + c.bond, "and all is there");
        vm.warp(block.timestamp + 30 days);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        disputes.settle(id);
    }

    // ------------------------------------------------------------ lies, slot by slot

    function test_wrongState() external {
        beaten(lieIn(1, World.W, 0x00400000));
    }

    function test_swappedBatch() external {
        beaten(lieIn(2, World.X, 1));
    }

    function test_wrongTable() external {
        beaten(lieIn(0, World.T, 1));
    }

    function test_wrongMetadata() external {
        beaten(lieIn(1, World.META, 1));
    }

    function test_oneBitOfOneElement() external {
        beaten(lieIn(1, World.SUM, 0x00400000));
    }

    function test_wrongFold() external {
        beaten(lieIn(0, World.NORM, 0x00400000));
    }

    function test_wrongScale() external {
        beaten(lieIn(2, World.CLIP, 0x00400000));
    }

    function test_wrongUpdate() external {
        beaten(lieIn(2, World.NEXT, 0x80000000));
    }

    function test_rootNotComposedOfTheTrace() external {
        beaten(lieIn(1, World.LAST, 1));
    }

    function test_skippedStep() external {
        World.State memory lie = honest();
        World.Step memory skipped = lie.steps[1];
        skipped.roots[World.LAST] = skipped.before;
        lie.steps[2] = lie.steps[1];
        for (uint256 i = 1; i < 3; ++i) {
            lie.steps[i].leaves[World.LAST] = sha256(bytes.concat(hex"00", skipped.before));
            lie.stepLeaves[i] = lie.steps[i].leaves[World.LAST];
        }
        lie.root = Trees.root(lie.stepLeaves);
        beaten(lie);
    }

    function test_withheldTrace() external {
        uint256 id = claimed(keccak256("nothing behind it"));
        uint256 game = challenged(id, CHALLENGER);
        vm.warp(block.timestamp + BUDGET);
        vm.expectRevert(IDisputes.StillInTime.selector);
        disputes.timeout(game);
        vm.warp(block.timestamp + 1);
        disputes.timeout(game);
        yes(disputes.claimOf(id).lost, "silence loses");
    }

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_noLieStands(uint256 place, uint256 slot, uint256 element, uint32 mask) external {
        World.Lie memory lie =
            World.Lie(place % World.STEPS, slot % World.SLOTS, element, mask | uint32(1) << (mask % 32));
        World.State memory wrong = World.run(lie);
        // A bit that the rest of the step rounds away is no lie about any checkpoint.
        vm.assume(wrong.root != honest().root);
        beaten(wrong);
    }

    // ------------------------------------------------------------ false challenges

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_honestClaimBeatsAnyChallenger(uint256 seed) external {
        World.State memory truth = honest();
        uint256 id = claimed(truth.root);
        uint256 game = challenged(id, CHALLENGER);
        playOut(game, truth, truth, within(seed, 1, type(uint256).max));
        no(disputes.claimOf(id).lost, "the truth did not lose");
        eq(disputes.credit(CLAIMANT), disputes.challengeBond(terms), "and got the bond");
        vm.warp(block.timestamp + WINDOW + 1);
        disputes.settle(id);
        yes(disputes.stands(id), "and stands");
        uint256 had = CLAIMANT.balance;
        gvm.prank(CLAIMANT);
        disputes.withdraw();
        eq(CLAIMANT.balance, had + disputes.challengeBond(terms) + disputes.claimBond(terms), "all of it");
        vm.expectRevert(IDisputes.NothingToWithdraw.selector);
        gvm.prank(CLAIMANT);
        disputes.withdraw();
        eq(address(disputes).balance, 0, "nothing is left");
    }

    function test_everyElementOfAFalseChallenge() external {
        World.State memory truth = honest();
        uint256 id = claimed(truth.root);
        // A challenger whose own numbers are wrong in one place after another, each a game of its own.
        for (uint256 slot; slot < World.SLOTS; ++slot) {
            World.State memory wrong = lieIn(slot % 3, slot, 0x00400000);
            uint256 game = challenged(id, CHALLENGER);
            playOut(game, truth, wrong, 0);
            no(disputes.claimOf(id).lost, "still true");
        }
        eq(disputes.credit(CLAIMANT), World.SLOTS * disputes.challengeBond(terms), "paid for each");
    }

    // ------------------------------------------------------------ many challengers

    function test_aFriendWhoLosesChangesNothing() external {
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 id = claimed(lie.root);
        uint256 puppet = challenged(id, FRIEND);
        uint256 real = challenged(id, CHALLENGER);
        // The friend never answers.
        claimantMoves(puppet, disputes.gameOf(puppet), lie);
        claimantMoves(real, disputes.gameOf(real), lie);
        vm.warp(block.timestamp + BUDGET);
        challengerMoves(real, disputes.gameOf(real), lie, honest(), 0);
        vm.warp(block.timestamp + 1);
        disputes.timeout(puppet);
        no(disputes.claimOf(id).lost, "the friend lost");
        vm.expectRevert(IDisputes.GamesLive.selector);
        disputes.settle(id);
        playOut(real, lie, honest(), 0);
        yes(disputes.claimOf(id).lost, "the other game went on");
    }

    function test_othersGetTheirBondBackWhenTheClaimIsLost() external {
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 id = claimed(lie.root);
        uint256 first = challenged(id, CHALLENGER);
        uint256 second = challenged(id, FRIEND);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.release(second);
        playOut(first, lie, honest(), 0);
        // No move after the end.
        no(claimantMoves(second, disputes.gameOf(second), lie), "no move");
        vm.warp(block.timestamp + 30 days);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.timeout(second);
        disputes.release(second);
        // One move of theirs against five: no more and no less than the reward is paid out.
        uint256 reward = disputes.claimBond(terms) / 2;
        eq(disputes.credit(FRIEND), disputes.challengeBond(terms) + reward - reward * 5 / 6, "whole");
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.release(second);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.timeout(first);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        this.challengeAgain(id);
        eq(disputes.claimOf(id).liveGames, 0, "none live");
    }

    function challengeAgain(uint256 id) external {
        challenged(id, CHALLENGER);
    }

    // ------------------------------------------------------------ time

    function test_theWindowClosesAndOnlyThenTheClaimStands() external {
        uint256 id = claimed(honest().root);
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        disputes.settle(id);
        vm.warp(block.timestamp + 1);
        uint256 bond = disputes.challengeBond(terms);
        gvm.deal(address(this), bond);
        vm.expectRevert(IDisputes.WindowClosed.selector);
        disputes.challenge{value: bond}(id, terms);
        disputes.settle(id);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        disputes.settle(id);
        eq(disputes.credit(CLAIMANT), disputes.claimBond(terms), "once");
    }

    function test_aLateMoveIsNoMove() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        vm.warp(block.timestamp + BUDGET + 1);
        no(claimantMoves(game, disputes.gameOf(game), truth), "too late");
        disputes.timeout(game);
        eq(disputes.credit(CHALLENGER) > 0 ? 1 : 0, 1, "the silent side lost");
    }

    function test_theClockOfTheSideToMoveRunsDown() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        vm.warp(block.timestamp + 1000);
        claimantMoves(game, disputes.gameOf(game), truth);
        eq(disputes.gameOf(game).clock.claimantLeft, BUDGET - 1000, "the claimant's");
        eq(disputes.gameOf(game).clock.challengerLeft, BUDGET, "not the other's");
        vm.warp(block.timestamp + 500);
        challengerMoves(game, disputes.gameOf(game), truth, truth, 0);
        eq(disputes.gameOf(game).clock.challengerLeft, BUDGET - 500, "the challenger's");
    }

    function test_aMoveAtTheLastSecondLeavesTimeToAnswer() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        vm.warp(block.timestamp + BUDGET);
        claimantMoves(game, disputes.gameOf(game), truth);
        vm.warp(block.timestamp + BUDGET);
        challengerMoves(game, disputes.gameOf(game), truth, truth, 0);
        eq(disputes.gameOf(game).clock.claimantLeft, EXTENSION, "extended");
        // The step is opened, nodes of its trace are shown: then it is the challenger's turn, who had no time left either.
        claimantMoves(game, disputes.gameOf(game), truth);
        claimantMoves(game, disputes.gameOf(game), truth);
        eq(disputes.gameOf(game).clock.challengerLeft, EXTENSION, "and so is the other");
    }

    /// @dev The game ends by the time that maxSeconds names, however late every move is.
    function test_theSlowestGameEndsInTime() external {
        World.State memory truth = honest();
        uint256 began = block.timestamp;
        uint256 id = claimed(truth.root);
        vm.warp(block.timestamp + WINDOW);
        uint256 game = challenged(id, CHALLENGER);
        while (!over(game)) {
            IDisputes.Game memory g = disputes.gameOf(game);
            vm.warp(g.clock.since + (g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft));
            yes(step(game, truth, truth, 7), "a move in the last second counts");
        }
        yes(block.timestamp - began <= disputes.maxSeconds(terms), "in time");
    }

    // ------------------------------------------------------------ binding

    function test_nodesMustHashToTheDisputedOne() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(truth.stepLeaves, 0, World.STEPS, 4);
        nodes[0] ^= bytes32(uint256(1));
        vm.expectRevert(IDisputes.DoesNotHash.selector);
        gvm.prank(CLAIMANT);
        disputes.reveal(game, nodes);
    }

    function test_onlyRevealedNodesCanBePicked() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        claimantMoves(game, disputes.gameOf(game), truth);
        bytes32[] memory nodes = Trees.frontier(truth.stepLeaves, 0, World.STEPS, 4);
        nodes[2] ^= bytes32(uint256(1));
        vm.expectRevert(IDisputes.NotAsCommitted.selector);
        gvm.prank(CHALLENGER);
        disputes.pick(game, 2, nodes);
    }

    /// @dev Each level is bound to the one above: a liar with true traces of other steps has nothing to show.
    function test_aTraceOfAnotherStepIsNoTrace() external {
        World.State memory lie = honest();
        // The claim is that step 1 gave what no trace gives; shown is the honest trace of step 1.
        lie.stepLeaves[1] = sha256(bytes.concat(hex"00", keccak256("lie")));
        lie.root = Trees.root(lie.stepLeaves);
        beaten(lie);
    }

    function test_theStateBeforeIsThatOfTheStepBefore() external {
        // Step 1 starts over from the first checkpoint, correctly computed from there.
        World.State memory lie = honest();
        lie.steps[1] = World.run(World.Lie(0, 0, 0, 0)).steps[0];
        for (uint256 slot; slot < World.SLOTS; ++slot) {
            lie.steps[1].leaves[slot] = lie.steps[1].leaves[slot];
        }
        lie.stepLeaves[1] = lie.steps[1].leaves[World.LAST];
        lie.root = Trees.root(lie.stepLeaves);
        beaten(lie);
    }

    function test_onlyTheTermsOfTheClaimCount() external {
        World.State memory truth = honest();
        uint256 id = claimed(truth.root);
        uint256 bond = disputes.challengeBond(terms);
        IDisputes.Terms memory other = terms;
        other.initial = keccak256("another");
        gvm.deal(address(this), bond);
        vm.expectRevert(IDisputes.NotAsCommitted.selector);
        disputes.challenge{value: bond}(id, other);
    }

    function test_bondsAreExact() external {
        uint256 bond = disputes.claimBond(terms);
        gvm.deal(address(this), 10 * bond);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongBond.selector, bond));
        disputes.claim{value: bond - 1}(terms, bytes32(0));
        uint256 id = claimed(bytes32(0));
        bond = disputes.challengeBond(terms);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongBond.selector, bond));
        disputes.challenge{value: bond + 1}(id, terms);
    }

    function test_onlyThePlayersMove() external {
        World.State memory truth = honest();
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(truth.stepLeaves, 0, World.STEPS, 4);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.reveal(game, nodes);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        gvm.prank(CHALLENGER);
        disputes.pick(game, 0, nodes);
        gvm.prank(CLAIMANT);
        disputes.reveal(game, nodes);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        gvm.prank(CLAIMANT);
        disputes.pick(game, 0, nodes);
    }

    function playedTo(IDisputes.Phase phase, World.State memory lie) private returns (uint256 game) {
        game = challenged(claimed(lie.root), CHALLENGER);
        World.State memory truth = honest();
        while (disputes.gameOf(game).phase != phase) {
            yes(step(game, lie, truth, 0), "a move");
        }
    }

    function refused(uint256 game, bytes memory move) private {
        IDisputes.Phase phase = disputes.gameOf(game).phase;
        no(_send(CLAIMANT, move), "refused");
        yes(disputes.gameOf(game).phase == phase, "and nothing changed");
    }

    /// @dev A liar would have the judge take operands that make its element right.
    function test_operandsAreThoseOfTheTrace() external {
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Judge, lie);
        World.Step memory place = lie.steps[1];
        IDisputes.Slot memory slot = World.slots()[World.SUM];
        // w is now the lie, and x is nothing.
        place.tensors[World.W] = place.tensors[World.SUM];
        place.tensors[World.X] = new bytes(4 * World.LENGTH);
        IDisputes.Opening[] memory openings = openingsOf(place, slot);
        IDisputes.Input[] memory inputs = inputsOf(place, slot);
        refused(game, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
        inputs[0].root = World.tensorRoot(place.tensors[World.W]);
        inputs[1].root = World.tensorRoot(place.tensors[World.X]);
        refused(game, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
        // Nor is another slot of the program the one in dispute.
        IDisputes.Slot memory other = World.slots()[World.NEXT];
        refused(
            game,
            abi.encodeCall(
                IDisputes.judge, (game, terms, other, inputsOf(place, other), openingsOf(place, other))
            )
        );
    }

    function test_aLeafIsOneOfItsTensor() external {
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Leaf, lie);
        bytes memory truth = Trees.piece(honest().steps[1].tensors[World.SUM], 1);
        refused(game, abi.encodeCall(IDisputes.openLeaf, (game, truth)));
        refused(game, abi.encodeCall(IDisputes.openLeaf, (game, bytes.concat(truth, hex"00000000"))));
    }

    function test_sumsComeToTheElement() external {
        World.State memory lie = lieIn(1, World.NORM, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Fold, lie);
        IDisputes.Slot memory slot = World.slots()[World.NORM];
        uint32[] memory truth = World.accumulators(lie.steps[1], slot, 0);
        refused(game, abi.encodeCall(IDisputes.postFold, (game, slot, truth)));
    }

    /// @dev The tensor of another slot, with that slot's own proof, is not the disputed one.
    function test_aTensorIsThatOfItsSlot() external {
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Slot, lie);
        IDisputes.Input[] memory none;
        bytes32[] memory proof = Trees.proof(World.slotLeaves(), World.SUM);
        IDisputes.Slot memory slot = World.slots()[World.SUM];
        bytes32 tensor = honest().steps[1].roots[World.SUM];
        refused(game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none)));
        proof = Trees.proof(World.slotLeaves(), World.NORM);
        slot = World.slots()[World.NORM];
        tensor = lie.steps[1].roots[World.SUM];
        refused(game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none)));
    }

    /// @dev A batch of another step is not this one's, though it is in the data.
    function test_dataOfAnotherStep() external {
        World.State memory lie = lieIn(1, World.X, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Slot, lie);
        IDisputes.Input[] memory inputs = new IDisputes.Input[](1);
        inputs[0].proof = Trees.proof(World.dataLeaves(), 0);
        bytes32[] memory proof = Trees.proof(World.slotLeaves(), World.X);
        bytes32 tensor = lie.steps[1].roots[World.X];
        IDisputes.Slot memory slot = World.slots()[World.X];
        refused(game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, inputs)));
    }

    /// @dev The trace shown ends in the root that was claimed, and the step began where the one before ended.
    function test_aStepIsBoundOnBothSides() external {
        World.State memory truth = honest();
        World.State memory lie = lieIn(1, World.SUM, 0x00400000);
        uint256 game = playedTo(IDisputes.Phase.Step, lie);
        World.Step memory own = lie.steps[1];
        World.Step memory other = truth.steps[1];
        bytes32[] memory before = Trees.proof(lie.stepLeaves, 0);
        bytes32[] memory last = Trees.proof(other.leaves, World.LAST);
        bytes32 claimed_ = own.roots[World.LAST];
        bytes32 trace = Trees.root(other.leaves);
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, claimed_, own.before, before, trace, last));
        refused(game, move);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, other.roots[World.LAST], own.before, before, trace, last)
        );
        refused(game, move);
        last = Trees.proof(own.leaves, World.LAST);
        trace = Trees.root(own.leaves);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, other.roots[World.LAST], own.before, before, trace, last)
        );
        refused(game, move);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, claimed_, truth.steps[0].before, before, trace, last)
        );
        refused(game, move);
    }

    function test_badTermsMakeNoClaim() external {
        IDisputes.Terms memory bad = terms;
        bad.steps = 0;
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim(bad, bytes32(0));
        bad.steps = 3;
        bad.slots = 1;
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim(bad, bytes32(0));
    }

    /// @dev A tree deeper than one reveal: the leaf reached is the one picked, wherever its subtree begins.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aPickKeepsItsPlaceInTheTree(uint256 size, uint256 leaf) external {
        size = within(size, 1, 300);
        leaf %= size;
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(i));
        }
        terms.steps = uint32(size);
        uint256 game = challenged(claimed(Trees.root(leaves)), CHALLENGER);
        IDisputes.Game memory g = disputes.gameOf(game);
        while (g.phase == IDisputes.Phase.Steps) {
            bytes32[] memory nodes = Trees.frontier(leaves, g.first, g.size, 4);
            yes(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
            uint256 index;
            while (true) {
                (uint256 first, uint256 count) = Merkle.part(g.size, 4, index);
                if (g.first + first + count > leaf) break;
                ++index;
            }
            yes(_send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, index, nodes))), "picked");
            g = disputes.gameOf(game);
        }
        eq(g.step, leaf, "step");
        eq(g.node, leaves[leaf], "its leaf");
    }
}
