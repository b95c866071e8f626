// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {SampleRun} from "./SampleRun.sol";
import {Trees} from "./Trees.sol";

/// @notice The game of docs/verde.md: faulty claims lose, honest claims stand, and every move is bound to
/// what was committed.
contract DisputesTest is DisputesFixture {
    /// @dev An execution with one wrong word in one slot of one step.
    function faultIn(uint256 step, uint256 slot, uint32 mask)
        private
        pure
        returns (SampleRun.Execution memory)
    {
        return SampleRun.execute(SampleRun.Fault(step, slot, 1027, mask));
    }

    /// @dev One honest challenger beats the claim and is paid, and the claim can never stand.
    function assertClaimLoses(SampleRun.Execution memory faulty) private {
        uint256 id = claimRoot(faulty.root);
        uint256 game = challengeAs(id, CHALLENGER);
        playOut(game, faulty, honestExecution(), 0);
        IDisputes.Claim memory c = disputes.claimOf(id);
        assertTrue(c.lost, "the claim is lost");
        assertFalse(disputes.stands(id), "the claim does not stand");
        uint256 bond = disputes.challengeBond(terms);
        assertEq(disputes.credit(CHALLENGER), bond + c.bond / 2, "bond and reward of the challenger");
        assertEq(disputes.credit(CLAIMANT), 0, "nothing for the claimant");
        assertEq(disputes.burned(), c.bond - c.bond / 2, "the rest of the bond is burned");
        assertEq(address(disputes).balance, bond + c.bond, "both bonds are in the contract");
        vm.warp(block.timestamp + 30 days);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        disputes.settle(id);
    }

    // ------------------------------------------------------------ faulty claims, slot by slot

    function test_game_claimLosesIfStateIsWrong() external {
        assertClaimLoses(faultIn(1, SampleRun.W, 0x00400000));
    }

    function test_game_claimLosesIfBatchIsSwapped() external {
        assertClaimLoses(faultIn(2, SampleRun.X, 1));
    }

    function test_game_claimLosesIfFixedTensorIsWrong() external {
        assertClaimLoses(faultIn(0, SampleRun.T, 1));
    }

    function test_game_claimLosesIfMetadataIsWrong() external {
        assertClaimLoses(faultIn(1, SampleRun.META, 1));
    }

    function test_game_claimLosesIfOneBitIsWrong() external {
        assertClaimLoses(faultIn(1, SampleRun.SUM, 0x00400000));
    }

    function test_game_claimLosesIfFoldIsWrong() external {
        assertClaimLoses(faultIn(0, SampleRun.NORM, 0x00400000));
    }

    function test_game_claimLosesIfScaleIsWrong() external {
        assertClaimLoses(faultIn(2, SampleRun.CLIP, 0x00400000));
    }

    function test_game_claimLosesIfUpdateIsWrong() external {
        assertClaimLoses(faultIn(2, SampleRun.NEXT, 0x80000000));
    }

    function test_game_claimLosesIfRootIsNotComposedFromTrace() external {
        assertClaimLoses(faultIn(1, SampleRun.LAST, 1));
    }

    function test_game_claimLosesIfStepIsSkipped() external {
        SampleRun.Execution memory faulty = honestExecution();
        SampleRun.Step memory skipped = faulty.steps[1];
        skipped.roots[SampleRun.LAST] = skipped.before;
        faulty.steps[2] = faulty.steps[1];
        for (uint256 i = 1; i < 3; ++i) {
            faulty.steps[i].leaves[SampleRun.LAST] = sha256(bytes.concat(hex"00", skipped.before));
            faulty.stepLeaves[i] = faulty.steps[i].leaves[SampleRun.LAST];
        }
        faulty.root = Trees.root(faulty.stepLeaves);
        assertClaimLoses(faulty);
    }

    function test_timeout_claimLosesIfTraceIsWithheld() external {
        uint256 id = claimRoot(keccak256("no trace has this root"));
        uint256 game = challengeAs(id, CHALLENGER);
        vm.warp(block.timestamp + BUDGET);
        vm.expectRevert(IDisputes.StillInTime.selector);
        disputes.timeout(game);
        vm.warp(block.timestamp + 1);
        disputes.timeout(game);
        assertTrue(disputes.claimOf(id).lost, "the silent claimant loses");
    }

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_game_faultyClaimLoses(uint256 step, uint256 slot, uint256 element, uint32 mask)
        external
    {
        SampleRun.Fault memory fault = SampleRun.Fault(
            step % SampleRun.STEPS, slot % SampleRun.SLOTS, element, mask | uint32(1) << (mask % 32)
        );
        SampleRun.Execution memory faulty = SampleRun.execute(fault);
        // The rest of the step may round the fault away; then the claim is correct.
        vm.assume(faulty.root != honestExecution().root);
        assertClaimLoses(faulty);
    }

    // ------------------------------------------------------------ false challenges

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_game_honestClaimBeatsAnyChallenger(uint256 seed) external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 id = claimRoot(honest.root);
        uint256 game = challengeAs(id, CHALLENGER);
        playOut(game, honest, honest, bound(seed, 1, type(uint256).max));
        assertFalse(disputes.claimOf(id).lost, "the honest claim is not lost");
        assertEq(
            disputes.credit(CLAIMANT),
            disputes.challengeBond(terms),
            "the challenger's bond goes to the claimant"
        );
        vm.warp(block.timestamp + WINDOW + 1);
        disputes.settle(id);
        assertTrue(disputes.stands(id), "the claim stands");
        uint256 had = CLAIMANT.balance;
        vm.prank(CLAIMANT);
        disputes.withdraw();
        assertEq(
            CLAIMANT.balance,
            had + disputes.challengeBond(terms) + disputes.claimBond(terms),
            "both bonds are withdrawn"
        );
        vm.expectRevert(IDisputes.NothingToWithdraw.selector);
        vm.prank(CLAIMANT);
        disputes.withdraw();
        assertEq(address(disputes).balance, 0, "the contract is empty");
    }

    function test_game_honestClaimBeatsFaultInEverySlot() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 id = claimRoot(honest.root);
        // One game for each slot, in which the challenger has computed that slot wrongly.
        for (uint256 slot; slot < SampleRun.SLOTS; ++slot) {
            SampleRun.Execution memory wrong = faultIn(slot % 3, slot, 0x00400000);
            uint256 game = challengeAs(id, CHALLENGER);
            playOut(game, honest, wrong, 0);
            assertFalse(disputes.claimOf(id).lost, "the honest claim is not lost");
        }
        assertEq(
            disputes.credit(CLAIMANT),
            SampleRun.SLOTS * disputes.challengeBond(terms),
            "one bond for each game"
        );
    }

    // ------------------------------------------------------------ many challengers

    function test_timeout_otherGamesContinueIfOneChallengerLoses() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 id = claimRoot(faulty.root);
        uint256 silentGame = challengeAs(id, OTHER_CHALLENGER);
        uint256 honestGame = challengeAs(id, CHALLENGER);
        // The other challenger, perhaps one that colludes with the claimant, never answers.
        claimantMoves(silentGame, disputes.gameOf(silentGame), faulty);
        claimantMoves(honestGame, disputes.gameOf(honestGame), faulty);
        vm.warp(block.timestamp + BUDGET);
        challengerMoves(honestGame, disputes.gameOf(honestGame), faulty, honestExecution(), 0);
        vm.warp(block.timestamp + 1);
        disputes.timeout(silentGame);
        assertFalse(disputes.claimOf(id).lost, "the claim survives a lost game");
        vm.expectRevert(IDisputes.GamesLive.selector);
        disputes.settle(id);
        playOut(honestGame, faulty, honestExecution(), 0);
        assertTrue(disputes.claimOf(id).lost, "the other game continues and the claim is lost");
    }

    function test_release_returnsBondIfClaimIsLost() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 id = claimRoot(faulty.root);
        uint256 first = challengeAs(id, CHALLENGER);
        uint256 second = challengeAs(id, OTHER_CHALLENGER);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.release(second);
        playOut(first, faulty, honestExecution(), 0);
        assertFalse(claimantMoves(second, disputes.gameOf(second), faulty), "no move after the claim is lost");
        vm.warp(block.timestamp + 30 days);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.timeout(second);
        disputes.release(second);
        // The second challenger made one of six moves. Rounding leaves nothing of the reward over.
        uint256 reward = disputes.claimBond(terms) / 2;
        assertEq(
            disputes.credit(OTHER_CHALLENGER),
            disputes.challengeBond(terms) + reward - reward * 5 / 6,
            "bond and share of the second challenger"
        );
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.release(second);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.timeout(first);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        this.challengeExternally(id);
        assertEq(disputes.claimOf(id).liveGames, 0, "no live games");
    }

    function challengeExternally(uint256 id) external {
        challengeAs(id, CHALLENGER);
    }

    // ------------------------------------------------------------ time

    function test_settle_revertsUntilWindowIsOver() external {
        uint256 id = claimRoot(honestExecution().root);
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        disputes.settle(id);
        vm.warp(block.timestamp + 1);
        uint256 bond = disputes.challengeBond(terms);
        vm.deal(address(this), bond);
        vm.expectRevert(IDisputes.WindowClosed.selector);
        disputes.challenge{value: bond}(id, terms);
        disputes.settle(id);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        disputes.settle(id);
        assertEq(disputes.credit(CLAIMANT), disputes.claimBond(terms), "the bond is credited once");
    }

    function test_reveal_revertsIfOutOfTime() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        vm.warp(block.timestamp + BUDGET + 1);
        assertFalse(claimantMoves(game, disputes.gameOf(game), honest), "reveal is too late");
        disputes.timeout(game);
        assertGt(disputes.credit(CHALLENGER), 0, "the challenger is paid");
    }

    function test_clock_runsForSideToMove() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        vm.warp(block.timestamp + 1000);
        claimantMoves(game, disputes.gameOf(game), honest);
        assertEq(disputes.gameOf(game).clock.claimantLeft, BUDGET - 1000, "the claimant's clock runs");
        assertEq(disputes.gameOf(game).clock.challengerLeft, BUDGET, "the challenger's clock stands still");
        vm.warp(block.timestamp + 500);
        challengerMoves(game, disputes.gameOf(game), honest, honest, 0);
        assertEq(disputes.gameOf(game).clock.challengerLeft, BUDGET - 500, "the challenger's clock runs");
    }

    function test_clock_extendsTimeAfterLastSecondMove() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        vm.warp(block.timestamp + BUDGET);
        claimantMoves(game, disputes.gameOf(game), honest);
        vm.warp(block.timestamp + BUDGET);
        challengerMoves(game, disputes.gameOf(game), honest, honest, 0);
        assertEq(disputes.gameOf(game).clock.claimantLeft, EXTENSION, "the claimant's time is extended");
        // The claimant opens the step and reveals nodes of its trace. The challenger had no time left either.
        claimantMoves(game, disputes.gameOf(game), honest);
        claimantMoves(game, disputes.gameOf(game), honest);
        assertEq(disputes.gameOf(game).clock.challengerLeft, EXTENSION, "the challenger's time is extended");
    }

    /// @dev Every move is made in its last second.
    function test_maxSeconds_boundsSlowestGame() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 began = block.timestamp;
        uint256 id = claimRoot(honest.root);
        vm.warp(block.timestamp + WINDOW);
        uint256 game = challengeAs(id, CHALLENGER);
        while (!isOver(game)) {
            IDisputes.Game memory g = disputes.gameOf(game);
            vm.warp(g.clock.since + (g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft));
            assertTrue(playMove(game, honest, honest, 7), "a move in the last second");
        }
        assertLe(block.timestamp - began, disputes.maxSeconds(terms), "within maxSeconds");
    }

    // ------------------------------------------------------------ commitments

    function test_reveal_revertsIfNodesDoNotHash() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(honest.stepLeaves, 0, SampleRun.STEPS, 4);
        nodes[0] ^= bytes32(uint256(1));
        vm.expectRevert(IDisputes.DoesNotHash.selector);
        vm.prank(CLAIMANT);
        disputes.reveal(game, nodes);
    }

    function test_pick_revertsIfNodesWereNotRevealed() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        claimantMoves(game, disputes.gameOf(game), honest);
        bytes32[] memory nodes = Trees.frontier(honest.stepLeaves, 0, SampleRun.STEPS, 4);
        nodes[2] ^= bytes32(uint256(1));
        vm.expectRevert(IDisputes.NotAsCommitted.selector);
        vm.prank(CHALLENGER);
        disputes.pick(game, 2, nodes);
    }

    /// @dev Each level is bound to the one above: correct traces of other steps do not help a faulty
    /// claimant.
    function test_game_claimLosesIfNoTraceGivesRoot() external {
        SampleRun.Execution memory faulty = honestExecution();
        // The claimed root after step 1 comes from no trace. The claimant can only show the honest trace of
        // step 1.
        faulty.stepLeaves[1] = sha256(bytes.concat(hex"00", keccak256("no trace has this root")));
        faulty.root = Trees.root(faulty.stepLeaves);
        assertClaimLoses(faulty);
    }

    function test_game_claimLosesIfStepStartsFromOlderState() external {
        // Step 1 is computed correctly, but from the checkpoint before step 0.
        SampleRun.Execution memory faulty = honestExecution();
        faulty.steps[1] = honestExecution().steps[0];
        faulty.stepLeaves[1] = faulty.steps[1].leaves[SampleRun.LAST];
        faulty.root = Trees.root(faulty.stepLeaves);
        assertClaimLoses(faulty);
    }

    function test_challenge_revertsIfTermsDiffer() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 id = claimRoot(honest.root);
        uint256 bond = disputes.challengeBond(terms);
        IDisputes.Terms memory other = terms;
        other.initial = keccak256("another");
        vm.deal(address(this), bond);
        vm.expectRevert(IDisputes.NotAsCommitted.selector);
        disputes.challenge{value: bond}(id, other);
    }

    function test_claimAndChallenge_revertIfBondIsNotExact() external {
        uint256 bond = disputes.claimBond(terms);
        vm.deal(address(this), 10 * bond);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongBond.selector, bond));
        disputes.claim{value: bond - 1}(terms, bytes32(0));
        uint256 id = claimRoot(bytes32(0));
        bond = disputes.challengeBond(terms);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongBond.selector, bond));
        disputes.challenge{value: bond + 1}(id, terms);
    }

    function test_revealAndPick_revertIfSenderIsNotToMove() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(honest.stepLeaves, 0, SampleRun.STEPS, 4);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        disputes.reveal(game, nodes);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        vm.prank(CHALLENGER);
        disputes.pick(game, 0, nodes);
        vm.prank(CLAIMANT);
        disputes.reveal(game, nodes);
        vm.expectRevert(IDisputes.NotYourMove.selector);
        vm.prank(CLAIMANT);
        disputes.pick(game, 0, nodes);
    }

    /// @dev Opens a game against a faulty claim and plays it up to a phase.
    function playTo(IDisputes.Phase phase, SampleRun.Execution memory faulty) private returns (uint256 game) {
        game = challengeAs(claimRoot(faulty.root), CHALLENGER);
        SampleRun.Execution memory honest = honestExecution();
        while (disputes.gameOf(game).phase != phase) {
            assertTrue(playMove(game, faulty, honest, 0), "a move");
        }
    }

    /// @dev The claimant's move reverts and leaves the phase as it was.
    function assertMoveReverts(uint256 game, bytes memory move) private {
        IDisputes.Phase phase = disputes.gameOf(game).phase;
        assertFalse(_send(CLAIMANT, move), "the move reverts");
        assertTrue(disputes.gameOf(game).phase == phase, "the phase is unchanged");
    }

    /// @dev A faulty claimant shows the judge operands that would make its element correct.
    function test_judge_revertsIfOperandsAreNotInTrace() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Judge, faulty);
        SampleRun.Step memory place = faulty.steps[1];
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.SUM];
        // With w = the claimed sum and x = 0 the claimed sum would be correct.
        place.tensors[SampleRun.W] = place.tensors[SampleRun.SUM];
        place.tensors[SampleRun.X] = new bytes(4 * SampleRun.LENGTH);
        IDisputes.Opening[] memory openings = openingsOf(place, slot);
        IDisputes.Input[] memory inputs = inputsOf(place, slot);
        assertMoveReverts(game, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
        inputs[0].root = SampleRun.tensorRoot(place.tensors[SampleRun.W]);
        inputs[1].root = SampleRun.tensorRoot(place.tensors[SampleRun.X]);
        assertMoveReverts(game, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
        // Another slot of the program is not the disputed one.
        IDisputes.Slot memory other = SampleRun.slots()[SampleRun.NEXT];
        assertMoveReverts(
            game,
            abi.encodeCall(
                IDisputes.judge, (game, terms, other, inputsOf(place, other), openingsOf(place, other))
            )
        );
    }

    function test_openLeaf_revertsIfLeafIsNotInTensor() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Leaf, faulty);
        bytes memory correct = Trees.leafData(honestExecution().steps[1].tensors[SampleRun.SUM], 1);
        assertMoveReverts(game, abi.encodeCall(IDisputes.openLeaf, (game, correct)));
        assertMoveReverts(
            game, abi.encodeCall(IDisputes.openLeaf, (game, bytes.concat(correct, hex"00000000")))
        );
    }

    function test_postFold_revertsIfSumDiffersFromElement() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.NORM, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Fold, faulty);
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.NORM];
        uint32[] memory correct = SampleRun.accumulators(faulty.steps[1], slot, 0);
        assertMoveReverts(game, abi.encodeCall(IDisputes.postFold, (game, slot, correct)));
    }

    /// @dev The claimant shows the slot with another tensor, or another slot with the disputed tensor.
    function test_openSlot_revertsIfTensorIsOfOtherSlot() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Slot, faulty);
        IDisputes.Input[] memory none;
        bytes32[] memory proof = Trees.proof(SampleRun.slotLeaves(), SampleRun.SUM);
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.SUM];
        bytes32 tensor = honestExecution().steps[1].roots[SampleRun.SUM];
        assertMoveReverts(game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none)));
        proof = Trees.proof(SampleRun.slotLeaves(), SampleRun.NORM);
        slot = SampleRun.slots()[SampleRun.NORM];
        tensor = faulty.steps[1].roots[SampleRun.SUM];
        assertMoveReverts(game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none)));
    }

    /// @dev The claimant proves that the data of step 0 are in the run's data. The dispute is about step 1.
    function test_openSlot_revertsIfDataIsOfOtherStep() external {
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.X, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Slot, faulty);
        IDisputes.Input[] memory inputs = new IDisputes.Input[](1);
        inputs[0].proof = Trees.proof(SampleRun.dataLeaves(), 0);
        bytes32[] memory proof = Trees.proof(SampleRun.slotLeaves(), SampleRun.X);
        bytes32 tensor = faulty.steps[1].roots[SampleRun.X];
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.X];
        assertMoveReverts(
            game, abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, inputs))
        );
    }

    /// @dev The trace has to end in the claimed root, and the step has to start from the root before it.
    function test_openStep_revertsIfRootOrTraceDiffers() external {
        SampleRun.Execution memory honest = honestExecution();
        SampleRun.Execution memory faulty = faultIn(1, SampleRun.SUM, 0x00400000);
        uint256 game = playTo(IDisputes.Phase.Step, faulty);
        SampleRun.Step memory own = faulty.steps[1];
        SampleRun.Step memory other = honest.steps[1];
        bytes32[] memory before = Trees.proof(faulty.stepLeaves, 0);
        bytes32[] memory last = Trees.proof(other.leaves, SampleRun.LAST);
        bytes32 afterwards = own.roots[SampleRun.LAST];
        bytes32 trace = Trees.root(other.leaves);
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, afterwards, own.before, before, trace, last));
        assertMoveReverts(game, move);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, other.roots[SampleRun.LAST], own.before, before, trace, last)
        );
        assertMoveReverts(game, move);
        last = Trees.proof(own.leaves, SampleRun.LAST);
        trace = Trees.root(own.leaves);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, other.roots[SampleRun.LAST], own.before, before, trace, last)
        );
        assertMoveReverts(game, move);
        move = abi.encodeCall(
            IDisputes.openStep, (game, terms, afterwards, honest.steps[0].before, before, trace, last)
        );
        assertMoveReverts(game, move);
    }

    function test_claim_revertsIfTermsAreInvalid() external {
        IDisputes.Terms memory bad = terms;
        bad.steps = 0;
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim(bad, bytes32(0));
        bad.steps = 3;
        bad.slots = 1;
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim(bad, bytes32(0));
    }

    /// @dev Also in trees that are deeper than one reveal, the descent ends at the leaf that the challenger
    /// aims at.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_pick_reachesChosenLeaf(uint256 size, uint256 leaf) external {
        size = bound(size, 1, 300);
        leaf %= size;
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(i));
        }
        terms.steps = uint32(size);
        uint256 game = challengeAs(claimRoot(Trees.root(leaves)), CHALLENGER);
        IDisputes.Game memory g = disputes.gameOf(game);
        while (g.phase == IDisputes.Phase.Steps) {
            bytes32[] memory nodes = Trees.frontier(leaves, g.first, g.size, 4);
            assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
            uint256 index;
            while (true) {
                (uint256 first, uint256 count) = Merkle.part(g.size, 4, index);
                if (g.first + first + count > leaf) break;
                ++index;
            }
            assertTrue(_send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, index, nodes))), "picked");
            g = disputes.gameOf(game);
        }
        assertEq(g.step, leaf, "step");
        assertEq(g.node, leaves[leaf], "leaf hash");
    }
}
